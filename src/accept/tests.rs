//! What `accept` proposes, on reports made by hand.

use serde_json::{Value, json};

use super::{Accepting, Proposal, propose, rest_of};
use crate::divergence::Evidence;
use crate::engine_id::Kind;
use crate::report::{CaseReport, Report, Side};
use crate::scenario::{ScenarioId, StepId};
use crate::suite::{Suite, SuiteFiles, load};
use crate::verdict::{Finding, FindingKind, PinPlace, VerdictKind};

const SCENARIO: &str = r#"
title = "t"
[[steps]]
id = "create"
request = "POST /containers/create"
[[steps]]
id = "version"
request = "GET /version"
"#;

const KNOWN: &str = r#"# Kept.
title = "t"
kind = "deficiency"
why = "because"
when = { release = ">=0.1" } # kept too
evidence = "read"

[[observations]]
scenario = "area/one"
at = "create/status"
reference = 201
candidate = 200

# Of the second.
[[observations]]
scenario = "area/*"
at = "version/body/text"
reference = "a"
candidate = "b"
"#;

fn suite() -> Suite {
    let scenario = |name: &str| (format!("suites/area/scenarios/{name}.toml"), SCENARIO.to_owned());
    let files = SuiteFiles {
        scenarios: vec![scenario("one"), scenario("two"), scenario("three")],
        divergences: vec![("suites/area/divergences/sdc-docker/known.toml".to_owned(), KNOWN.to_owned())],
        ..SuiteFiles::default()
    };
    load(&files).unwrap_or_else(|found| panic!("{found:?}"))
}

/// Case, kind, step, place, reference, candidate, and the observation that speaks.
type Row<'a> = (&'a str, FindingKind, &'a str, &'a str, Value, Value, Option<usize>);

fn report(suite: &Suite, rows: &[Row<'_>]) -> Report {
    let side = |identity: &str, kind, release: &str| Side {
        name: identity.to_owned(),
        identity: identity.to_owned(),
        kind,
        recorded_from: None,
        release: release.parse().unwrap(),
    };
    let mut verdicts: Vec<CaseReport> = Vec::new();
    for (case, kind, step, at, reference, candidate, pin) in rows {
        let (name, api) = case.split_once('@').unwrap();
        let known = &suite.divergences[0];
        let finding = Finding {
            finding: *kind,
            divergence: pin.map(|_| known.id.clone()),
            pin: pin.map(|at| PinPlace::of(known, &known.observations[at])),
            step: StepId((*step).to_owned()),
            at: (*at).to_owned(),
            reference: Some(reference.clone()),
            candidate: Some(candidate.clone()),
            absent: Vec::new(),
            note: None,
        };
        let scenario = ScenarioId(format!("area/{name}"));
        match verdicts
            .iter_mut()
            .find(|verdict| verdict.scenario == scenario && verdict.api.to_string() == api)
        {
            Some(verdict) => verdict.findings.push(finding),
            None => verdicts.push(CaseReport {
                scenario,
                api: api.parse().unwrap(),
                verdict: VerdictKind::Fails,
                reason: None,
                findings: vec![finding],
                millis: None,
            }),
        }
    }
    Report::new(
        side("docker", Kind::Live, "20.10"),
        side("sdc-docker", Kind::Live, "0.8.2"),
        "default",
        verdicts,
    )
}

fn proposals(rows: &[Row<'_>]) -> Vec<Proposal> {
    let suite = suite();
    let report = report(&suite, rows);
    let text_of = |_: &str| KNOWN.to_owned();
    let accepting = Accepting {
        suite: &suite,
        report: &report,
        text_of: &text_of,
        pairs: &[],
        evidence: Evidence::Observed,
    };
    propose(&accepting, &|_| true)
}

#[test]
fn what_is_fixed_everywhere_gets_a_closed_range_and_keeps_its_comments() {
    use FindingKind::Fixed;
    let found = proposals(&[
        ("one@1.21", Fixed, "create", "/status", json!(201), json!(201), Some(0)),
        ("two@1.21", Fixed, "version", "/body/text", json!("a"), json!("a"), Some(1)),
    ]);
    let text = found[0].text.as_deref().unwrap();
    assert_eq!(text, KNOWN.replace("\">=0.1\"", "\">=0.1, <0.8\""));
}

#[test]
fn what_is_fixed_in_one_observation_moves_to_a_file_of_its_own() {
    use FindingKind::{Fixed, Known};
    let found = proposals(&[
        ("one@1.21", Fixed, "create", "/status", json!(201), json!(201), Some(0)),
        ("two@1.21", Known, "version", "/body/text", json!("a"), json!("b"), Some(1)),
    ]);
    assert_eq!(found[0].file, "suites/area/divergences/sdc-docker/known-before-0.8.toml");
    let moved = found[0].text.as_deref().unwrap();
    assert!(
        moved.contains("<0.8") && moved.contains("create/status") && !moved.contains("version/"),
        "{moved}"
    );
    let rest = rest_of(&suite().divergences[0], moved, KNOWN).unwrap();
    assert!(
        !rest.contains("create/status") && rest.contains("# Of the second.") && rest.contains("# Kept."),
        "{rest}"
    );
}

#[test]
fn a_drifted_observation_is_pinned_anew_and_a_partly_drifted_one_gets_pins_beside_it() {
    use FindingKind::{Drifted, Known};
    let found = proposals(&[("one@1.21", Drifted, "create", "/status", json!(201), json!(202), Some(0))]);
    assert_eq!(found[0].text.as_deref().unwrap(), KNOWN.replace("candidate = 200", "candidate = 202"));
    let found = proposals(&[
        ("one@1.21", Known, "version", "/body/text", json!("a"), json!("b"), Some(1)),
        ("two@1.21", Drifted, "version", "/body/text", json!("a"), json!({"c": 1}), Some(1)),
    ]);
    let text = found[0].text.as_deref().unwrap();
    assert!(text.starts_with(KNOWN), "{text}");
    assert!(text.ends_with("scenario = \"area/two\"\nat = \"version/body/text\"\nreference = \"a\"\ncandidate = { json = '''{\"c\":1}''' }\n"), "{text}");
}

#[test]
fn new_findings_are_grouped_by_cause() {
    use FindingKind::New;
    let mut rows: Vec<Row<'_>> = Vec::new();
    for case in ["one@1.21", "one@1.24", "two@1.21", "two@1.24"] {
        rows.push((case, New, "create", "/status", json!(201), json!(200), None));
    }
    rows.push(("three@1.24", New, "version", "/body/json/Os", json!("linux"), json!("solaris"), None));
    rows.push(("three@1.21", New, "version", "/status", json!(200), json!(200.5), None));
    let found = proposals(&rows);
    let titles: Vec<&str> = found.iter().map(|each| each.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        titles,
        [
            "get-version-os-api-1.24.toml",
            "get-version-status-api-1.21.toml",
            "post-containers-create-status.toml"
        ]
    );
    let create = found[2].text.as_deref().unwrap();
    assert!(
        create
            .contains("on = \"POST /containers/create\"\nat = \"/status\"\nreference = 201\ncandidate = 200"),
        "{create}"
    );
    assert_eq!(create.matches("[[observations]]").count(), 1);
    assert!(found[0].text.as_deref().unwrap().contains("when = { api = \"=1.24\" }"));
}
