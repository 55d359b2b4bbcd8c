//! From what was seen to the draft of a scenario: what is left out, what has which name, what
//! runs beside what. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::body::{body, stdin};
use super::naming::{Learned, learn};
use super::observed::Observed;
use super::polls::{Folded, fold};
use super::steps::{Draft, DraftBody, DraftEntry, DraftStep};
use super::values::Table;
use super::write::part_of;
use crate::engine::target::{encode, parameter};
use crate::frames::Counter;
use crate::route::Route;
use crate::version::Version;

/// Headers that a client's library sends and nobody means, and those that the runner sends itself.
const UNIMPORTANT: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "baggage",
    "docker-client",
];
/// Lists of the whole host, unless they are filtered.
const WHOLE: [&str; 6] =
    ["GET /containers/json", "GET /images/json", "GET /networks", "GET /volumes", "GET /events", "GET /info"];
/// Streams whichever way they ended.
const STREAMS: [&str; 4] =
    ["POST /containers/*/attach", "GET /containers/*/logs", "GET /events", "GET /containers/*/stats"];
/// What an upgrade is asked for unless a step says otherwise.
const UPGRADED: [&str; 2] = ["POST /containers/*/attach", "POST /exec/*/start"];
/// A stream that took longer than this says how long it may take.
const LONG: u64 = 10_000;

/// A request taken apart.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The version of its prefix.
    pub version: Option<Version>,
    /// Path and query without prefix.
    pub target: String,
    /// Docker's route, if it is one.
    pub route: Option<Route>,
}

impl Ask {
    /// Takes the request line apart.
    pub fn of(exchange: &Observed) -> Ask {
        let whole = exchange.sent.target.as_str();
        // A proxy may be asked for a whole URL.
        let target = match whole.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => whole,
        };
        let prefixed = target.strip_prefix("/v").and_then(|rest| {
            let (version, _) = rest.split_once('/')?;
            let version_read = version.parse::<Version>().ok()?;
            Some((version_read, &target[2 + version.len()..]))
        });
        let (version, target) = match prefixed {
            Some((version, rest)) => (Some(version), rest.to_owned()),
            None => (None, target.to_owned()),
        };
        Ask { version, route: Route::of(&exchange.sent.method, &target), target }
    }

    /// The route as text.
    pub fn route(&self) -> &str {
        self.route.as_ref().map_or("", Route::as_str)
    }

    /// Where in the target the `*` of the route stands.
    pub fn star_at(&self) -> Option<Range<usize>> {
        let path = self.target.split('?').next()?;
        let (before, after) = self.route().split_once(' ')?.1.split_once('*')?;
        let star = path.strip_prefix(before)?.strip_suffix(after)?;
        (!star.is_empty()).then(|| before.len()..before.len() + star.len())
    }

    /// What stands there, as it was sent.
    pub fn star(&self) -> Option<&str> {
        self.target.get(self.star_at()?)
    }

    /// Whether it looks at what is on the whole host.
    pub fn is_whole_host(&self) -> bool {
        WHOLE.contains(&self.route()) && parameter(&self.target, "filters").is_none_or(|it| it.len() < 3)
    }
}

/// An exchange that becomes a step.
pub struct Part {
    /// What was seen.
    pub seen: Observed,
    /// The request.
    pub ask: Ask,
    /// The answer as captures look at it.
    pub document: Value,
    /// How it polls, if it does.
    pub until: Option<(String, Value, u64)>,
}

