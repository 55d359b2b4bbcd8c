//! `accept`: the last run's findings become divergence files.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Output;
use super::review::Done;
use super::{CliError, Common, review, select};
use crate::accept::{Accepting, Proposal, group::Pair, propose, rest_of};
use crate::divergence::Evidence;
use crate::engine_id::Kind;
use crate::report::console::{Ink, clean, counted, paint};
use crate::report::{CaseReport, Report, exit};
use crate::store::{self, Store};

/// Arguments of `accept`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AcceptArgs {
    /// Parts of case names, or globs
    filters: Vec<String>,
    /// How new divergences are known. A simulator is never evidence, so there it must be said
    #[arg(long, value_enum)]
    evidence: Option<EvidenceWord>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence accept --evidence read                   walks through the changes on a terminal
  divergence accept exit-statuses --yes --evidence read
  divergence accept --dry-run

New differences become files with a `why` to fill in, drifted ones are pinned anew, and the
range of fixed ones is closed. On a terminal each change waits for a key: pin, skip, edit (in
$VISUAL or $EDITOR), show both sides, show the diff of the file. Elsewhere --yes or --dry-run
has to be said.";

/// How a divergence is known, as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum EvidenceWord {
    /// Its documentation says so
    Documented,
    /// Its source says so
    Read,
    /// Its own code was run over stand-ins
    Ran,
    /// Recorded on that very engine
    Observed,
}

/// Turns findings into files.
pub fn accept(args: &AcceptArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let report = store
        .last_report()?
        .ok_or_else(|| CliError::Nothing("there is no last run; `divergence run` makes one".to_owned()))?;
    let evidence = evidence(args, &report)?;
    let pairs = pairs(&store, &report)?;
    let text_of = |file: &str| store.text_of(file);
    let accepting =
        Accepting { suite: &loaded.suite, report: &report, text_of: &text_of, pairs: &pairs, evidence };
    let wanted = |case: &CaseReport| {
        args.filters.is_empty()
            || args.filters.iter().any(|filter| select::lets_through(filter, &case.case()))
    };
    let proposals = propose(&accepting, &wanted);
    if proposals.is_empty() {
        return Err(CliError::Nothing("the last run has nothing to accept there".to_owned()));
    }
    let is_terminal = output.is_terminal && std::io::stdin().is_terminal();
    if !args.yes && !args.dry_run && !is_terminal {
        return Err(CliError::Usage(format!(
            "{} to make; there is no terminal to ask on: say --yes, or --dry-run to see them",
            counted(proposals.len(), "change")
        )));
    }
    let mut written = Vec::new();
    for (at, proposal) in proposals.iter().enumerate() {
        tell(proposal, (at + 1, proposals.len()), output)?;
        let Some(text) = &proposal.text else { continue };
        if args.dry_run {
            continue;
        }
        let done = if args.yes {
            write(&store, &loaded.suite, proposal, text)?;
            Done::Written
        } else {
            review::walk((&store, &loaded.suite, &report), proposal, text, output)?
        };
        match done {
            Done::Written => written.push(proposal.file.clone()),
            Done::Skipped => {}
            Done::Quit => break,
        }
    }
    if output.json {
        let told: Vec<_> = proposals
            .iter()
            .map(|proposal| {
                json!({"title": proposal.title, "file": proposal.file, "findings": proposal.findings,
                       "written": written.contains(&proposal.file)})
            })
            .collect();
        output.json(&json!({"format": 1, "changes": told}))?;
        return Ok(exit::FINE);
    }
    let to_fill =
        written.iter().filter(|file| store.text_of(file).contains(crate::accept::group::TO_FILL_IN));
    let to_fill = to_fill.count();
    writeln!(output.out, "\n{} written", counted(written.len(), "file"))?;
    if to_fill > 0 {
        writeln!(
            output.out,
            "next: fill in `why` in {}; `divergence check` asks for it",
            counted(to_fill, "file")
        )?;
    }
    output.out.flush()?;
    Ok(exit::FINE)
}

/// Writes a proposal.
pub fn write(
    store: &Store,
    suite: &crate::suite::Suite,
    proposal: &Proposal,
    text: &str,
) -> Result<(), CliError> {
    // What was moved to a file of its own leaves the old one, after the new one is whole.
    let moved_from = suite
        .divergences
        .iter()
        .find(|divergence| proposal.file.starts_with(&divergence.file.replace(".toml", "-before-")));
    store::write(&store.path_of(&proposal.file), text)?;
    if let Some(divergence) = moved_from
        && let Some(rest) = rest_of(divergence, text, &store.text_of(&divergence.file))
    {
        store::write(&store.path_of(&divergence.file), &rest)?;
    }
    Ok(())
}

fn evidence(args: &AcceptArgs, report: &Report) -> Result<Evidence, CliError> {
    let kind = report.candidate.recorded_from.unwrap_or(report.candidate.kind);
    match (args.evidence, kind) {
        (Some(EvidenceWord::Observed), Kind::Simulator) => Err(CliError::Usage(
            "what the simulator shows was not observed on sdc-docker: say --evidence documented, read or ran"
                .to_owned(),
        )),
        (Some(EvidenceWord::Documented), _) => Ok(Evidence::Documented),
        (Some(EvidenceWord::Read), _) => Ok(Evidence::Read),
        (Some(EvidenceWord::Ran), _) => Ok(Evidence::Ran),
        (Some(EvidenceWord::Observed), _) => Ok(Evidence::Observed),
        (None, Kind::Simulator) => {
            let new = report.findings.new > 0;
            match new {
                true => Err(CliError::Usage(
                    "the candidate was the simulator, which is never evidence: say how the new differences are \
                     known, with --evidence documented, read or ran"
                        .to_owned(),
                )),
                false => Ok(Evidence::Read),
            }
        }
        (None, Kind::Live | Kind::Container | Kind::Host | Kind::Recorded) => Ok(Evidence::Observed),
    }
}

fn pairs(store: &Store, report: &Report) -> Result<Vec<Pair>, CliError> {
    let mut pairs = Vec::new();
    for verdict in &report.verdicts {
        let played = store.played_or_compared(report, &verdict.case())?;
        pairs.extend(played.reference.zip(played.candidate));
    }
    Ok(pairs)
}

fn tell(proposal: &Proposal, (number, all): (usize, usize), output: &mut Output) -> Result<(), CliError> {
    if output.json {
        return Ok(());
    }
    let title = format!("{number} of {all}: {}", proposal.title);
    writeln!(output.out, "\n{}", paint(&title, Ink::Strong, output.colour))?;
    for line in proposal.findings.iter().take(4) {
        writeln!(output.out, "  {}", clean(line))?;
    }
    if proposal.findings.len() > 4 {
        writeln!(output.out, "  ... and {} more", proposal.findings.len() - 4)?;
    }
    if proposal.text.is_none() {
        writeln!(output.out, "  not written: {} has to be edited by hand", proposal.file)?;
    }
    Ok(output.out.flush()?)
}
