//! What the simulator remembers of containers and execs, and its file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::text;

/// A container that was created here.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Container {
    /// The create request as it was asked.
    pub asked: Value,
    /// The login of the account that it is of.
    #[serde(default)]
    pub owner: String,
    /// The name of its package.
    pub package: String,
    /// The published ports, container port to host port, as `80/tcp` to `80`.
    pub published: BTreeMap<String, String>,
    /// The ports that its image exposes.
    #[serde(default)]
    pub exposed: Vec<String>,
    /// The exit code that dockerinit left when it could not start the command.
    pub start_failure: Option<i64>,
    /// When that happened, in seconds.
    pub failed_at: Option<i64>,
    /// Whether it was started at all.
    pub started: bool,
    /// The last address it had: gateway, address, prefix length, MAC.
    pub nic: Option<Nic>,
    /// Links as `name:alias`.
    pub links: Vec<String>,
    /// Containers whose volumes it uses.
    pub volumes_from: Vec<String>,
    /// The environment of its image.
    pub image_env: Vec<String>,
    /// Whether it is a SmartOS zone.
    pub smartos: bool,
    /// Whether its working directory is not there.
    #[serde(default)]
    pub lacks_directory: bool,
    /// Whether a signal was sent to it since it was started.
    #[serde(default)]
    pub signalled: bool,
    /// What its links told it when it was made.
    #[serde(default)]
    pub link: super::links::Told,
}

/// The primary NIC of a container.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Nic {
    pub gateway: String,
    pub address: String,
    pub prefix: i64,
    pub mac: String,
}

/// An exec that was created here.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Exec {
    /// The id of the container.
    pub container: String,
    /// The command.
    pub cmd: Vec<String>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether it was created with Detach.
    pub detach: bool,
    /// Whether it exists here only: the Docker beneath refuses it.
    pub only_here: bool,
    /// Its exit code if dockerexec failed.
    pub failure: Option<i64>,
    /// Whether it was started.
    pub started: bool,
    /// Whether it was to have a terminal and has none.
    #[serde(default)]
    pub no_terminal: bool,
}

/// A volume with the Triton options that Docker does not keep.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Volume {
    /// Its labels.
    pub labels: Option<Value>,
    /// How many addresses were given out before its own.
    #[serde(default)]
    pub number: u32,
    /// The network that it was asked to be on.
    #[serde(default)]
    pub network: Option<String>,
}

/// Everything remembered.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Memory {
    pub containers: BTreeMap<String, Container>,
    pub execs: BTreeMap<String, Exec>,
    pub volumes: BTreeMap<String, Volume>,
    /// The short ids of images that were built from nothing.
    #[serde(default)]
    pub from_scratch: BTreeSet<String>,
    /// Names of images that only sdc-docker takes, with the image's id or its beginning.
    #[serde(default)]
    pub odd_tags: BTreeMap<String, String>,
    /// How many addresses were given out.
    pub addresses: u32,
}

/// The memory behind a lock, written whole after each change.
#[derive(Debug)]
pub struct State {
    memory: Mutex<Memory>,
    file: Option<PathBuf>,
}

impl State {
    /// Loads the state of a directory, or starts with none.
    pub fn load(directory: Option<&Path>) -> Result<State, String> {
        let Some(directory) = directory else {
            return Ok(State { memory: Mutex::default(), file: None });
        };
        std::fs::create_dir_all(directory).map_err(|e| e.to_string())?;
        let file = directory.join("state.json");
        let memory = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| e.to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Memory::default(),
            Err(error) => return Err(error.to_string()),
        };
        Ok(State { memory: Mutex::new(memory), file: Some(file) })
    }

    /// Reads something.
    pub fn read<T>(&self, read: impl FnOnce(&Memory) -> T) -> T {
        // A poisoned lock holds whole values all the same: nothing panics while it is held.
        read(&self.memory.lock().unwrap_or_else(|e| e.into_inner()))
    }

    /// Changes something and saves everything.
    pub fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.memory.lock().unwrap_or_else(|e| e.into_inner());
        let result = change(&mut memory);
        if let Some(file) = &self.file {
            // A state that cannot be saved is lost at the next start, which is all that is promised.
            let _ = save(file, &memory);
        }
        result
    }

    /// The container of an id.
    pub fn container(&self, id: &str) -> Option<Container> {
        self.read(|m| m.containers.get(id).cloned())
    }

    /// What was asked when a container was made that is shown here; null for one of others.
    pub fn asked(&self, container: &Value) -> Value {
        self.container(text(container, "/Id")).map_or(Value::Null, |container| container.asked)
    }

    /// The exec of an id.
    pub fn exec(&self, id: &str) -> Option<Exec> {
        self.read(|m| m.execs.get(id).cloned())
    }
}

fn save(file: &Path, memory: &Memory) -> std::io::Result<()> {
    let whole = file.with_extension("tmp");
    std::fs::write(&whole, serde_json::to_vec(memory)?)?;
    std::fs::rename(&whole, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::load(Some(directory.path())).unwrap();
        state.change(|m| {
            m.containers.insert(
                "c1".to_owned(),
                Container { package: "sample-1G".to_owned(), ..Container::default() },
            )
        });
        let again = State::load(Some(directory.path())).unwrap();
        assert_eq!(again.container("c1").unwrap().package, "sample-1G");
        assert!(again.container("c2").is_none());
    }
}
