//! What normalising promises: idempotent, blind to fresh ids, blind to nothing else.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Rules, normalise};
use crate::compare::compare;
use crate::engine_id::{EngineId, Kind};
use crate::exchange::{Answer, Bytes, End, Exchange, Failure, Named, RecordedStep, Recording, Sent};
use crate::pointer::Pointer;
use crate::route::Route;
use crate::scenario::{CaseId, Scenario, ScenarioId, StepId};
use crate::snapshot::Snapshot;

const RULES: &str = include_str!("../../suites/normalise.toml");

fn rules() -> Rules {
    Rules::parse("suites/normalise.toml", RULES).unwrap()
}

fn scenario(steps: &str) -> Scenario {
    let text = format!("title = \"t\"\n{steps}");
    let files = crate::suite::SuiteFiles {
        scenarios: vec![("suites/area/scenarios/case.toml".to_owned(), text)],
        ..Default::default()
    };
    crate::suite::load(&files).unwrap_or_else(|found| panic!("{found:?}")).scenarios.remove(0)
}

const INSPECT: &str = "[[steps]]\nid = \"inspect\"\nrequest = \"GET /containers/x/json\"\n";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    Answer {
        status,
        reason: "OK".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Bytes(body.as_bytes().to_vec()),
        end: None,
    }
}

fn exchange(answer: Answer) -> Exchange {
    let target = "/v1.21/containers/x/json";
    Exchange {
        part: String::new(),
        route: Route::of("GET", "/containers/x/json"),
        sent: Sent {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::default(),
        },
        answer: Some(answer),
        printed: None,
        failure: None,
        millis: vec![1.0],
    }
}

fn recording(exchanges: Vec<Exchange>, names: &[(&str, &str)]) -> Recording {
    let named = |(name, value): &(&str, &str)| Named { name: (*name).to_owned(), value: (*value).to_owned() };
    Recording {
        case: CaseId { scenario: ScenarioId("area/case".to_owned()), api: "1.21".parse().unwrap() },
        engine: EngineId {
            identity: "docker".to_owned(),
            release: "20.10".parse().unwrap(),
            kind: Kind::Live,
            world: "default".to_owned(),
        },
        address: String::new(),
        certificates: None,
        label: crate::scenario::RUN_LABEL.to_owned(),
        steps: vec![RecordedStep { id: StepId("inspect".to_owned()), exchanges, unreached: None }],
        names: names.iter().map(named).collect(),
        before: None,
    }
}

fn tree(answer: Answer) -> Value {
    let snapshot = normalise(&recording(vec![exchange(answer)], &[]), &scenario(INSPECT), &rules());
    snapshot.steps[0].parts[0].tree.clone()
}

fn of_body(body: &Value, names: &[(&str, &str)]) -> Snapshot {
    let answer = answer(200, &[("Content-Type", "application/json")], &body.to_string());
    normalise(&recording(vec![exchange(answer)], names), &scenario(INSPECT), &rules())
}

fn json_of(snapshot: &Snapshot) -> &Value {
    &snapshot.steps[0].parts[0].tree["body"]["json"]
}

