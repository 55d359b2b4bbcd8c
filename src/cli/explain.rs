//! `explain`: everything known about a divergence.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common, select};
use crate::divergence::{Divergence, EVIDENCE, KINDS, Scope};
use crate::report::console::{Ink, clean, counted, one_line, paint};
use crate::report::{Report, exit};
use crate::verdict::FindingKind;

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence explain exit-status-differs\n  divergence explain create-status-200 --format json"
)]
pub struct ExplainArgs {
    /// The divergence's id
    id: String,
}

/// Tells everything known about a divergence.
pub fn explain(args: &ExplainArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let found: Vec<&Divergence> =
        loaded.suite.divergences.iter().filter(|divergence| divergence.id == args.id).collect();
    if found.is_empty() {
        if let Some(entry) = loaded.suite.unobservable.iter().find(|entry| entry.id == args.id) {
            writeln!(output.out, "{} cannot be seen by a client: {}", entry.id, entry.reason)?;
            output.out.flush()?;
            return Ok(exit::FINE);
        }
        let mut ids: Vec<&str> = loaded.suite.divergences.iter().map(|each| each.id.as_str()).collect();
        ids.extend(loaded.suite.catalogue.iter().map(String::as_str));
        if loaded.suite.catalogue.contains(&args.id) {
            return Err(CliError::Nothing(format!(
                "`{}` is in the catalogue, but no divergence file pins it yet",
                args.id
            )));
        }
        return Err(select::unknown("the divergence", &args.id, &ids));
    }
    let report = store.last_report()?;
    if output.json {
        let told: Vec<_> = found
            .iter()
            .map(|divergence| json!({"divergence": divergence, "last_run": last_findings(divergence, report.as_ref())}))
            .collect();
        output.json(&json!({"format": 1, "divergences": told}))?;
        return Ok(exit::FINE);
    }
    for divergence in found {
        write_divergence(divergence, report.as_ref(), output)?;
    }
    output.out.flush()?;
    Ok(exit::FINE)
}

fn write_divergence(
    divergence: &Divergence,
    report: Option<&Report>,
    output: &mut Output,
) -> Result<(), CliError> {
    let word = |known: &[(&'static str, _)], is: &dyn Fn(usize) -> bool| -> &'static str {
        known.iter().enumerate().find(|(at, _)| is(*at)).map_or("?", |(_, (word, ()))| *word)
    };
    let kinds: Vec<(&'static str, ())> = KINDS.iter().map(|(word, _)| (*word, ())).collect();
    let kind = word(&kinds, &|at| KINDS[at].1 == divergence.kind);
    let evidences: Vec<(&'static str, ())> = EVIDENCE.iter().map(|(word, _)| (*word, ())).collect();
    let evidence = word(&evidences, &|at| EVIDENCE[at].1 == divergence.evidence);
    let title = format!("{}: {}", divergence.id, divergence.title);
    writeln!(output.out, "{}", paint(&title, Ink::Strong, output.colour))?;
    writeln!(output.out, "{kind} of {}, page {}, evidence {evidence}", divergence.engine, divergence.page)?;
    if let Some(ticket) = &divergence.ticket {
        writeln!(output.out, "ticket {ticket}")?;
    }
    let when = &divergence.when;
    for (word, text) in [
        ("release", when.release.to_string()),
        ("API", when.api.to_string()),
        ("world", when.world.clone().unwrap_or_default()),
        ("reference", when.reference.as_ref().map(|(id, range)| format!("{id} {range}")).unwrap_or_default()),
    ] {
        if !text.is_empty() {
            writeln!(output.out, "only at {word} {text}")?;
        }
    }
    writeln!(output.out, "\n{}\n\npinned in {}:", divergence.why.trim(), divergence.file)?;
    for observation in &divergence.observations {
        let of = match &observation.scope {
            Scope::Everywhere => "every answer".to_owned(),
            Scope::Route(route) => route.to_string(),
            Scope::Scenario { glob, step, part } => {
                let step = step.as_ref().map_or("*", |step| step.0.as_str());
                let part = if part.is_empty() { String::new() } else { format!("/{part}") };
                format!("{glob}  {step}{part}")
            }
        };
        writeln!(output.out, "  {of}{}", observation.at)?;
        writeln!(output.out, "      reference  {}", clean(&observation.reference.to_string()))?;
        writeln!(output.out, "      candidate  {}", clean(&observation.candidate.to_string()))?;
    }
    let findings = last_findings(divergence, report);
    let cases: std::collections::BTreeSet<&str> = findings.iter().map(|(case, _)| case.as_str()).collect();
    writeln!(
        output.out,
        "\nin the last run: {} in {}",
        counted(findings.len(), "place"),
        counted(cases.len(), "case")
    )?;
    for (case, text) in findings.iter().filter(|(_, text)| !text.starts_with(FindingKind::Known.word())) {
        writeln!(output.out, "  {case}: {}", clean(text))?;
    }
    Ok(writeln!(output.out)?)
}

/// The findings of the last run that name the divergence: case and text.
fn last_findings(divergence: &Divergence, report: Option<&Report>) -> Vec<(String, String)> {
    let verdicts = report.into_iter().flat_map(|report| &report.verdicts);
    let findings = verdicts.flat_map(|verdict| {
        verdict.findings.iter().map(move |finding| (verdict.case().to_string(), finding))
    });
    let ours = findings.filter(|(_, finding)| finding.divergence.as_ref() == Some(&divergence.id));
    ours.map(|(case, finding)| (case, one_line(finding))).collect()
}
