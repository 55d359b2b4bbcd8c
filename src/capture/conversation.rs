//! The exchanges of one connection, from the bytes that pass by in both directions. It only
//! listens: whatever it cannot read is passed on all the same.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, BytesMut};

use super::observed::{Log, Part};
use crate::engine::connection::{LARGEST_HEAD, MOST_HEADERS, parse_head};
use crate::engine::framing::{BadFraming, Framing};
use crate::exchange::{Bytes, Sent};
use crate::run::plan::route_of;

/// What a client may send ahead of an answer and still be followed.
const LONGEST_AHEAD: usize = 1 << 20;

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The client.
    Client,
    /// The engine.
    Engine,
}

/// One connection as it is listened to.
#[derive(Debug)]
pub struct Conversation {
    log: Arc<Mutex<Log>>,
    client: Half,
    engine: Half,
    /// The exchange that is going on: none between two, and `Some(None)` for one that is not kept.
    open: Option<Option<usize>>,
    method: String,
}

#[derive(Debug)]
struct Half {
    input: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    Head,
    Body(Framing),
    /// The message is whole.
    Done,
    /// The connection was handed over: bytes mean nothing here.
    Tunnel,
    /// Not to be understood any more.
    Lost,
}

impl Conversation {
    /// A connection on which nothing was said yet.
    pub fn new(log: Arc<Mutex<Log>>) -> Conversation {
        let half = || Half { input: BytesMut::new(), state: State::Head };
        Conversation { log, client: half(), engine: half(), open: None, method: String::new() }
    }

    /// Bytes went by. A request has to be heard before its answer can come.
    pub fn hear(&mut self, from: Party, bytes: &[u8]) {
        if matches!(self.client.state, State::Lost) {
            return;
        }
        match from {
            Party::Client => self.client.input.extend_from_slice(bytes),
            Party::Engine => self.engine.input.extend_from_slice(bytes),
        }
        let mut moved = true;
        while moved {
            moved = match (self.client_step(), self.engine_step()) {
                (Ok(client), Ok(engine)) => client | engine | self.turn(),
                (Err(NotHttp), _) | (_, Err(NotHttp)) => {
                    self.lose();
                    false
                }
            };
        }
    }

    /// One of them has closed its half.
    pub fn closed(&mut self, by: Party) {
        let Some(open) = self.open else { return };
        match (by, &self.engine.state) {
            (Party::Engine, _) => self.finish(false),
            (Party::Client, State::Tunnel) => self.change(open, |exchange| exchange.closed_stdin = true),
            (Party::Client, _) => self.change(open, |exchange| exchange.left = true),
        }
    }

    /// The connection is gone.
    pub fn over(&mut self) {
        self.finish(true);
    }

    fn finish(&mut self, left: bool) {
        if let Some(Some(at)) = self.open.take() {
            self.log.lock().unwrap_or_else(PoisonError::into_inner).end(at, left);
        }
    }

    fn lose(&mut self) {
        self.finish(true);
        for half in [&mut self.client, &mut self.engine] {
            half.state = State::Lost;
            half.input = BytesMut::new();
        }
        self.log.lock().unwrap_or_else(PoisonError::into_inner).foreign += 1;
    }

    fn change(&self, open: Option<usize>, change: impl FnOnce(&mut super::observed::Observed)) {
        if let Some(at) = open {
            self.log.lock().unwrap_or_else(PoisonError::into_inner).change(at, change);
        }
    }

    fn add(&self, part: Part, bytes: &[u8]) {
        if let (Some(Some(at)), false) = (self.open, bytes.is_empty()) {
            self.log.lock().unwrap_or_else(PoisonError::into_inner).add(at, part, bytes);
        }
    }

    /// Both messages are whole: the next exchange may begin.
    fn turn(&mut self) -> bool {
        let both = matches!((&self.client.state, &self.engine.state), (State::Done, State::Done));
        if both {
            self.finish(false);
            self.client.state = State::Head;
            self.engine.state = State::Head;
        }
        both
    }

    fn client_step(&mut self) -> Result<bool, NotHttp> {
        match &mut self.client.state {
            State::Lost => Ok(false),
            State::Head => {
                while self.client.input.starts_with(b"\r\n") {
                    self.client.input.advance(2);
                }
                let Some((sent, length)) = parse_request(&self.client.input)? else {
                    return if self.client.input.len() > LARGEST_HEAD { Err(NotHttp) } else { Ok(false) };
                };
                self.client.input.advance(length);
                self.client.state = State::Body(Framing::of_request(&sent.headers)?);
                self.method.clone_from(&sent.method);
                // Asked here and not later: an upgrade may be granted before the body has come.
                let begun = self.log.lock().unwrap_or_else(PoisonError::into_inner).begin(sent);
                self.open = Some(begun);
                Ok(true)
            }
            State::Body(framing) => {
                let mut body = Vec::new();
                let whole = framing.decode(&mut self.client.input, &mut body)?;
                self.add(Part::Asked, &body);
                if whole {
                    self.client.state = State::Done;
                }
                Ok(whole)
            }
            State::Done if self.client.input.len() > LONGEST_AHEAD => Err(NotHttp),
            State::Done => {
                let handed_over = matches!(self.engine.state, State::Tunnel);
                if handed_over {
                    self.client.state = State::Tunnel;
                }
                Ok(handed_over)
            }
            State::Tunnel => {
                let bytes = self.client.input.split();
                self.add(Part::Stdin, &bytes);
                Ok(false)
            }
        }
    }