/// The draft of a scenario that asks what was asked; `images` are what the client calls those of
/// the fixtures, and their names.
pub fn draft(seen: Vec<Observed>, images: &BTreeMap<String, String>) -> Draft {
    let mut draft = Draft::default();
    let asked = left_out(seen, images, &mut draft.notes);
    draft.api = api_of(&asked);
    let parts: Vec<Part> = fold(asked).into_iter().map(Folded::part).collect();
    let Learned { table, captures, names } = learn(&parts, images, &mut draft.notes);
    draft.exclusive = parts.iter().any(|part| part.ask.is_whole_host());
    let mut ids = BTreeMap::new();
    // When each step stands: at its beginning, and its join after its end.
    let mut steps: Vec<(u64, DraftStep)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let mut made = step(part, &table, draft.api.as_ref(), &mut ids);
        let captured = captures.get(&at).cloned().unwrap_or_default();
        match &made.body {
            DraftBody::File(extension) => {
                draft.files.push((made.id.clone(), extension, part.seen.asked.bytes.clone()));
            }
            DraftBody::Tar(entries) => {
                let files = entries.iter().enumerate().filter_map(|(at, (_, entry, _))| match entry {
                    DraftEntry::File(bytes) => Some((part_of(&made.id, at), "bin", bytes.clone())),
                    DraftEntry::Text(_) | DraftEntry::Link(_) | DraftEntry::Directory => None,
                });
                draft.files.extend(files);
            }
            DraftBody::None | DraftBody::Json(_) | DraftBody::Text(_) => {}
        }
        let given = names.get(&at).cloned().unwrap_or_default();
        let ended = part.seen.ended.unwrap_or(u64::MAX);
        let overlaps = parts[at + 1..].iter().any(|other| other.seen.began < ended);
        if overlaps && made.kind != "raw" && made.until.is_none() {
            made.background = true;
            let mut join =
                DraftStep::new(named(&format!("{}-end", made.id), &mut ids), "join", made.id.clone());
            (join.capture, join.names) = (captured, given);
            steps.push((ended, join));
        } else {
            (made.capture, made.names) = (captured, given);
        }
        steps.push((part.seen.began, made));
    }
    steps.sort_by_key(|(tick, _)| *tick);
    draft.steps = steps.into_iter().map(|(_, step)| step).collect();
    draft.images = images_in(&draft.steps);
    draft
}

/// What is worth asking again; what is left out is noted.
fn left_out(
    seen: Vec<Observed>,
    images: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> Vec<Observed> {
    let (mut kept, mut pings) = (Vec::new(), Vec::new());
    let table = Table { images: images.clone(), ..Table::default() };
    for exchange in seen {
        let ask = Ask::of(&exchange);
        let is_ping = ask.target == "/_ping" && ask.version.is_none();
        if is_ping {
            pings.push(exchange);
        } else if exchange.answer.is_none() && exchange.left {
            notes.push(format!(
                "left out: {} {}, which the client did not wait for",
                exchange.sent.method, ask.target
            ));
        } else if ask.route.is_none() && exchange.tunnel {
            notes.push(format!(
                "left out: {} {}, which takes the connection over for what is no Docker stream (BuildKit; DOCKER_BUILDKIT=0 does without)",
                exchange.sent.method, ask.target
            ));
        } else if ask.route() == "POST /images/create" && pulls_known(&ask, &table) {
            notes.push(format!("left out: {}, since a run brings that image itself", ask.target));
        } else {
            kept.push(exchange);
        }
    }
    if kept.is_empty() {
        return pings;
    }
    if !pings.is_empty() {
        notes.push("left out: /_ping, by which the client finds out the API version".to_owned());
    }
    kept
}

fn pulls_known(ask: &Ask, table: &Table) -> bool {
    let value = |name| parameter(&ask.target, name);
    let tag = value("tag").filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}")).unwrap_or_default();
    value("fromImage").is_some_and(|image| table.image(&format!("{image}{tag}")).is_some())
}

/// The version that most requests had, else the one that the engine says it answered at.
fn api_of(seen: &[Observed]) -> Option<Version> {
    let mut counts: BTreeMap<Version, usize> = BTreeMap::new();
    for version in seen.iter().filter_map(|exchange| Ask::of(exchange).version) {
        *counts.entry(version).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(version, _)| version);
    most.or_else(|| {
        let answers = seen.iter().filter_map(|exchange| exchange.answer.as_ref());
        answers
            .flat_map(|answer| answer.header("api-version").collect::<Vec<_>>())
            .find_map(|text| text.parse().ok())
    })
}

