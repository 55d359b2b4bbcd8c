//! One connection of our own, for what an HTTP library cannot do: any request line, hijacked and
//! upgraded streams, standard input and half-close, answers that are no HTTP. All reading has a
//! deadline and a limit.

use std::convert::Infallible;
use std::future::pending;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout_at;

use super::EngineError;
use super::address::{Address, Reader, Writer};
use super::framing::Framing;
use super::tls::is_alert;
use super::wire::{Heard, LARGEST_BODY, Reply, cut, io_failure};
use crate::exchange::{Answer, Bytes, End, Failure, Sent};
use crate::frames::Counter;

/// The most that is read of one head.
pub const LARGEST_HEAD: usize = 256 * 1024;
/// The most headers that a head may have.
pub const MOST_HEADERS: usize = 256;
/// How much is read at a time, at least.
const READ: usize = 16 * 1024;

/// How a connection is used once the request is sent.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Whether an answer or a stream is read.
    pub reading: Reading,
    /// Bytes to send once the engine has answered with a success.
    pub stdin: Option<Vec<u8>>,
    /// Closes the sending half after that.
    pub close_stdin: bool,
    /// The deadline, counted from the connect.
    pub limit: Duration,
}

/// What an answer is read as.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    /// A whole answer; a deadline within it is a failure.
    Whole,
    /// A stream, which ends after so many frames or messages if that is given, or at the deadline.
    Stream {
        /// The number of frames or messages.
        frames: Option<usize>,
    },
}

/// How far an exchange has come; who runs it in the background watches this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing has been sent.
    Begun,
    /// The request has been sent.
    Written,
    /// The head of the answer is there.
    Answered,
}

/// Sends a request and reads what comes. A connection that cannot be opened is the only error.
pub async fn talk(
    address: &Address,
    sent: &Sent,
    talk: Talk,
    progress: &watch::Sender<Progress>,
    heard: Option<Heard>,
) -> Result<Reply, EngineError> {
    let deadline = tokio::time::Instant::now() + talk.limit;
    let opened = timeout_at(deadline, address.connect()).await;
    let too_late = |_| address.unreachable(std::io::ErrorKind::TimedOut.into());
    let (reader, writer) = opened.map_err(too_late)??;
    let begun = Instant::now();
    let (answered, accepted) = oneshot::channel();
    let writing = write(writer, request_bytes(sent), talk.stdin, talk.close_stdin, accepted, progress);
    let mut incoming = Incoming { reader, input: BytesMut::new(), deadline, last: begun, alert: None, heard };
    let reading = read(&mut incoming, &sent.method, talk.reading, answered, progress);
    // Both at once: an engine may answer before it has read all, and read before it answers.
    let (answer, failure) = tokio::select! {
        outcome = reading => outcome,
        never = writing => match never {},
    };
    if let (None, Some(alert)) = (&answer, incoming.alert) {
        return Err(address.unreachable(alert));
    }
    let millis = incoming.last.duration_since(begun).as_secs_f64() * 1000.0;
    Ok(Reply { answer, failure, millis })
}

