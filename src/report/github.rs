//! A report as workflow commands of GitHub Actions: annotations at the lines of scenario and
//! divergence files. Source of the form: GitHub's "Workflow commands for GitHub Actions".

use std::fmt::Write as _;

use super::console::{clean, counted, one_line};
use super::{CaseReport, Report, Totals};
use crate::scenario::{ScenarioId, StepId};
use crate::verdict::{FindingKind, VerdictKind};

/// Where a step stands: its file, and its line if that is known.
pub type PlaceOf<'a> = &'a dyn Fn(&ScenarioId, Option<&StepId>) -> (String, Option<usize>);

/// All annotations, a line each, and a notice with the totals.
pub fn annotations(report: &Report, place_of: PlaceOf<'_>) -> String {
    let mut out = String::new();
    for verdict in &report.verdicts {
        match verdict.verdict {
            VerdictKind::Conforms | VerdictKind::Diverges | VerdictKind::Skipped => {}
            VerdictKind::Errs => {
                let (file, line) = place_of(&verdict.scenario, None);
                let reason = verdict.reason.as_deref().unwrap_or_default();
                command(&mut out, "error", Some((&file, line)), &format!("errs: {}", verdict.case()), reason);
            }
            VerdictKind::Fails => failing(&mut out, verdict, place_of),
        }
    }
    let Totals { cases, conforms, diverges, fails, errs, skipped } = report.totals;
    let told = format!(
        "{}: {conforms} conform, {diverges} diverge as written, {fails} fail, {errs} err, {skipped} skipped",
        counted(cases, "case")
    );
    let title = format!("{} against {}", report.candidate.told(), report.reference.told());
    command(&mut out, "notice", None, &title, &told);
    out
}

fn failing(out: &mut String, verdict: &CaseReport, place_of: PlaceOf<'_>) {
    for finding in verdict.findings.iter().filter(|finding| finding.finding.fails()) {
        let (file, line) = match (finding.finding, &finding.pin) {
            (FindingKind::Drifted | FindingKind::Fixed, Some(pin)) => (pin.file.clone(), Some(pin.line)),
            _ => place_of(&verdict.scenario, Some(&finding.step)),
        };
        let title = format!("{}: {}", finding.finding.word(), verdict.case());
        let note = finding.note.as_ref().map(|note| format!("\n{note}")).unwrap_or_default();
        command(out, "error", Some((&file, line)), &title, &format!("{}{note}", one_line(finding)));
    }
}

fn command(out: &mut String, word: &str, at: Option<(&str, Option<usize>)>, title: &str, text: &str) {
    let mut properties = Vec::new();
    if let Some((file, line)) = at {
        properties.push(format!("file={}", property(file)));
        properties.extend(line.map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(&clean(title))));
    writeln!(out, "::{word} {}::{}", properties.join(","), data(&clean(text)))
        .expect("writing to a text does not fail");
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_a_command_or_begin_another() {
        let mut out = String::new();
        let text = "50% of it\n::error::not one\u{1b}[31m";
        command(&mut out, "error", Some(("suites/a,b:c.toml", Some(7))), "x: y, z", text);
        insta::assert_snapshot!(out, @r"::error file=suites/a%2Cb%3Ac.toml,line=7,title=x%3A y%2C z::50%25 of it%0A::error::not one\u{1b}[31m");
    }
}
