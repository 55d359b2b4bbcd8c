//! `GET /containers/X/stats` (sdc-docker `lib/endpoints/containers.js:292-334`): what the agent
//! tells of a zone (cn-agent `lib/backends/smartos/bin/docker-stats.js`).

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Body, Stream};
use super::call::Call;
use super::json::{flag, number, put};

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

/// What the agent tells of memory beside the use; all but `rss` is 0.
const MEMORY: [&str; 32] = [
    "active_anon",
    "active_file",
    "cache",
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    "inactive_anon",
    "inactive_file",
    "mapped_file",
    "pgfault",
    "pgmajfault",
    "pgpgin",
    "pgpgout",
    "rss",
    "rss_huge",
    "swap",
    "total_active_anon",
    "total_active_file",
    "total_cache",
    "total_inactive_anon",
    "total_inactive_file",
    "total_mapped_file",
    "total_pgfault",
    "total_pgmajfault",
    "total_pgpgin",
    "total_pgpgout",
    "total_rss",
    "total_rss_huge",
    "total_swap",
    "total_unevictable",
    "total_writeback",
    "unevictable",
    "writeback",
];

/// Streams, or tells once.
pub async fn serve(call: &mut Call) -> Answer {
    let streams = match call.param("stream") {
        None => !call.on("stats-default-one-shot"),
        Some(stream) => matches!(stream, "1" | "true" | "True"),
    };
    call.set_param("stream", if streams { "1" } else { "0" });
    if !call.on("stats-fields") {
        return call.forward_stream().await;
    }
    let zone = Zone::of(call);
    let body = if streams {
        match call.forward_stream().await {
            Answer { body: Body::Stream(beneath), .. } => samples(beneath, zone),
            refused => return refused,
        }
    } else {
        let mut answer = call.forward().await;
        let Some(value) = answer.value() else { return answer };
        Full::new(zone.line(value, 1)).map_err(|never| match never {}).boxed_unsync()
    };
    // No content type (catalogue: stats-fields).
    Answer::new(200, Body::Stream(body))
}

/// What does not change from sample to sample.
struct Zone {
    is_running: bool,
    /// The memory of its package, in bytes.
    memory: Option<u64>,
}

impl Zone {
    fn of(call: &Call) -> Zone {
        let package = call.service.state.container(call.container_id()).map(|container| container.package);
        let package = call.service.world.packages.iter().find(|its| Some(&its.name) == package.as_ref());
        Zone {
            is_running: flag(&call.container, "/State/Running"),
            memory: package.map(|package| package.memory_mib << 20),
        }
    }

    /// A sample in a line; objects end in CRLF.
    fn line(&self, docker: &Value, sample: u64) -> Bytes {
        Bytes::from(format!("{}\r\n", self.told(docker, sample)))
    }

    fn told(&self, docker: &Value, sample: u64) -> Value {
        let mut told = json!({ "read": super::exit::iso(time::OffsetDateTime::now_utc()) });
        if self.is_running {
            for key in ["networks", "network"] {
                if let Some(network) = docker.get(key) {
                    put(&mut told, "", key, last_interface(key, network));
                }
            }
            put(&mut told, "", "cpu_stats", cpu(sample));
            put(&mut told, "", "precpu_stats", cpu(sample - 1));
            put(&mut told, "", "memory_stats", self.memory(docker));
        }
        let lists: Map<String, Value> =
            BLOCK_LISTS.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
        put(&mut told, "", "blkio_stats", Value::Object(lists));
        told
    }

    fn memory(&self, docker: &Value) -> Value {
        let usage = number(docker, "/memory_stats/usage").unwrap_or(0);
        let limit = self.memory.map(|limit| json!(limit));
        let limit = limit.or_else(|| docker.pointer("/memory_stats/limit").cloned());
        let figure = |name: &&str| ((*name).to_owned(), json!(if *name == "rss" { usage } else { 0 }));
        let stats: Map<String, Value> = MEMORY.iter().map(figure).collect();
        json!({"usage": usage, "max_usage": 0, "stats": stats, "failcnt": 0, "limit": limit})
    }
}

/// Percentages, of a hundred more with each sample.
fn cpu(sample: u64) -> Value {
    let each: &[u64] = if sample == 0 { &[] } else { &[0] };
    json!({
        "cpu_usage": {
            "total_usage": 0, "percpu_usage": each, "usage_in_kernelmode": 0, "usage_in_usermode": 0,
        },
        "system_cpu_usage": 100 * sample,
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    })
}

/// Of several interfaces the last one is told; nothing is ever dropped.
fn last_interface(key: &str, network: &Value) -> Value {
    let mut network = network.clone();
    if key == "network" {
        without_drops(&mut network);
        return network;
    }
    let last = network.as_object().and_then(|all| all.iter().next_back());
    let Some((name, figures)) = last else { return network };
    let mut figures = figures.clone();
    without_drops(&mut figures);
    json!({ name: figures })
}

fn without_drops(figures: &mut Value) {
    for key in ["rx_dropped", "tx_dropped"] {
        put(figures, "", key, json!(0));
    }
}

/// The samples of the Docker beneath, a line each, as a zone tells them.
fn samples(beneath: Stream, zone: Zone) -> Stream {
    let begin = (beneath, zone, Vec::new(), 0_u64);
    let told = stream::unfold(begin, |(mut beneath, zone, mut pending, mut sample)| async move {
        loop {
            if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let Ok(docker) = serde_json::from_slice(&line) else { continue };
                sample += 1;
                let line = zone.line(&docker, sample);
                return Some((Ok(Frame::data(line)), (beneath, zone, pending, sample)));
            }
            match beneath.frame().await? {
                Ok(chunk) => pending.extend_from_slice(chunk.data_ref().map_or(&[][..], |bytes| bytes)),
                Err(error) => return Some((Err(error), (beneath, zone, Vec::new(), sample))),
            }
        }
    });
    StreamBody::new(told.boxed()).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_does_not_run_tells_the_time_and_empty_lists() {
        let zone = Zone { is_running: false, memory: None };
        let told = zone.told(&json!({"networks": {}}), 1);
        let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["read", "blkio_stats"]);
    }

    #[test]
    fn only_the_last_interface_and_the_package_are_told() {
        let docker = json!({
            "networks": {"eth0": {"rx_bytes": 1, "rx_dropped": 2}, "eth1": {"rx_bytes": 3, "rx_dropped": 4}},
            "memory_stats": {"usage": 5, "limit": 6},
        });
        let zone = Zone { is_running: true, memory: Some(7) };
        let told = zone.told(&docker, 2);
        assert_eq!(told["networks"], json!({"eth1": {"rx_bytes": 3, "rx_dropped": 0, "tx_dropped": 0}}));
        assert_eq!(told["memory_stats"]["limit"], 7);
        assert_eq!(told["memory_stats"]["stats"]["rss"], 5);
        assert_eq!(told["cpu_stats"]["system_cpu_usage"], 200);
        assert_eq!(told["precpu_stats"]["system_cpu_usage"], 100);
    }
}
