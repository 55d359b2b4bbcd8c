//! `/version`, `/info`, `/auth` and `/ca.pem`.

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::json::{keep, put, text};
use super::route::Route;

/// Serves `/auth`, `/info` and `/ca.pem`.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::Auth => auth(call).await,
        Route::CaPem => {
            let mut answer = Answer::error(404, "page not found");
            answer.unrouted = true;
            answer
        }
        _ => call.forward().await,
    }
}

/// The parts of credentials have to be there (sdc-docker `lib/endpoints/auth.js:43-83`).
async fn auth(call: &mut Call) -> Answer {
    if !call.on("auth-endpoint-validation") {
        return call.forward().await;
    }
    if call.body.is_empty()
        && call.header("content-type").is_none()
        && call.on("uncaught-exception-drops-connection")
    {
        return Answer::new(0, Body::Drop);
    }
    let body = call.json.clone().unwrap_or(json!({}));
    let missing: Vec<String> = ["serveraddress", "username", "password"]
        .into_iter()
        .filter(|key| text(&body, &format!("/{key}")).is_empty())
        .map(|key| format!("missing \"{key}\""))
        .collect();
    if !missing.is_empty() {
        return Answer::invalid(missing.join(", "));
    }
    call.forward().await
}

/// A ping tells its length and type after the common headers, and nothing of caches
/// (sdc-docker `lib/endpoints/_ping.js:17-28`).
pub fn ping(_: &Call, answer: &mut Answer) {
    answer.without("cache-control");
    answer.without("pragma");
    answer.rename("Content-Type");
    answer.common_first = true;
}

/// The fields of `/version` (sdc-docker `lib/endpoints/version.js:54-64`).
pub fn version_fields(_: &Call, version: &mut Value) {
    *version = json!({
        "ApiVersion": "1.21",
        "Arch": "amd64",
        "BuildTime": "2023-12-15T00:00:00Z",
        "GitCommit": "40cb46d",
        "GoVersion": "node6.17.1",
        "Os": "solaris",
        "Version": "1.9.0",
    });
}

/// The values of Triton in `/info` (catalogue: info-driver-values).
pub fn info_values(call: &Call, info: &mut Value) {
    let world = &call.service.world;
    put(info, "", "Driver", json!("sdc"));
    put(info, "", "DriverStatus", json!([["SDCAccount", world.account]]));
    let build = if call.service.release == "0.7" { "0.7.11" } else { call.service.release.as_str() };
    put(info, "", "ExecutionDriver", json!(format!("sdc-{build}")));
    put(info, "", "OperatingSystem", json!("SmartDataCenter"));
    put(info, "", "Name", json!(world.datacenter));
    put(info, "", "ID", json!(world.id));
    put(info, "", "LoggingDriver", json!("json-file"));
}

/// A constant (catalogue: info-kernel-version-fixed).
pub fn info_kernel(_: &Call, info: &mut Value) {
    put(info, "", "KernelVersion", json!("3.12.0-1-amd64"));
}

/// Only sixteen fields (catalogue: info-missing-fields).
pub fn info_fields(_: &Call, info: &mut Value) {
    const KEYS: [&str; 16] = [
        "Architecture",
        "Driver",
        "DriverStatus",
        "ExecutionDriver",
        "KernelVersion",
        "LoggingDriver",
        "OperatingSystem",
        "OSType",
        "Name",
        "IndexServerAddress",
        "MemoryLimit",
        "SwapLimit",
        "IPv4Forwarding",
        "Containers",
        "Images",
        "ID",
    ];
    keep(info, "", &KEYS);
}
