//! An observation: which steps it speaks of, the place, and what both sides answer there.

use std::collections::BTreeSet;

use super::divergence_file::Known;
use super::keys::{OBSERVATION_KEYS, PARTS};
use super::matcher::matcher;
use super::reader::Reader;
use super::word::{Word, choose};
use crate::divergence::{Matcher, Observation, Scope, ValueType};
use crate::judge::select::glob_matches;
use crate::mistake::{Mistakes, nearest};
use crate::pointer::Pattern;
use crate::route::{ROUTES, Route};
use crate::scenario::{Action, Scenario, StepId};

/// Reads one observation.
pub fn observation(reader: &Reader<'_>, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<Observation> {
    reader.only(OBSERVATION_KEYS, mistakes);
    reader.need("at", "name the place: at = \"wait/body/json/StatusCode\"", mistakes);
    reader.need("candidate", "pin what the candidate answers, or { absent = true }", mistakes);
    let candidate = matcher(reader, "candidate", mistakes);
    // A ratio says all of both sides; that there is a time at all is what it needs.
    let is_ratio = reader.value("candidate").and_then(|item| item.get("ratio")).is_some();
    if !is_ratio {
        reader.need("reference", "pin what the reference answers, or { absent = true }", mistakes);
    }
    let reference = match reader.has("reference") {
        false => is_ratio.then_some(Matcher::Type(ValueType::Object)),
        true => matcher(reader, "reference", mistakes),
    };
    let (scope, at) = scope(reader, known, mistakes)?;
    Some(Observation { scope, at, reference: reference?, candidate: candidate?, line: reader.line() })
}

fn scope(reader: &Reader<'_>, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<(Scope, Pattern)> {
    let at = reader.word("at", mistakes);
    match (reader.word("scenario", mistakes), reader.word("on", mistakes)) {
        (Some(_), Some(_)) => {
            let help = "keep `scenario` for one scenario or a glob of them, `on` for every step with a route";
            mistakes.add(reader.key_span("on"), "both `scenario` and `on`", help);
            None
        }
        (None, None) if reader.has("scenario") || reader.has("on") => None,
        (None, None) => {
            let help = "say where: scenario = \"area/name\", on = \"POST /containers/create\" or on = \"*\"";
            mistakes.add(reader.span.clone(), "neither `scenario` nor `on`", help);
            None
        }
        (Some(glob), None) => by_scenario(&glob, &at?, known, mistakes),
        (None, Some(route)) => {
            let scope = by_route(&route, mistakes);
            let at = at?;
            let pattern = pattern(&at, at.text(), mistakes);
            Some((scope?, pattern?))
        }
    }
}

fn by_route(word: &Word<'_>, mistakes: &mut Mistakes) -> Option<Scope> {
    let text = word.text();
    if text == "*" {
        return Some(Scope::Everywhere);
    }
    let route = Route::named(text);
    if route.is_none() {
        // What a scenario would send, where the route was meant.
        let taken = text.split_once(' ').and_then(|(method, path)| Route::of(method, path));
        let near = taken.as_ref().map(Route::as_str).or_else(|| nearest(text, ROUTES.iter().copied()));
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let help = format!(
            "{near}A route is METHOD /path without query, with `*` for each name; on = \"*\" is every step"
        );
        mistakes.add(word.span(), format!("`{text}` is no route of the Docker API"), help);
    }
    route.map(Scope::Route)
}

fn pattern(at: &Word<'_>, pointer: &str, mistakes: &mut Mistakes) -> Option<Pattern> {
    match Pattern::parse(pointer) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            mistakes.add(at.span(), format!("`{}` names no place", at.text()), error.to_string());
            None
        }
    }
}

