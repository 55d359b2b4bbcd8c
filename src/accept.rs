//! Turns the findings of a run into changes of divergence files: new ones written, drifted ones
//! pinned anew, the range of fixed ones closed. Comments and order in the files survive.
//! It proposes; the command line asks and the store writes.

pub mod edit;
pub mod group;

use std::collections::{BTreeMap, BTreeSet};

use crate::divergence::{Divergence, Evidence};
use crate::report::{CaseReport, Report};
use crate::scenario::{Action, Scenario, StepId};
use crate::suite::Suite;
use crate::verdict::{Finding, FindingKind, PinPlace};
use crate::version::Version;

/// What `accept` is told.
pub struct Accepting<'a> {
    /// The suite as it is.
    pub suite: &'a Suite,
    /// The run.
    pub report: &'a Report,
    /// The text of a divergence file.
    pub text_of: &'a dyn Fn(&str) -> String,
    /// Every snapshot of the run, to see that a pin for a whole route holds for all of it.
    pub pairs: &'a [group::Pair],
    /// How new divergences are known.
    pub evidence: Evidence,
}

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What it does, in a line.
    pub title: String,
    /// What it rests on, a line each.
    pub findings: Vec<String>,
    /// The file.
    pub file: String,
    /// Its whole new text; none when it can only be done by hand, and `title` says how.
    pub text: Option<String>,
}

/// A finding with the case that it was found in.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The case.
    pub case: &'a CaseReport,
    /// The finding.
    pub finding: &'a Finding,
}

/// All changes that the findings ask for; `wanted` says which cases to look at.
pub fn propose(accepting: &Accepting<'_>, wanted: &dyn Fn(&CaseReport) -> bool) -> Vec<Proposal> {
    let all: Vec<Found<'_>> = accepting
        .report
        .verdicts
        .iter()
        .filter(|case| wanted(case))
        .flat_map(|case| case.findings.iter().map(move |finding| Found { case, finding }))
        .collect();
    let mut proposals = Vec::new();
    for divergence in &accepting.suite.divergences {
        let ours: Vec<Found<'_>> = all
            .iter()
            .copied()
            .filter(|found| found.finding.divergence.as_ref() == Some(&divergence.id))
            .filter(|_| divergence.engine == accepting.report.candidate.identity)
            .collect();
        proposals.extend(of_divergence(accepting, divergence, &ours));
    }
    let new: Vec<Found<'_>> =
        all.iter().copied().filter(|found| found.finding.finding == FindingKind::New).collect();
    proposals.extend(group::new_divergences(accepting, &new));
    proposals
}

/// Re-pins what drifted and closes what is fixed, observation by observation.
fn of_divergence(accepting: &Accepting<'_>, divergence: &Divergence, ours: &[Found<'_>]) -> Vec<Proposal> {
    let is = |kind: FindingKind| move |found: &&Found<'_>| found.finding.finding == kind;
    let fixed = ours.iter().filter(is(FindingKind::Fixed)).count();
    let drifted = ours.iter().filter(is(FindingKind::Drifted)).count();
    let text = (accepting.text_of)(&divergence.file);
    let release = &accepting.report.candidate.release;
    let mut proposals = Vec::new();
    if fixed > 0 && fixed == ours.len() {
        proposals.push(close(divergence, ours, &text, release));
        return proposals;
    }
    let mut by_pin: BTreeMap<&PinPlace, Vec<Found<'_>>> = BTreeMap::new();
    for found in ours {
        if let Some(pin) = &found.finding.pin {
            by_pin.entry(pin).or_default().push(*found);
        }
    }
    if drifted > 0 {
        proposals.push(repin(divergence, &by_pin, &text));
    }
    if fixed > 0 {
        proposals.push(split_off(divergence, &by_pin, &text, release));
    }
    proposals
}

fn lines(found: &[Found<'_>]) -> Vec<String> {
    let line = |found: &Found<'_>| {
        format!("{}: {}", found.case.case(), crate::report::console::one_line(found.finding))
    };
    found.iter().map(line).collect()
}

