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
