//! Values that have a name become `<name>`, and ids that nobody named are named by where they
//! first stand. On parsed data and at token borders only, never by replacing text in text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;

use super::entries::{Entries, in_brackets};
use super::error::is_uuid;
use crate::exchange::Named;
use crate::snapshot::StepSnapshot;

/// The names of one recording.
#[derive(Default)]
pub struct Names {
    /// What everything that the run named begins with.
    made: Option<String>,
    /// Values that are no ids, longest first, with their token.
    plain: Vec<(String, String)>,
    /// 64 hex digits, or a UUID, to their token.
    ids: HashMap<String, String>,
    /// The first 12 digits of an id to its name and its token.
    short: HashMap<String, (String, String)>,
    /// How many ids are named by each place.
    places: HashMap<String, usize>,
}

impl Names {
    /// Starts with the values that the scenario names.
    pub fn new(named: &[Named]) -> Names {
        let mut names = Names::default();
        for Named { name, value } in named {
            if name == "run" {
                names.made = Some(format!("{value}-"));
            }
            if is_id(value) {
                names.know(value, name);
                continue;
            }
            // Of an image's id, the digits alone are known as well.
            if let Some(digits) = value.strip_prefix("sha256:").filter(|digits| is_id(digits)) {
                names.ids.entry(digits.to_owned()).or_insert_with(|| format!("<{name}:digits>"));
                names.know_short(&digits[..12], name);
            }
            if !value.is_empty() && !names.plain.iter().any(|(known, _)| known == value) {
                names.plain.push((value.clone(), format!("<{name}>")));
            }
        }
        names.plain.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        names
    }

    /// Whether the whole of this text has a name.
    pub fn is_named(&self, text: &str) -> bool {
        self.ids.contains_key(text) || self.plain.iter().any(|(value, _)| value == text)
    }

    fn know(&mut self, id: &str, name: &str) {
        if self.ids.contains_key(id) {
            return;
        }
        let mut name = name;
        let known;
        if id.len() == 64 {
            // An id whose short form stood earlier has the name of that place.
            known = self.know_short(&id[..12], name);
            name = &known;
        }
        self.ids.insert(id.to_owned(), format!("<{name}>"));
    }

    fn know_short(&mut self, digits: &str, name: &str) -> String {
        let told = || (name.to_owned(), format!("<{name}:short>"));
        self.short.entry(digits.to_owned()).or_insert_with(told).0.clone()
    }

    /// Names every id that has none by where it first stands. `short` are runs of 12 digits that
    /// are ids although their long form may never show.
    pub fn find_ids(&mut self, steps: &[StepSnapshot], short: &HashSet<String>) {
        for step in steps {
            for part in &step.parts {
                let mut path = vec![step.id.0.clone()];
                path.extend((!part.name.is_empty()).then(|| part.name.clone()));
                self.find_in(&part.tree, short, &mut path);
            }
        }
    }

