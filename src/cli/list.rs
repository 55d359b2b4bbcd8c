//! `list`: scenarios with their titles.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common, select};
use crate::report::console::{Ink, counted, paint};
use crate::report::exit;
use crate::version::Version;

/// Arguments of `list`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence list\n  divergence list volumes --api 1.24\n  divergence list --format json | jq -r '.scenarios[].id'"
)]
pub struct ListArgs {
    /// Parts of names, or globs
    filters: Vec<String>,
    /// Only these API versions
    #[arg(long, value_delimiter = ',')]
    api: Vec<Version>,
}

/// Lists scenarios.
pub fn list(args: &ListArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let loaded = common.store()?.load()?;
    let cases = select::cases(&loaded.suite, &args.filters, &args.api)?;
    let mut scenarios: Vec<_> = cases.iter().map(|planned| planned.scenario).collect();
    scenarios.dedup_by_key(|scenario| &scenario.id);
    if output.json {
        let told: Vec<_> = scenarios
            .iter()
            .map(|scenario| {
                json!({"id": scenario.id, "title": scenario.title, "page": scenario.page,
                       "command": scenario.command, "api": scenario.api})
            })
            .collect();
        output.json(&json!({"format": 1, "scenarios": told}))?;
        return Ok(exit::FINE);
    }
    let width = scenarios.iter().map(|scenario| scenario.id.0.len()).max().unwrap_or(0);
    for scenario in &scenarios {
        let id = paint(&format!("{:width$}", scenario.id.0), Ink::Strong, output.colour);
        writeln!(output.out, "{id}  {}", scenario.title)?;
    }
    let told = format!("{}, {}", counted(scenarios.len(), "scenario"), counted(cases.len(), "case"));
    writeln!(output.out, "\n{told}")?;
    output.out.flush()?;
    Ok(exit::FINE)
}
