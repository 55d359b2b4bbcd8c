//! The request of a step: its line, headers and body, with every mistake at its place.

use std::ops::Range;
use std::time::Duration;

use toml_edit::Item;

use super::reader::{Reader, Span};
use super::scenario_file::{Setting, UNTIL_KEYS, Variables};
use crate::mistake::{Mistakes, nearest};
use crate::pointer::Pointer;
use crate::route::{ROUTES, Route};
use crate::scenario::{Body, Part, Request, TarContent, TarEntry, Template, Until};

/// The keys of an entry of `tar`.
pub const TAR_KEYS: &[&str] = &["path", "text", "file", "link", "mode"];

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];

/// Whether a request line has to be one of Docker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A route of Docker's, without version prefix.
    Documented,
    /// Anything.
    Raw,
}

/// Reads the request of a step from its key (`request`, `raw`, `stream`) and those beside it.
pub fn request(
    reader: &Reader<'_>,
    key: &str,
    line: Line,
    variables: &mut Variables<'_>,
    mistakes: &mut Mistakes,
) -> Option<Request> {
    let text = reader.string(key, mistakes)?;
    let span = reader.span_of(key);
    let Some((method, target)) =
        text.split_once(' ').filter(|(_, target)| target.starts_with('/') || line == Line::Raw)
    else {
        mistakes.add(
            span,
            format!("`{text}` is no request line"),
            "write METHOD /path, as in \"GET /version\"",
        );
        return None;
    };
    if !METHODS.contains(&method) && line == Line::Documented {
        let near = nearest(&method.to_ascii_uppercase(), METHODS).unwrap_or("GET");
        mistakes.add(
            span.clone(),
            format!("`{method}` is no HTTP method"),
            format!("did you mean `{near}`?"),
        );
    }
    let template = variables.template(target, span.clone(), mistakes)?;
    if line == Line::Documented {
        check_route(method, &template, span, mistakes);
    }
    let headers = reader
        .pairs("headers", mistakes)
        .into_iter()
        .filter_map(|(name, value, span)| Some((name, variables.template(value, span, mistakes)?)));
    let headers = headers.collect();
    Some(Request {
        method: method.to_owned(),
        target: template,
        headers,
        body: body(reader, variables, mistakes),
        label: reader.flag("label", mistakes).unwrap_or(true),
        until: until(reader, variables.setting, mistakes),
    })
}

/// A target with a word in place of each variable.
fn plain(target: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Capture(_) | Part::Name(_) | Part::Image(_) | Part::Run => "x".to_owned(),
    };
    target.0.iter().map(part).collect()
}

