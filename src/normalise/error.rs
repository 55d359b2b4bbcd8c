//! Error answers taken apart by shape: envelope, code, message, request id.
//!
//! `text` and `text-newline` are what Go's `http.Error` and its like send, `json` and
//! `json-newline` what Docker sends from API 1.24 on, `restify` what Node's restify sends:
//! `(Code) message (request id)`.

use serde_json::{Map, Value, json};

use super::body::body;
use crate::exchange::Answer;

/// The `error` of an answer (and its `body`, when the shape is none of those known). The headers
/// that the envelope stands for are taken out of `headers`.
pub fn error(answer: &Answer, headers: &mut Map<String, Value>) -> Map<String, Value> {
    let content_types: Vec<&str> = answer.header("content-type").collect();
    let content_type = if let [only] = content_types.as_slice() { *only } else { "" };
    let is_nosniff = answer.header(NOSNIFF).eq(["nosniff"]);
    let text = std::str::from_utf8(&answer.body.0).ok();
    let other = || json!({ "envelope": "other" });
    let (error, explained): (Value, &[&str]) = match (content_type, text) {
        (_, Some("")) => (json!({ "envelope": "empty" }), &[]),
        ("text/plain; charset=utf-8", Some(text)) => match text.strip_suffix('\n') {
            // Go's `http.Error` sends both, the newline and the header; one alone is something else.
            Some(message) if is_nosniff => {
                (json!({ "envelope": "text-newline", "message": message }), &["content-type", NOSNIFF])
            }
            Some(_) => (other(), &[]),
            None => (json!({ "envelope": "text", "message": text }), &["content-type"]),
        },
        ("application/json", Some(text)) => match message_of(text) {
            Some(message) => {
                let envelope = if text.ends_with('\n') { "json-newline" } else { "json" };
                (json!({ "envelope": envelope, "message": message }), &["content-type"])
            }
            None => (other(), &[]),
        },
        ("text/plain", Some(text)) => match restify(text, answer) {
            Some(error) => (error, &["content-type"]),
            None => (other(), &[]),
        },
        (_, _) => (other(), &[]),
    };
    let error = with_code(error);
    for name in explained {
        headers.remove(*name);
    }
    let mut tree = Map::new();
    if error["envelope"] == "other" {
        tree.insert("body".to_owned(), body(&answer.body.0, content_type, None));
    }
    tree.insert("error".to_owned(), error);
    tree
}

const NOSNIFF: &str = "x-content-type-options";

/// The message of an object that has just that.
fn message_of(text: &str) -> Option<String> {
    let (value, rest) = super::json::parse(text)?;
    let object = value.as_object().filter(|object| object.len() == 1 && matches!(rest, "" | "\n"))?;
    object.get("message")?.as_str().map(str::to_owned)
}

fn restify(text: &str, answer: &Answer) -> Option<Value> {
    let (front, id) = text.strip_suffix(')')?.rsplit_once(" (")?;
    if !is_uuid(id) {
        return None;
    }
    let same = answer.header("x-request-id").any(|header| header == id);
    let request_id = if same { "header" } else { "other" };
    Some(json!({ "envelope": "restify", "message": front, "request-id": request_id }))
}

/// A message that begins with a word in brackets has a code, in whatever envelope it comes.
fn with_code(mut error: Value) -> Value {
    let is_code = |code: &str| !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric());
    let coded = error.get("message").and_then(Value::as_str).and_then(|message| {
        let (code, rest) = message.strip_prefix('(')?.split_once(") ")?;
        is_code(code).then(|| (code.to_owned(), rest.to_owned()))
    });
    if let Some((code, message)) = coded {
        error["code"] = code.into();
        error["message"] = message.into();
    }
    error
}

/// Whether a text is a UUID in its usual form.
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}
