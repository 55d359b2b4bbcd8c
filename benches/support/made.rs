//! Documents and recordings of any size, for what is measured.

use divergence::engine_id::{EngineId, Kind};
use divergence::exchange::{Answer, Bytes, Exchange, RecordedStep, Recording, Sent};
use divergence::normalise::Rules;
use divergence::route::Route;
use divergence::scenario::{CaseId, RUN_LABEL, Scenario, ScenarioId, StepId};
use divergence::snapshot::{Part, Snapshot, StepSnapshot};
use divergence::suite::{SuiteFiles, load};
use serde_json::{Value, json};

/// About so many bytes of JSON each.
pub const ROW: usize = 1180;

/// A list of containers as an engine gives it.
pub fn rows(count: usize) -> Value {
    (0..count).map(row).collect()
}

fn row(at: usize) -> Value {
    let id = format!("{:064x}", (at as u128 + 1) * 0x9E37_79B9_7F4A_7C15_F39C_C060);
    let labels: serde_json::Map<String, Value> = (0..8)
        .map(|label| (format!("com.example.label-{label}"), format!("value {label} of {at}").into()))
        .collect();
    json!({
        "Id": id,
        "Names": [format!("/web-{at}")],
        "Image": "registry.example.com/team/service:1.2.3",
        "ImageID": format!("sha256:{:064x}", at as u128 % 7 + 1),
        "Command": "/usr/sbin/service --listen 0.0.0.0:8080 --verbose",
        "Created": 1_700_000_000 + at,
        "Ports": [{ "IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 30_000 + at % 30_000, "Type": "tcp" }],
        "Labels": labels,
        "State": "running",
        "Status": format!("Up {} hours", at % 23 + 2),
        "HostConfig": { "NetworkMode": "default" },
        "NetworkSettings": { "Networks": { "bridge": {
            "IPAMConfig": null, "Links": null, "Aliases": null, "Gateway": "172.17.0.1",
            "IPAddress": format!("172.17.{}.{}", at / 250 % 250, at % 250 + 2), "IPPrefixLen": 16,
            "GlobalIPv6PrefixLen": 0, "MacAddress": "02:42:ac:11:00:02", "DriverOpts": null
        } } },
        "Mounts": [{ "Type": "volume", "Name": format!("data-{at}"), "Destination": "/data", "RW": true }]
    })
}

/// The rows with one value of every hundredth changed.
pub fn changed(mut rows: Value) -> Value {
    for row in rows.as_array_mut().into_iter().flatten().step_by(100) {
        row["Status"] = "Exited (137) a second ago".into();
    }
    rows
}

/// The rows in another order.
pub fn reordered(mut rows: Value) -> Value {
    if let Value::Array(rows) = &mut rows {
        rows.reverse();
    }
    rows
}

/// Objects and lists within each other, so deep, with some values at each level.
pub fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("the end"), |inner, level| json!({ "level": level, "below": [1, inner, "x"] }))
}

/// A snapshot of one answer.
pub fn snapshot(body: Value) -> Snapshot {
    let tree = json!({ "status": 200, "body": { "json": body } });
    let (name, route) = (String::new(), Route::named("GET /containers/json"));
    let part = Part { name, route, request: "GET /v1.21/containers/json".to_owned(), tree };
    Snapshot {
        case: case("area/case"),
        engine: engine("docker", "20.10.24", Kind::Live),
        fingerprint: String::new(),
        steps: vec![StepSnapshot { id: StepId("list".to_owned()), parts: vec![part] }],
    }
}

pub fn case(scenario: &str) -> CaseId {
    CaseId { scenario: ScenarioId(scenario.to_owned()), api: "1.21".parse().unwrap() }
}

pub fn engine(identity: &str, release: &str, kind: Kind) -> EngineId {
    EngineId {
        identity: identity.to_owned(),
        release: release.parse().unwrap(),
        kind,
        world: "default".to_owned(),
    }
}

/// A scenario of one step, and the rules of this project.
pub fn scenario() -> (Scenario, Rules) {
    let text = "title = \"A list\"\n[[steps]]\nid = \"list\"\nrequest = \"GET /containers/json\"\n";
    let scenarios = vec![("suites/area/scenarios/case.toml".to_owned(), text.to_owned())];
    let suite = load(&SuiteFiles { scenarios, ..SuiteFiles::default() }).unwrap();
    let rules = Rules::parse("suites/normalise.toml", include_str!("../../suites/normalise.toml")).unwrap();
    (suite.scenarios.into_iter().next().unwrap(), rules)
}

/// A recording of one answer with this body, on this route.
pub fn recording(method: &str, target: &str, content_type: &str, body: Vec<u8>) -> Recording {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let answer = Answer {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![
            header("Content-Type", content_type),
            header("Content-Length", &body.len().to_string()),
            header("Date", "Sun, 29 Nov 2026 05:00:00 GMT"),
        ],
        body: Bytes(body),
        end: None,
    };
    let sent = Sent {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Bytes::default(),
    };
    let exchange = Exchange {
        part: String::new(),
        route: Route::of(method, target),
        sent,
        answer: Some(answer),
        failure: None,
        millis: vec![1.0],
        printed: None,
    };
    let step = RecordedStep { id: StepId("list".to_owned()), exchanges: vec![exchange], unreached: None };
    Recording {
        case: case("area/case"),
        engine: engine("docker", "20.10.24", Kind::Live),
        address: "unix:///var/run/docker.sock".to_owned(),
        label: RUN_LABEL.to_owned(),
        certificates: None,
        steps: vec![step],
        names: Vec::new(),
        before: None,
    }
}

/// So many frames of a raw stream, of both streams by turns.
pub fn frames(count: usize) -> Vec<u8> {
    let frame = |at: usize| {
        let payload = format!("line {at}\n");
        let mut bytes = vec![1 + (at % 2) as u8, 0, 0, 0];
        bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes.extend_from_slice(payload.as_bytes());
        bytes
    };
    (0..count).flat_map(frame).collect()
}
