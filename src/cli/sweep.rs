//! `sweep`: removes what interrupted runs left behind on the engines.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::report::console::{clean, counted};
use crate::report::exit;
use crate::session::{Desk, ledger_folder};

/// Arguments of `sweep`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence sweep\n\nOnly what a ledger of an interrupted run names is removed; runs under way are left alone."
)]
pub struct SweepArgs {}

/// Removes what interrupted runs left. Exit code 3 when something could not be removed.
pub fn sweep(_args: &SweepArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let desk = Desk::open(&store)?;
    let report = desk
        .runtime
        .block_on(crate::run::sweep::sweep(&ledger_folder(&store), |place| desk.endpoint_at(place)))
        .map_err(|error| CliError::Engine(error.to_string()))?;
    let code = if report.left.is_empty() { exit::FINE } else { exit::ERRS };
    if output.json {
        let left: Vec<_> =
            report.left.iter().map(|left| json!({"what": left.entry, "reason": left.reason})).collect();
        output.json(&json!({"format": 1, "removed": report.removed, "left": left}))?;
        return Ok(code);
    }
    for what in &report.removed {
        writeln!(output.out, "removed  {}", clean(&what.to_string()))?;
    }
    for left in &report.left {
        writeln!(output.out, "left     {}: {}", clean(&left.entry.to_string()), clean(&left.reason))?;
    }
    let (removed, left) = (counted(report.removed.len(), "thing"), report.left.len());
    writeln!(output.out, "{removed} removed, {left} left")?;
    output.out.flush()?;
    Ok(code)
}
