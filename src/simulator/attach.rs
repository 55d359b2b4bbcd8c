//! `POST /containers/X/attach`, and what it shares with the start of an exec: a connection that
//! is taken over (sdc-docker `lib/endpoints/containers.js:598-651`).

use futures_util::future::BoxFuture;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::{Answer, Body};
use super::call::{Call, unreachable};

/// The connection to the Docker beneath.
pub type Beneath = TokioIo<Upgraded>;

/// Attaches beneath and takes the connection over.
pub async fn serve(call: &mut Call) -> Answer {
    if call.on("attach-flags-by-presence") {
        for key in ["stdin", "stdout", "stderr", "stream"] {
            if call.param(key).is_some() {
                call.set_param(key, "1");
            }
        }
        call.set_param("stream", "1");
        call.set_param("stdout", "1");
        call.set_param("stderr", "1");
        call.query.retain(|(key, _)| key != "logs");
    }
    let ask = call.forwarded();
    let beneath = match call.service.docker.upgrade(ask).await {
        Ok(Ok(beneath)) => beneath,
        Ok(Err(refused)) => return refused,
        Err(error) => return unreachable(error),
    };
    let is_tty = super::json::flag(&call.container, "/Config/Tty");
    let cut = !is_tty && call.on("stream-frame-length-in-characters");
    let head = head(call, "attach-always-101");
    Answer::new(101, Body::Hijack { head, session: session(beneath, cut, Rewriting::None) })
}

/// Passes a websocket on to the Docker beneath, where it is not switched off.
pub async fn websocket(call: &mut Call) -> Answer {
    let mut ask = call.forwarded();
    for name in ["origin", "sec-websocket-key", "sec-websocket-version"] {
        ask.headers.extend(call.header(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    match call.service.docker.upgrade_to("websocket", ask).await {
        Ok(Ok((headers, beneath))) => {
            let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{}\r\n",
                lines.collect::<String>()
            );
            Answer::new(101, Body::Hijack { head, session: session(beneath, false, Rewriting::None) })
        }
        Ok(Err(refused)) => refused,
        Err(error) => unreachable(error),
    }
}

/// The head of a connection that is taken over, as far as switches leave stock Docker's.
pub fn head(call: &Call, always_101: &str) -> String {
    let kind = "Content-Type: application/vnd.docker.raw-stream\r\n";
    let asked = call.header("upgrade").is_some();
    let mut head = match (call.on(always_101), asked) {
        (true, _) => format!("HTTP/1.1 101 UPGRADED\r\n{kind}"),
        (false, true) => format!("HTTP/1.1 101 UPGRADED\r\n{kind}Connection: Upgrade\r\nUpgrade: tcp\r\n"),
        (false, false) => format!("HTTP/1.1 200 OK\r\n{kind}"),
    };
    for (name, value) in &call.service.docker_headers {
        let off = match name.as_str() {
            "server" => "server-header-triton",
            _ => "no-api-version-headers",
        };
        if !call.on(off) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head + "\r\n"
}

/// Standard output and error as they are, to what they become.
pub type Rewrite = Box<dyn FnOnce(Vec<u8>, Vec<u8>) -> (Vec<u8>, Vec<u8>) + Send>;

/// What is done with the output of a stream.
pub enum Rewriting {
    /// Nothing.
    None,
    /// Everything is read first; standard output and error become these.
    Whole(Rewrite),
}

/// Passes bytes both ways until the engine beneath ends the stream. The client's end of input is
/// passed on, and its output goes on after that.
pub fn session(beneath: Beneath, cut: bool, rewriting: Rewriting) -> super::answer::Session {
    Box::new(move |socket: TcpStream, read: bytes::Bytes| {
        Box::pin(async move {
            let (mut from_client, mut to_client) = socket.into_split();
            let (mut from_engine, mut to_engine) = tokio::io::split(beneath);
            let input = async {
                if !read.is_empty() && to_engine.write_all(&read).await.is_err() {
                    return;
                }
                let _ = tokio::io::copy(&mut from_client, &mut to_engine).await;
                let _ = to_engine.shutdown().await;
                // Its end is not the end of the output.
                std::future::pending::<()>().await;
            };
            let output = async {
                let mut pump = Pump { pending: Vec::new(), cut };
                let mut buffer = vec![0; 16 * 1024];
                let mut whole = Vec::new();
                loop {
                    let length = match from_engine.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(length) => length,
                    };
                    if matches!(rewriting, Rewriting::Whole(_)) {
                        whole.extend_from_slice(&buffer[..length]);
                        continue;
                    }
                    let bytes = pump.take(&buffer[..length]);
                    if to_client.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                if let Rewriting::Whole(rewrite) = rewriting {
                    let (stdout, stderr) = apart(&whole);
                    let (stdout, stderr) = rewrite(stdout, stderr);
                    let mut bytes = Vec::new();
                    for (stream, payload) in [(1, stdout), (2, stderr)] {
                        if !payload.is_empty() {
                            frame(stream, &payload, cut, &mut bytes);
                        }
                    }
                    let _ = to_client.write_all(&bytes).await;
                }
                let _ = to_client.write_all(&pump.pending).await;
                let _ = to_client.shutdown().await;
            };
            tokio::select! { () = input => {} () = output => {} }
        }) as BoxFuture<'static, ()>
    })
}

/// Frames on their way, whole ones at a time.
struct Pump {
    pending: Vec<u8>,
    cut: bool,
}

impl Pump {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.cut {
            return bytes.to_vec();
        }
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some((stream, length)) = header(&self.pending) {
            if self.pending.len() < 8 + length {
                break;
            }
            let payload: Vec<u8> = self.pending.drain(..8 + length).skip(8).collect();
            frame(stream, &payload, true, &mut out);
        }
        out
    }
}

fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    match *bytes {
        [stream @ 0..=2, 0, 0, 0, a, b, c, d, ..] => {
            Some((stream, u32::from_be_bytes([a, b, c, d]) as usize))
        }
        _ => None,
    }
}

/// Standard output and error of a multiplexed stream; bytes without frames are output.
fn apart(mut bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some((stream, length)) = header(bytes) {
        let Some(payload) = bytes.get(8..8 + length) else { break };
        if stream == 2 { &mut stderr } else { &mut stdout }.extend_from_slice(payload);
        bytes = &bytes[8 + length..];
    }
    stdout.extend_from_slice(bytes);
    (stdout, stderr)
}

/// A frame. sdc-docker counts UTF-16 units and cuts the payload to so many bytes
/// (catalogue: stream-frame-length-in-characters).
fn frame(stream: u8, payload: &[u8], cut: bool, out: &mut Vec<u8>) {
    let length = match cut {
        true => String::from_utf8_lossy(payload).encode_utf16().count().min(payload.len()),
        false => payload.len(),
    };
    out.extend_from_slice(&[stream, 0, 0, 0]);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&payload[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_counts_characters_and_the_payload_is_cut() {
        let mut out = Vec::new();
        frame(1, "h\u{e9}llo\n".as_bytes(), true, &mut out);
        assert_eq!(out, [&[1, 0, 0, 0, 0, 0, 0, 6][..], "h\u{e9}llo".as_bytes()].concat());
        let mut pump = Pump { pending: Vec::new(), cut: true };
        assert!(pump.take(&[1, 0, 0, 0, 0, 0, 0, 2, b'a']).is_empty());
        assert_eq!(pump.take(b"b"), [1, 0, 0, 0, 0, 0, 0, 2, b'a', b'b']);
    }
}
