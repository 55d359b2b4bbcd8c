//! Small hands for JSON values: no panics whatever the shape is.

use serde_json::{Map, Value};

/// The object at a path of keys (`""` is the value itself), if there is one.
pub fn object<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    let place = if path.is_empty() { Some(value) } else { value.pointer_mut(&format!("/{path}")) };
    place.and_then(Value::as_object_mut)
}

/// Sets a key of the object at a path; nothing happens where there is no object.
pub fn put(value: &mut Value, path: &str, key: &str, new: Value) {
    if let Some(object) = object(value, path) {
        object.insert(key.to_owned(), new);
    }
}

/// Takes a key away, keeping the order of the others.
pub fn take(value: &mut Value, path: &str, key: &str) -> Option<Value> {
    object(value, path).and_then(|o| o.shift_remove(key))
}

/// The string at a pointer, or "".
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The boolean at a pointer, or false.
pub fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The whole number at a pointer.
pub fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// The strings of an array at a pointer.
pub fn strings(value: &Value, pointer: &str) -> Vec<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(|a| a.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}

/// Whether a value is an array of strings only.
pub fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|a| a.iter().all(Value::is_string))
}

/// Keeps only the keys named.
pub fn keep(value: &mut Value, path: &str, keys: &[&str]) {
    if let Some(object) = object(value, path) {
        object.retain(|key, _| keys.contains(&key.as_str()));
    }
}

/// Reads JSON; what V8 says, in node 6, where it is none.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| {
        let before: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = before + error.column().saturating_sub(1);
        match text.get(at..).and_then(|rest| rest.chars().next()).filter(|_| !error.is_eof()) {
            Some(letter) => format!("Unexpected token {letter} in JSON at position {at}"),
            None => "Unexpected end of JSON input".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_panics_on_odd_shapes() {
        let mut value = json!([1, "x"]);
        put(&mut value, "", "a", json!(1));
        put(&mut value, "0", "a", json!(1));
        assert_eq!(take(&mut value, "a", "b"), None);
        assert_eq!(value, json!([1, "x"]));
        assert_eq!(text(&value, "/1"), "x");
    }

    #[test]
    fn broken_json_is_told_in_the_words_of_v8() {
        assert_eq!(parse("{}"), Ok(json!({})));
        assert_eq!(parse("{bad").unwrap_err(), "Unexpected token b in JSON at position 1");
        assert_eq!(parse("{\"a\":\n1 x").unwrap_err(), "Unexpected token x in JSON at position 8");
        assert_eq!(parse("{\"a\":").unwrap_err(), "Unexpected end of JSON input");
    }

    #[test]
    fn a_path_reaches_into_objects() {
        let mut value = json!({"State": {"Pid": 1, "Dead": false}});
        put(&mut value, "State", "Pid", json!(0));
        assert_eq!(take(&mut value, "State", "Dead"), Some(json!(false)));
        assert_eq!(value, json!({"State": {"Pid": 0}}));
    }
}
