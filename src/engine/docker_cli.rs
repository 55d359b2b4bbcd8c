//! Which engine the docker CLI would use: its variables, its contexts, the usual socket, in its order.
//! Asks no engine.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::EngineError;
use super::address::Address;
use super::credentials::Credentials;
use super::logins::Logins;

/// The usual place of a Docker Engine.
pub const USUAL_SOCKET: &str = "/var/run/docker.sock";
/// The context that stands for the variables and the usual socket.
const DEFAULT: &str = "default";

/// What decides which engine the docker CLI uses.
#[derive(Clone, Debug, Default)]
pub struct DockerCli {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CERT_PATH`: where certificates lie; the folder of the configuration if it is not set.
    pub certificates: Option<PathBuf>,
    /// `DOCKER_TLS`: any text turns TLS on, without verifying the server.
    pub tls: bool,
    /// `DOCKER_TLS_VERIFY`: any text, also `0`, turns TLS on, and verifying.
    pub tls_verify: bool,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, or `~/.docker`.
    pub folder: Option<PathBuf>,
}

/// An engine and why it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it listens.
    pub address: Address,
    /// What names it.
    pub why: String,
}

impl DockerCli {
    /// Reads the variables of an environment; one that is empty is as good as not set.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> DockerCli {
        let text = |name: &str| variable(name).filter(|text| !text.is_empty());
        let usual_folder = || text("HOME").map(|home| Path::new(&home).join(".docker"));
        DockerCli {
            host: text("DOCKER_HOST"),
            certificates: text("DOCKER_CERT_PATH").map(PathBuf::from),
            tls: text("DOCKER_TLS").is_some(),
            tls_verify: text("DOCKER_TLS_VERIFY").is_some(),
            context: text("DOCKER_CONTEXT"),
            folder: text("DOCKER_CONFIG").map(PathBuf::from).or_else(usual_folder),
        }
    }

    /// The engine that `docker` without options would use.
    pub fn choice(&self) -> Result<Choice, EngineError> {
        if self.host.is_some() {
            return self.by_variables();
        }
        let (name, why) = match &self.context {
            Some(name) => (Some(name.clone()), "DOCKER_CONTEXT"),
            None => (self.current_context()?, "`docker context use`"),
        };
        match name.filter(|name| name != DEFAULT) {
            Some(name) => {
                Ok(Choice { address: self.context(&name)?, why: format!("the context `{name}` of {why}") })
            }
            None => self.by_variables(),
        }
    }

    /// The engine of a context by name.
    pub fn context(&self, name: &str) -> Result<Address, EngineError> {
        if name == DEFAULT {
            return Ok(self.by_variables()?.address);
        }
        let failed = |why: String| EngineError::Context { name: name.to_owned(), why };
        let folder =
            self.folder.as_ref().ok_or_else(|| failed("there is no DOCKER_CONFIG and no home".to_owned()))?;
        let id: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = folder.join("contexts/meta").join(&id).join("meta.json");
        if !file.is_file() {
            let known = self.contexts();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(failed(format!("`docker context ls` has no such context; it has {known}")));
        }
        let meta = json(&file).map_err(failed)?;
        let endpoint = &meta["Endpoints"]["docker"];
        let host = endpoint["Host"].as_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| failed("it names no host of a Docker Engine".to_owned()))?;
        let skips = endpoint["SkipTLSVerify"].as_bool().unwrap_or_default();
        let material = folder.join("contexts/tls").join(&id).join("docker");
        let credentials = match (material.is_dir(), skips) {
            (true, skips) => Some(Credentials::read(&material, !skips)?),
            (false, true) => Some(Credentials::default()),
            (false, false) => None,
        };
        address(host, credentials.as_ref())
    }

    /// The names of all contexts, but for the one that stands for the variables.
    pub fn contexts(&self) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let listing = std::fs::read_dir(folder.join("contexts/meta")).into_iter().flatten();
        let metas = listing.filter_map(|entry| json(&entry.ok()?.path().join("meta.json")).ok());
        let mut names: Vec<String> =
            metas.filter_map(|meta| meta["Name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    }

    fn by_variables(&self) -> Result<Choice, EngineError> {
        let credentials = self.credentials()?;
        let address = match (&self.host, &credentials) {
            (Some(host), _) => address(host, credentials.as_ref())?,
            (None, Some(_)) => address("tcp://localhost:2376", credentials.as_ref())?,
            (None, None) => Address::Unix(PathBuf::from(USUAL_SOCKET)),
        };
        let why = if self.host.is_some() { "DOCKER_HOST" } else { "the usual place" };
        Ok(Choice { address, why: why.to_owned() })
    }

    /// What the variables say of TLS; none when it is off. DOCKER_CERT_PATH alone does not turn it on.
    fn credentials(&self) -> Result<Option<Credentials>, EngineError> {
        if !self.tls && !self.tls_verify {
            return Ok(None);
        }
        match self.certificates.as_ref().or(self.folder.as_ref()) {
            Some(folder) => Ok(Some(Credentials::read(folder, self.tls_verify)?)),
            None => Err(EngineError::Tls(
                "DOCKER_CERT_PATH says where certificates lie; it is not set".to_owned(),
            )),
        }
    }

    /// An address as a user writes one: TLS is as the variables say, and on for `https://`.
    pub fn address(&self, text: &str) -> Result<Address, EngineError> {
        let mut credentials = self.credentials()?;
        if credentials.is_none() && text.starts_with("https://") {
            let folder = self.certificates.as_ref();
            credentials = folder.map(|folder| Credentials::read(folder, true)).transpose()?;
        }
        match &credentials {
            Some(credentials) if !text.starts_with("unix://") => Address::behind_tls(text, credentials),
            Some(_) | None => text.parse(),
        }
    }

