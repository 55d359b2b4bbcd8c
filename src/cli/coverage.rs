//! `coverage`: what of Docker's documented API the scenarios exercise on the reference.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::committed::committed;
use super::output::Output;
use super::{CliError, Common};
use crate::coverage::asked::{Asked, asked};
use crate::coverage::{Coverage, Tally, coverage as measure};
use crate::documented::Detail;
use crate::report::console::{Ink, counted, paint};
use crate::report::exit;
use crate::route::Route;
use crate::snapshot::Snapshot;
use crate::suite::Suite;
use crate::version::Version;

/// Arguments of `coverage`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CoverageArgs {
    /// Only this API version, with what is missing [default: the totals of all]
    #[arg(long, value_name = "VERSION")]
    api: Option<Version>,
    /// Also tell what cannot be asked, with the reasons of suites/unasked.toml
    #[arg(long)]
    excluded: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence coverage                      the totals of every API version
  divergence coverage --api 1.24           and what is missing, route by route
  divergence coverage --api 1.24 --excluded
  divergence coverage --api 1.24 --format json | jq -r '.parameters.missing[]'

Documented is what fixtures/api/ lists. Exercised is what a committed snapshot of the reference
was asked and answered: its request line and status as recorded, the headers and body from the
same step of the scenario, which the snapshot's fingerprint vouches for. A status that a scenario
leaves out of its comparison does not count. A scenario that is not recorded at a version counts
there at the version that stands for it: ci/versions holds that against a live Docker.

Targets hold at the versions that scenarios run at by default and at the newest: all routes, 95 % of
parameters and statuses, 80 % of the fields of create, exec, build, network and volume.

Exit codes: 0 every target is met, 1 one is missed, 2 a file does not load, 4 nothing is documented.";

/// Tells the coverage. Exit code 1 when a target is missed.
pub fn coverage(args: &CoverageArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let suite = store.load()?.suite;
    let references = committed(&store)?.references;
    let wanted: Vec<Coverage> = measured(&references, &suite, &store.fixtures())
        .into_iter()
        .filter(|each| args.api.as_ref().is_none_or(|api| *api == each.api))
        .collect();
    if wanted.is_empty() {
        let known: Vec<String> = suite.documented.iter().map(|facts| facts.api.to_string()).collect();
        return Err(CliError::Nothing(match (&args.api, known.is_empty()) {
            (Some(api), false) => format!("no facts of API {api}; fixtures/api/ has {}", known.join(", ")),
            _ => "no facts of any API version; they belong into fixtures/api/VERSION.toml".to_owned(),
        }));
    }
    let code = if wanted.iter().any(Coverage::is_short) { exit::FAILS } else { exit::FINE };
    if output.json {
        write_json(&wanted, args, &suite, output)?;
        return Ok(code);
    }
    for coverage in &wanted {
        write_totals(coverage, output)?;
    }
    if args.api.is_some() {
        write_missing(&wanted[0], output)?;
    }
    if args.excluded {
        write_excluded(&suite, output)?;
    }
    if args.api.is_none() {
        writeln!(output.out, "`divergence coverage --api 1.24` tells what is missing, route by route")?;
    }
    output.out.flush()?;
    Ok(code)
}

/// The coverage of every documented version, from the committed snapshots of the reference.
pub fn measured(references: &[Snapshot], suite: &Suite, fixtures: &Path) -> Vec<Coverage> {
    let versions: Vec<Version> = suite.documented.iter().map(|facts| facts.api.clone()).collect();
    let mut all: Vec<Asked> = Vec::new();
    for snapshot in references {
        if let Some(scenario) = suite.scenarios.iter().find(|scenario| scenario.id == snapshot.case.scenario)
        {
            all.extend(asked(scenario, snapshot, &versions, fixtures));
        }
    }
    let is_held = |api: &Version| suite.settings.api.contains(api) || versions.iter().max() == Some(api);
    let facts = suite.documented.iter();
    facts.map(|facts| measure(facts, &all, &suite.unasked, is_held(&facts.api))).collect()
}

fn write_json(
    wanted: &[Coverage],
    args: &CoverageArgs,
    suite: &Suite,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut told: serde_json::Map<String, serde_json::Value> = serde_json::Map::new();
    told.insert("format".to_owned(), json!(1));
    match (args.api.is_some(), json!(wanted)) {
        (true, serde_json::Value::Array(mut one)) => {
            if let Some(serde_json::Value::Object(only)) = one.pop() {
                told.extend(only);
            }
        }
        (_, all) => drop(told.insert("versions".to_owned(), all)),
    }
    if args.excluded {
        let entries: Vec<_> = suite
            .unasked
            .iter()
            .map(|entry| {
                let what: Vec<String> = entry.details.iter().map(ToString::to_string).collect();
                json!({"routes": entry.routes, "what": what, "reason": entry.reason})
            })
            .collect();
        told.insert("reasons".to_owned(), json!(entries));
    }
    output.json(&told)
}

