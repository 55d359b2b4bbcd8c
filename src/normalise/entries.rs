//! Objects made of what engines send: no entry is lost, however often its key stands there, and no
//! key is one that serde_json keeps for itself. Linear. Knows no engine.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// What the keys begin with that serde_json reads as something else than keys.
pub const RESERVED: &str = "$serde_json::private::";

/// An object under way.
#[derive(Debug)]
pub struct Entries {
    map: Map<String, Value>,
    /// How many entries a key has, where it has several.
    times: HashMap<String, usize>,
    again: fn(&str, usize) -> String,
}

/// Of entries with the same key the second is `key (2)`.
pub fn in_brackets(key: &str, number: usize) -> String {
    format!("{key} ({number})")
}

/// Of entries with the same key the second is `key#2`.
pub fn with_hash(key: &str, number: usize) -> String {
    format!("{key}#{number}")
}

impl Entries {
    /// An empty object; `again` names the entries whose key is taken.
    pub fn new(again: fn(&str, usize) -> String) -> Entries {
        Entries { map: Map::new(), times: HashMap::new(), again }
    }

    /// Puts a value under a key, or under the next free name of it.
    pub fn put(&mut self, key: String, value: Value) {
        let key = if key.starts_with(RESERVED) { format!(" {key}") } else { key };
        if !self.map.contains_key(&key) {
            self.map.insert(key, value);
            return;
        }
        let times = self.times.entry(key.clone()).or_insert(1);
        let free = loop {
            *times += 1;
            let name = (self.again)(&key, *times);
            if !self.map.contains_key(&name) {
                break name;
            }
        };
        self.map.insert(free, value);
    }

    /// The object.
    pub fn finish(self) -> Value {
        Value::Object(self.map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_entry_is_lost() {
        let mut entries = Entries::new(in_brackets);
        for (number, key) in ["a", "a (2)", "a", "a", "b"].into_iter().enumerate() {
            entries.put(key.to_owned(), number.into());
        }
        assert_eq!(entries.finish(), json!({"a": 0, "a (2)": 1, "a (3)": 2, "a (4)": 3, "b": 4}));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for key in ["Number", "RawValue"] {
            let mut entries = Entries::new(with_hash);
            entries.put(format!("{RESERVED}{key}"), "[1".into());
            let value = entries.finish();
            assert_eq!(serde_json::from_str::<Value>(&value.to_string()).unwrap(), value);
        }
    }

    #[test]
    fn a_key_that_stands_there_often_takes_linear_time() {
        let mut entries = Entries::new(with_hash);
        for number in 0..200_000 {
            entries.put("a".to_owned(), number.into());
        }
        assert_eq!(entries.finish()["a#200000"], 199_999);
    }
}
