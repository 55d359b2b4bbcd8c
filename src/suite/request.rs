//! The request of a step: its line, headers and polling, with every mistake at its place.

use std::time::Duration;

use super::body::body;
use super::keys::UNTIL_KEYS;
use super::matcher::plain_value;
use super::reader::{Reader, kind};
use super::variables::Variables;
use super::word::Word;
use crate::mistake::{Mistakes, nearest};
use crate::route::{ROUTES, Route};
use crate::scenario::{Part, Request, Template, Until};

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
    // All of them are read before any can fail, so that all their mistakes are told.
    let start = reader.word(key, mistakes).and_then(|word| request_line(&word, line, variables, mistakes));
    let headers = reader
        .entries("headers", mistakes)
        .into_iter()
        .filter_map(|entry| Some((entry.name.to_owned(), variables.template(&entry.word, mistakes)?)));
    let headers = headers.collect();
    let body = body(reader, variables, mistakes);
    let label = reader.flag("label", mistakes).unwrap_or(true);
    let until = until(reader, variables.setting.settings.until_seconds, mistakes);
    let (method, target) = start?;
    Some(Request { method, target, headers, body, label, until })
}

fn request_line(
    word: &Word<'_>,
    line: Line,
    variables: &mut Variables<'_>,
    mistakes: &mut Mistakes,
) -> Option<(String, Template)> {
    let text = word.text();
    let Some((method, target)) = word.split_once(' ') else {
        let help = "write METHOD /path, as in \"GET /version\"";
        mistakes.add(word.span(), format!("`{text}` is no request line"), help);
        return None;
    };
    let is_method = METHODS.contains(&method.text());
    if line == Line::Documented && !is_method {
        let help = match nearest(&method.text().to_ascii_uppercase(), METHODS) {
            Some(near) => format!("did you mean `{near}`? A step with `raw` sends any method"),
            None => format!("there are: {}; a step with `raw` sends any method", METHODS.join(", ")),
        };
        mistakes.add(method.span(), format!("`{}` is no HTTP method", method.text()), help);
    }
    if line == Line::Documented && !target.text().starts_with('/') {
        let help =
            "after the method stands one space and a path that begins with `/`, as in \"GET /version\"";
        mistakes.add(target.span(), format!("`{}` is no path", target.text()), help);
        return None;
    }
    let template = variables.template(&target, mistakes)?;
    if line == Line::Documented {
        check_route(&method, is_method, &target, &template, mistakes);
    }
    Some((method.text().to_owned(), template))
}

/// The route that a documented request takes; a word stands for each variable.
pub fn route_of(method: &str, target: &Template) -> Option<Route> {
    Route::of(method, path_of(&with_variables_as(target, "x")))
}

fn with_variables_as(target: &Template, stand_in: &str) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Capture(_) | Part::Name(_) | Part::Image(_) | Part::Run | Part::Registry => stand_in.to_owned(),
    };
    target.0.iter().map(part).collect()
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn check_route(
    method: &Word<'_>,
    is_method: bool,
    target: &Word<'_>,
    template: &Template,
    mistakes: &mut Mistakes,
) {
    let written = target.piece(0..path_of(target.text()).len());
    let segment = written.text().split('/').nth(1).unwrap_or_default();
    let is_version =
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if is_version {
        let help =
            "leave it out: the runner adds the version of each case; a step with `raw` sends any prefix";
        let place = target.piece(0..segment.len() + 1).span();
        mistakes.add(place, format!("`/{segment}` is a version prefix"), help);
        return;
    }
    if !is_method || route_of(method.text(), template).is_some() {
        return;
    }
    let starred = with_variables_as(template, "*");
    let asked = format!("{} {}", method.text(), path_of(&starred));
    let others: Vec<&str> = METHODS.into_iter().filter(|other| route_of(other, template).is_some()).collect();
    let (place, help) = match others.as_slice() {
        [] => (written.span(), format!("{}a step with `raw` sends anything", near_route(&asked))),
        _ => {
            let others = others.join(" and ");
            (method.span(), format!("Docker has this path for {others}; a step with `raw` sends anything"))
        }
    };
    mistakes.add(place, format!("`{asked}` is no route of the Docker API"), help);
}

/// The nearest route: one with the same method and as many segments, if one is near.
fn near_route(asked: &str) -> String {
    let shape = |route: &str| (route.split(' ').next().map(str::to_owned), route.matches('/').count());
    let alike = ROUTES.iter().copied().filter(|route| shape(route) == shape(asked));
    let near = nearest(asked, alike).or_else(|| nearest(asked, ROUTES.iter().copied()));
    near.map(|near| format!("did you mean `{near}`? Else ")).unwrap_or_default()
}

fn until(reader: &Reader<'_>, default_seconds: u64, mistakes: &mut Mistakes) -> Option<Until> {
    let until = reader.table("until", mistakes)?;
    until.only(UNTIL_KEYS, mistakes);
    until.need("at", "write at = \"/body/json/State/Running\"", mistakes);
    until.need("is", "write the value that ends the wait: is = false", mistakes);
    let at = until.word("at", mistakes).and_then(|word| word.pointer(mistakes));
    let seconds = until.count("seconds", mistakes).unwrap_or(default_seconds);
    let item = until.value("is")?;
    let is = item.as_value().and_then(|value| plain_value(value, reader.source()));
    if is.is_none() {
        let help = "the wait ends at a string, a number, true, false or a list of these";
        mistakes.add(item.span(), format!("`is` expects a value, found {}", kind(item)), help);
    }
    Some(Until { at: at?, is: is?, limit: Duration::from_secs(seconds) })
}
