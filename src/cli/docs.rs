//! `docs`: the divergence docs and the matrix, written or held against what is there.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::committed::committed;
use super::output::Output;
use super::{CliError, Common};
use crate::check::Committed;
use crate::docs::pages;
use crate::report::console::{Ink, counted, paint};
use crate::report::exit;
use crate::schema;
use crate::store::{self, Loaded, Store};

/// Arguments of `docs`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DocsArgs {
    /// Write nothing; exit code 1 when a page is not as it would be written
    #[arg(long)]
    check: bool,
    /// Where the pages lie [default: docs in the project]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  divergence docs             writes docs/: Markdown pages and matrix.html
  divergence docs --check     for CI; `divergence check` does it as well
  divergence docs --to /tmp/site

Pages are made of the divergence files and the committed snapshots, nothing else: no Docker is
asked, and the same files give the same bytes.";

/// A page that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It is not there.
    Missing(String),
    /// It says something else.
    Changed(String),
    /// Nothing makes it any more.
    Orphan(String),
}

impl Stale {
    /// The page and what is wrong with it.
    pub fn told(&self) -> (&str, &'static str) {
        match self {
            Stale::Missing(page) => (page, "is not there"),
            Stale::Changed(page) => (page, "is stale"),
            Stale::Orphan(page) => (page, "is made by nothing any more"),
        }
    }
}

/// Writes the docs, or checks them.
pub fn docs(args: &DocsArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let made = made(&loaded, &committed(&store)?.pairs)?;
    let folder = args.to.clone().unwrap_or_else(|| folder(&store));
    let stale = stale(&made, &store::files_with_text(&folder)?);
    if !args.check {
        for page in &stale {
            match page {
                Stale::Missing(page) | Stale::Changed(page) => {
                    store::write(&folder.join(page), made.get(page).map_or("", String::as_str))?;
                }
                Stale::Orphan(page) => store::remove(&folder.join(page))?,
            }
        }
    }
    let code = if args.check && !stale.is_empty() { exit::FAILS } else { exit::FINE };
    if output.json {
        let told: Vec<_> =
            stale.iter().map(|page| json!({"page": page.told().0, "what": page.told().1})).collect();
        output.json(&json!({"format": 1, "pages": made.len(), "stale": told, "written": !args.check}))?;
        return Ok(code);
    }
    for page in stale.iter().take(20).filter(|_| args.check) {
        let (page, what) = page.told();
        writeln!(output.out, "{page} {what}")?;
    }
    let pages = counted(made.len(), "page");
    let told = match (args.check, stale.len()) {
        (true, 0) => paint(&format!("{pages}, none stale"), Ink::Good, output.colour),
        (true, count) => {
            let told = format!("{pages}, {count} not as `divergence docs` writes them");
            paint(&told, Ink::Bad, output.colour)
        }
        (false, count) => format!("{pages} in {}, {count} changed", folder.display()),
    };
    writeln!(output.out, "{told}")?;
    output.out.flush()?;
    Ok(code)
}

/// Where the docs of a project lie.
pub fn folder(store: &Store) -> PathBuf {
    store.root().join("docs")
}

/// All pages as they should be.
pub fn made(loaded: &Loaded, pairs: &[Committed]) -> Result<BTreeMap<String, String>, CliError> {
    let mut made =
        pages(&loaded.suite, pairs).map_err(|error| CliError::Usage(format!("failed to {error}")))?;
    // For editors, which find them by .taplo.toml.
    for (name, schema) in [
        ("scenario", schema::scenario_schema()),
        ("divergence", schema::divergence_schema()),
        ("suite", schema::suite_schema()),
        ("engines", schema::engines_schema()),
    ] {
        let text = serde_json::to_string_pretty(&schema).map_err(std::io::Error::from)?;
        made.insert(format!("schemas/{name}.json"), text + "\n");
    }
    Ok(made)
}

/// What is there held against what should be. Files that are no page (images, notes) are let be.
pub fn stale(made: &BTreeMap<String, String>, there: &BTreeMap<String, String>) -> Vec<Stale> {
    let mut stale = Vec::new();
    for (page, text) in made {
        match there.get(page) {
            None => stale.push(Stale::Missing(page.clone())),
            Some(old) if old != text => stale.push(Stale::Changed(page.clone())),
            Some(_) => {}
        }
    }
    let is_ours = |text: &str| text.lines().take(6).any(|line| line.contains("Made by `divergence docs`"));
    for (page, _) in there.iter().filter(|(page, text)| !made.contains_key(*page) && is_ours(text)) {
        stale.push(Stale::Orphan(page.clone()));
    }
    stale
}
