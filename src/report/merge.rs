//! The reports of partitions as the report of the whole run. Refuses what does not belong together.

use std::collections::BTreeMap;

use super::{Report, Share, Side};
use crate::scenario::CaseId;

/// Why reports cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is no report to merge")]
    Nothing,
    /// They speak of different things.
    #[error("{other} is of another {what} than {first}: {its} there, {ours} here")]
    Another {
        /// `suite`, `reference`, `candidate`, `world`, ...
        what: &'static str,
        /// The first report's file.
        first: String,
        /// The other report's file.
        other: String,
        /// What the first has.
        its: String,
        /// What the other has.
        ours: String,
    },
    /// A report that is no part of anything, beside others.
    #[error("{0} is the report of a whole run and no partition of one: it cannot be merged with others")]
    Whole(String),
    /// A case was run in two of them.
    #[error("{case} is in both {first} and {other}")]
    Twice {
        /// The case.
        case: CaseId,
        /// The first report's file.
        first: String,
        /// The other report's file.
        other: String,
    },
    /// A part of the run is not there.
    #[error("the report of {0} is missing")]
    Missing(String),
    /// All parts are there, and yet not all cases.
    #[error("together they have {have} of the {want} cases that were chosen")]
    Short {
        /// How many there are.
        have: usize,
        /// How many there should be.
        want: usize,
    },
}

/// One report of all; each with the name of its file.
pub fn merge(reports: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let Some((first_file, first)) = reports.first() else { return Err(MergeError::Nothing) };
    for (file, report) in &reports[1..] {
        same_run((first_file, first), (file, report))?;
    }
    all_parts(&reports)?;
    let mut seen: BTreeMap<CaseId, &str> = BTreeMap::new();
    for (file, report) in &reports {
        for verdict in &report.verdicts {
            let case = verdict.case();
            if let Some(first) = seen.insert(case.clone(), file) {
                return Err(MergeError::Twice { case, first: first.to_owned(), other: file.clone() });
            }
        }
    }
    let want = first.partition.map_or(seen.len(), |share| share.selected);
    if seen.len() != want {
        return Err(MergeError::Short { have: seen.len(), want });
    }
    let (reference, candidate, world) =
        (first.reference.clone(), first.candidate.clone(), first.world.clone());
    let (suite, without) = (first.suite.clone(), first.without.clone());
    let verdicts = reports.into_iter().flat_map(|(_, report)| report.verdicts).collect();
    Ok(Report { suite, without, ..Report::new(reference, candidate, &world, verdicts) })
}

/// What reports must have in common, by name.
type Fact<'a> = (&'static str, &'a dyn Fn(&Report) -> String);

fn same_run(
    (first_file, first): (&str, &Report),
    (other_file, other): (&str, &Report),
) -> Result<(), MergeError> {
    // Not by name: partitions may reach one engine at different addresses.
    let side = |side: &Side| Side { name: String::new(), ..side.clone() }.told();
    let scheme = |report: &Report| {
        let told = |share: Share| {
            let text = share.partition.to_string();
            let (scheme, parts) =
                (text.split(':').next().unwrap_or_default().to_owned(), share.partition.parts);
            format!("{scheme} of {parts} over {} cases", share.selected)
        };
        report.partition.map_or_else(|| "the whole run".to_owned(), told)
    };
    for (file, report) in [(first_file, first), (other_file, other)] {
        if report.partition.is_none() {
            return Err(MergeError::Whole(file.to_owned()));
        }
    }
    let facts: [Fact<'_>; 6] = [
        ("suite", &|report| report.suite.clone()),
        ("reference", &|report| side(&report.reference)),
        ("candidate", &|report| side(&report.candidate)),
        ("world", &|report| report.world.clone()),
        ("set of behaviours switched off", &|report| format!("{:?}", report.without)),
        ("partition", &scheme),
    ];
    for (what, fact) in facts {
        let (its, ours) = (fact(first), fact(other));
        if its != ours {
            let (first, other) = (first_file.to_owned(), other_file.to_owned());
            return Err(MergeError::Another { what, first, other, its, ours });
        }
    }
    Ok(())
}

fn all_parts(reports: &[(String, Report)]) -> Result<(), MergeError> {
    let shares: Vec<Share> = reports.iter().filter_map(|(_, report)| report.partition).collect();
    let Some(first) = shares.first() else { return Ok(()) };
    for part in 1..=first.partition.parts {
        if !shares.iter().any(|share| share.partition.part == part) {
            let partition = crate::partition::Partition { part, ..first.partition };
            return Err(MergeError::Missing(partition.to_string()));
        }
    }
    Ok(())
}
