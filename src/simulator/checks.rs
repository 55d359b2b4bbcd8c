//! What is asked of every request before its call: version, negotiation, ids and common headers.

use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::Bytes;
use hyper::HeaderMap;

use super::answer::{Answer, Body};
use super::call::Call;
use super::route::Route;

const MINIMUM: &str = "1.20";
const SERVER: &str = "Triton/1.9.0 (linux)";

/// Whether the Docker beneath serves a prefix like `v1.21`.
pub fn docker_serves(prefix: &str) -> bool {
    version(&prefix[1..]).is_some_and(|v| ((1, 12)..=(1, 41)).contains(&v))
}

/// Whether stock Docker writes errors as JSON at a version; without one it is its newest.
pub fn docker_errors_are_json(prefix: Option<&str>) -> bool {
    prefix.is_none_or(|p| version(&p[1..]).is_none_or(|v| v >= (1, 24)))
}

/// Major and minor of `1.21`, and nothing else.
fn version_parts(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

fn version(text: &str) -> Option<(u32, u32)> {
    match version_parts(text)?[..] {
        [major, minor] => Some((major, minor)),
        [major] => Some((major, 0)),
        _ => None,
    }
}

/// Checks the version prefix (sdc-docker `lib/common.js:396-439`).
pub fn check_version(call: &Call, route: Route) -> Result<(), Answer> {
    if route.skips_checks() && call.on("ping-and-events-skip-checks") {
        return Ok(());
    }
    let Some(prefix) = &call.prefix else {
        return Ok(());
    };
    let given = &prefix[1..];
    let parts = version_parts(given);
    if parts.is_none() {
        return if call.on("api-version-unparsable") {
            Err(Answer::coded(
                400,
                "InvalidVersion",
                format!("client and server don't have same API version (client : /{prefix}, server: 1.21)"),
            ))
        } else {
            Err(page_not_found())
        };
    }
    let low = if call.on("api-version-compared-as-text") {
        given < MINIMUM
    } else {
        parts < version_parts(MINIMUM)
    };
    if low && call.on("api-version-minimum") {
        return Err(Answer::coded(
            400,
            "InvalidVersion",
            format!("client API version ({given}) is less than the minimum required API version ({MINIMUM})"),
        ));
    }
    let odd = parts.is_some_and(|p| p.len() > 2);
    if odd && route == Route::Info && call.on("api-version-compared-as-text") {
        return Err(Answer::new(0, Body::Drop));
    }
    Ok(())
}

fn page_not_found() -> Answer {
    let mut answer = Answer::error(404, "page not found");
    answer.unrouted = true;
    answer
}

/// Headers that stock Docker ignores and restify does not (sdc-docker `lib/docker.js:343-364`).
pub fn negotiation(call: &Call) -> Result<(), Answer> {
    let accept = call.header("accept").unwrap_or("*/*");
    if call.on("accept-header-406") && !accept.split(',').any(acceptable) {
        return Err(Answer::empty(406));
    }
    let wanted = call.header("accept-version").or_else(|| call.header("x-api-version"));
    if let Some(wanted) = wanted
        && call.on("accept-version-header-rejected")
        && !satisfied(wanted)
    {
        return Err(Answer::coded(
            400,
            "InvalidVersion",
            format!("{wanted} is not supported by {} {}", call.method, call.path),
        ));
    }
    Ok(())
}

fn acceptable(range: &str) -> bool {
    let range = range.split(';').next().unwrap_or("").trim();
    matches!(
        range,
        "*/*"
            | "application/*"
            | "application/json"
            | "text/*"
            | "text/plain"
            | "application/octet-stream"
            | "application/javascript"
            | ""
    )
}

/// Whether a semver range takes in 0.7.11; the simple forms only.
fn satisfied(range: &str) -> bool {
    let plain = range.trim().trim_start_matches(['~', '^', '=', 'v']);
    ["*", "", "0", "0.x", "0.7", "0.7.x", "0.7.11"].contains(&plain) || range.trim().starts_with(">=0")
}

/// An `Accept` of plain text or of bytes gets the JSON under that label (catalogue: accept-header-406).
pub fn relabel(call: &Call, answer: &mut Answer) {
    if !call.on("accept-header-406") {
        return;
    }
    match call.header("accept").map(str::trim) {
        Some("text/plain") => answer.set("Content-Type", "text/plain"),
        Some("application/octet-stream") => {
            answer.body = Body::Raw(Bytes::from_static(b"[object Object]"));
            answer.set("Content-Type", "application/octet-stream");
        }
        _ => {}
    }
}

/// The id of a request: the client's if it gave one, or a fresh one (sdc-docker `lib/docker.js:113-118`).
pub fn request_id(headers: &HeaderMap, heed: bool) -> String {
    let given = ["request-id", "x-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|v| v.to_str().ok());
    match given {
        Some(given) if heed => given.to_owned(),
        _ => uuid(),
    }
}

/// A random UUID.
pub fn uuid() -> String {
    let hex = random_hex(32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// So many random hexadecimal digits.
pub fn random_hex(digits: usize) -> String {
    let mut hex = String::new();
    while hex.len() < digits {
        // Every RandomState has keys of its own.
        hex.push_str(&format!("{:016x}", RandomState::new().build_hasher().finish()));
    }
    hex.truncate(digits);
    hex
}

/// The headers of every routed answer (sdc-docker `lib/docker.js:111-131`).
pub fn common_headers(call: &Call, answer: &mut Answer) {
    let docker = &call.service.docker_headers;
    if call.on("server-header-triton") {
        answer.set("Server", SERVER);
    } else if let Some((_, server)) = docker.iter().find(|(name, _)| name == "server") {
        answer.set("Server", server.clone());
    }
    for name in ["api-version", "docker-experimental", "ostype"] {
        answer.without(name);
        if !call.on("no-api-version-headers")
            && let Some((_, value)) = docker.iter().find(|(n, _)| n == name)
        {
            answer.set(name, value.clone());
        }
    }
    if call.on("extra-request-id-headers") {
        answer.set("x-request-id", call.request_id.clone());
        answer.set("x-response-time", call.since.elapsed().as_millis().to_string());
    }
}

/// The behaviour that makes sdc-docker lack a path or method.
pub fn governing(method: &str, rest: &str, known_path: bool) -> &'static str {
    let first = rest.split('/').nth(1).unwrap_or("");
    let last = rest.rsplit('/').next().unwrap_or("");
    match first {
        "swarm" => "swarm-missing",
        "nodes" => "nodes-missing",
        "services" => "services-missing",
        "tasks" => "tasks-missing",
        "plugins" => "plugins-missing",
        "system" | "distribution" | "session" | "configs" | "secrets" => "post-1.24-endpoints-missing",
        "containers" if rest.ends_with("/attach/ws") => "attach-websocket-missing",
        "containers" if last == "update" => "update-not-implemented",
        "containers" | "images" | "volumes" if last == "prune" => "post-1.24-endpoints-missing",
        "images" if rest == "/images/load" => "load-not-implemented",
        "images" if rest == "/images/get" => "save-not-implemented",
        _ if method == "HEAD" => "head-request-405",
        _ if known_path => "wrong-method-405",
        _ => "unknown-route-404-body",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_numbers_for_docker() {
        assert!(docker_serves("v1.21"));
        assert!(!docker_serves("v1.44"));
        assert!(!docker_serves("v1.21.5"));
        assert!(!docker_serves("vfoo"));
        assert!(docker_errors_are_json(Some("v1.24")));
        assert!(!docker_errors_are_json(Some("v1.21")));
        assert!(docker_errors_are_json(None));
    }

    #[test]
    fn ids_are_fresh_and_shaped_as_uuids() {
        let (one, two) = (uuid(), uuid());
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(one.matches('-').count(), 4);
    }

    #[test]
    fn every_missing_path_has_its_behaviour() {
        assert_eq!(governing("POST", "/swarm/init", false), "swarm-missing");
        assert_eq!(governing("POST", "/containers/x/update", true), "update-not-implemented");
        assert_eq!(governing("HEAD", "/_ping", true), "head-request-405");
        assert_eq!(governing("POST", "/info", true), "wrong-method-405");
        assert_eq!(governing("GET", "/nope", false), "unknown-route-404-body");
    }

    #[test]
    fn accept_ranges_are_those_of_restify() {
        assert!(acceptable("text/plain; q=0.5"));
        assert!(!acceptable("text/html"));
        assert!(satisfied("~0.7") && !satisfied("9"));
    }
}
