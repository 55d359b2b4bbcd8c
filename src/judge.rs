//! Judges every place of a case by itself, with the divergences that speak of it.
//! The one function that decides; it knows no file, no engine and no report.

pub mod select;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::divergence::{Divergence, Matcher, Observation, RatioBound};
use crate::pointer::Pointer;
use crate::scenario::{Scenario, StepId};
use crate::snapshot::{Difference, Part, Snapshot, StepSnapshot};
use crate::timing;
use crate::verdict::{Finding, FindingKind, Verdict, VerdictKind};
use select::{Choice, Conditions, Speaker};

/// Judges one case: the differences of its two snapshots against what is known.
pub fn judge(
    scenario: &Scenario,
    reference: &Snapshot,
    candidate: &Snapshot,
    differences: &[Difference],
    divergences: &[Divergence],
    conditions: &Conditions,
) -> Verdict {
    let case = candidate.case.clone();
    if let Some(reason) = reference_trouble(reference) {
        return Verdict::without_findings(case, VerdictKind::Errs, reason);
    }
    let speaking = select::Speaking::of(&select::active(divergences, &case.api, conditions), &case);
    let mut findings = Vec::new();
    for step in &reference.steps {
        let theirs = candidate.step(&step.id);
        if let Some(cause) = theirs.and_then(unreached) {
            findings.push(unreached_finding(&step.id, "", cause));
            continue;
        }
        for name in part_names(step, theirs) {
            let sides = [step.part(name), theirs.and_then(|step| step.part(name))];
            let here: Vec<&Difference> =
                differences.iter().filter(|each| each.step == step.id && each.part == name).collect();
            match sides {
                [Some(reference), Some(candidate)] => {
                    let at = Spot { scenario, step: &step.id, reference, candidate };
                    findings.extend(judge_part(&at, &here, &speaking));
                }
                _ => findings.push(unreached_finding(&step.id, name, &step.id.0)),
            }
        }
    }
    let verdict = verdict_of(&findings);
    Verdict { case, verdict, reason: None, findings }
}

/// One exchange on both sides.
struct Spot<'a> {
    scenario: &'a Scenario,
    step: &'a StepId,
    reference: &'a Part,
    candidate: &'a Part,
}

/// The places of differences, in order: what lies below a place stands together behind it.
struct Differing<'a>(BTreeSet<&'a Pointer>);

impl Differing<'_> {
    /// Whether there is a difference at the place, below it or above it.
    fn touches(&self, place: &Pointer) -> bool {
        let below = self.0.range::<&Pointer, _>(place..).next().is_some_and(|first| first.is_under(place));
        below || place.and_above().any(|above| self.0.contains(&above))
    }
}

fn judge_part(spot: &Spot<'_>, differences: &[&Difference], speaking: &select::Speaking<'_>) -> Vec<Finding> {
    let speakers = speaking.of_exchange(spot.step, spot.reference);
    let differing = Differing(differences.iter().map(|each| &each.at).collect());
    let trees = [Some(&spot.reference.tree), Some(&spot.candidate.tree)];
    let mut places: BTreeMap<Pointer, Vec<Speaker<'_>>> = BTreeMap::new();
    for speaker in speakers {
        let compared = |place: &Pointer| spot.scenario.compares(spot.step, &spot.reference.name, place);
        let places_here = speaker.observation.at.places(trees).into_iter().filter(compared);
        for place in places_here.filter(|place| speaker.reaches(place, &spot.reference.tree)) {
            places.entry(place).or_default().push(speaker);
        }
    }
    let mut findings = Vec::new();
    let mut judged: BTreeSet<Pointer> = BTreeSet::new();
    for (place, speakers) in places {
        let at_reference = place.find(&spot.reference.tree);
        match select::most_specific(&speakers, at_reference) {
            Choice::Nobody => {}
            Choice::One(speaker) => {
                let nowhere = [&speaker.observation.reference, &speaker.observation.candidate];
                let says_nothing = nowhere.iter().all(|pin| matches!(pin, Matcher::Absent));
                let is_there = trees.iter().flatten().any(|tree| place.find(tree).is_some());
                // Nothing on either side, as pinned: it only keeps a wider observation away.
                if !says_nothing || is_there {
                    findings.push(judge_place(spot, &place, speaker, &differing));
                }
                judged.insert(place);
            }
            Choice::Tie(one, other) => {
                let mut finding = finding_at(spot, &place, FindingKind::Drifted);
                one.sign(&mut finding);
                finding.note = Some(format!(
                    "{} and {} are equally specific here; make one of them narrower",
                    one.place_in_file(),
                    other.place_in_file()
                ));
                findings.push(finding);
                judged.insert(place);
            }
        }
    }
    for difference in differences {
        if !difference.at.and_above().any(|place| judged.contains(&place)) {
            findings.push(finding_at(spot, &difference.at, FindingKind::New));
        }
    }
    findings.sort_by(|left, right| left.at.cmp(&right.at));
    findings
}

fn judge_place(spot: &Spot<'_>, place: &Pointer, speaker: Speaker<'_>, differing: &Differing<'_>) -> Finding {
    let differs = differing.touches(place);
    let sides = [place.find(&spot.reference.tree), place.find(&spot.candidate.tree)];
    let observation = speaker.observation;
    if let Matcher::Ratio(bound) = &observation.candidate {
        return judge_ratio(spot, place, speaker, *bound, differs);
    }
    let kind = match (observation.reference.accepts(sides[0]), observation.candidate.accepts(sides[1])) {
        (false, _) => FindingKind::Drifted,
        (true, true) => FindingKind::Known,
        (true, false) if !differs => FindingKind::Fixed,
        (true, false) => FindingKind::Drifted,
    };
    let mut finding = finding_at(spot, place, kind);
    speaker.sign(&mut finding);
    finding.note = (kind == FindingKind::Drifted).then(|| advice(speaker, sides));
    finding
}