    fn engine_step(&mut self) -> Result<bool, NotHttp> {
        match &mut self.engine.state {
            State::Lost | State::Done => Ok(false),
            State::Head => {
                let Some((answer, length)) = parse_head(&self.engine.input).map_err(|_| NotHttp)? else {
                    return if self.engine.input.len() > LARGEST_HEAD { Err(NotHttp) } else { Ok(false) };
                };
                // Before any request it is the answer to nothing.
                let open = self.open.ok_or(NotHttp)?;
                self.engine.input.advance(length);
                if answer.status < 200 && answer.status != 101 {
                    return Ok(true);
                }
                let framing = Framing::of(&self.method, answer.status, &answer.headers)?;
                let hijacks = answer.status == 101
                    || (answer.status < 300 && framing.ends_with_close() && self.is_hijacked(open));
                self.change(open, |exchange| {
                    exchange.answer = Some(answer);
                    exchange.tunnel = hijacks;
                });
                self.engine.state = if hijacks { State::Tunnel } else { State::Body(framing) };
                Ok(true)
            }
            State::Body(framing) => {
                let mut body = Vec::new();
                let whole = framing.decode(&mut self.engine.input, &mut body)?;
                self.add(Part::Answered, &body);
                if whole {
                    self.engine.state = State::Done;
                }
                Ok(whole)
            }
            State::Tunnel => {
                let bytes = self.engine.input.split();
                self.add(Part::Answered, &bytes);
                Ok(false)
            }
        }
    }

    /// Whether Docker takes the connection over there without saying 101.
    fn is_hijacked(&self, open: Option<usize>) -> bool {
        let mut hijacked = false;
        self.change(open, |exchange| {
            let route = route_of(&exchange.sent.method, &exchange.sent.target);
            let routes = ["POST /containers/*/attach", "POST /exec/*/start"];
            hijacked = route.is_some_and(|route| routes.contains(&route.as_str()));
        });
        hijacked
    }
}

/// The bytes are no HTTP that could be followed.
struct NotHttp;

impl From<BadFraming> for NotHttp {
    fn from(_: BadFraming) -> NotHttp {
        NotHttp
    }
}

