//! A report as JUnit XML: one testcase per case, divergences as properties.

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
        let mut ids: Vec<&str> =
            verdict.findings.iter().filter_map(|finding| finding.divergence.as_deref()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            case.add_property(("divergence", id));
        }
        suite.add_test_case(case);
    }
    junit.add_test_suite(suite);
    junit.to_string()
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
