//! `compare`: two reports held against each other.

use std::io::Write as _;

use clap::Args;

use super::output::Output;
use super::{CliError, reports};
use crate::report::compared::{compare as compare_reports, tell};

/// Arguments of `compare`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// The earlier report: the last release, or the engine to hold against
    #[arg(value_name = "A")]
    earlier: String,
    /// The later report
    #[arg(value_name = "B")]
    later: String,
    /// Print Markdown, for a pull request or release notes
    #[arg(long)]
    markdown: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence run --candidate recorded:simulator-0.3 --reference recorded:docker-20.10 --report json=0.3.json
  divergence run --candidate recorded:simulator-0.7 --reference recorded:docker-20.10 --report json=0.7.json
  divergence compare 0.3.json 0.7.json
  divergence compare 0.3.json 0.7.json --markdown >>\"$GITHUB_STEP_SUMMARY\"

A place that differs in B and not in A is newly diverging, known or not: that is exit code 1.
Exit code 3 says that something judged in A could not be judged in B, 4 that no case is in both.";

/// Compares two reports.
pub fn compare(args: &CompareArgs, output: &mut Output) -> Result<u8, CliError> {
    let (earlier, later) = (reports::read(&args.earlier)?, reports::read(&args.later)?);
    let (compared, both) = compare_reports(&earlier, &later);
    let code = compared.exit(both);
    if output.json {
        output.json(&compared)?;
        return Ok(code);
    }
    match args.markdown {
        true => tell::markdown(&compared, &mut output.out)?,
        false => tell::text(&compared, output.colour, &mut output.out)?,
    }
    output.out.flush()?;
    Ok(code)
}
