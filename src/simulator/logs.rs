//! `GET /containers/X/logs`: raw on the socket until it ends
//! (sdc-docker `lib/endpoints/containers.js:239-286`).

use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use super::answer::{Answer, Body};
use super::call::Call;

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
    let answer = call.forward_stream().await;
    if answer.is_error() {
        return answer;
    }
    let is_empty = !is_tail && call.on("logs-tail-missing-or-invalid");
    if !call.on("logs-response-framing") {
        if is_empty {
            let mut empty = Answer::empty(200);
            empty.headers = answer.headers;
            return empty;
        }
        return answer;
    }
    let Body::Stream(mut stream) = answer.body else { return answer };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n".to_owned();
    let session = Box::new(move |mut socket: tokio::net::TcpStream, _| {
        Box::pin(async move {
            while let (false, Some(Ok(frame))) = (is_empty, stream.frame().await) {
                if let Some(bytes) = frame.data_ref()
                    && socket.write_all(bytes).await.is_err()
                {
                    return;
                }
            }
            // The end of the connection is the end of the log.
            let _ = socket.shutdown().await;
        }) as futures_util::future::BoxFuture<'static, ()>
    });
    Answer::new(200, Body::Hijack { head, session })
}
