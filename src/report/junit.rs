//! A report as JUnit XML: one testcase per case. Divergences are properties of the suite and stand in
//! the output of each case: a testcase with properties is refused by Jenkins' schema (junit-10.xsd).

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use crate::report::console::one_line;
use crate::verdict::{FindingKind, VerdictKind};

/// The XML text.
pub fn to_xml(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut junit = Junit::new("divergence");
    let mut suite =
        TestSuite::new(format!("{} against {}", report.candidate.told(), report.reference.told()));
    suite.add_property(("world", report.world.as_str()));
    for (id, counts) in report.by_divergence() {
        let counts: Vec<String> =
            counts.into_iter().map(|(kind, count)| format!("{count} {}", kind.word())).collect();
        suite.add_property((format!("divergence.{id}"), counts.join(", ")));
    }
    for verdict in &report.verdicts {
        let status = match verdict.verdict {
            VerdictKind::Conforms | VerdictKind::Diverges => TestCaseStatus::success(),
            VerdictKind::Fails => failing(NonSuccessKind::Failure, "fails", &told(verdict)),
            VerdictKind::Errs => {
                failing(NonSuccessKind::Error, "errs", verdict.reason.as_deref().unwrap_or_default())
            }
            VerdictKind::Skipped => {
                let mut skipped = TestCaseStatus::skipped();
                skipped.set_message(verdict.reason.as_deref().unwrap_or_default());
                skipped
            }
        };
        let mut case = TestCase::new(format!("{}@{}", verdict.scenario, verdict.api), status);
        case.set_classname(verdict.scenario.area());
        if let Some([_, candidate]) = verdict.millis {
            case.set_time(std::time::Duration::from_secs_f64(candidate.max(0.0) / 1000.0));
        }
        let told: Vec<String> = by_divergence(verdict);
        if !told.is_empty() {
            case.set_system_out(told.join("\n"));
        }
        suite.add_test_case(case);
    }
    let skipped = format!(" skipped=\"{}\"", report.totals.skipped);
    junit.add_test_suite(suite);
    let xml = junit.to_string()?;
    // Jenkins' schema knows the attribute on a suite only, not on the root around it.
    let Some((head, rest)) = xml.split_once("<testsuite ") else { return Ok(xml) };
    Ok(format!("{}<testsuite {rest}", head.replacen(&skipped, "", 1)))
}

/// `exit-status-differs: 2 known`, a line each.
fn by_divergence(verdict: &super::CaseReport) -> Vec<String> {
    let counts = super::by_divergence(verdict.findings.iter());
    let told = |(id, counts): (&str, BTreeMap<FindingKind, usize>)| -> Vec<String> {
        counts.into_iter().map(|(kind, count)| format!("{id}: {count} {}", kind.word())).collect()
    };
    counts.into_iter().flat_map(told).collect()
}

fn failing(kind: NonSuccessKind, word: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word);
    status.set_message(text.lines().next().unwrap_or_default());
    status.set_description(text);
    status
}

fn told(verdict: &super::CaseReport) -> String {
    let told = |kind: FindingKind| verdict.findings.iter().filter(move |finding| finding.finding == kind);
    let failing = FindingKind::ALL.into_iter().filter(|kind| kind.fails());
    failing.flat_map(told).map(one_line).collect::<Vec<_>>().join("\n")
}