/// The bytes of a request. Only a missing length is added: everything else is the caller's.
fn request_bytes(sent: &Sent) -> Vec<u8> {
    let has = |name: &str| sent.headers.iter().any(|(its_name, _)| its_name.eq_ignore_ascii_case(name));
    let mut bytes = format!("{} {} HTTP/1.1\r\n", sent.method, sent.target).into_bytes();
    for (name, value) in &sent.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let may_have_body = matches!(sent.method.as_str(), "POST" | "PUT" | "PATCH") || !sent.body.0.is_empty();
    if may_have_body && !has("content-length") && !has("transfer-encoding") {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", sent.body.0.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&sent.body.0);
    bytes
}

/// Writes the request and then, if the engine accepts it, standard input. A failed write shows
/// in what is read. Never returns, so that the sending half stays open while reading.
async fn write(
    mut writer: Writer,
    request: Vec<u8>,
    stdin: Option<Vec<u8>>,
    close_stdin: bool,
    accepted: oneshot::Receiver<()>,
    progress: &watch::Sender<Progress>,
) -> Infallible {
    let _ = writer.write_all(&request).await;
    let _ = writer.flush().await;
    progress.send_if_modified(|now| std::mem::replace(now, Progress::Written.max(*now)) < Progress::Written);
    if accepted.await.is_ok() {
        if let Some(stdin) = stdin {
            let _ = writer.write_all(&stdin).await;
            let _ = writer.flush().await;
        }
        if close_stdin {
            let _ = writer.shutdown().await;
        }
    }
    pending().await
}

struct Incoming {
    reader: Reader,
    input: BytesMut,
    deadline: tokio::time::Instant,
    last: Instant,
    /// The other side's word that it does not speak TLS with this client.
    alert: Option<std::io::Error>,
    heard: Option<Heard>,
}

enum Stop {
    Closed,
    Deadline,
    Failed(Failure),
}

impl Incoming {
    /// Waits for at least one more byte.
    async fn more(&mut self) -> Result<(), Stop> {
        // Where bytes are always there, a timeout alone may come late.
        if tokio::time::Instant::now() >= self.deadline {
            return Err(Stop::Deadline);
        }
        // Without room of its own the buffer grows by 64 bytes, and so little is read at a time.
        self.input.reserve(READ);
        let read = timeout_at(self.deadline, self.reader.read_buf(&mut self.input)).await;
        self.last = Instant::now();
        match read {
            Err(_) => Err(Stop::Deadline),
            Ok(Ok(0)) => Err(Stop::Closed),
            Ok(Ok(_)) => Ok(()),
            // The end of a TLS connection without its farewell is what every plain connection has.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Stop::Closed),
            Ok(Err(error)) => {
                let failure = io_failure(&error);
                self.alert = is_alert(&error).then_some(error);
                Err(Stop::Failed(failure))
            }
        }
    }

    /// The next head that is no interim answer.
    async fn head(&mut self) -> Result<Answer, Failure> {
        loop {
            match parse_head(&self.input)? {
                Some((answer, length)) => {
                    self.input.advance(length);
                    if answer.status == 101 || answer.status >= 200 {
                        return Ok(answer);
                    }
                }
                None if self.input.len() > LARGEST_HEAD => return Err(Failure::Malformed),
                None => self.more().await.map_err(|stop| match stop {
                    Stop::Closed => Failure::Closed,
                    Stop::Deadline => Failure::Timeout,
                    Stop::Failed(failure) => failure,
                })?,
            }
        }
    }
}

/// The head of an answer and its length, once it is there.
pub fn parse_head(bytes: &[u8]) -> Result<Option<(Answer, usize)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    match head.parse(bytes).map_err(|_| Failure::Malformed)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(length) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers = head.headers.iter().map(|header| (header.name.to_owned(), text(header.value)));
            let answer = Answer {
                status: head.code.filter(|code| *code >= 100).ok_or(Failure::Malformed)?,
                reason: head.reason.unwrap_or_default().to_owned(),
                headers: headers.collect(),
                body: Bytes::default(),
                end: None,
            };
            Ok(Some((answer, length)))
        }
    }
}

async fn read(
    incoming: &mut Incoming,
    method: &str,
    reading: Reading,
    answered: oneshot::Sender<()>,
    progress: &watch::Sender<Progress>,
) -> (Option<Answer>, Option<Failure>) {
    let mut answer = match incoming.head().await {
        Ok(answer) => answer,
        Err(failure) => return (None, Some(failure)),
    };
    progress.send_replace(Progress::Answered);
    if answer.status < 300 {
        let _ = answered.send(());
    }
    let framing = Framing::of(method, answer.status, &answer.headers);
    let Ok(framing) = framing else { return (None, Some(Failure::Malformed)) };
    let (end, failure) = read_body(incoming, framing, reading, &mut answer.body.0).await;
    if failure.is_some() {
        cut(&mut answer.body.0);
    }
    answer.end = end;
    (Some(answer), failure)
}

async fn read_body(
    incoming: &mut Incoming,
    mut framing: Framing,
    reading: Reading,
    body: &mut Vec<u8>,
) -> (Option<End>, Option<Failure>) {
    let closed = match reading {
        Reading::Whole => None,
        Reading::Stream { .. } => Some(End::Closed),
    };
    let mut counter = Counter::default();
    loop {
        let before = body.len();
        let Ok(whole) = framing.decode(&mut incoming.input, body) else {
            return (None, Some(Failure::Malformed));
        };
        if let Some(heard) = incoming.heard.as_ref().filter(|_| body.len() > before) {
            // Nobody has to listen.
            let _ = heard.send(body[before..].to_vec());
        }
        if let Reading::Stream { frames: Some(wanted) } = reading
            && let Some(length) = counter.enough(body, wanted)
        {
            // What came in the same read is a matter of chance.
            body.truncate(length);
            return (Some(End::Enough), None);
        }
        if body.len() > LARGEST_BODY {
            return (None, Some(Failure::Malformed));
        }
        if whole {
            return (closed, None);
        }
        match (incoming.more().await, reading) {
            (Ok(()), _) => {}
            (Err(Stop::Closed), _) if framing.ends_with_close() => return (closed, None),
            (Err(Stop::Closed), _) => return (None, Some(Failure::Closed)),
            (Err(Stop::Deadline), Reading::Stream { .. }) => return (Some(End::Deadline), None),
            (Err(Stop::Deadline), Reading::Whole) => return (None, Some(Failure::Timeout)),
            (Err(Stop::Failed(failure)), _) => return (None, Some(failure)),
        }
    }
}
