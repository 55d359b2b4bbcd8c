//! Edits of divergence files that keep comments and order. Texts in, texts out.

use std::collections::BTreeSet;

use serde_json::Value;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value as Toml, value};

use super::Found;
use crate::verdict::Finding;

/// What one side is pinned as.
#[derive(Clone, Debug, PartialEq)]
pub enum Pin {
    /// Nothing is there.
    Absent,
    /// This value.
    Is(Value),
}

impl Pin {
    /// The reference's side of a finding.
    pub fn reference(finding: &Finding) -> Pin {
        Pin::side(finding, "reference", &finding.reference)
    }

    /// The candidate's side of a finding.
    pub fn candidate(finding: &Finding) -> Pin {
        Pin::side(finding, "candidate", &finding.candidate)
    }

    fn side(finding: &Finding, name: &str, value: &Option<Value>) -> Pin {
        match finding.absent.iter().any(|side| side == name) {
            true => Pin::Absent,
            false => Pin::Is(value.clone().unwrap_or(Value::Null)),
        }
    }

    /// As a divergence file writes it.
    pub fn to_toml(&self) -> Toml {
        let matcher = |key: &str, value: Toml| {
            let mut table = InlineTable::new();
            table.insert(key, value);
            Toml::InlineTable(table)
        };
        match self {
            Pin::Absent => matcher("absent", true.into()),
            Pin::Is(Value::Null) => matcher("null", true.into()),
            Pin::Is(Value::Bool(flag)) => (*flag).into(),
            Pin::Is(Value::String(text)) => text.into(),
            Pin::Is(Value::Number(number)) => match number.as_i64() {
                Some(whole) => whole.into(),
                None => matcher("json", literal(&number.to_string())),
            },
            Pin::Is(other) => matcher("json", literal(&other.to_string())),
        }
    }
}

/// A string without escapes where the text allows it, so that JSON stays readable.
fn literal(text: &str) -> Toml {
    let quoted = format!("'''{text}'''");
    match quoted.parse::<Toml>() {
        Ok(literal) if !text.contains("'''") && literal.as_str() == Some(text) => literal,
        Ok(_) | Err(_) => text.into(),
    }
}

/// Adds a bound to `when.release`.
pub fn close_range(text: &str, bound: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    if document.get("when").is_none() {
        // `when` stands before the observations, or it would belong to the last of them.
        document.insert("when", Item::Value(Toml::InlineTable(InlineTable::new())));
    }
    let when = document.get_mut("when")?.as_table_like_mut()?;
    let so_far = when.get("release").and_then(Item::as_str).filter(|range| !range.is_empty());
    let closed = match so_far {
        Some(range) if range.split(',').any(|part| part.trim() == bound) => range.to_owned(),
        Some(range) => format!("{range}, {bound}"),
        None => bound.to_owned(),
    };
    when.insert("release", value(closed));
    Some(document.to_string())
}

/// Pins one observation anew on both sides.
pub fn set_pins(text: &str, at: usize, pins: &[Pin; 2]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let observation = document.get_mut("observations")?.as_array_of_tables_mut()?.get_mut(at)?;
    for (side, pin) in ["reference", "candidate"].into_iter().zip(pins) {
        let mut new = pin.to_toml();
        if let Some(old) = observation.get(side).and_then(Item::as_value) {
            *new.decor_mut() = old.decor().clone();
        }
        observation.insert(side, Item::Value(new));
    }
    Some(document.to_string())
}

/// Adds an observation for one place of one scenario.
pub fn add_pin(text: &str, found: &Found<'_>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let observations = document.get_mut("observations")?.as_array_of_tables_mut()?;
    let mut table = Table::new();
    table.insert("scenario", value(found.case.scenario.0.as_str()));
    table.insert("at", value(format!("{}{}", found.finding.step, found.finding.at)));
    table.insert("reference", Item::Value(Pin::reference(found.finding).to_toml()));
    table.insert("candidate", Item::Value(Pin::candidate(found.finding).to_toml()));
    table.decor_mut().set_prefix("\n");
    let same = observations.iter().any(|each| each.to_string() == table.to_string());
    if !same {
        observations.push(table);
    }
    Some(document.to_string())
}

/// The file with only these observations.
pub fn keep_observations(text: &str, kept: &BTreeSet<usize>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let all = document.get("observations")?.as_array_of_tables()?.clone();
    let some: ArrayOfTables =
        all.iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, table)| table.clone()).collect();
    document.insert("observations", Item::ArrayOfTables(some));
    Some(document.to_string())
}

/// The observations of a file as text, for comparing.
pub fn observations_in(text: &str) -> Option<Vec<String>> {
    let document: DocumentMut = text.parse().ok()?;
    let all = document.get("observations")?.as_array_of_tables()?;
    let plain = |table: &Table| {
        table
            .iter()
            .map(|(key, item)| format!("{key}={}", item.to_string().trim()))
            .collect::<Vec<_>>()
            .join("\n")
    };
    Some(all.iter().map(plain).collect())
}
