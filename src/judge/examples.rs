//! The rules of judging as worked examples: what both sides answer, what is pinned, what is said.

use serde_json::{Value, json};

use super::judge;
use super::select::{Conditions, ties};
use crate::compare::compare;
use crate::divergence::{
    Divergence, DivergenceKind, Evidence, Expression, Matcher, Observation, RatioBound, Scope, When,
};
use crate::engine_id::{EngineId, Kind};
use crate::pointer::Pattern;
use crate::route::Route;
use crate::scenario::{CaseId, ScenarioId, StepId};
use crate::snapshot::{Part, Snapshot, StepSnapshot};
use crate::verdict::Verdict;

const CREATE: &str = "POST /containers/create";

fn engine(identity: &str, release: &str) -> EngineId {
    EngineId {
        identity: identity.to_owned(),
        release: release.parse().unwrap(),
        kind: Kind::Live,
        world: "default".to_owned(),
    }
}

fn snapshot(steps: &[(&str, Option<&str>, Value)]) -> Snapshot {
    let part = |(id, route, tree): &(&str, Option<&str>, Value)| StepSnapshot {
        id: StepId((*id).to_owned()),
        parts: vec![Part {
            name: String::new(),
            route: route.and_then(Route::named),
            request: String::new(),
            tree: tree.clone(),
        }],
    };
    Snapshot {
        case: CaseId { scenario: ScenarioId("area/case".to_owned()), api: "1.21".parse().unwrap() },
        engine: engine("any", "1"),
        fingerprint: String::new(),
        steps: steps.iter().map(part).collect(),
    }
}

fn is(value: Value) -> Matcher {
    Matcher::Is(value)
}

fn on(route: &str, at: &str, reference: Matcher, candidate: Matcher) -> Observation {
    let scope = match route {
        "*" => Scope::Everywhere,
        route => Scope::Route(Route::named(route).unwrap()),
    };
    Observation { scope, at: Pattern::parse(at).unwrap(), reference, candidate, line: 1 }
}

fn named(glob: &str, step: &str, at: &str, reference: Matcher, candidate: Matcher) -> Observation {
    let step = (step != "*").then(|| StepId(step.to_owned()));
    let scope = Scope::Scenario { glob: glob.to_owned(), step, part: String::new() };
    Observation { scope, at: Pattern::parse(at).unwrap(), reference, candidate, line: 1 }
}

fn divergence(id: &str, observations: Vec<Observation>) -> Divergence {
    Divergence {
        id: id.to_owned(),
        file: format!("{id}.toml"),
        area: "area".to_owned(),
        engine: "sdc-docker".to_owned(),
        title: String::new(),
        kind: DivergenceKind::Deficiency,
        page: String::new(),
        ticket: None,
        why: "because".to_owned(),
        when: When::default(),
        owner: None,
        review_by: None,
        evidence: Evidence::Ran,
        stops: false,
        hides: Vec::new(),
        observations,
    }
}

fn judged(reference: &Snapshot, candidate: &Snapshot, divergences: &[Divergence]) -> Verdict {
    let conditions =
        Conditions { reference: engine("docker", "20.10.24"), candidate: engine("sdc-docker", "0.7.11") };
    judge(&scenario(), reference, candidate, &compare(reference, candidate), divergences, &conditions)
}

/// Only the step `narrow` compares less than everything.
fn scenario() -> crate::scenario::Scenario {
    let text =
        "title = \"t\"\n[[steps]]\nid = \"narrow\"\nrequest = \"GET /version\"\ncompare = [\"/status\"]\n";
    let files = crate::suite::SuiteFiles {
        scenarios: vec![("suites/area/scenarios/case.toml".to_owned(), text.to_owned())],
        ..Default::default()
    };
    crate::suite::load(&files).unwrap().scenarios.remove(0)
}

/// `verdict: finding place [divergence], ...`
fn told(verdict: &Verdict) -> String {
    let finding = |finding: &crate::verdict::Finding| {
        let of = finding.divergence.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default();
        format!("{} {}{}{of}", finding.finding.word(), finding.step, finding.at)
    };
    let findings: Vec<String> = verdict.findings.iter().map(finding).collect();
    format!("{}: {}", verdict.verdict.word(), findings.join(", "))
}

