//! `check`: everything that can be wrong offline.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::committed::{Snapshots, committed};
use super::coverage::measured;
use super::output::Output;
use super::{CliError, Common, docs};
use crate::check::{Checked, Committed, asked_after_all, check as check_suite, own_tests};
use crate::mistake::Mistake;
use crate::report::console::{Ink, counted, paint};
use crate::report::exit;
use crate::store::{Loaded, Store};

/// Arguments of `check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  divergence check\n  divergence check --format json | jq .catalogue")]
pub struct CheckArgs {
    /// Also list how many places each divergence pins
    #[arg(long, short)]
    verbose: bool,
}

/// Checks a project. Exit code 1 when something was found, 2 when it does not load.
pub fn check(args: &CheckArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let files = store.snapshot_files()?;
    let Snapshots { references, pairs } = committed(&store)?;
    let today = time::OffsetDateTime::now_utc().date().to_string();
    let Checked { mut mistakes, catalogue, coverage } = check_suite(&loaded.suite, &files, &pairs, &today);
    let measured = measured(&references, &loaded.suite, &store.fixtures());
    mistakes.extend(asked_after_all(&loaded.suite, &measured));
    let own_tests = own_tests(&loaded.suite);
    mistakes.extend(stale_docs(&store, &loaded, &pairs)?);
    let code = if mistakes.is_empty() { exit::FINE } else { exit::FAILS };
    if output.json {
        let told: Vec<_> = mistakes
            .iter()
            .map(|mistake| json!({"file": mistake.file, "message": mistake.message, "help": mistake.help}))
            .collect();
        output
            .json(&json!({"format": 1, "findings": told, "catalogue": catalogue, "own_tests": own_tests,
            "scenarios": loaded.suite.scenarios.len(), "snapshots": files.len(), "coverage": coverage}))?;
        return Ok(code);
    }
    for mistake in &mistakes {
        let text = store.text_of(&mistake.file);
        writeln!(output.out, "{}", mistake.render(&text, output.width, output.colour).trim_end())?;
    }
    if args.verbose {
        for (id, places) in &coverage {
            writeln!(output.out, "{id}  {}", counted(*places, "place"))?;
        }
    }
    writeln!(
        output.out,
        "{}, {}, {}",
        counted(loaded.suite.scenarios.len(), "scenario"),
        counted(loaded.suite.divergences.len(), "divergence"),
        counted(files.len(), "snapshot")
    )?;
    writeln!(
        output.out,
        "catalogue: {} entries, {} exercised, {} unobservable, {} not yet accounted for",
        catalogue.entries,
        catalogue.exercised,
        catalogue.unobservable,
        catalogue.missing.len()
    )?;
    writeln!(
        output.out,
        "sdc-docker's own tests: {}, {} with scenarios, {} that cannot be seen",
        counted(own_tests.files, "file"),
        own_tests.with_scenarios,
        own_tests.unseen
    )?;
    let word = match mistakes.len() {
        0 => paint("nothing to mend", Ink::Good, output.colour),
        count => paint(&format!("{} to mend", counted(count, "thing")), Ink::Bad, output.colour),
    };
    writeln!(output.out, "{word}")?;
    output.out.flush()?;
    Ok(code)
}

/// The docs, where a project has them, are as they would be written now.
fn stale_docs(store: &Store, loaded: &Loaded, pairs: &[Committed]) -> Result<Option<Mistake>, CliError> {
    let folder = docs::folder(store);
    if !folder.is_dir() {
        return Ok(None);
    }
    let stale = docs::stale(&docs::made(loaded, pairs)?, &crate::store::files_with_text(&folder)?);
    Ok(stale.first().map(|first| {
        let (page, what) = first.told();
        let more = match stale.len() - 1 {
            0 => String::new(),
            more => format!(", and so with {more} more"),
        };
        Mistake {
            file: format!("docs/{page}"),
            span: None,
            message: format!("the page {what}{more}"),
            help: "make the docs anew: `divergence docs`".to_owned(),
        }
    }))
}
