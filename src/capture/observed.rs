//! What was seen of each exchange between a client and an engine, within limits. Reads no bytes itself.

use crate::exchange::{Answer, Bytes, Exchange, Sent};
use crate::run::plan::route_of;

/// The most that is kept of one body or one standard input; all of it is passed on.
pub const KEPT_OF_ONE: usize = 1 << 20;
/// The most that is kept of a whole capture.
const KEPT_OF_ALL: usize = 64 << 20;
/// The most exchanges that are kept.
const MOST: usize = 10_000;

/// Bytes as far as they were kept, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The first of them.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub length: u64,
}

impl Kept {
    /// Whether none is missing.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }

    /// Changes what was kept; what is whole stays so.
    pub fn change(&mut self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let missing = self.length - self.bytes.len() as u64;
        self.bytes = change(std::mem::take(&mut self.bytes));
        self.length = self.bytes.len() as u64 + missing;
    }

    fn add(&mut self, more: &[u8], left: &mut usize) {
        let room = (KEPT_OF_ONE - self.bytes.len().min(KEPT_OF_ONE)).min(*left).min(more.len());
        // Once something is missing, what follows would stand at a wrong place.
        let room = if self.is_whole() { room } else { 0 };
        self.bytes.extend_from_slice(&more[..room]);
        self.length += more.len() as u64;
        *left -= room;
    }
}

/// One exchange as it went by. Times are ticks of the log: an order, not a clock.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The head of the request; its body stays empty.
    pub sent: Sent,
    /// The body of the request.
    pub asked: Kept,
    /// The head of the answer, if it came; its body stays empty.
    pub answer: Option<Answer>,
    /// The body of the answer, or all bytes of the stream.
    pub answered: Kept,
    /// What the client sent over a connection that was handed over to it.
    pub stdin: Kept,
    /// Whether the client closed its half of such a connection before the engine ended it.
    pub closed_stdin: bool,
    /// Whether the connection was handed over.
    pub tunnel: bool,
    /// Whether the client went before the answer had ended.
    pub left: bool,
    /// When the head of the request was there.
    pub began: u64,
    /// When the exchange was over.
    pub ended: Option<u64>,
    /// How long it took.
    pub millis: u64,
}

impl Observed {
    /// As a recording has it, so that pointers mean the same as when the scenario runs.
    pub fn exchange(&self) -> Exchange {
        let sent = Sent { body: Bytes(self.asked.bytes.clone()), ..self.sent.clone() };
        let answer =
            self.answer.clone().map(|head| Answer { body: Bytes(self.answered.bytes.clone()), ..head });
        Exchange {
            part: String::new(),
            route: route_of(&sent.method, &sent.target),
            sent,
            answer,
            printed: None,
            failure: None,
            millis: Vec::new(),
        }
    }

    /// Whether it was over before another one began.
    pub fn is_before(&self, other: &Observed) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }

    /// Whether the client asked for the connection itself.
    pub fn asks_for_upgrade(&self) -> bool {
        self.sent.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"))
    }
}

/// All exchanges of a capture, in the order in which they began.
#[derive(Debug)]
pub struct Log {
    exchanges: Vec<(Observed, std::time::Instant)>,
    left: usize,
    ticks: u64,
    /// Exchanges that were not kept, since there were too many.
    pub dropped: usize,
    /// Connections that spoke no HTTP, or whose heads were too long.
    pub foreign: usize,
}

impl Default for Log {
    fn default() -> Log {
        Log { exchanges: Vec::new(), left: KEPT_OF_ALL, ticks: 0, dropped: 0, foreign: 0 }
    }
}

/// Which bytes of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The body of the request.
    Asked,
    /// The body of the answer.
    Answered,
    /// Standard input.
    Stdin,
}

impl Log {
    /// An exchange begins; the number names it. None when there are too many.
    pub fn begin(&mut self, sent: Sent) -> Option<usize> {
        if self.exchanges.len() == MOST {
            self.dropped += 1;
            return None;
        }
        let observed = Observed {
            sent,
            asked: Kept::default(),
            answer: None,
            answered: Kept::default(),
            stdin: Kept::default(),
            closed_stdin: false,
            tunnel: false,
            left: false,
            began: self.tick(),
            ended: None,
            millis: 0,
        };
        self.exchanges.push((observed, std::time::Instant::now()));
        Some(self.exchanges.len() - 1)
    }

    /// More bytes of an exchange.
    pub fn add(&mut self, at: usize, part: Part, bytes: &[u8]) {
        let Some((exchange, _)) = self.exchanges.get_mut(at) else { return };
        let kept = match part {
            Part::Asked => &mut exchange.asked,
            Part::Answered => &mut exchange.answered,
            Part::Stdin => &mut exchange.stdin,
        };
        kept.add(bytes, &mut self.left);
    }

    /// Something else about an exchange.
    pub fn change(&mut self, at: usize, change: impl FnOnce(&mut Observed)) {
        if let Some((exchange, _)) = self.exchanges.get_mut(at) {
            change(exchange);
        }
    }

    /// An exchange is over.
    pub fn end(&mut self, at: usize, left: bool) {
        let tick = self.tick();
        if let Some((exchange, begun)) = self.exchanges.get_mut(at)
            && exchange.ended.is_none()
        {
            exchange.ended = Some(tick);
            exchange.left |= left;
            exchange.millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
    }

    /// The exchanges; those that are still going on have been left.
    pub fn take(&mut self) -> Vec<Observed> {
        for at in 0..self.exchanges.len() {
            self.end(at, true);
        }
        std::mem::take(&mut self.exchanges).into_iter().map(|(exchange, _)| exchange).collect()
    }

    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }
}