fn step(part: &Part, table: &Table, api: Option<&Version>, ids: &mut BTreeMap<String, usize>) -> DraftStep {
    let Part { seen, ask, .. } = part;
    let method = &seen.sent.method;
    let is_image = ask.route().contains(" /images/*");
    let target = table.target(&ask.target, ask.star_at(), is_image);
    // A whole request of another version, or of none where others have one, is sent as it was.
    let is_usual = ask.route.is_some()
        && (ask.version.is_none() && !part.has_version_elsewhere(api) || ask.version.as_ref() == api);
    let is_stream = is_usual && (STREAMS.contains(&ask.route()) || seen.tunnel || seen.left);
    let (kind, target) = match (is_usual, is_stream) {
        (true, true) => ("stream", target),
        (true, false) => ("request", target),
        (false, _) => ("raw", raw(ask.version.as_ref(), &target)),
    };
    let mut step = DraftStep::new(named(&id_of(method, ask), ids), kind, format!("{method} {target}"));
    let content_type = header(seen, "content-type").unwrap_or_default();
    let (body, mut comment) = body(&seen.asked, content_type, table);
    let implied = match &body {
        DraftBody::Json(_) => "application/json",
        DraftBody::Tar(_) | DraftBody::File("tar") => "application/x-tar",
        DraftBody::None => content_type,
        DraftBody::Text(_) | DraftBody::File(_) => "",
    };
    if !content_type.is_empty() && content_type != implied {
        step.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
    }
    step.body = body;
    let important = seen.sent.headers.iter().filter(|(name, value)| {
        !UNIMPORTANT.contains(&name.to_ascii_lowercase().as_str()) && !value.contains("${")
    });
    step.headers.extend(important.cloned());
    step.until.clone_from(&part.until);
    if is_stream {
        let (text, note) = stdin(&seen.stdin, table);
        comment = comment.or(note);
        step.stdin = text;
        step.close_stdin = seen.closed_stdin;
        let is_usual = UPGRADED.contains(&ask.route());
        step.upgrade = (seen.asks_for_upgrade() != is_usual).then_some(!is_usual);
        let seconds = (seen.millis > LONG).then_some(seen.millis * 2 / 1000 + 10);
        if seen.left && !seen.closed_stdin {
            step.frames = Some(frames(seen)).filter(|count| *count > 0);
            step.seconds = seconds.or(step.frames.is_none().then_some(2));
        } else {
            step.seconds = seconds;
        }
    }
    step.comment = comment;
    step
}

/// A target that is sent exactly as it stands, but for its variables.
fn raw(version: Option<&Version>, target: &str) -> String {
    static VARIABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$%7B([A-Za-z0-9_:-]+)%7D").expect("a constant pattern"));
    let prefix = version.map(|version| format!("/v{version}")).unwrap_or_default();
    VARIABLE.replace_all(&encode(&format!("{prefix}{target}")), "$${$1}").into_owned()
}

impl Part {
    /// Whether requests of this capture have a version, of which this one has none.
    fn has_version_elsewhere(&self, api: Option<&Version>) -> bool {
        let answered = self.seen.answer.as_ref();
        let by_answer =
            answered.and_then(|answer| answer.header("api-version").next()?.parse::<Version>().ok());
        api.is_some() && by_answer.as_ref() != api
    }
}

/// How many frames or messages came before the client went.
fn frames(seen: &Observed) -> usize {
    let mut counter = Counter::default();
    (1..).take_while(|wanted| counter.enough(&seen.answered.bytes, *wanted).is_some()).last().unwrap_or(0)
}

fn header<'a>(seen: &'a Observed, name: &str) -> Option<&'a str> {
    let found = seen.sent.headers.iter().find(|(its_name, _)| its_name.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The fixtures that the texts of steps name.
fn images_in(steps: &[DraftStep]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for step in steps {
        let text = format!("{step:?}");
        let names = text.split("${image:").skip(1).filter_map(|rest| rest.split_once('}'));
        found.extend(names.map(|(name, _)| name.to_owned()));
    }
    found
}

/// A name that no step has yet.
fn named(wanted: &str, ids: &mut BTreeMap<String, usize>) -> String {
    let count = ids.entry(wanted.to_owned()).or_insert(0);
    *count += 1;
    if *count == 1 { wanted.to_owned() } else { format!("{wanted}-{count}") }
}

/// What a step is called, after what it does.
fn id_of(method: &str, ask: &Ask) -> String {
    let route = ask.route();
    let path = match route.split_once(' ') {
        Some((_, path)) => path,
        None => ask.target.split('?').next().unwrap_or_default(),
    };
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty() && *word != "*").collect();
    let verb = match (method, words.last().copied()) {
        ("GET", Some("json")) if path.contains('*') => "inspect",
        ("GET", Some("json")) => "list",
        ("DELETE", _) => "remove",
        ("HEAD", Some("archive")) => "stat",
        ("GET", Some("archive")) => "get-archive",
        ("PUT", Some("archive")) => "put-archive",
        ("GET", Some("networks" | "volumes")) if path.contains('*') => "inspect",
        ("GET", Some("networks" | "volumes")) => "list",
        ("POST", Some("exec")) => "create",
        (_, Some(last)) => last,
        (_, None) => "root",
    };
    let thing = match words.first().copied() {
        _ if route.ends_with("/exec") || words.first() == Some(&"exec") => "exec-",
        Some("images") if route != "POST /images/create" => "image-",
        Some("networks") => "network-",
        Some("volumes") => "volume-",
        _ => "",
    };
    let verb = if route == "POST /images/create" { "pull" } else { verb };
    let text = format!("{thing}{verb}").to_ascii_lowercase();
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}

#[cfg(test)]
pub(super) mod tests;