fn status(status: u16) -> Value {
    json!({ "status": status })
}

#[test]
fn mixed_on_speaks_only_where_the_reference_answered_as_pinned() {
    let known = [divergence("create-200", vec![on(CREATE, "/status", is(json!(201)), is(json!(200)))])];
    let reference = snapshot(&[("made", Some(CREATE), status(201)), ("refused", Some(CREATE), status(404))]);
    let candidate = snapshot(&[("made", Some(CREATE), status(200)), ("refused", Some(CREATE), status(404))]);
    assert_eq!(told(&judged(&reference, &candidate, &known)), "diverges: known made/status [create-200]");
    let worse = snapshot(&[("made", Some(CREATE), status(200)), ("refused", Some(CREATE), status(500))]);
    let verdict = judged(&reference, &worse, &known);
    assert_eq!(told(&verdict), "fails: known made/status [create-200], new refused/status");
}

#[test]
fn shadowing_lets_only_the_most_specific_speak() {
    let everywhere = divergence("everywhere", vec![on("*", "/status", is(json!(201)), is(json!(200)))]);
    let route = divergence("route", vec![on(CREATE, "/status", is(json!(201)), is(json!(202)))]);
    let glob = divergence("glob", vec![named("area/*", "made", "/status", is(json!(201)), is(json!(203)))]);
    let scenario =
        divergence("scenario", vec![named("area/case", "made", "/status", is(json!(201)), is(json!(204)))]);
    let mut all = vec![everywhere, route, glob, scenario];
    let reference = snapshot(&[("made", Some(CREATE), status(201))]);
    for (code, id) in [(204, "scenario"), (203, "glob"), (202, "route"), (200, "everywhere")] {
        let candidate = snapshot(&[("made", Some(CREATE), status(code))]);
        let verdict = judged(&reference, &candidate, &all);
        assert_eq!(told(&verdict), format!("diverges: known made/status [{id}]"));
        all.pop();
    }
}

#[test]
fn shadowing_prefers_fewer_stars_and_then_a_narrower_when() {
    let starred = divergence("starred", vec![on(CREATE, "/headers/*/0", is(json!("a")), is(json!("b")))]);
    let exact = divergence("exact", vec![on(CREATE, "/headers/server/0", is(json!("a")), is(json!("c")))]);
    let mut narrow =
        divergence("narrow", vec![on(CREATE, "/headers/server/0", is(json!("a")), is(json!("d")))]);
    narrow.when.release = ">=0.7".parse().unwrap();
    let reference = snapshot(&[("made", Some(CREATE), json!({"headers": {"server": ["a"]}}))]);
    let candidate = snapshot(&[("made", Some(CREATE), json!({"headers": {"server": ["d"]}}))]);
    let verdict = judged(&reference, &candidate, &[starred, exact, narrow]);
    assert_eq!(told(&verdict), "diverges: known made/headers/server/0 [narrow]");
}

#[test]
fn tie_is_a_load_error_and_never_a_silent_choice() {
    let one = divergence("one", vec![on(CREATE, "/status", is(json!(201)), is(json!(200)))]);
    let other = divergence("other", vec![on(CREATE, "/status", is(json!(201)), is(json!(202)))]);
    let elsewhere = divergence("elsewhere", vec![on(CREATE, "/status", is(json!(404)), is(json!(202)))]);
    let mut later = other.clone();
    later.when.release = ">=0.9".parse().unwrap();
    assert_eq!(ties(&[one.clone(), other.clone()], &[]).len(), 1);
    assert_eq!(ties(&[one.clone(), elsewhere], &[]), []);
    assert_eq!(ties(&[one.clone(), later], &[]), []);
    let reference = snapshot(&[("made", Some(CREATE), status(201))]);
    let candidate = snapshot(&[("made", Some(CREATE), status(200))]);
    let verdict = judged(&reference, &candidate, &[one, other]);
    assert_eq!(told(&verdict), "fails: drifted made/status [one]");
}

