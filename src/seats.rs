//! Which two engines a run uses, and why: names become seats.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::case::{Seat, Source};
use crate::engine::address::{Address, without_user};
use crate::engine::credentials::Credentials;
use crate::engine::docker_cli::{DockerCli, USUAL_SOCKET};
use crate::engine::started::{StartError, Wanted};
use crate::engine::tls::Tls;
use crate::engine::{Endpoint, EngineError};
use crate::engine_id::{EngineId, Kind};
use crate::scenario::Need;
use crate::session::Desk;
use crate::simulator::{Settings, Simulator, SimulatorError, World};
use crate::store::{Store, StoreError};
use crate::suite::WorldSettings;
use crate::version::Version;

/// What choosing engines needs to know.
pub struct Choosing<'a> {
    /// Snapshots and simulator worlds.
    pub store: &'a Store,
    /// The entries of `engines.toml`.
    pub configured: &'a BTreeMap<String, Endpoint>,
    /// Which engine the docker CLI would use.
    pub docker_cli: &'a DockerCli,
    /// The worlds of the suite.
    pub worlds: &'a BTreeMap<String, WorldSettings>,
    /// The world asked for.
    pub world: String,
    /// Behaviours of the simulator that are switched off.
    pub without: Vec<String>,
    /// The simulator's release, if one was asked for.
    pub release: Option<String>,
    /// The API versions that the run needs.
    pub api: Vec<Version>,
    /// Asks engines who they are, and starts those that are the run's own.
    pub desk: &'a Desk,
}

/// A side could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// No such name.
    #[error(
        "no engine is called `{0}`: use `docker`, `simulator`, `docker:28.5`, `podman:5.4`, `host:docker`, `host:podman`, `recorded:FOLDER`, `context:NAME` of a docker context, an address such as unix:///var/run/docker.sock, or an entry of engines.toml ({1})"
    )]
    Unknown(String, String),
    /// No such world.
    #[error("no world is called `{0}`; suites/suite.toml has {1}")]
    World(String, String),
    /// No such snapshots.
    #[error("there are no snapshots of `{0}`; there are {1}")]
    NoSnapshots(String, String),
    /// No such behaviour.
    #[error(
        "the simulator has no behaviour `{0}` to switch off{1}; `divergence simulate --list` has them all"
    )]
    Behaviour(String, String),
    /// The engine cannot be asked.
    #[error("{name}: {source}")]
    Engine {
        /// The name asked for.
        name: String,
        /// What happened.
        source: EngineError,
    },
    /// It answers, but not at an API version that is needed.
    #[error("{0} is {1} and does not serve API {2}; --api names others")]
    Version(String, String, Version),
    /// The simulator does not start.
    #[error("the simulator does not start: {0}")]
    Simulator(#[from] SimulatorError),
    /// The simulator's world does not load.
    #[error("{0}: {1}")]
    WorldFile(String, String),
    /// An engine of the run's own does not start.
    #[error("failed to start {0}: {1}")]
    Start(Wanted, Box<StartError>),
    /// Files cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SeatError {
    /// Whether it is the engine's fault and not the user's.
    pub fn is_engine(&self) -> bool {
        use SeatError::{Engine, Simulator, Start, Version};
        matches!(self, Engine { .. } | Version(..) | Simulator(_) | Start(..))
    }
}

/// Both sides and the reasons for them, one line each.
pub type Chosen = ((Seat, String), (Seat, String));

