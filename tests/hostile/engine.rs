//! A scripted engine that behaves, but for the containers whose names are ways to misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The pause between the bytes of one that dribbles: too long to get anywhere within a deadline.
const DRIP: Duration = Duration::from_millis(200);

/// The pause between the pieces of a flood: it does not drown the machine that runs the test.
const SWELL: Duration = Duration::from_millis(10);

/// What an engine does on a connection once it has read a request.
#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    /// Sends the same bytes until the client has gone.
    Flood(Vec<u8>),
    /// Sends the same bytes so many times.
    Repeat(Vec<u8>, usize),
    /// One byte now and then.
    Dribble(Vec<u8>),
    /// Closes the sending half, and stays.
    HalfClose,
    Reset,
    /// Does nothing until the client has gone.
    Hang,
}

/// A way to misbehave.
pub struct Way {
    pub name: &'static str,
    pub acts: Vec<Act>,
    /// How the answer shows in the steps `request`, `raw` and `stream`; `|` where time decides.
    pub seen: [&'static str; 3],
}

/// An engine that serves until the runtime ends.
pub struct Engine {
    pub address: String,
    /// How many connections it had.
    pub connections: Arc<AtomicUsize>,
}

/// Starts an engine that misbehaves in these ways.
pub async fn start(ways: Vec<Way>) -> Engine {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let (ways, counted) = (Arc::new(ways), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, Arc::clone(&ways)));
        }
    });
    Engine { address, connections }
}

/// Starts an honest engine that goes away after so many connections.
pub async fn start_for(connections: usize) -> Engine {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for _ in 0..connections {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, Arc::default()).await;
        }
    });
    Engine { address, connections: Arc::default() }
}

async fn serve(mut stream: TcpStream, ways: Arc<Vec<Way>>) {
    let mut request = Vec::new();
    let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
    // The target is enough to know what to do; some do it before they have read the rest.
    while !request.contains(&b'\n') {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let target = line(&request).split(' ').nth(1).unwrap_or_default().to_owned();
    let named = target.split('/').find_map(|part| ways.iter().find(|way| way.name == part));
    if named.is_none_or(|way| way.name != "reset-mid-request") {
        read_rest(&mut stream, &mut request).await;
    }
    match named {
        Some(way) => act(&mut stream, &way.acts).await,
        None => drop(stream.write_all(&honest(&target)).await),
    }
}

/// Reads the rest of a head and a body as long as it says.
async fn read_rest(stream: &mut TcpStream, request: &mut Vec<u8>) {
    loop {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return;
            }
        }
        if stream.read_buf(request).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// Does what a script says. The client may be gone at any time.
pub async fn act(stream: &mut (impl AsyncRead + AsyncWrite + Unpin + Resettable), acts: &[Act]) {
    for act in acts {
        match act {
            Act::Send(bytes) => drop(stream.write_all(bytes).await),
            Act::Flood(bytes) => {
                while stream.write_all(bytes).await.is_ok() {
                    tokio::time::sleep(SWELL).await;
                }
            }
            Act::Repeat(bytes, times) => {
                let many = bytes.repeat(64 * 1024 / bytes.len() + 1);
                let mut left = bytes.len() * times;
                while left > 0 && stream.write_all(&many[..left.min(many.len())]).await.is_ok() {
                    left -= left.min(many.len());
                }
            }
            Act::Dribble(bytes) => {
                for byte in bytes {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(DRIP).await;
                }
            }
            Act::HalfClose => drop(stream.shutdown().await),
            Act::Reset => return stream.reset(),
            Act::Hang => {
                let mut rest = [0; 4096];
                while let Ok(1..) = stream.read(&mut rest).await {}
            }
        }
    }
    let _ = stream.flush().await;
}

/// A connection that can be ended rudely.
pub trait Resettable {
    fn reset(&mut self);
}

impl Resettable for TcpStream {
    fn reset(&mut self) {
        self.set_zero_linger().unwrap();
    }
}

/// An honest answer: what Docker would say, as far as these tests ask.
fn honest(target: &str) -> Vec<u8> {
    let json = "Content-Type: application/json\r\n";
    let raw = "Content-Type: application/vnd.docker.raw-stream\r\n";
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body): (&str, &str, &[u8]) = match path.rsplit('/').next().unwrap_or_default() {
        "simulator" => ("404 Not Found", json, b"{\"message\":\"page not found\"}\n"),
        "version" => ("200 OK", json, b"{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}\n"),
        "_ping" => ("200 OK", "", b"OK"),
        "logs" => ("200 OK", raw, b"\x01\0\0\0\0\0\0\x03hi\n"),
        _ => ("200 OK", json, b"{\"Id\":\"abc\",\"State\":{\"Running\":true}}\n"),
    };
    let head = format!("HTTP/1.1 {status}\r\n{kind}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
