//! The simulator against recorded answers of sdc-docker's own code: each recorded request is sent
//! again, raw, and the answer compared with the recorded one, tokens in the place of what differs
//! from run to run. Needs a live Docker.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and say when they are left out"
)]

#[path = "simulator/asking.rs"]
mod asking;
#[path = "simulator/beneath.rs"]
mod beneath;
#[path = "simulator/recorded.rs"]
mod recorded;
#[path = "simulator/tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use beneath::Beneath;
use divergence::simulator::{Settings, Simulator, World};
use recorded::{Exchange, exchanges, reasons, set_up};
use tokens::tokens;

/// The files change one account, as they did when they were recorded: one after the other.
static ACCOUNT: Mutex<()> = Mutex::new(());

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn account() -> MutexGuard<'static, ()> {
    ACCOUNT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The world of a recorded configuration.
fn world(config: &str) -> World {
    let read =
        |name: &str| std::fs::read_to_string(fixtures().join(format!("simulator/{name}.toml"))).unwrap();
    match config {
        "main" => World::parse(&read("default")).unwrap(),
        config => World::parse_over(&read("default"), &read(config)).unwrap(),
    }
}

/// How one answer compares.
enum Outcome {
    Same,
    Differs(String),
    Skipped(String),
}

fn replay(file: &str) {
    let Some(mut beneath) = Beneath::find(&fixtures().join("recordings")) else { return };
    let _alone = account();
    let mut exchanges: Vec<Exchange> = exchanges(&fixtures());
    exchanges.retain(|exchange| exchange.file == file);
    exchanges.sort_by_key(|exchange| exchange.n);
    let mut steps = set_up(&fixtures());
    steps.retain(|step| step.file == file);
    let state = tempfile::tempdir().unwrap();
    let simulator = simulator(&beneath, &exchanges[0].config, state.path());
    beneath.knows(&exchanges, &steps);
    let mut outcomes = BTreeMap::new();
    for exchange in &exchanges {
        while steps.first().is_some_and(|step| step.before <= exchange.n) {
            beneath.set_up(simulator.address(), &steps.remove(0));
        }
        outcomes.insert(exchange.n, compare(&mut beneath, &simulator, exchange));
    }
    simulator.stop();
    beneath.clean();
    judge(file, &outcomes);
}

fn simulator(beneath: &Beneath, config: &str, state: &Path) -> Simulator {
    Simulator::start(Settings {
        release: "0.7".to_owned(),
        without: BTreeSet::new(),
        world: world(config),
        docker: beneath.socket().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        latency: false,
        state: Some(state.to_owned()),
    })
    .unwrap()
}

fn compare(beneath: &mut Beneath, simulator: &Simulator, exchange: &Exchange) -> Outcome {
    if let Some(reason) = &exchange.skip {
        return Outcome::Skipped(reason.clone());
    }
    if let Err(reason) = beneath.prepare(simulator.address(), exchange) {
        return Outcome::Skipped(reason);
    }
    let (request, limit) = beneath.request(exchange);
    // Which processes run at a moment is chance.
    let tries = if exchange.path.ends_with("/top") { 5 } else { 1 };
    let recorded = tokens(&exchange.answer, exchange);
    let mut live = String::new();
    for _ in 0..tries {
        let answer = asking::ask(simulator.address(), &request, limit);
        beneath.learn(exchange, &answer);
        live = tokens(&beneath.as_recorded(answer, exchange), exchange);
        if recorded == live {
            return Outcome::Same;
        }
    }
    let diff = similar::TextDiff::from_lines(&recorded, &live);
    let changes = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    Outcome::Differs(changes.map(|change| format!("    {}{change}", change.tag())).collect())
}

