//! `GET /containers/X/logs`: raw on the socket until it ends (sdc-docker
//! `lib/endpoints/containers.js:239-286`).

use futures_util::stream;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncWriteExt as _;

use super::answer::{Answer, Body, Session, Stream};
use super::call::Call;
use super::frames::{Coding, frame, header};
use super::json::flag;

/// Reads the log beneath and writes it on the bare socket.
pub async fn serve(call: &mut Call) -> Answer {
    if call.on("logs-stream-selection-ignored") {
        call.set_param("stdout", "1");
        call.set_param("stderr", "1");
    }
    if call.on("logs-since-details-ignored") {
        call.query.retain(|(key, _)| !matches!(key.as_str(), "since" | "until" | "details"));
    }
    let tail = call.param("tail").map(str::to_owned);
    let is_tail = tail.as_deref().is_some_and(|tail| tail == "all" || tail.parse::<u64>().is_ok());
    let has_times = call.param("timestamps").is_some_and(|it| matches!(it, "1" | "true" | "True"));
    let mut answer = call.forward_stream().await;
    if answer.is_error() {
        return answer;
    }
    if !is_tail && call.on("logs-tail-missing-or-invalid") {
        answer.body = Body::Empty;
    }
    let is_framed = !flag(&call.container, "/Config/Tty");
    let body = match std::mem::replace(&mut answer.body, Body::Empty) {
        Body::Stream(stream) if has_times && call.on("logs-timestamps-format") => {
            Body::Stream(retimed(stream, Times { is_framed, pending: Vec::new() }))
        }
        body => body,
    };
    if !call.on("logs-response-framing") {
        // Times of another length: what the Docker beneath said of it does not hold.
        (answer.body, answer.length) = (body, None);
        return answer;
    }
    let stream = match body {
        Body::Stream(stream) => Some(stream),
        _ => None,
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n".to_owned();
    Answer::new(200, Body::Hijack { head, session: session(stream) })
}

/// The stream with the times of a zone, as it comes.
fn retimed(stream: Stream, times: Times) -> Stream {
    let frames = stream::unfold(Some((stream, times)), |state| async move {
        let (mut stream, mut times) = state?;
        match stream.frame().await {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().map(|bytes| times.take(&bytes)).unwrap_or_default();
                Some((Ok(Frame::data(bytes.into())), Some((stream, times))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Ok(Frame::data(in_milliseconds(&times.pending).into())), None)),
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

fn session(stream: Option<Stream>) -> Session {
    Box::new(move |mut socket, _| {
        Box::pin(async move {
            let mut stream =
                stream.unwrap_or_else(|| Empty::new().map_err(|never| match never {}).boxed_unsync());
            while let Some(Ok(chunk)) = stream.frame().await {
                let Some(bytes) = chunk.data_ref() else { continue };
                if socket.write_all(bytes).await.is_err() {
                    return;
                }
            }
            // The end of the connection is the end of the log.
            let _ = socket.shutdown().await;
        })
    })
}

/// Turns the times of lines into those of a zone (catalogue: logs-timestamps-format).
struct Times {
    is_framed: bool,
    pending: Vec<u8>,
}

impl Times {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        loop {
            if self.is_framed {
                let Some((stream, length)) = header(&self.pending) else { return out };
                if self.pending.len() < 8 + length {
                    return out;
                }
                let payload: Vec<u8> = self.pending.drain(..8 + length).skip(8).collect();
                frame(stream, &in_milliseconds(&payload), Coding::default(), &mut out);
            } else {
                let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') else { return out };
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                out.extend(in_milliseconds(&line));
            }
        }
    }
}

/// A line whose time has milliseconds, as zoneadmd writes it.
fn in_milliseconds(line: &[u8]) -> Vec<u8> {
    let blank = line.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let time = std::str::from_utf8(&line[..blank]).unwrap_or_default();
    let Some((seconds, fraction)) = time.trim_end_matches('Z').split_once('.') else { return line.to_vec() };
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    [format!("{seconds}.{milliseconds}Z").as_bytes(), &line[blank..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_their_nanoseconds() {
        let line = |text: &str| String::from_utf8(in_milliseconds(text.as_bytes())).unwrap();
        assert_eq!(line("2026-11-24T00:43:45.275123456Z end\n"), "2026-11-24T00:43:45.275Z end\n");
        assert_eq!(line("2026-11-24T00:43:45.2Z end\n"), "2026-11-24T00:43:45.200Z end\n");
        assert_eq!(line("no time\n"), "no time\n");
        let mut framed = Times { is_framed: true, pending: Vec::new() };
        let payload = b"2026-11-24T00:43:45.275123456Z a\n";
        let bytes = [&[1, 0, 0, 0, 0, 0, 0, 33][..], payload].concat();
        assert!(framed.take(&bytes[..20]).is_empty());
        let told = framed.take(&bytes[20..]);
        assert_eq!((told[7], told.len()), (27, 35));
    }
}
