//! Two runs on one Docker are equal once normalised: recordings of Docker 20.10.24, where all
//! ids, names, times and addresses differ, and any noise would be a difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture fails")]

use divergence::compare::compare;
use divergence::exchange::{Bytes, Recording};
use divergence::normalise::{Rules, normalise};
use divergence::scenario::Scenario;
use divergence::snapshot::{Difference, Snapshot, StepSnapshot};
use divergence::suite::{SuiteFiles, load};
use serde_json::Value;

const RULES: &str = include_str!("../suites/normalise.toml");

const RUNS: [[&str; 2]; 2] = [
    [
        include_str!("../fixtures/recordings/docker-20.10@1.21-one.json"),
        include_str!("../fixtures/recordings/docker-20.10@1.21-other.json"),
    ],
    [
        include_str!("../fixtures/recordings/docker-20.10@1.24-one.json"),
        include_str!("../fixtures/recordings/docker-20.10@1.24-other.json"),
    ],
];

/// The steps whose answers are seen through a view; all others need no more than their recording.
const STEPS: &str = r#"
title = "Two runs"
[[steps]]
id = "top"
request = "GET /containers/x/top"
view = { body = "processes" }
[[steps]]
id = "topaux"
request = "GET /containers/x/top?ps_args=aux"
view = { body = "processes" }
[[steps]]
id = "archive"
request = "GET /containers/x/archive?path=/bin/sh"
view = { body = "tar" }
[[steps]]
id = "mounts"
exec = { container = "x", cmd = ["cat", "/proc/mounts"] }
view = { stdout = "mounts" }
[[steps]]
id = "mount"
exec = { container = "x", cmd = ["mount"] }
view = { stdout = "mounts" }
[[steps]]
id = "df"
exec = { container = "x", cmd = ["df"] }
view = { stdout = "mounts" }
[[steps]]
id = "ps"
exec = { container = "x", cmd = ["ps"] }
view = { stdout = "processes" }
[[steps]]
id = "ls"
exec = { container = "x", cmd = ["ls", "-l", "/bin"] }
view = { stdout = "files" }
[[steps]]
id = "lsr"
exec = { container = "x", cmd = ["ls", "-la", "/"] }
view = { stdout = "files" }
[[steps]]
id = "lsdev"
exec = { container = "x", cmd = ["ls", "-l", "/dev"] }
view = { stdout = "files" }
# Its output holds an address amid free text, which no rule hides.
[[steps]]
id = "cat"
exec = { container = "x", cmd = ["cat", "/etc/hosts"] }
compare = ["/create", "/start/status", "/inspect"]
"#;

fn scenario() -> Scenario {
    let files = SuiteFiles {
        scenarios: vec![("suites/area/scenarios/case.toml".to_owned(), STEPS.to_owned())],
        ..Default::default()
    };
    load(&files).unwrap_or_else(|found| panic!("{found:?}")).scenarios.remove(0)
}

fn snapshots(runs: [&str; 2]) -> [Snapshot; 2] {
    let rules = Rules::parse("suites/normalise.toml", RULES).unwrap();
    runs.map(|text| {
        let recording: Recording = serde_json::from_str(text).unwrap();
        normalise(&recording, &scenario(), &rules)
    })
}

fn told(found: &[Difference]) -> Vec<String> {
    let place = |each: &Difference| {
        let side =
            |value: &Option<serde_json::Value>| value.as_ref().map_or("-".to_owned(), |v| v.to_string());
        let (one, other) = (side(&each.reference), side(&each.candidate));
        format!("{}/{}{}: {one:.200} | {other:.200}", each.step, each.part, each.at)
    };
    found.iter().map(place).collect()
}

#[test]
fn two_runs_on_one_docker_are_equal() {
    for runs in RUNS {
        let [one, other] = snapshots(runs);
        assert_eq!(told(&compare(&one, &other)), Vec::<String>::new());
        // By text as well as by pairing: a snapshot that is recorded anew does not churn.
        for (one, other) in one.steps.iter().zip(&other.steps) {
            let trees = |step: &StepSnapshot| -> Vec<String> {
                step.parts.iter().map(|part| format!("{:#}", part.tree)).collect()
            };
            assert_eq!(trees(one), trees(other), "{}", one.id);
        }
    }
}