/// Fails where an answer differs or is left out that is not listed, and where the list is stale.
fn judge(file: &str, outcomes: &BTreeMap<u64, Outcome>) {
    let lists = ["differs", "left-out"].map(|list| reasons(&fixtures(), list, file));
    let [differs, left_out] = &lists;
    let (mut same, mut wrong) = (0, Vec::new());
    for (n, outcome) in outcomes {
        match (outcome, differs.get(n), left_out.get(n)) {
            (Outcome::Same, None, None) => same += 1,
            (Outcome::Same, ..) => wrong.push(format!("{n} agrees now, and is listed")),
            (Outcome::Differs(_), Some(reason), None) => println!("{file} {n}: differs, as listed: {reason}"),
            (Outcome::Differs(how), ..) => {
                wrong.push(format!("{n} differs (- recorded, + simulator):\n{how}"))
            }
            (Outcome::Skipped(reason), None, Some(_)) => {
                println!("{file} {n}: left out, as listed: {reason}")
            }
            (Outcome::Skipped(reason), ..) => wrong.push(format!("{n} cannot be replayed: {reason}")),
        }
    }
    let unknown = lists.iter().flat_map(BTreeMap::keys).filter(|n| !outcomes.contains_key(n));
    wrong.extend(unknown.map(|n| format!("{n} is listed, and was not recorded")));
    println!("{file}: {same} of {} answers agree", outcomes.len());
    assert!(wrong.is_empty(), "{file}: {} of {} answers:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}

macro_rules! replayed {
    ($($name:ident $file:literal)*) => {
        $(#[test]
        fn $name() {
            replay($file);
        })*
        const FILES: &[&str] = &[$($file),*];
    };
}

replayed! {
    server "01-server"
    images "02-images"
    create "03-create"
    lifecycle "04-lifecycle"
    list "05-list"
    networks "06-networks"
    volumes "07-volumes"
    streams "08-streams"
    plain_config "09-plain-config"
}

#[test]
fn every_recorded_file_is_replayed() {
    let files: BTreeSet<String> = exchanges(&fixtures()).into_iter().map(|exchange| exchange.file).collect();
    assert_eq!(files, FILES.iter().map(|file| (*file).to_owned()).collect());
}

/// What sdc-docker keeps is kept over a restart of the simulator: what was asked of a container,
/// with which labels, and which exec was made.
#[test]
fn the_state_survives_a_restart() {
    let Some(mut beneath) = Beneath::find(&fixtures().join("recordings")) else { return };
    let _alone = account();
    let state = tempfile::tempdir().unwrap();
    let ask = |beneath: &mut Beneath, simulator: &Simulator, asks: &[&str]| {
        let asks = asks.iter().map(|line| (*line).to_owned()).collect();
        let step = recorded::SetUp { file: String::new(), before: 0, asks, ids: vec![String::new(); 9] };
        beneath.knows(&[], std::slice::from_ref(&step));
        beneath.set_up(simulator.address(), &step)
    };
    let first = simulator(&beneath, "main", state.path());
    let create = r#"POST /v1.24/containers/create?name=kept {"Image": "busybox", "Cmd": ["sleep", "600"], "Labels": {"com.joyent.package": "sample-2G", "a": "b"}, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}}"#;
    let made = ask(
        &mut beneath,
        &first,
        &[
            create,
            "POST /v1.24/containers/kept/start",
            r#"POST /v1.24/containers/kept/exec {"Cmd": ["nosuchcmd"]}"#,
        ],
    );
    let exec: serde_json::Value = serde_json::from_slice(&made[2].body).unwrap();
    let exec = exec["Id"].as_str().unwrap().to_owned();
    first.stop();
    let second = simulator(&beneath, "main", state.path());
    let told = ask(
        &mut beneath,
        &second,
        &[
            "GET /v1.24/containers/kept/json",
            &format!("POST /v1.24/exec/{exec}/start {{}}"),
            "DELETE /v1.24/containers/kept",
        ],
    );
    second.stop();
    let container: serde_json::Value = serde_json::from_slice(&told[0].body).unwrap();
    beneath.clean();
    assert_eq!(container["Config"]["Labels"]["com.joyent.package"], "sample-2G");
    assert_eq!(container["Config"]["Labels"]["a"], "b");
    assert_eq!(container["HostConfig"]["Memory"], 2_u64 << 30);
    assert_eq!(container["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], "80");
    assert_eq!(told[1].status, Some(101));
    assert!(told[1].text().contains("FATAL (code: 17)"), "{}", told[1].text());
    assert_eq!(told[2].status, Some(500), "it runs");
}
