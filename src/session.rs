//! What a command that asks engines works with: a runtime, the configured engines, a ledger,
//! images, and a clean end whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::case::schedule::Planned;
use crate::case::{Seat, Source};
use crate::config::{self, EngineConfig};
use crate::engine::Endpoint;
use crate::run::Deadlines;
use crate::run::cancel::Cancel;
use crate::run::images::{Prepared as Images, prepare_images, remove_images};
use crate::run::ledger::{Ledger, Left};
use crate::run::registry;
use crate::scenario::Need;
use crate::store::{Store, StoreError};
use crate::suite::SuiteSettings;

/// The tools of a run.
pub struct Desk {
    /// Asks engines.
    pub runtime: tokio::runtime::Runtime,
    /// The entries of `engines.toml`.
    pub configured: BTreeMap<String, EngineConfig>,
    /// `DOCKER_HOST`, if it is set.
    pub docker_host: Option<String>,
    ledgers: PathBuf,
}

/// What has been made before the first case, to be removed after the last one.
pub struct Prepared {
    /// Where made things are entered before they are made; none when nothing is asked live.
    pub ledger: Option<Ledger>,
    images: Vec<(Endpoint, Images)>,
}

impl Desk {
    /// Reads `engines.toml` and makes a runtime.
    pub fn open(store: &Store) -> Result<Desk, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|source| StoreError::Io {
            verb: "start a runtime for",
            path: store.root().to_owned(),
            source,
        })?;
        let file = store.root().join("engines.toml");
        let configured = match file.is_file() {
            true => {
                config::parse("engines.toml", &crate::store::read(&file)?).map_err(StoreError::Mistakes)?
            }
            false => BTreeMap::new(),
        };
        let docker_host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        Ok(Desk { runtime, configured, docker_host, ledgers: ledger_folder(store) })
    }

    /// What the first Ctrl-C (or a SIGTERM) sets off: cases under way clean up and end. The
    /// second one ends the process at once, and `sweep` finishes the work.
    pub fn cancel_on_interrupt(&self) -> Cancel {
        let cancel = Cancel::default();
        let cancelled = cancel.clone();
        self.runtime.spawn(async move {
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            loop {
                tokio::select! {
                    interrupt = tokio::signal::ctrl_c() => if interrupt.is_err() { return },
                    _ = terminate.recv() => {}
                }
                if cancelled.is_cancelled() {
                    std::process::exit(130);
                }
                cancelled.cancel();
            }
        });
        cancel
    }

    /// Opens a ledger and makes the images that the cases need on every live seat.
    pub fn prepare(
        &self,
        seats: &mut [&mut Seat],
        cases: &[Planned<'_>],
        fixtures: &Path,
    ) -> std::io::Result<Prepared> {
        if seats.iter().all(|seat| seat.is_recorded()) {
            return Ok(Prepared { ledger: None, images: Vec::new() });
        }
        let ledger = Ledger::open(&self.ledgers)?;
        let names: Vec<String> = image_names(cases).into_iter().collect();
        let mut made: Vec<(Endpoint, Images)> = Vec::new();
        for seat in seats {
            let Source::Live { endpoint, simulator } = &mut seat.source else { continue };
            // A simulator shows the images of the Docker beneath it; they are made there.
            let maker = match simulator {
                Some(_) => Endpoint::new(endpoint.home().clone()),
                None => endpoint.clone(),
            };
            let place = maker.address.to_string();
            let known = made.iter().find(|(endpoint, _)| endpoint.address.to_string() == place);
            let images = match known {
                Some((_, images)) => images.clone(),
                None => {
                    let images = self.runtime.block_on(prepare_images(&maker, &names, fixtures, &ledger));
                    made.push((maker, images.clone()));
                    images
                }
            };
            endpoint.images.extend(images.images.clone());
            let missing =
                images.missing.iter().map(|(name, reason)| (format!("image:{name}"), reason.clone()));
            endpoint.lacks.extend(missing);
            if cases.iter().any(|planned| planned.scenario.needs.contains(&Need::Registry))
                && let Err(reason) = self.runtime.block_on(registry::answers(&endpoint.registry))
            {
                endpoint.lacks.entry(Need::Registry.to_string()).or_insert(reason);
            }
        }
        Ok(Prepared { ledger: Some(ledger), images: made })
    }

    /// Removes the images and closes the ledger; tells what could not be removed, which `sweep`
    /// tries again.
    pub fn finish(&self, prepared: Prepared) -> std::io::Result<Vec<Left>> {
        let Some(ledger) = prepared.ledger else { return Ok(Vec::new()) };
        for (endpoint, images) in &prepared.images {
            self.runtime.block_on(remove_images(endpoint, images, &ledger));
        }
        ledger.close_clean()
    }
}

/// How long to wait, from the suite's settings.
pub fn deadlines(settings: &SuiteSettings) -> Deadlines {
    Deadlines {
        request: Duration::from_secs(settings.request_seconds),
        // A cap on what scenarios ask for; their own default is `settings.until_seconds`.
        until: Duration::from_secs(settings.until_seconds * 30),
    }
}

/// Where ledgers lie.
pub fn ledger_folder(store: &Store) -> PathBuf {
    store.state().join("ledger")
}

fn image_names(cases: &[Planned<'_>]) -> BTreeSet<String> {
    let needs = cases.iter().flat_map(|planned| &planned.scenario.needs);
    let images = needs.filter_map(|need| match need {
        Need::Image(name) => Some(name.clone()),
        Need::MayCrash | Need::Registry | Need::LinuxHost => None,
    });
    images.collect()
}
