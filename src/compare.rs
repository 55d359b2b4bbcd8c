//! Compares two snapshots: one difference for every highest place where they disagree.
//! Linear in their size. It knows no divergence.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value};

use crate::pointer::Pointer;
use crate::snapshot::{Difference, Snapshot};
use crate::timing;

/// Every place where the two disagree, in the reference's order.
///
/// Objects are compared by key, lists by index. Ids that nothing captured (`<id of ...>`) are
/// equal under one pairing of both sides' ids: the first meeting of two pairs them.
pub fn compare(reference: &Snapshot, candidate: &Snapshot) -> Vec<Difference> {
    let mut walk = Walk::default();
    for step in &reference.steps {
        let theirs = candidate.step(&step.id);
        for part in &step.parts {
            let other = theirs.and_then(|step| step.part(&part.name));
            walk.differ(step, &part.name, Some(&part.tree), other.map(|part| &part.tree));
        }
        for part in theirs.iter().flat_map(|step| &step.parts) {
            if step.part(&part.name).is_none() {
                walk.differ(step, &part.name, None, Some(&part.tree));
            }
        }
    }
    for step in candidate.steps.iter().filter(|step| reference.step(&step.id).is_none()) {
        for part in &step.parts {
            walk.differ(step, &part.name, None, Some(&part.tree));
        }
    }
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Vec<Difference>,
    path: Vec<String>,
    forth: HashMap<String, String>,
    back: HashMap<String, String>,
}

impl Walk {
    fn differ(
        &mut self,
        step: &crate::snapshot::StepSnapshot,
        part: &str,
        reference: Option<&Value>,
        candidate: Option<&Value>,
    ) {
        let before = self.found.len();
        match (reference, candidate) {
            (Some(reference), Some(candidate)) => self.values(reference, candidate),
            (reference, candidate) => self.note(reference, candidate),
        }
        for difference in &mut self.found[before..] {
            difference.step = step.id.clone();
            part.clone_into(&mut difference.part);
        }
    }

    fn note(&mut self, reference: Option<&Value>, candidate: Option<&Value>) {
        self.found.push(Difference {
            step: crate::scenario::StepId(String::new()),
            part: String::new(),
            at: self.path.iter().cloned().collect::<Pointer>(),
            reference: reference.cloned(),
            candidate: candidate.cloned(),
        });
    }

    fn values(&mut self, reference: &Value, candidate: &Value) {
        match (reference, candidate) {
            (Value::Object(one), Value::Object(other)) => self.objects(one, other),
            (Value::Array(one), Value::Array(other)) if self.is_time() => {
                let millis = |list: &[Value]| list.iter().filter_map(Value::as_f64).collect::<Vec<_>>();
                let ratio = timing::ratio(&millis(one), &millis(other));
                if ratio.is_some_and(|ratio| ratio.is_notable()) {
                    self.note(Some(reference), Some(candidate));
                }
            }
            (Value::Array(one), Value::Array(other)) => {
                for at in 0..one.len().max(other.len()) {
                    self.path.push(at.to_string());
                    self.either(one.get(at), other.get(at));
                    self.path.pop();
                }
            }
            (Value::String(one), Value::String(other)) => {
                if !self.texts(one, other) {
                    self.note(Some(reference), Some(candidate));
                }
            }
            (one, other) if one == other => {}
            _ => self.note(Some(reference), Some(candidate)),
        }
    }

    /// Times are compared as a ratio, and only where both sides have them.
    fn is_time(&self) -> bool {
        matches!(self.path.as_slice(), [time, millis] if time == "time" && millis == "millis")
    }

    fn objects(&mut self, one: &Map<String, Value>, other: &Map<String, Value>) {
        // Keys with ids are found by what is around the ids, and then by pairing these.
        let mut with_ids: HashMap<String, VecDeque<&str>> = HashMap::new();
        for key in other.keys().filter(|key| key.contains(ID)) {
            with_ids.entry(without_ids(key)).or_default().push_back(key);
        }
        let mut paired: HashSet<&str> = HashSet::new();
        for (key, value) in one {
            let theirs = if key.contains(ID) {
                with_ids.get_mut(&without_ids(key)).and_then(|keys| self.same_key(key, keys))
            } else {
                other.get_key_value(key).map(|(key, _)| key.as_str())
            };
            paired.extend(theirs);
            self.path.push(key.clone());
            self.either(Some(value), theirs.and_then(|theirs| other.get(theirs)));
            self.path.pop();
        }
        for (key, value) in other.iter().filter(|(key, _)| !paired.contains(key.as_str())) {
            self.path.push(key.clone());
            self.either(None, Some(value));
            self.path.pop();
        }
    }

