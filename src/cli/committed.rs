//! All committed snapshots in pairs, as `check` and `docs` look at them.

use std::collections::BTreeMap;

use super::CliError;
use crate::check::Committed;
use crate::engine_id::EngineId;
use crate::judge::select::Conditions;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// Every committed candidate snapshot with the reference's of the same case.
pub fn committed(store: &Store) -> Result<Vec<Committed>, CliError> {
    let mut by_case: BTreeMap<_, Vec<Snapshot>> = BTreeMap::new();
    for file in store.snapshot_files()? {
        if let Some(snapshot) = store.snapshot(&file.folder, &file.case)? {
            by_case.entry(file.case).or_default().push(snapshot);
        }
    }
    let mut pairs = Vec::new();
    for snapshots in by_case.into_values() {
        let is_reference = |engine: &EngineId| engine.identity == "docker";
        let Some(reference) = snapshots.iter().find(|snapshot| is_reference(&snapshot.engine)).cloned()
        else {
            continue;
        };
        for candidate in snapshots.into_iter().filter(|snapshot| !is_reference(&snapshot.engine)) {
            let conditions =
                Conditions { reference: reference.engine.clone(), candidate: candidate.engine.clone() };
            pairs.push(Committed { conditions, reference: reference.clone(), candidate });
        }
    }
    Ok(pairs)
}