#[test]
fn errors_are_taken_apart_by_shape() {
    let id = "b634ea4e-ab3c-48c9-a5f6-b3529bf85f3e";
    let nosniff = ("X-Content-Type-Options", "nosniff");
    let error = |status, headers: &[(&str, &str)], body: &str| {
        let tree = tree(answer(status, headers, body));
        (tree["error"].clone(), tree["headers"].clone())
    };
    let (plain, json) = (("Content-Type", "text/plain; charset=utf-8"), ("Content-Type", "application/json"));
    assert_eq!(
        error(404, &[plain, nosniff], "no such id: x\n"),
        (json!({"envelope": "text-newline", "message": "no such id: x"}), json!({}))
    );
    assert_eq!(error(404, &[plain], "no").0, json!({"envelope": "text", "message": "no"}));
    // The header and the newline belong together: with one of them it is another envelope.
    let (told, headers) = error(404, &[plain], "no\n");
    assert_eq!((told, headers), (json!({"envelope": "other"}), json!({"content-type": [plain.1]})));
    let (told, headers) = error(404, &[plain, nosniff], "no");
    assert_eq!(told["envelope"], "text");
    assert_eq!(headers, json!({"x-content-type-options": ["nosniff"]}));
    assert_eq!(error(404, &[plain, plain], "no").0, json!({"envelope": "other"}));
    assert_eq!(
        error(500, &[json], "{\"message\":\"m\"}\n").0,
        json!({"envelope": "json-newline", "message": "m"})
    );
    let bare = ("Content-Type", "text/plain");
    let restify = format!("(Validation) bad ({id})");
    assert_eq!(
        error(422, &[bare, ("x-request-id", id)], &restify).0,
        json!({"envelope": "restify", "code": "Validation", "message": "bad", "request-id": "header"})
    );
    assert_eq!(
        error(404, &[bare], &format!("No such container: X ({id})")).0,
        json!({"envelope": "restify", "message": "No such container: X", "request-id": "other"})
    );
    // A content type that is not the envelope's stays to be seen.
    let (told, headers) = error(422, &[plain], &restify);
    assert_eq!(told["envelope"], "text");
    assert_eq!(headers, json!({}));
    let (told, headers) = error(422, &[("Content-Type", "text/html")], "x");
    assert_eq!(
        (told["envelope"].clone(), headers["content-type"][0].clone()),
        ("other".into(), "text/html".into())
    );
    assert_eq!(error(404, &[], "").0, json!({"envelope": "empty"}));
}

#[test]
fn named_values_are_replaced_as_wholes_and_at_borders_only() {
    let id = "a".repeat(64);
    let other = "b".repeat(64);
    let body = json!({
        "Id": id, "Short": &id[..12], "Hosts": format!("/var/{id}/hosts"), "Image": format!("sha256:{other}"),
        "Again": other, "Name": "/dv-1-x", "Longer": "dv-1-xy", "Key": {"dv-1-x": 1}, "Text": "at dv-1-x: gone",
    });
    let told = of_body(&body, &[("cid", &id), ("victim", "dv-1-x")]);
    assert_eq!(
        *json_of(&told),
        json!({
            "Id": "<cid>", "Short": "<cid:short>", "Hosts": "/var/<cid>/hosts",
            "Image": "sha256:<id of inspect/body/json/Image>", "Again": "<id of inspect/body/json/Image>",
            "Name": "/<victim>", "Longer": "dv-1-xy", "Key": {"<victim>": 1}, "Text": "at <victim>: gone",
        })
    );
}

#[test]
fn what_the_run_named_is_known_before_and_after_dashes_and_full_stops() {
    let body = json!({
        "after": "-dv-1-it", "before": ["dv-1-it.xxx", "dv-1-it-2", "dv-1-it_x"], "longest": "dv-1-it-web-1",
        "word": "dv-1-item", "run": "dv-1-other", "captured": "x.web",
    });
    let told = of_body(&body, &[("run", "dv-1"), ("it", "dv-1-it"), ("web", "dv-1-it-web"), ("cid", "web")]);
    assert_eq!(
        *json_of(&told),
        json!({
            "after": "-<it>", "before": ["<it>.xxx", "<it>-2", "<it>_x"], "longest": "<web>-1",
            "word": "dv-1-item", "run": "dv-1-other", "captured": "x.web",
        })
    );
}

#[test]
fn a_token_is_never_searched_for_names() {
    let body = json!({"a": "dv-1", "b": "at dv-1.", "c": "victim <victim>", "d": "dv-1.dv", "dv-1": 1, "<victim>": 2});
    let told = of_body(&body, &[("victim", "dv-1"), ("other", "victim")]);
    assert_eq!(
        *json_of(&told),
        json!({"a": "<victim>", "b": "at <victim>.", "c": "<other> <victim>", "d": "dv-1.dv", "<victim>": 1,
            "<victim> (2)": 2})
    );
}