fn close(divergence: &Divergence, ours: &[Found<'_>], text: &str, release: &Version) -> Proposal {
    let bound = format!("<{}", release.short());
    Proposal {
        title: format!("close the range of {}: release \"{bound}\"", divergence.id),
        findings: lines(ours),
        file: divergence.file.clone(),
        text: edit::close_range(text, &bound),
    }
}

fn repin(divergence: &Divergence, by_pin: &BTreeMap<&PinPlace, Vec<Found<'_>>>, text: &str) -> Proposal {
    let mut changed = Some(text.to_owned());
    let mut findings = Vec::new();
    for (at, observation) in divergence.observations.iter().enumerate() {
        let Some(found) = by_pin.get(&PinPlace::of(divergence, observation)) else { continue };
        let drifted: Vec<Found<'_>> =
            found.iter().copied().filter(|each| each.finding.finding == FindingKind::Drifted).collect();
        let Some(first) = drifted.first() else { continue };
        findings.extend(lines(&drifted));
        let values =
            |found: &Found<'_>| [edit::Pin::reference(found.finding), edit::Pin::candidate(found.finding)];
        let all_alike = drifted.iter().all(|each| values(each) == values(first));
        changed = changed.and_then(|text| match all_alike && drifted.len() == found.len() {
            true => edit::set_pins(&text, at, &values(first)),
            // Other places of the observation hold: the drifted ones get pins of their own.
            false => drifted.iter().try_fold(text, |text, each| edit::add_pin(&text, each)),
        });
    }
    Proposal {
        title: format!("pin {} anew", divergence.id),
        findings,
        file: divergence.file.clone(),
        text: changed,
    }
}

fn split_off(
    divergence: &Divergence,
    by_pin: &BTreeMap<&PinPlace, Vec<Found<'_>>>,
    text: &str,
    release: &Version,
) -> Proposal {
    let mut gone = BTreeSet::new();
    let mut mixed = false;
    let mut findings = Vec::new();
    for (at, observation) in divergence.observations.iter().enumerate() {
        let Some(found) = by_pin.get(&PinPlace::of(divergence, observation)) else { continue };
        let fixed = found.iter().filter(|each| each.finding.finding == FindingKind::Fixed).count();
        findings.extend(lines(found).into_iter().filter(|line| line.contains(": fixed ")));
        mixed |= fixed > 0 && fixed < found.len();
        if fixed == found.len() {
            gone.insert(at);
        }
    }
    let short = release.short();
    let file = divergence.file.replace(".toml", &format!("-before-{short}.toml"));
    if mixed || gone.is_empty() {
        return Proposal {
            title: format!(
                "{} is fixed at some places of one observation: name the scenarios that still differ, by hand",
                divergence.id
            ),
            findings,
            file: divergence.file.clone(),
            text: None,
        };
    }
    Proposal {
        title: format!("move what is fixed of {} to {file}, closed at {short}", divergence.id),
        findings,
        text: edit::keep_observations(text, &gone)
            .and_then(|kept| edit::close_range(&kept, &format!("<{short}"))),
        file,
    }
}

/// Removes from a divergence the observations that were moved to another file.
pub fn rest_of(divergence: &Divergence, moved: &str, text: &str) -> Option<String> {
    let count = divergence.observations.len();
    let gone = edit::observations_in(moved)?;
    let ours = edit::observations_in(text)?;
    let kept: BTreeSet<usize> =
        (0..count).filter(|at| ours.get(*at).is_some_and(|one| !gone.contains(one))).collect();
    edit::keep_observations(text, &kept)
}

/// The route of an exchange, from the scenario that asks it.
pub fn route_of(scenario: &Scenario, step: &StepId, part: &str) -> Option<crate::route::Route> {
    let step = scenario.steps.iter().find(|each| each.id == *step)?;
    let request = match (&step.action, part) {
        (Action::Exec(_), "create") => return crate::route::Route::named("POST /containers/*/exec"),
        (Action::Exec(_), "start") => return crate::route::Route::named("POST /exec/*/start"),
        (Action::Exec(_), "inspect") => return crate::route::Route::named("GET /exec/*/json"),
        (Action::Exec(_) | Action::Raw(_) | Action::Cli(_), _) => return None,
        (Action::Request(request), _) => request,
        (Action::Stream(stream), _) => &stream.request,
        (Action::Join(other), part) => return route_of(scenario, other, part),
    };
    let target = request.target.source();
    let plain = target.split("${").enumerate().map(|(at, piece)| match at {
        0 => piece.to_owned(),
        _ => format!("x{}", piece.split_once('}').map_or("", |(_, rest)| rest)),
    });
    crate::route::Route::of(&request.method, &plain.collect::<String>())
}

#[cfg(test)]
mod tests;
