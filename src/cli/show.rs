//! `show`: both sides of a case of the last run, step by step, and a `curl` pair to repeat it.

use std::io::Write as _;

use clap::Args;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::output::Output;
use super::{CliError, Common, select};
use crate::exchange::{Exchange, Recording};
use crate::report::console::{Ink, clean, paint};
use crate::report::{CaseReport, Report, curl, exit};
use crate::scenario::{CaseId, StepId};
use crate::snapshot::{Part, Snapshot};
use crate::store::Store;
use crate::store::last::Played;
use crate::verdict::Finding;
use crate::version::Version;

/// Arguments of `show`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence show exit-statuses/killed-by-signal\n  divergence show killed-by-signal@1.24 --step wait --raw"
)]
pub struct ShowArgs {
    /// A scenario's name or a part of it, with `@1.24` for one API version
    scenario: String,
    /// Only this step
    #[arg(long)]
    step: Option<String>,
    /// The bytes that went over the wire instead of the normalised values
    #[arg(long)]
    raw: bool,
}

/// Shows both sides.
pub fn show(args: &ShowArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let report = store
        .last_report()?
        .ok_or_else(|| CliError::Nothing("there is no last run; `divergence run` makes one".to_owned()))?;
    let (name, api) = match args.scenario.rsplit_once('@') {
        Some((name, api)) => {
            (name, Some(api.parse::<Version>().map_err(|error| CliError::Usage(error.to_string()))?))
        }
        None => (args.scenario.as_str(), None),
    };
    let scenario = select::one_scenario(&loaded.suite, name)?;
    let cases: Vec<&CaseReport> = report
        .verdicts
        .iter()
        .filter(|verdict| {
            verdict.scenario == scenario.id && api.as_ref().is_none_or(|api| *api == verdict.api)
        })
        .collect();
    if cases.is_empty() {
        return Err(CliError::Nothing(format!(
            "{} was not in the last run; `divergence run {}` runs it",
            args.scenario, scenario.id
        )));
    }
    let mut told = Vec::new();
    for verdict in cases {
        let case = verdict.case();
        let played = store.played_or_compared(&report, &case)?;
        if output.json {
            told.push(json!({"scenario": case.scenario, "api": case.api, "verdict": verdict,
                "reference": played.reference, "candidate": played.candidate,
                "reference_recording": played.reference_recording,
                "candidate_recording": played.candidate_recording}));
        } else {
            write_case(verdict, &played, args, output)?;
        }
    }
    if output.json {
        output.json(&json!({"format": 1, "cases": told}))?;
    }
    output.out.flush()?;
    Ok(exit::FINE)
}

/// The steps of a case that have something new, drifted or fixed.
pub fn failing_steps(
    store: &Store,
    report: &Report,
    verdict: &CaseReport,
    output: &mut Output,
) -> Result<(), CliError> {
    let played = store.played_or_compared(report, &verdict.case())?;
    let mut steps: Vec<&StepId> =
        verdict.findings.iter().filter(|each| each.finding.fails()).map(|each| &each.step).collect();
    steps.dedup();
    for step in steps {
        let args = ShowArgs { scenario: String::new(), step: Some(step.0.clone()), raw: false };
        write_case(verdict, &played, &args, output)?;
    }
    Ok(())
}

fn write_case(
    verdict: &CaseReport,
    played: &Played,
    args: &ShowArgs,
    output: &mut Output,
) -> Result<(), CliError> {
    let title = format!("{}  {}", verdict.case(), verdict.verdict.word());
    writeln!(output.out, "{}", paint(&title, Ink::Strong, output.colour))?;
    if let Some(reason) = &verdict.reason {
        writeln!(output.out, "{}", clean(reason))?;
    }
    let steps = match (&played.reference, &played.candidate) {
        (Some(snapshot), _) | (None, Some(snapshot)) => &snapshot.steps,
        (None, None) => return Ok(writeln!(output.out, "nothing was kept of it")?),
    };
    for step in steps {
        if args.step.as_ref().is_some_and(|wanted| *wanted != step.id.0) {
            continue;
        }
        for part in &step.parts {
            let other = |snapshot: &Option<Snapshot>| find_part(snapshot, &step.id, &part.name);
            let [reference, candidate] = [other(&played.reference), other(&played.candidate)];
            let name = if part.name.is_empty() { String::new() } else { format!(" /{}", part.name) };
            let heading = format!("{}{name}  {}", step.id, clean(&part.request));
            writeln!(output.out, "\n{}", paint(&heading, Ink::Strong, output.colour))?;
            let recordings = [&played.reference_recording, &played.candidate_recording];
            let exchanges = recordings.map(|recording| find_exchange(recording, &step.id, &part.name));
            if args.raw {
                for (side, exchange) in ["reference", "candidate"].into_iter().zip(exchanges) {
                    write_raw(side, exchange, output)?;
                }
            } else {
                write_diff(reference.as_ref(), candidate.as_ref(), output)?;
            }
            write_findings(verdict, &step.id, &part.name, output)?;
            for (recording, exchange) in recordings.into_iter().zip(exchanges) {
                if let (Some(recording), Some(exchange)) = (recording, exchange) {
                    writeln!(output.out, "  {}", clean(&curl::command(&exchange.sent, recording)))?;
                }
            }
        }
    }
    Ok(writeln!(output.out)?)
}

