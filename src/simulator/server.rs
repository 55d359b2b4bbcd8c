//! The listener: HTTP by hyper, bare sockets where sdc-docker writes on the socket itself.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::answer::{Answer, Body, Session, Stream};
use super::call::{self, Asked};
use super::service::Service;
use super::{Settings, SimulatorError};

const BODY_LIMIT: usize = 64 << 20;
const HEAD_LIMIT: usize = 64 << 10;
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
            Ok((listener, address, service)) => {
                let _ = ready.send(Ok((address, Arc::clone(&service))));
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

async fn listen(settings: Settings) -> Result<(TcpListener, SocketAddr, Arc<Service>), SimulatorError> {
    let asked = settings.listen;
    let failed = |cause| SimulatorError::Listen { address: asked, cause };
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let service = Service::start(settings).await?;
    Ok((listener, address, Arc::new(service)))
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

/// A hijack on its way from a call to the connection it came on.
type Hijack = (String, Session);

/// The call asked that its connection be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped, as the server that is simulated would")]
struct Dropped;

async fn connection(stream: TcpStream, service: Arc<Service>) {
    let (send, hijacked) = oneshot::channel::<Hijack>();
    let send = Arc::new(Mutex::new(Some(send)));
    let handler = service_fn(move |request: Request<Incoming>| {
        let service = Arc::clone(&service);
        let send = Arc::clone(&send);
        async move { serve(request, service, send).await }
    });
    let mut http = hyper::server::conn::http1::Builder::new()
        .half_close(true)
        .title_case_headers(true)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), handler);
    let hijack = tokio::select! {
        _ = &mut http => return,
        hijack = hijacked => hijack,
    };
    if let Ok(hijack) = hijack {
        // The call that asked for it never answers, so nothing of hyper's is under way.
        let parts = http.into_parts();
        take_over(parts.io.into_inner(), parts.read_buf, hijack).await;
    }
}

async fn serve(
    request: Request<Incoming>,
    service: Arc<Service>,
    hijack: Arc<Mutex<Option<oneshot::Sender<Hijack>>>>,
) -> Result<Response<Stream>, Dropped> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(Dropped),
    };
    let answer = call::answer(Asked { head, body }, service).await;
    let Answer { status, headers, body, .. } = answer;
    let body = match body {
        Body::Drop => return Err(Dropped),
        Body::Hang => {
            tokio::time::sleep(HANG).await;
            return Err(Dropped);
        }
        Body::Hijack { head, session } => {
            let sender = hijack.lock().unwrap_or_else(|e| e.into_inner()).take();
            if let Some(sender) = sender {
                let _ = sender.send((head, session));
            }
            return std::future::pending().await;
        }
        Body::Stream(stream) => stream,
        Body::Raw(bytes) => full(bytes),
        // Rendered before: nothing of these is left.
        Body::Empty | Body::Json(_) | Body::Fault(_) => full(Bytes::new()),
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(|_| Dropped)
}

fn full(bytes: Bytes) -> Stream {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Writes the head of a hijacked connection and hands the socket over.
async fn take_over(mut stream: TcpStream, read: Bytes, (head, session): Hijack) {
    if stream.write_all(head.as_bytes()).await.is_ok() {
        session(stream, read).await;
    }
}
