//! A scenario file: keys, steps, captures and their use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::SuiteSettings;
use super::reader::{Reader, Span, root};
use super::request::{Line, pointer, request};
use super::settings::versions;
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::scenario::{
    Action, Exec, NEEDS, Need, Part, Scenario, ScenarioId, Step, StepId, Stream, Template, UntilEnd, VIEWS,
};

/// The keys of a scenario.
pub const SCENARIO_KEYS: &[&str] =
    &["title", "page", "command", "api", "needs", "exclusive", "repetitions", "steps"];
/// The keys of every step.
pub const STEP_KEYS: &[&str] = &["id", "capture", "names", "compare", "view"];
/// The further keys of a step with `request`.
pub const REQUEST_KEYS: &[&str] =
    &["request", "headers", "json", "text", "file", "tar", "label", "until", "background"];
/// The further keys of a step with `raw`.
pub const RAW_KEYS: &[&str] = &["raw", "headers", "json", "text", "file", "tar", "label", "until"];
/// The keys of `exec`.
pub const EXEC_KEYS: &[&str] = &["container", "cmd", "tty", "user", "stdin", "seconds"];
/// The further keys of a step with `stream`.
pub const STREAM_KEYS: &[&str] = &[
    "stream",
    "headers",
    "json",
    "text",
    "file",
    "tar",
    "label",
    "stdin",
    "close-stdin",
    "upgrade",
    "until-end",
    "background",
];
/// The keys of `until`.
pub const UNTIL_KEYS: &[&str] = &["at", "is", "seconds"];
/// The keys of `until-end`.
pub const UNTIL_END_KEYS: &[&str] = &["seconds", "frames"];

const ACTIONS: [&str; 5] = ["request", "raw", "exec", "stream", "join"];
const VIEWED: [&str; 3] = ["stdout", "stderr", "body"];

/// What a scenario is read in.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Defaults.
    pub settings: &'a SuiteSettings,
    /// The images that there are.
    pub images: &'a [String],
    /// The files below `fixtures/`.
    pub fixtures: &'a BTreeSet<String>,
}

/// What `${...}` may name at this point of the scenario.
pub struct Variables<'a> {
    /// What the scenario is read in.
    pub setting: &'a Setting<'a>,
    needs: &'a [Need],
    captured: BTreeMap<String, Span>,
    later: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Variables<'_> {
    /// A text with variables; those that are not known here are mistakes.
    pub fn template(&mut self, text: &str, span: Span, mistakes: &mut Mistakes) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let help = "variables are ${captured}, ${name:x}, ${image:x} and ${run}";
                mistakes.add(span, error.to_string(), help);
                return None;
            }
        };
        for part in &template.0 {
            match part {
                Part::Capture(name) if self.captured.contains_key(name) => {
                    self.used.insert(name.clone());
                }
                Part::Capture(name) => {
                    let help = match nearest(name, self.captured.keys().map(String::as_str)) {
                        _ if self.later.contains(name) => {
                            "it is captured by a later step; move that step up".to_owned()
                        }
                        Some(near) => format!("did you mean `${{{near}}}`?"),
                        None => "a step before this one has to `capture` it".to_owned(),
                    };
                    mistakes.add(span.clone(), format!("`${{{name}}}` is not captured"), help);
                }
                Part::Image(name) if !self.needs.contains(&Need::Image(name.clone())) => {
                    let help = format!("write needs = [\"image:{name}\"] at the head of the scenario");
                    mistakes.add(
                        span.clone(),
                        format!("the scenario does not need the image `{name}`"),
                        help,
                    );
                }
                Part::Text(_) | Part::Name(_) | Part::Image(_) | Part::Run => {}
            }
        }
        Some(template)
    }
}

/// Reads one scenario file.
pub fn scenario(file: &str, text: &str, setting: &Setting<'_>, found: &mut Vec<Mistake>) -> Option<Scenario> {
    let mut mistakes = Mistakes::of(file);
    let scenario = read(file, text, setting, &mut mistakes);
    let is_fine = mistakes.found.is_empty();
    found.extend(mistakes.found);
    scenario.filter(|_| is_fine)
}