#[test]
fn partly_fixed_is_one_fixed_and_one_known_place() {
    let exit = |step| named("area/case", step, "/body/json/ExitCode", is(json!(137)), is(json!(-9)));
    let known = [divergence("exit-status", vec![exit("wait"), exit("inspect")])];
    let body = |code: i32| json!({"body": {"json": {"ExitCode": code}}});
    let reference = snapshot(&[("wait", None, body(137)), ("inspect", None, body(137))]);
    let candidate = snapshot(&[("wait", None, body(137)), ("inspect", None, body(-9))]);
    let place = "/body/json/ExitCode [exit-status]";
    let verdict = judged(&reference, &candidate, &known);
    assert_eq!(told(&verdict), format!("fails: fixed wait{place}, known inspect{place}"));
}

#[test]
fn missing_capture_is_unreached_behind_the_step_that_should_have_given_it() {
    let refused = divergence(
        "refused",
        vec![
            named("area/case", "create", "/status", is(json!(201)), is(json!(422))),
            named(
                "area/case",
                "create",
                "/body",
                Matcher::Type(crate::divergence::ValueType::Object),
                Matcher::Absent,
            ),
        ],
    );
    let reference = snapshot(&[
        ("create", None, json!({"status": 201, "body": {"json": {"Id": "<cid>"}}})),
        ("start", None, status(204)),
        ("wait", None, status(200)),
    ]);
    let candidate = snapshot(&[
        ("create", None, status(422)),
        ("start", None, json!({"unreached": "create"})),
        ("wait", None, json!({"unreached": "start"})),
    ]);
    assert_eq!(
        told(&judged(&reference, &candidate, &[refused])),
        "diverges: known create/body [refused], known create/status [refused], unreached start, unreached wait"
    );
    let verdict = judged(&reference, &candidate, &[]);
    assert_eq!(told(&verdict), "fails: new create/body, new create/status, unreached start, unreached wait");
    assert_eq!(told(&judged(&candidate, &reference, &[])), "errs: ");
}

#[test]
fn drop_of_a_connection_is_an_answer_that_can_be_pinned() {
    let reference = snapshot(&[("list", None, json!({"status": 500, "error": {"message": "bad"}}))]);
    let candidate = snapshot(&[("list", None, json!({"failure": "closed"}))]);
    let all = ["/error", "/failure", "/status"];
    let verdict = judged(&reference, &candidate, &[]);
    assert_eq!(told(&verdict), format!("fails: new list{}", all.join(", new list")));
    let pin = |at, reference, candidate| named("area/case", "list", at, reference, candidate);
    let known = [divergence(
        "drops",
        vec![
            pin("/failure", Matcher::Absent, is(json!("closed"))),
            pin("/status", is(json!(500)), Matcher::Absent),
            pin("/error", is(json!({"message": "bad"})), Matcher::Absent),
        ],
    )];
    let verdict = judged(&reference, &candidate, &known);
    assert_eq!(
        told(&verdict),
        "diverges: known list/error [drops], known list/failure [drops], known list/status [drops]"
    );
}

#[test]
fn hang_is_told_from_a_drop() {
    let reference = snapshot(&[("inspect", None, json!({}))]);
    let candidate = snapshot(&[("inspect", None, json!({"failure": "timeout"}))]);
    let pinned = |failure: &str| {
        [divergence(
            "hangs",
            vec![named("area/case", "inspect", "/failure", Matcher::Absent, is(json!(failure)))],
        )]
    };
    assert_eq!(
        told(&judged(&reference, &candidate, &pinned("timeout"))),
        "diverges: known inspect/failure [hangs]"
    );
    assert_eq!(
        told(&judged(&reference, &candidate, &pinned("closed"))),
        "fails: drifted inspect/failure [hangs]"
    );
    assert_eq!(told(&judged(&candidate, &reference, &pinned("timeout"))), "errs: ");
}

