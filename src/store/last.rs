//! What is kept of the last run: its report, both snapshots of each case and the raw recordings.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::exchange::Recording;
use crate::report::Report;
use crate::scenario::CaseId;
use crate::snapshot::Snapshot;

use super::{Store, StoreError, read, write};

/// One case of the last run, on both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Played {
    /// The reference's snapshot.
    pub reference: Option<Snapshot>,
    /// The candidate's snapshot.
    pub candidate: Option<Snapshot>,
    /// What really went over the wire to the reference, if it was not recorded before.
    pub reference_recording: Option<Recording>,
    /// What really went over the wire to the candidate, if it was not recorded before.
    pub candidate_recording: Option<Recording>,
}

impl Store {
    fn last_path(&self, name: &str) -> PathBuf {
        self.state.join("last").join(name)
    }

    fn played_path(&self, case: &CaseId) -> PathBuf {
        self.last_path(&format!("cases/{}@{}.json", case.scenario, case.api))
    }

    /// Forgets the last run.
    pub fn clear_last(&self) -> Result<(), StoreError> {
        let path = self.state.join("last");
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Keeps one case of the run that is going on.
    pub fn save_played(&self, case: &CaseId, played: &Played) -> Result<(), StoreError> {
        write(&self.played_path(case), &to_json(played))
    }

    /// One case of the last run, if it was in it.
    pub fn played(&self, case: &CaseId) -> Result<Option<Played>, StoreError> {
        self.read_json(self.played_path(case))
    }

    /// Both sides of a case of the last run: what was kept of it, else as [`Store::compared`].
    pub fn played_or_compared(&self, report: &Report, case: &CaseId) -> Result<Played, StoreError> {
        match self.played(case)? {
            Some(played) => Ok(played),
            None => self.compared(report, case),
        }
    }

    /// Both sides of a case of a report, as far as they are committed snapshots.
    pub fn compared(&self, report: &Report, case: &CaseId) -> Result<Played, StoreError> {
        let recorded = |name: &str| match name.strip_prefix("recorded:") {
            Some(folder) => self.standing_for(folder, case),
            None => Ok(None),
        };
        Ok(Played {
            reference: recorded(&report.reference.name)?,
            candidate: recorded(&report.candidate.name)?,
            reference_recording: None,
            candidate_recording: None,
        })
    }

    /// Keeps the report of a run.
    pub fn save_report(&self, report: &Report) -> Result<(), StoreError> {
        write(&self.last_path("report.json"), &to_json(report))
    }

    /// The report of the last run, if there was one.
    pub fn last_report(&self) -> Result<Option<Report>, StoreError> {
        self.read_json(self.last_path("report.json"))
    }

    fn read_json<T: DeserializeOwned>(&self, path: PathBuf) -> Result<Option<T>, StoreError> {
        if !path.is_file() {
            return Ok(None);
        }
        let parsed = serde_json::from_str(&read(&path)?);
        parsed.map(Some).map_err(|error| StoreError::io("read", &path)(error.into()))
    }
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}
