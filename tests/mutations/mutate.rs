//! What can go wrong with an answer: kinds of mutations, where each can happen, and how.

use divergence::pointer::Pointer;
use divergence::snapshot::Part;
use serde_json::{Map, Value, json};

/// A kind of mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Status,
    Reason,
    Header,
    Dropped,
    Added,
    Retyped,
    Reordered,
    Changed,
    FrameCut,
    ClosedEarly,
    ExitCode,
    MountAdded,
    ProcessAdded,
    /// The candidate answers as the reference does, where it is known that it does not.
    Fixed,
}

impl Kind {
    pub const ALL: [(Kind, &str); 14] = [
        (Kind::Status, "status"),
        (Kind::Reason, "reason"),
        (Kind::Header, "header"),
        (Kind::Dropped, "field dropped"),
        (Kind::Added, "field added"),
        (Kind::Retyped, "field retyped"),
        (Kind::Reordered, "list reordered"),
        (Kind::Changed, "value changed"),
        (Kind::FrameCut, "frame cut"),
        (Kind::ClosedEarly, "stream closed early"),
        (Kind::ExitCode, "exit code"),
        (Kind::MountAdded, "mount line added"),
        (Kind::ProcessAdded, "process row added"),
        (Kind::Fixed, "as the reference"),
    ];
}

