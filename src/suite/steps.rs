//! The steps of a scenario in their order: what is captured, started and joined on the way.

use super::keys::{ACTION_KEYS, PARTS};
use super::reader::{Reader, Span};
use super::scenario_file::Setting;
use super::step::step;
use super::variables::{Planned, Variables};
use crate::mistake::Mistakes;
use crate::scenario::{Need, Step};

/// The way through the steps so far. It goes on past steps with mistakes, so that one mistake
/// does not make others.
pub struct Walk<'a> {
    /// What can be used at this point.
    pub variables: Variables<'a>,
    /// The steps before this one.
    pub before: Vec<Before>,
    /// The names of all steps.
    pub ids: Vec<String>,
}

/// A step that was read already.
pub struct Before {
    /// Its name.
    pub id: String,
    /// Its line.
    pub line: usize,
    /// Where it says that it runs in the background, if it does.
    pub background: Option<Span>,
    /// The line of the step that joins it.
    pub joined: Option<usize>,
}

/// Reads all steps.
pub fn steps(
    reader: &Reader<'_>,
    needs: &[Need],
    setting: &Setting<'_>,
    mistakes: &mut Mistakes,
) -> Vec<Step> {
    let readers = reader.tables("steps", mistakes);
    if reader.value("steps").and_then(toml_edit::Item::as_array).is_some_and(toml_edit::Array::is_empty) {
        mistakes.add(reader.span_of("steps"), "there are no steps", "write at least one [[steps]]");
    }
    let ids = readers.iter().map(|step| id_of(step).unwrap_or_default()).collect();
    let mut walk =
        Walk { variables: Variables::new(setting, needs, planned(&readers)), before: Vec::new(), ids };
    let steps = readers.iter().filter_map(|reader| step(reader, &mut walk, mistakes)).collect();
    for before in walk.before.iter().filter(|before| before.joined.is_none()) {
        if let Some(span) = &before.background {
            let help = format!("end it with a later step that has join = \"{}\"", before.id);
            mistakes.add(span.clone(), format!("`{}` is never joined", before.id), help);
        }
    }
    walk.variables.report_unused(mistakes);
    steps
}

fn id_of(step: &Reader<'_>) -> Option<String> {
    step.value("id").and_then(toml_edit::Item::as_str).map(str::to_owned)
}

/// What all steps take, to tell "later" from "never".
fn planned(readers: &[Reader<'_>]) -> Vec<Planned> {
    let mut unheard = Mistakes::of("");
    let mut planned = Vec::new();
    for (key, is_only_named) in [("capture", false), ("names", true)] {
        for reader in readers {
            let step = match id_of(reader) {
                Some(id) => format!("the step `{id}` in line {}", reader.line()),
                None => format!("the step in line {}", reader.line()),
            };
            let names = reader.entries(key, &mut unheard);
            planned.extend(names.into_iter().map(|entry| Planned {
                name: entry.name.to_owned(),
                step: step.clone(),
                is_only_named,
            }));
        }
    }
    planned
}

/// What a step does, or a mistake when that is nothing or several things; a misspelt action was
/// noted as an unknown key.
pub fn check_action(reader: &Reader<'_>, given: &[&str], mistakes: &mut Mistakes) {
    match given {
        [_] => {}
        [] if ACTION_KEYS.iter().any(|key| reader.is_meant(key)) => {}
        [] => {
            let help = "give it one of `request`, `raw`, `exec`, `stream`, `cli` or `join`";
            mistakes.add(reader.span.clone(), "the step does nothing", help);
        }
        [_, second, ..] => {
            let message = format!("the step does {} things: {}", given.len(), given.join(" and "));
            mistakes.add(reader.key_span(second), message, "a step does one thing: make two steps of them");
        }
    }
}

/// Notes a pointer into an exec that names none of its parts.
pub fn check_part(pointer: &crate::pointer::Pointer, span: Span, mistakes: &mut Mistakes) {
    let first = pointer.segments().first().map(String::as_str);
    if first.is_none_or(|first| !PARTS.contains(&first)) {
        let help = "an exec is three exchanges, so its pointers begin with one of them: /create/status, \
                    /start/stdout, /inspect/body/json/ExitCode";
        mistakes.add(span, format!("`{pointer}` names no part of the exec"), help);
    }
}