#[test]
fn a_run_of_digits_within_a_longer_word_is_no_id() {
    let id = "a1".repeat(32);
    let body = json!({"Id": id, "text": format!("{id}0 {}", &id[..12])});
    let told = of_body(&body, &[("cid", &id)]);
    assert_eq!(json_of(&told)["text"], format!("{id}0 <cid:short>"));
}

#[test]
fn the_id_of_an_image_is_known_with_and_without_its_prefix() {
    let id = "c3".repeat(32);
    let body = json!({"Id": format!("sha256:{id}"), "bare": id, "short": &id[..12]});
    let told = of_body(&body, &[("image", &format!("sha256:{id}"))]);
    assert_eq!(*json_of(&told), json!({"Id": "<image>", "bare": "<image:digits>", "short": "<image:short>"}));
}

#[test]
fn a_captured_number_is_a_name_only_where_it_was_captured() {
    let step = scenario(&format!("{INSPECT}names = {{ pid = \"/body/json/State/Pid\" }}\n"));
    let body = r#"{"State":{"Pid":4711,"Other":4711},"Text":"pid 4711"}"#;
    let answer = answer(200, &[("Content-Type", "application/json")], body);
    let told = normalise(&recording(vec![exchange(answer)], &[("pid", "4711")]), &step, &rules());
    assert_eq!(*json_of(&told), json!({"State": {"Pid": "<pid>", "Other": 4711}, "Text": "pid <pid>"}));
}

#[test]
fn short_ids_are_ids_only_where_a_rule_says_so() {
    let full = "ab".repeat(32);
    let lines = [
        json!({"stream": " ---> Running in 41c68814ee31\n"}),
        json!({"stream": format!("Successfully built {}", &full[..12])}),
        json!({"aux": {"ID": format!("sha256:{full}")}, "other": "41c68814ee31", "no": "123456789012"}),
    ];
    let body = lines.map(|line| line.to_string()).join("\r\n");
    let mut exchange = exchange(answer(200, &[("Content-Type", "application/json")], &body));
    exchange.route = Route::of("POST", "/build");
    let told = normalise(&recording(vec![exchange], &[]), &scenario(INSPECT), &rules());
    let messages = &told.steps[0].parts[0].tree["body"]["messages"];
    let place = "id of inspect/body/messages";
    assert_eq!(messages[0]["stream"], format!(" ---> Running in <{place}/0/stream:short>\n"));
    assert_eq!(messages[1]["stream"], format!("Successfully built <{place}/1/stream:short>"));
    assert_eq!(
        messages[2],
        json!({"aux": {"ID": format!("sha256:<{place}/1/stream>")}, "other": format!("<{place}/0/stream:short>"),
            "no": "123456789012"})
    );
}

#[test]
fn a_list_without_order_is_told_the_same_whatever_its_ids() {
    let row = |name: &str, digit: &str| json!({"Id": digit.repeat(64), "Name": name});
    let told = |rows: Value| {
        let mut exchange = exchange(answer(200, &[("Content-Type", "application/json")], &rows.to_string()));
        exchange.route = Route::of("GET", "/networks");
        normalise(&recording(vec![exchange], &[]), &scenario(INSPECT), &rules())
    };
    let one = told(json!([row("b", "1"), row("a", "2")]));
    assert_eq!(one, told(json!([row("a", "9"), row("b", "4")])));
    assert_eq!(json_of(&one)["a"]["Id"], "<id of inspect/body/json/a/Id>");
}

#[test]
fn keys_that_are_ids_have_names_of_their_own() {
    let told = |digits: [&str; 2]| {
        let [one, other] = digits.map(|digit| digit.repeat(64));
        of_body(&json!({"Containers": {one.clone(): {"Name": "b"}, other: {"Name": "a"}}, "Id": one}), &[])
    };
    let once = told(["1", "2"]);
    let place = "<id of inspect/body/json/Containers";
    assert_eq!(
        *json_of(&once),
        json!({"Containers": {format!("{place}/#0>"): {"Name": "a"}, format!("{place}/#1>"): {"Name": "b"}},
            "Id": format!("{place}/#1>")})
    );
    assert_eq!(once, told(["8", "4"]));
    assert_eq!(compare(&once, &told(["4", "8"])), []);
}