    /// The logins to registries; those that cannot be read are none.
    pub fn logins(&self) -> Logins {
        let file = self.folder.as_ref().map(|folder| folder.join("config.json"));
        file.and_then(|file| json(&file).ok()).map(|config| Logins::of(&config)).unwrap_or_default()
    }

    fn current_context(&self) -> Result<Option<String>, EngineError> {
        let Some(file) = self.folder.as_ref().map(|folder| folder.join("config.json")) else {
            return Ok(None);
        };
        if !file.is_file() {
            return Ok(None);
        }
        let config = json(&file).map_err(|why| EngineError::Context { name: "current".to_owned(), why })?;
        Ok(config["currentContext"].as_str().filter(|name| !name.is_empty()).map(str::to_owned))
    }
}

/// An address as docker reads it: host and port may be left out.
fn address(text: &str, credentials: Option<&Credentials>) -> Result<Address, EngineError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
    if scheme != "tcp" {
        return match credentials {
            Some(credentials) if scheme == "https" => Address::behind_tls(text, credentials),
            Some(_) | None => text.parse(),
        };
    }
    let rest = rest.trim_end_matches('/');
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if credentials.is_some() { 2376 } else { 2375 };
    let whole = match (rest, has_port) {
        ("", _) => format!("localhost:{port}"),
        (rest, true) if rest.starts_with(':') => format!("localhost{rest}"),
        (rest, true) => rest.to_owned(),
        (rest, false) => format!("{rest}:{port}"),
    };
    let whole = format!("tcp://{whole}");
    match credentials {
        Some(credentials) => Address::behind_tls(&whole, credentials),
        None => whole.parse(),
    }
}

