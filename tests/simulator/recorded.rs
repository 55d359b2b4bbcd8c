//! The recorded exchanges, what has to be there before them, and the list of those that differ.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use super::asking::Answer;

/// A recorded exchange.
pub struct Exchange {
    pub file: String,
    pub n: u64,
    pub config: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub answer: Answer,
    /// Whether the recorder gave up waiting for more.
    pub gave_up: bool,
    /// Why it cannot be replayed.
    pub skip: Option<String>,
}

/// Something to ask for before an exchange.
pub struct SetUp {
    pub file: String,
    pub before: u64,
    /// `METHOD /path [body]`.
    pub asks: Vec<String>,
    /// Recorded ids of execs, each the answer to the ask at its place.
    pub ids: Vec<String>,
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    match value.get("body_b64").and_then(Value::as_str) {
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).unwrap(),
        None => text(value, "body").into_bytes(),
    }
}

fn headers(value: &Value) -> Vec<(String, String)> {
    let pairs = value.get("headers").and_then(Value::as_array).into_iter().flatten();
    let part = |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    pairs.map(|pair| (part(pair, 0), part(pair, 1))).collect()
}

pub fn exchanges(fixtures: &Path) -> Vec<Exchange> {
    let text = std::fs::read_to_string(fixtures.join("recordings/sdc-docker-0.7.jsonl")).unwrap();
    let skips = listed(fixtures, "left-out");
    text.lines().map(|line| exchange(&serde_json::from_str(line).unwrap(), &skips)).collect()
}

fn exchange(line: &Value, skips: &BTreeMap<(String, u64), String>) -> Exchange {
    let (file, n) = (text(line, "file"), line.get("n").and_then(Value::as_u64).unwrap());
    let (request, response) = (&line["request"], &line["response"]);
    let answer = Answer {
        status: response.get("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok()),
        reason: text(response, "reason"),
        headers: headers(response),
        body: bytes(response),
        is_cut: response.get("cut").is_some_and(|cut| !cut.is_null() && cut != &Value::Bool(false)),
    };
    Exchange {
        skip: skips.get(&(file.clone(), n)).cloned(),
        config: text(line, "config"),
        method: text(line, "method"),
        path: text(line, "path"),
        headers: headers(request),
        body: bytes(request),
        gave_up: text(line, "end") == "timeout",
        answer,
        file,
        n,
    }
}

fn document(fixtures: &Path, name: &str) -> toml_edit::Document<String> {
    let path = fixtures.join("recordings").join(name);
    toml_edit::Document::parse(std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn set_up(fixtures: &Path) -> Vec<SetUp> {
    let document = document(fixtures, "set-up.toml");
    let texts = |table: &toml_edit::Table, key: &str| -> Vec<String> {
        let all = table.get(key).and_then(|item| item.as_array()).into_iter().flatten();
        all.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let tables = document.get("set-up").and_then(|item| item.as_array_of_tables()).unwrap();
    tables
        .iter()
        .map(|table| SetUp {
            file: table.get("file").and_then(|item| item.as_str()).unwrap().to_owned(),
            before: table.get("before").and_then(|item| item.as_integer()).unwrap().try_into().unwrap(),
            asks: texts(table, "asks"),
            ids: texts(table, "ids"),
        })
        .collect()
}

/// The answers of a file in a list of `unfaithful.toml`, with the reasons.
pub fn reasons(fixtures: &Path, list: &str, file: &str) -> BTreeMap<u64, String> {
    let all = listed(fixtures, list).into_iter();
    all.filter(|((its, _), _)| its == file).map(|((_, n), reason)| (n, reason)).collect()
}

/// The reasons of a list in `unfaithful.toml`, by file and number.
fn listed(fixtures: &Path, list: &str) -> BTreeMap<(String, u64), String> {
    let document = document(fixtures, "unfaithful.toml");
    let mut reasons = BTreeMap::new();
    for (file, table) in document.get(list).and_then(|item| item.as_table()).into_iter().flatten() {
        for (reason, numbers) in table.as_table().unwrap() {
            for n in numbers.as_array().unwrap() {
                let n = n.as_integer().unwrap().try_into().unwrap();
                assert_eq!(reasons.insert((file.to_owned(), n), reason.to_owned()), None, "{file} {n} twice");
            }
        }
    }
    reasons
}
