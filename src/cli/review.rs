//! The walk through proposals on a terminal: both sides shown, and a key for each thing to do.

use std::io::Write as _;
use std::process::Command;

use console::{Key, Term};
use similar::{ChangeTag, TextDiff};

use super::output::Output;
use super::{CliError, accept, show};
use crate::accept::Proposal;
use crate::report::Report;
use crate::report::console::{Ink, clean, paint};
use crate::store::{self, Store};
use crate::suite::Suite;

/// What came of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Its file is written.
    Written,
    /// Nothing is.
    Skipped,
    /// Nor is anything after it.
    Quit,
}

const KEYS: &str = "[p]in  [s]kip  [e]dit  [b]oth sides  [d]iff of the file  [q]uit";

/// Asks what to do with one proposal, until it is done with.
pub fn walk(
    (store, suite, report): (&Store, &Suite, &Report),
    proposal: &Proposal,
    text: &str,
    output: &mut Output,
) -> Result<Done, CliError> {
    let term = Term::stdout();
    loop {
        write!(output.out, "{KEYS}: ")?;
        output.out.flush()?;
        let key = term.read_key()?;
        writeln!(output.out)?;
        match key {
            Key::Char('p' | 'y') => {
                accept::write(store, suite, proposal, text)?;
                return Ok(Done::Written);
            }
            Key::Char('s' | 'n') => return Ok(Done::Skipped),
            Key::Char('q') | Key::Escape | Key::CtrlC => return Ok(Done::Quit),
            Key::Char('b') => both_sides(store, report, proposal, output)?,
            Key::Char('d') => diff(&store.text_of(&proposal.file), text, output)?,
            Key::Char('e') if edit(store, suite, proposal, text, &term, output)? => return Ok(Done::Written),
            _ => {}
        }
    }
}

/// The steps that differ, of the first case that the proposal rests on.
fn both_sides(
    store: &Store,
    report: &Report,
    proposal: &Proposal,
    output: &mut Output,
) -> Result<(), CliError> {
    let first = proposal.findings.first().map_or("", String::as_str);
    let case = report.verdicts.iter().find(|verdict| first.starts_with(&format!("{}: ", verdict.case())));
    match case {
        Some(verdict) => show::failing_steps(store, report, verdict, output),
        None => Ok(writeln!(output.out, "nothing was kept of it")?),
    }
}

/// What would change in the file.
fn diff(old: &str, new: &str, output: &mut Output) -> Result<(), CliError> {
    for change in TextDiff::from_lines(old, new).iter_all_changes() {
        let line = clean(change.value().trim_end_matches('\n'));
        let (sign, ink) = match change.tag() {
            ChangeTag::Delete => ("-", Ink::Bad),
            ChangeTag::Insert => ("+", Ink::Good),
            ChangeTag::Equal => (" ", Ink::Quiet),
        };
        writeln!(output.out, "{}", paint(&format!("  {sign} {line}"), ink, output.colour))?;
    }
    Ok(())
}

/// Writes the file and opens it in an editor, until it loads or is given up. Whether it is kept.
fn edit(
    store: &Store,
    suite: &Suite,
    proposal: &Proposal,
    text: &str,
    term: &Term,
    output: &mut Output,
) -> Result<bool, CliError> {
    let path = store.path_of(&proposal.file);
    let old = path.is_file().then(|| store.text_of(&proposal.file));
    accept::write(store, suite, proposal, text)?;
    loop {
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
        let editor = editor.filter(|editor| !editor.trim().is_empty()).unwrap_or_else(|| "vi".to_owned());
        let mut words = shlex::split(&editor).unwrap_or_default().into_iter();
        let program = words.next().unwrap_or_else(|| "vi".to_owned());
        let status = Command::new(&program).args(words).arg(&path).status();
        match (status, store.load()) {
            (Err(error), _) => writeln!(output.out, "failed to open {program}: {error}")?,
            (Ok(_), Ok(_)) => return Ok(true),
            (Ok(_), Err(error)) => output.error(&CliError::Store(error), Some(store)),
        }
        write!(output.out, "[e]dit again, or [r]evert: ")?;
        output.out.flush()?;
        let key = term.read_key()?;
        writeln!(output.out)?;
        if !matches!(key, Key::Char('e')) {
            match &old {
                Some(old) => store::write(&path, old)?,
                None => store::remove(&path)?,
            }
            return Ok(false);
        }
    }
}
