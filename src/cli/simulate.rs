//! `simulate`: serves the simulator for other clients.

use std::io::Write as _;
use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::run::seat_error;
use super::{CliError, Common};
use crate::report::console::{Ink, paint};
use crate::report::exit;
use crate::seats::Choosing;
use crate::session::Desk;
use crate::simulator::{Simulator, behaviours};

/// Arguments of `simulate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence simulate\n  DOCKER_HOST=tcp://127.0.0.1:2375 DOCKER_API_VERSION=1.21 docker ps\n  divergence simulate --release 0.3 --without exit-status-differs\n  divergence simulate --list"
)]
pub struct SimulateArgs {
    /// Where to listen; stays on this machine unless told otherwise
    #[arg(long, default_value = "127.0.0.1:2375")]
    listen: SocketAddr,
    /// The release that it answers as
    #[arg(long)]
    release: Option<String>,
    /// Switch a behaviour off (repeatable)
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// The world, from suites/suite.toml
    #[arg(long, default_value = "default")]
    world: String,
    /// Take the times that a data center takes
    #[arg(long)]
    latency: bool,
    /// Only list the behaviours
    #[arg(long)]
    list: bool,
}

/// Serves until Ctrl-C.
pub fn simulate(args: &SimulateArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let desk = Desk::open(&store)?;
    let choosing = Choosing {
        world: args.world.clone(),
        without: args.without.clone(),
        release: args.release.clone(),
        ..Choosing::new(&store, &desk, &loaded.suite.settings.worlds)
    };
    let mut settings = choosing.simulator_settings(args.listen).map_err(seat_error)?;
    if args.list {
        return list(&settings.release, &args.without, output);
    }
    settings.latency = args.latency;
    settings.state = Some(store.state().join("simulator"));
    let cancel = desk.cancel_on_interrupt();
    let release = settings.release.clone();
    let simulator = Simulator::start(settings).map_err(|error| CliError::Engine(error.to_string()))?;
    let address = simulator.address();
    if output.json {
        output.json(&json!({"format": 1, "address": format!("tcp://{address}"), "release": release, "world": args.world}))?;
    } else {
        writeln!(
            output.out,
            "the simulator answers as sdc-docker {release} at tcp://{address}; Ctrl-C ends it"
        )?;
        writeln!(output.out, "it is a stand-in: what it shows is no evidence of what sdc-docker does")?;
        output.out.flush()?;
    }
    desk.runtime.block_on(cancel.cancelled());
    simulator.stop();
    Ok(exit::FINE)
}

fn list(release: &str, without: &[String], output: &mut Output) -> Result<u8, CliError> {
    let is_on = |behaviour: &crate::simulator::Behaviour, id: &str| {
        is_in(behaviour, release) && !without.iter().any(|off| off == id)
    };
    let mut rows = Vec::new();
    for behaviour in behaviours() {
        for id in behaviour.ids {
            let on = is_on(behaviour, id);
            rows.push(json!({"id": id, "title": behaviour.title, "since": behaviour.since,
                "until": behaviour.until, "on": on}));
            if !output.json {
                let word = if on { paint("on ", Ink::Good, output.colour) } else { "off".to_owned() };
                writeln!(output.out, "{word}  {id}  {}", behaviour.title)?;
            }
        }
    }
    if output.json {
        output.json(&json!({"format": 1, "release": release, "behaviours": rows}))?;
    }
    output.out.flush()?;
    Ok(exit::FINE)
}

/// Whether a release shows the behaviour.
fn is_in(behaviour: &crate::simulator::Behaviour, release: &str) -> bool {
    let bounds = match behaviour.until {
        Some(until) => format!(">={}, <{until}", behaviour.since),
        None => format!(">={}", behaviour.since),
    };
    let release = release.parse::<crate::version::Version>();
    release
        .is_ok_and(|release| bounds.parse::<crate::version::Range>().is_ok_and(|range| range.holds(&release)))
}
