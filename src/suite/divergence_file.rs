//! A divergence file: keys, `when`, observations and what they refer to.

use serde_json::{Number, Value};
use toml_edit::Value as Toml;

use super::reader::{Reader, Span, root};
use super::{Suite, SuiteFiles};
use crate::divergence::{
    Divergence, DivergenceKind, EVIDENCE, Evidence, Expression, KINDS, Matcher, Observation, RatioBound,
    Scope, TYPES, ValueType, When,
};
use crate::judge::select::glob_matches;
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::pointer::Pattern;
use crate::route::{ROUTES, Route};
use crate::scenario::{Action, Scenario, StepId};
use crate::version::Range;

/// The keys of a divergence.
pub const DIVERGENCE_KEYS: &[&str] = &[
    "title",
    "kind",
    "page",
    "ticket",
    "why",
    "when",
    "owner",
    "review-by",
    "evidence",
    "stops",
    "hides",
    "observations",
];
/// The keys of `when`.
pub const WHEN_KEYS: &[&str] = &["release", "api", "reference", "world"];
/// The keys of an observation.
pub const OBSERVATION_KEYS: &[&str] = &["scenario", "on", "at", "reference", "candidate"];
/// The keys of a matcher; a table that pins a value has exactly one.
pub const MATCHER_KEYS: &[&str] = &["absent", "null", "matches", "any-of", "type", "json", "ratio"];

const PARTS: [&str; 3] = ["create", "start", "inspect"];

/// Reads one divergence file; `scenarios` are those that observations may name, if they load.
pub fn divergence(
    file: &str,
    text: &str,
    scenarios: Option<&[Scenario]>,
    found: &mut Vec<Mistake>,
) -> Option<Divergence> {
    let mut mistakes = Mistakes::of(file);
    let divergence = read(file, text, scenarios, &mut mistakes);
    let is_fine = mistakes.found.is_empty();
    found.extend(mistakes.found);
    divergence.filter(|_| is_fine)
}

fn read(
    file: &str,
    text: &str,
    scenarios: Option<&[Scenario]>,
    mistakes: &mut Mistakes,
) -> Option<Divergence> {
    let parts: Vec<&str> = file.split('/').collect();
    let ["suites", area, "divergences", engine, name] = parts.as_slice() else {
        mistakes.add(
            None,
            "the file lies at no known place",
            "divergences lie in suites/<area>/divergences/<engine>/",
        );
        return None;
    };
    let table = root(text, mistakes)?;
    let reader = Reader::new(&table, Some(0..0));
    reader.only(DIVERGENCE_KEYS, mistakes);
    reader.need("title", "say in a line what differs", mistakes);
    reader.need("kind", "write kind = \"deficiency\"", mistakes);
    reader.need("why", "say in plain words what a reader should know", mistakes);
    reader.need("evidence", "write evidence = \"read\": documented, read, ran or observed", mistakes);
    reader.need("observations", "write at least one [[observations]]", mistakes);
    let string = |key: &str, mistakes: &mut Mistakes| reader.string(key, mistakes).map(str::to_owned);
    let why = string("why", mistakes).unwrap_or_default();
    if reader.has("why") && why.trim().is_empty() {
        mistakes.add(reader.span_of("why"), "`why` is empty", "say in plain words what a reader should know");
    }
    let observations = reader.tables("observations", mistakes);
    let observations: Vec<Observation> =
        observations.iter().filter_map(|each| observation(each, text, scenarios, mistakes)).collect();
    let hides = reader.strings("hides", mistakes).unwrap_or_default();
    Some(Divergence {
        id: name.trim_end_matches(".toml").to_owned(),
        file: file.to_owned(),
        area: (*area).to_owned(),
        engine: (*engine).to_owned(),
        title: string("title", mistakes).unwrap_or_default(),
        kind: word(&reader, "kind", KINDS, mistakes).unwrap_or(DivergenceKind::Deficiency),
        page: string("page", mistakes).unwrap_or_else(|| (*area).to_owned()),
        ticket: string("ticket", mistakes),
        why,
        when: reader.table("when", mistakes).map(|when| when_of(&when, mistakes)).unwrap_or_default(),
        owner: string("owner", mistakes),
        review_by: review_by(&reader, mistakes),
        evidence: word(&reader, "evidence", EVIDENCE, mistakes).unwrap_or(Evidence::Documented),
        stops: reader.flag("stops", mistakes).unwrap_or(false),
        hides: hides.into_iter().map(|(id, _)| id.to_owned()).collect(),
        observations,
    })
}

