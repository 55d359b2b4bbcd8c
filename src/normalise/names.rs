//! Values that have a name become `<name>`, and ids that nobody named are named by where they
//! first stand. On parsed data and at token borders only, never by replacing text in text.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::error::is_uuid;
use crate::exchange::Named;
use crate::snapshot::StepSnapshot;

/// The names of one recording.
pub struct Names {
    /// Values that are no ids, longest first.
    plain: Vec<(String, String)>,
    /// 64 hex digits, or a UUID, to their name.
    ids: HashMap<String, String>,
    /// The first 12 digits of an id to its name.
    short: HashMap<String, String>,
}

impl Names {
    /// Starts with the values that the scenario names.
    pub fn new(named: &[Named]) -> Names {
        let mut names = Names { plain: Vec::new(), ids: HashMap::new(), short: HashMap::new() };
        for Named { name, value } in named {
            if is_id(value) {
                names.know(value, name);
            } else if !value.is_empty() && !names.plain.iter().any(|(known, _)| known == value) {
                names.plain.push((value.clone(), name.clone()));
            }
        }
        names.plain.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        names
    }

    fn know(&mut self, id: &str, name: &str) {
        if !self.ids.contains_key(id) {
            self.ids.insert(id.to_owned(), name.to_owned());
            if id.len() == 64 {
                self.short.entry(id[..12].to_owned()).or_insert_with(|| name.to_owned());
            }
        }
    }

    /// Names every id that has none by where it first stands.
    pub fn find_ids(&mut self, steps: &[StepSnapshot]) {
        for step in steps {
            for part in &step.parts {
                let mut path = vec![step.id.0.clone()];
                path.extend((!part.name.is_empty()).then(|| part.name.clone()));
                self.find_in(&part.tree, &mut path);
            }
        }
    }

    fn find_in(&mut self, value: &Value, path: &mut Vec<String>) {
        match value {
            Value::String(text) => self.find_in_text(text, path),
            Value::Array(list) => {
                for (at, value) in list.iter().enumerate() {
                    path.push(at.to_string());
                    self.find_in(value, path);
                    path.pop();
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.find_in_text(key, path);
                    path.push(self.text(key));
                    self.find_in(value, path);
                    path.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn find_in_text(&mut self, text: &str, path: &[String]) {
        let mut number = 0;
        for run in runs(text) {
            if is_id(run) && !self.ids.contains_key(run) {
                number += 1;
                let nth = if number > 1 { format!(" {number}") } else { String::new() };
                self.know(run, &format!("id of {}{nth}", path.join("/").replace(['<', '>'], "")));
            }
        }
    }

    /// Replaces every value that has a name, in values and keys.
    pub fn replace(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.replace(value)),
            Value::Object(map) => {
                let renamed: Map<String, Value> = std::mem::take(map)
                    .into_iter()
                    .map(|(key, mut value)| {
                        self.replace(&mut value);
                        (self.text(&key), value)
                    })
                    .collect();
                *map = renamed;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text with names for values.
    pub fn text(&self, text: &str) -> String {
        let mut told = text.to_owned();
        for (value, name) in &self.plain {
            if told == *value {
                return format!("<{name}>");
            }
            if value.len() >= 3 && told.contains(value.as_str()) {
                told = replace_whole(&told, value, &format!("<{name}>"));
            }
        }
        if !told.bytes().any(|byte| byte.is_ascii_hexdigit()) {
            return told;
        }
        let mut out = String::with_capacity(told.len());
        let mut rest = told.as_str();
        for run in runs(&told) {
            let token = match (self.ids.get(run), self.short.get(run)) {
                (Some(name), _) => format!("<{name}>"),
                (None, Some(name)) => format!("<{name}:short>"),
                (None, None) => continue,
            };
            if let Some(at) = rest.find(run) {
                out.push_str(&rest[..at]);
                out.push_str(&token);
                rest = &rest[at + run.len()..];
            }
        }
        out + rest
    }
}

/// Replaces a value where it stands between borders: ends of the text, or anything that is no
/// letter, digit, dash or underscore.
fn replace_whole(text: &str, value: &str, token: &str) -> String {
    let joins = |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = text[from..].find(value) {
        let (start, end) = (from + found, from + found + value.len());
        let is_whole = !joins(text[..start].chars().next_back()) && !joins(text[end..].chars().next());
        out.push_str(&text[from..start]);
        out.push_str(if is_whole { token } else { value });
        from = end;
    }
    out + &text[from..]
}

/// The runs of hexadecimal digits that could be ids (12 or 64 long, between non-alphanumerics),
/// and UUIDs, in order.
fn runs(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let length =
            |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let run = length(at);
        if run == 8 && text.get(at..at + 36).is_some_and(is_uuid) {
            found.push(&text[at..at + 36]);
            at += 36;
            continue;
        }
        let word = &text[at..at + run];
        if matches!(run, 12 | 64)
            && word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        {
            found.push(word);
        }
        at += run;
    }
    found
}

fn is_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (text.len() == 64 && is_hex(text)) || is_uuid(text)
}
