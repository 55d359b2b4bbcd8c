//! What counts as exercised, excluded and missing.

use serde_json::json;

use super::asked::{Asked, asked};
use super::{Coverage, coverage};
use crate::engine_id::{EngineId, Kind};
use crate::scenario::CaseId;
use crate::snapshot::{Part, Snapshot, StepSnapshot};
use crate::suite::{Suite, SuiteFiles, load};

const FACTS: &str = r#"
format = 1
api = "1.24"
source = ["a reference"]

[[routes]]
route = "GET /containers/json"
query = ["all", "filters", "limit"]
filters = ["label", "status"]
statuses = [200, 400, 500]

[[routes]]
route = "POST /containers/create"
query = ["name"]
headers = ["Content-Type", "X-Other"]
fields = ["/Image", "/HostConfig", "/HostConfig/Dns", "/HostConfig/Ulimits/*/Name"]
statuses = [201, 409]

[[routes]]
route = "POST /containers/*/exec"
path = ["id"]
fields = ["/Cmd", "/User", "/Privileged"]
statuses = [201]

[[routes]]
route = "POST /exec/*/start"
path = ["id"]
headers = ["Upgrade"]
fields = ["/Detach"]
statuses = [200]

[[routes]]
route = "GET /info"
statuses = [200]
"#;

const SCENARIO: &str = r#"
title = "It asks"
needs = ["image:busybox"]
[[steps]]
id = "list"
request = "GET /containers/json?all=1&filters={\"label\":[\"x\"]}"
[[steps]]
id = "create"
request = "POST /containers/create"
json = '{"Image": "${image:busybox}", "HostConfig": {"Dns": null}}'
capture = { cid = "/body/json/Id" }
[[steps]]
id = "ls"
exec = { container = "${cid}", cmd = ["ls"], user = "0" }
[[steps]]
id = "raw"
raw = "GET /v1.23/info"
"#;

fn suite(unasked: &str) -> Suite {
    suite_of(SCENARIO, unasked)
}

fn suite_of(scenario: &str, unasked: &str) -> Suite {
    let mut files = SuiteFiles::default();
    files.scenarios.push(("suites/area/scenarios/it.toml".to_owned(), scenario.to_owned()));
    files.api.push(("fixtures/api/1.24.toml".to_owned(), FACTS.to_owned()));
    files.unasked = Some(("suites/unasked.toml".to_owned(), unasked.to_owned()));
    files.images.push("busybox".to_owned());
    load(&files).unwrap()
}

fn part(name: &str, request: &str, status: Option<u16>) -> Part {
    let (method, target) = request.split_once(' ').unwrap();
    let tree = status.map_or(json!({}), |status| json!({ "status": status }));
    let route = crate::run::plan::route_of(method, target);
    Part { name: name.to_owned(), route, request: request.to_owned(), tree }
}

fn versions() -> Vec<crate::version::Version> {
    ["1.20", "1.23", "1.24", "1.25"].iter().map(|text| text.parse().unwrap()).collect()
}

fn step(id: &str, parts: Vec<Part>) -> StepSnapshot {
    StepSnapshot { id: crate::scenario::StepId(id.to_owned()), parts }
}

fn snapshot(suite: &Suite, steps: Vec<StepSnapshot>) -> Snapshot {
    let scenario = &suite.scenarios[0];
    Snapshot {
        case: CaseId { scenario: scenario.id.clone(), api: "1.24".parse().unwrap() },
        engine: EngineId {
            identity: "docker".to_owned(),
            release: "20.10".parse().unwrap(),
            kind: Kind::Live,
            world: "default".to_owned(),
        },
        fingerprint: scenario.fingerprint.clone(),
        steps,
    }
}

fn asked_by(suite: &Suite, fingerprint: Option<&str>) -> Vec<Asked> {
    let exec = vec![
        part("create", "POST /v1.24/containers/<cid>/exec", Some(201)),
        part("start", "POST /v1.24/exec/<id>/start", None),
    ];
    let list = "GET /v1.24/containers/json?all=1&filters={\"label\":[\"x\"]}";
    let steps = vec![
        step("list", vec![part("", list, Some(200))]),
        step("create", vec![part("", "POST /v1.24/containers/create", Some(201))]),
        step("ls", exec),
        step("raw", vec![part("", "GET /v1.23/info", Some(200))]),
    ];
    let mut snapshot = snapshot(suite, steps);
    if let Some(fingerprint) = fingerprint {
        fingerprint.clone_into(&mut snapshot.fingerprint);
    }
    asked(&suite.scenarios[0], &snapshot, &versions(), std::path::Path::new("fixtures"))
}

