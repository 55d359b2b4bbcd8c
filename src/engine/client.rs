//! A typed Docker client for housekeeping. Never for judging: its types hide differences.

use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

use super::address::Address;

/// A client for an engine; connects to nothing yet.
pub fn client(address: &Address, limit: Duration) -> Result<Docker, Error> {
    let seconds = limit.as_secs().max(1);
    match address {
        Address::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION)
        }
        Address::Tcp(host) => {
            Docker::connect_with_http(&format!("http://{host}"), seconds, API_DEFAULT_VERSION)
        }
        // Only the simulator is reached by TLS, and what is made there lies beneath.
        Address::Tls(_) => Err(Error::UnsupportedURISchemeError { uri: address.to_string() }),
    }
}

/// Whether an engine says that something is not there.
pub fn is_not_there(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}
