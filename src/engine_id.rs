//! Who an engine is. Knows nothing of how it is asked.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// An engine's identity and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineId {
    /// Which implementation it answers as: `docker`, `sdc-docker`, `podman`.
    pub identity: String,
    /// Its release as it tells it, such as `20.10.24`.
    pub release: Version,
    /// How it is reached.
    pub kind: Kind,
    /// The world that a simulator shows; `default` for all others.
    pub world: String,
}

/// How an engine is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A real endpoint.
    Live,
    /// An engine that the run started in a container.
    Container,
    /// An engine that the run started as a process of this machine.
    Host,
    /// sdc-docker's behaviour served over a live stock Docker: a stand-in.
    Simulator,
    /// Committed snapshots.
    Recorded,
}

impl EngineId {
    /// The folder of its snapshots: `docker-20.10`, `simulator-0.7`, `simulator-0.7+no-volumes`.
    pub fn folder(&self) -> String {
        let name = match self.kind {
            Kind::Simulator => "simulator",
            Kind::Live | Kind::Container | Kind::Host | Kind::Recorded => &self.identity,
        };
        let release = self.release.short();
        match self.world.as_str() {
            "default" => format!("{name}-{release}"),
            world if world == release.to_string() => format!("{name}-{release}"),
            world => format!("{name}-{release}+{world}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Kind::Live => "live",
            Kind::Container => "container",
            Kind::Host => "host",
            Kind::Simulator => "simulator",
            Kind::Recorded => "recorded",
        })
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ({})", self.identity, self.release, self.kind)
    }
}
