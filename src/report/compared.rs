//! Two reports held against each other, of releases or of engines: what newly diverges, is fixed,
//! has changed, is gone or added. So a release is held against the last one, not against perfection.

pub mod tell;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CaseReport, Report, exit};
use crate::scenario::CaseId;
use crate::verdict::{Finding, FindingKind, VerdictKind};

/// What became of the differences of the earlier report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// The version of this shape.
    pub format: u32,
    /// The earlier side: the candidate and what it was held against.
    pub earlier: String,
    /// The later side.
    pub later: String,
    /// What makes the two hard to compare: another suite, another reference.
    pub notes: Vec<String>,
    /// Places that differ only in the later report.
    pub newly_diverging: Vec<Place>,
    /// Places that differ only in the earlier report.
    pub fixed: Vec<Place>,
    /// Places that differ in both, by other values.
    pub changed: Vec<Place>,
    /// How many places differ in both by the same values.
    pub unchanged: usize,
    /// Cases that are judged only in the earlier report.
    pub gone: Vec<Case>,
    /// Cases that are judged only in the later report.
    pub added: Vec<Case>,
    /// Cases that were judged earlier and could not be later.
    pub errs: Vec<Case>,
}

/// A place with what was found there, earlier and later.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// The case.
    pub case: String,
    /// What was found earlier.
    pub earlier: Option<Finding>,
    /// What was found later.
    pub later: Option<Finding>,
}

/// A case that only one of the reports judges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// The case.
    pub case: String,
    /// How many places differ, in the report that judges it.
    pub differences: usize,
    /// Why the other report does not judge it.
    pub why: String,
}

impl Compared {
    /// 1 on anything newly diverging; 3 where something could not be judged any more; 4 where no
    /// case is judged in both.
    pub fn exit(&self, judged_in_both: usize) -> u8 {
        match (self.errs.len(), self.newly_diverging.len(), judged_in_both) {
            (1.., _, _) => exit::ERRS,
            (0, 1.., _) => exit::FAILS,
            (0, 0, 0) => exit::NOTHING,
            (0, 0, _) => exit::FINE,
        }
    }
}

/// Holds the later report against the earlier one; also says how many cases both judge.
pub fn compare(earlier: &Report, later: &Report) -> (Compared, usize) {
    let told = |report: &Report| {
        let world = match report.world.as_str() {
            "default" => String::new(),
            world => format!(" in world {world}"),
        };
        format!("{}{world} against {}", report.candidate.told(), report.reference.told())
    };
    let mut compared = Compared {
        format: super::FORMAT,
        earlier: told(earlier),
        later: told(later),
        notes: notes(earlier, later),
        ..Compared::default()
    };
    let cases = |report: &'_ Report| -> BTreeMap<CaseId, CaseReport> {
        report.verdicts.iter().map(|verdict| (verdict.case(), verdict.clone())).collect()
    };
    let (before, after) = (cases(earlier), cases(later));
    let mut both = 0;
    for (case, one) in &before {
        match after.get(case) {
            _ if !is_judged(one) => {}
            Some(other) if is_judged(other) => {
                both += 1;
                compare_case(case, one, other, &mut compared);
            }
            Some(other) if other.verdict == VerdictKind::Errs => {
                compared.errs.push(told_case(one, Some(other)))
            }
            other => compared.gone.push(told_case(one, other)),
        }
    }
    // A case that was not judged before has no excuse for what nothing explains.
    for (case, one) in after.iter().filter(|(_, one)| is_judged(one)) {
        let other = before.get(case);
        if !other.is_some_and(is_judged) {
            compared.added.push(told_case(one, other));
            let unexplained = one.findings.iter().filter(differs).filter(|finding| finding.finding.fails());
            compared.newly_diverging.extend(unexplained.map(|finding| place(case, None, Some(finding))));
        }
    }
    (compared, both)
}

fn notes(earlier: &Report, later: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if earlier.suite != later.suite {
        notes.push("the suites differ: scenarios or divergences changed in between".to_owned());
    }
    if earlier.reference.told() != later.reference.told() {
        notes.push("the references differ: a change may be one of theirs".to_owned());
    }
    for (word, report) in [("earlier", earlier), ("later", later)] {
        if let Some(share) = report.partition {
            notes.push(format!("the {word} report is only partition {} of its run", share.partition));
        }
    }
    notes
}

fn is_judged(case: &CaseReport) -> bool {
    case.verdict.is_judged()
}

/// Whether there is a difference at the finding's place.
fn differs(finding: &&Finding) -> bool {
    match finding.finding {
        FindingKind::Known | FindingKind::New | FindingKind::Drifted | FindingKind::Unreached => true,
        FindingKind::Fixed => false,
    }
}

fn told_case(judged: &CaseReport, other: Option<&CaseReport>) -> Case {
    let why = match other {
        None => "it is not in the report".to_owned(),
        Some(other) => {
            let reason = other.reason.as_deref().unwrap_or("no reason is given");
            format!("{}: {reason}", other.verdict.word())
        }
    };
    Case { case: judged.case().to_string(), differences: judged.findings.iter().filter(differs).count(), why }
}

fn compare_case(case: &CaseId, earlier: &CaseReport, later: &CaseReport, compared: &mut Compared) {
    let of =
        |report: &CaseReport| -> Vec<Finding> { report.findings.iter().filter(differs).cloned().collect() };
    let (before, after) = (of(earlier), of(later));
    for one in &before {
        let same = after.iter().find(|other| key(other) == key(one));
        match same.or_else(|| after.iter().find(|other| overlap(one, other))) {
            Some(other) if values(one) == values(other) && key(one) == key(other) => compared.unchanged += 1,
            Some(other) => compared.changed.push(place(case, Some(one), Some(other))),
            None => compared.fixed.push(place(case, Some(one), None)),
        }
    }
    for other in &after {
        // That a step was not reached before excuses only what is explained now.
        let excuses = |one: &&Finding| {
            overlap(one, other) && (one.finding != FindingKind::Unreached || !other.finding.fails())
        };
        if !before.iter().any(|one| excuses(&one)) {
            compared.newly_diverging.push(place(case, None, Some(other)));
        }
    }
}

fn place(case: &CaseId, earlier: Option<&Finding>, later: Option<&Finding>) -> Place {
    Place { case: case.to_string(), earlier: earlier.cloned(), later: later.cloned() }
}

fn key(finding: &Finding) -> (&str, &str) {
    (&finding.step.0, &finding.at)
}

/// Both values, and whether they are there at all. Times are told in other words every time:
/// what counts of them is whether they are as pinned.
fn values(finding: &Finding) -> impl PartialEq + use<> {
    let is_time = finding.at.ends_with("/time") && finding.finding == FindingKind::Known;
    let values = (finding.reference.clone(), finding.candidate.clone(), finding.absent.clone());
    (!is_time).then_some(values)
}

/// Whether one place is the other or lies within it.
fn overlap(one: &Finding, other: &Finding) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    one.step == other.step && (within(&one.at, &other.at) || within(&other.at, &one.at))
}