fn find_part(snapshot: &Option<Snapshot>, step: &StepId, part: &str) -> Option<Part> {
    snapshot.as_ref()?.step(step)?.part(part).cloned()
}

fn find_exchange<'r>(recording: &'r Option<Recording>, step: &StepId, part: &str) -> Option<&'r Exchange> {
    let step = recording.as_ref()?.steps.iter().find(|recorded| recorded.id == *step)?;
    step.exchanges.iter().find(|exchange| exchange.part == part)
}

fn write_diff(
    reference: Option<&Part>,
    candidate: Option<&Part>,
    output: &mut Output,
) -> Result<(), CliError> {
    let text = |part: Option<&Part>| {
        let tree = part.map_or(Value::Null, |part| part.tree.clone());
        serde_json::to_string_pretty(&tree).unwrap_or_default()
    };
    let (reference, candidate) = (text(reference), text(candidate));
    if reference == candidate {
        for line in reference.lines() {
            writeln!(output.out, "    {}", clean(line))?;
        }
        return Ok(());
    }
    let diff = TextDiff::from_lines(&reference, &candidate);
    for change in diff.iter_all_changes() {
        let line = clean(change.value().trim_end_matches('\n'));
        let line = match change.tag() {
            ChangeTag::Equal => format!("    {line}"),
            ChangeTag::Delete => paint(&format!("  - {line}"), Ink::Bad, output.colour),
            ChangeTag::Insert => paint(&format!("  + {line}"), Ink::Good, output.colour),
        };
        writeln!(output.out, "{line}")?;
    }
    Ok(())
}

fn write_raw(side: &str, exchange: Option<&Exchange>, output: &mut Output) -> Result<(), CliError> {
    let Some(exchange) = exchange else {
        return Ok(writeln!(output.out, "  {side}: no raw exchange was kept")?);
    };
    let times: Vec<String> = exchange.millis.iter().map(|millis| format!("{millis:.1}")).collect();
    writeln!(output.out, "  {side}, {} ms", times.join(", "))?;
    let sent = &exchange.sent;
    writeln!(output.out, "  > {} {}", clean(&sent.method), clean(&sent.target))?;
    for (name, value) in &sent.headers {
        writeln!(output.out, "  > {}: {}", clean(name), clean(value))?;
    }
    if !sent.body.0.is_empty() {
        writeln!(output.out, "  > {}", clean(&sent.body.lossy()).replace('\n', "\n  > "))?;
    }
    if let Some(answer) = &exchange.answer {
        writeln!(output.out, "  < {} {}", answer.status, clean(&answer.reason))?;
        for (name, value) in &answer.headers {
            writeln!(output.out, "  < {}: {}", clean(name), clean(value))?;
        }
        writeln!(output.out, "  < {}", clean(&answer.body.lossy()).replace('\n', "\n  < "))?;
    }
    if let Some(printed) = &exchange.printed {
        let exit = printed.exit.map_or("ended".to_owned(), |exit| exit.to_string());
        writeln!(output.out, "  < exit code {exit}")?;
        for (name, bytes) in [("stdout", &printed.stdout), ("stderr", &printed.stderr)] {
            let text = clean(&bytes.lossy()).replace('\n', "\n  < ");
            writeln!(output.out, "  < {name}: {text}")?;
        }
    }
    if let Some(failure) = &exchange.failure {
        writeln!(output.out, "  < failure: {failure:?}")?;
    }
    Ok(())
}

fn write_findings(
    verdict: &CaseReport,
    step: &StepId,
    part: &str,
    output: &mut Output,
) -> Result<(), CliError> {
    let prefix = format!("/{part}");
    let here = |finding: &&Finding| {
        finding.step == *step
            && (part.is_empty() || finding.at == prefix || finding.at.starts_with(&format!("{prefix}/")))
    };
    for finding in verdict.findings.iter().filter(here) {
        let ink = if finding.finding.fails() { Ink::Bad } else { Ink::Quiet };
        let of = finding.divergence.as_deref().unwrap_or("no divergence");
        let line = format!("  {}  {}  {of}", finding.finding.word(), clean(&finding.at));
        writeln!(output.out, "{}", paint(&line, ink, output.colour))?;
    }
    Ok(())
}

/// The two `curl` commands that repeat the request of a finding, as far as they were kept.
pub(super) fn curl_pair(store: &Store, case: &CaseId, finding: &Finding) -> Vec<String> {
    let Ok(Some(played)) = store.played(case) else { return Vec::new() };
    let part = finding.at.trim_start_matches('/').split('/').next().unwrap_or_default();
    let sides = [("reference", &played.reference_recording), ("candidate", &played.candidate_recording)];
    let commands = sides.into_iter().filter_map(|(side, recording)| {
        let exchange = find_exchange(recording, &finding.step, "")
            .or_else(|| find_exchange(recording, &finding.step, part))?;
        let recording = recording.as_ref()?;
        Some(format!("{side}: {}", curl::command(&exchange.sent, recording)))
    });
    commands.collect()
}
