//! `merge`: the reports of partitions as one.

use std::io::Write as _;

use clap::Args;

use super::output::Output;
use super::sink::{Beside, Sink};
use super::{CliError, Common, reports};
use crate::report::console;
use crate::report::merge::merge as merge_reports;

/// Arguments of `merge`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// The JSON reports of all partitions of one run
    #[arg(required = true, value_name = "REPORT")]
    files: Vec<String>,
    /// Also write the report to a file, as `run` does (repeatable)
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<String>,
    /// Also show known findings
    #[arg(long, short)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence run --partition slice:1/2 --report json=1.json
  divergence run --partition slice:2/2 --report json=2.json
  divergence merge 1.json 2.json --report junit=junit.xml

The exit code is that of the whole run. Reports of different suites, engines, worlds or formats
are refused, and so is a set that lacks a part.";

/// Merges reports.
pub fn merge(args: &MergeArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let sinks = Sink::all(&args.report)?;
    let reports = args.files.iter().map(|file| Ok((file.clone(), reports::read(file)?)));
    let reports = reports.collect::<Result<Vec<_>, CliError>>()?;
    let report =
        merge_reports(reports).map_err(|error| CliError::Usage(format!("failed to merge: {error}")))?;
    // Outside of a project annotations have no lines, and pages no exchanges.
    let store = common.store().ok();
    let loaded = store.as_ref().and_then(|store| store.load().ok());
    let suite = loaded.as_ref().map(|loaded| &loaded.suite);
    let beside = Beside { store: store.as_ref(), suite, is_last_run: false };
    if output.json {
        output.json(&report)?;
        Sink::write_all(&sinks, &report, &beside, output)?;
        return Ok(report.exit());
    }
    writeln!(output.out, "reference  {}\ncandidate  {}", report.reference.told(), report.candidate.told())?;
    let style = console::Style { colour: output.colour, verbose: args.verbose, curl: &|_, _| Vec::new() };
    console::write(&report, &style, &mut output.out)?;
    output.out.flush()?;
    Sink::write_all(&sinks, &report, &beside, output)?;
    Ok(report.exit())
}
