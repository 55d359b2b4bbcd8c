//! Removing what an interrupted run left behind: exactly what its ledger names, and what carries
//! one of its labels. Never touches anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::cancel::Cancel;
use super::housekeeping::House;
use super::ledger::{Abandoned, Entry, Left, Thing, abandoned};
use super::turns::{Turns, Use};
use crate::engine::Endpoint;
use crate::engine::started::host;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(60);

const UNKNOWN: &str =
    "neither engines.toml nor a docker context has this address, with its certificates, any more";

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// What was there and is removed.
    pub removed: Vec<Entry>,
    /// What is still there, or may be, with the reason.
    pub left: Vec<Left>,
}

/// Sweeps up after all runs that are no longer alive. A ledger goes once all that it names is gone.
/// `endpoints` knows the endpoint of a place that a ledger names.
pub async fn sweep(
    ledger_dir: &Path,
    endpoints: impl Fn(&str) -> Option<Endpoint>,
) -> io::Result<SweepReport> {
    let mut report = SweepReport::default();
    for ledger in abandoned(ledger_dir)? {
        let before = report.left.len();
        sweep_one(&ledger, &endpoints, &mut report).await;
        if report.left.len() == before {
            std::fs::remove_file(&ledger.path)?;
        }
    }
    Ok(report)
}

async fn sweep_one(
    ledger: &Abandoned,
    endpoints: &impl Fn(&str) -> Option<Endpoint>,
    report: &mut SweepReport,
) {
    let mut engines: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &ledger.entries {
        engines.entry(&entry.engine).or_default().push(entry);
    }
    // What was made on an engine of the run's own goes with it.
    let own = ledger.entries.iter().filter(|entry| entry.kind == Thing::Engine);
    let own: Vec<&Entry> = own.collect();
    own.iter().for_each(|entry| drop(engines.remove(entry.engine.as_str())));
    for (engine, entries) in engines {
        let all_left = |reason: String| {
            let left = |entry: &&Entry| Left { entry: (*entry).clone(), reason: reason.clone() };
            entries.iter().map(left).collect::<Vec<_>>()
        };
        let Some(endpoint) = endpoints(engine) else {
            report.left.extend(all_left(UNKNOWN.to_owned()));
            continue;
        };
        let reached = match House::of(&endpoint, LIMIT) {
            Ok(house) => house.answers().await.map(|()| house),
            Err(reason) => Err(reason),
        };
        match reached {
            Ok(house) => {
                let sweeper = Sweeper { house, engine, label: &endpoint.label, entries: &entries };
                // What goes shows in what an exclusive case of a run looks at.
                let turn = Turns::on([&endpoint.address]).take(Use::Shared, &Cancel::default()).await;
                sweeper.sweep(report).await;
                drop(turn);
            }
            Err(reason) => report.left.extend(all_left(format!("no answer from {engine}: {reason}"))),
        }
    }
    for entry in own {
        end_engine(entry, ledger, report).await;
    }
    for line in &ledger.unreadable {
        let name = format!("line {line} of {}", ledger.path.display());
        let entry = Entry {
            kind: Thing::Container,
            name,
            tag: String::new(),
            engine: "an unknown engine".to_owned(),
        };
        report.left.push(Left { entry, reason: "the line cannot be read".to_owned() });
    }
}

/// Ends an engine that the run started, and removes its folder.
async fn end_engine(entry: &Entry, ledger: &Abandoned, report: &mut SweepReport) {
    let folder = Path::new(&entry.name);
    if !folder.exists() {
        return;
    }
    let engines = ledger.path.parent().map(|ledgers| ledgers.with_file_name("engines"));
    let ours = engines.and_then(|engines| engines.canonicalize().ok());
    let ended = match ours.is_some_and(|engines| folder.parent() == Some(&engines)) {
        true => host::end(folder).await.map_err(|error| error.to_string()),
        false => Err("it does not lie where engines of this ledger do".to_owned()),
    };
    match ended {
        Ok(()) => report.removed.push(entry.clone()),
        Err(reason) => report.left.push(Left { entry: entry.clone(), reason }),
    }
}

struct Sweeper<'a> {
    house: House<'a>,
    engine: &'a str,
    label: &'a str,
    entries: &'a [&'a Entry],
}

impl Sweeper<'_> {
    async fn sweep(&self, report: &mut SweepReport) {
        let tags: BTreeSet<&str> = self.entries.iter().map(|entry| entry.tag.as_str()).collect();
        // Containers hold images, networks and volumes.
        for kind in [Thing::Container, Thing::Image, Thing::Network, Thing::Volume] {
            let named = self.entries.iter().filter(|entry| entry.kind == kind && !entry.name.is_empty());
            let mut names: BTreeSet<String> = named.map(|entry| entry.name.clone()).collect();
            match self.house.labelled(kind, self.label).await {
                Ok(found) => {
                    let own =
                        found.into_iter().filter(|(_, tag)| !tag.is_empty() && tags.contains(tag.as_str()));
                    names.extend(own.map(|(name, _)| name));
                }
                Err(reason) => report.left.push(Left { entry: self.entry(kind, ""), reason }),
            }
            for name in names {
                let entry = self.entry(kind, &name);
                match self.house.remove(kind, &name).await {
                    Ok(true) => report.removed.push(entry),
                    Ok(false) => {}
                    Err(reason) => report.left.push(Left { entry, reason }),
                }
            }
        }
    }

    fn entry(&self, kind: Thing, name: &str) -> Entry {
        Entry { kind, name: name.to_owned(), tag: String::new(), engine: self.engine.to_owned() }
    }
}
