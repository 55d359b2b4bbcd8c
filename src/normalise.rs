//! A recording becomes a snapshot: volatile values become tokens that keep identity, and nothing
//! else changes. Pure, idempotent, blind to fresh ids and to nothing else; rules name no engine.

mod before;
mod body;
mod entries;
mod error;
mod json;
mod label;
mod names;
mod printed;
mod rules;
mod shapes;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::exchange::{Answer, End, Exchange, Failure, Named, Recording};
use crate::frames::{begin_with_a_frame, demultiplex};
use crate::pointer::Pointer;
use crate::route::Route;
use crate::scenario::{Action, Scenario, Step, StepId, View};
use crate::snapshot::{Part, Snapshot, StepSnapshot};
use names::Names;

pub use body::{documents, sha256};
pub use entries::{Entries, with_hash};
pub use error::is_uuid;
pub use json::{has_too_many_values, parse as parse_json};
pub use rules::Rules;

/// Normalises one recording.
pub fn normalise(recording: &Recording, scenario: &Scenario, rules: &Rules) -> Snapshot {
    let mut names = Names::new(&recording.names);
    let mut short = HashSet::new();
    let mut steps: Vec<StepSnapshot> = Vec::new();
    for recorded in &recording.steps {
        let step = scenario.steps.iter().find(|step| step.id == recorded.id);
        let parts = match &recorded.unreached {
            Some(cause) => vec![unreached(cause)],
            None => {
                let raw =
                    |exchange| raw_part(exchange, viewed(step, scenario), scenario.repetitions.is_some());
                recorded.exchanges.iter().map(raw).collect()
            }
        };
        let lengths = recorded.exchanges.iter().map(|exchange| exchange.answer.as_ref());
        let mut lengths = lengths.map(|answer| answer.map_or(0, |answer| answer.body.0.len()));
        let mut told = StepSnapshot { id: recorded.id.clone(), parts };
        // A command prints ids by their first digits, which is all that may ever show of them.
        let printed = recorded.exchanges.iter().any(|exchange| exchange.printed.is_some());
        for part in &mut told.parts {
            label::rename(part, &recording.label);
            let counters = recording.before.as_ref().map(|before| {
                before::subtract(part, before);
                before::counters(part, before)
            });
            name_numbers(part, step, &recording.names);
            rules.hide(part, lengths.next().unwrap_or(0), &names);
            before::put_counters(part, counters.unwrap_or_default());
            short.extend(rules.short_ids(part));
            if printed {
                short.extend(names::short_ids(&part.tree));
            }
            names.replace(&mut part.tree);
            part.request = names.text(&part.request);
            // Lists get their order before ids get names: these tell where an id stands.
            rules.arrange(part);
            names::order_ids(&mut part.tree);
        }
        steps.push(told);
    }
    names.find_ids(&steps, &short);
    for step in &mut steps {
        for part in &mut step.parts {
            names.replace_ids(&mut part.tree);
            part.request = names.with_ids(&part.request);
        }
        if let Some(wanted) = scenario.steps.iter().find(|wanted| wanted.id == step.id) {
            narrow(step, wanted);
        }
    }
    Snapshot {
        case: recording.case.clone(),
        engine: recording.engine.clone(),
        fingerprint: scenario.fingerprint.clone(),
        steps,
    }
}

fn unreached(cause: &StepId) -> Part {
    let tree = json!({ "unreached": cause.0 });
    Part { name: String::new(), route: None, request: String::new(), tree }
}

/// A number that a step captured becomes its name where it was captured, and nowhere else.
fn name_numbers(part: &mut Part, step: Option<&Step>, named: &[Named]) {
    let Some(step) = step else { return };
    let is_exec = matches!(step.action, Action::Exec(_));
    for (name, place) in step.capture.iter().chain(&step.names) {
        let segments = match (is_exec, place.segments().split_first()) {
            (true, Some((first, rest))) if *first == part.name => rest,
            (true, _) => continue,
            (false, _) => place.segments(),
        };
        let place: Pointer = segments.iter().cloned().collect();
        if let Some(value) = rules::find_mut(&mut part.tree, &place)
            && let Value::Number(number) = &*value
            && named.iter().any(|known| known.name == *name && known.value == number.to_string())
        {
            *value = format!("<{name}>").into();
        }
    }
}

/// The step whose views hold: of a join, the step that it joins as well.
fn viewed<'s>(step: Option<&'s Step>, scenario: &'s Scenario) -> Vec<(&'s str, View)> {
    let joined = step.and_then(|step| match &step.action {
        Action::Join(other) => scenario.steps.iter().find(|each| each.id == *other),
        Action::Request(_) | Action::Raw(_) | Action::Exec(_) | Action::Stream(_) | Action::Cli(_) => None,
    });
    let views = step.into_iter().chain(joined).flat_map(|step| &step.view);
    views.map(|(place, view)| (place.as_str(), *view)).collect()
}

fn raw_part(exchange: &Exchange, views: Vec<(&str, View)>, is_timed: bool) -> Part {
    let mut tree = Map::new();
    if let Some(answer) = &exchange.answer {
        tree = answered(answer, exchange, &views);
    }
    if let Some(printed) = &exchange.printed {
        tree = printed::printed(printed, &views);
    }
    if let Some(failure) = exchange.failure {
        let word = match failure {
            Failure::Closed => "closed",
            Failure::Reset => "reset",
            Failure::Timeout => "timeout",
            Failure::Malformed => "malformed",
        };
        tree.insert("failure".to_owned(), word.into());
    }
    if is_timed {
        tree.insert("time".to_owned(), json!({ "millis": exchange.millis }));
    }
    Part {
        name: exchange.part.clone(),
        route: exchange.route.clone(),
        request: format!("{} {}", exchange.sent.method, readable(&exchange.sent.target)),
        tree: Value::Object(tree),
    }
}

