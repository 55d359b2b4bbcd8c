//! `suites/suite.toml`, `suites/unobservable.toml` and the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{DEADLINE_KEYS, SUITE_KEYS, UNOBSERVABLE_KEYS, WORLD_KEYS};
use super::reader::{Reader, root};
use super::word::choose;
use super::{SuiteSettings, Unobservable, WorldSettings};
use crate::mistake::{Mistake, Mistakes};
use crate::version::Version;

const CATALOGUE_FORMAT: u64 = 1;

/// Reads `suites/suite.toml`.
pub fn suite_file(
    file: Option<&(String, String)>,
    fixtures: &BTreeSet<String>,
    found: &mut Vec<Mistake>,
) -> SuiteSettings {
    let mut settings = SuiteSettings { request_seconds: 30, until_seconds: 20, ..SuiteSettings::default() };
    let Some((name, text)) = file else {
        settings.api = ["1.21", "1.24"].iter().filter_map(|text| text.parse().ok()).collect();
        return settings;
    };
    let mut mistakes = Mistakes::of(name);
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(SUITE_KEYS, &mut mistakes);
        let help = "say at which versions scenarios run: api = [\"1.21\", \"1.24\"]";
        reader.need("api", help, &mut mistakes);
        settings.api = versions(&reader, "api", &mut mistakes).unwrap_or_default();
        if let Some(deadlines) = reader.table("deadlines", &mut mistakes) {
            deadlines.only(DEADLINE_KEYS, &mut mistakes);
            let mut seconds = |key: &str| deadlines.positive(key, "write seconds, as in 30", &mut mistakes);
            settings.request_seconds = seconds("request").unwrap_or(settings.request_seconds);
            settings.until_seconds = seconds("until").unwrap_or(settings.until_seconds);
        }
        for (name, reader) in reader.named_tables("worlds", &mut mistakes) {
            settings.worlds.insert(name, world(&reader, fixtures, &mut mistakes));
        }
    }
    found.extend(mistakes.found);
    settings
}

fn world(reader: &Reader<'_>, fixtures: &BTreeSet<String>, mistakes: &mut Mistakes) -> WorldSettings {
    reader.only(WORLD_KEYS, mistakes);
    let title = reader.need_text("title", "say in a line what the world is: title = \"...\"", mistakes);
    let file = reader.need_text("file", "write file = \"fixtures/simulator/NAME.toml\"", mistakes);
    if !file.is_empty() && !fixtures.contains(&file) {
        let there =
            fixtures.iter().map(String::as_str).filter(|file| file.starts_with("fixtures/simulator/"));
        let help = choose(&file, there, "put it below fixtures/simulator/");
        mistakes.add(reader.span_of("file"), format!("there is no file `{file}`"), help);
    }
    let release = reader.word("release", mistakes).and_then(|word| {
        let parsed = word.text().parse::<Version>();
        parsed.map_err(|error| mistakes.add(word.span(), error.to_string(), "write release = \"0.7\"")).ok()
    });
    WorldSettings { title, release, file }
}

/// An API version.
pub fn version_of(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Version> {
    let help = "API versions are written as in \"1.21\", without a `v`";
    reader.need(key, help, mistakes);
    let word = reader.word(key, mistakes)?;
    let parsed = word.text().parse::<Version>();
    parsed.map_err(|error| mistakes.add(word.span(), error.to_string(), help)).ok()
}

/// A list of API versions.
pub fn versions(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Vec<Version>> {
    let words = reader.words(key, mistakes)?;
    if reader.value(key).and_then(toml_edit::Item::as_array).is_some_and(toml_edit::Array::is_empty) {
        let help = "nothing would run; name at least one version, as in [\"1.21\"]";
        mistakes.add(reader.span_of(key), format!("`{key}` is empty"), help);
    }
    let mut versions: Vec<Version> = Vec::new();
    for word in words {
        let text = word.text();
        match text.parse::<Version>() {
            Ok(version) if versions.contains(&version) => {
                mistakes.add(word.span(), format!("`{text}` stands here twice"), "remove one of the two");
            }
            Ok(version) if text.starts_with("1.") => versions.push(version),
            Ok(_) | Err(_) => {
                let help = "API versions are written as in \"1.21\", without a `v`";
                mistakes.add(word.span(), format!("`{text}` is no API version"), help);
            }
        }
    }
    Some(versions)
}

/// Reads the slugs of the catalogue.
pub fn catalogue(file: Option<&(String, String)>, found: &mut Vec<Mistake>) -> Vec<String> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut slugs: Vec<String> = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        let help = "this program reads format = 1";
        reader.need("format", help, &mut mistakes);
        if reader.count("format", &mut mistakes).is_some_and(|format| format != CATALOGUE_FORMAT) {
            mistakes.add(reader.span_of("format"), "a catalogue of an unknown format", help);
        }
        for entry in reader.tables("entries", &mut mistakes) {
            let slug = entry.need_text("slug", "every entry has a slug", &mut mistakes);
            if slugs.contains(&slug) {
                let message = format!("`{slug}` is in the catalogue twice");
                mistakes.add(entry.span_of("slug"), message, "remove one of the two");
            }
            slugs.push(slug);
        }
    }
    found.extend(mistakes.found);
    slugs
}

/// Reads `suites/unobservable.toml`; `divergences` has the files by engine and id.
pub fn unobservable(
    file: Option<&(String, String)>,
    catalogue: &[String],
    divergences: &BTreeMap<(String, String), Vec<String>>,
    found: &mut Vec<Mistake>,
) -> Vec<Unobservable> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut entries: Vec<Unobservable> = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(&["entries"], &mut mistakes);
        for entry in reader.tables("entries", &mut mistakes) {
            entry.only(UNOBSERVABLE_KEYS, &mut mistakes);
            let id = entry.need_text("id", "name a slug of the catalogue", &mut mistakes);
            let reason = entry.need_text("reason", "say why no client can see it", &mut mistakes);
            let mut say = |message: String, help: String| mistakes.add(entry.span_of("id"), message, help);
            if !id.is_empty() && !catalogue.is_empty() && !catalogue.contains(&id) {
                let slugs = catalogue.iter().map(String::as_str);
                let help = choose(&id, slugs, "slugs are in fixtures/catalogue.toml");
                say(format!("`{id}` is not in the catalogue"), help);
            }
            if entries.iter().any(|before| before.id == id) {
                say(format!("`{id}` is listed twice"), "remove one of the two".to_owned());
            }
            if let Some((_, files)) = divergences.iter().find(|((_, its), _)| *its == id) {
                let help =
                    "what a scenario shows can be seen: remove this entry, or the divergence".to_owned();
                say(format!("`{id}` is a divergence too, in {}", files.join(" and ")), help);
            }
            entries.push(Unobservable { id, reason });
        }
    }
    found.extend(mistakes.found);
    entries
}
