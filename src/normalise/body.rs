//! The body of an answer, or one stream of it, as structure: JSON, text, archive or bytes.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::json::{next, parse};
use crate::scenario::View;
use crate::views;

/// A whole body.
pub fn body(bytes: &[u8], content_type: &str, view: Option<View>) -> Value {
    let is_tar = content_type.contains("x-tar") || content_type == "application/tar";
    if view == Some(View::Tar) || (view.is_none() && is_tar) {
        return views::tar(bytes).unwrap_or_else(|| opaque(bytes));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return opaque(bytes) };
    let looks_like_json = content_type.contains("json") || text.starts_with(['{', '[']);
    match view {
        Some(view) => views::view(view, text).unwrap_or_else(|| json!({ "text": text })),
        None if looks_like_json => documents(text).unwrap_or_else(|| json!({ "text": text })),
        None => json!({ "text": text }),
    }
}

/// One stream of a multiplexed answer: text, or a view of it.
pub fn stream(bytes: &[u8], view: Option<View>) -> Value {
    match (std::str::from_utf8(bytes), view) {
        (Ok(text), Some(view)) => views::view(view, text).unwrap_or_else(|| text.into()),
        (Ok(text), None) => text.into(),
        (Err(_), _) => opaque(bytes),
    }
}

/// Bytes that are no text: short ones as they are, long ones as a hash.
fn opaque(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    match bytes.len() {
        0..=256 => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
        length => json!({ "bytes": length, "sha256": sha256(bytes) }),
    }
}

/// A SHA-256 digest in base64: it is content and must not be taken for an id.
pub fn sha256(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes))
}

/// The last message of a stream that broke off: of a pull, a push or a build.
fn is_failure(message: &Value) -> bool {
    message.get("errorDetail").is_some()
}

/// One JSON document with what follows it, or several with what separates them.
pub fn documents(text: &str) -> Option<Value> {
    let (first, mut rest) = parse(text)?;
    if rest.trim().is_empty() {
        let place = if is_failure(&first) { "error" } else { "json" };
        return Some(json!({ place: first, "tail": rest }));
    }
    let mut messages = vec![first];
    let mut separators: Vec<&str> = Vec::new();
    while !rest.trim_start().is_empty() {
        let following = rest.trim_start_matches(char::is_whitespace);
        separators.push(&rest[..rest.len() - following.len()]);
        match next(following) {
            Some((message, after)) => {
                messages.push(message);
                rest = after;
            }
            None => {
                // A stream that was cut: what is left is kept as it is.
                messages.push(json!({ "cut": following }));
                rest = "";
            }
        }
    }
    separators.dedup();
    let separator = match separators.as_slice() {
        [one] => Value::from(*one),
        several => several.iter().map(|each| Value::from(*each)).collect(),
    };
    let mut body = Map::new();
    // Where the failure stands in a stream depends on how much was told before it.
    if messages.last().is_some_and(is_failure) {
        body.extend(messages.pop().map(|failure| ("error".to_owned(), failure)));
    }
    body.insert("messages".to_owned(), Value::Array(messages));
    body.insert("separator".to_owned(), separator);
    body.insert("tail".to_owned(), rest.into());
    Some(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_of_a_stream_has_a_place_of_its_own() {
        let failure = json!({ "errorDetail": { "message": "gone" } });
        let text = format!("{{\"stream\":\"Step\"}}\r\n{{\"stream\":\"x\"}}\r\n{failure}\r\n");
        let told = documents(&text).unwrap();
        assert_eq!((&told["error"], told["messages"].as_array().map(Vec::len)), (&failure, Some(2)));
        let alone = documents(&failure.to_string()).unwrap();
        assert_eq!(alone, json!({ "error": failure, "tail": "" }));
        assert_eq!(documents("{\"error\":\"x\"}").unwrap()["json"]["error"], "x");
    }
}