#[test]
fn the_stat_of_a_path_is_told_as_json() {
    use base64::Engine as _;
    let stat =
        r#"{"name":"sh","size":7,"mode":134218239,"mtime":"2026-11-24T09:36:16Z","linkTarget":"/bin/x"}"#;
    let header = base64::engine::general_purpose::STANDARD.encode(stat);
    let mut exchange = exchange(answer(200, &[("X-Docker-Container-Path-Stat", &header)], ""));
    exchange.route = Route::of("HEAD", "/containers/x/archive");
    let told = normalise(&recording(vec![exchange], &[]), &scenario(INSPECT), &rules());
    assert_eq!(
        told.steps[0].parts[0].tree["headers"]["x-docker-container-path-stat"],
        json!([{"base64-json": {"name": "sh", "size": 7, "mode": 134_218_239, "mtime": "<time:s>",
            "linkTarget": "/bin/x"}}])
    );
}

#[test]
fn logs_are_taken_apart_without_a_content_type_and_their_times_are_tokens() {
    let mut exchange =
        exchange(answer(200, &[], "\u{1}\0\0\0\0\0\0\u{22}2026-11-24T09:36:18.037209647Z hi\n"));
    exchange.route = Route::of("GET", "/containers/x/logs");
    let told = normalise(&recording(vec![exchange], &[]), &scenario(INSPECT), &rules());
    assert_eq!(told.steps[0].parts[0].tree["stdout"], "<time> hi\n");
}

#[test]
fn the_time_of_what_an_exec_says_of_itself_is_a_token_and_its_words_stay() {
    let stderr = |text: &str| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        let mut said = answer(200, &[], "");
        said.body = Bytes([&[2, 0, 0, 0], &length[..], text.as_bytes()].concat());
        let mut exchange = exchange(said);
        exchange.route = Route::of("POST", "/exec/x/start");
        let told = normalise(&recording(vec![exchange], &[]), &scenario(INSPECT), &rules());
        told.steps[0].parts[0].tree["stderr"].clone()
    };
    assert_eq!(
        stderr("2026-11-25T12:56:03.324Z FATAL (code: 17): x\r\n"),
        "<time:ms> FATAL (code: 17): x\r\n"
    );
    for other in
        ["2026-11-25T12:56:03.324Z x\n", "FATAL (code: 17): x\n", "0001-01-01T00:00:00Z FATAL (code: 1): x"]
    {
        assert_eq!(stderr(other), other);
    }
}

#[test]
fn ids_that_nobody_named_are_compared_by_pairing_and_not_by_number() {
    let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(64));
    let one = of_body(&json!({"x": a, "y": b, "z": a}), &[]);
    let same = of_body(&json!({"extra": c, "x": b, "y": c, "z": b}), &[]);
    let differences: Vec<String> = compare(&one, &same).iter().map(|each| each.at.to_string()).collect();
    // The candidate's `extra` is its `y`: one key more is one difference, and no other.
    assert_eq!(differences, ["/body/json/extra"]);
    let crossed = of_body(&json!({"x": a, "y": b, "z": b}), &[]);
    let differences: Vec<String> = compare(&one, &crossed).iter().map(|each| each.at.to_string()).collect();
    assert_eq!(differences, ["/body/json/z"]);
}

#[test]
fn absent_null_and_the_empty_ones_are_six_answers() {
    let values = [json!(null), json!(""), json!([]), json!({}), json!(0), json!(false)];
    for one in &values {
        for other in &values {
            let differences =
                compare(&of_body(&json!({ "v": one }), &[]), &of_body(&json!({ "v": other }), &[]));
            assert_eq!(differences.len(), usize::from(one != other), "{one} {other}");
        }
        assert_eq!(compare(&of_body(&json!({ "v": one }), &[]), &of_body(&json!({}), &[])).len(), 1);
    }
}

