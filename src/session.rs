//! What a command that asks engines works with: a runtime, the configured engines, a ledger,
//! images, and a clean end whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::case::schedule::Planned;
use crate::case::{Seat, Source};
use crate::config;
use crate::engine::address::Address;
use crate::engine::docker_cli::{DockerCli, USUAL_SOCKET};
use crate::engine::started::{self, Place, StartError, Started, Wanted, lane};
use crate::engine::{Endpoint, command};
use crate::engine_id::Kind;
use crate::run::Deadlines;
use crate::run::cancel::Cancel;
use crate::run::images::{Prepared as Images, prepare_images, remove_images};
use crate::run::ledger::{Entry, Ledger, Left, Thing};
use crate::run::registry;
use crate::run::turns::{Turns, Use};
use crate::scenario::Need;
use crate::store::{Store, StoreError};
use crate::suite::SuiteSettings;

/// The tools of a run.
pub struct Desk {
    /// Asks engines.
    pub runtime: tokio::runtime::Runtime,
    /// The entries of `engines.toml`.
    pub configured: BTreeMap<String, Endpoint>,
    /// Which engine the docker CLI would use.
    pub docker_cli: DockerCli,
    ledgers: PathBuf,
    ledger: OnceLock<Ledger>,
    cancel: OnceLock<Cancel>,
    started: Mutex<Vec<Own>>,
}

/// An engine that the run started, and where it was entered in the ledger.
struct Own {
    engine: Started,
    folder: PathBuf,
    name: String,
}

