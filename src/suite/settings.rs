//! `suites/suite.toml`, `suites/unobservable.toml` and the catalogue.

use super::reader::{Reader, root};
use super::{SuiteSettings, Unobservable, WorldSettings};
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::version::Version;

/// The keys of `suites/suite.toml`.
pub const SUITE_KEYS: &[&str] = &["api", "deadlines", "worlds"];
/// The keys of its `[deadlines]`.
pub const DEADLINE_KEYS: &[&str] = &["request", "until"];
/// The keys of a world.
pub const WORLD_KEYS: &[&str] = &["title", "release", "file"];

/// Reads `suites/suite.toml`.
pub fn suite_file(file: Option<&(String, String)>, found: &mut Vec<Mistake>) -> SuiteSettings {
    let mut settings = SuiteSettings { request_seconds: 30, until_seconds: 20, ..SuiteSettings::default() };
    let Some((name, text)) = file else {
        settings.api = ["1.21", "1.24"].iter().filter_map(|text| text.parse().ok()).collect();
        return settings;
    };
    let mut mistakes = Mistakes::of(name);
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::new(&table, None);
        reader.only(SUITE_KEYS, &mut mistakes);
        reader.need(
            "api",
            "write api = [\"1.21\", \"1.24\"]: the versions that scenarios run at",
            &mut mistakes,
        );
        settings.api = versions(&reader, "api", &mut mistakes).unwrap_or_default();
        if let Some(deadlines) = reader.table("deadlines", &mut mistakes) {
            deadlines.only(DEADLINE_KEYS, &mut mistakes);
            settings.request_seconds = deadlines.count("request", &mut mistakes).unwrap_or(30);
            settings.until_seconds = deadlines.count("until", &mut mistakes).unwrap_or(20);
        }
        for (world, reader) in reader.named_tables("worlds", &mut mistakes) {
            reader.only(WORLD_KEYS, &mut mistakes);
            reader.need("title", "say in a line what the world is", &mut mistakes);
            reader.need("file", "write file = \"fixtures/simulator/NAME.toml\"", &mut mistakes);
            let release = reader.string("release", &mut mistakes).and_then(|text| {
                let parsed = text.parse::<Version>();
                parsed
                    .map_err(|error| {
                        mistakes.add(reader.span_of("release"), error.to_string(), "as in \"0.7\"")
                    })
                    .ok()
            });
            let text = |key: &str, mistakes: &mut Mistakes| {
                reader.string(key, mistakes).unwrap_or_default().to_owned()
            };
            let (title, file) = (text("title", &mut mistakes), text("file", &mut mistakes));
            settings.worlds.insert(world, WorldSettings { title, release, file });
        }
    }
    found.extend(mistakes.found);
    settings
}

/// A list of API versions.
pub fn versions(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Vec<Version>> {
    let list = reader.strings(key, mistakes)?;
    let mut versions = Vec::new();
    for (text, span) in list {
        match text.parse::<Version>() {
            Ok(version) if text.starts_with("1.") => versions.push(version),
            Ok(_) | Err(_) => {
                mistakes.add(span, format!("`{text}` is no API version"), "write one such as \"1.21\"");
            }
        }
    }
    Some(versions)
}

/// Reads the slugs of the catalogue.
pub fn catalogue(file: Option<&(String, String)>, found: &mut Vec<Mistake>) -> Vec<String> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut slugs = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        for entry in Reader::new(&table, None).tables("entries", &mut mistakes) {
            entry.need("slug", "every entry has a slug", &mut mistakes);
            slugs.extend(entry.string("slug", &mut mistakes).map(str::to_owned));
        }
    }
    found.extend(mistakes.found);
    slugs
}

/// Reads `suites/unobservable.toml`.
pub fn unobservable(
    file: Option<&(String, String)>,
    catalogue: &[String],
    found: &mut Vec<Mistake>,
) -> Vec<Unobservable> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut entries = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::new(&table, None);
        reader.only(&["entries"], &mut mistakes);
        for entry in reader.tables("entries", &mut mistakes) {
            entry.only(&["id", "reason"], &mut mistakes);
            entry.need("id", "name a slug of the catalogue", &mut mistakes);
            entry.need("reason", "say why no client can see it", &mut mistakes);
            let id = entry.string("id", &mut mistakes).unwrap_or_default().to_owned();
            let reason = entry.string("reason", &mut mistakes).unwrap_or_default().to_owned();
            if !catalogue.is_empty() && !catalogue.contains(&id) {
                let near = nearest(&id, catalogue.iter().map(String::as_str));
                let help = near.map_or("the catalogue has no such slug".to_owned(), |near| {
                    format!("did you mean `{near}`?")
                });
                mistakes.add(entry.span_of("id"), format!("`{id}` is not in the catalogue"), help);
            }
            entries.push(Unobservable { id, reason });
        }
    }
    found.extend(mistakes.found);
    entries
}