#[test]
fn failures_streams_and_times_are_answers() {
    let mut failed = exchange(answer(200, &[], ""));
    failed.answer = None;
    failed.failure = Some(Failure::Closed);
    let told = normalise(&recording(vec![failed], &[]), &scenario(INSPECT), &rules());
    assert_eq!(told.steps[0].parts[0].tree, json!({"failure": "closed"}));
    let mut raw =
        answer(200, &[("content-type", "application/vnd.docker.raw-stream")], "\u{1}\0\0\0\0\0\0\u{2}hi");
    raw.end = Some(End::Closed);
    let tree = tree(raw);
    assert_eq!((tree["stdout"].clone(), tree["end"].clone()), ("hi".into(), "closed".into()));
}

#[test]
fn compare_narrows_but_never_hides_a_failure() {
    let narrow = scenario(&format!("{INSPECT}compare = [\"/body/json/State/Pid\", \"/nothing\"]\n"));
    let mut exchange =
        exchange(answer(200, &[("Content-Type", "application/json")], r#"{"State":{"Pid":7,"X":1}}"#));
    exchange.failure = Some(Failure::Reset);
    let told = normalise(&recording(vec![exchange], &[]), &narrow, &rules());
    assert_eq!(
        told.steps[0].parts[0].tree,
        json!({"body": {"json": {"State": {"Pid": "<positive>"}}}, "failure": "reset"})
    );
}

/// JSON as engines send it, with ids among the texts.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z ]{0,6}".prop_map(Value::from),
        (0..4_u8).prop_map(|at| fresh(0, at).into()),
        (0..4_u8).prop_map(|at| format!("/lib/{}/hosts", fresh(0, at)).into()),
        (0..4_u8).prop_map(|at| Value::from(&fresh(0, at)[..12])),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map("[A-Z][a-z]{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An id of 64 digits, another one for every generation.
fn fresh(generation: u8, at: u8) -> String {
    format!("{generation:x}{at:x}").chars().cycle().take(63).chain(['f']).collect()
}

fn renewed(value: &Value) -> Value {
    let mut text = value.to_string();
    for at in 0..4 {
        // Whole ids first, then their short forms.
        text = text.replace(&fresh(0, at), &fresh(7, at)).replace(&fresh(0, at)[..12], &fresh(7, at)[..12]);
    }
    serde_json::from_str(&text).unwrap()
}

fn leaves(value: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| leaves(value, &at.child(key.as_str()), found));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(key, value)| leaves(value, &at.child(key.to_string()), found));
        }
        _ => found.push(at.clone()),
    }
}

proptest! {
    #[test]
    fn blind_to_fresh_ids(body in document()) {
        let names = |generation| [("cid", fresh(generation, 0))];
        let told = |body: &Value, generation| {
            let names = names(generation);
            let names: Vec<(&str, &str)> = names.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // A short form is known by its id, so all ids stand somewhere.
            let ids: Vec<String> = (0..4).map(|at| fresh(generation, at)).collect();
            of_body(&json!({ "v": body, "ids": ids }), &names)
        };
        prop_assert_eq!(told(&body, 0), told(&renewed(&body), 7));
    }

    #[test]
    fn idempotent(body in document()) {
        let once = of_body(&json!({ "v": body }), &[]);
        let twice = of_body(json_of(&once), &[]);
        prop_assert_eq!(json_of(&once), json_of(&twice));
    }

    #[test]
    fn not_blind_to_any_other_change(body in document(), pick in any::<prop::sample::Index>()) {
        let whole = json!({ "v": body });
        let mut places = Vec::new();
        leaves(&whole, &Pointer::root(), &mut places);
        let place = pick.get(&places);
        let mut changed = whole.clone();
        *changed.pointer_mut(&place.to_string()).unwrap() = json!("CHANGED");
        let differences = compare(&of_body(&whole, &[]), &of_body(&changed, &[]));
        let seen: Vec<String> = differences.iter().map(|each| each.at.to_string()).collect();
        prop_assert!(seen.contains(&format!("/body/json{place}")), "{seen:?} lacks {place}");
        // Where the leaf was no id, nothing else moves.
        let was_id = place.find(&whole).and_then(Value::as_str).is_some_and(|text| text.len() >= 12);
        prop_assert!(was_id || seen.len() == 1, "{seen:?}");
    }
}
