//! `/version`, `/info`, `/auth` and `/ca.pem`.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::create::{broken_json, fault_text};
use super::json::{keep, put, take, text};
use super::route::Route;
use super::{names, shapes};

/// Serves `/auth`, `/info` and `/ca.pem`.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::Auth => auth(call).await,
        Route::CaPem => certificate(call),
        _ => call.forward().await,
    }
}

/// The certificate of the server, as it comes and without a type (sdc-docker `lib/endpoints/ca.js:18-32`).
fn certificate(call: &Call) -> Answer {
    if !call.on("ca-pem-route") {
        let mut answer = Answer::error(404, "page not found");
        answer.unrouted = true;
        return answer;
    }
    let pem = Full::new(Bytes::from_static(include_bytes!("../../fixtures/simulator/ca.pem")));
    Answer::new(200, Body::Stream(pem.map_err(|never| match never {}).boxed_unsync()))
}

/// Credentials: their parts have to be there, and where a registry asks for a password at every
/// request nobody tries it (sdc-docker `lib/endpoints/auth.js:43-83`; docker-registry-client
/// `lib/registry-client-v2.js:935-947`).
async fn auth(call: &mut Call) -> Answer {
    if call.on("auth-endpoint-validation")
        && let Err(refused) = credentials(call)
    {
        return refused;
    }
    let mut answer = call.forward().await;
    let why = fault_text(&answer).to_owned();
    if why.contains("401 Unauthorized") && call.on("login-basic-unchecked") {
        return Answer::json(200, json!({ "Status": "Login Succeeded" }));
    }
    if call.on("auth-endpoint-validation") {
        if let Some((_, address)) =
            why.strip_suffix(": connect: connection refused").and_then(|w| w.rsplit_once(' '))
        {
            return Answer::error(500, format!("connect ECONNREFUSED {address}"));
        }
        if let Some(value) = answer.value() {
            take(value, "", "IdentityToken");
        }
    }
    answer
}

fn credentials(call: &mut Call) -> Result<(), Answer> {
    if call.body.is_empty() {
        let drops = call.header("content-type").is_none() && call.on("uncaught-exception-drops-connection");
        if drops {
            return Err(Answer::new(0, Body::Drop));
        }
    }
    broken_json(call)?;
    let body = call.json.clone().unwrap_or(json!({}));
    let missing: Vec<String> = ["serveraddress", "username", "password"]
        .into_iter()
        .filter(|key| body.get(key).is_none())
        .map(|key| format!("missing \"{key}\""))
        .collect();
    if !missing.is_empty() {
        return Err(Answer::invalid(missing.join(", ")));
    }
    names::check_index(text(&body, "/serveraddress")).map_err(|why| Answer::error(500, why))
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
        "ApiVersion": text(version, "/ApiVersion"),
        "Arch": "amd64",
        "BuildTime": "2023-12-15T00:00:00Z",
        "GitCommit": "40cb46d",
        "GoVersion": "node6.17.1",
        "Os": "solaris",
        "Version": text(version, "/Version"),
    });
}

/// The version of a path without one (catalogue: api-version-unversioned-default; sdc-docker
/// `lib/constants.js:16`).
pub fn api_version(_: &Call, version: &mut Value) {
    put(version, "", "ApiVersion", json!("1.21"));
}

/// The engine of which its clients are (catalogue: supported-client-range; sdc-docker
/// `lib/constants.js:1-19`).
pub fn engine_version(_: &Call, version: &mut Value) {
    put(version, "", "Version", json!("1.9.0"));
}

/// The values of Triton in `/info` (catalogue: info-driver-values).
pub fn info_values(call: &Call, info: &mut Value) {
    let world = &call.service.world;
    put(info, "", "Driver", json!("sdc"));
    // Whose account it is, is another matter.
    let whose = info.pointer("/DriverStatus/0/1").cloned();
    put(info, "", "DriverStatus", json!([["SDCAccount", whose]]));
    let build = if call.service.release == "0.7" { "0.7.11" } else { call.service.release.as_str() };
    put(info, "", "ExecutionDriver", json!(format!("sdc-{build}")));
    put(info, "", "OperatingSystem", json!("SmartDataCenter"));
    put(info, "", "Name", json!(world.datacenter));
    put(info, "", "ID", json!(world.id));
    put(info, "", "LoggingDriver", json!("json-file"));
}

/// Without TLS everybody is one account (catalogue: no-tls-means-admin).
pub fn info_account(call: &Call, info: &mut Value) {
    if let Some(whose) = info.pointer_mut("/DriverStatus/0/1") {
        *whose = json!(call.account);
    }
}

/// Only the account's containers are counted (catalogue: info-counts-are-per-account).
pub fn info_counts(call: &Call, info: &mut Value) {
    // Those of other clients of the engine beneath are the main account's, as far as is known.
    let of_others = call
        .service
        .state
        .read(|memory| memory.containers.values().filter(|c| c.owner != call.account).count());
    let is_second = call.account != call.service.world.account;
    let of_second = call.service.state.read(|memory| memory.containers.len()) - of_others;
    if let Some(count) = info.pointer_mut("/Containers") {
        let all = count.as_u64().unwrap_or(0);
        *count = json!(if is_second { of_second as u64 } else { all.saturating_sub(of_others as u64) });
    }
}

/// A constant (catalogue: info-kernel-version-fixed).
pub fn info_kernel(_: &Call, info: &mut Value) {
    put(info, "", "KernelVersion", json!("3.12.0-1-amd64"));
}

/// Only sixteen fields (catalogue: info-missing-fields).
pub fn info_fields(_: &Call, info: &mut Value) {
    keep(info, "", shapes::members(Route::Info, ""));
}

/// Images of before 2017 are counted, which no account has that is newer (catalogue:
/// info-images-count-legacy-only; sdc-docker `lib/backends/sdc/images.js:2997`).
pub fn no_images(_: &Call, info: &mut Value) {
    put(info, "", "Images", json!(0));
}