fn by_scenario(
    glob: &Word<'_>,
    at: &Word<'_>,
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Option<(Scope, Pattern)> {
    let named: Vec<&Scenario> =
        known.scenarios.iter().filter(|each| glob_matches(glob.text(), &each.id.0)).collect();
    let names_broken = known.broken.iter().any(|id| glob_matches(glob.text(), &id.0));
    let is_glob = glob.text().contains('*');
    if named.is_empty() && !names_broken {
        let ids = known.scenarios.iter().map(|each| &each.id).chain(known.broken).map(|id| id.0.as_str());
        let (message, else_say) = match is_glob {
            true => (format!("no scenario matches `{}`", glob.text()), "`*` stands for any text"),
            false => (format!("no scenario is called `{}`", glob.text()), "`divergence list` tells them all"),
        };
        mistakes.add(glob.span(), message, choose(glob.text(), ids, else_say));
    }
    let Some((step, rest)) = at.split_once('/').filter(|(step, _)| !step.text().is_empty()) else {
        let help = "with `scenario` it begins with a step, then the pointer: at = \"create/status\", or \"*/status\"";
        mistakes.add(at.span(), format!("`{}` names no step and place", at.text()), help);
        return None;
    };
    let rest = format!("/{}", rest.text());
    let (part, rest) = match (named.as_slice(), is_glob || names_broken || step.text() == "*") {
        ([scenario], false) => in_step(scenario, &step, &rest, at, mistakes)?,
        _ => {
            if !names_broken {
                check_step(&named, glob, &step, mistakes);
            }
            split_part(&rest)
        }
    };
    let step = (step.text() != "*").then(|| StepId(step.text().to_owned()));
    let pattern = pattern(at, &rest, mistakes)?;
    Some((Scope::Scenario { glob: glob.text().to_owned(), step, part }, pattern))
}

/// The part of an exec, where the pointer begins with one, and the pointer within it.
fn split_part(rest: &str) -> (String, String) {
    let first = rest[1..].split('/').next().unwrap_or_default();
    match PARTS.contains(&first) {
        true => (first.to_owned(), rest[first.len() + 1..].to_owned()),
        false => (String::new(), rest.to_owned()),
    }
}

fn in_step(
    scenario: &Scenario,
    step: &Word<'_>,
    rest: &str,
    at: &Word<'_>,
    mistakes: &mut Mistakes,
) -> Option<(String, String)> {
    let Some(its) = scenario.steps.iter().find(|each| each.id.0 == step.text()) else {
        let ids = scenario.steps.iter().map(|each| each.id.0.as_str());
        let help = choose(step.text(), ids, "see the ids of its [[steps]]");
        mistakes.add(step.span(), format!("{} has no step `{}`", scenario.id, step.text()), help);
        return None;
    };
    match &its.action {
        Action::Request(_) | Action::Raw(_) | Action::Stream(_) | Action::Cli(_) | Action::Join(_) => {
            Some((String::new(), rest.to_owned()))
        }
        Action::Exec(_) => {
            let (part, rest) = split_part(rest);
            if part.is_empty() {
                let step = step.text();
                let help = format!(
                    "an exec has three parts: \"{step}/create/status\", \"{step}/start/stdout\", \"{step}/inspect/body/json/ExitCode\""
                );
                mistakes.add(at.span(), format!("`{}` names no part of the exec", at.text()), help);
                return None;
            }
            Some((part, rest))
        }
    }
}

/// Notes a step that none of the scenarios of a glob has.
fn check_step(named: &[&Scenario], glob: &Word<'_>, step: &Word<'_>, mistakes: &mut Mistakes) {
    let steps = named.iter().flat_map(|scenario| &scenario.steps);
    let ids: BTreeSet<&str> = steps.map(|each| each.id.0.as_str()).collect();
    if step.text() != "*" && !named.is_empty() && !ids.contains(step.text()) {
        let help = choose(step.text(), ids.iter().copied(), "`*` stands for every step");
        let message = format!("no scenario of `{}` has a step `{}`", glob.text(), step.text());
        mistakes.add(step.span(), message, help);
    }
}
