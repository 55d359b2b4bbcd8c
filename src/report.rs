//! All verdicts of a run with totals and the exit code. The only thing that sinks read.

pub mod compared;
pub mod console;
pub mod curl;
pub mod github;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod promoted;
pub mod summary;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine_id::{EngineId, Kind};
use crate::partition::Partition;
use crate::scenario::{CaseId, ScenarioId};
use crate::verdict::{Finding, FindingKind, Verdict, VerdictKind};
use crate::version::Version;

/// The version of the report's JSON.
pub const FORMAT: u32 = 1;

/// A run, told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this shape.
    pub format: u32,
    /// The engine that is right by definition.
    pub reference: Side,
    /// The engine that is held against it.
    pub candidate: Side,
    /// The candidate's world.
    pub world: String,
    /// Which suite it was: a hash of all its files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suite: String,
    /// Behaviours of the simulator that were switched off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// The part of a run that this is, if it is only a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Share>,
    /// Cases by verdict.
    pub totals: Totals,
    /// Findings by kind.
    pub findings: Counts,
    /// Divergences that are no longer so, each once.
    pub fixed: Vec<FixedDivergence>,
    /// All verdicts, by case.
    pub verdicts: Vec<CaseReport>,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which part.
    pub partition: Partition,
    /// How many cases all parts have together.
    pub selected: usize,
}

/// One engine of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// As it was asked for: `docker`, `simulator`, `recorded:docker-20.10`.
    pub name: String,
    /// Which implementation it answers as.
    pub identity: String,
    /// How it is reached. A stand-in says `simulator`, a committed snapshot `recorded`.
    pub kind: Kind,
    /// For `recorded`: how the engine was reached when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_from: Option<Kind>,
    /// Its release.
    pub release: Version,
}

impl Side {
    /// An engine under the name by which it was asked for.
    pub fn of(name: &str, engine: &EngineId, recorded: bool) -> Side {
        Side {
            name: name.to_owned(),
            identity: engine.identity.clone(),
            kind: if recorded { Kind::Recorded } else { engine.kind },
            recorded_from: recorded.then_some(engine.kind),
            release: engine.release.clone(),
        }
    }

    /// `docker 20.10.24, live` or `sdc-docker 0.7, simulator (recorded)`.
    pub fn told(&self) -> String {
        match self.recorded_from {
            None => format!("{} {}, {}", self.identity, self.release, self.kind),
            Some(Kind::Simulator) => {
                format!("{} {}, simulator, from snapshots", self.identity, self.release)
            }
            Some(_) => format!("{} {}, from snapshots", self.identity, self.release),
        }
    }
}

/// Cases by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All cases.
    pub cases: usize,
    /// No difference.
    pub conforms: usize,
    /// Only known differences.
    pub diverges: usize,
    /// Something new, drifted or fixed.
    pub fails: usize,
    /// Not judged.
    pub errs: usize,
    /// A capability is missing.
    pub skipped: usize,
}

/// Findings by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// As pinned.
    pub known: usize,
    /// Not explained.
    pub new: usize,
    /// Not as pinned.
    pub drifted: usize,
    /// No difference any more.
    pub fixed: usize,
    /// Not sent.
    pub unreached: usize,
}

/// A divergence with a fixed place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedDivergence {
    /// Its id.
    pub divergence: String,
    /// Whether other places of it are still known: then it is partly fixed.
    pub partly: bool,
    /// How many places are fixed.
    pub places: usize,
}

/// A verdict as reports show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The scenario.
    pub scenario: ScenarioId,
    /// The API version.
    pub api: Version,
    /// What is said.
    pub verdict: VerdictKind,
    /// Why it errs or was skipped, or what was left out of its answers; else none.
    pub reason: Option<String>,
    /// All findings.
    pub findings: Vec<Finding>,
    /// Both sides' time for the whole case, in milliseconds; none from snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<[f64; 2]>,
}

impl CaseReport {
    /// A verdict with the times that it took to get it.
    pub fn of(verdict: Verdict, millis: Option<[f64; 2]>) -> CaseReport {
        let Verdict { case: CaseId { scenario, api }, verdict, reason, findings } = verdict;
        CaseReport { scenario, api, verdict, reason, findings, millis }
    }

    /// The case.
    pub fn case(&self) -> CaseId {
        CaseId { scenario: self.scenario.clone(), api: self.api.clone() }
    }
}

/// The exit codes of every command.
pub mod exit {
    /// Every case conforms or diverges as written, and at least one ran.
    pub const FINE: u8 = 0;
    /// At least one case fails; of `check`: something was found.
    pub const FAILS: u8 = 1;
    /// A usage error, or a suite, divergence or snapshot that does not load.
    pub const MISTAKE: u8 = 2;
    /// At least one case errs; wins over [`FAILS`].
    pub const ERRS: u8 = 3;
    /// Nothing ran.
    pub const NOTHING: u8 = 4;
}

