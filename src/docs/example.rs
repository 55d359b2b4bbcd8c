//! An exchange that shows a divergence: what both sides answered, cut to the places that count.

use serde::Serialize;
use serde_json::{Map, Value};

use super::book::{Book, JudgedCase, Known};
use crate::divergence::Divergence;
use crate::engine_id::{EngineId, Kind};
use crate::pointer::Pointer;
use crate::snapshot::Part;
use crate::verdict::Finding;

/// Both sides of one exchange.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// The request as sent, with names for values.
    pub request: String,
    /// The scenario.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// The step.
    pub step: String,
    /// Who the reference was.
    pub reference_told: String,
    /// Who answered for the candidate; a stand-in says so.
    pub candidate_told: String,
    /// What the reference answered, of the places that count.
    pub reference: String,
    /// What the candidate answered there.
    pub candidate: String,
}

/// Lines of a side that are shown.
const LINES: usize = 24;
/// Letters of a line that are shown.
const LETTERS: usize = 160;

/// The first exchange that shows it, at the newest release, best in a scenario of its own.
pub fn of(
    divergence: &Divergence,
    book: &Book<'_>,
    counts: &dyn Fn(&JudgedCase<'_>, &Known<'_>) -> bool,
) -> Option<Example> {
    let found = book.places_of(&divergence.id).filter(|(case, known)| counts(case, known));
    let (case, shown) = found.min_by_key(|(case, known)| {
        let is_elsewhere = divergence.area != case.scenario.id.area();
        (std::cmp::Reverse(&case.world.release), !known.is_own, is_elsewhere)
    })?;
    let [reference, candidate] = shown.parts;
    let is_here = |known: &&Known<'_>| {
        let same_part = |one: Option<&Part>, other: Option<&Part>| match (one, other) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        known.divergence.id == divergence.id
            && known.finding.step == shown.finding.step
            && same_part(known.parts[0], reference)
    };
    let places: Vec<Pointer> = case
        .known
        .iter()
        .filter(is_here)
        .filter_map(|known| place_within(&known.finding, reference))
        .collect();
    let finding = &shown.finding;
    Some(Example {
        request: reference.or(candidate).map(|part| part.request.clone()).unwrap_or_default(),
        scenario: case.scenario.id.0.clone(),
        file: case.scenario.file.clone(),
        step: finding.step.0.clone(),
        reference_told: told(&case.pair.reference.engine),
        candidate_told: told(&case.pair.candidate.engine),
        reference: side(reference, &places),
        candidate: side(candidate, &places),
    })
}

fn told(engine: &EngineId) -> String {
    let EngineId { identity, release, kind, .. } = engine;
    match kind {
        Kind::Simulator => format!("the simulator, standing in for {identity} {release}"),
        Kind::Live | Kind::Container | Kind::Host | Kind::Recorded => {
            format!("{identity} {release}, recorded")
        }
    }
}

/// The place of a finding within its exchange: an exec's begins with the part.
fn place_within(finding: &Finding, part: Option<&Part>) -> Option<Pointer> {
    let name = part.map_or("", |part| part.name.as_str());
    let at = match name {
        "" => finding.at.as_str(),
        name => finding.at.strip_prefix('/')?.strip_prefix(name)?,
    };
    Pointer::parse(at).ok()
}

/// The status and the places, as JSON; what is nowhere is not there.
fn side(part: Option<&Part>, places: &[Pointer]) -> String {
    let Some(part) = part else { return "(no answer)".to_owned() };
    let mut kept = Map::new();
    let status: Pointer = ["status"].into_iter().collect();
    for place in std::iter::once(&status).chain(places) {
        if let Some(value) = place.find(&part.tree) {
            put(&mut kept, place.segments(), value);
        }
    }
    if kept.is_empty() {
        return "(nothing there)".to_owned();
    }
    let text = serde_json::to_string_pretty(&Value::Object(kept)).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(shortened).collect();
    if lines.len() > LINES {
        let left = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("... {left} more lines"));
    }
    lines.join("\n")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Puts a value at a place, with objects around it.
fn put(kept: &mut Map<String, Value>, place: &[String], value: &Value) {
    match place {
        [] => {}
        [last] => drop(kept.insert(last.clone(), value.clone())),
        [first, rest @ ..] => {
            let inner = kept.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
