//! Removing what an interrupted run left behind: exactly what its ledger names, and what carries
//! one of its labels. Never touches anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::cancel::Cancel;
use super::housekeeping::House;
use super::ledger::{Abandoned, Entry, Left, Thing, abandoned};
use super::own_images::own_images;
use super::turns::{Turns, Use};
use crate::engine::Endpoint;
use crate::engine::started::host;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(60);
/// An engine may still be at work on what a run asked for whose ledger is no older.
const RECENT: Duration = Duration::from_secs(60);
/// Nothing more comes when nothing came for so long.
const SETTLED: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(250);

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
                sweeper.sweep(is_recent(&ledger.path), report).await;
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

/// Whether a ledger was written to within the last minute.
fn is_recent(ledger: &Path) -> bool {
    let written = std::fs::metadata(ledger).and_then(|file| file.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age < RECENT))
}

struct Sweeper<'a> {
    house: House<'a>,
    engine: &'a str,
    label: &'a str,
    entries: &'a [&'a Entry],
}

impl Sweeper<'_> {
    /// Sweeps; when the run was alive a moment ago, until nothing more comes: an engine finishes
    /// what it was asked for by a client that is gone.
    async fn sweep(&self, is_recent: bool, report: &mut SweepReport) {
        let patience = if is_recent { SETTLED } else { Duration::ZERO };
        let mut until = Instant::now() + patience;
        loop {
            let mut pass = SweepReport::default();
            self.pass(&mut pass).await;
            if !pass.removed.is_empty() {
                until = Instant::now() + patience;
            }
            report.removed.extend(pass.removed);
            if Instant::now() >= until {
                report.left.extend(pass.left);
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn pass(&self, report: &mut SweepReport) {
        let tags: BTreeSet<&str> = self.entries.iter().map(|entry| entry.tag.as_str()).collect();
        // Containers hold images, networks and volumes.
        for kind in [Thing::Container, Thing::Image, Thing::Network, Thing::Volume] {
            let named = self.entries.iter().filter(|entry| entry.kind == kind && !entry.name.is_empty());
            let mut names: BTreeSet<String> = named.map(|entry| entry.name.clone()).collect();
            let own = match kind {
                Thing::Image => self.images(&tags, &names).await,
                Thing::Container | Thing::Network | Thing::Volume | Thing::Engine => {
                    self.labelled(kind, &tags).await
                }
            };
            let mut ordered = own.unwrap_or_else(|reason| {
                report.left.push(Left { entry: self.entry(kind, ""), reason });
                Vec::new()
            });
            names.retain(|name| !ordered.contains(name));
            ordered.extend(names);
            for name in ordered {
                let entry = self.entry(kind, &name);
                match self.house.remove(kind, &name).await {
                    Ok(true) => report.removed.push(entry),
                    Ok(false) => {}
                    Err(reason) => report.left.push(Left { entry, reason }),
                }
            }
        }
    }

    async fn labelled(&self, kind: Thing, tags: &BTreeSet<&str>) -> Result<Vec<String>, String> {
        let found = self.house.labelled(kind, self.label).await?;
        let own = found.into_iter().filter(|(_, tag)| !tag.is_empty() && tags.contains(tag.as_str()));
        Ok(own.map(|(name, _)| name).collect())
    }

    async fn images(&self, tags: &BTreeSet<&str>, noted: &BTreeSet<String>) -> Result<Vec<String>, String> {
        // Those that were made before the first case have no tag, and nobody else knows them.
        let private = self.entries.iter().filter(|entry| entry.kind == Thing::Image && entry.tag.is_empty());
        let private = private.map(|entry| entry.name.as_str()).collect();
        Ok(own_images(&self.house.images().await?, self.label, tags, noted, &private))
    }

    fn entry(&self, kind: Thing, name: &str) -> Entry {
        Entry { kind, name: name.to_owned(), tag: String::new(), engine: self.engine.to_owned() }
    }
}
