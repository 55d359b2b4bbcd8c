//! A divergence file: where it lies, its keys, when it holds.

use std::collections::BTreeMap;

use super::WorldSettings;
use super::keys::{DIVERGENCE_KEYS, OBSERVATION_KEYS, WHEN_KEYS};
use super::observation::observation;
use super::reader::{Reader, kind, root};
use super::word::{choose, is_name};
use crate::divergence::{Divergence, DivergenceKind, EVIDENCE, Evidence, KINDS, Observation, When};
use crate::mistake::{Mistake, Mistakes};
use crate::scenario::{Scenario, ScenarioId};
use crate::version::{Range, VersionError};

/// What a divergence can refer to.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The scenarios that load.
    pub scenarios: &'a [Scenario],
    /// The scenarios that do not: naming them is no mistake, and of their steps nothing is known.
    pub broken: &'a [ScenarioId],
    /// The worlds of the suite.
    pub worlds: &'a BTreeMap<String, WorldSettings>,
    /// The files of all divergences, by engine and id.
    pub files: &'a BTreeMap<(String, String), Vec<String>>,
}

/// Area, engine and id of a divergence file, if it lies where divergences do.
pub fn place_of(file: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = file.split('/').collect();
    let ["suites", area, "divergences", engine, name] = parts.as_slice() else { return None };
    Some((area, engine, name.strip_suffix(".toml")?))
}

/// Reads one divergence file.
pub fn divergence(file: &str, text: &str, known: &Known<'_>, found: &mut Vec<Mistake>) -> Option<Divergence> {
    let mut mistakes = Mistakes::of(file);
    let divergence = read(file, text, known, &mut mistakes);
    let is_fine = mistakes.found.is_empty();
    found.extend(mistakes.found);
    divergence.filter(|_| is_fine)
}

