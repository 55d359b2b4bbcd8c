//! The stock Docker beneath: one connection for each request over its unix socket.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::answer::{Answer, Body};

const ANSWER_LIMIT: usize = 64 << 20;

/// Why the Docker beneath gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    #[error("connect to it: {0}")]
    Connect(#[from] std::io::Error),
    #[error("talk to it: {0}")]
    Http(#[from] hyper::Error),
    #[error("write the request: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("read its answer: {0}")]
    Read(String),
    #[error("it answered {status}: {message}")]
    Status { status: u16, message: String },
}

/// A request to the Docker beneath.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Ask {
    /// A request without a body.
    pub fn new(method: Method, target: impl Into<String>) -> Ask {
        Ask { method, target: target.into(), ..Ask::default() }
    }

    /// Adds a JSON body.
    pub fn json(mut self, value: &Value) -> Ask {
        self.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        self.body = Bytes::from(value.to_string());
        self
    }
}

/// The client of the Docker beneath.
#[derive(Clone, Debug)]
pub struct Docker {
    socket: PathBuf,
}

impl Docker {
    /// A client of the Docker at a unix socket.
    pub fn new(socket: &Path) -> Docker {
        Docker { socket: socket.to_owned() }
    }

    /// Sends a request and returns the head of the answer.
    pub async fn send(&self, ask: Ask) -> Result<Response<Incoming>, DockerError> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // Its failure reaches the reader of the body.
            let _ = connection.with_upgrades().await;
        });
        let mut request = Request::builder().method(ask.method).uri(ask.target).header("Host", "docker");
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        Ok(sender.send_request(request.body(Full::new(ask.body))?).await?)
    }

    /// Sends a request and reads the whole answer; JSON is parsed and errors are taken apart.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, DockerError> {
        read(self.send(ask).await?).await
    }

    /// Sends a request and passes the body on as it comes; errors are taken apart.
    pub async fn stream(&self, ask: Ask) -> Result<Answer, DockerError> {
        let response = self.send(ask).await?;
        if response.status().as_u16() >= 400 {
            return read(response).await;
        }
        let (status, headers) = head(&response);
        let length =
            response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        let body = response.into_body().map_err(Into::into).boxed_unsync();
        let mut answer = Answer::new(status, Body::Stream(body));
        (answer.headers, answer.length) = (headers, length);
        Ok(answer)
    }

    /// Sends a request and reads JSON; an error status is an error.
    pub async fn json(&self, ask: Ask) -> Result<Value, DockerError> {
        let answer = self.ask(ask).await?;
        match answer.body {
            Body::Json(value) => Ok(value),
            Body::Fault(fault) => Err(DockerError::Status { status: answer.status, message: fault.message }),
            _ => Ok(Value::Null),
        }
    }

    /// Inspects a container at a fixed version.
    pub async fn container(&self, name: &str) -> Result<Value, DockerError> {
        let name = super::route::encode(name);
        self.json(Ask::new(Method::GET, format!("/v1.41/containers/{name}/json"))).await
    }

    /// Inspects an image at a fixed version.
    pub async fn image(&self, name: &str) -> Result<Value, DockerError> {
        let name = super::route::encode(name).replace("%2F", "/");
        self.json(Ask::new(Method::GET, format!("/v1.41/images/{name}/json"))).await
    }

    /// Asks for an upgraded connection; an answer that is none is an error to pass on.
    pub async fn upgrade(&self, ask: Ask) -> Result<Result<TokioIo<Upgraded>, Answer>, DockerError> {
        Ok(self.upgrade_to("tcp", ask).await?.map(|(_, beneath)| beneath))
    }

    /// Asks for a connection that is upgraded to a protocol; it comes with the headers of its answer.
    pub async fn upgrade_to(&self, protocol: &str, mut ask: Ask) -> Result<Taken, DockerError> {
        ask.headers.push(("Connection".to_owned(), "Upgrade".to_owned()));
        ask.headers.push(("Upgrade".to_owned(), protocol.to_owned()));
        let response = self.send(ask).await?;
        if response.status().as_u16() != 101 {
            return Ok(Err(read(response).await?));
        }
        let (_, headers) = head(&response);
        Ok(Ok((headers, TokioIo::new(hyper::upgrade::on(response).await?))))
    }
}

/// A connection that was taken over, with the headers of the answer, or the refusal.
pub type Taken = Result<(Vec<(String, String)>, TokioIo<Upgraded>), Answer>;

fn head(response: &Response<Incoming>) -> (u16, Vec<(String, String)>) {
    let framing = ["content-length", "transfer-encoding", "connection", "date"];
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| !framing.contains(&name.as_str()))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    (response.status().as_u16(), headers)
}

async fn read(response: Response<Incoming>) -> Result<Answer, DockerError> {
    let (status, headers) = head(&response);
    let bytes = Limited::new(response.into_body(), ANSWER_LIMIT)
        .collect()
        .await
        .map_err(|e| DockerError::Read(e.to_string()))?
        .to_bytes();
    let mut answer = Answer::empty(status);
    answer.headers = headers;
    let json = answer.header("content-type").is_some_and(|t| t.starts_with("application/json"));
    if status >= 400 {
        let message = error_text(&bytes);
        let mut error = Answer::error(status, message);
        std::mem::swap(&mut error.headers, &mut answer.headers);
        error.without("content-type");
        error.without("x-content-type-options");
        return Ok(error);
    }
    answer.body = match serde_json::from_slice(&bytes) {
        Ok(value) if json => Body::Json(value),
        _ if bytes.is_empty() => Body::Empty,
        _ => Body::Raw(bytes),
    };
    Ok(answer)
}

/// The text of an error of stock Docker, in either form.
fn error_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let message = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|v| v.get("message").and_then(Value::as_str).map(str::to_owned));
    message.unwrap_or_else(|| text.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_both_eras_are_read() {
        assert_eq!(error_text(b"{\"message\":\"gone\"}\n"), "gone");
        assert_eq!(error_text(b"gone\n"), "gone");
        assert_eq!(error_text(b""), "");
    }
}
