//! One step: its name, what it does, and what is taken from its answer.

use std::time::Duration;

use super::cli::cli;
use super::keys::{
    ACTION_KEYS, CLI_KEYS, EXEC_KEYS, EXEC_STEP_KEYS, JOIN_KEYS, RAW_KEYS, REQUEST_KEYS, SCENARIO_KEYS,
    STEP_KEYS, STREAM_KEYS, UNTIL_END_KEYS, VIEW_KEYS,
};
use super::reader::Reader;
use super::request::{Line, request, route_of};
use super::steps::{Before, Walk, check_action, check_part};
use super::variables::{RESERVED, Variables};
use super::word::{Entry, Word, choose, is_name};
use crate::mistake::Mistakes;
use crate::pointer::Pointer;
use crate::route::Route;
use crate::scenario::{Action, Exec, Step, StepId, Stream, Template, UntilEnd, VIEWS, View};

/// The further keys of each kind of step.
const FURTHER: [(&str, &[&str]); 6] = [
    ("request", REQUEST_KEYS),
    ("raw", RAW_KEYS),
    ("exec", EXEC_STEP_KEYS),
    ("stream", STREAM_KEYS),
    ("cli", CLI_KEYS),
    ("join", JOIN_KEYS),
];

/// Reads the next step of the walk.
pub fn step(reader: &Reader<'_>, walk: &mut Walk<'_>, mistakes: &mut Mistakes) -> Option<Step> {
    let id = step_id(reader, &walk.before, mistakes);
    let given: Vec<&str> = ACTION_KEYS.iter().copied().filter(|key| reader.has(key)).collect();
    let kind = if let [only] = given.as_slice() { Some(*only) } else { None };
    only_known(reader, kind, mistakes);
    check_action(reader, &given, mistakes);
    let action = kind.and_then(|kind| action(kind, reader, walk, mistakes));
    let is_exec = kind == Some("exec");
    let captured = reader.entries("capture", mistakes);
    let capture = captures(&captured, is_exec, mistakes);
    for entry in &captured {
        if RESERVED.contains(&entry.name) {
            let help = "${run}, ${registry}, ${name:x} and ${image:x} mean something else already";
            let message = format!("`{}` cannot be the name of a capture", entry.name);
            mistakes.add(entry.name_span.clone(), message, help);
        }
    }
    let named = reader.entries("names", mistakes);
    let names = captures(&named, is_exec, mistakes);
    walk.variables.capture(&captured);
    let can_run_on = matches!(kind, None | Some("request" | "stream"));
    let background = reader.flag("background", mistakes).unwrap_or(false);
    walk.before.push(Before {
        id: id.clone().unwrap_or_default(),
        line: reader.line(),
        background: (background && can_run_on).then(|| reader.key_span("background")),
        joined: None,
    });
    let compare = compare(reader, is_exec, mistakes);
    let view = views(reader, is_exec, mistakes);
    Some(Step {
        id: StepId(id?),
        action: action?,
        capture,
        names,
        compare,
        view,
        background,
        line: reader.line(),
    })
}

fn action(kind: &str, reader: &Reader<'_>, walk: &mut Walk<'_>, mistakes: &mut Mistakes) -> Option<Action> {
    let variables = &mut walk.variables;
    match kind {
        "request" => request(reader, kind, Line::Documented, variables, mistakes).map(Action::Request),
        "raw" => request(reader, kind, Line::Raw, variables, mistakes).map(Action::Raw),
        "exec" => exec(&reader.table(kind, mistakes)?, variables, mistakes).map(Action::Exec),
        "stream" => stream(reader, variables, mistakes).map(Action::Stream),
        "cli" => cli(reader, variables, mistakes).map(Action::Cli),
        _ => join(reader, walk, mistakes).map(Action::Join),
    }
}

