//! Compares two snapshots: one difference for every highest place where they disagree.
//! Linear in their size. It knows no divergence.

mod pairs;

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::pointer::Pointer;
use crate::snapshot::{Difference, Snapshot};
use crate::timing;
use pairs::{Keys, Pairs, has_ids};

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
struct Walk<'v> {
    found: Vec<Difference>,
    path: Vec<Segment<'v>>,
    pairs: Pairs<'v>,
}

/// One segment of the way down; it becomes text only where there is a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment<'v> {
    Key(&'v str),
    Index(usize),
}

impl<'v> Walk<'v> {
    fn differ(
        &mut self,
        step: &crate::snapshot::StepSnapshot,
        part: &str,
        reference: Option<&'v Value>,
        candidate: Option<&'v Value>,
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
        let segments = self.path.iter().map(|segment| match segment {
            Segment::Key(key) => (*key).to_owned(),
            Segment::Index(at) => at.to_string(),
        });
        self.found.push(Difference {
            step: crate::scenario::StepId(String::new()),
            part: String::new(),
            at: segments.collect::<Pointer>(),
            reference: reference.cloned(),
            candidate: candidate.cloned(),
        });
    }

    fn values(&mut self, reference: &'v Value, candidate: &'v Value) {
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
                    self.at(Segment::Index(at), one.get(at), other.get(at));
                }
            }
            (Value::String(one), Value::String(other)) => {
                if !self.pairs.equal(one, other) {
                    self.note(Some(reference), Some(candidate));
                }
            }
            (one, other) if one == other => {}
            _ => self.note(Some(reference), Some(candidate)),
        }
    }

    /// Times are compared as a ratio, and only where both sides have them.
    fn is_time(&self) -> bool {
        self.path == [Segment::Key("time"), Segment::Key("millis")]
    }

    fn objects(&mut self, one: &'v Map<String, Value>, other: &'v Map<String, Value>) {
        // Keys with ids are found by what is around the ids, and then by pairing these.
        let mut with_ids = other.keys().any(|key| has_ids(key)).then(|| Keys::of(other));
        let mut paired: HashSet<&str> = HashSet::new();
        let mut met = 0;
        // Most objects have the same keys in the same order on both sides.
        let mut beside = other.iter();
        for (key, value) in one {
            let next = beside.next();
            let theirs = if has_ids(key) {
                let same = with_ids.as_mut().and_then(|keys| keys.take(key, &mut self.pairs));
                paired.extend(same);
                same.and_then(|same| other.get(same))
            } else {
                match next {
                    Some((same, theirs)) if same == key => Some(theirs),
                    _ => other.get(key),
                }
            };
            met += usize::from(theirs.is_some());
            self.at(Segment::Key(key), Some(value), theirs);
        }
        if met == other.len() {
            return;
        }
        for (key, value) in other {
            let is_met = if has_ids(key) { paired.contains(key.as_str()) } else { one.contains_key(key) };
            if !is_met {
                self.at(Segment::Key(key), None, Some(value));
            }
        }
    }

    fn at(&mut self, segment: Segment<'v>, reference: Option<&'v Value>, candidate: Option<&'v Value>) {
        self.path.push(segment);
        match (reference, candidate) {
            (Some(reference), Some(candidate)) => self.values(reference, candidate),
            // A side from before times were kept has none to compare.
            (reference, candidate) if self.path != [Segment::Key("time")] => self.note(reference, candidate),
            (_, _) => {}
        }
        self.path.pop();
    }
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
    fn keys_with_ids_take_the_known_partner_then_the_first_free_one() {
        let one = json!([{"<id of a>": 0}, {"<id of b>": 1, "<id of a>": 2, "<id of c>": 3}]);
        let reordered = json!([{"<id of x>": 0}, {"<id of x>": 2, "<id of y>": 1, "<id of z>": 3}]);
        assert_eq!(places(&one, &reordered), [""; 0]);
        let fewer = json!([{"<id of x>": 0}, {"<id of x>": 2, "<id of y>": 1}]);
        assert_eq!(places(&one, &fewer), ["/1/<id of c>"]);
        let mixed = json!([{"<id of x>": 0}, {"<id of x> <id of y>": 1}]);
        assert_eq!(places(&json!([{"<id of a>": 0}, {"<id of a> <id of b>": 1}]), &mixed), [""; 0]);
        assert_eq!(places(&json!({"<id of a>/<id of a>": 1}), &json!({"<id of x>/<id of y>": 1})).len(), 2);
        assert_eq!(places(&json!([{"a": 1, "b": 2}]), &json!([{"b": 2, "c": 3, "a": 1}])), ["/0/c"]);
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