/// Dice that fall alike for the same seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Every place of a tree with what stands there, from the top.
pub fn places(tree: &Value) -> Vec<(Pointer, &Value)> {
    let mut found = vec![(Pointer::root(), tree)];
    let mut at = 0;
    while at < found.len() {
        let (pointer, value) = (found[at].0.clone(), found[at].1);
        match value {
            Value::Object(map) => found.extend(map.iter().map(|(key, value)| (pointer.child(key), value))),
            Value::Array(list) => {
                found.extend(list.iter().enumerate().map(|(n, value)| (pointer.child(n.to_string()), value)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        at += 1;
    }
    found
}

/// Where a kind of mutation can happen in an answer, but for `Fixed`.
pub fn sites(kind: Kind, part: &Part) -> Vec<Pointer> {
    if part.tree.get("unreached").is_some() {
        return Vec::new();
    }
    let all = places(&part.tree).into_iter();
    let fits = |(at, value): &(Pointer, &Value)| {
        let segments: Vec<&str> = at.segments().iter().map(String::as_str).collect();
        // JSON in a header is content as well.
        let in_content = match segments.as_slice() {
            ["headers", _, _, "base64-json", _, ..] => true,
            [] | ["status" | "reason" | "headers" | "end" | "failure" | "time", ..] => false,
            _ => true,
        };
        let last = segments.last().copied().unwrap_or_default();
        match kind {
            Kind::Status => segments == ["status"],
            Kind::Reason => segments == ["reason"],
            Kind::Header => segments.first() == Some(&"headers"),
            Kind::Dropped | Kind::Retyped => in_content,
            Kind::Added => in_content && value.is_object(),
            Kind::Reordered => in_content && value.as_array().is_some_and(|list| list.len() > 1),
            Kind::Changed => in_content && !value.is_object() && !value.is_array(),
            Kind::FrameCut => is_frame(&segments, value),
            Kind::ClosedEarly => {
                segments == ["end"] || (segments.is_empty() && value.get("failure").is_none())
            }
            Kind::ExitCode => matches!(last, "ExitCode" | "StatusCode") && value.is_number(),
            Kind::MountAdded => matches!(last, "mounts" | "Mounts" | "Volumes") && value.is_object(),
            Kind::ProcessAdded => matches!(last, "processes" | "Processes"),
            Kind::Fixed => false,
        }
    };
    all.filter(fits).map(|(at, _)| at).collect()
}

/// What came in frames or messages, or as one document: cut, it is none.
fn is_frame(segments: &[&str], value: &Value) -> bool {
    let is_list = value.as_array().is_some_and(|list| !list.is_empty());
    match segments {
        ["stdout" | "stderr" | "raw" | "rest"]
        | ["body", "text"]
        | ["error", "message"]
        | ["body", "tail"] => value.as_str().is_some_and(|text| !text.is_empty()),
        ["stdout" | "stderr" | "raw", "lines"] | ["body", "messages"] => is_list || value.is_object(),
        ["body", "json" | "tar" | "processes"] | ["stdout", _] => true,
        _ => false,
    }
}

/// Changes one thing; gives the place where that shows. None when nothing can be changed so.
pub fn mutate(kind: Kind, tree: &mut Value, at: &Pointer, dice: &mut Dice) -> Option<Pointer> {
    let value = at.find(tree)?.clone();
    match kind {
        Kind::Status => {
            put(tree, at, Some(dice.one(&[200, 201, 204, 304, 400, 404, 409, 422, 500, 503]).into()));
        }
        Kind::Reason => put(tree, at, Some(dice.one(&["<standard>", "Whatever", ""]).into())),
        Kind::Header => return header(tree, at, &value, dice),
        Kind::Dropped => {
            let (parent, _) = split(at)?;
            put(tree, at, None);
            // What stood behind an element of a list moves up.
            return Some(if parent.find(tree)?.is_array() { parent } else { at.clone() });
        }
        Kind::Added => {
            let child = at.child("Mutated");
            put(tree, &child, Some(dice.one(&[json!("x"), json!(null), json!([]), json!(0)])));
            return Some(child);
        }
        Kind::Retyped => put(tree, at, Some(retyped(&value, dice))),
        Kind::Reordered => {
            let Value::Array(mut list) = value else { return None };
            let (one, other) = (dice.below(list.len()), dice.below(list.len()));
            list.swap(one, other);
            put(tree, at, Some(Value::Array(list)));
        }
        Kind::Changed => put(tree, at, Some(changed(&value, dice))),
        Kind::FrameCut => put(tree, at, cut(value)),
        Kind::ClosedEarly if at.segments().is_empty() => {
            let place = at.child("failure");
            put(tree, &place, Some(dice.one(&["closed", "reset", "timeout"]).into()));
            return Some(place);
        }
        Kind::ClosedEarly => put(tree, at, Some(dice.one(&["closed", "enough", "deadline"]).into())),
        Kind::ExitCode => put(tree, at, Some(dice.one(&[0, 1, 2, 127, 137, 143, 255, -1, -9]).into())),
        Kind::MountAdded => {
            let child = at.child("/mutated");
            put(tree, &child, Some(json!({"type": "tmpfs", "device": "mutated"})));
            return Some(child);
        }
        Kind::ProcessAdded => match value {
            Value::Array(list) => {
                let row = list.first().cloned().unwrap_or_else(|| json!([]));
                put(tree, at, Some(list.into_iter().chain([row]).collect()));
            }
            _ => {
                let child = at.child("mutated 600");
                put(tree, &child, Some(json!({"PID": "<pid>", "CMD": "mutated 600"})));
                return Some(child);
            }
        },
        Kind::Fixed => return None,
    }
    Some(at.clone())
}

/// Sets what stands at a place, or takes it away.
pub fn put(tree: &mut Value, at: &Pointer, new: Option<Value>) {
    let Some((parent, last)) = split(at) else {
        *tree = new.unwrap_or(Value::Null);
        return;
    };
    let within = parent.segments().iter().try_fold(tree, |value, segment| match value {
        Value::Object(map) => map.get_mut(segment),
        Value::Array(list) => segment.parse::<usize>().ok().and_then(|at| list.get_mut(at)),
        _ => None,
    });
    match (within, new) {
        (Some(Value::Object(map)), Some(new)) => drop(map.insert(last, new)),
        (Some(Value::Object(map)), None) => drop(map.shift_remove(&last)),
        (Some(Value::Array(list)), new) => {
            let Some(at) = last.parse::<usize>().ok().filter(|at| *at < list.len()) else { return };
            drop(list.splice(at..=at, new));
        }
        (_, _) => {}
    }
}

fn split(at: &Pointer) -> Option<(Pointer, String)> {
    let (last, parent) = at.segments().split_last()?;
    Some((parent.iter().cloned().collect(), last.clone()))
}

fn header(tree: &mut Value, at: &Pointer, value: &Value, dice: &mut Dice) -> Option<Pointer> {
    match (value, dice.below(2)) {
        (Value::Object(_), _) if at.segments().len() == 1 => {
            let child = at.child("x-mutated");
            put(tree, &child, Some(json!(["1"])));
            return Some(child);
        }
        (Value::Array(_), 0) => put(tree, at, None),
        (Value::Array(list), _) => {
            put(tree, at, Some(list.iter().cloned().chain([json!("mutated")]).collect()));
        }
        _ => put(tree, at, Some(changed(value, dice))),
    }
    Some(at.clone())
}

fn retyped(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Null => dice.one(&[json!({}), json!([]), json!("")]),
        Value::Bool(flag) => dice.one(&[json!(flag.to_string()), json!(i32::from(*flag)), Value::Null]),
        Value::Number(number) => dice.one(&[json!(number.to_string()), Value::Null]),
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) => json!(number),
            Err(_) => dice.one(&[Value::Null, json!([text]), json!({"value": text}), json!(0)]),
        },
        Value::Array(list) => dice.one(&[Value::Null, json!({}), list.first().cloned().unwrap_or(json!(""))]),
        Value::Object(map) => dice.one(&[Value::Null, json!([map]), json!("")]),
    }
}

/// Raw values of the tokens that rules put in the place of volatile ones.
const RAW: &[(&str, &str)] = &[
    ("<time>", "\"2031-01-02T03:04:05.123456789Z\""),
    ("<time:ms>", "\"2031-01-02T03:04:05.123Z\""),
    ("<time:s>", "\"2031-01-02T03:04:05Z\""),
    ("<unix-time>", "1900000000"),
    ("<positive>", "17"),
    ("<number>", "7"),
    ("<ip>", "\"172.31.7.9\""),
    ("<ip>/<bits>", "\"172.31.0.0/20\""),
    ("<mac>", "\"02:42:ac:1f:07:09\""),
    ("<port>", "\"33333\""),
    ("<port:number>", "33333"),
    ("<generated-name>", "\"/odd_name\""),
    ("<http-date>", "\"Tue, 24 Nov 2026 00:36:51 GMT\""),
    ("<milliseconds>", "\"7\""),
    ("<kernel>", "\"6.9.1-mutated\""),
    ("<commit>", "\"abcdef1\""),
    ("<layer-path>", "\"/var/lib/mutated\""),
    ("<build-time>", "\"2031-01-02T03:04:05Z\""),
    ("<nfs-path>", "\"192.0.2.7:/mutated\""),
    ("<pid>", "\"4242\""),
    ("<duration>", "\"00:00:07\""),
    ("<start-time>", "\"08:27\""),
];

/// Whether a value is a token that stands for a volatile one.
pub fn is_token(value: &Value) -> bool {
    value.as_str().is_some_and(|text| RAW.iter().any(|(token, _)| *token == text))
}

/// Whether a value is one that this token stands for.
pub fn is_raw_of(token: &Value, value: &Value) -> bool {
    RAW.iter()
        .any(|(its, raw)| token == its && serde_json::from_str::<Value>(raw).is_ok_and(|raw| raw == *value))
}

/// Another value, half of the time of the same shape where that is volatile.
pub fn changed(value: &Value, dice: &mut Dice) -> Value {
    let raw = |token: &str| {
        let (_, raw) = RAW.iter().find(|(its, _)| *its == token)?;
        serde_json::from_str::<Value>(raw).ok()
    };
    match value {
        Value::Null => dice.one(&[json!(""), json!(0), json!([])]),
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => dice.one(&[json!(number + 1), json!(-number - 1), json!(1_900_000_000)]),
            None => json!(0),
        },
        Value::String(text) if is_token(value) && dice.below(2) == 0 => raw(text).unwrap_or(Value::Null),
        Value::String(text) if is_token(value) => {
            dice.one(&[json!(""), json!("mutated"), json!(0), json!(text)])
        }
        Value::String(text) if text.contains("<id of ") => match dice.below(2) {
            0 => json!(text.replace("<id of ", "<id of mutated ")),
            _ => json!(format!("{text} mutated")),
        },
        Value::String(text) => {
            let swapped: String = text.chars().rev().collect();
            let any_raw = raw(dice.one(RAW).0).unwrap_or(Value::Null);
            dice.one(&[
                json!(format!("{text}x")),
                json!(format!("x{text}")),
                json!(swapped),
                json!(""),
                any_raw,
            ])
        }
        Value::Array(_) => json!([]),
        Value::Object(_) => Value::Object(Map::new()),
    }
}

/// Half a text, a list without its last element; of half a document nothing is left.
fn cut(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => {
            let half = text.char_indices().nth(text.chars().count() / 2)?.0;
            Some(json!(text[..half]))
        }
        Value::Array(mut list) => {
            list.pop()?;
            Some(Value::Array(list))
        }
        _ => None,
    }
}
