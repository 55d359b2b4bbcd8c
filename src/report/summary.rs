//! A report in Markdown: totals and what fails, for the summary page of a pipeline.

use std::fmt::Write as _;

use super::console::{Which, counted, side};
use super::markdown::{code, escaped};
use super::{Counts, Report, Totals};
use crate::verdict::VerdictKind;

/// Findings that are listed; JSON has them all.
const SHOWN: usize = 50;

/// The Markdown text.
pub fn to_markdown(report: &Report) -> String {
    let mut out = String::new();
    write(report, &mut out).expect("writing to a text does not fail");
    out
}

fn write(report: &Report, out: &mut String) -> std::fmt::Result {
    let Totals { cases, conforms, diverges, fails, errs, skipped } = report.totals;
    let Counts { known, new, drifted, fixed, unreached } = report.findings;
    writeln!(
        out,
        "## {} against {}\n",
        escaped(&report.candidate.told()),
        escaped(&report.reference.told())
    )?;
    writeln!(out, "| cases | conform | diverge as written | fail | err | skipped |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    writeln!(out, "| {cases} | {conforms} | {diverges} | {fails} | {errs} | {skipped} |\n")?;
    writeln!(
        out,
        "Findings: {known} known, {new} new, {drifted} drifted, {fixed} fixed, {unreached} unreached.\n"
    )?;
    let failing: Vec<_> = report
        .verdicts
        .iter()
        .flat_map(|verdict| verdict.findings.iter().map(move |finding| (verdict, finding)))
        .filter(|(_, finding)| finding.finding.fails())
        .collect();
    if !failing.is_empty() {
        writeln!(out, "| finding | case | place | divergence | reference | candidate |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    }
    for (verdict, finding) in failing.iter().take(SHOWN) {
        let [reference, candidate] =
            [Which::Reference, Which::Candidate].map(|which| code(&side(finding, which)));
        writeln!(
            out,
            "| {} | {} | {} | {} | {reference} | {candidate} |",
            finding.finding.word(),
            code(&verdict.case().to_string()),
            code(&format!("{}{}", finding.step, finding.at)),
            finding.divergence.as_deref().map(code).unwrap_or_default(),
        )?;
    }
    if failing.len() > SHOWN {
        writeln!(out, "\n... and {} more.", failing.len() - SHOWN)?;
    }
    for verdict in report.verdicts.iter().filter(|verdict| verdict.verdict == VerdictKind::Errs) {
        let reason = escaped(verdict.reason.as_deref().unwrap_or_default());
        writeln!(out, "\n- errs: {}: {reason}", code(&verdict.case().to_string()))?;
    }
    for fixed in &report.fixed {
        let how = if fixed.partly { "partly fixed" } else { "fixed" };
        let places = counted(fixed.places, "place");
        writeln!(out, "\n- {} is {how} in {places}", code(&fixed.divergence))?;
    }
    Ok(())
}