    fn find_in(&mut self, value: &Value, short: &HashSet<String>, path: &mut Vec<String>) {
        match value {
            Value::String(text) => self.find_in_text(text, short, path),
            Value::Array(list) => {
                for (at, value) in list.iter().enumerate() {
                    path.push(at.to_string());
                    self.find_in(value, short, path);
                    path.pop();
                }
            }
            Value::Object(map) => {
                for (at, (key, value)) in map.iter().enumerate() {
                    // A key that holds an id is told by its number: names must not nest.
                    path.push(format!("#{at}"));
                    self.find_in_text(key, short, path);
                    let is_plain = runs(key).all(|(_, run)| !self.is_known(run));
                    if let (true, Some(last)) = (is_plain, path.last_mut()) {
                        last.clone_from(key);
                    }
                    self.find_in(value, short, path);
                    path.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn is_known(&self, run: &str) -> bool {
        self.ids.contains_key(run) || self.short.contains_key(run)
    }

    fn find_in_text(&mut self, text: &str, short: &HashSet<String>, path: &[String]) {
        for (_, run) in runs(text) {
            let is_short = run.len() == 12;
            if self.is_known(run) || (is_short && !short.contains(run)) {
                continue;
            }
            let place = format!("id of {}", path.join("/").replace(['<', '>'], ""));
            // No two ids have the same name, whatever stands at a place.
            let times = self.places.entry(place.clone()).or_default();
            *times += 1;
            let name = if *times > 1 { format!("{place} {times}") } else { place };
            if is_short {
                self.know_short(run, &name);
            } else {
                self.know(run, &name);
            }
        }
    }

    /// Replaces every value that has a name by its token, in values and keys.
    pub fn replace(&self, value: &mut Value) {
        rewrite(value, &|text| self.text(text));
    }

    /// Replaces every id that is known by its token, in values and keys.
    pub fn replace_ids(&self, value: &mut Value) {
        rewrite(value, &|text| self.with_ids(text));
    }

    /// A text with tokens for values, found in one go: a token is never searched again.
    pub fn text(&self, text: &str) -> String {
        if let Some((_, token)) = self.plain.iter().find(|(value, _)| value == text) {
            return token.clone();
        }
        let mut found: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
        let longest_first = self.plain.iter().filter(|(value, _)| value.len() >= 3);
        let plain = longest_first.flat_map(|(value, token)| {
            let ranges = text.match_indices(value.as_str()).map(|(at, value)| at..at + value.len());
            // Nothing else looks like a name that the run made, so it can be a part of a longer one.
            let is_made = self.made.as_ref().is_some_and(|made| value.starts_with(made));
            let joins = if is_made { joins_letters } else { joins_words };
            ranges.filter(move |range| stands_alone(text, range, joins)).map(|range| (range, token.as_str()))
        });
        for (range, token) in plain.chain(self.ids_in(text)) {
            let before = found.range(..range.end).next_back();
            if before.is_none_or(|(_, (end, _))| *end <= range.start) {
                found.insert(range.start, (range.end, token));
            }
        }
        replaced(text, found.into_iter().map(|(start, (end, token))| (start..end, token)))
    }

    /// A text with tokens for the ids that are known by now.
    pub fn with_ids(&self, text: &str) -> String {
        replaced(text, self.ids_in(text))
    }

    fn ids_in(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let token = |run: &str| {
            let short = || self.short.get(run).map(|(_, token)| token);
            self.ids.get(run).or_else(short).map(String::as_str)
        };
        runs(text).filter_map(|(range, run)| Some((range, token(run)?))).collect()
    }
}

fn replaced<'t>(text: &str, found: impl IntoIterator<Item = (Range<usize>, &'t str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, token) in found {
        out.push_str(&text[from..range.start]);
        out.push_str(token);
        from = range.end;
    }
    out + &text[from..]
}

/// Every text of a value through a function, keys too. Of two keys that become the same the
/// second is `key (2)`: none is lost.
fn rewrite(value: &mut Value, told: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = told(text),
        Value::Array(list) => list.iter_mut().for_each(|value| rewrite(value, told)),
        Value::Object(map) => {
            let mut renamed = Entries::new(in_brackets);
            for (key, mut child) in std::mem::take(map) {
                rewrite(&mut child, told);
                renamed.put(told(&key), child);
            }
            *value = renamed.finish();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value's text with one word for all ids: what a list without order is sorted by.
pub fn without_ids(value: &Value) -> String {
    let text = value.to_string();
    let found = runs(&text).map(|(range, run)| (range, if run.len() == 12 { "<short>" } else { "<id>" }));
    replaced(&text, found)
}

/// Gives the keys that are ids an order that fresh ids cannot change: that of what they hold.
pub fn order_ids(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(order_ids),
        Value::Object(map) => {
            map.values_mut().for_each(order_ids);
            if map.keys().filter(|key| runs(key).next().is_some()).count() > 1 {
                let mut entries: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
                entries.sort_by_cached_key(|(key, value)| {
                    (without_ids(&key.as_str().into()), without_ids(value))
                });
                map.extend(entries);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a part of a text stands between borders: the ends of the text, or what does not join it
/// to a longer word. What is a token already does not.
fn stands_alone(text: &str, range: &Range<usize>, joins: fn(Option<char>, Option<char>) -> bool) -> bool {
    let mut before = text[..range.start].chars().rev();
    let mut after = text[range.end..].chars();
    let (last, first) = (before.next(), after.next());
    let is_token = last == Some('<') && matches!(first, Some('>' | ':'));
    !is_token && !joins(last, before.next()) && !joins(first, after.next())
}

/// Letters, digits, dashes, underscores and inner full stops make a word.
fn joins_words(near: Option<char>, next: Option<char>) -> bool {
    match near {
        Some('.') => next.is_some_and(char::is_alphanumeric),
        Some(letter) => letter.is_alphanumeric() || letter == '-' || letter == '_',
        None => false,
    }
}

/// Only letters and digits do.
fn joins_letters(near: Option<char>, _: Option<char>) -> bool {
    near.is_some_and(char::is_alphanumeric)
}

/// The runs of hexadecimal digits that could be ids (12 or 64 long, between non-alphanumerics),
/// and UUIDs, in order, with where they stand.
pub fn runs(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let run = bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            at += run.max(1);
            let uuid = text.get(start..start + 36).filter(|uuid| run == 8 && is_uuid(uuid));
            let ends = !bytes.get(start + 36).is_some_and(u8::is_ascii_alphanumeric);
            if let Some(uuid) = uuid.filter(|_| ends) {
                at = start + 36;
                return Some((start..at, uuid));
            }
            if matches!(run, 12 | 64) && is_hex(&text[start..at]) {
                return Some((start..at, &text[start..at]));
            }
        }
        None
    })
}

/// The runs of 12 digits in all texts of a value, keys too.
pub fn short_ids(value: &Value) -> Vec<String> {
    let of_text =
        |text: &str| runs(text).map(|(_, run)| run.to_owned()).filter(|run| run.len() == 12).collect();
    match value {
        Value::String(text) => of_text(text),
        Value::Array(list) => list.iter().flat_map(short_ids).collect(),
        Value::Object(map) => {
            let inner = |(key, value): (&String, &Value)| [of_text(key), short_ids(value)].concat();
            map.iter().flat_map(inner).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_id(text: &str) -> bool {
    (text.len() == 64 && is_hex(text)) || is_uuid(text)
}
