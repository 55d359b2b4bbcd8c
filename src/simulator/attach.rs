//! `POST /containers/X/attach`, and what it shares with the start of an exec: a connection that
//! is taken over (sdc-docker `lib/endpoints/containers.js:598-651`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::answer::{Answer, Body, Session};
use super::call::{Call, unreachable};
use super::frames::{Coding, Pump, apart, frame};
use super::json::{flag, text};
use super::service::Service;

/// Keys that nobody types, so that the Docker beneath never detaches a client by itself.
const NEVER_TYPED: &str = "ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^";

/// What follows in the stream when a container is not started in time.
const NOT_STARTED: &str = "HTTP/1.1 500 Connection Not Upgraded\r\nConnection: close\r\n\r\n";

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
    if has_ended(call) && call.on("stream-error-after-101") {
        let session = said("HTTP/1.1 409 Connection Not Upgraded\r\nConnection: close\r\n\r\n".into());
        return Answer::new(101, Body::Hijack { head: head(call, "attach-always-101"), session });
    }
    let key = call.on("attach-session-keyed-by-path-id").then(|| call.name().to_owned());
    if let Some(key) = &key
        && !call.service.attached.enter(key, call.param("stdin").is_some())
    {
        call.query.retain(|(name, _)| name != "stdin");
    }
    let (head, session) = match attached(call).await {
        Ok(session) => (head(call, "attach-always-101"), session),
        Err(refused) => {
            call.service.attached.leave(key.as_deref());
            return refused;
        }
    };
    let service = Arc::clone(&call.service);
    let session: Session = Box::new(move |socket, read| {
        Box::pin(async move {
            session(socket, read).await;
            service.attached.leave(key.as_deref());
        })
    });
    Answer::new(101, Body::Hijack { head, session })
}

async fn attached(call: &mut Call) -> Result<Session, Answer> {
    let is_tty = flag(&call.container, "/Config/Tty");
    let fixed_keys = call.on("attach-detach-keys");
    if fixed_keys {
        call.set_param("detachKeys", NEVER_TYPED);
    }
    let ask = call.forwarded();
    let beneath = match call.service.docker.upgrade(ask).await {
        Ok(Ok(beneath)) => beneath,
        Ok(Err(refused)) => return Err(refused),
        Err(error) => return Err(unreachable(error)),
    };
    let coding = if is_tty { Coding::default() } else { Coding::of(call) };
    let keys = if is_tty && fixed_keys { Keys::Fixed(false) } else { Keys::None };
    let is_unstarted = text(&call.container, "/State/Status") == "created";
    let ending = Ending {
        polled_since: call.service.slow("attach-close-after-wait").then_some(call.since),
        unstarted: (is_unstarted && call.on("attach-waits-for-start"))
            .then(|| (Arc::clone(&call.service), call.container_id().to_owned())),
    };
    Ok(session(beneath, coding, Rewriting::None, keys, ending))
}

/// The attaches under way, by the text that names the container in their path: the first of a text
/// opens the connection to the container's server, and says for all whether it has an input
/// (sdc-docker `lib/backends/sdc/containers.js:4160`).
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<String, Shared>>);

#[derive(Clone, Copy, Debug)]
struct Shared {
    clients: usize,
    has_input: bool,
}

impl Sessions {
    /// Adds a client; tells whether its input goes anywhere.
    fn enter(&self, name: &str, has_input: bool) -> bool {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = sessions.entry(name.to_owned()).or_insert(Shared { clients: 0, has_input });
        shared.clients += 1;
        shared.has_input
    }

    /// A client has gone.
    fn leave(&self, name: Option<&str>) {
        let Some(name) = name else { return };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shared) = sessions.get_mut(name) else { return };
        shared.clients -= 1;
        if shared.clients == 0 {
            sessions.remove(name);
        }
    }
}

/// What else ends a stream, and how late its end is told.
#[derive(Default)]
pub struct Ending {
    /// The end is looked for once a second, counted from here (catalogue: attach-close-after-wait).
    pub polled_since: Option<Instant>,
    /// A container that has to be started in time (catalogue: attach-waits-for-start).
    pub unstarted: Option<(Arc<Service>, String)>,
}

