//! One request off a connection: its line, headers and body, as bytes came.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::engine::framing::{Chunk, Framing};

const BODY_LIMIT: usize = 64 << 20;
/// What node's parser takes of a head.
const HEAD_LIMIT: usize = 80 << 10;
const MOST_HEADERS: usize = 128;
/// After such a silence node takes a client for gone (`server.timeout`).
const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// A request whose body is read.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The target as it was sent.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether it is HTTP/1.0.
    pub is_old: bool,
}

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A request.
    Request(Box<Asked>),
    /// The client is gone.
    Closed,
    /// Something that is no HTTP.
    Malformed,
}

impl Asked {
    /// Whether the connection stays for another request.
    pub fn keeps_alive(&self) -> bool {
        let connection = self.headers.get("connection").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let says = |word: &str| connection.split(',').any(|one| one.trim().eq_ignore_ascii_case(word));
        if self.is_old { says("keep-alive") } else { !says("close") }
    }

    /// The path of the target, without query.
    pub fn path(&self) -> &str {
        let target = match self.target.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => &self.target,
        };
        target.split(['?', '#']).next().unwrap_or_default()
    }

    /// The query of the target.
    pub fn query(&self) -> &str {
        let target = self.target.split('#').next().unwrap_or_default();
        target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// Reads the next request; what follows it stays in `input`.
pub async fn read(stream: &mut TcpStream, input: &mut BytesMut) -> Incoming {
    let (mut asked, mut framing) = loop {
        match parse(input) {
            Ok(Some(head)) => break head,
            Ok(None) if input.len() > HEAD_LIMIT => return Incoming::Malformed,
            Ok(None) => {}
            Err(NotHttp) => return Incoming::Malformed,
        }
        if !more(stream, input).await {
            return Incoming::Closed;
        }
    };
    let waits =
        asked.headers.get("expect").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if waits && stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
        return Incoming::Closed;
    }
    let mut body = Vec::new();
    loop {
        match framing.decode(input, &mut body) {
            Ok(true) => break,
            Ok(false) if body.len() > BODY_LIMIT => return Incoming::Closed,
            Ok(false) => {}
            Err(_) => return Incoming::Malformed,
        }
        if !more(stream, input).await {
            return Incoming::Closed;
        }
    }
    asked.body = Bytes::from(body);
    Incoming::Request(Box::new(asked))
}

/// Waits for at least one more byte; false when the client is gone or has been silent for too long.
async fn more(stream: &mut TcpStream, input: &mut BytesMut) -> bool {
    matches!(timeout(LONGEST_SILENCE, stream.read_buf(input)).await, Ok(Ok(1..)))
}

/// The bytes are no HTTP.
#[derive(Debug, PartialEq)]
struct NotHttp;

fn parse(input: &mut BytesMut) -> Result<Option<(Asked, Framing)>, NotHttp> {
    // Empty lines before a request are passed over (RFC 9112, section 2.2).
    while input.starts_with(b"\r\n") {
        input.advance(2);
    }
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(input).map_err(|_| NotHttp)? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(length) => length,
    };
    let mut map = HeaderMap::new();
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| NotHttp)?;
        map.append(name, HeaderValue::from_bytes(header.value).map_err(|_| NotHttp)?);
    }
    let asked = Asked {
        method: Method::from_bytes(head.method.unwrap_or_default().as_bytes()).map_err(|_| NotHttp)?,
        target: head.path.unwrap_or_default().to_owned(),
        is_old: head.version == Some(0),
        headers: map,
        body: Bytes::new(),
    };
    let framing = framing(&asked.headers)?;
    input.advance(length);
    Ok(Some((asked, framing)))
}

/// How the body of a request ends: without length and chunks there is none. What a client and a server
/// could take differently is no HTTP, as for node's parser.
fn framing(headers: &HeaderMap) -> Result<Framing, NotHttp> {
    let one = |name| {
        let mut values = headers.get_all(name).iter().map(|v| v.to_str().map(str::trim).map_err(|_| NotHttp));
        let first = values.next().transpose()?;
        if values.next().is_some() { Err(NotHttp) } else { Ok(first) }
    };
    let length = one("content-length")?;
    if let Some(coding) = one("transfer-encoding")? {
        return match coding.eq_ignore_ascii_case("chunked") && length.is_none() {
            true => Ok(Framing::Chunked(Chunk::Size)),
            false => Err(NotHttp),
        };
    }
    match length {
        Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Framing::Length(length.parse().map_err(|_| NotHttp)?))
        }
        Some(_) => Err(NotHttp),
        None => Ok(Framing::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<(Asked, Framing)>, NotHttp> {
        parse(&mut BytesMut::from(text))
    }

    #[test]
    fn a_target_stays_as_it_was_sent() {
        let (asked, framing) =
            parsed("GET /v1.24/images/a%2Fb?x=1#y HTTP/1.1\r\nHost: x\r\n\r\n").unwrap().unwrap();
        assert_eq!((asked.path(), asked.query()), ("/v1.24/images/a%2Fb", "x=1"));
        assert_eq!(framing, Framing::Nothing);
        assert!(asked.keeps_alive());
        let (asked, _) = parsed("GET http://host/info HTTP/1.0\r\n\r\n").unwrap().unwrap();
        assert_eq!(asked.path(), "/info");
        assert!(!asked.keeps_alive());
    }

    #[test]
    fn what_is_no_request_is_told_apart_from_half_of_one() {
        assert!(parsed("GET /info HT").unwrap().is_none());
        assert_eq!(parsed("GET /in fo HTTP/1.1\r\n\r\n").err(), Some(NotHttp));
        for ambiguous in [
            "Content-Length: x",
            "Content-Length: +5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{ambiguous}\r\n\r\n");
            assert_eq!(parsed(&text).err(), Some(NotHttp), "{ambiguous}");
        }
        assert_eq!(
            parsed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap().unwrap().1,
            Framing::Chunked(Chunk::Size)
        );
    }
}