fn missing(coverage: &Coverage) -> Vec<String> {
    coverage.missing().map(ToString::to_string).collect()
}

#[test]
fn what_was_sent_and_answered_at_the_version_counts_and_nothing_else() {
    let suite = suite("");
    let asked = asked_by(&suite, None);
    let stood: Vec<String> = asked[0].api.iter().map(ToString::to_string).collect();
    assert_eq!(stood, ["1.24"], "1.21 stands for those below, and the suite does not speak of 1.25");
    assert_eq!(asked.last().unwrap().api, ["1.23".parse().unwrap()], "a raw request names its own");
    let coverage = coverage(&suite.documented[0], &asked, &suite.unasked, true);
    let expected = [
        "GET /info",
        "GET /containers/json ?limit",
        "GET /containers/json ?filters={status}",
        "POST /containers/create ?name",
        "POST /containers/create X-Other:",
        "POST /containers/create /HostConfig/Ulimits/*/Name",
        "POST /containers/*/exec /Privileged",
        "GET /containers/json 400",
        "GET /containers/json 500",
        "POST /containers/create 409",
        "POST /exec/*/start 200",
        "GET /info 200",
    ];
    assert_eq!(missing(&coverage), expected);
    assert_eq!((coverage.routes.documented, coverage.routes.exercised), (5, 4));
    let exec = &coverage.areas[1];
    assert_eq!((exec.name, exec.tally.documented, exec.tally.exercised), ("exec", 4, 3));
    assert!(coverage.is_short());
}

#[test]
fn a_snapshot_of_another_scenario_counts_for_nothing() {
    assert!(asked_by(&suite(""), Some("another")).is_empty());
}

#[test]
fn what_has_a_reason_is_excluded_and_what_was_asked_after_all_is_noticed() {
    let suite = suite(
        r#"
[[entries]]
routes = ["GET /containers/json"]
filters = ["status", "label"]
statuses = [500]
reason = "It is healthy."
[[entries]]
routes = ["GET /info"]
everything = true
reason = "It is shy."
[[entries]]
routes = ["POST /containers/create"]
fields = ["/HostConfig"]
reason = "It is deep."
"#,
    );
    let asked = asked_by(&suite, None);
    let coverage = coverage(&suite.documented[0], &asked, &suite.unasked, false);
    let tally = |tally: &super::Tally| (tally.documented, tally.exercised, tally.excluded, tally.percent());
    assert_eq!(tally(&coverage.routes), (5, 4, 1, 100));
    assert_eq!(tally(&coverage.parameters), (6, 3, 1, 60));
    assert_eq!(tally(&coverage.body_fields), (8, 6, 1, 85));
    let after_all: Vec<_> =
        coverage.asked_after_all.iter().map(|(at, item)| (*at, item.to_string())).collect();
    let expected = [
        (0, "GET /containers/json ?filters={label}"),
        (2, "POST /containers/create /HostConfig"),
        (2, "POST /containers/create /HostConfig/Dns"),
    ];
    assert_eq!(after_all, expected.map(|(at, text)| (at, text.to_owned())));
    assert!(!coverage.is_short());
}

#[test]
fn a_join_was_asked_what_the_step_that_it_joins_asks_and_a_failure_is_no_answer() {
    let scenario = "title = \"It attaches\"\n[[steps]]\nid = \"attach\"\nbackground = true\n\
        stream = \"POST /containers/x/attach?stream=1\"\n[[steps]]\nid = \"attached\"\njoin = \"attach\"\n\
        [[steps]]\nid = \"info\"\nrequest = \"GET /info\"\n";
    let suite = suite_of(scenario, "");
    let mut failed = part("", "GET /v1.24/info", None);
    failed.tree = json!({ "failure": "timeout" });
    let attached = part("", "POST /v1.24/containers/x/attach?stream=1", Some(101));
    let steps = vec![step("attach", vec![]), step("attached", vec![attached]), step("info", vec![failed])];
    let asked =
        asked(&suite.scenarios[0], &snapshot(&suite, steps), &versions(), std::path::Path::new("fixtures"));
    let [attached] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((attached.route.as_str(), attached.status), ("POST /containers/*/attach", Some(101)));
    assert!(attached.headers.contains(&"upgrade".to_owned()));
}
