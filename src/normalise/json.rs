//! JSON as it was sent: duplicate keys are kept under a name that says so, numbers keep their
//! text, and what is nested too deep is left to be compared as text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::entries::{Entries, in_brackets};

/// The most values that a document may have to be taken apart: a value takes many times the memory
/// of the two bytes that it can be sent in. No answer of an engine has as many.
const MOST_VALUES: usize = 2_000_000;

/// The document at the start of a text, and what follows it. None when there is none, when it is
/// nested deeper than 128 levels or has millions of values, or when it uses the key that stands for
/// a number in serde_json.
pub fn parse(text: &str) -> Option<(Value, &str)> {
    if has_too_many_values(text) { None } else { next(text) }
}

/// As [`parse`], of what follows a document that it gave: that there is not too much is known.
pub fn next(text: &str) -> Option<(Value, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<AsSent>();
    let first = stream.next()?.ok()?;
    let (document, rest) = text.split_at_checked(stream.byte_offset())?;
    (!document.contains(NUMBER)).then_some((first.0, rest))
}

/// Whether the bytes may be taken for JSON that has more values than [`parse`] takes.
pub fn has_too_many_values(text: impl AsRef<[u8]>) -> bool {
    let bytes = text.as_ref();
    // A value takes two bytes at least, with what separates it from the next one.
    if bytes.len() < 2 * MOST_VALUES {
        return false;
    }
    let (mut values, mut in_text, mut is_escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

struct AsSent(Value);

impl<'de> Deserialize<'de> for AsSent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AsSent, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

/// A key, and whether it stands in the text as it is.
struct Key {
    text: String,
    is_literal: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key, E> {
                Ok(Key { text: text.to_owned(), is_literal: true })
            }

            fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                Ok(Key { text: text.to_owned(), is_literal: false })
            }
        }
        deserializer.deserialize_str(Text)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = AsSent;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<AsSent, E> {
        Ok(AsSent(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<AsSent, E> {
        Ok(AsSent(Value::Bool(flag)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<AsSent, E> {
        Ok(AsSent(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<AsSent, E> {
        Ok(AsSent(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<AsSent, E> {
        Ok(AsSent(Number::from_f64(number).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<AsSent, E> {
        Ok(AsSent(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<AsSent, E> {
        Ok(AsSent(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AsSent, A::Error> {
        let mut values = Vec::new();
        while let Some(AsSent(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(AsSent(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<AsSent, A::Error> {
        let mut entries = Entries::new(in_brackets);
        while let Some(Key { text: key, is_literal }) = object.next_key()? {
            // With arbitrary precision, serde_json hands numbers out as a map with this key. What is
            // written with escapes is none of its own, and [`parse`] looks for what is not.
            if is_literal && key == NUMBER {
                let text: String = object.next_value()?;
                let number = serde_json::from_str::<Number>(&text).map_err(serde::de::Error::custom)?;
                return Ok(AsSent(Value::Number(number)));
            }
            let AsSent(value) = object.next_value()?;
            entries.put(key, value);
        }
        Ok(AsSent(entries.finish()))
    }
}

const NUMBER: &str = "$serde_json::private::Number";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_sent_is_lost() {
        let (value, rest) =
            parse("{\"Id\":1,\"Id\":2,\"n\":12345678901234567890123,\"f\":1.50}\r\n{}").unwrap();
        assert_eq!(value.to_string(), r#"{"Id":1,"Id (2)":2,"n":12345678901234567890123,"f":1.50}"#);
        assert_eq!(rest, "\r\n{}");
        assert!(parse(&"[".repeat(100_000)).is_none());
        assert!(parse("nonsense").is_none());
        assert!(parse("{\"$serde_json::private::Number\":\"1\"}").is_none());
    }

    #[test]
    fn no_number_can_be_feigned() {
        let (value, _) = parse("{\"\\u0024serde_json::private::Number\":\"1\"}").unwrap();
        assert_eq!(value.to_string(), r#"{" $serde_json::private::Number":"1"}"#);
        assert_eq!(parse("{\"a\":1}{\"$serde_json::private::Number\":\"1\"}").unwrap().0["a"], 1);
    }

    #[test]
    fn a_document_of_millions_of_values_is_not_taken_apart() {
        let list = |values: usize| format!("[0{}]", ",0".repeat(values - 1));
        assert!(!has_too_many_values(list(MOST_VALUES)));
        assert!(parse(&list(2 * MOST_VALUES)).is_none());
        let text = format!("[\"{}\"]", ",\\\"[".repeat(MOST_VALUES));
        assert!(!has_too_many_values(text));
    }
}
