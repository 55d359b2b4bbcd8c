//! The label of what a run made, where an engine has another one than usual: snapshots show it by
//! its usual name.

use serde_json::Value;

use crate::scenario::RUN_LABEL;
use crate::snapshot::Part;

/// Gives the label its usual name: as a key, and in texts such as `label=value`.
pub fn rename(part: &mut Part, label: &str) {
    if label != RUN_LABEL {
        part.request = in_text(&part.request, label);
        in_tree(&mut part.tree, label);
    }
}

fn in_tree(tree: &mut Value, label: &str) {
    match tree {
        Value::Object(map) => {
            let renamed = std::mem::take(map).into_iter().map(|(key, mut value)| {
                in_tree(&mut value, label);
                (if key == label { RUN_LABEL.to_owned() } else { key }, value)
            });
            *map = renamed.collect();
        }
        Value::Array(list) => list.iter_mut().for_each(|value| in_tree(value, label)),
        Value::String(text) if text.contains(label) => *text = in_text(text, label),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Only whole words before an equals sign: another label may begin or end as this one does.
fn in_text(text: &str, label: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(label) {
        let (before, after) = (&rest[..at], &rest[at + label.len()..]);
        let is_within = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let is_whole = !before.ends_with(is_within) && after.starts_with('=');
        told.push_str(before);
        told.push_str(if is_whole { RUN_LABEL } else { label });
        rest = after;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_label_itself_gets_its_usual_name() {
        let tree =
            json!({"Labels": {"com.x": "t", "com.x.y": "com.x"}, "b": ["LABEL com.x=t a.com.x=t", "com.x"]});
        let request = "GET /x?filters={\"label\":[\"com.x=t\"]}".to_owned();
        let mut part = Part { name: String::new(), route: None, request, tree };
        rename(&mut part, "com.x");
        let expected = json!({"Labels": {"divergence.run": "t", "com.x.y": "com.x"},
            "b": ["LABEL divergence.run=t a.com.x=t", "com.x"]});
        assert_eq!(
            (part.tree, part.request.as_str()),
            (expected, "GET /x?filters={\"label\":[\"divergence.run=t\"]}")
        );
    }
}