fn only_known(reader: &Reader<'_>, kind: Option<&str>, mistakes: &mut Mistakes) {
    let of_kind = FURTHER.iter().filter(|(its, _)| kind.is_none_or(|kind| kind == *its));
    let mut known: Vec<&str> = STEP_KEYS.to_vec();
    for key in of_kind.flat_map(|(_, keys)| *keys) {
        if !known.contains(key) {
            known.push(key);
        }
    }
    let why = |key: &str| {
        let owners: Vec<String> = FURTHER
            .iter()
            .filter(|(_, keys)| keys.contains(&key))
            .map(|(its, _)| format!("`{its}`"))
            .collect();
        if kind == Some("exec") && EXEC_KEYS.contains(&key) {
            Some(format!("`{key}` stands within the braces of exec = {{ ... }}"))
        } else if !owners.is_empty() {
            Some(format!("`{key}` goes with {}", owners.join(" or ")))
        } else if SCENARIO_KEYS.contains(&key) {
            Some(format!("`{key}` belongs to the scenario: move it above the first [[steps]]"))
        } else {
            None
        }
    };
    reader.only_with(&known, why, mistakes);
}

fn step_id(reader: &Reader<'_>, before: &[Before], mistakes: &mut Mistakes) -> Option<String> {
    reader.need("id", "every step has a name of letters, digits and dashes: id = \"create\"", mistakes);
    let word = reader.word("id", mistakes)?;
    let id = word.text();
    if !is_name(id) {
        mistakes.add(word.span(), format!("`{id}` is no name for a step"), "use letters, digits and dashes");
        return None;
    }
    if let Some(first) = before.iter().find(|step| step.id == id) {
        let message = format!("`{id}` is the name of the step in line {} already", first.line);
        mistakes.add(word.span(), message, "give one of them another name");
    }
    Some(id.to_owned())
}

