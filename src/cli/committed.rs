//! All committed snapshots, read once: alone and in pairs, as `check`, `coverage` and `docs` look
//! at them.

use std::collections::BTreeMap;

use crate::check::Committed;
use crate::judge::select::Conditions;
use crate::snapshot::Snapshot;
use crate::store::{Store, StoreError};

/// All committed snapshots.
pub struct Snapshots {
    /// Those of the reference, which is the oldest Docker.
    pub references: Vec<Snapshot>,
    /// Every one of a candidate with the reference's of the same case.
    pub pairs: Vec<Committed>,
}

/// Reads all committed snapshots. The reference is the oldest Docker, which serves every API version
/// that sdc-docker does; newer ones are candidates beside it. Where they were recorded at a version
/// at which it was not, its snapshot that stands for that version counts.
pub fn committed(store: &Store) -> Result<Snapshots, StoreError> {
    let mut by_case: BTreeMap<_, Vec<(String, Snapshot)>> = BTreeMap::new();
    for file in store.snapshot_files()? {
        if let Some(snapshot) = store.snapshot(&file.folder, &file.case)? {
            by_case.entry(file.case).or_default().push((file.folder, snapshot));
        }
    }
    let dockers = by_case.values().flatten().filter(|(_, snapshot)| snapshot.engine.identity == "docker");
    let oldest = dockers.min_by(|(_, one), (_, other)| one.engine.release.cmp(&other.engine.release));
    let oldest = oldest.map(|(folder, _)| folder.clone()).unwrap_or_default();
    let mut all = Snapshots { references: Vec::new(), pairs: Vec::new() };
    for (case, snapshots) in by_case {
        let (own, candidates): (Vec<_>, Vec<_>) =
            snapshots.into_iter().partition(|(folder, _)| *folder == oldest);
        let own = own.into_iter().next().map(|(_, snapshot)| snapshot);
        let stands = match &own {
            Some(own) => Some(own.clone()),
            None => store.standing_for(&oldest, &case)?.map(|snapshot| Snapshot { case, ..snapshot }),
        };
        if let Some(reference) = stands {
            all.pairs.extend(candidates.into_iter().map(|(_, candidate)| Committed {
                conditions: Conditions {
                    reference: reference.engine.clone(),
                    candidate: candidate.engine.clone(),
                },
                reference: reference.clone(),
                candidate,
            }));
        }
        all.references.extend(own);
    }
    Ok(all)
}
