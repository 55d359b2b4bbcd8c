//! Where an engine listens: addresses as text, and opening a connection to one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::EngineError;
use super::credentials::Credentials;
use super::tls::{self, Tls};

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
    /// `host:port`, with TLS.
    Tls(Tls),
}

/// The receiving half of a connection.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// The sending half of a connection; dropping it closes that half.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

impl Address {
    /// Reads the address of an engine that speaks TLS, as `tcp://host:port` or `https://host:port`.
    pub fn behind_tls(text: &str, credentials: &Credentials) -> Result<Address, EngineError> {
        let told = without_user(text);
        let error = |why| EngineError::Address { text: told.clone(), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error(SCHEMES))?;
        match scheme {
            "tcp" | "https" => {
                let tls = Tls::new(host_and_port(rest).map_err(error)?, credentials);
                tls.map(Address::Tls).map_err(EngineError::Tls)
            }
            "unix" => Err(error("a socket speaks no TLS: leave the certificates out")),
            "http" => Err(error("`http://` speaks no TLS: write `https://` or `tcp://`")),
            _ => Err(error(SCHEMES)),
        }
    }

    /// What `Host` says when a scenario does not.
    pub fn host(&self) -> &str {
        match self {
            Address::Unix(_) => "localhost",
            Address::Tcp(host) | Address::Tls(Tls { host, .. }) => host,
        }
    }

    /// Whether only this machine can be there.
    pub fn is_loopback(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp(host) | Address::Tls(Tls { host, .. }) => {
                let name = name_of(host);
                let ip: Option<std::net::IpAddr> = name.parse().ok();
                name == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
            }
        }
    }

    /// The folder of the certificates with which it is asked.
    pub fn certificates(&self) -> Option<&Path> {
        match self {
            Address::Unix(_) | Address::Tcp(_) => None,
            Address::Tls(tls) => tls.folder(),
        }
    }

    /// Where it is and as whom it is asked, for a ledger: behind TLS several accounts share an address.
    pub fn place(&self) -> String {
        match self.certificates() {
            None => self.to_string(),
            Some(folder) => format!("{self}#{}", folder.display()),
        }
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Result<(Reader, Writer), EngineError> {
        let opened: std::io::Result<(Reader, Writer)> = match self {
            Address::Unix(path) => UnixStream::connect(path).await.map(|stream| {
                let (reader, writer) = stream.into_split();
                (Box::new(reader) as Reader, Box::new(writer) as Writer)
            }),
            Address::Tcp(host) => TcpStream::connect(host).await.map(|stream| {
                // Without this a small second write waits for the acknowledgement of the first.
                let _ = stream.set_nodelay(true);
                let (reader, writer) = stream.into_split();
                (Box::new(reader) as Reader, Box::new(writer) as Writer)
            }),
            Address::Tls(tls) => tls.connect().await.map(|stream| {
                let (reader, writer) = tokio::io::split(stream);
                (Box::new(reader) as Reader, Box::new(writer) as Writer)
            }),
        };
        opened.map_err(|source| self.unreachable(source))
    }

    /// The error of a connection that could not be opened, with what to do.
    pub(super) fn unreachable(&self, source: std::io::Error) -> EngineError {
        if let Some((what, advice)) = tls::explained(&source, self.host()) {
            let source = std::io::Error::new(source.kind(), what);
            return EngineError::Connect { address: self.clone(), source, advice };
        }
        let advice = match (self, source.kind()) {
            (_, std::io::ErrorKind::PermissionDenied) => {
                "run as a user who may open it (for the Docker socket: root or the group `docker`)"
            }
            (Address::Unix(_), _) => "start the engine, or name another with DOCKER_HOST or engines.toml",
            (Address::Tcp(_), _) => "check host and port, and that the engine listens there without TLS",
            (Address::Tls(_), _) => "check host and port, and that the engine listens there with TLS",
        };
        EngineError::Connect { address: self.clone(), source, advice }
    }
}

impl FromStr for Address {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        // Who is to be let in there is nobody else's business.
        let told = match text.split_once("://").zip(text.rsplit_once('@')) {
            Some(((scheme, _), (_, host))) => format!("{scheme}://...@{host}"),
            None => text.to_owned(),
        };
        let error = |why| EngineError::Address { text: told.clone(), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error(SCHEMES))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Address::Unix(rest.into())),
            "unix" => Err(error("the path of a socket is absolute, as in `unix:///var/run/docker.sock`")),
            "tcp" | "http" => host_and_port(rest).map(Address::Tcp).map_err(error),
            "https" => Err(error(
                "TLS needs an entry of engines.toml with `certificates`, or DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
            )),
            "ssh" => Err(error(
                "ssh is not spoken here: forward its socket, as `ssh -NL /tmp/engine.sock:/var/run/docker.sock HOST` does, and name that",
            )),
            _ => Err(error(SCHEMES)),
        }
    }
}

const SCHEMES: &str = "it starts with `unix://`, `tcp://`, `http://` or `https://`";

fn host_and_port(rest: &str) -> Result<String, &'static str> {
    let host = rest.trim_end_matches('/');
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match (port, host.contains(['/', '@', '?'])) {
        (Some(_), false) if name_of(host).is_empty() => Err("it needs a host, as in `tcp://127.0.0.1:2375`"),
        (Some(_), false) => Ok(host.to_owned()),
        (None, _) => Err("it needs a port, as in `tcp://127.0.0.1:2375`"),
        (Some(_), true) => Err("it is host and port, and nothing else"),
    }
}

/// An address as it may be told: who is to be let in there, and by which password, is left out.
pub fn without_user(text: &str) -> String {
    match text.split_once("://").zip(text.rsplit_once('@')) {
        Some(((scheme, _), (_, host))) => format!("{scheme}://...@{host}"),
        None => text.to_owned(),
    }
}

/// The host of `host:port`, without the brackets of an IPv6 address.
pub fn name_of(host: &str) -> &str {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.trim_start_matches('[').trim_end_matches(']')
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(out, "unix://{}", path.display()),
            Address::Tcp(host) => write!(out, "tcp://{host}"),
            Address::Tls(tls) => write!(out, "https://{}", tls.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_read_and_bad_ones_say_why() {
        let table = [
            ("unix:///var/run/docker.sock", Ok("unix:///var/run/docker.sock")),
            ("tcp://127.0.0.1:2375", Ok("tcp://127.0.0.1:2375")),
            ("http://[::1]:2375/", Ok("tcp://[::1]:2375")),
            ("tcp://host", Err("needs a port")),
            ("tcp://host:1/x:2", Err("nothing else")),
            ("unix://docker.sock", Err("absolute")),
            ("https://host:2376", Err("TLS needs")),
            ("ssh://host", Err("forward")),
            ("tcp://me:canary@host:1", Err("`tcp://...@host:1`")),
            ("docker", Err("starts with")),
        ];
        for (text, expected) in table {
            match (text.parse::<Address>(), expected) {
                (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        assert!("tcp://[::1]:1".parse::<Address>().unwrap().is_loopback());
        assert!(!"tcp://10.0.0.1:1".parse::<Address>().unwrap().is_loopback());
    }
}
