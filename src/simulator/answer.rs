//! What a call answers, and how an error is written down.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;
use serde_json::Value;
use tokio::net::TcpStream;

/// A failure of a stream on its way.
pub type StreamError = Box<dyn std::error::Error + Send + Sync>;
/// The body of a streamed answer.
pub type Stream = UnsyncBoxBody<Bytes, StreamError>;
/// What goes on after the head of a hijacked connection: it owns the socket and what was read too far.
pub type Session = Box<dyn FnOnce(TcpStream, Bytes) -> BoxFuture<'static, ()> + Send>;

/// An error of the API, before it is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The RestCode that sdc-docker puts in front.
    pub code: Option<String>,
    /// The text.
    pub message: String,
    /// Whether it is a conflict that sdc-docker answers with 500 (catalogue: error-500-for-conflicts).
    pub conflict: bool,
}

/// The body of an answer.
pub enum Body {
    /// No body at all.
    Empty,
    /// JSON, rendered last.
    Json(Value),
    /// Bytes as they are.
    Raw(Bytes),
    /// Bytes as they come.
    Stream(Stream),
    /// An error, rendered last.
    Fault(Fault),
    /// These exact bytes of a head, then a session on the bare socket.
    Hijack { head: String, session: Session },
    /// The connection is dropped without an answer.
    Drop,
    /// No answer, until the client goes.
    Hang,
}

/// An answer: status, headers and body.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in order; framing, date and the common ones are added when it is rendered.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether no handler was found: such answers have no common headers.
    pub unrouted: bool,
    /// Whether its own headers come after the common ones, as where sdc-docker calls `writeHead`.
    pub common_first: bool,
    /// The length of a stream, where the Docker beneath told it.
    pub length: Option<u64>,
}

impl Answer {
    /// An answer with a body and no headers.
    pub fn new(status: u16, body: Body) -> Answer {
        Answer { status, headers: Vec::new(), body, unrouted: false, common_first: false, length: None }
    }

    /// A JSON answer.
    pub fn json(status: u16, value: Value) -> Answer {
        Answer::new(status, Body::Json(value)).with("Content-Type", "application/json")
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Answer {
        Answer::new(status, Body::Empty)
    }

    /// An error without a RestCode.
    pub fn error(status: u16, message: impl Into<String>) -> Answer {
        Answer::fault(status, None, message)
    }

    /// An error with a RestCode (sdc-docker `lib/errors.js:116`).
    pub fn coded(status: u16, code: &str, message: impl Into<String>) -> Answer {
        Answer::fault(status, Some(code), message)
    }

    /// A 500 where stock Docker has a 409.
    pub fn conflict(message: impl Into<String>) -> Answer {
        let mut answer = Answer::fault(500, None, message);
        if let Body::Fault(fault) = &mut answer.body {
            fault.conflict = true;
        }
        answer
    }

    /// A 422 (sdc-docker `lib/errors.js:272`).
    pub fn invalid(message: impl Into<String>) -> Answer {
        Answer::coded(422, "Validation", message)
    }

    /// A 400 of a call that is not there (sdc-docker `lib/errors.js:257`).
    pub fn not_implemented(what: &str) -> Answer {
        Answer::coded(400, "NotImplemented", format!("{what} is not implemented"))
    }

    fn fault(status: u16, code: Option<&str>, message: impl Into<String>) -> Answer {
        Answer::new(
            status,
            Body::Fault(Fault { code: code.map(str::to_owned), message: message.into(), conflict: false }),
        )
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Takes a header away, whatever its case.
    pub fn without(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Replaces a header.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.without(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Writes a header's name in this case, wherever it came from.
    pub fn rename(&mut self, name: &str) {
        for (given, _) in &mut self.headers {
            if given.eq_ignore_ascii_case(name) {
                name.clone_into(given);
            }
        }
    }

    /// The JSON of a successful answer.
    pub fn value(&mut self) -> Option<&mut Value> {
        match &mut self.body {
            Body::Json(value) if self.status < 300 => Some(value),
            _ => None,
        }
    }

    /// Puts an error in other words.
    pub fn retell(&mut self, message: String) {
        if let Body::Fault(fault) = &mut self.body {
            fault.message = message;
        }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        matches!(self.body, Body::Fault(_))
    }
}

/// How errors are written: what is on of the envelope.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// Plain text with the request id at its end.
    pub restify: bool,
    /// The RestCode in front.
    pub prefix: bool,
    /// Whether stock Docker would use JSON, from API 1.24.
    pub docker_json: bool,
}

/// The bytes, the content type and whether sniffing is forbidden, of an error
/// (sdc-docker `lib/errors.js:116-141`).
pub fn render_fault(fault: &Fault, envelope: Envelope, request_id: &str) -> (String, &'static str, bool) {
    let text = match &fault.code {
        Some(code) if envelope.prefix => format!("({code}) {}", fault.message),
        _ => fault.message.clone(),
    };
    if envelope.restify {
        (format!("{text} ({request_id})"), "text/plain", false)
    } else if envelope.docker_json {
        let body = serde_json::json!({ "message": text });
        (format!("{body}\n"), "application/json", false)
    } else {
        (format!("{text}\n"), "text/plain; charset=utf-8", true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_in_three_ways() {
        let fault = Fault {
            code: Some("ResourceNotFound".to_owned()),
            message: "No such image: x".to_owned(),
            conflict: false,
        };
        let render = |restify, prefix, docker_json| {
            let envelope = Envelope { restify, prefix, docker_json };
            render_fault(&fault, envelope, "id")
        };
        assert_eq!(
            render(true, true, true),
            ("(ResourceNotFound) No such image: x (id)".to_owned(), "text/plain", false)
        );
        assert_eq!(render(true, false, true).0, "No such image: x (id)");
        assert_eq!(render(false, false, true).0, "{\"message\":\"No such image: x\"}\n");
        assert_eq!(
            render(false, false, false),
            ("No such image: x\n".to_owned(), "text/plain; charset=utf-8", true)
        );
    }
}