fn captures(entries: &[Entry<'_>], is_exec: bool, mistakes: &mut Mistakes) -> Vec<(String, Pointer)> {
    let mut found = Vec::new();
    for entry in entries {
        if !is_name(entry.name) {
            let help = "use letters, digits, - and _";
            let message = format!("`{}` cannot be the name of a value", entry.name);
            mistakes.add(entry.name_span.clone(), message, help);
        }
        found.extend(place(&entry.word, is_exec, mistakes).map(|at| (entry.name.to_owned(), at)));
    }
    found
}

fn compare(reader: &Reader<'_>, is_exec: bool, mistakes: &mut Mistakes) -> Vec<Pointer> {
    let words = reader.words("compare", mistakes);
    if words.as_ref().is_some_and(Vec::is_empty) {
        let help = "leave it out to compare everything, or name the places that count";
        mistakes.add(reader.span_of("compare"), "`compare` is empty", help);
    }
    words.unwrap_or_default().iter().filter_map(|word| place(word, is_exec, mistakes)).collect()
}

fn place(word: &Word<'_>, is_exec: bool, mistakes: &mut Mistakes) -> Option<Pointer> {
    let pointer = word.pointer(mistakes)?;
    if is_exec {
        check_part(&pointer, word.span(), mistakes);
    }
    Some(pointer)
}

fn views(reader: &Reader<'_>, is_exec: bool, mistakes: &mut Mistakes) -> Vec<(String, View)> {
    let viewed = if is_exec { &VIEW_KEYS[..2] } else { VIEW_KEYS };
    let mut views = Vec::new();
    for entry in reader.entries("view", mistakes) {
        if !viewed.contains(&entry.name) {
            let help = choose(entry.name, viewed.iter().copied(), "");
            mistakes.add(entry.name_span.clone(), format!("`{}` cannot be viewed", entry.name), help);
        }
        let word = entry.word.text();
        match VIEWS.iter().find(|(known, _)| *known == word) {
            Some((_, view)) => views.push((entry.name.to_owned(), *view)),
            None => {
                let help = choose(word, VIEWS.iter().map(|(word, _)| *word), "");
                mistakes.add(entry.word.span(), format!("`{word}` is no view"), help);
            }
        }
    }
    views
}

fn exec(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Exec> {
    reader.only(EXEC_KEYS, mistakes);
    reader.need("container", "say in which container: container = \"${cid}\"", mistakes);
    reader.need("cmd", "say what is run: cmd = [\"ls\", \"/\"]", mistakes);
    let container = text_of(reader, "container", variables, mistakes);
    let words = reader.words("cmd", mistakes).unwrap_or_default();
    let cmd = words.iter().filter_map(|word| variables.template(word, mistakes)).collect();
    let stdin = text_of(reader, "stdin", variables, mistakes);
    let limit = limit(reader, variables, mistakes);
    let tty = reader.flag("tty", mistakes).unwrap_or(false);
    let user = reader.string("user", mistakes).map(str::to_owned);
    Some(Exec { container: container?, cmd, tty, user, stdin, limit })
}

fn text_of(
    reader: &Reader<'_>,
    key: &str,
    variables: &mut Variables<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    let word = reader.word(key, mistakes)?;
    variables.template(&word, mistakes)
}

/// `seconds`, or the suite's.
pub fn limit(reader: &Reader<'_>, variables: &Variables<'_>, mistakes: &mut Mistakes) -> Duration {
    let seconds = reader.count("seconds", mistakes);
    Duration::from_secs(seconds.unwrap_or(variables.setting.settings.until_seconds))
}

fn stream(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Stream> {
    let request = request(reader, "stream", Line::Documented, variables, mistakes);
    let stdin = text_of(reader, "stdin", variables, mistakes);
    let until_end = match reader.table("until-end", mistakes) {
        Some(end) => {
            end.only(UNTIL_END_KEYS, mistakes);
            let frames = end.positive("frames", "leave it out to read to the end", mistakes);
            let frames = frames.and_then(|count| usize::try_from(count).ok());
            UntilEnd { frames, limit: limit(&end, variables, mistakes) }
        }
        None => {
            UntilEnd { frames: None, limit: Duration::from_secs(variables.setting.settings.until_seconds) }
        }
    };
    let (upgrade, close_stdin) = (reader.flag("upgrade", mistakes), reader.flag("close-stdin", mistakes));
    let request = request?;
    Some(Stream {
        upgrade: upgrade.unwrap_or_else(|| is_upgraded(&request.method, &request.target)),
        close_stdin: close_stdin.unwrap_or(false),
        request,
        stdin,
        until_end,
    })
}

/// Whether Docker's own client asks for an upgrade there.
fn is_upgraded(method: &str, target: &Template) -> bool {
    let route = route_of(method, target);
    let upgraded = ["POST /containers/*/attach", "POST /exec/*/start"];
    route.as_ref().map(Route::as_str).is_some_and(|route| upgraded.contains(&route))
}

fn join(reader: &Reader<'_>, walk: &mut Walk<'_>, mistakes: &mut Mistakes) -> Option<StepId> {
    let word = reader.word("join", mistakes)?;
    let id = word.text();
    let line = reader.line();
    let mut say = |message: String, help: String| mistakes.add(word.span(), message, help);
    match walk.before.iter_mut().rev().find(|before| before.id == id) {
        Some(Before { background: Some(_), joined: Some(first), .. }) => {
            say(format!("`{id}` is joined in line {first} already"), "a step ends once".to_owned());
        }
        Some(before @ Before { background: Some(_), .. }) => before.joined = Some(line),
        Some(Before { background: None, line, .. }) => say(
            format!("`{id}` does not run in the background"),
            format!("give the step in line {line} background = true"),
        ),
        None if walk.ids.iter().any(|each| each == id) => {
            say(format!("`{id}` is not running yet"), "a join comes after the step that it ends".to_owned());
        }
        None => {
            let running: Vec<&str> = walk
                .before
                .iter()
                .filter(|step| step.background.is_some())
                .map(|step| step.id.as_str())
                .collect();
            let else_say = "a step before this one has to run with background = true";
            say(format!("`{id}` is no background step"), choose(id, running.iter().copied(), else_say));
            mark_meant(id, line, walk);
        }
    }
    Some(StepId(id.to_owned()))
}

/// A misspelt join is the only mistake: the step that was meant counts as joined.
fn mark_meant(id: &str, line: usize, walk: &mut Walk<'_>) {
    let open = |step: &&Before| step.background.is_some() && step.joined.is_none();
    let near = crate::mistake::nearest(id, walk.before.iter().filter(open).map(|step| step.id.as_str()));
    let near = near.map(str::to_owned);
    if let Some(before) = walk.before.iter_mut().find(|step| Some(&step.id) == near.as_ref()) {
        before.joined = Some(line);
    }
}