impl Report {
    /// Adds up the verdicts of a run.
    pub fn new(reference: Side, candidate: Side, world: &str, mut verdicts: Vec<CaseReport>) -> Report {
        verdicts.sort_by(|one, other| (&one.scenario, &one.api).cmp(&(&other.scenario, &other.api)));
        let mut totals = Totals { cases: verdicts.len(), ..Totals::default() };
        let mut findings = Counts::default();
        for verdict in &verdicts {
            *match verdict.verdict {
                VerdictKind::Conforms => &mut totals.conforms,
                VerdictKind::Diverges => &mut totals.diverges,
                VerdictKind::Fails => &mut totals.fails,
                VerdictKind::Errs => &mut totals.errs,
                VerdictKind::Skipped => &mut totals.skipped,
            } += 1;
            for finding in &verdict.findings {
                *match finding.finding {
                    FindingKind::Known => &mut findings.known,
                    FindingKind::New => &mut findings.new,
                    FindingKind::Drifted => &mut findings.drifted,
                    FindingKind::Fixed => &mut findings.fixed,
                    FindingKind::Unreached => &mut findings.unreached,
                } += 1;
            }
        }
        let fixed = fixed_divergences(&verdicts);
        Report {
            format: FORMAT,
            reference,
            candidate,
            world: world.to_owned(),
            suite: String::new(),
            without: Vec::new(),
            partition: None,
            totals,
            findings,
            fixed,
            verdicts,
        }
    }

    /// The exit code of the run.
    pub fn exit(&self) -> u8 {
        let Totals { cases, fails, errs, skipped, .. } = self.totals;
        match (errs, fails, cases - skipped) {
            (1.., _, _) => exit::ERRS,
            (0, 1.., _) => exit::FAILS,
            (0, 0, 0) => exit::NOTHING,
            (0, 0, _) => exit::FINE,
        }
    }

    /// The divergences that some finding names, with how many places of each kind.
    pub fn by_divergence(&self) -> BTreeMap<&str, BTreeMap<FindingKind, usize>> {
        by_divergence(self.verdicts.iter().flat_map(|verdict| &verdict.findings))
    }

    /// The cases that failed or erred.
    pub fn unhappy(&self) -> BTreeSet<CaseId> {
        let unhappy = self.verdicts.iter().filter(|verdict| verdict.verdict.is_unhappy());
        unhappy.map(CaseReport::case).collect()
    }
}

/// How many findings of each kind name a divergence.
fn by_divergence<'f>(
    findings: impl Iterator<Item = &'f Finding>,
) -> BTreeMap<&'f str, BTreeMap<FindingKind, usize>> {
    let mut found: BTreeMap<&str, BTreeMap<FindingKind, usize>> = BTreeMap::new();
    for finding in findings {
        if let Some(id) = &finding.divergence {
            *found.entry(id).or_default().entry(finding.finding).or_default() += 1;
        }
    }
    found
}

fn fixed_divergences(verdicts: &[CaseReport]) -> Vec<FixedDivergence> {
    let found = by_divergence(verdicts.iter().flat_map(|verdict| &verdict.findings));
    let fixed = |(id, counts): (&str, BTreeMap<FindingKind, usize>)| {
        let places = *counts.get(&FindingKind::Fixed)?;
        let partly = counts.contains_key(&FindingKind::Known);
        Some(FixedDivergence { divergence: id.to_owned(), partly, places })
    };
    found.into_iter().filter_map(fixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::StepId;

    fn case(name: &str, verdict: VerdictKind, findings: &[(FindingKind, &str)]) -> CaseReport {
        let finding = |(finding, id): &(FindingKind, &str)| Finding {
            finding: *finding,
            divergence: Some((*id).to_owned()),
            pin: None,
            step: StepId("s".to_owned()),
            at: "/status".to_owned(),
            reference: None,
            candidate: None,
            absent: Vec::new(),
            note: None,
        };
        CaseReport {
            scenario: ScenarioId(name.to_owned()),
            api: "1.21".parse().unwrap(),
            verdict,
            reason: None,
            findings: findings.iter().map(finding).collect(),
            millis: None,
        }
    }

    fn report(verdicts: Vec<CaseReport>) -> Report {
        let side = Side {
            name: "docker".to_owned(),
            identity: "docker".to_owned(),
            kind: Kind::Live,
            recorded_from: None,
            release: "20.10".parse().unwrap(),
        };
        Report::new(side.clone(), side, "default", verdicts)
    }

    #[test]
    fn the_exit_code_follows_the_worst_verdict_and_errs_wins() {
        use VerdictKind::{Conforms, Diverges, Errs, Fails, Skipped};
        let table: [(&[VerdictKind], u8); 7] = [
            (&[], exit::NOTHING),
            (&[Skipped, Skipped], exit::NOTHING),
            (&[Conforms, Skipped], exit::FINE),
            (&[Conforms, Diverges], exit::FINE),
            (&[Conforms, Fails], exit::FAILS),
            (&[Errs], exit::ERRS),
            (&[Fails, Errs, Conforms], exit::ERRS),
        ];
        for (verdicts, code) in table {
            let cases = verdicts.iter().map(|verdict| case("a/b", *verdict, &[])).collect();
            assert_eq!(report(cases).exit(), code, "{verdicts:?}");
        }
    }

    #[test]
    fn a_divergence_with_fixed_and_known_places_is_partly_fixed_and_listed_once() {
        use FindingKind::{Fixed, Known};
        let told = report(vec![
            case("a/one", VerdictKind::Fails, &[(Fixed, "x"), (Fixed, "y")]),
            case("a/two", VerdictKind::Diverges, &[(Known, "x"), (Fixed, "y")]),
        ]);
        let fixed = |id: &str, partly, places| FixedDivergence { divergence: id.to_owned(), partly, places };
        assert_eq!(told.fixed, [fixed("x", true, 1), fixed("y", false, 2)]);
    }
}