fn check_route(method: &str, target: &Template, span: Span, mistakes: &mut Mistakes) {
    let plain = plain(target);
    let path = plain.split('?').next().unwrap_or_default();
    let is_prefix = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if path.split('/').nth(1).is_some_and(is_prefix) {
        let help = "leave the version prefix out: the runner adds it. `raw` sends any other prefix";
        mistakes.add(span, format!("`{path}` has a version prefix"), help);
        return;
    }
    if Route::of(method, path).is_some() {
        return;
    }
    let others: Vec<&str> = METHODS.into_iter().filter(|other| Route::of(other, path).is_some()).collect();
    let help = if others.is_empty() {
        let asked = format!("{method} {path}");
        let near = nearest(&asked, ROUTES.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        format!("{near}A step with `raw` instead of `request` sends anything")
    } else {
        format!("Docker has this path for {}; a step with `raw` sends anything", others.join(", "))
    };
    mistakes.add(span, format!("`{method} {path}` is no route of the Docker API"), help);
}

fn body(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Body {
    let given: Vec<&str> =
        ["json", "text", "file", "tar"].into_iter().filter(|key| reader.has(key)).collect();
    if let [_, second, ..] = given.as_slice() {
        mistakes.add(
            reader.key_span(second),
            format!("a second body: {}", given.join(" and ")),
            "keep one of them",
        );
    }
    match given.first() {
        None => Body::None,
        Some(&"json") => json_body(reader, variables, mistakes).map_or(Body::None, Body::Json),
        Some(&"text") => {
            let text = reader.string("text", mistakes);
            let template = text.and_then(|text| variables.template(text, reader.span_of("text"), mistakes));
            template.map_or(Body::None, Body::Text)
        }
        Some(&"file") => {
            let file = reader.string("file", mistakes).unwrap_or_default();
            fixture(file, reader.span_of("file"), variables.setting, mistakes);
            Body::File(file.to_owned())
        }
        Some(_) => Body::Tar(
            reader
                .tables("tar", mistakes)
                .iter()
                .map(|entry| tar_entry(entry, variables, mistakes))
                .collect(),
        ),
    }
}

fn fixture(file: &str, span: Span, setting: &Setting<'_>, mistakes: &mut Mistakes) {
    if !setting.fixtures.contains(file) {
        let near = nearest(file, setting.fixtures.iter().map(String::as_str));
        let help = near.map_or("put it below fixtures/".to_owned(), |near| format!("did you mean `{near}`?"));
        mistakes.add(span, format!("there is no file `{file}`"), help);
    }
}

fn tar_entry(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> TarEntry {
    reader.only(TAR_KEYS, mistakes);
    reader.need("path", "say where it lies in the archive", mistakes);
    let path = reader.string("path", mistakes).unwrap_or_default().to_owned();
    let content = if let Some(text) = reader.string("text", mistakes) {
        let template = variables.template(text, reader.span_of("text"), mistakes);
        TarContent::Text(template.unwrap_or(Template(Vec::new())))
    } else if let Some(file) = reader.string("file", mistakes) {
        fixture(file, reader.span_of("file"), variables.setting, mistakes);
        TarContent::File(file.to_owned())
    } else if let Some(link) = reader.string("link", mistakes) {
        TarContent::Link(link.to_owned())
    } else if path.ends_with('/') {
        TarContent::Directory
    } else {
        TarContent::Text(Template(Vec::new()))
    };
    let default = if path.ends_with('/') { 0o755 } else { 0o644 };
    let mode = reader.string("mode", mistakes).map(|text| u32::from_str_radix(text, 8));
    let mode = match mode {
        None => default,
        Some(Ok(mode)) => mode,
        Some(Err(_)) => {
            mistakes.add(reader.span_of("mode"), "`mode` is no octal number", "write mode = \"0644\"");
            default
        }
    };
    TarEntry { path, content, mode }
}

/// JSON text with variables: each stands for text inside a string, and for a value outside.
fn json_body(
    reader: &Reader<'_>,
    variables: &mut Variables<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    let text = reader.string("json", mistakes)?;
    let span = reader.span_of("json");
    let template = variables.template(text, span.clone(), mistakes)?;
    let probe = probe(&template);
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&probe) {
        let place = json_place(reader.value("json"), text, &error).or(span);
        let said = error.to_string();
        let message = said.split(" at line").next().unwrap_or(&said);
        let help = "the body is sent as it stands here; to send broken JSON on purpose, write it as `text` with a \
                    Content-Type header";
        mistakes.add(place, format!("the body is no JSON: {message}"), help);
    }
    Some(template)
}

/// The JSON with each variable replaced by something of the same length class that parses.
fn probe(template: &Template) -> String {
    let mut probe = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for part in &template.0 {
        let Part::Text(text) = part else {
            probe.push('0');
            continue;
        };
        for letter in text.chars() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            probe.push(letter);
        }
    }
    probe
}

/// The place of a JSON mistake in the file, when the TOML string is written without escapes.
fn json_place(item: Option<&Item>, text: &str, error: &serde_json::Error) -> Option<Range<usize>> {
    let value = item?.as_value()?;
    let span = value.span()?;
    let opening = span.len().checked_sub(text.len())?;
    // ''' or ' on both sides, perhaps with a line break after the opening one.
    let start = span.start + opening.div_ceil(2).min(4);
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (start + before + error.column().saturating_sub(1)).min(span.end.saturating_sub(1));
    text.contains("${").then_some(span).or(Some(at..at + 1))
}

fn until(reader: &Reader<'_>, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Option<Until> {
    let until = reader.table("until", mistakes)?;
    until.only(UNTIL_KEYS, mistakes);
    until.need("at", "write at = \"/body/json/State/Running\"", mistakes);
    until.need("is", "write the value that ends the wait: is = false", mistakes);
    let at = pointer(until.string("at", mistakes)?, until.span_of("at"), mistakes)?;
    let is = super::divergence_file::plain_value(until.value("is")?.as_value()?)?;
    let seconds = until.count("seconds", mistakes).unwrap_or(setting.settings.until_seconds);
    Some(Until { at, is, limit: Duration::from_secs(seconds) })
}

/// A pointer, or a mistake.
pub fn pointer(text: &str, span: Span, mistakes: &mut Mistakes) -> Option<Pointer> {
    match Pointer::parse(text) {
        Ok(pointer) => Some(pointer),
        Err(error) => {
            mistakes.add(span, format!("`{text}` is no pointer"), error.to_string());
            None
        }
    }
}
