//! A candidate that misbehaves in every way known: each becomes a clear outcome within its deadline,
//! the program stays small and alive, and scenarios beside it know nothing of it.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod hostile {
    pub mod engine;
    pub mod project;
    pub mod ways;
}

use std::sync::atomic::Ordering;
use std::time::Duration;

use hostile::engine::{self, Way};
use hostile::project::{Project, Ran};
use serde_json::Value;

/// The most that one exchange may take: its deadline is two seconds, and the machine may be busy.
const LONGEST: Duration = Duration::from_secs(8);
/// What the process may use at most, with sixteen cases at a time.
const MOST_MEMORY_KB: u64 = 600 * 1024;

/// How an answer shows: its status, how it failed, how its stream ended.
fn seen(tree: &Value) -> String {
    let mut words = Vec::new();
    words.extend(tree.get("status").map(Value::to_string));
    words.extend(tree.get("failure").and_then(Value::as_str).map(str::to_owned));
    words.extend(tree.get("end").and_then(Value::as_str).map(|end| format!("end {end}")));
    words.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_misbehave_is_a_clear_outcome() {
    let elsewhere = engine::start(Vec::new()).await;
    let candidate = engine::start(hostile::ways::all(&elsewhere.address)).await;
    let reference = engine::start(Vec::new()).await;
    let mut ways: Vec<Way> = hostile::ways::all(&elsewhere.address);
    assert!(ways.len() >= 60, "{} ways", ways.len());
    if let Ok(only) = std::env::var("HOSTILE_WAYS") {
        ways.retain(|way| only.split(',').any(|name| way.name.contains(name)));
    }
    let project = Project::of(ways.iter().map(|way| way.name));
    let ran = tokio::task::spawn_blocking(move || {
        let addresses = [reference.address, candidate.address].map(|address| format!("tcp://{address}"));
        let arguments = ["run", "--reference", &addresses[0], "--candidate", &addresses[1], "--jobs", "16"];
        (project.run(&arguments), project)
    });
    let (ran, project) = ran.await.unwrap();
    let Ran { code, stdout, stderr, most_memory_kb, took } = &ran;
    println!("{} ways in {took:?}, at most {} MB at once", ways.len(), most_memory_kb / 1024);
    assert!(matches!(code, Some(1 | 3)), "{code:?}\n{stdout}\n{stderr}");
    let mut wrong = Vec::new();
    for way in &ways {
        let case = project.case(way.name);
        for (step, expected) in ["request", "raw", "stream"].into_iter().zip(way.seen) {
            let found = seen(case.get(step).unwrap_or(&Value::Null));
            if !expected.split('|').any(|one| one == found) {
                wrong.push(format!("{}/{step}: {found:?} where {expected:?} is due", way.name));
            }
        }
        if case.get("after").map(seen).as_deref() != Some("200") {
            wrong.push(format!("{}/after: {:?}", way.name, case.get("after")));
        }
    }
    assert!(wrong.is_empty(), "{}\n{stderr}", wrong.join("\n"));
    assert_eq!(*code, Some(1), "{stdout}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!stdout.contains(['\x1b', '\x07', '\0']) && !stderr.contains(['\x1b', '\x07', '\0']));
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0, "no redirect is followed");
    let verdicts = project.verdicts();
    assert!(project.good().iter().all(|good| verdicts[good] == "conforms"), "{verdicts:?}");
    assert!(ways.iter().all(|way| verdicts[way.name] == "fails"), "{verdicts:?}");
    assert!(*most_memory_kb < MOST_MEMORY_KB, "{most_memory_kb} kB");
    assert!(project.slowest() < LONGEST, "{:?} in a run of {took:?}", project.slowest());
}

/// Runs a command of a shell with the program as `$DIVERGENCE` and the project as `$ROOT`.
fn shell(project: &Project, script: &str) -> std::process::Output {
    std::process::Command::new("bash")
        .args(["-c", script])
        .env("DIVERGENCE", env!("CARGO_BIN_EXE_divergence"))
        .env("ROOT", project.path(""))
        .env_remove("DOCKER_HOST")
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_leaves_files_whole_or_absent() {
    let [reference, candidate] = [engine::start(Vec::new()).await, engine::start(Vec::new()).await];
    let project = Project::of(std::iter::empty());
    let recorded = "snapshots/docker-20.10/containers/good-1@1.24.snap";
    let run = format!("run --reference tcp://{} --candidate tcp://{}", reference.address, candidate.address);
    let record = format!("record tcp://{}", reference.address);
    let output = tokio::task::spawn_blocking(move || {
        let fine = shell(&project, &format!("$DIVERGENCE --root $ROOT {record}"));
        assert!(fine.status.success(), "{fine:?}");
        let before = std::fs::read_to_string(project.path(recorded)).unwrap();
        // No file may grow past a few blocks, which a program sees as it sees a full disk.
        let full = |command: &str| {
            let script =
                format!("trap '' XFSZ; ulimit -f 1; exec $DIVERGENCE --root $ROOT {command} 2>&1 | cat");
            shell(&project, &format!("set -o pipefail; {script}"))
        };
        project.write(
            "suites/containers/scenarios/good-1.toml",
            "title = \"New\"\n[[steps]]\nid = \"a\"\nrequest = \"GET /info\"\n",
        );
        let outputs = [full(&run), full(&format!("{record} good-1"))];
        let kept = std::fs::read_to_string(project.path(recorded)).unwrap();
        assert!(kept == before || kept.ends_with("]\n"), "{kept}");
        for folder in [".divergence/last", "snapshots"] {
            for file in divergence::store::files_below(&project.path(folder), "").unwrap() {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                assert!(!name.starts_with('.'), "{} is left", file.display());
                let text = std::fs::read_to_string(&file).unwrap();
                assert!(text.ends_with("}\n") || text.ends_with("]\n"), "{} is cut", file.display());
            }
        }
        outputs
    });
    let [ran, _] = output.await.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(told.contains("File too large"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    assert!(matches!(ran.status.code(), Some(2 | 3)), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_takes_nothing_is_told() {
    let [reference, candidate] = [engine::start(Vec::new()).await, engine::start(Vec::new()).await];
    let project = Project::of(std::iter::empty());
    let run = format!("run --reference tcp://{} --candidate tcp://{}", reference.address, candidate.address);
    let output = tokio::task::spawn_blocking(move || {
        shell(&project, &format!("$DIVERGENCE --root $ROOT {run} > /dev/full"))
    });
    let output = output.await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("No space left") && !told.contains("panicked"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_goes_away_is_no_difference() {
    let reference = engine::start(Vec::new()).await;
    let candidate = engine::start_for(20).await;
    let project = Project::of(std::iter::empty());
    let addresses = [reference.address, candidate.address].map(|address| format!("tcp://{address}"));
    let ran = tokio::task::spawn_blocking(move || {
        let run =
            project.run(&["run", "--reference", &addresses[0], "--candidate", &addresses[1], "--jobs", "1"]);
        (run, project.verdicts())
    });
    let (Ran { code, stdout, stderr, .. }, verdicts) = ran.await.unwrap();
    assert_eq!(code, Some(3), "{stdout}\n{stderr}");
    let count = |word: &str| verdicts.values().filter(|verdict| *verdict == word).count();
    assert!(count("conforms") >= 1 && count("errs") >= 1, "{verdicts:?}");
    assert_eq!(count("conforms") + count("errs"), verdicts.len(), "{verdicts:?}");
    assert!(stdout.contains("connect to tcp://"), "{stdout}");
}
