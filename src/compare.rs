//! Compares two snapshots: one difference for every highest place where they disagree.
//! Linear in their size. It knows no divergence.

use std::collections::HashMap;

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
        let mut paired: HashMap<&str, ()> = HashMap::new();
        for (key, value) in one {
            let their_key = match other.get_key_value(key) {
                Some((key, _)) => Some(key),
                None => other.keys().find(|theirs| is_id(key) && is_id(theirs) && self.texts(key, theirs)),
            };
            self.path.push(key.clone());
            match their_key {
                Some(theirs) => {
                    paired.insert(theirs, ());
                    self.either(Some(value), other.get(theirs));
                }
                None => self.either(Some(value), None),
            }
            self.path.pop();
        }
        for (key, value) in other {
            if !paired.contains_key(key.as_str()) {
                self.path.push(key.clone());
                self.either(None, Some(value));
                self.path.pop();
            }
        }
    }

    fn either(&mut self, reference: Option<&Value>, candidate: Option<&Value>) {
        match (reference, candidate) {
            (Some(reference), Some(candidate)) => self.values(reference, candidate),
            // A side from before times were kept has none to compare.
            (reference, candidate) if self.path.as_slice() != ["time"] => self.note(reference, candidate),
            (_, _) => {}
        }
    }

    /// Whether two texts are equal once their ids are paired.
    fn texts(&mut self, one: &str, other: &str) -> bool {
        if !one.contains(ID) && !other.contains(ID) {
            return one == other;
        }
        let (ours, theirs) = (pieces(one), pieces(other));
        if ours.len() != theirs.len() {
            return false;
        }
        ours.iter().zip(&theirs).all(|(one, other)| match (is_id(one), is_id(other)) {
            (true, true) => self.paired(one, other),
            (false, false) => one == other,
            (true, false) | (false, true) => false,
        })
    }

    fn paired(&mut self, one: &str, other: &str) -> bool {
        let short = |id: &str| id.ends_with(SHORT);
        if short(one) != short(other) {
            return false;
        }
        let plain = |id: &str| id.trim_end_matches(SHORT).trim_end_matches('>').to_owned();
        let (one, other) = (plain(one), plain(other));
        match (self.forth.get(&one), self.back.get(&other)) {
            (Some(theirs), Some(ours)) => *theirs == other && *ours == one,
            (None, None) => {
                self.forth.insert(one.clone(), other.clone());
                self.back.insert(other, one);
                true
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

const ID: &str = "<id of ";
const SHORT: &str = ":short>";

fn is_id(text: &str) -> bool {
    text.starts_with(ID) && text.ends_with('>')
}

/// A text cut at its ids.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(ID) {
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        pieces.extend([&rest[..start], &rest[start..end]]);
        rest = &rest[end..];
    }
    pieces.push(rest);
    pieces
}
