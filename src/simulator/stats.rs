//! `GET /containers/X/stats` (sdc-docker `lib/endpoints/containers.js:292-334`).

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::json::flag;

const BLOCK_LISTS: [&str; 8] = [
    "io_service_bytes_recursive",
    "io_serviced_recursive",
    "io_queue_recursive",
    "io_service_time_recursive",
    "io_wait_time_recursive",
    "io_merged_recursive",
    "io_time_recursive",
    "sectors_recursive",
];

/// Streams, or tells once.
pub async fn serve(call: &mut Call) -> Answer {
    let streams = match call.param("stream") {
        None => !call.on("stats-default-one-shot"),
        Some(stream) => matches!(stream, "1" | "true" | "True"),
    };
    if streams || !call.on("stats-fields") {
        call.set_param("stream", if streams { "1" } else { "0" });
        return call.forward_stream().await;
    }
    let is_running = flag(&call.container, "/State/Running");
    call.set_param("stream", "0");
    let mut answer = call.forward().await;
    let Some(value) = answer.value() else { return answer };
    let read = super::exit::iso(time::OffsetDateTime::now_utc());
    let lists: serde_json::Map<String, Value> =
        BLOCK_LISTS.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
    let mut told = json!({"read": read, "blkio_stats": lists});
    if is_running {
        for key in ["cpu_stats", "precpu_stats", "memory_stats", "networks", "network"] {
            if let Some(part) = value.get(key) {
                super::json::put(&mut told, "", key, part.clone());
            }
        }
    }
    // No content type, and objects end in CRLF (catalogue: stats-fields).
    let bytes = Bytes::from(format!("{told}\r\n"));
    let mut answer =
        Answer::new(200, Body::Stream(Full::new(bytes).map_err(|never| match never {}).boxed_unsync()));
    answer.without("content-type");
    answer
}
