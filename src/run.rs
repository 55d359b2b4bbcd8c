//! Running one case on one engine: from a scenario to a recording, leaving nothing behind. Knows
//! nothing of the other engine, and judges nothing.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::engine::wire::Wire;
use crate::engine::{Endpoint, EngineError};
use crate::engine_id::EngineId;
use crate::exchange::Recording;
use crate::scenario::{CaseId, Scenario, StepId};
use crate::version::Version;

pub mod archive;
pub mod before;
pub mod cancel;
pub mod capture;
pub mod case;
pub mod cleanup;
pub mod housekeeping;
pub mod images;
pub mod label;
pub mod ledger;
pub mod made;
pub mod own_images;
pub mod perform;
pub mod plan;
pub mod recipe;
pub mod registry;
pub mod scrub;
pub mod sweep;
pub mod turns;
pub mod typed;
pub mod values;

use cancel::Cancel;
use case::Case;
use ledger::Ledger;

/// One case on one engine, with all that it needs.
#[derive(Clone, Copy, Debug)]
pub struct CaseRun<'a> {
    /// What is asked.
    pub scenario: &'a Scenario,
    /// The version that prefixes requests.
    pub api: &'a Version,
    /// Where it is asked.
    pub endpoint: &'a Endpoint,
    /// Who is asked.
    pub engine: &'a EngineId,
    /// Unique to this run, case and side: the value of the label, and the start of all names.
    pub tag: &'a str,
    /// Where everything that is made is entered first.
    pub ledger: &'a Ledger,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// Where fixtures lie.
    pub fixtures: &'a Path,
    /// Ends the case early.
    pub cancel: &'a Cancel,
}

/// How long things may take, before an engine's timeout factor.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// One request and its answer.
    pub request: Duration,
    /// The longest that a poll, a stream or an exec may take, whatever its scenario says.
    pub until: Duration,
}

/// Why a case has no recording.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The engine cannot be reached.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The ledger cannot be written, so nothing may be made.
    #[error("write the ledger: {0}")]
    Ledger(#[source] std::io::Error),
    /// A fixture cannot be read.
    #[error("read {path}: {source}")]
    Fixture {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A command has no home.
    #[error("make {path} for the docker CLI: {source}")]
    Home {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The scenario uses an image that the engine does not have.
    #[error("find an image for `${{image:{0}}}` on this engine")]
    NoImage(String),
    /// A join of a step that does not run in the background.
    #[error("join `{0}`: no such step runs in the background")]
    NoBackground(StepId),
    /// Others made or removed things while the case looked at the whole host.
    #[error(
        "look at the whole host: others changed it meanwhile; run it again when nobody else uses the engine"
    )]
    NotAlone,
    /// The run was told to end.
    #[error("finish the case: the run was cancelled")]
    Cancelled,
}

/// Runs a case and removes whatever it made, also when it fails or panics. What cannot be
/// removed is told to the ledger.
pub async fn run_case(run: CaseRun<'_>) -> Result<Recording, RunError> {
    let wire = Wire::new(run.endpoint)?;
    let home = Endpoint { address: run.endpoint.home().clone(), ..run.endpoint.clone() };
    let before = match run.scenario.looks_at_all() {
        true => Some(before::before(&wire, &run).await?),
        false => None,
    };
    let mut case = Case::new(run, wire.clone(), Wire::new(&home)?);
    let outcome = AssertUnwindSafe(case.steps()).catch_unwind().await;
    case.clean().await;
    let steps = outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
    if let Some(before) = &before
        && before::changed(before, &before::before(&wire, &run).await?, &steps)
    {
        return Err(RunError::NotAlone);
    }
    let id = CaseId { scenario: run.scenario.id.clone(), api: run.api.clone() };
    let address = run.endpoint.address.to_string();
    let (engine, label, names) = (run.engine.clone(), run.endpoint.label.clone(), case.into_named());
    let certificates = run.endpoint.address.certificates().map(Path::to_owned);
    Ok(Recording { case: id, engine, address, certificates, label, steps, names, before })
}
