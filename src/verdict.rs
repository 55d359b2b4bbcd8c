//! What is said of places, cases and divergences. Values only; [`crate::judge`] decides.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::divergence::{Divergence, Observation};
use crate::scenario::{CaseId, StepId};

/// What is said of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Both sides are as a divergence pins them.
    Known,
    /// A difference where no divergence applies.
    New,
    /// A side is not as pinned, and the sides still differ.
    Drifted,
    /// The candidate answers as the reference does, where a divergence says it does not.
    Fixed,
    /// The step could not be sent to the candidate.
    Unreached,
}

impl FindingKind {
    /// All kinds, in the order of reports.
    pub const ALL: [FindingKind; 5] = [
        FindingKind::New,
        FindingKind::Drifted,
        FindingKind::Fixed,
        FindingKind::Known,
        FindingKind::Unreached,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            FindingKind::Known => "known",
            FindingKind::New => "new",
            FindingKind::Drifted => "drifted",
            FindingKind::Fixed => "fixed",
            FindingKind::Unreached => "unreached",
        }
    }

    /// Whether a case with such a finding fails.
    pub fn fails(self) -> bool {
        match self {
            FindingKind::New | FindingKind::Drifted | FindingKind::Fixed => true,
            FindingKind::Known | FindingKind::Unreached => false,
        }
    }
}

/// Where an observation stands; written `file:line`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinPlace {
    /// The divergence file.
    pub file: String,
    /// The line in it.
    pub line: usize,
}

impl PinPlace {
    /// Where an observation of a divergence stands.
    pub fn of(divergence: &Divergence, observation: &Observation) -> PinPlace {
        PinPlace { file: divergence.file.clone(), line: observation.line }
    }
}

impl fmt::Display for PinPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

impl From<PinPlace> for String {
    fn from(place: PinPlace) -> String {
        place.to_string()
    }
}

impl TryFrom<String> for PinPlace {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let place = text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        match place {
            Some((file, line)) => Ok(PinPlace { file: file.to_owned(), line }),
            None => Err(format!("{text} is no file:line")),
        }
    }
}

/// What is said of one place, with both values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is said.
    pub finding: FindingKind,
    /// The divergence that speaks of the place.
    pub divergence: Option<String>,
    /// The observation that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinPlace>,
    /// The step.
    pub step: StepId,
    /// The place within the step; of an exec it begins with the part.
    pub at: String,
    /// What the reference has there; null also when it has nothing, see `absent`.
    pub reference: Option<Value>,
    /// What the candidate has there; null also when it has nothing, see `absent`.
    pub candidate: Option<Value>,
    /// The sides that have nothing there: `reference`, `candidate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// What would make a wrong pin right, or which step an unreached one hangs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is said of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// No difference, nothing fixed.
    Conforms,
    /// Every finding is known, or unreached behind a known one.
    Diverges,
    /// Something is new, drifted or fixed.
    Fails,
    /// No connection, the reference failed, or the harness did.
    Errs,
    /// A capability is missing.
    Skipped,
}

impl VerdictKind {
    /// Whether the case was judged.
    pub fn is_judged(self) -> bool {
        matches!(self, VerdictKind::Conforms | VerdictKind::Diverges | VerdictKind::Fails)
    }

    /// Whether somebody has to look at it.
    pub fn is_unhappy(self) -> bool {
        matches!(self, VerdictKind::Fails | VerdictKind::Errs)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            VerdictKind::Conforms => "conforms",
            VerdictKind::Diverges => "diverges",
            VerdictKind::Fails => "fails",
            VerdictKind::Errs => "errs",
            VerdictKind::Skipped => "skipped",
        }
    }
}

/// What is said of one case, with the reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The case.
    pub case: CaseId,
    /// What is said.
    pub verdict: VerdictKind,
    /// Why it errs or was skipped, or what was left out of its answers; else none.
    pub reason: Option<String>,
    /// All findings, in the scenario's order.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// A case that could not be judged.
    pub fn without_findings(case: CaseId, verdict: VerdictKind, reason: impl Into<String>) -> Verdict {
        Verdict { case, verdict, reason: Some(reason.into()), findings: Vec::new() }
    }

    /// How many findings are of this kind.
    pub fn count(&self, kind: FindingKind) -> usize {
        self.findings.iter().filter(|finding| finding.finding == kind).count()
    }
}
