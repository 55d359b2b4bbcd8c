//! Sending one request to an engine and receiving its answer, whatever it is. Plain requests go
//! through reqwest; what it would refuse or rewrite goes over `connection`.

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout_at;

use super::address::Address;
use super::connection::{self, Progress, Reading, Talk};
use super::target::unchanged_url;
use super::waiting::{Wait, Waiting};
use super::{Endpoint, EngineError};
use crate::exchange::{Answer, Bytes, Failure, Sent};

/// The most that is read of one body: more is no answer but an attack or an accident.
pub const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// What is kept of the body of an answer that failed: enough to see what it was. How much of it came is
/// a matter of chance.
const KEPT_OF_FAILED: usize = 64 * 1024;

/// Cuts the body of an answer that failed.
pub(super) fn cut(body: &mut Vec<u8>) {
    body.truncate(KEPT_OF_FAILED);
    body.shrink_to_fit();
}

/// What came back for a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer, as far as it came.
    pub answer: Option<Answer>,
    /// How it went wrong, if it did.
    pub failure: Option<Failure>,
    /// From the first byte sent to the last byte read.
    pub millis: f64,
}

/// The way to one engine; cheap to clone.
#[derive(Clone, Debug)]
pub struct Wire {
    address: Address,
    label: String,
    /// Whether what is not answered in time may still come to be.
    is_slow: bool,
    waiting: Waiting,
    client: reqwest::Client,
    heard: Option<Heard>,
}

/// Who is told of the bytes of bodies while they come.
pub type Heard = mpsc::UnboundedSender<Vec<u8>>;

