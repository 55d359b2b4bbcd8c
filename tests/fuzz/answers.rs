//! What engines send, made up at random: streams, archives, texts for views, whole answers. Nothing
//! panics, nothing grows, and what is normalised is the same when it is read back.

use std::sync::LazyLock;

use divergence::compare::compare;
use divergence::exchange::{Answer, Bytes, End, Exchange, Failure, RecordedStep, Recording, Sent};
use divergence::frames::{Counter, demultiplex};
use divergence::normalise::{Rules, normalise};
use divergence::route::Route;
use divergence::scenario::{CaseId, Scenario, View};
use divergence::store::snapshots::{from_text, to_text};
use divergence::suite::{SuiteFiles, load};
use divergence::views;
use proptest::prelude::*;
use serde_json::json;

use super::mutate::{changed, changes};

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    Rules::parse("suites/normalise.toml", include_str!("../../suites/normalise.toml")).unwrap()
});

/// Routes that have rules of their own, and one that has none.
const ROUTES: &[&str] = &[
    "GET /containers/x/json",
    "GET /containers/json",
    "GET /images/json",
    "GET /info",
    "GET /version",
    "GET /networks",
    "GET /volumes",
    "GET /containers/x/top",
    "GET /containers/x/logs",
    "GET /events",
    "POST /containers/create",
    "GET /containers/x/archive",
    "GET /containers/x/stats",
    "POST /images/create",
    "POST /build",
    "HEAD /containers/x/archive",
    "GET /images/x/history",
    "GET /containers/x/changes",
];

/// A scenario for each route, with a capture and, for some, a view.
static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let views = [
        "",
        "view = { body = \"processes\" }\n",
        "view = { body = \"tar\" }\n",
        "compare = [\"/status\", \"/body\"]\n",
    ];
    let mut scenarios = Vec::new();
    for (number, (route, view)) in ROUTES.iter().flat_map(|route| views.map(|view| (route, view))).enumerate()
    {
        let text = format!(
            "title = \"t\"\napi = [\"1.24\"]\n[[steps]]\nid = \"s\"\nrequest = \"{route}\"\nnames = {{ n = \"/body/json/Id\" }}\n{view}"
        );
        let scenarios_of = vec![(format!("suites/area/scenarios/case-{number}.toml"), text)];
        let loaded = load(&SuiteFiles { scenarios: scenarios_of, ..SuiteFiles::default() });
        scenarios.push(loaded.unwrap_or_else(|found| panic!("{found:?}")).scenarios.remove(0));
    }
    scenarios
});

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A JSON text, odd in every way that JSON can be.
fn json_text() -> impl Strategy<Value = String> {
    let id = format!("\"{ID}\"");
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e999".to_owned()),
        Just("-0".to_owned()),
        Just("1.50".to_owned()),
        Just("12345678901234567890123".to_owned()),
        Just("\"\"".to_owned()),
        Just(id),
        Just("\"0123456789ab\"".to_owned()),
        Just("\"2026-11-29T04:00:00.123456789Z\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("\"dv-1-1r-web\"".to_owned()),
        Just("\"<id of s/a>\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "\\PC{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "Id",
            "Names",
            "Name",
            "Labels",
            "Created",
            "State",
            "Containers",
            "Mounts",
            "message",
            "errorDetail",
            "Titles",
            "Processes",
            "a",
            "",
            "<id of a>",
            "$serde_json::private::Number",
            "$serde_json::private::RawValue"
        ])
        .prop_map(str::to_owned),
        Just(ID.to_owned()),
        "\\PC{0,8}",
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let members = prop::collection::vec((key.clone(), inner.clone()), 0..8).prop_map(|members| {
            let members = members
                .iter()
                .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        prop_oneof![
            members,
            prop::collection::vec(inner, 0..8).prop_map(|list| format!("[{}]", list.join(",")))
        ]
    })
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let frame =
        (0u8..5, prop::collection::vec(any::<u8>(), 0..12), -3i64..4).prop_map(|(kind, payload, lie)| {
            let length = u32::try_from(payload.len() as i64 + lie).unwrap_or(u32::MAX);
            [&[kind, 0, 0, 0], length.to_be_bytes().as_slice(), &payload].concat()
        });
    prop::collection::vec(frame, 0..8).prop_map(|frames| frames.concat())
}