fn read(file: &str, text: &str, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<Divergence> {
    let Some((area, engine, id)) = place_of(file) else {
        let help = "divergences lie in suites/<area>/divergences/<engine>/<id>.toml";
        mistakes.add(None, "the file lies at no known place", help);
        return None;
    };
    let others = known.files.get(&(engine.to_owned(), id.to_owned())).into_iter().flatten();
    for other in others.filter(|other| *other != file) {
        let help = "an id is used once an engine: rename one, or make one file of both";
        mistakes.add(None, format!("{other} is called `{id}` too"), help);
    }
    let table = root(text, mistakes)?;
    let reader = Reader::of_file(&table, text);
    let why = |key: &str| {
        if WHEN_KEYS.contains(&key) {
            Some(format!("`{key}` stands within the braces of when = {{ ... }}"))
        } else if OBSERVATION_KEYS.contains(&key) {
            Some(format!("`{key}` belongs to an observation: write it below an [[observations]]"))
        } else {
            None
        }
    };
    reader.only_with(DIVERGENCE_KEYS, why, mistakes);
    let title = reader.need_text("title", "say in a line what differs: title = \"...\"", mistakes);
    let kinds = format!("write kind = one of {}", words_of(KINDS));
    reader.need("kind", &kinds, mistakes);
    let help = "say in plain words what a reader of the docs should know: why = \"\"\"...\"\"\"";
    let why = reader.need_text("why", help, mistakes);
    let evidences = format!("say how it is known: evidence = one of {}", words_of(EVIDENCE));
    reader.need("evidence", &evidences, mistakes);
    reader.need("observations", "pin what both sides answer in at least one [[observations]]", mistakes);
    let tables = reader.tables("observations", mistakes);
    if reader
        .value("observations")
        .and_then(toml_edit::Item::as_array)
        .is_some_and(toml_edit::Array::is_empty)
    {
        let help = "pin what both sides answer in at least one [[observations]]";
        mistakes.add(reader.span_of("observations"), "there are no observations", help);
    }
    let observations: Vec<Observation> =
        tables.iter().filter_map(|each| observation(each, known, mistakes)).collect();
    let string = |key: &str, mistakes: &mut Mistakes| reader.string(key, mistakes).map(str::to_owned);
    Some(Divergence {
        id: id.to_owned(),
        file: file.to_owned(),
        area: area.to_owned(),
        engine: engine.to_owned(),
        title,
        kind: word_of(&reader, "kind", KINDS, mistakes).unwrap_or(DivergenceKind::Deficiency),
        page: string("page", mistakes).unwrap_or_else(|| area.to_owned()),
        ticket: string("ticket", mistakes),
        why,
        when: reader.table("when", mistakes).map(|when| when_of(&when, known, mistakes)).unwrap_or_default(),
        owner: string("owner", mistakes),
        review_by: review_by(&reader, mistakes),
        evidence: word_of(&reader, "evidence", EVIDENCE, mistakes).unwrap_or(Evidence::Documented),
        stops: reader.flag("stops", mistakes).unwrap_or(false),
        hides: hides(&reader, (engine, id), known, mistakes),
        observations,
    })
}

fn words_of<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn word_of<T: Copy>(
    reader: &Reader<'_>,
    key: &str,
    known: &[(&str, T)],
    mistakes: &mut Mistakes,
) -> Option<T> {
    let word = reader.word(key, mistakes)?;
    let found = known.iter().find(|(each, _)| *each == word.text()).map(|(_, value)| *value);
    if found.is_none() {
        let help = choose(word.text(), known.iter().map(|(each, _)| *each), "");
        mistakes.add(word.span(), format!("`{}` is no {key}", word.text()), help);
    }
    found
}

fn hides(
    reader: &Reader<'_>,
    (engine, id): (&str, &str),
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    let others = known.files.keys().filter(|(its, _)| its == engine).map(|(_, id)| id.as_str());
    let others = others.filter(|other| *other != id);
    let mut hidden = Vec::new();
    for word in reader.words("hides", mistakes).unwrap_or_default() {
        let text = word.text();
        if text == id {
            let help = "name the divergences that do not show while this one holds";
            mistakes.add(word.span(), "a divergence cannot hide itself", help);
        } else if !others.clone().any(|other| other == text) {
            let help = choose(text, others.clone(), &format!("it has to be one of {engine}"));
            mistakes.add(word.span(), format!("there is no divergence `{text}`"), help);
        }
        hidden.push(text.to_owned());
    }
    hidden
}

fn review_by(reader: &Reader<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let item = reader.value("review-by")?;
    let text = match (item.as_datetime(), item.as_str()) {
        (Some(date), _) => Some(date.to_string()),
        (None, Some(text)) => Some(text.to_owned()),
        (None, None) => None,
    };
    let is_date = |text: &String| {
        time::Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")).is_ok()
    };
    let date = text.clone().filter(is_date);
    if date.is_none() {
        let found = text.map_or_else(|| format!("found {}", kind(item)), |text| format!("found `{text}`"));
        let help = "write a day, as in review-by = 2027-06-01";
        mistakes.add(item.span(), format!("`review-by` expects a date, {found}"), help);
    }
    date
}

fn when_of(reader: &Reader<'_>, known: &Known<'_>, mistakes: &mut Mistakes) -> When {
    reader.only(WHEN_KEYS, mistakes);
    let range = |key: &str, mistakes: &mut Mistakes| {
        let Some(word) = reader.word(key, mistakes) else { return Range::default() };
        word.text().parse().unwrap_or_else(|error: VersionError| {
            let help = format!("write bounds that all hold: {key} = \">=0.3, <0.8\"");
            mistakes.add(word.span(), error.to_string(), help);
            Range::default()
        })
    };
    let world = reader.word("world", mistakes);
    if let Some(word) = world.as_ref().filter(|word| !known.worlds.contains_key(word.text()))
        && !known.worlds.is_empty()
    {
        let help = choose(word.text(), known.worlds.keys().map(String::as_str), "");
        mistakes.add(word.span(), format!("there is no world `{}`", word.text()), help);
    }
    When {
        release: range("release", mistakes),
        api: range("api", mistakes),
        reference: reference(reader, mistakes),
        world: world.map(|word| word.text().to_owned()),
    }
}

fn reference(reader: &Reader<'_>, mistakes: &mut Mistakes) -> Option<(String, Range)> {
    let word = reader.word("reference", mistakes)?;
    let help = "write the engine, then bounds of its release: reference = \"docker >=20.10\"";
    let (identity, rest) = match word.split_once(' ') {
        Some((identity, rest)) => (identity, Some(rest)),
        None => (word.clone(), None),
    };
    if !is_name(identity.text()) {
        mistakes.add(identity.span(), format!("`{}` names no engine", identity.text()), help);
        return None;
    }
    match rest.as_ref().map_or("", |rest| rest.text()).parse::<Range>() {
        Ok(range) => Some((identity.text().to_owned(), range)),
        Err(error) => {
            mistakes.add(rest.and_then(|rest| rest.span()), error.to_string(), help);
            None
        }
    }
}
