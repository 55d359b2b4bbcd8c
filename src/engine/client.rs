//! A typed Docker client for housekeeping. Never for judging: its types hide differences.

use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::{Response, Uri};
use hyper_util::rt::TokioIo;

use super::address::Address;
use super::tls::Tls;

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
        // The client's own TLS takes no server unverified.
        Address::Tls(tls) => {
            let tls = tls.clone();
            let transport = move |request: BollardRequest| send(tls.clone(), request);
            let host = format!("https://{}", address.host());
            Docker::connect_with_custom_transport(transport, Some(host), seconds, API_DEFAULT_VERSION)
        }
    }
}

/// Sends one request on a connection of its own.
async fn send(tls: Tls, mut request: BollardRequest) -> Result<Response<Incoming>, Error> {
    let stream = tls.connect().await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    *request.uri_mut() = target.parse::<Uri>().map_err(std::io::Error::other)?;
    let host = HeaderValue::from_str(&tls.host).map_err(std::io::Error::other)?;
    request.headers_mut().insert(HOST, host);
    Ok(sender.send_request(request).await?)
}

/// Whether an engine says that something is not there.
pub fn is_not_there(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}
