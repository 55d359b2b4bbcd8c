//! `GET /containers/X/logs`: raw on the socket until it ends (sdc-docker
//! `lib/endpoints/containers.js:239-286`), and the log that it reads.

use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::answer::{Answer, Body, Session, Stream};
use super::call::Call;
use super::frames::{Coding, frame, header};
use super::json::{flag, put, take, text};

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
    let lines = (has_times && call.on("logs-timestamps-format"))
        .then(|| Times { is_framed: !flag(&call.container, "/Config/Tty"), pending: Vec::new() });
    if !call.on("logs-response-framing") {
        if let (Some(lines), Body::Stream(stream)) = (lines, &mut answer.body) {
            let stream = std::mem::replace(stream, empty());
            answer.body = Body::Raw(collect(stream, lines).await.into());
        }
        return answer;
    }
    let stream = match answer.body {
        Body::Stream(stream) => Some(stream),
        _ => None,
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n".to_owned();
    Answer::new(200, Body::Hijack { head, session: session(stream, lines) })
}

fn empty() -> Stream {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}

async fn collect(mut stream: Stream, mut times: Times) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(Ok(chunk)) = stream.frame().await {
        if let Some(bytes) = chunk.data_ref() {
            out.extend(times.take(bytes));
        }
    }
    out.extend(in_milliseconds(&times.pending));
    out
}

fn session(stream: Option<Stream>, mut times: Option<Times>) -> Session {
    Box::new(move |mut socket, _| {
        Box::pin(async move {
            let mut stream = stream.unwrap_or_else(empty);
            while let Some(Ok(chunk)) = stream.frame().await {
                let Some(bytes) = chunk.data_ref() else { continue };
                let bytes = match &mut times {
                    Some(times) => times.take(bytes),
                    None => bytes.to_vec(),
                };
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            if let Some(times) = times {
                let _ = socket.write_all(&in_milliseconds(&times.pending)).await;
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

/// The drivers that sdc-docker knows, whether or not they are enabled (`lib/common.js:42-111`).
pub const DRIVERS: [&str; 5] = ["json-file", "syslog", "gelf", "fluentd", "none"];

/// A driver that is not known (catalogue: log-driver-set).
pub fn known_driver(call: &mut Call) -> Result<(), Answer> {
    let kind = call.json.as_ref().map(|body| text(body, "/HostConfig/LogConfig/Type")).unwrap_or_default();
    match kind {
        "" => Ok(()),
        kind if DRIVERS.contains(&kind) => Ok(()),
        kind => Err(Answer::invalid(format!("unsupported log driver: {kind}"))),
    }
}

/// Only the current file is read: it is the only one that the Docker beneath keeps
/// (catalogue: logs-current-file-only).
pub fn one_file(call: &mut Call) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        take(body, "HostConfig/LogConfig/Config", "max-file");
    }
    Ok(())
}

/// A log has a largest size; the engine beneath drops what is older (catalogue: log-max-size-default).
pub fn default_size(call: &mut Call) -> Result<(), Answer> {
    let bytes = call.service.world.log_bytes.to_string();
    let Some(Value::Object(host)) = call.json.as_mut().and_then(|body| body.get_mut("HostConfig")) else {
        return Ok(());
    };
    let asked = host.get("LogConfig").filter(|config| config.is_object()).cloned();
    let mut config = asked.unwrap_or(json!({}));
    let kind = text(&config, "/Type");
    let is_sized = !text(&config, "/Config/max-size").is_empty();
    if is_sized || !["", "json-file"].contains(&kind) {
        return Ok(());
    }
    put(&mut config, "", "Type", json!("json-file"));
    if !config.get("Config").is_some_and(Value::is_object) {
        put(&mut config, "", "Config", json!({}));
    }
    put(&mut config, "Config", "max-size", json!(bytes));
    host.insert("LogConfig".to_owned(), config);
    Ok(())
}

/// Inspect tells nothing of the size that was not asked for.
pub fn show_size(call: &Call, container: &mut Value) {
    let is_asked = |record: super::state::Container| {
        !text(&record.asked, "/HostConfig/LogConfig/Config/max-size").is_empty()
    };
    if call.service.state.container(text(container, "/Id")).is_some_and(|record| !is_asked(record)) {
        take(container, "HostConfig/LogConfig/Config", "max-size");
    }
}

/// Inspect tells how many files were asked for.
pub fn show_files(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id")).unwrap_or_default();
    let files = text(&record.asked, "/HostConfig/LogConfig/Config/max-file");
    if !files.is_empty() {
        put(container, "HostConfig/LogConfig/Config", "max-file", json!(files));
    }
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