fn read(file: &str, text: &str, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Option<Scenario> {
    let parts: Vec<&str> = file.split('/').collect();
    let ["suites", area, "scenarios", name] = parts.as_slice() else {
        let help =
            "scenarios lie in suites/<area>/scenarios/, divergences in suites/<area>/divergences/<engine>/";
        mistakes.add(None, "the file lies at no known place", help);
        return None;
    };
    let id = ScenarioId(format!("{area}/{}", name.trim_end_matches(".toml")));
    let table = root(text, mistakes)?;
    let reader = Reader::new(&table, Some(0..0));
    reader.only(SCENARIO_KEYS, mistakes);
    reader.need("title", "say in a sentence what Docker promises", mistakes);
    reader.need("steps", "write at least one [[steps]]", mistakes);
    let title = reader.string("title", mistakes).unwrap_or_default().to_owned();
    let needs = needs(&reader, setting, mistakes);
    let repetitions =
        reader.count("repetitions", mistakes).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let steps = steps(&reader, text, &needs, setting, mistakes);
    Some(Scenario {
        title,
        page: reader.string("page", mistakes).unwrap_or(area).to_owned(),
        command: reader.string("command", mistakes).map(str::to_owned),
        api: versions(&reader, "api", mistakes).unwrap_or_else(|| setting.settings.api.clone()),
        exclusive: reader.flag("exclusive", mistakes).unwrap_or(false) || repetitions.is_some(),
        fingerprint: fingerprint(&steps, repetitions),
        file: file.to_owned(),
        id,
        needs,
        repetitions,
        steps,
    })
}

/// A hash of what is asked: comments, titles and line numbers do not count.
fn fingerprint(steps: &[Step], repetitions: Option<u32>) -> String {
    let plain: Vec<Step> = steps.iter().cloned().map(|step| Step { line: 0, ..step }).collect();
    let text = serde_json::to_string(&(plain, repetitions)).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn needs(reader: &Reader<'_>, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Vec<Need> {
    let mut needs = Vec::new();
    for (word, span) in reader.strings("needs", mistakes).unwrap_or_default() {
        let images: Vec<String> = setting.images.iter().map(|image| format!("image:{image}")).collect();
        let known: Vec<&str> =
            images.iter().map(String::as_str).chain(NEEDS.iter().map(|(word, _)| *word)).collect();
        match Need::try_from(word.to_owned()) {
            Ok(need) if known.contains(&word) => needs.push(need),
            Ok(_) | Err(_) => {
                let near = nearest(word, known.iter().copied());
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let help = format!("{near}There are: {}", known.join(", "));
                mistakes.add(span, format!("`{word}` is no capability"), help);
            }
        }
    }
    needs
}

fn steps(
    reader: &Reader<'_>,
    text: &str,
    needs: &[Need],
    setting: &Setting<'_>,
    mistakes: &mut Mistakes,
) -> Vec<Step> {
    let readers = reader.tables("steps", mistakes);
    if reader.has("steps") && readers.is_empty() {
        mistakes.add(reader.span_of("steps"), "there are no steps", "write at least one [[steps]]");
    }
    // What is captured at all, to tell "later" from "never".
    let mut unheard = Mistakes::of("");
    let later =
        readers.iter().flat_map(|step| step.pairs("capture", &mut unheard)).map(|(name, ..)| name).collect();
    let mut variables = Variables { setting, needs, captured: BTreeMap::new(), later, used: BTreeSet::new() };
    let mut steps: Vec<Step> = Vec::new();
    for reader in &readers {
        if let Some(step) = step(reader, text, &steps, &mut variables, mistakes) {
            steps.push(step);
        }
    }
    let joined: BTreeSet<&StepId> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Join(other) => Some(other),
            Action::Request(_) | Action::Raw(_) | Action::Exec(_) | Action::Stream(_) => None,
        })
        .collect();
    for (step, reader) in steps.iter().zip(&readers).filter(|(step, _)| step.background) {
        if !joined.contains(&step.id) {
            let help = format!("end it with a step that has join = \"{}\"", step.id);
            mistakes.add(reader.key_span("background"), format!("`{}` is never joined", step.id), help);
        }
    }
    for (name, span) in &variables.captured {
        if !variables.used.contains(name) {
            let help = "use it as ${...} in a later step, or move it to `names`, which only names a value";
            mistakes.add(span.clone(), format!("`{name}` is captured and never used"), help);
        }
    }
    steps
}