fn word<T: Copy>(reader: &Reader<'_>, key: &str, known: &[(&str, T)], mistakes: &mut Mistakes) -> Option<T> {
    let text = reader.string(key, mistakes)?;
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let near = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let help = format!("{}There are: {}", near.unwrap_or_default(), words.join(", "));
        mistakes.add(reader.span_of(key), format!("`{text}` is no {key}"), help);
    }
    found
}

fn review_by(reader: &Reader<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let item = reader.value("review-by")?;
    let text = match (item.as_datetime(), item.as_str()) {
        (Some(date), _) => date.to_string(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    };
    let is_date = text.len() == 10
        && text.split('-').map(str::len).eq([4, 2, 2])
        && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    if !is_date {
        mistakes.add(reader.span_of("review-by"), "`review-by` is no date", "write review-by = 2027-06-01");
        return None;
    }
    Some(text)
}

fn range(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Range {
    let Some(text) = reader.string(key, mistakes) else { return Range::default() };
    text.parse().unwrap_or_else(|error: crate::version::VersionError| {
        mistakes.add(reader.span_of(key), error.to_string(), "write bounds such as \">=0.3, <0.8\"");
        Range::default()
    })
}

fn when_of(reader: &Reader<'_>, mistakes: &mut Mistakes) -> When {
    reader.only(WHEN_KEYS, mistakes);
    let reference = reader.string("reference", mistakes).and_then(|text| {
        let (identity, range) = text.split_once(' ').unwrap_or((text, ""));
        match range.parse::<Range>() {
            Ok(range) => Some((identity.to_owned(), range)),
            Err(error) => {
                mistakes.add(reader.span_of("reference"), error.to_string(), "write \"docker >=20.10\"");
                None
            }
        }
    });
    When {
        release: range(reader, "release", mistakes),
        api: range(reader, "api", mistakes),
        reference,
        world: reader.string("world", mistakes).map(str::to_owned),
    }
}

fn observation(
    reader: &Reader<'_>,
    text: &str,
    scenarios: Option<&[Scenario]>,
    mistakes: &mut Mistakes,
) -> Option<Observation> {
    reader.only(OBSERVATION_KEYS, mistakes);
    reader.need("at", "name the place: at = \"wait/body/json/StatusCode\"", mistakes);
    reader.need("candidate", "pin what the candidate answers", mistakes);
    let candidate = matcher(reader, "candidate", mistakes);
    let is_ratio = matches!(candidate, Some(Matcher::Ratio(_)));
    if !is_ratio {
        reader.need("reference", "pin what the reference answers", mistakes);
    }
    let reference = match reader.has("reference") {
        false => is_ratio.then_some(Matcher::Type(ValueType::Object)),
        true => matcher(reader, "reference", mistakes),
    };
    let at = reader.string("at", mistakes)?;
    let (scope, rest) = match (reader.string("scenario", mistakes), reader.string("on", mistakes)) {
        (Some(_), Some(_)) => {
            let help = "keep `scenario` for one scenario or a glob of them, `on` for every step with a route";
            mistakes.add(reader.key_span("on"), "both `scenario` and `on`", help);
            return None;
        }
        (None, None) => {
            let help = "say where: scenario = \"area/name\" or on = \"POST /containers/create\" (or \"*\")";
            mistakes.add(reader.span.clone(), "neither `scenario` nor `on`", help);
            return None;
        }
        (Some(glob), None) => by_scenario(reader, glob, at, scenarios, mistakes)?,
        (None, Some(route)) => (by_route(reader, route, mistakes)?, at.to_owned()),
    };
    let pattern = match Pattern::parse(&rest) {
        Ok(pattern) => pattern,
        Err(error) => {
            let help = match scope {
                Scope::Scenario { .. } => format!("{error}; before it stands the step: \"create/status\""),
                Scope::Route(_) | Scope::Everywhere => error.to_string(),
            };
            mistakes.add(reader.span_of("at"), format!("`{at}` names no place"), help);
            return None;
        }
    };
    let line = reader.span.as_ref().map_or(1, |span| crate::mistake::position(text, span.start).0);
    Some(Observation { scope, at: pattern, reference: reference?, candidate: candidate?, line })
}

fn by_route(reader: &Reader<'_>, text: &str, mistakes: &mut Mistakes) -> Option<Scope> {
    if text == "*" {
        return Some(Scope::Everywhere);
    }
    let route = Route::named(text);
    if route.is_none() {
        let near = nearest(text, ROUTES.iter().copied()).unwrap_or("POST /containers/create");
        let help = format!("did you mean `{near}`? Names stand as `*`");
        mistakes.add(reader.span_of("on"), format!("`{text}` is no route of the Docker API"), help);
    }
    route.map(Scope::Route)
}

fn by_scenario(
    reader: &Reader<'_>,
    glob: &str,
    at: &str,
    scenarios: Option<&[Scenario]>,
    mistakes: &mut Mistakes,
) -> Option<(Scope, String)> {
    let (step, rest) = at.split_once('/').unwrap_or((at, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let named: Vec<&Scenario> =
        scenarios.unwrap_or_default().iter().filter(|each| glob_matches(glob, &each.id.0)).collect();
    if scenarios.is_some() && named.is_empty() {
        let ids = scenarios.unwrap_or_default().iter().map(|each| each.id.0.as_str());
        let near = nearest(glob, ids).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| "`divergence list` tells them all".to_owned());
        mistakes.add(reader.span_of("scenario"), format!("no scenario is called `{glob}`"), help);
        return None;
    }
    let split = |rest: &str| -> (String, String) {
        let first = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        match PARTS.contains(&first) {
            true => (first.to_owned(), rest[first.len() + 1..].to_owned()),
            false => (String::new(), rest.to_owned()),
        }
    };
    let (mut part, mut rest) = split(&rest);
    if let [scenario] = named.as_slice()
        && step != "*"
    {
        let Some(its) = scenario.steps.iter().find(|each| each.id.0 == step) else {
            let ids: Vec<&str> = scenario.steps.iter().map(|each| each.id.0.as_str()).collect();
            let near = nearest(step, ids.iter().copied()).map(|near| format!("did you mean `{near}`? "));
            let help = format!("{}It has: {}", near.unwrap_or_default(), ids.join(", "));
            mistakes.add(reader.span_of("at"), format!("{} has no step `{step}`", scenario.id), help);
            return None;
        };
        match (&its.action, part.is_empty()) {
            (Action::Exec(_), true) => {
                let help = format!(
                    "an exec has parts: \"{step}/create/status\", \"{step}/start/stdout\", \"{step}/inspect/body/json/ExitCode\""
                );
                mistakes.add(reader.span_of("at"), format!("`{at}` names no part of the exec"), help);
                return None;
            }
            (Action::Exec(_), false) => {}
            (Action::Request(_) | Action::Raw(_) | Action::Stream(_) | Action::Join(_), false) => {
                rest = format!("/{part}{rest}");
                part = String::new();
            }
            (Action::Request(_) | Action::Raw(_) | Action::Stream(_) | Action::Join(_), true) => {}
        }
    }
    let step = (step != "*").then(|| StepId(step.to_owned()));
    Some((Scope::Scenario { glob: glob.to_owned(), step, part }, rest))
}

fn matcher(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Matcher> {
    let item = reader.value(key)?;
    let span = reader.span_of(key);
    let Some(table) = item.as_table_like() else {
        let value = item.as_value().and_then(plain_value);
        if value.is_none() {
            mistakes.add(
                span,
                format!("`{key}` cannot be pinned so"),
                "write a value, or a table such as { absent = true }",
            );
        }
        return value.map(Matcher::Is);
    };
    let pairs: Vec<(&str, &toml_edit::Item)> = table.iter().collect();
    let [(word, value)] = pairs.as_slice() else {
        let help = format!(
            "a table is a matcher with exactly one of: {}; an object is written as {{ json = '''...''' }}",
            MATCHER_KEYS.join(", ")
        );
        mistakes.add(span, format!("`{key}` has {} keys", pairs.len()), help);
        return None;
    };
    let text = value.as_str();
    let found: Result<Matcher, String> = match (*word, text) {
        ("absent", _) if value.as_bool() == Some(true) => Ok(Matcher::Absent),
        ("null", _) if value.as_bool() == Some(true) => Ok(Matcher::Is(Value::Null)),
        ("absent" | "null", _) => Err(format!("write {{ {word} = true }}")),
        ("matches", Some(text)) => Expression::parse(text).map(Matcher::Matches),
        ("any-of", _) => {
            let list = value.as_array().map(|list| list.iter().map(plain_value).collect::<Option<Vec<_>>>());
            list.flatten()
                .map(Matcher::AnyOf)
                .ok_or_else(|| "write { any-of = [\"one\", \"two\"] }".to_owned())
        }
        ("type", Some(text)) => {
            let known = TYPES.iter().find(|(word, _)| *word == text).map(|(_, kind)| Matcher::Type(*kind));
            let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
            known.ok_or_else(|| format!("types are {}", words.join(", ")))
        }
        ("json", Some(text)) => {
            serde_json::from_str(text).map(Matcher::Is).map_err(|error| format!("this is no JSON: {error}"))
        }
        ("ratio", Some(text)) if key == "candidate" => RatioBound::parse(text)
            .map(Matcher::Ratio)
            .ok_or_else(|| "a one-sided bound, as in { ratio = \">=2\" }".to_owned()),
        ("ratio", _) => Err("a ratio is pinned on the candidate, as in { ratio = \">=2\" }".to_owned()),
        ("matches" | "type" | "json", None) => Err(format!("write {{ {word} = \"text\" }}")),
        (other, _) => {
            let near = nearest(other, MATCHER_KEYS.iter().copied());
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Err(format!("{near}A matcher is one of: {}", MATCHER_KEYS.join(", ")))
        }
    };
    match found {
        Ok(matcher) => Some(matcher),
        Err(help) => {
            mistakes.add(value.span().or(span), format!("`{word}` is no matcher as it stands"), help);
            None
        }
    }
}

/// A TOML value as JSON; none for dates and tables, which JSON has not.
pub fn plain_value(value: &Toml) -> Option<Value> {
    match value {
        Toml::String(text) => Some(Value::String(text.value().clone())),
        Toml::Integer(number) => Some(Value::from(*number.value())),
        Toml::Float(number) => Number::from_f64(*number.value()).map(Value::Number),
        Toml::Boolean(flag) => Some(Value::Bool(*flag.value())),
        Toml::Array(list) => list.iter().map(plain_value).collect::<Option<Vec<_>>>().map(Value::Array),
        Toml::Datetime(_) | Toml::InlineTable(_) => None,
    }
}

/// What only shows when all files are read: `hides`, and entries that are there twice.
pub fn cross_check(suite: &Suite, files: &SuiteFiles, found: &mut Vec<Mistake>) {
    let text_of = |file: &str| {
        let file = files.divergences.iter().find(|(name, _)| name == file);
        file.map(|(_, text)| text.as_str()).unwrap_or_default()
    };
    let span_of = |file: &str, word: &str| -> Span {
        text_of(file).find(&format!("\"{word}\"")).map(|at| at..at + word.len() + 2)
    };
    for divergence in &suite.divergences {
        let same_engine: Vec<&str> = suite
            .divergences
            .iter()
            .filter(|each| each.engine == divergence.engine)
            .map(|each| each.id.as_str())
            .collect();
        let mut mistakes = Mistakes::of(&divergence.file);
        for hidden in &divergence.hides {
            if !same_engine.contains(&hidden.as_str()) {
                let near = nearest(hidden, same_engine.iter().copied());
                let help = near.map_or("it can only hide one that there is".to_owned(), |near| {
                    format!("did you mean `{near}`?")
                });
                mistakes.add(
                    span_of(&divergence.file, hidden),
                    format!("there is no divergence `{hidden}`"),
                    help,
                );
            }
        }
        if same_engine.iter().filter(|id| **id == divergence.id).count() > 1 {
            mistakes.add(
                None,
                format!("another file is called `{}` too", divergence.id),
                "an id is used once an engine",
            );
        }
        if suite.unobservable.iter().any(|entry| entry.id == divergence.id) {
            mistakes.add(
                None,
                "suites/unobservable.toml says that it cannot be seen",
                "remove one of the two",
            );
        }
        found.extend(mistakes.found);
    }
}