fn archive() -> impl Strategy<Value = Vec<u8>> {
    let entry = ("[a-z./]{1,20}", prop::collection::vec(any::<u8>(), 0..40), any::<u32>(), 0u8..8);
    prop::collection::vec(entry, 0..4).prop_map(|entries| {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content, mode, kind) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(mode & 0o7777);
            header.set_entry_type(tar::EntryType::new(b'0' + kind));
            // Paths that climb out are refused by the crate; they come by mutation.
            let _ = builder.append_data(&mut header, path, content.as_slice());
        }
        builder.into_inner().unwrap()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let messages =
        prop::collection::vec((json_text(), prop::sample::select(vec!["\n", "\r\n", "", " "])), 1..5);
    prop_oneof![
        4 => json_text().prop_map(String::into_bytes),
        2 => messages.prop_map(|all| all.into_iter().map(|(one, end)| one + end).collect::<String>().into_bytes()),
        2 => frames(),
        1 => archive(),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (json_text(), changes()).prop_map(|(text, changes)| changed(text.as_bytes(), &changes)),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let names = vec![
        "Content-Type",
        "content-type",
        "Date",
        "Content-Length",
        "X-Request-Id",
        "Location",
        "Server",
        "X-Docker-Container-Path-Stat",
        "X-Content-Type-Options",
        "Odd\u{fffd}",
    ];
    let values = vec![
        "application/json",
        "text/plain",
        "text/plain; charset=utf-8",
        "application/x-tar",
        "nosniff",
        "application/vnd.docker.raw-stream",
        "Sun, 29 Nov 2026 04:00:00 GMT",
        "5",
        "e30=",
        "eyJhIjoxfQ==",
        "\u{fffd}",
        "",
    ];
    let headers = prop::collection::vec((prop::sample::select(names), prop::sample::select(values)), 0..6);
    let status = prop::sample::select(vec![100u16, 101, 200, 201, 204, 301, 400, 404, 500, 999]);
    let end = prop::sample::select(vec![None, Some(End::Closed), Some(End::Enough), Some(End::Deadline)]);
    (status, "\\PC{0,10}", headers, body(), end).prop_map(|(status, reason, headers, body, end)| {
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Answer { status, reason, headers, body: Bytes(body), end }
    })
}

fn exchange() -> impl Strategy<Value = (usize, Exchange)> {
    let failures = vec![
        None,
        Some(Failure::Closed),
        Some(Failure::Reset),
        Some(Failure::Timeout),
        Some(Failure::Malformed),
    ];
    let which = 0..ROUTES.len() * 4;
    (which, prop::option::weighted(0.9, answer()), prop::sample::select(failures)).prop_map(
        |(which, answer, failure)| {
            let (method, path) = ROUTES[which / 4].split_once(' ').unwrap();
            let sent = Sent {
                method: method.to_owned(),
                target: format!("/v1.24{path}?a=%7B%22b%22%3A%FF"),
                headers: Vec::new(),
                body: Bytes::default(),
            };
            (
                which,
                Exchange {
                    part: String::new(),
                    route: Route::of(method, path),
                    sent,
                    answer,
                    printed: None,
                    failure,
                    millis: vec![1.0],
                },
            )
        },
    )
}

fn recording(scenario: &Scenario, exchange: Exchange) -> Recording {
    let engine = json!({"identity": "docker", "release": "20.10", "kind": "live", "world": "default"});
    let named = |name: &str, value: &str| json!({"name": name, "value": value});
    let recording = json!({
        "case": CaseId { scenario: scenario.id.clone(), api: scenario.api[0].clone() },
        "engine": engine,
        "address": "unix:///x",
        "steps": [RecordedStep { id: scenario.steps[0].id.clone(), exchanges: vec![exchange], unreached: None }],
        "names": [named("run", "dv-1-1r"), named("web", "dv-1-1r-web"), named("n", ID)],
    });
    serde_json::from_value(recording).unwrap()
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn an_answer_becomes_a_snapshot_that_reads_as_it_was_written((which, exchange) in exchange()) {
        let scenario = &SCENARIOS[which];
        let recording = recording(scenario, exchange);
        let snapshot = normalise(&recording, scenario, &RULES);
        prop_assert_eq!(compare(&snapshot, &snapshot), vec![]);
        let read = from_text("x.snap", &to_text(&snapshot, "x.toml"), &snapshot.case);
        prop_assert_eq!(read.map_err(|mistake| *mistake), Ok(snapshot));
        let kept = serde_json::to_string(&recording).unwrap();
        let again: Recording = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), kept);
    }

    #[test]
    fn two_answers_are_compared((which, one) in exchange(), (_, other) in exchange()) {
        let scenario = &SCENARIOS[which];
        let [one, other] = [one, other].map(|exchange| normalise(&recording(scenario, exchange), scenario, &RULES));
        let differences = compare(&one, &other);
        prop_assert_eq!(differences.is_empty(), compare(&other, &one).is_empty());
    }

    #[test]
    fn streams_are_taken_apart_without_loss(bytes in frames(), changes in prop::option::of(changes()), wanted in 0usize..9) {
        let bytes = changes.map_or(bytes.clone(), |changes| changed(&bytes, &changes));
        if let Some(frames) = demultiplex(&bytes) {
            let taken = frames.stdin.len() + frames.stdout.len() + frames.stderr.len();
            let headers = bytes.len() - taken - frames.rest.len();
            prop_assert_eq!(headers % 8, 0);
            prop_assert!(bytes.ends_with(&frames.rest));
        }
        // However the bytes arrive, the same ones are counted.
        let whole = Counter::default().enough(&bytes, wanted);
        let mut counter = Counter::default();
        let piecewise = (0..=bytes.len()).find_map(|end| counter.enough(&bytes[..end], wanted));
        if bytes.len() >= 4 && bytes[..4] == [1, 0, 0, 0] {
            prop_assert_eq!(whole, piecewise);
        }
    }

    #[test]
    fn archives_and_texts_are_viewed(archive in archive(), changes in prop::option::of(changes()), text in "(\\PC|[ \n\t]){0,200}") {
        let archive = changes.map_or(archive.clone(), |changes| changed(&archive, &changes));
        let told = views::tar(&archive).map(|told| told.to_string()).unwrap_or_default();
        prop_assert!(told.len() <= 64 * archive.len() + 64, "{} of {}", told.len(), archive.len());
        let table = format!("PID USER COMMAND\n{text}");
        for view in [View::Processes, View::Mounts, View::Files, View::Lines, View::Json, View::Tar] {
            for text in [text.as_str(), table.as_str(), &String::from_utf8_lossy(&archive)] {
                if let Some(value) = views::view(view, text) {
                    let kept = value.to_string();
                    prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), value);
                }
            }
        }
    }
}