fn step(
    reader: &Reader<'_>,
    text: &str,
    before: &[Step],
    variables: &mut Variables<'_>,
    mistakes: &mut Mistakes,
) -> Option<Step> {
    let given: Vec<&str> = ACTIONS.into_iter().filter(|action| reader.has(action)).collect();
    let further: &[&str] = match given.as_slice() {
        ["request"] => REQUEST_KEYS,
        ["raw"] => RAW_KEYS,
        ["exec"] => &["exec"],
        ["stream"] => STREAM_KEYS,
        [_] => &["join"],
        [] => {
            let help = "give it one of `request`, `raw`, `exec`, `stream` or `join`";
            mistakes.add(reader.span.clone(), "the step does nothing", help);
            return None;
        }
        [_, second, ..] => {
            let message = format!("the step does two things: {}", given.join(" and "));
            mistakes.add(reader.key_span(second), message, "make two steps of them");
            return None;
        }
    };
    let known: Vec<&str> = STEP_KEYS.iter().chain(further).copied().collect();
    reader.only(&known, mistakes);
    reader.need("id", "every step has a name: letters, digits and dashes", mistakes);
    let id = step_id(reader, before, mistakes);
    let action = match given[0] {
        "exec" => exec(&reader.table("exec", mistakes)?, variables, mistakes).map(Action::Exec),
        "stream" => stream(reader, variables, mistakes).map(Action::Stream),
        "join" => join(reader, before, mistakes).map(Action::Join),
        "raw" => request(reader, "raw", Line::Raw, variables, mistakes).map(Action::Raw),
        _ => request(reader, "request", Line::Documented, variables, mistakes).map(Action::Request),
    };
    let capture = captures(reader, "capture", mistakes);
    for ((name, _), span) in &capture {
        if matches!(name.as_str(), "run" | "name" | "image") || !is_word(name) {
            let help = "letters, digits, - and _; `run`, `name` and `image` are taken";
            mistakes.add(span.clone(), format!("`{name}` cannot be the name of a capture"), help);
        }
        variables.captured.insert(name.clone(), span.clone());
    }
    let compare = reader.strings("compare", mistakes).unwrap_or_default();
    let compare = compare.into_iter().filter_map(|(text, span)| pointer(text, span, mistakes)).collect();
    let line = reader.span.as_ref().map_or(1, |span| crate::mistake::position(text, span.start).0);
    Some(Step {
        id: StepId(id?),
        action: action?,
        capture: capture.into_iter().map(|(pair, _)| pair).collect(),
        names: captures(reader, "names", mistakes).into_iter().map(|(pair, _)| pair).collect(),
        compare,
        view: views(reader, mistakes),
        background: reader.flag("background", mistakes).unwrap_or(false),
        line,
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn step_id(reader: &Reader<'_>, before: &[Step], mistakes: &mut Mistakes) -> Option<String> {
    let id = reader.string("id", mistakes)?;
    let span = reader.span_of("id");
    if !is_word(id) {
        mistakes.add(span, format!("`{id}` is no name for a step"), "use letters, digits and dashes");
        return None;
    }
    if let Some(first) = before.iter().find(|step| step.id.0 == id) {
        let message = format!("`{id}` is the name of the step in line {} already", first.line);
        mistakes.add(span, message, "give one of them another name");
    }
    Some(id.to_owned())
}

fn captures(
    reader: &Reader<'_>,
    key: &str,
    mistakes: &mut Mistakes,
) -> Vec<((String, crate::pointer::Pointer), Span)> {
    let pairs = reader.pairs(key, mistakes).into_iter();
    pairs
        .filter_map(|(name, text, span)| Some(((name, pointer(text, span.clone(), mistakes)?), span)))
        .collect()
}

fn views(reader: &Reader<'_>, mistakes: &mut Mistakes) -> Vec<(String, crate::scenario::View)> {
    let mut views = Vec::new();
    for (place, word, span) in reader.pairs("view", mistakes) {
        if !VIEWED.contains(&place.as_str()) {
            let help = format!("views are of {}", VIEWED.join(", "));
            mistakes.add(span.clone(), format!("`{place}` cannot be viewed"), help);
        }
        match VIEWS.iter().find(|(known, _)| *known == word) {
            Some((_, view)) => views.push((place, *view)),
            None => {
                let known: Vec<&str> = VIEWS.iter().map(|(word, _)| *word).collect();
                let near =
                    nearest(word, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
                let help = format!("{}There are: {}", near.unwrap_or_default(), known.join(", "));
                mistakes.add(span, format!("`{word}` is no view"), help);
            }
        }
    }
    views
}

fn exec(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Exec> {
    reader.only(EXEC_KEYS, mistakes);
    reader.need("container", "write container = \"${cid}\"", mistakes);
    reader.need("cmd", "write cmd = [\"ls\", \"/\"]", mistakes);
    let container = reader.string("container", mistakes);
    let container =
        container.and_then(|text| variables.template(text, reader.span_of("container"), mistakes));
    let cmd: Vec<Template> = reader
        .strings("cmd", mistakes)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(word, span)| variables.template(word, span, mistakes))
        .collect();
    let stdin = reader.string("stdin", mistakes);
    Some(Exec {
        container: container?,
        cmd,
        tty: reader.flag("tty", mistakes).unwrap_or(false),
        user: reader.string("user", mistakes).map(str::to_owned),
        stdin: stdin.and_then(|text| variables.template(text, reader.span_of("stdin"), mistakes)),
        limit: limit(reader, variables.setting, mistakes),
    })
}

fn limit(reader: &Reader<'_>, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Duration {
    Duration::from_secs(reader.count("seconds", mistakes).unwrap_or(setting.settings.until_seconds))
}

fn stream(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Stream> {
    let request = request(reader, "stream", Line::Documented, variables, mistakes);
    let stdin = reader.string("stdin", mistakes);
    let stdin = stdin.and_then(|text| variables.template(text, reader.span_of("stdin"), mistakes));
    let setting = variables.setting;
    let until_end = match reader.table("until-end", mistakes) {
        Some(end) => {
            end.only(UNTIL_END_KEYS, mistakes);
            let frames = end.count("frames", mistakes).and_then(|count| usize::try_from(count).ok());
            UntilEnd { frames, limit: limit(&end, setting, mistakes) }
        }
        None => UntilEnd { frames: None, limit: Duration::from_secs(setting.settings.until_seconds) },
    };
    let request = request?;
    let is_hijacked =
        request.target.source().contains("/attach") || request.target.source().contains("/exec/");
    Some(Stream {
        upgrade: reader.flag("upgrade", mistakes).unwrap_or(is_hijacked),
        close_stdin: reader.flag("close-stdin", mistakes).unwrap_or(false),
        request,
        stdin,
        until_end,
    })
}

fn join(reader: &Reader<'_>, before: &[Step], mistakes: &mut Mistakes) -> Option<StepId> {
    let id = reader.string("join", mistakes)?;
    let background: Vec<&str> =
        before.iter().filter(|step| step.background).map(|step| step.id.0.as_str()).collect();
    if !background.contains(&id) {
        let help = match nearest(id, background.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a step before this one has to run with background = true".to_owned(),
        };
        mistakes.add(reader.span_of("join"), format!("`{id}` is no background step"), help);
    }
    Some(StepId(id.to_owned()))
}