impl Ending {
    async fn looked_for(&self) {
        if let Some(since) = self.polled_since {
            let past = Duration::from_nanos(u64::from(since.elapsed().subsec_nanos()));
            tokio::time::sleep(Duration::from_secs(1).saturating_sub(past)).await;
        }
    }

    /// Returns when a container was not started in time.
    async fn too_late(&self) {
        if let Some((service, id)) = &self.unstarted {
            tokio::time::sleep(service.world.attachable).await;
            let container = service.docker.container(id).await;
            if container.is_ok_and(|container| text(&container, "/State/Status") == "created") {
                return;
            }
        }
        std::future::pending().await
    }
}

/// Whether the container ran and does not any more: the status line is written before that is
/// found out (catalogue: stream-error-after-101).
fn has_ended(call: &Call) -> bool {
    let failed = |container: super::state::Container| container.start_failure.is_some();
    text(&call.container, "/State/Status") == "exited"
        || call.service.state.container(call.container_id()).is_some_and(failed)
}

/// A session that says something and ends.
pub fn said(bytes: Vec<u8>) -> Session {
    Box::new(move |mut socket, _| {
        Box::pin(async move {
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
        })
    })
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
            let session = session(beneath, Coding::default(), Rewriting::None, Keys::None, Ending::default());
            Answer::new(101, Body::Hijack { head, session })
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

/// How a client detaches itself by what it types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It cannot, or the Docker beneath sees to it.
    None,
    /// Ctrl-P and then Ctrl-Q, each in a chunk of its own; whether the first was the last chunk
    /// (catalogue: attach-detach-keys).
    Fixed(bool),
}

impl Keys {
    /// Whether a chunk of input completes the keys.
    fn detach(&mut self, chunk: &[u8]) -> bool {
        match self {
            Keys::None => false,
            Keys::Fixed(true) if chunk == [0x11] => true,
            Keys::Fixed(seen) => {
                *seen = chunk == [0x10];
                false
            }
        }
    }
}

/// Passes bytes both ways until the engine beneath ends the stream. The client's end of input is
/// passed on, and its output goes on after that.
pub fn session(
    beneath: Beneath,
    coding: Coding,
    rewriting: Rewriting,
    keys: Keys,
    ending: Ending,
) -> Session {
    Box::new(move |socket: TcpStream, read: bytes::Bytes| {
        Box::pin(async move {
            let (mut from_client, mut to_client) = socket.into_split();
            let (mut from_engine, mut to_engine) = tokio::io::split(beneath);
            let input = feed(&mut from_client, &mut to_engine, &read, keys);
            let output = async {
                let mut pump = Pump::new(coding);
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
                            frame(stream, &payload, coding, &mut bytes);
                        }
                    }
                    let _ = to_client.write_all(&bytes).await;
                }
                let _ = to_client.write_all(&pump.rest()).await;
                ending.looked_for().await;
                let _ = to_client.shutdown().await;
            };
            tokio::select! {
                () = input => {}
                () = output => {}
                () = ending.too_late() => {
                    let _ = to_client.write_all(NOT_STARTED.as_bytes()).await;
                    let _ = to_client.shutdown().await;
                }
            }
        }) as BoxFuture<'static, ()>
    })
}

/// Passes the client's input on. Returns only when the client detached itself: the end of the input
/// is not the end of the output.
async fn feed(
    client: &mut OwnedReadHalf,
    engine: &mut (impl AsyncWrite + Unpin),
    read: &[u8],
    mut keys: Keys,
) {
    let mut goes_on = read.is_empty() || engine.write_all(read).await.is_ok();
    let mut buffer = vec![0; 16 * 1024];
    while goes_on {
        let length = client.read(&mut buffer).await.unwrap_or(0);
        if keys.detach(&buffer[..length]) {
            return;
        }
        goes_on = length > 0 && engine.write_all(&buffer[..length]).await.is_ok();
    }
    let _ = engine.shutdown().await;
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_come_one_by_one() {
        let mut keys = Keys::Fixed(false);
        assert!(!keys.detach(&[0x10, 0x11]));
        assert!(!keys.detach(&[0x10]));
        assert!(keys.detach(&[0x11]));
        assert!(!Keys::None.detach(&[0x11]));
    }
}
