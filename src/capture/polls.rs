//! A client that asks the same until the answer is another one: one step with `until`. Pure.

use serde_json::Value;

use super::infer::{Ask, Part};
use super::observed::Observed;
use crate::pointer::Pointer;
use crate::run::capture::document;

/// So many times the same is polling; twice may be chance.
const POLLING: usize = 3;
/// The shortest time that a poll may take when it runs.
const SECONDS: u64 = 20;

/// An exchange with its answer as a document, and how it polls.
pub struct Folded {
    seen: Observed,
    document: Value,
    until: Option<(String, Value, u64)>,
}

impl Folded {
    fn of(seen: Observed) -> Folded {
        let document = document(std::slice::from_ref(&seen.exchange()));
        Folded { seen, document, until: None }
    }

    /// With its request taken apart.
    pub fn part(self) -> Part {
        Part { ask: Ask::of(&self.seen), seen: self.seen, document: self.document, until: self.until }
    }
}

/// Folds polls; what changes on the way to the last answer must tell when to end, else all stay.
pub fn fold(seen: Vec<Observed>) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::new();
    let mut rest = seen.into_iter().map(Folded::of).peekable();
    while let Some(first) = rest.next() {
        let mut same = vec![first];
        while rest.peek().is_some_and(|next| same.last().is_some_and(|last| repeats(last, next))) {
            same.extend(rest.next());
        }
        let until = if same.len() >= POLLING { end(&same) } else { None };
        match (until, same.pop()) {
            (Some((at, is)), Some(mut last)) => {
                let millis = last.seen.millis + same.iter().map(|each| each.seen.millis).sum::<u64>();
                if let Some(first) = same.first() {
                    last.seen.began = first.seen.began;
                }
                last.until = Some((at, is, SECONDS.max(millis * 2 / 1000)));
                folded.push(last);
            }
            (_, last) => {
                folded.extend(same);
                folded.extend(last);
            }
        }
    }
    folded
}

fn repeats(last: &Folded, next: &Folded) -> bool {
    let (one, other) = (&last.seen, &next.seen);
    let plain =
        |seen: &Observed| seen.sent.method == "GET" && seen.asked.length == 0 && !seen.left && !seen.tunnel;
    plain(one) && plain(other) && one.sent.target == other.sent.target && one.is_before(other)
}

/// The place and the value that only the last answer has: a status, a truth, or a word.
fn end(same: &[Folded]) -> Option<(String, Value)> {
    let (last, before) = same.split_last()?;
    let mut places = Vec::new();
    leaves(&last.document, &Pointer::root(), &mut places);
    let tells = |at: &Pointer| {
        let is = at.find(&last.document)?;
        let is_new = before.iter().all(|each| at.find(&each.document) != Some(is));
        let rank = match is {
            Value::Number(_) if at.to_string() == "/status" => 0,
            Value::Bool(_) => 1,
            Value::String(text)
                if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == ' ') =>
            {
                2
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return None;
            }
        };
        (is_new && (rank == 0 || at.segments().first().is_some_and(|first| first == "body")))
            .then(|| (rank, at.segments().len(), at.to_string(), is.clone()))
    };
    let best = places
        .iter()
        .filter_map(tells)
        .min_by(|one, other| (one.0, one.1, &one.2).cmp(&(other.0, other.1, &other.2)));
    best.map(|(_, _, at, is)| (at, is))
}

/// All places of values that hold no others.
pub fn leaves(value: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, &at.child(key), found)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| leaves(value, &at.child(index.to_string()), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(at.clone()),
    }
}