fn json(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(variables: &[(&str, &str)]) -> DockerCli {
        DockerCli::of(|name| {
            variables.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn told(cli: &DockerCli) -> String {
        cli.choice().map_or_else(
            |error| error.to_string(),
            |choice| {
                let verified = matches!(&choice.address, Address::Tls(tls) if tls.is_verified());
                format!("{}{} by {}", choice.address, if verified { " verified" } else { "" }, choice.why)
            },
        )
    }

    fn context(folder: &Path, name: &str, endpoint: &str) -> PathBuf {
        let id: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        let meta = folder.join("contexts/meta").join(&id);
        std::fs::create_dir_all(&meta).unwrap();
        let text = format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#);
        std::fs::write(meta.join("meta.json"), text).unwrap();
        folder.join("contexts/tls").join(id).join("docker")
    }

    #[test]
    fn variables_mean_what_they_mean_to_docker() {
        let dir = tempfile::tempdir().unwrap();
        let with =
            |name: &str| std::fs::copy(format!("fixtures/tls/{name}"), dir.path().join("ca.pem")).unwrap();
        with("server.pem");
        let (certs, none) = (dir.path().to_str().unwrap(), tempfile::tempdir().unwrap());
        let empty = none.path().to_str().unwrap();
        let table: [(&[(&str, &str)], &str); 10] = [
            (&[], "unix:///var/run/docker.sock by the usual place"),
            (&[("DOCKER_HOST", "")], "unix:///var/run/docker.sock by the usual place"),
            (&[("DOCKER_HOST", "unix:///x.sock")], "unix:///x.sock by DOCKER_HOST"),
            (&[("DOCKER_HOST", "tcp://h")], "tcp://h:2375 by DOCKER_HOST"),
            (&[("DOCKER_HOST", "h:1")], "tcp://h:1 by DOCKER_HOST"),
            (&[("DOCKER_HOST", "tcp://h"), ("DOCKER_CERT_PATH", certs)], "tcp://h:2375 by DOCKER_HOST"),
            (
                &[("DOCKER_HOST", "tcp://h"), ("DOCKER_CERT_PATH", certs), ("DOCKER_TLS_VERIFY", "0")],
                "https://h:2376 verified by DOCKER_HOST",
            ),
            (
                &[("DOCKER_HOST", "tcp://h:9"), ("DOCKER_CERT_PATH", certs), ("DOCKER_TLS", "1")],
                "https://h:9 by DOCKER_HOST",
            ),
            (
                &[("DOCKER_CERT_PATH", certs), ("DOCKER_TLS", "1")],
                "https://localhost:2376 by the usual place",
            ),
            (
                &[("DOCKER_HOST", "https://h:9"), ("DOCKER_CERT_PATH", certs), ("DOCKER_TLS_VERIFY", "1")],
                "https://h:9 verified by DOCKER_HOST",
            ),
        ];
        for (variables, expected) in table {
            assert_eq!(told(&cli(variables)), expected, "{variables:?}");
        }
        let unverifiable =
            [("DOCKER_HOST", "tcp://h"), ("DOCKER_CERT_PATH", empty), ("DOCKER_TLS_VERIFY", "1")];
        assert!(told(&cli(&unverifiable)).ends_with("ca.pem is not there"));
        assert!(told(&cli(&[("DOCKER_HOST", "ssh://h")])).contains("forward its socket"));
    }

    #[test]
    fn contexts_are_found_where_docker_keeps_them() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().to_str().unwrap();
        let material = context(dir.path(), "dc", r#"{"Host":"tcp://h:2376","SkipTLSVerify":false}"#);
        std::fs::create_dir_all(&material).unwrap();
        std::fs::copy("fixtures/tls/server.pem", material.join("ca.pem")).unwrap();
        context(dir.path(), "careless", r#"{"Host":"tcp://h:2376","SkipTLSVerify":true}"#);
        context(dir.path(), "plain", r#"{"Host":"unix:///y.sock","SkipTLSVerify":false}"#);
        let own = ("DOCKER_CONFIG", config);
        let table: [(&[(&str, &str)], &str); 5] = [
            (&[own], "unix:///var/run/docker.sock by the usual place"),
            (
                &[own, ("DOCKER_CONTEXT", "dc")],
                "https://h:2376 verified by the context `dc` of DOCKER_CONTEXT",
            ),
            (
                &[own, ("DOCKER_CONTEXT", "careless")],
                "https://h:2376 by the context `careless` of DOCKER_CONTEXT",
            ),
            (&[own, ("DOCKER_CONTEXT", "dc"), ("DOCKER_HOST", "tcp://z:1")], "tcp://z:1 by DOCKER_HOST"),
            (
                &[own, ("DOCKER_CONTEXT", "nix")],
                "use the docker context `nix`: `docker context ls` has no such context; it has careless, dc, plain",
            ),
        ];
        for (variables, expected) in table {
            assert_eq!(told(&cli(variables)), expected);
        }
        std::fs::write(dir.path().join("config.json"), r#"{"currentContext": "plain"}"#).unwrap();
        assert_eq!(told(&cli(&[own])), "unix:///y.sock by the context `plain` of `docker context use`");
        let default = told(&cli(&[own, ("DOCKER_CONTEXT", "default")]));
        assert_eq!(default, "unix:///var/run/docker.sock by the usual place");
        assert_eq!(cli(&[own]).context("careless").unwrap().to_string(), "https://h:2376");
    }
}