/// The headers that every request carries unless a scenario says otherwise.
pub fn usual_headers(address: &Address) -> Vec<(String, String)> {
    vec![
        ("Host".to_owned(), address.host().to_owned()),
        ("User-Agent".to_owned(), concat!("divergence/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("Accept".to_owned(), "*/*".to_owned()),
    ]
}

impl Wire {
    /// Makes the client for an endpoint; connects to nothing yet.
    pub fn new(endpoint: &Endpoint) -> Result<Wire, EngineError> {
        let builder = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // A connection of the pool may be dead, and then a request is sent twice.
            .pool_max_idle_per_host(0)
            .referer(false);
        let builder = match &endpoint.address {
            Address::Unix(path) => builder.unix_socket(path.clone()),
            Address::Tcp(_) | Address::Tls(_) => builder.tcp_nodelay(true),
        };
        Ok(Wire {
            address: endpoint.address.clone(),
            label: endpoint.label.clone(),
            is_slow: endpoint.timeout_factor > 1.0,
            waiting: endpoint.waiting.clone(),
            client: builder.build()?,
            heard: None,
        })
    }

    /// The same way, with somebody who is told of bodies while they come.
    pub fn heard_by(&self, heard: Heard) -> Wire {
        Wire { heard: Some(heard), ..self.clone() }
    }

    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The label of what a run makes there.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the engine is known to be slow: what it does not answer in time may still come to be.
    pub fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Told to people while a request is under way.
    fn begin(&self, sent: &Sent) -> Arc<Wait> {
        let path = sent.target.split('?').next().unwrap_or_default();
        self.waiting.begin(format!("{} {path}", sent.method))
    }

    /// Sends a request and reads the whole answer.
    pub async fn request(&self, sent: &Sent, limit: Duration) -> Result<Reply, EngineError> {
        let _wait = self.begin(sent);
        match self.as_library_request(sent) {
            Some(request) => self.send(request, limit).await,
            None => self.raw(sent, limit, &watch::Sender::new(Progress::Begun)).await,
        }
    }

    /// Sends exactly these bytes of a request line and reads the whole answer.
    pub async fn raw(
        &self,
        sent: &Sent,
        limit: Duration,
        progress: &watch::Sender<Progress>,
    ) -> Result<Reply, EngineError> {
        let _wait = self.begin(sent);
        let talk = Talk { reading: Reading::Whole, stdin: None, close_stdin: false, limit };
        connection::talk(&self.address, sent, talk, progress, self.heard.clone()).await
    }

    /// Sends a request and reads the answer as a stream.
    pub async fn stream(
        &self,
        sent: &Sent,
        talk: Talk,
        progress: &watch::Sender<Progress>,
    ) -> Result<Reply, EngineError> {
        let _wait = self.begin(sent);
        connection::talk(&self.address, sent, talk, progress, self.heard.clone()).await
    }

    /// The request as reqwest sends it, if it sends exactly this.
    fn as_library_request(&self, sent: &Sent) -> Option<reqwest::Request> {
        const OURS: [&str; 5] = ["connection", "content-length", "transfer-encoding", "upgrade", "expect"];
        // With TLS of its own the library would be some thirty crates more, and no more exact than
        // the connection that streams take anyway.
        if matches!(self.address, Address::Tls(_)) {
            return None;
        }
        let url = unchanged_url(self.address.host(), &sent.target)?;
        let method = reqwest::Method::from_bytes(sent.method.as_bytes()).ok()?;
        let mut request = reqwest::Request::new(method, url);
        for (name, value) in &sent.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            if OURS.contains(&name.as_str()) {
                return None;
            }
            request.headers_mut().append(name, HeaderValue::from_str(value).ok()?);
        }
        if !sent.body.0.is_empty() {
            *request.body_mut() = Some(sent.body.0.clone().into());
        }
        Some(request)
    }

    async fn send(&self, request: reqwest::Request, limit: Duration) -> Result<Reply, EngineError> {
        let begun = Instant::now();
        let deadline = tokio::time::Instant::now() + limit;
        let reply = |mut answer: Option<Answer>, failure: Option<Failure>| {
            if let (Some(answer), Some(_)) = (&mut answer, failure) {
                cut(&mut answer.body.0);
            }
            let millis = begun.elapsed().as_secs_f64() * 1000.0;
            Ok(Reply { answer, failure, millis })
        };
        let mut response = match timeout_at(deadline, self.client.execute(request)).await {
            Err(_) => return reply(None, Some(Failure::Timeout)),
            Ok(Err(error)) if error.is_connect() => return Err(self.address.unreachable(io_error(&error))),
            Ok(Err(error)) => return reply(None, Some(library_failure(&error))),
            Ok(Ok(response)) => response,
        };
        let mut answer = head(&response);
        loop {
            match timeout_at(deadline, response.chunk()).await {
                Err(_) => return reply(Some(answer), Some(Failure::Timeout)),
                Ok(Err(error)) => return reply(Some(answer), Some(library_failure(&error))),
                Ok(Ok(None)) => return reply(Some(answer), None),
                Ok(Ok(Some(bytes))) if answer.body.0.len() + bytes.len() > LARGEST_BODY => {
                    return reply(Some(answer), Some(Failure::Malformed));
                }
                Ok(Ok(Some(_))) if tokio::time::Instant::now() >= deadline => {
                    return reply(Some(answer), Some(Failure::Timeout));
                }
                Ok(Ok(Some(bytes))) => {
                    if let Some(heard) = &self.heard {
                        // Nobody has to listen.
                        let _ = heard.send(bytes.to_vec());
                    }
                    answer.body.0.extend_from_slice(&bytes);
                }
            }
        }
    }
}

fn head(response: &reqwest::Response) -> Answer {
    let status = response.status();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // The library tells a phrase only where it is not the canonical one.
    let reason = response.extensions().get::<hyper::ext::ReasonPhrase>();
    let reason = reason.map(|reason| text(reason.as_bytes()));
    let headers = response.headers().iter();
    Answer {
        status: status.as_u16(),
        reason: reason.or(status.canonical_reason().map(str::to_owned)).unwrap_or_default(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: Bytes::default(),
        end: None,
    }
}

/// How a broken connection shows in a recording.
pub(super) fn io_failure(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Failure::Reset,
        ErrorKind::InvalidData | ErrorKind::InvalidInput => Failure::Malformed,
        ErrorKind::TimedOut => Failure::Timeout,
        _ => Failure::Closed,
    }
}

fn library_failure(error: &reqwest::Error) -> Failure {
    let mut failure = Failure::Closed;
    for cause in causes(error) {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return io_failure(error);
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && (error.is_parse() || error.is_parse_too_large())
        {
            failure = Failure::Malformed;
        }
    }
    failure
}

fn io_error(error: &reqwest::Error) -> std::io::Error {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>());
    let kind = found.map_or(ErrorKind::Other, std::io::Error::kind);
    let text = causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string());
    std::io::Error::new(kind, text)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source())
}