#[test]
fn reference_mismatch_is_drifted_where_a_scenario_is_named_and_silence_where_a_route_is() {
    let reference = snapshot(&[("start", Some("POST /containers/*/start"), status(500))]);
    let candidate = snapshot(&[("start", Some("POST /containers/*/start"), status(204))]);
    let by_name = named("area/case", "start", "/status", is(json!(304)), is(json!(204)));
    let by_route = on("POST /containers/*/start", "/status", is(json!(304)), is(json!(204)));
    let verdict = judged(&reference, &candidate, &[divergence("start-running", vec![by_name])]);
    assert_eq!(told(&verdict), "fails: drifted start/status [start-running]");
    let note = verdict.findings[0].note.as_deref().unwrap();
    assert_eq!(note, "reference is pinned as 304 but answers 500; see start-running.toml:1");
    let verdict = judged(&reference, &candidate, &[divergence("start-running", vec![by_route])]);
    assert_eq!(told(&verdict), "fails: new start/status");
}

#[test]
fn glob_selects_scenarios_and_a_star_selects_every_step() {
    let reference = snapshot(&[("one", None, status(201)), ("two", None, status(201))]);
    let candidate = snapshot(&[("one", None, status(200)), ("two", None, status(200))]);
    let pin = |glob| [divergence("g", vec![named(glob, "*", "/status", is(json!(201)), is(json!(200)))])];
    for glob in ["area/*", "*", "*/case", "a*c*"] {
        let verdict = judged(&reference, &candidate, &pin(glob));
        assert_eq!(told(&verdict), "diverges: known one/status [g], known two/status [g]", "{glob}");
    }
    let verdict = judged(&reference, &candidate, &pin("other/*"));
    assert_eq!(told(&verdict), "fails: new one/status, new two/status");
}

#[test]
fn when_outside_its_range_says_nothing() {
    let reference = snapshot(&[("rename", None, status(204))]);
    let candidate = snapshot(&[("rename", None, status(400))]);
    let mut known =
        divergence("rename", vec![named("area/case", "rename", "/status", is(json!(204)), is(json!(400)))]);
    let mut with = |change: &dyn Fn(&mut When)| {
        known.when = When::default();
        change(&mut known.when);
        told(&judged(&reference, &candidate, std::slice::from_ref(&known)))
    };
    let (holds, silent) = ("diverges: known rename/status [rename]", "fails: new rename/status");
    assert_eq!(with(&|when| when.release = "<0.4".parse().unwrap()), silent);
    assert_eq!(with(&|when| when.release = ">=0.7, <0.8".parse().unwrap()), holds);
    assert_eq!(with(&|when| when.api = ">=1.24".parse().unwrap()), silent);
    assert_eq!(with(&|when| when.world = Some("no-volumes".to_owned())), silent);
    assert_eq!(with(&|when| when.reference = Some(("docker".to_owned(), ">=20.10".parse().unwrap()))), holds);
    assert_eq!(with(&|when| when.reference = Some(("docker".to_owned(), ">=26".parse().unwrap()))), silent);
    known.when = When::default();
    known.engine = "podman".to_owned();
    assert_eq!(told(&judged(&reference, &candidate, &[known])), silent);
}

#[test]
fn hides_silences_what_does_not_show_while_another_divergence_holds() {
    let reference = snapshot(&[("volumes", None, json!({"status": 200, "warnings": null}))]);
    let candidate = snapshot(&[("volumes", None, json!({"status": 500, "warnings": null}))]);
    let pin = |at, reference, candidate| named("area/case", "volumes", at, reference, candidate);
    let mut off = divergence("volumes-disabled", vec![pin("/status", is(json!(200)), is(json!(500)))]);
    let shape = divergence("volume-list-fields", vec![pin("/warnings", is(json!(null)), Matcher::Absent)]);
    let verdict = judged(&reference, &candidate, &[off.clone(), shape.clone()]);
    assert_eq!(
        told(&verdict),
        "fails: known volumes/status [volumes-disabled], fixed volumes/warnings [volume-list-fields]"
    );
    off.hides = vec!["volume-list-fields".to_owned()];
    let verdict = judged(&reference, &candidate, &[off, shape]);
    assert_eq!(told(&verdict), "diverges: known volumes/status [volumes-disabled]");
}

