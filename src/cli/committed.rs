//! All committed snapshots, read once: alone and in pairs, as `check`, `coverage` and `docs` look
//! at them.

use std::collections::BTreeMap;

use crate::check::Committed;
use crate::engine_id::EngineId;
use crate::judge::select::Conditions;
use crate::snapshot::Snapshot;
use crate::store::{Store, StoreError};

/// All committed snapshots.
pub struct Snapshots {
    /// Those of the reference.
    pub references: Vec<Snapshot>,
    /// Every one of a candidate with the reference's of the same case.
    pub pairs: Vec<Committed>,
}

/// Reads all committed snapshots.
pub fn committed(store: &Store) -> Result<Snapshots, StoreError> {
    let mut by_case: BTreeMap<_, Vec<Snapshot>> = BTreeMap::new();
    for file in store.snapshot_files()? {
        if let Some(snapshot) = store.snapshot(&file.folder, &file.case)? {
            by_case.entry(file.case).or_default().push(snapshot);
        }
    }
    let is_reference = |engine: &EngineId| engine.identity == "docker";
    let mut all = Snapshots { references: Vec::new(), pairs: Vec::new() };
    for snapshots in by_case.into_values() {
        let (references, candidates): (Vec<_>, Vec<_>) =
            snapshots.into_iter().partition(|snapshot| is_reference(&snapshot.engine));
        if let Some(reference) = references.first() {
            all.pairs.extend(candidates.into_iter().map(|candidate| Committed {
                conditions: Conditions {
                    reference: reference.engine.clone(),
                    candidate: candidate.engine.clone(),
                },
                reference: reference.clone(),
                candidate,
            }));
        }
        // One reference counts, as it is for the pairs.
        all.references.extend(references.into_iter().next());
    }
    Ok(all)
}