fn write_totals(coverage: &Coverage, output: &mut Output) -> Result<(), CliError> {
    let title = paint(&format!("API {}", coverage.api), Ink::Strong, output.colour);
    let note = if coverage.held { "" } else { "  (no target holds)" };
    writeln!(output.out, "{title}{note}")?;
    writeln!(output.out, "                    documented  exercised  excluded  missing")?;
    for (name, tally) in coverage.tallies() {
        write_tally(name, tally, output)?;
    }
    for area in &coverage.areas {
        let what = if area.name == "build" { "parameters" } else { "fields" };
        write_tally(&format!("  {} {what}", area.name), &area.tally, output)?;
    }
    Ok(writeln!(output.out)?)
}

fn write_tally(name: &str, tally: &Tally, output: &mut Output) -> Result<(), CliError> {
    let Tally { documented, exercised, excluded, target, missing } = tally;
    let ink = if tally.is_short() { Ink::Bad } else { Ink::Good };
    let percent = paint(&format!("{:>3} %", tally.percent()), ink, output.colour);
    let wanted = match target {
        Some(target) if tally.is_short() => format!("  short of {target} %"),
        _ => String::new(),
    };
    Ok(writeln!(
        output.out,
        "{name:18}  {documented:>10}  {exercised:>9}  {excluded:>8}  {:>7}  {percent}{wanted}",
        missing.len()
    )?)
}

fn write_missing(coverage: &Coverage, output: &mut Output) -> Result<(), CliError> {
    let mut by_route: BTreeMap<&Route, Vec<&Detail>> = BTreeMap::new();
    for item in coverage.missing() {
        by_route.entry(&item.route).or_default().push(&item.detail);
    }
    if by_route.is_empty() {
        return Ok(writeln!(output.out, "nothing is missing")?);
    }
    let total = by_route.values().map(Vec::len).sum();
    writeln!(output.out, "missing: {} of {}", counted(total, "thing"), counted(by_route.len(), "route"))?;
    for (route, details) in by_route {
        writeln!(output.out, "{}", paint(route.as_str(), Ink::Strong, output.colour))?;
        if details.contains(&&Detail::Route) {
            writeln!(output.out, "    never asked")?;
        }
        type Is = fn(&Detail) -> bool;
        let kinds: [(&str, Is); 4] = [
            ("parameters", |detail| matches!(detail, Detail::Parameter(_) | Detail::Filter(_))),
            ("headers", |detail| matches!(detail, Detail::Header(_))),
            ("fields", |detail| matches!(detail, Detail::Field(_))),
            ("statuses", |detail| matches!(detail, Detail::Status(_))),
        ];
        for (kind, is) in kinds {
            let these: Vec<String> =
                details.iter().filter(|detail| is(detail)).map(ToString::to_string).collect();
            if !these.is_empty() {
                write_wrapped(kind, &these, output)?;
            }
        }
    }
    Ok(())
}

/// Words under a heading, broken into lines that fit.
fn write_wrapped(heading: &str, words: &[String], output: &mut Output) -> Result<(), CliError> {
    const LEAST: usize = 60;
    let width = output.width.saturating_sub(16).max(LEAST);
    let mut lines = vec![String::new()];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + 2 + word.len() <= width => {
                line.push_str(if line.is_empty() { "" } else { "  " });
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    for (at, line) in lines.iter().enumerate() {
        writeln!(output.out, "    {:10}  {line}", if at == 0 { heading } else { "" })?;
    }
    Ok(())
}

fn write_excluded(suite: &Suite, output: &mut Output) -> Result<(), CliError> {
    writeln!(output.out, "\nnot asked, and why:")?;
    for entry in &suite.unasked {
        let what: Vec<String> = entry.details.iter().map(ToString::to_string).collect();
        let what = if entry.everything { "everything".to_owned() } else { what.join("  ") };
        let routes: Vec<&str> = entry.routes.iter().map(Route::as_str).collect();
        writeln!(output.out, "  {what}\n      of {}\n      {}", routes.join(", "), entry.reason.trim())?;
    }
    Ok(())
}
