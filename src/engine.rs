//! Engines as they are reached: where one listens, who it is, and what it serves. The bytes are
//! `wire`'s and `connection`'s. Knows no scenario.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::engine_id::{EngineId, Kind};
use crate::exchange::{Answer, Bytes, Failure, Sent};
use crate::scenario::{Need, RUN_LABEL};
use crate::version::Version;

pub mod address;
pub mod budget;
pub mod client;
pub mod command;
pub mod connection;
pub mod credentials;
pub mod docker_cli;
pub mod framing;
pub mod logins;
pub mod started;
pub mod target;
pub mod tls;
mod verifier;
pub mod waiting;
pub mod wire;

use address::Address;
use budget::Budget;
use credentials::CredentialsError;
use logins::Logins;
use waiting::Waiting;
use wire::{Reply, Wire};

/// Where `ci/registry` lets a registry listen; dockerd takes such an address for insecure by itself.
const REGISTRY: &str = "127.0.0.1:5000";
/// Why an endpoint is not changed as a whole, unless the run started it itself.
const NOT_OWN: &str = "the run did not start it; `--reference host:docker` starts one";
/// How long the questions of [`Endpoint::identify`] may take, before the timeout factor.
const ASKING: Duration = Duration::from_secs(10);

/// An engine as it is configured: where it listens and what it can and cannot do.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: Address,
    /// The engine beneath, for one that only stands in: what is made really lies there.
    pub beneath: Option<Address>,
    /// The API versions that it is asked at; none for any that a scenario names.
    pub api: Vec<Version>,
    /// By how much all deadlines are longer than a scenario says.
    pub timeout_factor: f64,
    /// How many cases it can serve at a time.
    pub jobs: Option<usize>,
    /// The engine's own names of images, by capability (`busybox`).
    pub images: BTreeMap<String, String>,
    /// The registry that it can push to and pull from, as its clients name it.
    pub registry: String,
    /// The docker CLI that commands are run with, once one is found.
    pub docker_cli: Option<PathBuf>,
    /// Capabilities that it lacks, as files write them, with the reason.
    pub lacks: BTreeMap<String, String>,
    /// The label that everything made there carries.
    pub label: String,
    /// What the names of everything made there begin with.
    pub prefix: String,
    /// How many containers a run may still make there, if that is limited.
    pub budget: Option<Budget>,
    /// What it has not answered yet.
    pub waiting: Waiting,
    /// The accounts with which it pulls.
    pub logins: Logins,
}

/// How many containers a run makes on an engine that is not of this machine, unless it says otherwise.
const ELSEWHERE: usize = 500;

/// What names of made things begin with where nothing else is configured.
pub const PREFIX: &str = "dv-";

