//! The listener, and one connection after the other: a request is read, answered and written as
//! sdc-docker's HTTP server writes it. Knows nothing of calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Body, Stream};
use super::call;
use super::request::{self, Incoming};
use super::service::Service;
use super::{Settings, SimulatorError, tls};

/// How long a call that never answers is kept (catalogue: exec-inspect-unknown-hangs).
const HANG: Duration = Duration::from_secs(120);

type Started = Result<(SocketAddr, Arc<Service>), SimulatorError>;

/// Serves until told to stop; the thread of a simulator runs this.
pub fn run(settings: Settings, ready: Sender<Started>, stopped: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("simulator-worker")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(SimulatorError::Thread(error)));
            return;
        }
    };
    runtime.block_on(async {
        match listen(settings).await {
            Ok(Listening { listener, address, front, service }) => {
                let _ = ready.send(Ok((address, Arc::clone(&service))));
                if let Some((front, acceptor, inside)) = front {
                    tokio::spawn(tls::serve(front, acceptor, inside, Arc::clone(&service)));
                }
                tokio::select! {
                    () = accept(listener, service) => {}
                    _ = stopped => {}
                }
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
}

struct Listening {
    listener: TcpListener,
    /// Where clients connect.
    address: SocketAddr,
    /// What stands before the listener in a world with TLS, and where that one is.
    front: Option<(TcpListener, TlsAcceptor, SocketAddr)>,
    service: Arc<Service>,
}

async fn listen(settings: Settings) -> Result<Listening, SimulatorError> {
    let asked = settings.listen;
    let failed = |cause| SimulatorError::Listen { address: asked, cause };
    let mut listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut front = None;
    if settings.world.tls.is_some() {
        let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let place = inside.local_addr().map_err(failed)?;
        let acceptor = tls::acceptor().map_err(SimulatorError::Tls)?;
        front = Some((std::mem::replace(&mut listener, inside), acceptor, place));
    }
    let service = Arc::new(Service::start(settings).await?);
    Ok(Listening { listener, address, front, service })
}

async fn accept(listener: TcpListener, service: Arc<Service>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream, Arc::clone(&service)));
            }
            // Too many open files, mostly: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(mut stream: TcpStream, service: Arc<Service>) {
    let mut input = BytesMut::new();
    let peer = stream.peer_addr().ok().and_then(|address| service.peers.of(address.port()));
    loop {
        let asked = match request::read(&mut stream, &mut input).await {
            Incoming::Request(asked) => *asked,
            Incoming::Closed => return,
            Incoming::Malformed => return hang(&mut stream).await,
        };
        let (head_only, goes_on) = (asked.method == hyper::Method::HEAD, asked.keeps_alive());
        let Answer { status, headers, body, .. } =
            call::answer(asked, peer.clone(), Arc::clone(&service)).await;
        let written = match body {
            Body::Drop => return,
            Body::Hang => return hang(&mut stream).await,
            Body::Hijack { head, session } => {
                if stream.write_all(head.as_bytes()).await.is_ok() {
                    session(stream, input.freeze()).await;
                }
                return;
            }
            body => write(&mut stream, &head(status, &headers), body, head_only).await,
        };
        if written.is_err() || !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// No answer, until the client goes or the server's own limit is over.
async fn hang(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    let gone = async { while let Ok(1..) = tokio::io::AsyncReadExt::read(stream, &mut rest).await {} };
    let _ = tokio::time::timeout(HANG, gone).await;
}

/// The status line and the headers, in their order and case.
fn head(status: u16, headers: &[(String, String)]) -> String {
    let reason =
        hyper::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// Writes an answer; a stream is chunked where its head says so.
async fn write(stream: &mut TcpStream, head: &str, body: Body, head_only: bool) -> std::io::Result<()> {
    match body {
        Body::Stream(pieces) if !head_only => {
            stream.write_all(head.as_bytes()).await?;
            write_pieces(stream, pieces, head.ends_with("Transfer-Encoding: chunked\r\n\r\n")).await
        }
        Body::Raw(bytes) if !head_only => stream.write_all(&[head.as_bytes(), &bytes].concat()).await,
        _ => stream.write_all(head.as_bytes()).await,
    }
}

async fn write_pieces(stream: &mut TcpStream, mut pieces: Stream, chunked: bool) -> std::io::Result<()> {
    while let Some(frame) = pieces.frame().await {
        let frame = frame.map_err(std::io::Error::other)?;
        let Some(bytes) = frame.data_ref().filter(|bytes| !bytes.is_empty()) else { continue };
        match chunked {
            true => {
                let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                stream.write_all(&chunk).await?;
            }
            false => stream.write_all(bytes).await?,
        }
    }
    if chunked { stream.write_all(b"0\r\n\r\n").await } else { Ok(()) }
}
