//! The run's label, put into requests without touching anything else of their text.

use serde::de::IgnoredAny;

use crate::engine::target::{encode_value, parameter};

/// The body of a create request with the run's label; as it was if there is no place for one.
pub fn labelled_body(body: &str, key: &str, tag: &str) -> String {
    let Some(place) = place(body) else { return body.to_owned() };
    let label = format!("\"{key}\":\"{tag}\"");
    let (at, member) = match place {
        Place::Labels(at) => (at, label),
        Place::Top(at) => (at, format!("\"Labels\":{{{label}}}")),
    };
    let (before, after) = body.split_at(at);
    let comma = if after.trim_start().starts_with('}') { "" } else { "," };
    format!("{before}{member}{comma}{after}")
}

/// The target of a build with the run's label, unless it has labels of its own.
pub fn labelled_build(target: &str, key: &str, tag: &str) -> String {
    if parameter(target, "labels").is_some() {
        return target.to_owned();
    }
    let labels = encode_value(&format!("{{\"{key}\":\"{tag}\"}}"));
    let joint = if target.contains('?') { "&" } else { "?" };
    format!("{target}{joint}labels={labels}")
}

/// Where the first member of an object goes: right behind its brace.
enum Place {
    Labels(usize),
    Top(usize),
}

fn place(body: &str) -> Option<Place> {
    // Valid JSON is what lets the walk below be simple.
    serde_json::from_str::<IgnoredAny>(body).ok()?;
    let top = body.find(|letter: char| !letter.is_whitespace())?;
    if !body[top..].starts_with('{') {
        return None;
    }
    let mut labels = None;
    let mut at = top + 1;
    loop {
        at += body[at..].find(|letter: char| !letter.is_whitespace() && letter != ',')?;
        if body[at..].starts_with('}') {
            break;
        }
        let key_end = end_of_value(body, at)?;
        let key: String = serde_json::from_str(&body[at..key_end]).ok()?;
        at = key_end + body[key_end..].find(':')? + 1;
        at += body[at..].find(|letter: char| !letter.is_whitespace())?;
        // Docker takes keys in any case; of several the last one counts.
        if key.eq_ignore_ascii_case("Labels") {
            labels = Some(at);
        }
        at = end_of_value(body, at)?;
    }
    match labels {
        None => Some(Place::Top(top + 1)),
        Some(at) if body[at..].starts_with('{') => Some(Place::Labels(at + 1)),
        Some(_) => None,
    }
}

/// The end of the JSON value that starts at `start`.
fn end_of_value(text: &str, start: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match (byte, in_string) {
            _ if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', true) => {
                in_string = false;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (_, true) => {}
            (b'"', false) => in_string = true,
            (b'{' | b'[', false) => depth += 1,
            (b'}' | b']' | b',', false) if depth == 0 => return Some(at),
            (b'}' | b']', false) => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (_, false) => {}
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RUN_LABEL;
    use proptest::prelude::*;

    #[test]
    fn the_label_goes_in_and_the_rest_stays() {
        let l = r#""divergence.run":"t""#;
        let table = [
            ("{}", format!(r#"{{"Labels":{{{l}}}}}"#)),
            (" \n{ }", format!(" \n{{\"Labels\":{{{l}}} }}")),
            (r#"{"Image":"x"}"#, format!(r#"{{"Labels":{{{l}}},"Image":"x"}}"#)),
            (r#"{"Labels":{}}"#, format!(r#"{{"Labels":{{{l}}}}}"#)),
            (r#"{"a":1, "Labels" : { "b":"c" }}"#, format!(r#"{{"a":1, "Labels" : {{{l}, "b":"c" }}}}"#)),
            (r#"{"labels":{}}"#, format!(r#"{{"labels":{{{l}}}}}"#)),
            (r#"{"L\u0061bels":{}}"#, format!(r#"{{"L\u0061bels":{{{l}}}}}"#)),
            (
                r#"{"a":{"Labels":{}},"b":["}\"{"]}"#,
                format!(r#"{{"Labels":{{{l}}},"a":{{"Labels":{{}}}},"b":["}}\"{{"]}}"#),
            ),
            (r#"{"Labels":{},"Labels":{"x":"y"}}"#, format!(r#"{{"Labels":{{}},"Labels":{{{l},"x":"y"}}}}"#)),
            (r#"{"a":1,"a":2}"#, format!(r#"{{"Labels":{{{l}}},"a":1,"a":2}}"#)),
        ];
        for (body, expected) in table {
            assert_eq!(labelled_body(body, RUN_LABEL, "t"), expected, "{body}");
        }
    }

    #[test]
    fn bodies_without_a_place_stay_as_they_are() {
        let table = [
            "",
            "null",
            "[]",
            "[{}]",
            "not json",
            "{",
            "{} {}",
            r#"{"Labels":null}"#,
            r#"{"Labels":["a"]}"#,
            r#"{"Labels":"a"}"#,
            r#"{"Labels":{},"Labels":null}"#,
        ];
        for body in table {
            assert_eq!(labelled_body(body, RUN_LABEL, "t"), body);
        }
    }

    #[test]
    fn a_build_gets_labels_only_if_it_has_none() {
        let labels = "labels=%7B%22divergence.run%22%3A%22t%22%7D";
        assert_eq!(labelled_build("/build", RUN_LABEL, "t"), format!("/build?{labels}"));
        assert_eq!(labelled_build("/build?q=1", RUN_LABEL, "t"), format!("/build?q=1&{labels}"));
        assert_eq!(labelled_build("/build?labels={}", RUN_LABEL, "t"), "/build?labels={}");
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let key = prop_oneof![Just("Labels".to_owned()), ".{0,6}"];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key, inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn only_the_label_changes(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let mut labelled: serde_json::Value = serde_json::from_str(&labelled_body(&text.unwrap(), RUN_LABEL, "t")).unwrap();
            let had_labels = value.get("Labels").is_some();
            if let Some(serde_json::Value::Object(labels)) = labelled.get_mut("Labels") {
                prop_assert_eq!(labels.shift_remove(RUN_LABEL), Some("t".into()));
                if labels.is_empty() && !had_labels {
                    labelled.as_object_mut().unwrap().shift_remove("Labels");
                }
            }
            prop_assert_eq!(labelled, value);
        }
    }
}