    /// Takes the key out of `keys` that is equal once ids are paired: the one with the partner that
    /// is known, else the first whose ids are free.
    fn same_key<'k>(&mut self, key: &str, keys: &mut VecDeque<&'k str>) -> Option<&'k str> {
        let fits = |theirs: &&str| self.could_be(key, theirs);
        let at = keys.iter().position(fits)?;
        let theirs = keys.remove(at)?;
        self.texts(key, theirs).then_some(theirs)
    }

    fn either(&mut self, reference: Option<&Value>, candidate: Option<&Value>) {
        match (reference, candidate) {
            (Some(reference), Some(candidate)) => self.values(reference, candidate),
            // A side from before times were kept has none to compare.
            (reference, candidate) if self.path.as_slice() != ["time"] => self.note(reference, candidate),
            (_, _) => {}
        }
    }

    /// Whether two texts are equal once their ids are paired. Nothing is paired when they are not.
    fn texts(&mut self, one: &str, other: &str) -> bool {
        if !one.contains(ID) && !other.contains(ID) {
            return one == other;
        }
        if !self.could_be(one, other) {
            return false;
        }
        for (one, other) in ids(one).zip(ids(other)) {
            self.forth.insert(one.to_owned(), other.to_owned());
            self.back.insert(other.to_owned(), one.to_owned());
        }
        true
    }

    /// Whether the texts are equal around their ids, and all of these are paired or free.
    fn could_be(&self, one: &str, other: &str) -> bool {
        if without_ids(one) != without_ids(other) {
            return false;
        }
        let (mut forth, mut back) = (HashMap::new(), HashMap::new());
        ids(one).zip(ids(other)).all(|(one, other)| {
            let theirs = self.forth.get(one).map(String::as_str).or(forth.get(one).copied());
            let ours = self.back.get(other).map(String::as_str).or(back.get(other).copied());
            forth.insert(one, other);
            back.insert(other, one);
            theirs.is_none_or(|theirs| theirs == other) && ours.is_none_or(|ours| ours == one)
        })
    }
}

const ID: &str = "<id of ";
const SHORT: &str = ":short";

/// A text cut at its ids: what stands before each and the id without its brackets, and the rest.
fn pieces(text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(ID)
        && let Some(length) = rest[start..].find('>')
    {
        pieces.push((&rest[..start], &rest[start + 1..start + length]));
        rest = &rest[start + length + 1..];
    }
    (pieces, rest)
}

/// The ids of a text, whether they stand whole or short.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).0.into_iter().map(|(_, id)| id.strip_suffix(SHORT).unwrap_or(id))
}

/// A text with one word for all whole ids and another for all short ones.
fn without_ids(text: &str) -> String {
    let (pieces, rest) = pieces(text);
    let told = |(before, id): (&str, &str)| {
        format!("{before}{}", if id.ends_with(SHORT) { "<id of:short>" } else { "<id of>" })
    };
    pieces.into_iter().map(told).collect::<String>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(one: &Value, other: &Value) -> Vec<String> {
        let mut walk = Walk::default();
        walk.values(one, other);
        walk.found.iter().map(|each| each.at.to_string()).collect()
    }

    #[test]
    fn ids_within_keys_are_paired_like_those_in_values() {
        let one = json!({"sha256:<id of a>": 1, "sha256:<id of b>": 2, "image": "<id of a:short>"});
        let other = json!({"image": "<id of y:short>", "sha256:<id of y>": 1, "sha256:<id of z>": 2});
        assert_eq!(places(&one, &other), Vec::<String>::new());
        let crossed = json!({"sha256:<id of y>": 1, "sha256:<id of z>": 2, "image": "<id of z:short>"});
        assert_eq!(places(&one, &crossed), ["/image"]);
        // The same text on both sides is no identity: it only tells where an id first stood.
        let shifted = json!([{"<id of b>": 1}, "<id of a>", {"<id of b>": 1}]);
        assert_eq!(places(&json!([{"<id of a>": 1}, "<id of b>", {"<id of a>": 1}]), &shifted), [""; 0]);
    }

    #[test]
    fn texts_that_differ_pair_no_ids() {
        let one = json!(["/a/<id of a>/x", "<id of a>"]);
        let other = json!(["/a/<id of y>/z", "<id of w>"]);
        assert_eq!(places(&one, &other), ["/0"]);
        assert_eq!(places(&json!("<id of a><id of a>"), &json!("<id of y><id of z>")), [""]);
        assert_eq!(places(&json!("<id of a>"), &json!("<id of a:short>")), [""]);
        assert_eq!(places(&json!("<id of a>"), &json!("<cid>")), [""]);
    }

    #[test]
    fn one_side_without_a_value_is_one_difference_at_the_highest_place() {
        let whole = json!({"a": {"b": [1, {"c": 2}]}, "d": null});
        assert_eq!(places(&whole, &json!({"d": null})), ["/a"]);
        assert_eq!(places(&whole, &json!({"a": {"b": [1]}, "d": null})), ["/a/b/1"]);
        assert_eq!(places(&whole, &json!({"a": {"b": "1"}, "d": 0})), ["/a/b", "/d"]);
        assert_eq!(places(&whole, &json!([])), [""]);
    }
}