/// Why there is nothing to be learned from an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The text names no address.
    #[error("read `{text}` as the address of an engine: {why}")]
    Address {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing listens there.
    #[error("connect to {address}: {source}; {advice}")]
    Connect {
        /// Where.
        address: Address,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// TLS cannot be set up with these certificates.
    #[error("set up TLS: {0}")]
    Tls(String),
    /// The certificates cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A docker context names no engine.
    #[error("use the docker context `{name}`: {why}")]
    Context {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something listens there, but it does not answer as an engine does.
    #[error("make out the engine at {address}: {what}; is it a Docker API?")]
    Unknown {
        /// Where.
        address: Address,
        /// What was asked and how it was answered.
        what: String,
    },
    /// It takes the client for nobody that it knows.
    #[error("be let in by {address}: GET /version is a 401{said}; {advice}")]
    Refused {
        /// Where.
        address: Address,
        /// What it said.
        said: String,
        /// What to do.
        advice: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("set up an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The docker CLI could not be run.
    #[error("run the docker CLI: {0}")]
    DockerCli(#[source] std::io::Error),
}

impl Endpoint {
    /// An endpoint without peculiarities.
    pub fn new(address: Address) -> Endpoint {
        let budget = (!address.is_loopback()).then(|| Budget::of(ELSEWHERE));
        Endpoint {
            address,
            beneath: None,
            api: Vec::new(),
            timeout_factor: 1.0,
            jobs: None,
            images: BTreeMap::new(),
            registry: REGISTRY.to_owned(),
            docker_cli: None,
            lacks: BTreeMap::from([(Need::OwnEngine.to_string(), NOT_OWN.to_owned())]),
            label: RUN_LABEL.to_owned(),
            prefix: PREFIX.to_owned(),
            budget,
            waiting: Waiting::default(),
            logins: Logins::default(),
        }
    }

    /// Where what is made on this engine really lies; a ledger names it, since a stand-in ends
    /// with its run.
    pub fn home(&self) -> &Address {
        self.beneath.as_ref().unwrap_or(&self.address)
    }

    /// Why it is not asked at an API version, if it is not.
    pub fn omits(&self, api: &Version) -> Option<String> {
        let is_asked = self.api.is_empty() || self.api.contains(api);
        (!is_asked)
            .then(|| format!("it is not asked at API {api}: `api` of its entry in engines.toml names others"))
    }

    /// A duration as this engine needs it.
    pub fn stretch(&self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.timeout_factor).unwrap_or(duration)
    }

    /// Asks the engine who it is.
    pub async fn identify(&self) -> Result<EngineId, EngineError> {
        let wire = Wire::new(self)?;
        if let Some(simulator) = self.ask(&wire, "/_divergence/simulator").await?
            && let Some(id) = simulator_id(&simulator)
        {
            return Ok(id);
        }
        let (server, version) = self.version(&wire).await?;
        let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let sdc = server.is_some_and(|server| server.starts_with("Triton/"))
            || text(&version, "/GoVersion").is_some_and(|go| go.starts_with("node"));
        let (identity, release) = if sdc {
            let info = self.ask(&wire, "/info").await?.unwrap_or_default();
            let driver = text(&info, "/ExecutionDriver").unwrap_or_default();
            ("sdc-docker", driver.strip_prefix("sdc-").map(str::to_owned))
        } else if let Some(release) = podman_release(&version) {
            ("podman", Some(release))
        } else {
            ("docker", text(&version, "/Version"))
        };
        let release = release.unwrap_or_default();
        let release = Version::leading(&release)
            .map_err(|error| self.unknown(format!("its release as a {identity} is unclear ({error})")))?;
        let world = "default".to_owned();
        Ok(EngineId { identity: identity.to_owned(), release, kind: Kind::Live, world })
    }

    /// Whether the engine answers at an API version.
    pub async fn serves(&self, api: &Version) -> Result<bool, EngineError> {
        Ok(self.ask(&Wire::new(self)?, &format!("/v{api}/version")).await?.is_some())
    }

    /// The value of the `Server` header and the body of `GET /version`.
    async fn version(&self, wire: &Wire) -> Result<(Option<String>, Value), EngineError> {
        let reply = self.get(wire, "/version").await?;
        let what = match (&reply.answer, reply.failure) {
            (_, Some(Failure::Timeout)) => "GET /version was not answered in time".to_owned(),
            (_, Some(failure)) => {
                let hint = if matches!(self.address, Address::Tcp(_)) { "; does it speak TLS?" } else { "" };
                format!("GET /version failed ({failure:?}){hint}")
            }
            (None, None) => "GET /version had no answer".to_owned(),
            (Some(answer), None) if answer.status == 200 => match serde_json::from_slice(&answer.body.0) {
                Ok(version @ Value::Object(_)) => {
                    let server = answer.header("server").next().map(str::to_owned);
                    return Ok((server, version));
                }
                Ok(_) | Err(_) => "the body of GET /version is no JSON object".to_owned(),
            },
            (Some(answer), None) if answer.status == 401 => return Err(self.refused(answer)),
            (Some(answer), None) => format!("GET /version is a {}{}", answer.status, first_line(answer)),
        };
        Err(self.unknown(what))
    }

    /// The JSON of an answer that is a 200.
    async fn ask(&self, wire: &Wire, target: &str) -> Result<Option<Value>, EngineError> {
        let reply = self.get(wire, target).await?;
        let answer = reply.answer.filter(|answer| answer.status == 200 && reply.failure.is_none());
        Ok(answer.and_then(|answer| serde_json::from_slice(&answer.body.0).ok()))
    }

    async fn get(&self, wire: &Wire, target: &str) -> Result<Reply, EngineError> {
        let (method, target) = ("GET".to_owned(), target.to_owned());
        let headers = wire::usual_headers(&self.address);
        let sent = Sent { method, target, headers, body: Bytes::default() };
        wire.request(&sent, self.stretch(ASKING)).await
    }

    /// sdc-docker lets every client in, and refuses those whose certificate is no account's.
    fn refused(&self, answer: &Answer) -> EngineError {
        let advice = match &self.address {
            Address::Tls(_) => {
                "see that cert.pem of its certificates names the account (as the CN), and that key.pem is one of the account's keys"
            }
            Address::Unix(_) | Address::Tcp(_) => {
                "it may know its clients by their certificates: reach it by TLS"
            }
        };
        EngineError::Refused { address: self.address.clone(), said: first_line(answer), advice }
    }

    fn unknown(&self, what: String) -> EngineError {
        EngineError::Unknown { address: self.address.clone(), what }
    }
}

/// The first line of a body behind a colon, for people.
fn first_line(answer: &Answer) -> String {
    let text = answer.body.lossy();
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

/// Only the project's own simulator answers this, and only with these keys.
fn simulator_id(answer: &Value) -> Option<EngineId> {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    answer.get("simulator")?.as_bool().filter(|is| *is)?;
    Some(EngineId {
        identity: "sdc-docker".to_owned(),
        release: text("release")?.parse().ok()?,
        kind: Kind::Simulator,
        world: text("world")?.to_owned(),
    })
}

fn podman_release(version: &Value) -> Option<String> {
    let components = version.get("Components")?.as_array()?;
    let engine = components.iter().find(|part| part["Name"] == "Podman Engine")?;
    engine["Version"].as_str().map(str::to_owned)
}
