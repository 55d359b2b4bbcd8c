//! JSON as it was sent: duplicate keys are kept under a name that says so, numbers keep their
//! text, and what is nested too deep is left to be compared as text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The document at the start of a text, and what follows it. None when there is none, when it is
/// nested deeper than 128 levels, or when it uses the key that stands for a number in serde_json.
pub fn parse(text: &str) -> Option<(Value, &str)> {
    if text.contains(NUMBER) {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<AsSent>();
    let first = stream.next()?.ok()?;
    let rest = text.get(stream.byte_offset()..)?;
    Some((first.0, rest))
}

struct AsSent(Value);

impl<'de> Deserialize<'de> for AsSent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AsSent, D::Error> {
        deserializer.deserialize_any(Anything)
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
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            // With arbitrary precision, serde_json hands numbers out as a map with this key.
            if key == NUMBER {
                let text: String = object.next_value()?;
                let number = serde_json::from_str::<Number>(&text).map_err(serde::de::Error::custom)?;
                return Ok(AsSent(Value::Number(number)));
            }
            let AsSent(value) = object.next_value()?;
            let mut name = key.clone();
            let mut times = 1;
            while map.contains_key(&name) {
                times += 1;
                name = format!("{key} ({times})");
            }
            map.insert(name, value);
        }
        Ok(AsSent(Value::Object(map)))
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
}