/// A recording of one step only, so that nothing else can differ.
fn alone(recording: &Recording, at: usize) -> Recording {
    Recording { steps: vec![recording.steps[at].clone()], ..recording.clone() }
}

fn with_body(recording: &Recording, body: &Value) -> Recording {
    let mut changed = recording.clone();
    let answer = changed.steps[0].exchanges[0].answer.as_mut().unwrap();
    answer.body = Bytes(format!("{body}\n").into_bytes());
    let length = answer.body.0.len().to_string();
    let lengths = answer.headers.iter_mut().filter(|(name, _)| name == "Content-Length");
    lengths.for_each(|(_, value)| value.clone_from(&length));
    changed
}

fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| places(value, &format!("{at}/{}", escaped(key)), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
    found.push(at.to_owned());
}

/// The document with something else at a place: a text, null, and nothing at all.
fn changed(body: &Value, place: &str) -> Vec<(String, Value)> {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let mut documents = Vec::new();
    for value in [Value::from("CHANGED"), Value::Null] {
        let mut other = body.clone();
        *other.pointer_mut(place).unwrap() = value.clone();
        documents.push((value.to_string(), other));
    }
    let mut other = body.clone();
    if let Value::Object(map) = other.pointer_mut(parent).unwrap() {
        map.shift_remove(&key);
        documents.push(("nothing".to_owned(), other));
    }
    documents.retain(|(_, other)| other != body);
    documents
}

/// The steps of a recording that answered with one JSON document, each by itself.
fn documents(recording: &Recording) -> Vec<(Recording, Value)> {
    let with_document = |at: usize| {
        let whole = alone(recording, at);
        let answer =
            whole.steps[0].exchanges.first()?.answer.as_ref().filter(|answer| answer.status < 400)?;
        let body: Value = serde_json::from_slice(&answer.body.0).ok()?;
        Some((with_body(&whole, &body), body))
    };
    (0..recording.steps.len()).filter_map(with_document).collect()
}

/// What shows at other places too when it changes: ids, and what rows of a list go by.
fn shows_elsewhere(place: &str, was: &Value) -> bool {
    let keys = ["Names", "/Name", "Destination", "RepoTags", "Titles", "Processes", "/Ports/"];
    let is_row = place.rsplit('/').next().is_some_and(|key| key.parse::<usize>().is_ok());
    // The rows of a list of changes go by their path; an inspect has one path of its own.
    let is_changed_path = place.len() > "/Path".len() && place.ends_with("/Path");
    let has_id = was.to_string().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.len() >= 12);
    has_id || is_row || is_changed_path || keys.iter().any(|key| place.contains(key))
}

#[test]
fn no_rule_hides_a_value_of_another_shape_or_a_missing_key() {
    let rules = Rules::parse("suites/normalise.toml", RULES).unwrap();
    let scenario = scenario();
    let recording: Recording = serde_json::from_str(RUNS[1][0]).unwrap();
    let mut tried = 0;
    for (whole, body) in documents(&recording) {
        let step = &whole.steps[0].id;
        let snapshot = normalise(&whole, &scenario, &rules);
        let mut found = Vec::new();
        places(&body, "", &mut found);
        for place in found.iter().filter(|place| !place.is_empty()) {
            for (change, other) in changed(&body, place) {
                let other = normalise(&with_body(&whole, &other), &scenario, &rules);
                let seen = told(&compare(&snapshot, &other));
                assert!(!seen.is_empty(), "{step}{place} becomes {change}: nobody sees it");
                let is_one = seen.len() == 1 || shows_elsewhere(place, body.pointer(place).unwrap());
                assert!(is_one, "{step}{place} becomes {change}: {seen:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1_500, "{tried}");
}
