//! `engines`: what is configured and reachable.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::engine::Endpoint;
use crate::engine::address::Address;
use crate::report::console::{Ink, clean, counted, paint};
use crate::report::exit;
use crate::seats::USUAL_SOCKET;
use crate::session::Desk;

/// Arguments of `engines`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  divergence engines\n  divergence engines --format json")]
pub struct EnginesArgs {}

/// Tells which engines there are. Exit code 3 when a configured one cannot be asked.
pub fn engines(_args: &EnginesArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let desk = Desk::open(&store)?;
    let mut endpoints: Vec<(String, Result<Endpoint, String>)> = Vec::new();
    if !desk.configured.contains_key("docker") {
        let docker = match &desk.docker_host {
            Some(host) => host.parse::<Address>().map(Endpoint::new).map_err(|error| error.to_string()),
            None => Ok(Endpoint::new(Address::Unix(USUAL_SOCKET.into()))),
        };
        endpoints.push(("docker".to_owned(), docker));
    }
    endpoints.extend(desk.configured.iter().map(|(name, config)| (name.clone(), Ok(config.endpoint()))));
    let mut code = exit::FINE;
    let mut told = Vec::new();
    for (name, endpoint) in endpoints {
        let address = endpoint.as_ref().map_or(String::new(), |endpoint| endpoint.address.to_string());
        let identified = endpoint.and_then(|endpoint| {
            desk.runtime.block_on(endpoint.identify()).map_err(|error| error.to_string())
        });
        let word = match &identified {
            Ok(_) => paint("answers", Ink::Good, output.colour),
            Err(_) => paint("silent", Ink::Bad, output.colour),
        };
        match identified {
            Ok(engine) => {
                let row = json!({"name": name, "address": address, "identity": engine.identity,
                    "release": engine.release, "kind": engine.kind, "reachable": true});
                if !output.json {
                    writeln!(output.out, "{word}  {name}  {engine}  {address}")?;
                }
                told.push(row);
            }
            Err(error) => {
                if desk.configured.contains_key(&name) {
                    code = exit::ERRS;
                }
                if !output.json {
                    writeln!(output.out, "{word}   {name}  {}", clean(&error))?;
                }
                told.push(json!({"name": name, "address": address, "reachable": false, "reason": error}));
            }
        }
    }
    let files = store.snapshot_files()?;
    for folder in store.snapshot_folders()? {
        let count = files.iter().filter(|file| file.folder == folder).count();
        if !output.json {
            writeln!(output.out, "recorded:{folder}  {}", counted(count, "snapshot"))?;
        }
        told.push(json!({"name": format!("recorded:{folder}"), "snapshots": count, "reachable": true}));
    }
    if !output.json && desk.configured.is_empty() {
        writeln!(output.out, "no engines.toml; `divergence schema engines` describes it")?;
    }
    if output.json {
        output.json(&json!({"format": 1, "engines": told}))?;
    }
    output.out.flush()?;
    Ok(code)
}
