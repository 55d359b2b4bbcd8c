//! What a value must be, as an observation writes it: a plain value, or a table with one key.

use serde_json::Value;
use toml_edit::{Item, Value as Toml};

use super::keys::MATCHER_KEYS;
use super::reader::{Reader, kind};
use super::word::choose;
use crate::divergence::{Expression, Matcher, RatioBound, TYPES};
use crate::mistake::Mistakes;

/// Reads `reference` or `candidate`.
pub fn matcher(reader: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Matcher> {
    let item = reader.value(key)?;
    let Some(table) = item.as_table_like() else {
        let value = item.as_value().and_then(|value| plain_value(value, reader.source()));
        if value.is_none() {
            let help = "write a string, a number, true, false or a list of these; a date goes in quotes, an object in { json = '''{...}''' }";
            mistakes.add(item.span(), format!("`{key}` cannot be {}", kind(item)), help);
        }
        return value.map(Matcher::Is);
    };
    let pairs: Vec<(&str, &Item)> = table.iter().collect();
    if let [(word, value)] = pairs.as_slice()
        && MATCHER_KEYS.contains(word)
    {
        let found = known(word, value, key, reader.source());
        return found
            .map_err(|(message, help)| mistakes.add(value.span().or_else(|| item.span()), message, help))
            .ok();
    }
    let unknown: Vec<&str> =
        pairs.iter().map(|(word, _)| *word).filter(|word| !MATCHER_KEYS.contains(word)).collect();
    for word in &unknown {
        let span = table.key(word).and_then(toml_edit::Key::span).or_else(|| item.span());
        let else_say = "a table is always a matcher; an object is pinned as { json = '''{...}''' }";
        let help = choose(word, MATCHER_KEYS.iter().copied(), else_say);
        mistakes.add(span, format!("unknown matcher `{word}`"), help);
    }
    if unknown.is_empty() {
        let found = match pairs.len() {
            0 => "no key".to_owned(),
            count => format!("{count} keys"),
        };
        let help = format!("a matcher has exactly one of: {}", MATCHER_KEYS.join(", "));
        mistakes.add(item.span(), format!("`{key}` is a matcher with {found}"), help);
    }
    None
}

/// What is wrong, and what to do.
type Complaint = (String, String);

fn known(word: &str, item: &Item, side: &str, source: &str) -> Result<Matcher, Complaint> {
    let form =
        |example: &str| (format!("`{word}` cannot be {}", kind(item)), format!("write {{ {example} }}"));
    let text = |example: &str| item.as_str().ok_or_else(|| form(example));
    match word {
        "absent" | "null" => match item.as_bool() {
            Some(true) if word == "null" => Ok(Matcher::Is(Value::Null)),
            Some(true) => Ok(Matcher::Absent),
            Some(false) => Err((
                format!("`{word} = false` pins nothing"),
                "write the value that is there, or { type = \"string\" }".to_owned(),
            )),
            None => Err(form(&format!("{word} = true"))),
        },
        "matches" => Expression::parse(text("matches = \"No such container: .*\"")?)
            .map(Matcher::Matches)
            .map_err(|error| ("this is no regular expression".to_owned(), error)),
        "any-of" => any_of(item, source).ok_or_else(|| form("any-of = [200, 204]")),
        "type" => {
            let text = text("type = \"string\"")?;
            let found = TYPES.iter().find(|(its, _)| *its == text).map(|(_, kind)| Matcher::Type(*kind));
            found.ok_or_else(|| {
                (format!("`{text}` is no type"), choose(text, TYPES.iter().map(|(its, _)| *its), ""))
            })
        }
        "json" => serde_json::from_str(text("json = '''{\"a\": 1}'''")?).map(Matcher::Is).map_err(|error| {
            (format!("this is no JSON: {error}"), "write one JSON value, as it is answered".to_owned())
        }),
        _ if side == "reference" => Err((
            "a ratio of the reference".to_owned(),
            "a ratio compares the candidate with the reference: pin it as `candidate` and leave `reference` out"
                .to_owned(),
        )),
        _ => {
            let text = text("ratio = \">=2\"")?;
            RatioBound::parse(text).map(Matcher::Ratio).ok_or_else(|| {
                let help = "write how many times as long as the reference it takes: { ratio = \">=2\" } or { ratio = \"<=1.5\" }";
                (format!("`{text}` is no ratio"), help.to_owned())
            })
        }
    }
}

fn any_of(item: &Item, source: &str) -> Option<Matcher> {
    let list = item.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(|value| plain_value(value, source)).collect::<Option<Vec<_>>>().map(Matcher::AnyOf)
}

/// A TOML value as JSON; none for dates, tables and infinities, which JSON has not. Floats stay
/// as written, since `1.50` and `1.5` are two answers.
pub fn plain_value(value: &Toml, source: &str) -> Option<Value> {
    match value {
        Toml::String(text) => Some(Value::String(text.value().clone())),
        Toml::Integer(number) => Some(Value::from(*number.value())),
        Toml::Float(number) => {
            let written = value.span().and_then(|span| source.get(span)).unwrap_or_default();
            let written = written.trim_start_matches('+').replace('_', "");
            let as_written = serde_json::from_str::<serde_json::Number>(&written).ok();
            as_written.or_else(|| serde_json::Number::from_f64(*number.value())).map(Value::Number)
        }
        Toml::Boolean(flag) => Some(Value::Bool(*flag.value())),
        Toml::Array(list) => {
            list.iter().map(|value| plain_value(value, source)).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Toml::Datetime(_) | Toml::InlineTable(_) => None,
    }
}
