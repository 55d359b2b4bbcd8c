//! Groups new findings by cause, so that a first run against a new engine gives tens of
//! divergence files and not thousands of pins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::edit::Pin;
use super::{Accepting, Found, Proposal, lines, route_of};
use crate::divergence::{EVIDENCE, Evidence};
use crate::pointer::Pointer;
use crate::report::CaseReport;
use crate::report::console::counted;
use crate::scenario::Scenario;
use crate::snapshot::{Part, Snapshot};
use crate::version::Version;

/// Both snapshots of a case.
pub type Pair = (Snapshot, Snapshot);

/// Where one observation of a proposal speaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Everywhere,
    Route(String),
    Scenario(String),
}

/// One line of a proposed file: scope, place, both sides.
type Line = (Scope, String, String, String);

/// The cause that findings share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    slug: String,
    /// The only API versions at which it shows; empty for all of a scenario's.
    api: Vec<String>,
}

/// A proposal for every cause.
pub fn new_divergences(accepting: &Accepting<'_>, new: &[Found<'_>]) -> Vec<Proposal> {
    let mut causes: BTreeMap<Cause, (BTreeSet<Line>, Vec<Found<'_>>)> = BTreeMap::new();
    let refused = refusals(new);
    for found in new {
        let (slug, line) = cause_of(accepting, found, new, &refused);
        let api = only_at(accepting, found, new);
        let (lines, all) = causes.entry(Cause { slug, api }).or_default();
        lines.insert(line);
        all.push(*found);
    }
    let known: BTreeSet<&str> =
        accepting.suite.divergences.iter().map(|divergence| divergence.id.as_str()).collect();
    causes
        .into_iter()
        .map(|(cause, (lines, found))| proposal(accepting, &cause, &lines, &found, &known))
        .collect()
}

fn place<'a>(found: &Found<'a>) -> (&'a CaseReport, String, String, String) {
    let at = &found.finding.at;
    let part = ["create", "start", "inspect"].into_iter().find(|part| {
        at.strip_prefix('/')
            .and_then(|rest| rest.strip_prefix(part))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let rest = part.map_or(at.as_str(), |part| &at[part.len() + 1..]);
    (found.case, found.finding.step.0.clone(), part.unwrap_or_default().to_owned(), rest.to_owned())
}

/// Exchanges that the candidate refuses while the reference does not, with what it says.
fn refusals(new: &[Found<'_>]) -> BTreeMap<(String, String, String), String> {
    let mut refused = BTreeMap::new();
    for found in new {
        let (case, step, part, rest) = place(found);
        let is_refusal = (rest == "/error" || rest == "/failure")
            && found.finding.absent.iter().any(|side| side == "reference");
        if let (true, Some(said)) = (is_refusal, &found.finding.candidate) {
            let code = said.get("code").or_else(|| said.get("envelope")).unwrap_or(said);
            let text = code.as_str().unwrap_or("refused").to_owned();
            refused.insert((case.case().to_string(), step, part), text);
        }
    }
    refused
}

fn cause_of(
    accepting: &Accepting<'_>,
    found: &Found<'_>,
    new: &[Found<'_>],
    refused: &BTreeMap<(String, String, String), String>,
) -> (String, Line) {
    let (case, step, part, rest) = place(found);
    let sides = [Pin::reference(found.finding), Pin::candidate(found.finding)];
    let told = |scope: Scope, at: String| {
        (scope, at, sides[0].to_toml().to_string(), sides[1].to_toml().to_string())
    };
    let by_name = || told(Scope::Scenario(case.scenario.0.clone()), format!("{step}{}", found.finding.at));
    let scenario = accepting.suite.scenarios.iter().find(|scenario| scenario.id == case.scenario);
    let route = scenario.and_then(|scenario| route_of(scenario, &found.finding.step, &part));
    let route_name = route.as_ref().map_or("raw".to_owned(), |route| slug(route.as_str()));
    if let Some(said) = refused.get(&(case.case().to_string(), step.clone(), part.clone())) {
        return (format!("{route_name}-refused-{}", slug(said)), by_name());
    }
    let alike: Vec<(Option<String>, &Scenario)> = new
        .iter()
        .filter(|other| place(other).3 == rest)
        .filter(|other| [Pin::reference(other.finding), Pin::candidate(other.finding)] == sides)
        .filter_map(|other| {
            let (case, _, part, _) = place(other);
            let scenario = accepting.suite.scenarios.iter().find(|scenario| scenario.id == case.scenario)?;
            let route = route_of(scenario, &other.finding.step, &part);
            Some((route.map(|route| route.as_str().to_owned()), scenario))
        })
        .collect();
    let routes: BTreeSet<&Option<String>> = alike.iter().map(|(route, _)| route).collect();
    let tail = slug(&rest.replace("/body/json", ""));
    if routes.len() >= 3 && holds_for_all(accepting, None, &rest, &sides) {
        return (format!("every-answer-{tail}"), told(Scope::Everywhere, rest));
    }
    if let Some(route) = &route {
        let of_route: BTreeSet<&str> = alike
            .iter()
            .filter(|(its, _)| its.as_deref() == Some(route.as_str()))
            .map(|(_, scenario)| scenario.id.0.as_str())
            .collect();
        if of_route.len() >= 2 && holds_for_all(accepting, Some(route.as_str()), &rest, &sides) {
            return (format!("{route_name}-{tail}"), told(Scope::Route(route.as_str().to_owned()), rest));
        }
    }
    (format!("{route_name}-{tail}"), by_name())
}

/// Whether a pin for a whole route (or for every answer) is right wherever it would apply.
fn holds_for_all(accepting: &Accepting<'_>, route: Option<&str>, at: &str, sides: &[Pin; 2]) -> bool {
    let Ok(pointer) = Pointer::parse(at) else { return false };
    let is = |pin: &Pin, part: &Part| match (pin, pointer.find(&part.tree)) {
        (Pin::Absent, None) => true,
        (Pin::Is(want), Some(have)) => want == have,
        (Pin::Absent, Some(_)) | (Pin::Is(_), None) => false,
    };
    accepting.pairs.iter().all(|(reference, candidate)| {
        reference.steps.iter().all(|step| {
            step.parts.iter().all(|part| {
                let applies =
                    route.is_none_or(|route| part.route.as_ref().is_some_and(|its| its.as_str() == route));
                let theirs = candidate.step(&step.id).and_then(|step| step.part(&part.name));
                let unreached = |part: &Part| part.tree.get("unreached").is_some();
                !applies
                    || !is(&sides[0], part)
                    || theirs.is_none_or(|theirs| unreached(theirs) || is(&sides[1], theirs))
            })
        })
    })
}

/// The API versions at which a finding shows, when the scenario runs at others too.
fn only_at(accepting: &Accepting<'_>, found: &Found<'_>, new: &[Found<'_>]) -> Vec<String> {
    let ran: BTreeSet<&Version> = accepting
        .report
        .verdicts
        .iter()
        .filter(|case| case.scenario == found.case.scenario)
        .map(|case| &case.api)
        .collect();
    let same = |other: &&Found<'_>| {
        other.case.scenario == found.case.scenario
            && other.finding.step == found.finding.step
            && other.finding.at == found.finding.at
            && [Pin::reference(other.finding), Pin::candidate(other.finding)]
                == [Pin::reference(found.finding), Pin::candidate(found.finding)]
    };
    let shows: BTreeSet<&Version> = new.iter().filter(same).map(|other| &other.case.api).collect();
    if shows == ran { Vec::new() } else { shows.into_iter().map(Version::to_string).collect() }
}

fn proposal(
    accepting: &Accepting<'_>,
    cause: &Cause,
    observations: &BTreeSet<Line>,
    found: &[Found<'_>],
    known: &BTreeSet<&str>,
) -> Proposal {
    let area = found.first().map_or("errors", |found| found.case.scenario.area());
    let engine = &accepting.report.candidate.identity;
    let base = match cause.api.as_slice() {
        [] => cause.slug.clone(),
        api => format!("{}-api-{}", cause.slug, api.join("-")),
    };
    let mut id = base.clone();
    let mut number = 1;
    while known.contains(id.as_str()) {
        number += 1;
        id = format!("{base}-{number}");
    }
    let evidence =
        EVIDENCE.iter().find(|(_, its)| *its == accepting.evidence).map_or("read", |(word, _)| word);
    let when = match cause.api.as_slice() {
        [] => String::new(),
        [one] => format!("when = {{ api = \"={one}\" }}\n"),
        [first, .., last] => format!("when = {{ api = \">={first}, <={last}\" }}\n"),
    };
    let release = &accepting.report.candidate.release;
    let mut text = format!(
        "title = \"{}\"\nkind = \"{}\"\npage = \"{area}\"\nwhy = \"\"\"\n{TO_FILL_IN} (first seen on {engine} \
         {release})\n\"\"\"\n{when}evidence = \"{evidence}\"\n",
        base.replace('-', " "),
        if base.contains("-refused-") { "omission" } else { "deficiency" },
    );
    for (scope, at, reference, candidate) in observations {
        let scope = match scope {
            Scope::Everywhere => "on = \"*\"".to_owned(),
            Scope::Route(route) => format!("on = \"{route}\""),
            Scope::Scenario(scenario) => format!("scenario = \"{scenario}\""),
        };
        let at = Value::String(at.clone());
        text.push_str(&format!(
            "\n[[observations]]\n{scope}\nat = {at}\nreference = {reference}\ncandidate = {candidate}\n"
        ));
    }
    Proposal {
        title: format!("write {id}: {} in {}", base.replace('-', " "), counted(found.len(), "place")),
        findings: lines(found),
        file: format!("suites/{area}/divergences/{engine}/{id}.toml"),
        text: Some(text),
    }
}

/// Stands in `why` until somebody has written it; `check` asks for it.
pub const TO_FILL_IN: &str = "TO BE WRITTEN: what a reader should know of this";

/// Whether a run against this evidence can be taken for one.
pub fn is_seen(evidence: Evidence) -> bool {
    evidence == Evidence::Observed
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => slug.push(letter.to_ascii_lowercase()),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').chars().take(60).collect()
}