#[test]
fn unreached_without_a_known_cause_fails() {
    let reference = snapshot(&[("create", None, json!({})), ("start", None, status(204))]);
    let candidate = snapshot(&[("create", None, json!({})), ("start", None, json!({"unreached": "create"}))]);
    assert_eq!(told(&judged(&reference, &candidate, &[])), "fails: unreached start");
}

#[test]
fn a_pin_covers_what_lies_below_it_and_nothing_beside_it() {
    let object = |ports: Value| json!({"body": {"json": {"Ports": ports, "Name": "x"}}});
    let reference = snapshot(&[("inspect", None, object(json!([])))]);
    let candidate = snapshot(&[("inspect", None, object(json!([{"PrivatePort": 80}])))]);
    let pin =
        named("area/case", "inspect", "/body/json/Ports", is(json!([])), is(json!([{"PrivatePort": 80}])));
    let known = [divergence("ports", vec![pin])];
    let verdict = judged(&reference, &candidate, &known);
    assert_eq!(told(&verdict), "diverges: known inspect/body/json/Ports [ports]");
    let worse = snapshot(&[("inspect", None, object(json!([{"PrivatePort": 81}])))]);
    let verdict = judged(&reference, &worse, &known);
    assert_eq!(told(&verdict), "fails: drifted inspect/body/json/Ports [ports]");
}

#[test]
fn a_place_that_a_step_does_not_compare_is_nobodys() {
    let reference = snapshot(&[("whole", None, json!({"headers": {}})), ("narrow", None, status(200))]);
    let with_id = json!({"headers": {"x-request-id": ["<id>"]}});
    let candidate = snapshot(&[("whole", None, with_id), ("narrow", None, status(200))]);
    let pin = on("*", "/headers/x-request-id", Matcher::Absent, is(json!(["<id>"])));
    let verdict = judged(&reference, &candidate, &[divergence("ids", vec![pin])]);
    assert_eq!(told(&verdict), "diverges: known whole/headers/x-request-id [ids]");
}

#[test]
fn expressions_match_whole_values_only() {
    let reference = snapshot(&[("ping", None, json!({"headers": {"server": ["Docker/20.10.24 (linux)"]}}))]);
    let candidate = snapshot(&[("ping", None, json!({"headers": {"server": ["Triton/1.9.0 (linux)"]}}))]);
    let pin = |expression: &str| {
        let like = Matcher::Matches(Expression::parse(expression).unwrap());
        [divergence("server", vec![on("*", "/headers/server/0", like, is(json!("Triton/1.9.0 (linux)")))])]
    };
    let verdict = judged(&reference, &candidate, &pin(r"Docker/[\w.+]+ \(linux\)"));
    assert_eq!(told(&verdict), "diverges: known ping/headers/server/0 [server]");
    assert_eq!(told(&judged(&reference, &candidate, &pin("Docker"))), "fails: new ping/headers/server/0");
    assert!(Expression::parse("(").is_err());
}

#[test]
fn a_ratio_is_known_when_its_interval_lies_within_the_bound() {
    let timed = |times: [f64; 5]| snapshot(&[("start", None, json!({"time": {"millis": times}}))]);
    let pin = |bound| {
        let any = Matcher::Type(crate::divergence::ValueType::Object);
        let ratio = Matcher::Ratio(RatioBound::parse(bound).unwrap());
        [divergence("slow", vec![named("area/case", "start", "/time", any, ratio)])]
    };
    let (fast, slow) = (timed([10.0, 11.0, 10.5, 9.9, 10.1]), timed([100.0, 99.0, 101.0, 104.0, 98.0]));
    assert_eq!(told(&judged(&fast, &slow, &pin(">=2"))), "diverges: known start/time [slow]");
    assert_eq!(told(&judged(&fast, &slow, &pin(">=20"))), "fails: drifted start/time [slow]");
    assert_eq!(told(&judged(&fast, &fast, &pin(">=2"))), "fails: fixed start/time [slow]");
    assert_eq!(told(&judged(&fast, &slow, &[])), "fails: new start/time/millis");
    assert_eq!(told(&judged(&fast, &fast, &[])), "conforms: ");
}
