//! What all calls share: switches, world, state, the Docker beneath, and the way of a call.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::behaviour::behaviours;
use super::docker::{Ask, Docker};
use super::provisioning::Zones;
use super::state::State;
use super::{Settings, SimulatorError, World};
use hyper::Method;

/// Everything that a call needs.
#[derive(Debug)]
pub struct Service {
    pub release: String,
    pub without: BTreeSet<String>,
    on: BTreeSet<&'static str>,
    pub world: World,
    pub docker: Docker,
    pub state: State,
    pub latency: AtomicBool,
    /// The clients behind TLS.
    pub peers: super::tls::Peers,
    /// The attaches under way.
    pub attached: super::attach::Sessions,
    /// Whose turn it is to be copied from, by container.
    pub copies: super::archive::Turns,
    /// The zones that are being made.
    pub zones: Zones,
    /// The headers that the Docker beneath puts on every answer.
    pub docker_headers: Vec<(String, String)>,
}

impl Service {
    /// Loads the state and asks the Docker beneath who it is.
    pub async fn start(settings: Settings) -> Result<Service, SimulatorError> {
        let docker = Docker::new(&settings.docker);
        let ping = docker.ask(Ask::new(Method::GET, "/_ping")).await.map_err(|e| SimulatorError::Docker {
            path: settings.docker.display().to_string(),
            cause: e.to_string(),
        })?;
        let common = ["api-version", "docker-experimental", "ostype", "server"];
        let docker_headers =
            ping.headers.into_iter().filter(|(name, _)| common.contains(&name.as_str())).collect();
        let state = State::load(settings.state.as_deref()).map_err(|cause| SimulatorError::State {
            path: settings.state.as_deref().map(|p| p.display().to_string()).unwrap_or_default(),
            cause,
        })?;
        let on = switched_on(&settings.release, &settings.without);
        Ok(Service {
            on,
            release: settings.release,
            without: settings.without,
            world: settings.world,
            docker,
            state,
            latency: AtomicBool::new(settings.latency),
            peers: super::tls::Peers::default(),
            attached: super::attach::Sessions::default(),
            copies: super::archive::Turns::default(),
            zones: Zones::default(),
            docker_headers,
        })
    }

    /// Whether the behaviour with this id is on.
    pub fn on(&self, id: &str) -> bool {
        self.on.contains(id)
    }

    /// Whether latency is on and so is the behaviour that it stands for.
    pub fn slow(&self, id: &str) -> bool {
        self.latency.load(Ordering::Relaxed) && self.on(id)
    }

    /// Takes the time of a management call, if latency and the behaviour are on.
    pub async fn pause(&self, id: &str, call: &str) {
        if self.slow(id)
            && let Some(milliseconds) = self.world.latency.get(call)
        {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
    }
}

/// The ids that are on: in the release's range, and with none of their behaviour's ids switched off.
fn switched_on(release: &str, without: &BTreeSet<String>) -> BTreeSet<&'static str> {
    behaviours()
        .filter(|b| b.holds_at(release) && !b.ids.iter().any(|id| without.contains(*id)))
        .flat_map(|b| b.ids.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_and_a_release_change_only_their_own() {
        let all = switched_on("0.7", &BTreeSet::new());
        let without = BTreeSet::from(["exit-status-differs".to_owned()]);
        let some = switched_on("0.7", &without);
        let gone: Vec<_> = all.difference(&some).collect();
        assert_eq!(gone, [&"exit-status-differs"]);
        let old = switched_on("0.3", &BTreeSet::new());
        assert!(old.contains("build-not-implemented"));
        assert!(!all.contains("build-not-implemented"));
        assert!(old.contains("events-not-implemented"));
    }
}
