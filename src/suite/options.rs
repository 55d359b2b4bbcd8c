//! Reads `suites/options.toml`: what options of a container come to.

use std::collections::BTreeMap;

use super::keys::OPTION_KEYS;
use super::reader::{Reader, root};
use super::word::choose;
use crate::divergence::{EFFECTS, Expression, OptionEffect};
use crate::docker_option::{OPTIONS, by_field};
use crate::mistake::{Mistake, Mistakes};

/// All entries; `divergences` has the files by engine and id.
pub fn options(
    file: Option<&(String, String)>,
    catalogue: &[String],
    divergences: &BTreeMap<(String, String), Vec<String>>,
    found: &mut Vec<Mistake>,
) -> Vec<OptionEffect> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut entries = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(&["options"], &mut mistakes);
        for entry in reader.tables("options", &mut mistakes) {
            entry.only(OPTION_KEYS, &mut mistakes);
            let ids: Vec<&str> = divergences.keys().map(|(_, id)| id.as_str()).collect();
            entries.extend(option(&entry, catalogue, &ids, &mut mistakes));
        }
    }
    found.extend(mistakes.found);
    entries
}

fn option(
    entry: &Reader<'_>,
    catalogue: &[String],
    ids: &[&str],
    mistakes: &mut Mistakes,
) -> Option<OptionEffect> {
    let field = entry.need_text("option", "name a field: option = \"HostConfig.Privileged\"", mistakes);
    let word = entry.need_text("is", "say what becomes of it: is = \"ignored\"", mistakes);
    let id = entry.need_text("divergence", "name the divergence that says why", mistakes);
    let option = by_field(&field);
    if option.is_none() && !field.is_empty() {
        let help = choose(&field, OPTIONS.iter().map(|option| option.field), "see src/docker_option.rs");
        mistakes.add(entry.span_of("option"), format!("`{field}` is no option of a container"), help);
    }
    let effect = EFFECTS.iter().find(|(its, _)| *its == word).map(|(_, effect)| *effect);
    if effect.is_none() && !word.is_empty() {
        let help = choose(&word, EFFECTS.iter().map(|(its, _)| *its), "");
        mistakes.add(entry.span_of("is"), format!("`{word}` is nothing that becomes of an option"), help);
    }
    let is_known = ids.contains(&id.as_str()) || catalogue.contains(&id);
    if !is_known && !id.is_empty() {
        let help = choose(&id, ids.iter().copied(), "`divergence explain` tells them all");
        mistakes.add(entry.span_of("divergence"), format!("`{id}` is no divergence"), help);
    }
    let matches = match entry.string("matches", mistakes).map(Expression::parse) {
        None => None,
        Some(Ok(expression)) => Some(expression),
        Some(Err(error)) => {
            mistakes.add(entry.span_of("matches"), "this is no regular expression", error);
            return None;
        }
    };
    Some(OptionEffect { option: option?, effect: effect?, divergence: id, matches })
}
