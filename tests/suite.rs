//! Every case as a test that `cargo test` and `cargo nextest` list and filter by name, replaying
//! the committed snapshots of both sides; one more runs the binary live over the whole suite.

#![expect(clippy::print_stderr, reason = "what is left out is said loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use divergence::case::schedule::Planned;
use divergence::case::{Asking, Seat, Session, Source};
use divergence::engine::docker_cli::USUAL_SOCKET;
use divergence::report::console::one_line;
use divergence::run::cancel::Cancel;
use divergence::run::turns::Turns;
use divergence::session::deadlines;
use divergence::store::{Loaded, Store};
use divergence::verdict::VerdictKind;
use libtest_mimic::{Arguments, Failed, Trial};

/// The folder of the reference that every folder of a simulator is held against.
const REFERENCE: &str = "docker-20.10";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = Store::find(Some(root), root, None).and_then(|store| Ok((store.load()?, store)));
    let mut trials = vec![
        Trial::test("live::the_whole_suite", || live("docker", &["--candidate", "simulator"], 0)),
        Trial::test("live::times_in_snapshots_are_not_held_against_those_of_today", || {
            live("docker", &["--candidate", "recorded:simulator-0.7", "performance/management-calls"], 4)
        }),
        Trial::test("live::what_changes_an_engine_as_a_whole", || {
            live("host:docker", &["--candidate", "simulator", "swarm/"], 0)
        }),
        Trial::test("live::every_other_world", live_worlds),
    ];
    match loaded {
        Ok((loaded, store)) => trials.extend(replays(Arc::new(loaded), Arc::new(store))),
        Err(error) => {
            let error = error.to_string();
            trials.push(Trial::test("the_suite_loads", move || Err(Failed::from(error))));
        }
    }
    if !is_live_possible() {
        eprintln!("left out: live::*, no Docker Engine answers on {USUAL_SOCKET}");
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn replays(loaded: Arc<Loaded>, store: Arc<Store>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for candidate in simulators(&store) {
        for scenario in &loaded.suite.scenarios {
            for api in &scenario.api {
                let planned = Planned { scenario, api };
                // A further world has only the cases in which it shows.
                let is_whole = !candidate.contains('+');
                if !is_whole && matches!(store.snapshot(&candidate, &planned.case()), Ok(None)) {
                    continue;
                }
                let name = format!("{candidate}::{}@{api}", scenario.id);
                let (loaded, store) = (Arc::clone(&loaded), Arc::clone(&store));
                let (id, api, candidate) = (scenario.id.clone(), api.clone(), candidate.clone());
                trials.push(Trial::test(name, move || {
                    let scenario = loaded.suite.scenarios.iter().find(|each| each.id == id);
                    let planned = Planned { scenario: scenario.ok_or("the scenario is gone")?, api: &api };
                    replay(&loaded, &store, &planned, [REFERENCE, &candidate])
                }));
            }
        }
    }
    trials
}

/// The folders of snapshots in which a simulator answered.
fn simulators(store: &Store) -> Vec<String> {
    let folders = std::fs::read_dir(store.path_of("snapshots")).into_iter().flatten().flatten();
    let names = folders.map(|folder| folder.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("simulator-")).collect();
    names.sort();
    names
}

fn replay(loaded: &Loaded, store: &Store, planned: &Planned<'_>, folders: [&str; 2]) -> Result<(), Failed> {
    let [reference, candidate] = folders.map(|folder| {
        let snapshot = store.snapshot(folder, &planned.case()).map_err(|error| error.to_string())?;
        let engine = snapshot.ok_or_else(|| format!("no snapshot in {folder}: divergence record"))?.engine;
        Ok::<_, String>(Seat {
            name: format!("recorded:{folder}"),
            engine,
            source: Source::Recorded(folder.to_owned()),
        })
    });
    let (reference, candidate) = (reference?, candidate?);
    let session = Session {
        reference: &reference,
        candidate: &candidate,
        null: false,
        divergences: &loaded.suite.divergences,
        asking: Asking {
            rules: &loaded.rules,
            store,
            ledger: None,
            turns: Turns::default(),
            deadlines: deadlines(&loaded.suite.settings),
            cancel: Cancel::default(),
        },
        may_crash: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let verdict = runtime.block_on(session.play(planned, 0)).verdict;
    match verdict.verdict {
        VerdictKind::Conforms | VerdictKind::Diverges => Ok(()),
        VerdictKind::Fails | VerdictKind::Errs | VerdictKind::Skipped => {
            let findings = verdict.findings.iter().filter(|finding| finding.finding.fails());
            let told: Vec<String> = verdict.reason.iter().cloned().chain(findings.map(one_line)).collect();
            Err(format!("{}: {}", verdict.verdict.word(), told.join("\n")).into())
        }
    }
}

fn is_live_possible() -> bool {
    std::os::unix::net::UnixStream::connect(USUAL_SOCKET).is_ok()
}

/// Runs each world that has snapshots of its own, with the cases in which it shows.
fn live_worlds() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let store = Store::find(Some(root), root, None)?;
    let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in store.snapshot_files()? {
        if let Some((_, world)) = file.folder.split_once('+') {
            cases.entry(world.to_owned()).or_default().push(file.case.to_string());
        }
    }
    for (world, cases) in &cases {
        let words = ["--candidate", "simulator", "--world", world].into_iter();
        live("docker", &words.chain(cases.iter().map(String::as_str)).collect::<Vec<_>>(), 0)?;
    }
    Ok(())
}

/// Runs the binary with a stock Docker as the reference, which must end with the exit code.
fn live(reference: &str, words: &[&str], code: i32) -> Result<(), Failed> {
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    if !is_live_possible() {
        return match required {
            true => Err("DIVERGENCE_LIVE=required, but no Docker Engine answers".into()),
            false => Ok(()),
        };
    }
    // Cases that look at the whole host can bear nobody beside them.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let state = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_divergence"))
        .args(["--root", env!("CARGO_MANIFEST_DIR"), "--state"])
        .arg(state.path())
        .args(["run", "--reference", reference])
        .args(words)
        .output()?;
    match output.status.code() == Some(code) {
        true => Ok(()),
        false => Err(format!(
            "{}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}
