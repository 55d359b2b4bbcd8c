//! What captures and polling look at: an answer as one JSON document.

use serde_json::{Map, Value, json};

use crate::exchange::{Answer, Bytes, Exchange};
use crate::frames::demultiplex;
use crate::normalise::has_too_many_values;
use crate::pointer::Pointer;

/// The document of a step: of its only exchange, or of an exec's parts by name.
pub fn document(exchanges: &[Exchange]) -> Value {
    match exchanges {
        [only] if only.part.is_empty() => exchange_document(only),
        parts => {
            Value::Object(parts.iter().map(|part| (part.part.clone(), exchange_document(part))).collect())
        }
    }
}

/// Of a command `/exit`, `/stdout`, `/stderr`; else `/status`, `/reason`, `/headers/<name>/<n>`, `/body/json/..`, `/body/text`, `/messages/<n>/..`,
/// `/stdout`, `/stderr`.
fn exchange_document(exchange: &Exchange) -> Value {
    if let Some(printed) = &exchange.printed {
        // As `$(...)` of a shell has it.
        let text = |bytes: &Bytes| json!(bytes.lossy().trim_end_matches('\n'));
        return json!({
            "exit": printed.exit, "stdout": text(&printed.stdout), "stderr": text(&printed.stderr),
        });
    }
    exchange.answer.as_ref().map_or_else(|| Value::Object(Map::new()), answer_document)
}

fn answer_document(answer: &Answer) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in &answer.headers {
        let values = headers.entry(name.to_ascii_lowercase()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    let mut document = Map::new();
    document.insert("status".to_owned(), json!(answer.status));
    document.insert("reason".to_owned(), json!(answer.reason));
    document.insert("headers".to_owned(), Value::Object(headers));
    let bytes = &answer.body.0;
    let is_too_much = has_too_many_values(bytes);
    let json = (!is_too_much).then(|| serde_json::from_slice::<Value>(bytes).ok()).flatten();
    if let Some(json) = json {
        document.insert("body".to_owned(), json!({ "json": json }));
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        document.insert("body".to_owned(), json!({ "text": text }));
    }
    if let Some(frames) = demultiplex(bytes).filter(|_| !bytes.is_empty()) {
        document.insert("stdout".to_owned(), json!(String::from_utf8_lossy(&frames.stdout)));
        document.insert("stderr".to_owned(), json!(String::from_utf8_lossy(&frames.stderr)));
    } else if answer.end.is_some() {
        document.insert("stdout".to_owned(), json!(String::from_utf8_lossy(bytes)));
    }
    let messages =
        || serde_json::Deserializer::from_slice(bytes).into_iter().collect::<Result<Vec<Value>, _>>();
    if let Some(messages) = (!is_too_much).then(messages).and_then(Result::ok) {
        document.insert("messages".to_owned(), Value::Array(messages));
    }
    Value::Object(document)
}

/// No honest id or name is longer.
const LONGEST_VALUE: usize = 64 * 1024;

/// The value at a place as text. Null, an empty text, one that is endless, a list and an object are
/// no values to go on with.
pub fn text_at(document: &Value, at: &Pointer) -> Option<String> {
    match at.find(document)? {
        Value::String(text) if (1..=LONGEST_VALUE).contains(&text.len()) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::End;

    fn answer(body: &[u8], end: Option<End>) -> Answer {
        let headers =
            vec![("Location".to_owned(), "/x".to_owned()), ("location".to_owned(), "/y".to_owned())];
        Answer { status: 201, reason: "Created".to_owned(), headers, body: Bytes(body.to_vec()), end }
    }

    #[test]
    fn values_are_found_by_pointer() {
        let json = answer(br#"{"Id":"abc","N":184467440737095516150,"E":"","Z":null,"L":["x"]}"#, None);
        let lines = answer(b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n", Some(End::Enough));
        let frames = answer(b"\x01\0\0\0\0\0\0\x02hi\x02\0\0\0\0\0\0\x01!", Some(End::Closed));
        let table = [
            (&json, "/status", Some("201")),
            (&json, "/headers/location/1", Some("/y")),
            (&json, "/body/json/Id", Some("abc")),
            (&json, "/body/json/N", Some("184467440737095516150")),
            (&json, "/body/json/L/0", Some("x")),
            (&json, "/body/json/E", None),
            (&json, "/body/json/Z", None),
            (&json, "/body/json/L", None),
            (&lines, "/messages/1/id", Some("b")),
            (&frames, "/stdout", Some("hi")),
            (&frames, "/stderr", Some("!")),
        ];
        for (answer, at, expected) in table {
            let found = text_at(&answer_document(answer), &Pointer::parse(at).unwrap());
            assert_eq!(found.as_deref(), expected, "{at}");
        }
        let endless =
            answer_document(&answer(format!("\"{}\"", "x".repeat(LONGEST_VALUE + 1)).as_bytes(), None));
        assert_eq!(text_at(&endless, &Pointer::parse("/body/json").unwrap()), None);
    }
}