impl<'a> Choosing<'a> {
    /// The default world with every behaviour on, no API version asked for.
    pub fn new(
        store: &'a Store,
        desk: &'a Desk,
        worlds: &'a BTreeMap<String, WorldSettings>,
    ) -> Choosing<'a> {
        Choosing {
            store,
            configured: &desk.configured,
            docker_cli: &desk.docker_cli,
            worlds,
            world: "default".to_owned(),
            without: Vec::new(),
            release: None,
            api: Vec::new(),
            desk,
        }
    }

    /// Both sides: as asked for, else live where a Docker answers, else from snapshots.
    pub fn both(&self, reference: Option<&str>, candidate: Option<&str>) -> Result<Chosen, SeatError> {
        self.world_settings()?;
        let docker = self.live_docker();
        let reference = match reference {
            Some(name) => (self.named(name)?, "asked for".to_owned()),
            None => self.default_reference(&docker)?,
        };
        let candidate = match candidate {
            Some(name) => (self.named(name)?, "asked for".to_owned()),
            None => self.default_candidate(&docker)?,
        };
        Ok((reference, candidate))
    }

    fn live_docker(&self) -> Result<(Endpoint, EngineId), SeatError> {
        let endpoint = self.docker_endpoint();
        self.ask("docker", endpoint)
    }

    /// Who an endpoint is, if it serves the API versions that the run needs.
    fn ask(
        &self,
        name: &str,
        endpoint: Result<Endpoint, EngineError>,
    ) -> Result<(Endpoint, EngineId), SeatError> {
        let failed = |source: EngineError| SeatError::Engine { name: without_user(name), source };
        let endpoint = endpoint.map_err(failed)?;
        let engine = self.desk.runtime.block_on(endpoint.identify()).map_err(failed)?;
        for api in self.api.iter().filter(|api| endpoint.omits(api).is_none()) {
            if !self.desk.runtime.block_on(endpoint.serves(api)).map_err(failed)? {
                return Err(SeatError::Version(name.to_owned(), engine.to_string(), api.clone()));
            }
        }
        Ok((endpoint, engine))
    }

    fn docker_endpoint(&self) -> Result<Endpoint, EngineError> {
        if let Some(config) = self.configured.get("docker") {
            return Ok(config.clone());
        }
        Ok(Endpoint::new(self.docker_cli.choice()?.address))
    }

    fn default_reference(
        &self,
        docker: &Result<(Endpoint, EngineId), SeatError>,
    ) -> Result<(Seat, String), SeatError> {
        let why = match docker {
            Ok((endpoint, engine)) if self.store.snapshot_folders()?.contains(&engine.folder()) => {
                return Ok((
                    live("docker", endpoint.clone(), engine.clone(), None),
                    format!("it answers at {}", endpoint.address),
                ));
            }
            Ok((_, engine)) => format!(
                "the Docker that answers is {} {}, of which there are no snapshots; --reference docker uses it all the same",
                engine.identity, engine.release
            ),
            Err(error) => format!("no Docker to ask: {error}"),
        };
        let folder = self.newest_folder("docker-")?;
        Ok((self.recorded(&folder)?, why))
    }

    fn default_candidate(
        &self,
        docker: &Result<(Endpoint, EngineId), SeatError>,
    ) -> Result<(Seat, String), SeatError> {
        if self.configured.contains_key("sdc-docker") {
            return Ok((self.named("sdc-docker")?, "engines.toml has it".to_owned()));
        }
        let why = match docker {
            Ok(_) => {
                return Ok((
                    self.named("simulator")?,
                    "no sdc-docker is configured in engines.toml".to_owned(),
                ));
            }
            Err(_) => "no sdc-docker is configured, and the simulator needs a live Docker beneath it",
        };
        let folder = self.simulator_folder()?;
        Ok((self.recorded(&folder)?, why.to_owned()))
    }

    /// A side by name.
    pub fn named(&self, name: &str) -> Result<Seat, SeatError> {
        if let Some(folder) = name.strip_prefix("recorded:") {
            return self.recorded(folder);
        }
        let ask = |endpoint: Result<Endpoint, EngineError>| {
            let (endpoint, engine) = self.ask(name, endpoint)?;
            Ok(live(name, endpoint, engine, None))
        };
        if let Some(config) = self.configured.get(name) {
            return ask(Ok(config.clone()));
        }
        if let Some(context) = name.strip_prefix("context:") {
            return ask(self.docker_cli.context(context).map(Endpoint::new));
        }
        if let Some(wanted) = Wanted::parse(name) {
            return self.started(name, wanted);
        }
        match name {
            "docker" => ask(self.docker_endpoint()),
            "simulator" => self.simulator(),
            address if address.contains("://") => ask(self.docker_cli.address(address).map(Endpoint::new)),
            unknown => {
                let known: Vec<&str> = self.configured.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
                Err(SeatError::Unknown(unknown.to_owned(), known))
            }
        }
    }

    /// An engine of the run's own.
    fn started(&self, name: &str, wanted: Wanted) -> Result<Seat, SeatError> {
        let (mut endpoint, kind) = match self.desk.start(&wanted) {
            Ok(started) => started,
            Err(error) => return Err(SeatError::Start(wanted, Box::new(error))),
        };
        endpoint.lacks.remove(&Need::OwnEngine.to_string());
        let (endpoint, engine) = self.ask(name, Ok(endpoint))?;
        Ok(live(name, endpoint, EngineId { kind, ..engine }, None))
    }

    fn world_settings(&self) -> Result<&WorldSettings, SeatError> {
        self.worlds.get(&self.world).ok_or_else(|| {
            let known: Vec<&str> = self.worlds.keys().map(String::as_str).collect();
            SeatError::World(self.world.clone(), known.join(", "))
        })
    }

    /// The settings of a simulator over the live Docker, in the world asked for.
    pub fn simulator_settings(&self, listen: SocketAddr) -> Result<Settings, SeatError> {
        let world = self.world_settings()?;
        let text = crate::store::read(&self.store.path_of(&world.file))?;
        let parsed = match World::like(&text) {
            Some(base) => {
                let folder = world.file.rsplit_once('/').map_or("", |(folder, _)| folder);
                let base = crate::store::read(&self.store.path_of(&format!("{folder}/{base}.toml")))?;
                World::parse_over(&base, &text)
            }
            None => World::parse(&text),
        };
        let parsed = parsed.map_err(|error| SeatError::WorldFile(world.file.clone(), error))?;
        let known: Vec<&str> =
            crate::simulator::behaviours().flat_map(|each| each.ids.iter().copied()).collect();
        if let Some(unknown) = self.without.iter().find(|id| !known.contains(&id.as_str())) {
            let near = crate::mistake::nearest(unknown, known);
            let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(SeatError::Behaviour(unknown.clone(), hint));
        }
        let docker = match self.docker_endpoint() {
            Ok(Endpoint { address: Address::Unix(path), .. }) => path,
            Ok(_) | Err(_) => PathBuf::from(USUAL_SOCKET),
        };
        let of_world = world.release.as_ref().map(Version::to_string);
        Ok(Settings {
            release: self.release.clone().or(of_world).unwrap_or_else(|| "0.7".to_owned()),
            without: self.without.iter().cloned().collect(),
            world: parsed,
            docker,
            listen,
            latency: false,
            state: None,
        })
    }

    fn simulator(&self) -> Result<Seat, SeatError> {
        let settings = self.simulator_settings(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let docker = Address::Unix(settings.docker.clone());
        let shown = settings.world.tls.clone();
        let simulator = Simulator::start(settings)?;
        let host = simulator.address().to_string();
        let mut endpoint = Endpoint::new(match &shown {
            Some(certificate) => self.behind_tls(host, certificate)?,
            None => Address::Tcp(host),
        });
        endpoint.beneath = Some(docker);
        // What would change an engine as a whole it answers itself, unless a behaviour is switched off:
        // then it may hand that on to the Docker beneath.
        if self.without.is_empty() {
            endpoint.lacks.remove(&Need::OwnEngine.to_string());
        }
        let asked = self.desk.runtime.block_on(endpoint.identify());
        let mut engine =
            asked.map_err(|source| SeatError::Engine { name: "simulator".to_owned(), source })?;
        engine.world.clone_from(&self.world);
        Ok(live("simulator", endpoint, engine, Some(simulator)))
    }

    /// An address behind TLS, and one of the test certificates to show there, or "".
    fn behind_tls(&self, host: String, certificate: &str) -> Result<Address, SeatError> {
        let read = |name: &str| crate::store::read(&self.store.path_of(&format!("fixtures/tls/{name}.pem")));
        let credentials = match certificate {
            "" => Credentials::default(),
            name => Credentials::showing(read(name)?.as_bytes(), read("client-key")?.as_bytes())
                .map_err(SimulatorError::Tls)?,
        };
        let tls = Tls::new(host, &credentials).map_err(SimulatorError::Tls)?;
        Ok(Address::Tls(tls))
    }

    fn recorded(&self, folder: &str) -> Result<Seat, SeatError> {
        let files = self.store.snapshot_files()?;
        let Some(file) = files.iter().find(|file| file.folder == folder) else {
            let known = self.store.snapshot_folders()?;
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            return Err(SeatError::NoSnapshots(folder.to_owned(), known));
        };
        let engine = match self.store.snapshot(folder, &file.case)? {
            Some(snapshot) => snapshot.engine,
            None => return Err(SeatError::NoSnapshots(folder.to_owned(), "none".to_owned())),
        };
        let source = Source::Recorded(folder.to_owned());
        Ok(Seat { name: format!("recorded:{folder}"), engine, source })
    }

    fn simulator_folder(&self) -> Result<String, SeatError> {
        let world = self.world_settings()?;
        let release = match (&self.release, &world.release) {
            (Some(release), _) => release.parse().unwrap_or_else(|_| default_release()),
            (None, Some(release)) => release.clone(),
            (None, None) => default_release(),
        };
        let engine = EngineId {
            identity: "sdc-docker".to_owned(),
            release,
            kind: Kind::Simulator,
            world: self.world.clone(),
        };
        Ok(engine.folder())
    }

    fn newest_folder(&self, prefix: &str) -> Result<String, SeatError> {
        let folders = self.store.snapshot_folders()?;
        let ours = folders.iter().filter_map(|folder| {
            let release: Version = folder.strip_prefix(prefix)?.parse().ok()?;
            Some((release, folder))
        });
        // The oldest release serves every API version that sdc-docker does.
        let oldest = ours.min_by(|one, other| one.0.cmp(&other.0)).map(|(_, folder)| folder.clone());
        oldest.ok_or_else(|| SeatError::NoSnapshots(format!("{prefix}*"), "none of Docker".to_owned()))
    }
}

fn default_release() -> Version {
    // A constant that parses.
    "0.7".parse().unwrap_or_else(|_| unreachable!("0.7 is a dotted number"))
}

fn live(name: &str, endpoint: Endpoint, engine: EngineId, simulator: Option<Simulator>) -> Seat {
    Seat { name: name.to_owned(), engine, source: Source::Live { endpoint: Box::new(endpoint), simulator } }
}