fn parse_request(bytes: &[u8]) -> Result<Option<(Sent, usize)>, NotHttp> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(bytes).map_err(|_| NotHttp)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(length) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers = head.headers.iter().map(|header| (header.name.to_owned(), text(header.value)));
            let sent = Sent {
                method: head.method.unwrap_or_default().to_owned(),
                target: head.path.unwrap_or_default().to_owned(),
                headers: headers.collect(),
                body: Bytes::default(),
            };
            Ok(Some((sent, length)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Party::{Client, Engine};
    use super::*;
    use crate::capture::observed::Observed;
    use proptest::prelude::*;

    /// What is heard of a conversation, in pieces of this size.
    fn heard(said: &[(Party, &str)], size: usize) -> (Vec<Observed>, usize) {
        let log = Arc::new(Mutex::new(Log::default()));
        let mut conversation = Conversation::new(Arc::clone(&log));
        for (party, text) in said {
            match text.is_empty() {
                true => conversation.closed(*party),
                false => text.as_bytes().chunks(size).for_each(|piece| conversation.hear(*party, piece)),
            }
        }
        conversation.over();
        let mut log = log.lock().unwrap();
        (log.take(), log.foreign)
    }

    fn told(exchange: &Observed) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "{} {} [{}] {} [{}] stdin [{}]{}{}{}",
            exchange.sent.method,
            exchange.sent.target,
            text(&exchange.asked.bytes),
            exchange.answer.as_ref().map_or(0, |answer| answer.status),
            text(&exchange.answered.bytes),
            text(&exchange.stdin.bytes),
            if exchange.tunnel { " tunnel" } else { "" },
            if exchange.closed_stdin { " closed" } else { "" },
            if exchange.left { " left" } else { "" },
        )
    }

    const ATTACH: &str =
        "POST /v1.24/containers/a/attach?stdin=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

    #[test]
    fn exchanges_are_told_from_the_bytes_however_they_come() {
        type Said = [(Party, &'static str)];
        let table: [(&Said, &[&str]); 9] = [
            // Several on one connection: lengths, chunks, HEAD, no content.
            (
                &[
                    (Client, "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"),
                    (Engine, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
                    (Client, "HEAD /b HTTP/1.1\r\n\r\n"),
                    (Engine, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
                    (Client, "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
                    (Engine, "HTTP/1.1 204 No Content\r\n\r\n"),
                ],
                &[
                    "POST /a [hi] 200 [ok] stdin []",
                    "HEAD /b [] 200 [] stdin []",
                    "POST /c [x] 204 [] stdin []",
                ],
            ),
            // Sent ahead of the answers.
            (
                &[
                    (Client, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
                    (
                        Engine,
                        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                    ),
                ],
                &["GET /a [] 200 [1] stdin []", "GET /b [] 404 [] stdin []"],
            ),
            // 100 Continue, and an answer before the body has come.
            (
                &[
                    (Client, "PUT /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
                    (Engine, "HTTP/1.1 100 Continue\r\n\r\n"),
                    (Client, "a"),
                    (Engine, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"),
                    (Client, "b"),
                ],
                &["PUT /a [ab] 400 [] stdin []"],
            ),
            // An upgrade, with half-close.
            (
                &[
                    (Client, ATTACH),
                    (Engine, "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nout"),
                    (Client, "GET "),
                    (Client, ""),
                    (Engine, "more"),
                    (Engine, ""),
                ],
                &["POST /v1.24/containers/a/attach?stdin=1 [] 101 [outmore] stdin [GET ] tunnel closed"],
            ),
            // A plain hijack; input came before the answer.
            (
                &[
                    (Client, "POST /exec/e/start HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}in"),
                    (Engine, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nout"),
                    (Client, "put"),
                    (Engine, ""),
                ],
                &["POST /exec/e/start [{}] 200 [out] stdin [input] tunnel"],
            ),
            // An attach that is refused is an answer as any other.
            (
                &[(Client, ATTACH), (Engine, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")],
                &["POST /v1.24/containers/a/attach?stdin=1 [] 404 [no] stdin []"],
            ),
            // The client goes while events come.
            (
                &[
                    (Client, "GET /events HTTP/1.1\r\n\r\n"),
                    (Engine, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
                    (Client, ""),
                ],
                &["GET /events [] 200 [{}] stdin [] left"],
            ),
            // The engine closes early.
            (
                &[
                    (Client, "GET /a HTTP/1.1\r\n\r\n"),
                    (Engine, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                    (Engine, ""),
                ],
                &["GET /a [] 200 [abc] stdin []"],
            ),
            (
                &[(Client, "GET /a HTTP/1.1\r\n\r\n"), (Engine, "HTTP/1.1 200 OK\r\n\r\nabc"), (Engine, "")],
                &["GET /a [] 200 [abc] stdin []"],
            ),
        ];
        for (said, expected) in table {
            for size in [1, 2, 3, 7, 1000] {
                let (exchanges, foreign) = heard(said, size);
                let found: Vec<String> = exchanges.iter().map(told).collect();
                assert_eq!((found.as_slice(), foreign), (expected.map_str().as_slice(), 0), "by {size}");
            }
        }
    }

    trait MapStr {
        fn map_str(&self) -> Vec<String>;
    }

    impl MapStr for &[&str] {
        fn map_str(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn what_is_no_http_is_counted_and_let_go() {
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(LARGEST_HEAD));
        let table: [&[(Party, &str)]; 5] = [
            &[(Client, "\x16\x03\x01 no http")],
            &[(Client, &long)],
            &[(Engine, "HTTP/1.1 200 OK\r\n\r\n")],
            &[(Client, "GET /a HTTP/1.1\r\n\r\n"), (Engine, "\0\0\0")],
            &[(Client, "POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n")],
        ];
        for said in table {
            assert_eq!(heard(said, 1000).1, 1);
        }
    }

    #[test]
    fn no_more_is_kept_than_the_limits_say() {
        let big = "x".repeat(3 << 20);
        let head = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n", big.len());
        let said = [
            (Client, head.as_str()),
            (Client, &big),
            (Engine, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ];
        let (exchanges, _) = heard(&said, 60_000);
        assert_eq!((exchanges[0].asked.bytes.len(), exchanges[0].asked.length), (1 << 20, 3 << 20));
        assert!(!exchanges[0].asked.is_whole());
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(
            said in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..12),
            honest in any::<bool>(),
        ) {
            let log = Arc::new(Mutex::new(Log::default()));
            let mut conversation = Conversation::new(Arc::clone(&log));
            if honest {
                conversation.hear(Client, b"GET /a HTTP/1.1\r\n\r\n");
                conversation.hear(Engine, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            }
            for (client, bytes) in &said {
                conversation.hear(if *client { Client } else { Engine }, bytes);
            }
            conversation.over();
            let total: usize = log.lock().unwrap().take().iter().map(|each| each.answered.bytes.len()).sum();
            prop_assert!(total <= 60 * 12);
        }
    }
}
