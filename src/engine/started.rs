//! Engines that a run starts itself and ends with it: processes of this machine, and containers.
//! Knows no scenario and no ledger.

pub mod container;
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
    /// `docker:28.5`, `podman:5.4`: one that `ci/engines` made an image of. Else the name of any
    /// image: `docker:28-dind`, `quay.io/podman/stable:v5`.
    Container(Implementation, String),
}

/// What a run gives an engine that it starts.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// A folder of the engine's own: nothing else lies there, and it goes with the engine.
    pub folder: &'a Path,
    /// The Docker that is to run it, if it is a container.
    pub docker: &'a Address,
    /// Its name and the value of its label, if it is a container.
    pub name: &'a str,
}

/// An engine that the run started. It is ended with [`Started::end`], or by a sweep.
#[derive(Debug)]
pub struct Started {
    /// Where it listens.
    pub address: Address,
    /// How it runs.
    pub kind: Kind,
    how: How,
}

#[derive(Debug)]
enum How {
    Process(Child),
    Container,
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
    /// Nothing to make a container of.
    #[error("there is no image of it: `ci/engines {own}` makes one; and {name} could not be pulled: {why}")]
    NoImage {
        /// As it was asked for.
        name: String,
        /// As `ci/engines` would call it.
        own: String,
        /// What the pull gave.
        why: String,
    },
    /// `DOCKER_HOST` names no engine.
    #[error("failed to find the local Docker: {0}")]
    DockerHost(EngineError),
    /// The container's Docker is elsewhere.
    #[error(
        "it shares a folder with this machine, but the Docker that would run it is at {0}: name a unix socket in DOCKER_HOST"
    )]
    Elsewhere(Address),
    /// The Docker that is to run it said no.
    #[error("the Docker at {0} did not run it: {1}")]
    Docker(Address, String),
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
        let all = [Implementation::Docker, Implementation::Podman];
        if let Some(word) = name.strip_prefix("host:") {
            return all.into_iter().find(|each| each.word() == word).map(Wanted::Host);
        }
        let (repository, tag) = name.rsplit_once(':')?;
        if tag.is_empty() || tag.contains('/') || repository.contains("://") {
            return None;
        }
        let of = |each: &Implementation| repository.split('/').any(|part| part == each.word());
        all.into_iter().find(of).map(|each| Wanted::Container(each, name.to_owned()))
    }

    /// How it will run.
    pub fn kind(&self) -> Kind {
        match self {
            Wanted::Host(_) => Kind::Host,
            Wanted::Container(..) => Kind::Container,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Host(implementation) => write!(out, "host:{}", implementation.word()),
            Wanted::Container(_, name) => out.write_str(name),
        }
    }
}

impl Started {
    /// Where an engine listens that has this folder.
    pub fn address_in(folder: &Path) -> Address {
        Address::Unix(folder.join("engine.sock"))
    }

    /// Starts an engine and waits until it answers.
    pub async fn start(wanted: &Wanted, place: Place<'_>) -> Result<Started, StartError> {
        let address = Started::address_in(place.folder);
        if let Address::Unix(socket) = &address
            && socket.as_os_str().len() > LONGEST_SOCKET
        {
            return Err(StartError::LongPath(socket.display().to_string()));
        }
        let how = match wanted {
            Wanted::Host(each) => How::Process(host::launch(*each, place.folder)?),
            Wanted::Container(each, name) => {
                container::launch(*each, name, place).await?;
                How::Container
            }
        };
        let mut started = Started { address, kind: wanted.kind(), how };
        started.answers(place).await?;
        Ok(started)
    }

    async fn answers(&mut self, place: Place<'_>) -> Result<(), StartError> {
        let (endpoint, begun) = (Endpoint::new(self.address.clone()), Instant::now());
        loop {
            let Err(source) = endpoint.identify().await else { return Ok(()) };
            if let Some(status) = self.ended(place).await {
                return Err(StartError::Ended { status, log: self.log(place).await });
            }
            if begun.elapsed() > STARTING {
                return Err(StartError::Silent { source, log: self.log(place).await });
            }
            sleep(PAUSE).await;
        }
    }

    /// How it ended, if it did by itself.
    async fn ended(&mut self, place: Place<'_>) -> Option<String> {
        match &mut self.how {
            How::Process(child) => child.try_wait().ok().flatten().map(|status| status.to_string()),
            How::Container => container::ended(place).await,
        }
    }

    /// What it said last.
    async fn log(&self, place: Place<'_>) -> String {
        match &self.how {
            How::Process(_) => host::end_of_log(place.folder),
            How::Container => container::end_of_log(place).await,
        }
    }

    /// A process in its network, as this machine counts.
    pub async fn pid(&self, place: Place<'_>) -> Option<u32> {
        match &self.how {
            How::Process(child) => Some(child.id()),
            How::Container => container::pid(place).await,
        }
    }

    /// Ends it and removes all that it has made.
    pub async fn end(self, place: Place<'_>) -> Result<(), StartError> {
        let ended = end(place, self.kind).await;
        if let How::Process(mut child) = self.how {
            // Its last state is collected, whatever it is.
            let _ = child.try_wait();
        }
        ended
    }
}

/// Ends an engine that may only have been begun.
pub async fn end(place: Place<'_>, kind: Kind) -> Result<(), StartError> {
    if kind == Kind::Container {
        container::remove(place).await?;
    }
    host::end(place.folder).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ask_for_an_engine_to_be_started() {
        let podman = |name: &str| Wanted::Container(Implementation::Podman, name.to_owned());
        assert_eq!(Wanted::parse("host:podman"), Some(Wanted::Host(Implementation::Podman)));
        assert_eq!(Wanted::parse("quay.io/podman/stable:v5"), Some(podman("quay.io/podman/stable:v5")));
        for name in ["host:docker", "docker:28.5", "docker:28-dind", "127.0.0.1:5000/docker:28", "podman:5.4"]
        {
            assert_eq!(Wanted::parse(name).unwrap().to_string(), name);
        }
        let others = [
            "docker",
            "docker:",
            "host:",
            "host:rkt",
            "unix:///run/docker",
            "tcp://docker:1",
            "tcp://docker:1/",
            "alpine:3",
        ];
        for name in others {
            assert_eq!(Wanted::parse(name), None, "{name}");
        }
    }
}
