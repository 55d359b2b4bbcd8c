//! `engines`: what is configured and reachable.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::engine::address::Address;
use crate::engine::docker_cli::Choice;
use crate::engine::{Endpoint, EngineError};
use crate::report::console::{Ink, clean, counted, paint};
use crate::report::exit;
use crate::session::Desk;

/// Arguments of `engines`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  divergence engines\n  divergence engines --format json")]
pub struct EnginesArgs {}

/// Tells which engines there are. Exit code 3 when a configured one cannot be asked.
pub fn engines(_args: &EnginesArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let desk = Desk::open(&store)?;
    let endpoints = endpoints(&desk);
    let mut code = exit::FINE;
    let mut told = Vec::new();
    for Named { name, endpoint, why } in endpoints {
        let address = endpoint.as_ref().map_or(String::new(), |endpoint| endpoint.address.to_string());
        let notes = [unverified(&endpoint), why].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let identified = endpoint.and_then(|endpoint| desk.runtime.block_on(endpoint.identify()));
        let identified = identified.map_err(|error| error.to_string());
        let word = match &identified {
            Ok(_) => paint("answers", Ink::Good, output.colour),
            Err(_) => paint("silent", Ink::Bad, output.colour),
        };
        match identified {
            Ok(engine) => {
                let row = json!({"name": name, "address": address, "identity": engine.identity,
                    "release": engine.release, "kind": engine.kind, "reachable": true, "notes": notes});
                if !output.json {
                    let notes = if notes.is_empty() { notes } else { format!("  ({})", clean(&notes)) };
                    writeln!(output.out, "{word}  {name}  {engine}  {address}{notes}")?;
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
                told.push(json!({"name": name, "address": address, "reachable": false,
                    "reason": error, "notes": notes}));
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

/// An engine that could be asked.
struct Named {
    name: String,
    endpoint: Result<Endpoint, EngineError>,
    /// What chose it, where that is not its name.
    why: Option<String>,
}

/// What `docker` means here, the entries of engines.toml and the docker contexts.
fn endpoints(desk: &Desk) -> Vec<Named> {
    let mut found = Vec::new();
    if !desk.configured.contains_key("docker") {
        let (endpoint, why) = match desk.docker_cli.choice() {
            Ok(Choice { address, why }) => (Ok(Endpoint::new(address)), Some(format!("by {why}"))),
            Err(error) => (Err(error), None),
        };
        found.push(Named { name: "docker".to_owned(), endpoint, why });
    }
    let configured = desk.configured.iter();
    found.extend(configured.map(|(name, endpoint)| Named {
        name: name.clone(),
        endpoint: Ok(endpoint.clone()),
        why: None,
    }));
    found.extend(desk.docker_cli.contexts().into_iter().map(|context| Named {
        endpoint: desk.docker_cli.context(&context).map(Endpoint::new),
        name: format!("context:{context}"),
        why: None,
    }));
    found
}

fn unverified(endpoint: &Result<Endpoint, EngineError>) -> Option<String> {
    match endpoint {
        Ok(Endpoint { address: Address::Tls(tls), .. }) if !tls.is_verified() => {
            Some("the server is not verified".to_owned())
        }
        Ok(_) | Err(_) => None,
    }
}