fn judge_ratio(
    spot: &Spot<'_>,
    place: &Pointer,
    speaker: Speaker<'_>,
    bound: RatioBound,
    differs: bool,
) -> Finding {
    let millis =
        [timing::millis_at(place, &spot.reference.tree), timing::millis_at(place, &spot.candidate.tree)];
    let [reference, candidate] = &millis;
    let ratio = timing::ratio(reference, candidate);
    let holds = ratio.as_ref().is_some_and(|ratio| match bound {
        RatioBound::AtLeast(least) => ratio.low >= least,
        RatioBound::AtMost(most) => ratio.high <= most,
    });
    let kind = match (holds, differs) {
        (true, _) => FindingKind::Known,
        (false, false) => FindingKind::Fixed,
        (false, true) => FindingKind::Drifted,
    };
    let mut finding = finding_at(spot, place, kind);
    speaker.sign(&mut finding);
    let told = |millis: &[f64]| Some(Value::String(timing::told(millis)));
    (finding.reference, finding.candidate) = (told(reference), told(candidate));
    finding.note = ratio.map(|ratio| format!("{ratio}, pinned {bound}"));
    finding
}

/// What would make a wrong pin right.
fn advice(speaker: Speaker<'_>, sides: [Option<&Value>; 2]) -> String {
    let Observation { reference, candidate, .. } = speaker.observation;
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let mut wrong = Vec::new();
    for (side, pin, value) in [("reference", reference, sides[0]), ("candidate", candidate, sides[1])] {
        if !pin.accepts(value) {
            wrong.push(format!("{side} is pinned as {pin} but answers {}", shown(value)));
        }
    }
    format!("{}; see {}", wrong.join("; "), speaker.place_in_file())
}

fn finding_at(spot: &Spot<'_>, place: &Pointer, finding: FindingKind) -> Finding {
    let [reference, candidate] =
        [&spot.reference.tree, &spot.candidate.tree].map(|tree| place.find(tree).cloned());
    let missing = [("reference", reference.is_none()), ("candidate", candidate.is_none())];
    let absent = missing.iter().filter(|(_, is_absent)| *is_absent);
    let part = spot.reference.name.as_str();
    let prefix = if part.is_empty() { String::new() } else { format!("/{part}") };
    Finding {
        finding,
        divergence: None,
        pin: None,
        step: spot.step.clone(),
        at: format!("{prefix}{place}"),
        absent: absent.map(|(side, _)| (*side).to_owned()).collect(),
        reference,
        candidate,
        note: None,
    }
}

fn unreached_finding(step: &StepId, part: &str, cause: &str) -> Finding {
    Finding {
        finding: FindingKind::Unreached,
        divergence: None,
        pin: None,
        step: step.clone(),
        at: if part.is_empty() { String::new() } else { format!("/{part}") },
        reference: None,
        candidate: None,
        absent: vec!["candidate".to_owned()],
        note: Some(cause.to_owned()),
    }
}

/// The step that an unreached step hangs on.
fn unreached(step: &StepSnapshot) -> Option<&str> {
    step.parts.first().and_then(|part| part.tree.get("unreached")).and_then(Value::as_str)
}

fn part_names<'a>(ours: &'a StepSnapshot, theirs: Option<&'a StepSnapshot>) -> Vec<&'a str> {
    let mut names: Vec<&str> = ours.parts.iter().map(|part| part.name.as_str()).collect();
    for part in theirs.iter().flat_map(|step| &step.parts) {
        if !names.contains(&part.name.as_str()) {
            names.push(&part.name);
        }
    }
    names
}

fn reference_trouble(reference: &Snapshot) -> Option<String> {
    reference.steps.iter().find_map(|step| {
        if let Some(cause) = unreached(step) {
            return Some(format!(
                "step `{}` could not be sent to the reference: `{cause}` gave no value",
                step.id
            ));
        }
        let failure = step.parts.iter().find_map(|part| part.tree.get("failure"))?;
        Some(format!("the reference failed in step `{}`: {failure}", step.id))
    })
}

/// Every finding known, or unreached behind a known one: `diverges`.
fn verdict_of(findings: &[Finding]) -> VerdictKind {
    if findings.is_empty() {
        return VerdictKind::Conforms;
    }
    let explained = |finding: &Finding| match finding.finding {
        FindingKind::Known => true,
        FindingKind::Unreached => is_behind_known(findings, finding),
        FindingKind::New | FindingKind::Drifted | FindingKind::Fixed => false,
    };
    if findings.iter().all(explained) { VerdictKind::Diverges } else { VerdictKind::Fails }
}

fn is_behind_known(findings: &[Finding], unreached: &Finding) -> bool {
    let mut cause = unreached.note.as_deref().unwrap_or_default();
    for _ in 0..findings.len() {
        let of_cause = || findings.iter().filter(|finding| finding.step.0 == cause);
        if of_cause().any(|finding| finding.finding == FindingKind::Known) {
            return true;
        }
        let hangs_on =
            of_cause().find(|finding| finding.finding == FindingKind::Unreached && finding.at.is_empty());
        match hangs_on.and_then(|finding| finding.note.as_deref()) {
            Some(next) => cause = next,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod examples;
