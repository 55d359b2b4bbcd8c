//! Removing what an interrupted run left behind: exactly what its ledger names, and what carries
//! one of its labels. Never touches anything else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};

use super::images::remove_image;
use super::ledger::{Abandoned, Entry, Left, Thing, abandoned};
use crate::engine::Endpoint;
use crate::engine::client::{client, is_not_there};
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
/// `endpoints` knows the endpoints of an address: those of several accounts may share one.
pub async fn sweep(ledger_dir: &Path, endpoints: impl Fn(&str) -> Vec<Endpoint>) -> io::Result<SweepReport> {
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

async fn sweep_one(ledger: &Abandoned, endpoints: &impl Fn(&str) -> Vec<Endpoint>, report: &mut SweepReport) {
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
        let known = endpoints(engine);
        if known.is_empty() {
            report.left.extend(all_left(UNKNOWN.to_owned()));
        }
        for endpoint in known {
            match reach(&endpoint).await {
                Ok(docker) => {
                    let sweeper = Sweeper { docker, engine, label: &endpoint.label, entries: &entries };
                    sweeper.sweep(report).await;
                }
                Err(reason) => report.left.extend(all_left(reason)),
            }
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

async fn reach(endpoint: &Endpoint) -> Result<Docker, String> {
    let docker = client(&endpoint.address, endpoint.stretch(LIMIT)).map_err(|error| error.to_string())?;
    docker.ping().await.map_err(|error| format!("no answer from {}: {error}", endpoint.address))?;
    Ok(docker)
}

struct Sweeper<'a> {
    docker: Docker,
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
            match self.labelled(kind).await {
                Ok(found) => {
                    let own =
                        found.into_iter().filter(|(_, tag)| !tag.is_empty() && tags.contains(tag.as_str()));
                    names.extend(own.map(|(name, _)| name));
                }
                Err(error) => {
                    report.left.push(Left { entry: self.entry(kind, ""), reason: error.to_string() })
                }
            }
            for name in names {
                let entry = self.entry(kind, &name);
                match self.remove(kind, &name).await {
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

    /// Everything with a label of some run: its name or id, and the label's value.
    async fn labelled(&self, kind: Thing) -> Result<Vec<(String, String)>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![self.label.to_owned()])]);
        let value = |labels: &HashMap<String, String>| labels.get(self.label).cloned().unwrap_or_default();
        let tag = |labels: &Option<HashMap<String, String>>| labels.as_ref().map(value).unwrap_or_default();
        Ok(match kind {
            Thing::Engine => Vec::new(),
            Thing::Container => {
                let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
                let list = self.docker.list_containers(Some(options)).await?;
                list.into_iter().filter_map(|row| Some((row.id?, tag(&row.labels)))).collect()
            }
            Thing::Image => {
                let options = ListImagesOptionsBuilder::default().all(true).filters(&filters).build();
                let list = self.docker.list_images(Some(options)).await?;
                list.into_iter().map(|row| (row.id, value(&row.labels))).collect()
            }
            Thing::Network => {
                let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
                let list = self.docker.list_networks(Some(options)).await?;
                list.into_iter().filter_map(|row| Some((row.id?, tag(&row.labels)))).collect()
            }
            Thing::Volume => {
                let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
                let list = self.docker.list_volumes(Some(options)).await?;
                let volumes = list.volumes.unwrap_or_default();
                volumes.into_iter().map(|row| (row.name, value(&row.labels))).collect()
            }
        })
    }

    /// Removes one thing; false when it was not there.
    async fn remove(&self, kind: Thing, name: &str) -> Result<bool, String> {
        let removed = match kind {
            Thing::Container => {
                let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
                self.docker.remove_container(name, Some(options)).await
            }
            Thing::Network => self.docker.remove_network(name).await,
            Thing::Volume => self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await,
            Thing::Engine => return Ok(false),
            Thing::Image => {
                let there = self.docker.inspect_image(name).await;
                if there.is_err_and(|error| is_not_there(&error)) {
                    return Ok(false);
                }
                return remove_image(&self.docker, name).await.map(|()| true);
            }
        };
        match removed {
            Ok(()) => Ok(true),
            Err(error) if is_not_there(&error) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }
}