/// The images that have been made before the first case, to be removed after the last one.
#[derive(Default)]
pub struct Prepared {
    /// Among all runs that use the engines.
    pub turns: Turns,
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
        let home = std::env::home_dir();
        let folders = config::Folders { here: store.root(), home: home.as_deref() };
        let configured = match file.is_file() {
            true => config::parse("engines.toml", &crate::store::read(&file)?, folders)
                .map_err(StoreError::Mistakes)?,
            false => BTreeMap::new(),
        };
        let docker_cli = DockerCli::of(|name| std::env::var(name).ok());
        Ok(Desk {
            runtime,
            configured,
            docker_cli,
            ledgers: ledger_folder(store),
            ledger: OnceLock::new(),
            cancel: OnceLock::new(),
            started: Mutex::default(),
        })
    }

    /// The endpoint of a place that a ledger names. Behind TLS it takes an entry of engines.toml or a
    /// context: a ledger knows no certificates.
    pub fn endpoint_at(&self, place: &str) -> Option<Endpoint> {
        let choice = self.docker_cli.choice().map(|choice| choice.address).ok();
        let contexts = self.docker_cli.contexts().into_iter();
        let contexts = contexts.filter_map(|name| self.docker_cli.context(&name).ok());
        let others = choice.into_iter().chain(contexts).map(Endpoint::new);
        let mut known = self.configured.values().cloned().chain(others);
        let found = known.find(|endpoint| endpoint.address.place() == place);
        found.or_else(|| place.parse().map(Endpoint::new).ok())
    }

    /// What the first Ctrl-C (or a SIGTERM) sets off: cases under way clean up and end. The
    /// second one ends the process at once, and `sweep` finishes the work.
    pub fn cancel_on_interrupt(&self) -> Cancel {
        if let Some(cancel) = self.cancel.get() {
            return cancel.clone();
        }
        let cancel = self.cancel.get_or_init(Cancel::default).clone();
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

    /// The ledger of the run, which begins with the first thing to be entered.
    fn open_ledger(&self) -> io::Result<&Ledger> {
        match self.ledger.get() {
            Some(ledger) => Ok(ledger),
            None => {
                let ledger = Ledger::open(&self.ledgers)?;
                Ok(self.ledger.get_or_init(|| ledger))
            }
        }
    }

    /// The ledger of the run; none as long as nothing was to be entered.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.get()
    }

    /// Starts an engine of the run's own. It is in the ledger before, and is ended by
    /// [`Desk::close`]; the registry of this machine is within its reach.
    pub fn start(&self, wanted: &Wanted) -> Result<(Endpoint, Kind), StartError> {
        let cancel = self.cancel_on_interrupt();
        let said = |what: &str| {
            let what = what.to_owned();
            move |error| StartError::Io(what, error)
        };
        let ledger = self.open_ledger().map_err(said("keep the ledger"))?;
        let mut own = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let engines = self.ledgers.with_file_name("engines");
        std::fs::create_dir_all(&engines).map_err(said("make a folder for engines"))?;
        let engines = engines.canonicalize().map_err(said("find the folder of engines"))?;
        let name = format!("divergence-{}-{}", ledger.run_id(), own.len());
        let folder = engines.join(&name);
        let docker = self.local_docker()?;
        let place = Place { folder: &folder, docker: &docker, name: &name };
        let (path, address) = (folder.display().to_string(), Started::address_in(&folder));
        ledger.note(Thing::Engine, &path, &name, &address).map_err(said("keep the ledger"))?;
        if let Wanted::Container(..) = wanted {
            ledger.note(Thing::Container, &name, &name, &docker).map_err(said("keep the ledger"))?;
        }
        std::fs::create_dir(&folder).map_err(said("make a folder for an engine"))?;
        let begun = self.runtime.block_on(async {
            tokio::select! {
                begun = Started::start(wanted, place) => begun,
                () = cancel.cancelled() => Err(StartError::Interrupted),
            }
        });
        let engine = match begun {
            Ok(engine) => engine,
            Err(error) => {
                let kind = wanted.kind();
                self.tell_unless(self.runtime.block_on(started::end(place, kind)), &folder, &address);
                return Err(error);
            }
        };
        let mut endpoint = Endpoint::new(engine.address.clone());
        let opened = self.runtime.block_on(async {
            let gone = || io::Error::new(io::ErrorKind::NotFound, "it has no process");
            lane::open(engine.pid(place).await.ok_or_else(gone)?, &endpoint.registry).await
        });
        if let Err(error) = opened {
            let reason = format!("no way from {wanted} to the registry of this machine: {error}");
            endpoint.lacks.insert(Need::Registry.to_string(), reason);
        }
        let kind = engine.kind;
        own.push(Own { engine, folder, name });
        Ok((endpoint, kind))
    }

    /// The Docker that runs engines in containers: where testcontainers looks, which knows no contexts.
    fn local_docker(&self) -> Result<Address, StartError> {
        match &self.docker_cli.host {
            None => Ok(Address::Unix(PathBuf::from(USUAL_SOCKET))),
            Some(host) => host.parse().map_err(StartError::DockerHost),
        }
    }

    /// Opens a ledger and makes the images that the cases need on every live seat.
    pub fn prepare(
        &self,
        seats: &mut [&mut Seat],
        cases: &[Planned<'_>],
        fixtures: &Path,
    ) -> io::Result<Prepared> {
        if seats.iter().all(|seat| seat.is_recorded()) {
            return Ok(Prepared::default());
        }
        let ledger = self.open_ledger()?;
        let homes = seats.iter().filter_map(|seat| match &seat.source {
            Source::Live { endpoint, .. } => Some(endpoint.home()),
            Source::Recorded(_) => None,
        });
        let turns = Turns::on(homes);
        // Images that come or go show in what an exclusive case of another run looks at.
        let turn = self.runtime.block_on(turns.take(Use::Shared, &self.cancel_on_interrupt()))?;
        let names: Vec<String> = image_names(cases).into_iter().collect();
        let mut made: Vec<(Endpoint, Images)> = Vec::new();
        let needs = |need: &Need| cases.iter().any(|planned| planned.scenario.needs.contains(need));
        let docker_cli = needs(&Need::DockerCli).then(|| {
            let named = std::env::var_os(command::NAMED_BY);
            self.runtime.block_on(command::find(named, std::env::var_os("PATH")))
        });
        for seat in seats {
            let Source::Live { endpoint, simulator } = &mut seat.source else { continue };
            // A simulator shows the images of the Docker beneath it; they are made there.
            let mut maker = match simulator {
                Some(_) => Endpoint::new(endpoint.home().clone()),
                None => Endpoint::clone(endpoint),
            };
            maker.logins = self.docker_cli.logins();
            let known = made
                .iter()
                .find(|(endpoint, _)| endpoint.address == maker.address && endpoint.images == maker.images);
            let images = match known {
                Some((_, images)) => images.clone(),
                None => {
                    let images = self.runtime.block_on(prepare_images(&maker, &names, fixtures, ledger));
                    made.push((maker, images.clone()));
                    images
                }
            };
            endpoint.images.extend(images.images.clone());
            let missing =
                images.missing.iter().map(|(name, reason)| (format!("image:{name}"), reason.clone()));
            endpoint.lacks.extend(missing);
            if let Some(found) = &docker_cli {
                match found.clone().and_then(|cli| command::can_go_to(&endpoint.address).map(|()| cli)) {
                    Ok(cli) => endpoint.docker_cli = Some(cli),
                    Err(reason) => lack(endpoint, &Need::DockerCli, reason),
                }
            }
            if needs(&Need::Registry)
                && let Err(reason) = self.runtime.block_on(registry::answers(&endpoint.registry))
            {
                lack(endpoint, &Need::Registry, reason);
            }
        }
        drop(turn);
        Ok(Prepared { turns, images: made })
    }

    /// Removes the images.
    pub fn finish(&self, prepared: &Prepared) {
        let Some(ledger) = self.ledger.get() else { return };
        // Without a turn they go all the same: it is only what another run looks at.
        let _turn = self.runtime.block_on(prepared.turns.take(Use::Shared, &Cancel::default()));
        for (endpoint, images) in &prepared.images {
            self.runtime.block_on(remove_images(endpoint, images, ledger));
        }
    }

    /// Ends the engines that the run started and closes the ledger, whatever happened before;
    /// tells what could not be removed, which `sweep` tries again.
    pub fn close(self) -> io::Result<Vec<Left>> {
        let own = std::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner));
        for Own { engine, folder, name } in own {
            let address = engine.address.clone();
            let ended = self.local_docker().and_then(|docker| {
                let place = Place { folder: &folder, docker: &docker, name: &name };
                self.runtime.block_on(engine.end(place))
            });
            self.tell_unless(ended, &folder, &address);
        }
        let Some(ledger) = self.ledger.into_inner() else { return Ok(Vec::new()) };
        ledger.close_clean()
    }

    /// That an engine could not be ended is for the ledger.
    fn tell_unless(&self, ended: Result<(), StartError>, folder: &Path, address: &Address) {
        if let (Err(error), Some(ledger)) = (ended, self.ledger.get()) {
            let (name, tag) = (folder.display().to_string(), String::new());
            let entry = Entry { kind: Thing::Engine, name, tag, engine: address.to_string() };
            ledger.leave(Left { entry, reason: error.to_string() });
        }
    }
}

fn lack(endpoint: &mut Endpoint, need: &Need, reason: String) {
    endpoint.lacks.entry(need.to_string()).or_insert(reason);
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
        Need::MayCrash | Need::Registry | Need::LinuxHost | Need::OwnEngine | Need::DockerCli => None,
    });
    images.collect()
}
