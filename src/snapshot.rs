//! A recording after normalising: what is compared, committed and reviewed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine_id::EngineId;
use crate::pointer::Pointer;
use crate::route::Route;
use crate::scenario::{CaseId, StepId};

/// The normalised answers of one case on one engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The case.
    pub case: CaseId,
    /// Who answered. A snapshot from the simulator says so here.
    pub engine: EngineId,
    /// The fingerprint of the scenario that was run.
    pub fingerprint: String,
    /// The steps in the scenario's order.
    pub steps: Vec<StepSnapshot>,
}

/// The normalised answers of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSnapshot {
    /// The step.
    pub id: StepId,
    /// One exchange, or those of an exec.
    pub parts: Vec<Part>,
}

/// One normalised exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `create`, `start` or `inspect` of an exec; empty for all other steps.
    pub name: String,
    /// Docker's route, if it is one.
    pub route: Option<Route>,
    /// The request line as sent, with names for values.
    pub request: String,
    /// What is compared: `status`, `reason`, `headers`, `body`, `error`, `stdout`, `stderr`,
    /// `end`, `failure`, `unreached`, `time`.
    pub tree: Value,
}

impl Snapshot {
    /// The step of that name.
    pub fn step(&self, id: &StepId) -> Option<&StepSnapshot> {
        self.steps.iter().find(|step| step.id == *id)
    }
}

impl StepSnapshot {
    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// A place where two snapshots disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The step.
    pub step: StepId,
    /// The part of an exec, else empty.
    pub part: String,
    /// The place within the exchange.
    pub at: Pointer,
    /// What the reference has there; none where it has nothing.
    pub reference: Option<Value>,
    /// What the candidate has there; none where it has nothing.
    pub candidate: Option<Value>,
}
