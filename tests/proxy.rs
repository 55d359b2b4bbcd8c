//! The recording proxy against scripted engines: every byte passes as it came, at once.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::net::SocketAddr;
use std::time::Duration;

use divergence::capture::observed::Observed;
use divergence::capture::proxy::{Listen, Proxy};
use divergence::engine::address::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(20);

/// A proxy on a unix socket before a scripted engine, which serves connections by `script`.
struct Stage {
    proxy: Proxy,
    folder: tempfile::TempDir,
    engine: JoinHandle<()>,
}

impl Stage {
    async fn new<F>(script: impl Fn(TcpStream) -> F + Send + 'static) -> Stage
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let engine = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(script(stream));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let proxy = Proxy::start(Listen::Unix(folder.path().join("s")), address).await.unwrap();
        Stage { proxy, folder, engine }
    }

    async fn client(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join("s")).await.unwrap()
    }

    async fn seen(self) -> (Vec<Observed>, usize) {
        let (mut log, unreached) = self.proxy.finish().await;
        self.engine.abort();
        assert_eq!(unreached, None);
        (log.take(), log.foreign)
    }
}

/// Reads until what was read ends like this.
async fn read_to(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut read = Vec::new();
    let all = async {
        while !read.ends_with(end.as_bytes()) {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    timeout(LONG, all).await.unwrap_or_else(|_| panic!("{end:?} did not come"));
    String::from_utf8_lossy(&read).into_owned()
}

async fn read_all(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    timeout(LONG, stream.read_to_end(&mut read)).await.unwrap().unwrap();
    read
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const UPGRADED: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const ATTACH: &[u8] = b"POST /v1.24/containers/a/attach?stdin=1 HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_followed_log_shows_at_once() {
    let stage = Stage::new(|mut stream| async move {
        read_to(&mut stream, "\r\n\r\n").await;
        stream.write_all(CHUNKED).await.unwrap();
        stream.write_all(b"3\r\none\r\n").await.unwrap();
        // The second piece comes only once the client has shown that it had the first.
        read_to(&mut stream, "had it").await;
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    })
    .await;
    let mut client = stage.client().await;
    client.write_all(b"GET /v1.24/containers/a/logs?follow=1 HTTP/1.1\r\n\r\n").await.unwrap();
    read_to(&mut client, "one\r\n").await;
    client.write_all(b"had it").await.unwrap();
    assert_eq!(read_to(&mut client, "0\r\n\r\n").await, "3\r\ntwo\r\n0\r\n\r\n");
    drop(client);
    let (seen, _) = stage.seen().await;
    assert_eq!(seen[0].answered.bytes, b"onetwo");
}

#[tokio::test]
async fn handed_over_connections_are_closed_by_halves() {
    for head in [UPGRADED, b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"] {
        let stage = Stage::new(move |mut stream| async move {
            read_to(&mut stream, "\r\n\r\n").await;
            stream.write_all(head).await.unwrap();
            // All that is typed comes back once its end has come.
            let typed = read_all(&mut stream).await;
            stream.write_all(&typed).await.unwrap();
        })
        .await;
        let mut client = stage.client().await;
        client.write_all(ATTACH).await.unwrap();
        read_to(&mut client, "\r\n\r\n").await;
        let typed: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        client.write_all(&typed).await.unwrap();
        client.shutdown().await.unwrap();
        assert!(read_all(&mut client).await == typed, "bytes differ");
        let (seen, _) = stage.seen().await;
        assert_eq!(seen.len(), 1);
        assert!(seen[0].tunnel && seen[0].closed_stdin);
        assert_eq!((seen[0].stdin.length, seen[0].answered.length), (3_000_000, 3_000_000));
        assert_eq!(seen[0].stdin.bytes.len(), 1 << 20);
    }
}

#[tokio::test]
async fn an_engine_may_close_its_half_first() {
    let stage = Stage::new(|mut stream| async move {
        read_to(&mut stream, "\r\n\r\n").await;
        stream.write_all(UPGRADED).await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(read_to(&mut stream, "late").await, "late");
    })
    .await;
    let mut client = stage.client().await;
    client.write_all(ATTACH).await.unwrap();
    assert!(read_all(&mut client).await.ends_with(b"bye"));
    client.write_all(b"late").await.unwrap();
    drop(client);
    assert_eq!(stage.seen().await.0[0].answered.bytes, b"bye");
}

#[tokio::test]
async fn a_silent_engine_learns_that_the_client_is_gone() {
    let (told, gone) = tokio::sync::mpsc::unbounded_channel();
    let stage = Stage::new(move |mut stream| {
        let told = told.clone();
        async move {
            read_to(&mut stream, "\r\n\r\n").await;
            stream.write_all(UPGRADED).await.unwrap();
            read_all(&mut stream).await;
            // A half-close came; now both halves have to be gone, which a write shows.
            while stream.write_all(b"x").await.is_ok() {
                tokio::task::yield_now().await;
            }
            told.send(()).unwrap();
        }
    })
    .await;
    let mut gone = gone;
    let mut client = stage.client().await;
    client.write_all(ATTACH).await.unwrap();
    read_to(&mut client, "\r\n\r\n").await;
    drop(client);
    timeout(LONG, gone.recv()).await.unwrap();
    assert!(stage.seen().await.0[0].left);
}

#[tokio::test]
async fn what_is_large_early_or_no_http_passes_all_the_same() {
    // It answers before it has read, and closes.
    let stage = Stage::new(|mut stream| async move {
        read_to(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!").await.unwrap();
        stream.shutdown().await.unwrap();
        read_all(&mut stream).await;
    })
    .await;
    let mut client = stage.client().await;
    client.write_all(b"POST /v1.24/build HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n").await.unwrap();
    assert!(read_to(&mut client, "no!").await.ends_with("no!"));
    client.write_all(&vec![b'x'; 9_000_000]).await.unwrap();
    drop(client);
    let (seen, _) = stage.seen().await;
    assert_eq!(seen[0].answer.as_ref().unwrap().status, 413);

    // An echo: what is no HTTP comes back as it went.
    let stage = Stage::new(|stream| async move {
        let (mut reader, mut writer) = stream.into_split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    })
    .await;
    let mut client = stage.client().await;
    let garbage = [b"GET /x HT\0TP\r\n".to_vec(), vec![b'\n'; 300_000], vec![0xff; 300_000]].concat();
    let (mut reader, mut writer) = client.split();
    let send = async {
        writer.write_all(&garbage).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let ((), back) = tokio::join!(send, read_all(&mut reader));
    assert!(back == garbage, "bytes differ");
    drop(client);
    let (seen, foreign) = stage.seen().await;
    assert_eq!((seen.len(), foreign), (0, 1));
}

#[tokio::test]
async fn many_connections_with_many_exchanges_pass_at_once() {
    let stage = Stage::new(|mut stream| async move {
        loop {
            let asked = read_to(&mut stream, "\r\n\r\n").await;
            let Some(number) = asked.split(' ').nth(1) else { return };
            let answer = match asked.starts_with("HEAD") {
                true => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".to_owned(),
                false => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{number}", number.len()),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let mut clients = Vec::new();
    for number in 0..40 {
        clients.push((number, stage.client().await));
    }
    let all = clients.into_iter().map(|(number, mut client)| async move {
        for time in 0..5 {
            client.write_all(format!("HEAD /{number}/{time} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
            read_to(&mut client, "\r\n\r\n").await;
            client.write_all(format!("GET /{number}/{time} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
            read_to(&mut client, &format!("\r\n\r\n/{number}/{time}")).await;
        }
    });
    futures_util::future::join_all(all).await;
    let (seen, foreign) = stage.seen().await;
    assert_eq!((seen.len(), foreign), (400, 0));
    assert!(
        seen.iter()
            .filter(|each| each.sent.method == "GET")
            .all(|each| each.answered.bytes == each.sent.target.as_bytes())
    );
}

#[tokio::test]
async fn it_listens_on_loopback_and_says_where() {
    let nowhere = Address::Unix("/nowhere/docker.sock".into());
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let proxy = Proxy::start(Listen::Tcp(any), nowhere).await.unwrap();
    let address = proxy.host.strip_prefix("tcp://").unwrap().to_owned();
    let mut client = TcpStream::connect(&address).await.unwrap();
    assert_eq!(read_all(&mut client).await, b"");
    let (_, unreached) = proxy.finish().await;
    assert!(unreached.unwrap().contains("/nowhere/docker.sock"));
    assert!(TcpStream::connect(&address).await.is_err());
}