/// A target with its printable escapes undone: it is read by people, and names stand at borders.
fn readable(target: &str) -> String {
    let mut pieces = target.split('%');
    let mut told = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(|code| code.is_ascii_graphic() && *code != b'%') {
            Some(code) => {
                told.push(char::from(code));
                told.push_str(&piece[2..]);
            }
            None => {
                told.push('%');
                told.push_str(piece);
            }
        }
    }
    told
}

fn answered(answer: &Answer, exchange: &Exchange, views: &[(&str, View)]) -> Map<String, Value> {
    let mut tree = Map::new();
    tree.insert("status".to_owned(), answer.status.into());
    let standard = reqwest::StatusCode::from_u16(answer.status).ok().and_then(|code| code.canonical_reason());
    let reason = if standard == Some(answer.reason.as_str()) { "<standard>" } else { answer.reason.as_str() };
    tree.insert("reason".to_owned(), reason.into());
    let mut headers = header_lists(answer);
    let content_type = answer.header("content-type").next().unwrap_or_default().to_owned();
    let is_raw = content_type.contains("raw-stream")
        || content_type.contains("multiplexed-stream")
        || (content_type.is_empty() && has_frames(answer, exchange.route.as_ref()));
    let is_head = exchange.sent.method == "HEAD";
    if answer.status >= 400 && !is_head && !is_raw {
        tree.extend(error::error(answer, &mut headers));
    } else if is_raw {
        tree.extend(streamed(answer, views));
    } else if !answer.body.0.is_empty() {
        let view = views.iter().find(|(place, _)| *place == "body").map(|(_, view)| *view);
        tree.insert("body".to_owned(), body::body(&answer.body.0, &content_type, view));
    }
    if let Some(end) = answer.end {
        let word = match end {
            End::Closed => "closed",
            End::Enough => "enough",
            End::Deadline => "deadline",
        };
        tree.insert("end".to_owned(), word.into());
    }
    tree.insert("headers".to_owned(), Value::Object(headers));
    tree
}

/// Docker 20.10 names no content type for logs: where frames are due, what begins with a whole
/// one is a raw stream.
fn has_frames(answer: &Answer, route: Option<&Route>) -> bool {
    let due = ["GET /containers/*/logs", "POST /containers/*/attach", "POST /exec/*/start"];
    let is_due = answer.end.is_some() || route.is_some_and(|route| due.contains(&route.as_str()));
    is_due && begin_with_a_frame(&answer.body.0)
}

/// A header whose value is JSON in base64.
const PATH_STAT: &str = "x-docker-container-path-stat";

/// Lower-case names, sorted; values in order.
fn header_lists(answer: &Answer) -> Map<String, Value> {
    let mut lists: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for (name, value) in &answer.headers {
        let name = name.to_ascii_lowercase();
        let decoded = if name == PATH_STAT { json_in_base64(value) } else { None };
        lists.entry(name).or_default().push(decoded.unwrap_or_else(|| value.as_str().into()));
    }
    lists.into_iter().map(|(name, values)| (name, Value::Array(values))).collect()
}

fn json_in_base64(text: &str) -> Option<Value> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let (value, rest) = json::parse(std::str::from_utf8(&bytes).ok()?)?;
    rest.is_empty().then(|| json!({ "base64-json": value }))
}

/// What a raw stream holds: a text per stream when it is multiplexed, else one text.
fn streamed(answer: &Answer, views: &[(&str, View)]) -> Map<String, Value> {
    let mut tree = Map::new();
    let mut put = |place: &str, bytes: &[u8]| {
        if !bytes.is_empty() {
            let view = views.iter().find(|(its, _)| *its == place).map(|(_, view)| *view);
            tree.insert(place.to_owned(), body::stream(bytes, view));
        }
    };
    match demultiplex(&answer.body.0) {
        Some(frames) => {
            put("stdin", &frames.stdin);
            put("stdout", &frames.stdout);
            put("stderr", &frames.stderr);
            put("rest", &frames.rest);
        }
        None => put("raw", &answer.body.0),
    }
    tree
}

/// Keeps only the places that the step compares. A failure is always one of them.
fn narrow(step: &mut StepSnapshot, wanted: &Step) {
    if wanted.compare.is_empty() {
        return;
    }
    let is_exec = matches!(wanted.action, Action::Exec(_));
    for part in &mut step.parts {
        let mut kept = Value::Object(Map::new());
        for pointer in &wanted.compare {
            let segments = pointer.segments();
            let within: Pointer = match (is_exec, segments.split_first()) {
                (true, Some((name, rest))) if *name == part.name => rest.iter().cloned().collect(),
                (true, _) => continue,
                (false, _) => pointer.clone(),
            };
            if let Some(found) = within.find(&part.tree) {
                let found = found.clone();
                insert_at(&mut kept, &part.tree, within.segments(), found);
            }
        }
        for always in ["failure", "unreached", "time"] {
            if let (Some(value), Value::Object(map)) = (part.tree.get(always), &mut kept) {
                map.insert(always.to_owned(), value.clone());
            }
        }
        part.tree = kept;
    }
}

/// Puts a value where it stood; lists that are only partly kept become objects by index.
fn insert_at(kept: &mut Value, whole: &Value, segments: &[String], found: Value) {
    let Some((first, rest)) = segments.split_first() else {
        *kept = found;
        return;
    };
    let Value::Object(map) = kept else { return };
    let below = Pointer::from_iter([first.clone()]);
    let inner = map.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    insert_at(inner, below.find(whole).unwrap_or(&Value::Null), rest, found);
}

#[cfg(test)]
mod tests;
