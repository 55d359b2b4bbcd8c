//! Which cases a command speaks of: filters by name and API version.

use super::CliError;
use crate::case::schedule::Planned;
use crate::judge::select::glob_matches;
use crate::mistake::nearest;
use crate::scenario::CaseId;
use crate::suite::Suite;
use crate::version::Version;

/// The cases that every given filter lets through; without filters, all.
///
/// A filter is a part of a case's name (`area/name@api`), or a glob over the whole of it or of
/// the scenario's name.
pub fn cases<'s>(
    suite: &'s Suite,
    filters: &[String],
    api: &[Version],
) -> Result<Vec<Planned<'s>>, CliError> {
    let own = suite
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.api.iter().map(move |api| Planned { scenario, api }));
    let own = own.filter(|planned| api.is_empty() || api.contains(planned.api));
    filtered(suite, own, filters, api)
}

/// As [`cases`], but every scenario at each of the API versions asked for that it speaks of,
/// whether it runs at them by itself or not.
pub fn cases_at<'s>(
    suite: &'s Suite,
    filters: &[String],
    api: &'s [Version],
) -> Result<Vec<Planned<'s>>, CliError> {
    let all = suite.scenarios.iter().flat_map(|scenario| {
        let api = if api.is_empty() { &scenario.api } else { api };
        api.iter().filter(|api| scenario.speaks_of(api)).map(move |api| Planned { scenario, api })
    });
    filtered(suite, all, filters, api)
}

fn filtered<'s>(
    suite: &Suite,
    all: impl Iterator<Item = Planned<'s>>,
    filters: &[String],
    api: &[Version],
) -> Result<Vec<Planned<'s>>, CliError> {
    let through = |planned: &Planned<'_>| {
        filters.is_empty() || filters.iter().any(|filter| lets_through(filter, &planned.case()))
    };
    let chosen: Vec<Planned<'s>> = all.filter(through).collect();
    if chosen.is_empty() {
        return Err(CliError::Nothing(nothing(suite, filters, api)));
    }
    Ok(chosen)
}

/// Whether a filter lets a case through.
pub fn lets_through(filter: &str, case: &CaseId) -> bool {
    let name = case.to_string();
    match filter.contains('*') {
        true => glob_matches(filter, &name) || glob_matches(filter, &case.scenario.0),
        false => name.contains(filter),
    }
}

fn nothing(suite: &Suite, filters: &[String], api: &[Version]) -> String {
    if suite.scenarios.is_empty() {
        return "no scenario is there; `divergence new area/name` writes a first one".to_owned();
    }
    let names: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.id.0.as_str()).collect();
    let near = closest(filters.first().map_or("", String::as_str), &names);
    let versions: Vec<String> = api.iter().map(Version::to_string).collect();
    let at = if versions.is_empty() { String::new() } else { format!(" at API {}", versions.join(", ")) };
    let filters =
        if filters.is_empty() { "the suite".to_owned() } else { format!("`{}`", filters.join("`, `")) };
    format!("no case matches {filters}{at}; the closest are: {}", near.join(", "))
}

/// The names closest to a word, best first.
pub fn closest<'n>(word: &str, names: &[&'n str]) -> Vec<&'n str> {
    let likeness = |name: &str| {
        let tail = name.rsplit('/').next().unwrap_or(name);
        strsim::jaro_winkler(word, name).max(strsim::jaro_winkler(word, tail))
    };
    let mut near: Vec<&'n str> = names.to_vec();
    near.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
    near.truncate(3);
    near
}

/// The one scenario that a name means: its id, or the only one that has the text in its id.
pub fn one_scenario<'s>(suite: &'s Suite, name: &str) -> Result<&'s crate::scenario::Scenario, CliError> {
    if let Some(exact) = suite.scenarios.iter().find(|scenario| scenario.id.0 == name) {
        return Ok(exact);
    }
    let by_name: Vec<_> = suite.scenarios.iter().filter(|scenario| scenario.id.name() == name).collect();
    if let [one] = by_name.as_slice() {
        return Ok(one);
    }
    let matching: Vec<_> = suite.scenarios.iter().filter(|scenario| scenario.id.0.contains(name)).collect();
    let names: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.id.0.as_str()).collect();
    match matching.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::Nothing(format!(
            "no scenario is called `{name}`; the closest are: {}",
            closest(name, &names).join(", ")
        ))),
        several => {
            let names: Vec<&str> = several.iter().map(|scenario| scenario.id.0.as_str()).collect();
            Err(CliError::Nothing(format!("`{name}` means several: {}", names.join(", "))))
        }
    }
}

/// What is meant by a word that is not one of those known.
pub fn unknown(what: &str, word: &str, known: &[&str]) -> CliError {
    let hint = nearest(word, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    CliError::Usage(format!("{what} `{word}` is not known{}", hint.unwrap_or_default()))
}
