//! Engines that a run starts itself and ends with it: processes of this machine, and containers.
//! Knows no scenario and no ledger.

pub mod host;
pub mod lane;

use std::fmt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::address::Address;
use super::{Endpoint, EngineError};
use crate::engine_id::Kind;

/// How long an engine may take until it answers.
const STARTING: Duration = Duration::from_secs(60);
/// Between two looks at an engine that is starting or ending.
const PAUSE: Duration = Duration::from_millis(20);
/// A unix socket's path is no longer than this, as the system has it.
const LONGEST_SOCKET: usize = 107;

/// The implementations that a run knows how to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// `dockerd`.
    Docker,
    /// `podman system service`.
    Podman,
}

/// An engine to be started, by the name that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `host:docker`, `host:podman`: this machine's own program.
    Host(Implementation),
}

/// An engine that the run started. It is ended with [`Started::end`], or by a sweep.
#[derive(Debug)]
pub struct Started {
    /// Where it listens.
    pub address: Address,
    /// How it runs.
    pub kind: Kind,
    child: Child,
}

/// Why an engine was not started, or not ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A host engine needs root.
    #[error("it has a network and mounts of its own, which only root can make: run as root")]
    NotRoot,
    /// A program is missing.
    #[error("there is no `{0}` on the path: {1}")]
    NoProgram(&'static str, &'static str),
    /// Its socket would not be found.
    #[error(
        "its socket would be {0}, which is longer than the {LONGEST_SOCKET} bytes that the system allows: name a shorter place with --state"
    )]
    LongPath(String),
    /// The system said no.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// It ended by itself.
    #[error("it ended at once ({status}); it said:\n{log}")]
    Ended {
        /// How.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// It does not answer.
    #[error("it does not answer: {source}; it said:\n{log}")]
    Silent {
        /// What asking it gave.
        source: EngineError,
        /// The end of its log.
        log: String,
    },
    /// The run was interrupted meanwhile.
    #[error("interrupted")]
    Interrupted,
}

impl Implementation {
    /// As names say it.
    pub fn word(self) -> &'static str {
        match self {
            Implementation::Docker => "docker",
            Implementation::Podman => "podman",
        }
    }
}

impl Wanted {
    /// What a name asks for, if it asks for an engine to be started.
    pub fn parse(name: &str) -> Option<Wanted> {
        match name {
            "host:docker" => Some(Wanted::Host(Implementation::Docker)),
            "host:podman" => Some(Wanted::Host(Implementation::Podman)),
            _ => None,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Host(implementation) => write!(out, "host:{}", implementation.word()),
        }
    }
}

impl Started {
    /// Where an engine listens that keeps everything in this folder.
    pub fn address_in(folder: &Path) -> Address {
        Address::Unix(folder.join("engine.sock"))
    }

    /// Starts an engine that keeps everything in `folder`, and waits until it answers. The folder
    /// is the engine's own: nothing else may lie there, and it goes with the engine.
    pub async fn start(wanted: &Wanted, folder: &Path) -> Result<Started, StartError> {
        let address = Started::address_in(folder);
        if let Address::Unix(socket) = &address
            && socket.as_os_str().len() > LONGEST_SOCKET
        {
            return Err(StartError::LongPath(socket.display().to_string()));
        }
        let (child, kind) = match wanted {
            Wanted::Host(implementation) => (host::launch(*implementation, folder)?, Kind::Host),
        };
        let mut started = Started { address, kind, child };
        match started.answers(folder).await {
            Ok(()) => Ok(started),
            Err(error) => {
                // What the start left is told by the ledger, should this fail as well.
                let _ = started.end(folder).await;
                Err(error)
            }
        }
    }

    async fn answers(&mut self, folder: &Path) -> Result<(), StartError> {
        let (endpoint, begun) = (Endpoint::new(self.address.clone()), Instant::now());
        loop {
            let asked = endpoint.identify().await;
            let log = || host::end_of_log(folder);
            match (asked, self.child.try_wait()) {
                (Ok(_), _) => return Ok(()),
                (Err(_), Ok(Some(status))) => {
                    return Err(StartError::Ended { status: status.to_string(), log: log() });
                }
                (Err(source), _) if begun.elapsed() > STARTING => {
                    return Err(StartError::Silent { source, log: log() });
                }
                (Err(_), _) => sleep(PAUSE).await,
            }
        }
    }

    /// Ends it, and removes all that it has made.
    pub async fn end(mut self, folder: &Path) -> Result<(), StartError> {
        let ended = host::end(folder).await;
        // Its last state is collected, whatever it is.
        let _ = self.child.try_wait();
        ended
    }

    /// A process in its network.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ask_for_an_engine_to_be_started() {
        for name in ["host:docker", "host:podman"] {
            assert_eq!(Wanted::parse(name).unwrap().to_string(), name);
        }
        for name in ["docker", "host:", "host:rkt", "unix:///host:docker"] {
            assert_eq!(Wanted::parse(name), None);
        }
    }
}
