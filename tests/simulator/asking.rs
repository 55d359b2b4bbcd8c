//! One request on a connection of its own, and its answer byte by byte.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An answer as it came; without a status there was none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub status: Option<u16>,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    /// The body, its framing taken off.
    pub body: Vec<u8>,
    /// Whether the rest of the body is not kept.
    pub is_cut: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(its, _)| its.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends bytes and reads the answer, for so long at most.
pub fn ask(address: SocketAddr, request: &[u8], limit: Duration) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let head_only = request.starts_with(b"HEAD ");
    let (begun, mut bytes, mut closed) = (Instant::now(), Vec::new(), false);
    loop {
        if let Some(answer) = parse(&bytes, head_only, closed) {
            return answer;
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return parse(&bytes, head_only, true).unwrap_or_default();
        }
        stream.set_read_timeout(Some(left)).unwrap();
        let mut buffer = [0; 16 * 1024];
        match stream.read(&mut buffer) {
            Ok(0) => closed = true,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => closed = true,
        }
    }
}

/// The answer, once it is whole; what there is of one, once nothing more comes.
fn parse(bytes: &[u8], head_only: bool, closed: bool) -> Option<Answer> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return closed.then(Answer::default);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut status = lines.next().unwrap_or_default().splitn(3, ' ').skip(1);
    let mut answer = Answer {
        status: status.next().and_then(|status| status.parse().ok()),
        reason: status.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Answer::default()
    };
    let rest = &bytes[end + 4..];
    if head_only || matches!(answer.status, Some(204 | 304)) {
        return Some(answer);
    }
    let length = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
    if let Some(length) = length {
        answer.body = rest[..length.min(rest.len())].to_vec();
        return (rest.len() >= length || closed).then_some(answer);
    }
    if answer.header("transfer-encoding").is_some() {
        let whole = chunks(rest, &mut answer.body);
        return (whole || closed).then_some(answer);
    }
    answer.body = rest.to_vec();
    closed.then_some(answer)
}

fn chunks(mut rest: &[u8], body: &mut Vec<u8>) -> bool {
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return false };
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size else { return false };
        rest = &rest[end + 2..];
        if size == 0 {
            return rest.starts_with(b"\r\n");
        }
        if rest.len() < size + 2 {
            return false;
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
