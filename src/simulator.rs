//! The simulator: an HTTP server on loopback that answers as sdc-docker does, over a
//! live stock Docker that really runs the containers.
//!
//! It owns its listener, its threads and its state; it knows nothing of scenarios,
//! divergence files or reports. What it shows is a stand-in, never evidence.

mod affinity;
mod answer;
mod archive;
mod attach;
mod behaviour;
mod build;
mod build_context;
mod build_stream;
mod call;
mod certificate;
mod checks;
mod container_volumes;
mod create;
mod docker;
mod dockerfile;
mod exec;
mod exit;
mod filters;
mod frames;
mod gate;
mod image_show;
mod images;
mod inside;
mod inspect;
mod json;
mod labels;
mod lifecycle;
mod links;
mod list;
mod log_config;
mod logs;
mod mounts;
mod names;
mod negotiate;
mod network;
mod options;
mod ports;
mod provisioning;
mod render;
mod request;
mod resources;
mod route;
mod server;
mod service;
mod shapes;
mod state;
mod stats;
mod system;
mod tls;
mod top;
mod unchecked;
mod volume_filters;
mod volumes;
mod world;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

pub use behaviour::{Behaviour, behaviours};
pub use world::{Latency, Network, Package, World};

/// What a simulator answers as, over which Docker, and where it listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The release of sdc-docker it answers as: "0.7" or "0.3".
    pub release: String,
    /// The behaviours that are switched off, by divergence id.
    pub without: BTreeSet<String>,
    /// The account, packages and networks it shows.
    pub world: World,
    /// The unix socket of the stock Docker beneath.
    pub docker: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether management calls take the world's times on top of Docker's own.
    pub latency: bool,
    /// The directory of the state that survives a restart.
    pub state: Option<PathBuf>,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A behaviour to switch off does not exist.
    #[error("switch off {0}: there is no behaviour with that id")]
    UnknownBehaviour(String),
    /// The address is taken or not ours.
    #[error("listen on {address}: {cause}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The Docker beneath does not answer.
    #[error("reach the Docker beneath at {path}: {cause}")]
    Docker {
        /// The socket asked for.
        path: String,
        /// What went wrong.
        cause: String,
    },
    /// The saved state does not load.
    #[error("load the state in {path}: {cause}")]
    State {
        /// The directory asked for.
        path: String,
        /// What went wrong.
        cause: String,
    },
    /// TLS cannot be set up.
    #[error("set up TLS: {0}")]
    Tls(String),
    /// The thread or its runtime did not start.
    #[error("start the thread of the simulator: {0}")]
    Thread(std::io::Error),
}

/// A running simulator: one thread with a runtime of its own, joined by `stop` or on drop.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    service: Arc<service::Service>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator and returns once it listens.
    pub fn start(settings: Settings) -> Result<Simulator, SimulatorError> {
        let known: BTreeSet<&str> = behaviours().flat_map(|b| b.ids.iter().copied()).collect();
        if let Some(unknown) = settings.without.iter().find(|id| !known.contains(id.as_str())) {
            return Err(SimulatorError::UnknownBehaviour(unknown.clone()));
        }
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || server::run(settings, ready, stopped))
            .map_err(SimulatorError::Thread)?;
        match started.recv() {
            Ok(Ok((address, service))) => {
                Ok(Simulator { address, service, stop: Some(stop), thread: Some(thread) })
            }
            Ok(Err(error)) => {
                let _ = thread.join();
                Err(error)
            }
            Err(_) => Err(SimulatorError::Thread(std::io::Error::other("it ended before it listened"))),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Turns the times of management calls on or off; used around performance cases.
    pub fn set_latency(&self, on: bool) {
        self.service.latency.store(on, Ordering::Relaxed);
    }

    /// Stops listening, drops every connection and waits for the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}
