//! What is asked of every request before its call: version, negotiation, ids and common headers.

use std::hash::{BuildHasher, Hasher, RandomState};

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
    if given.is_empty() || !given.chars().all(|c| c.is_ascii_digit() || c == '.') {
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
        version_parts(given) < version_parts(MINIMUM)
    };
    if low && call.on("api-version-minimum") {
        return Err(Answer::coded(
            400,
            "InvalidVersion",
            format!("client API version ({given}) is less than the minimum required API version ({MINIMUM})"),
        ));
    }
    // What is no number then fails an assertion, where the backend has one.
    let asserted = matches!(
        route,
        Route::ContainerCreate
            | Route::ContainerInspect
            | Route::ContainerList
            | Route::ImageList
            | Route::Info
    );
    if asserted && given.parse::<f64>().is_err() && call.on("api-version-compared-as-text") {
        return Err(Answer::new(0, Body::Drop));
    }
    Ok(())
}

fn page_not_found() -> Answer {
    let mut answer = Answer::error(404, "page not found");
    answer.unrouted = true;
    answer
}

/// A header that stock Docker ignores and restify does not (sdc-docker `lib/docker.js:343-347`,
/// restify 4.3.0 `lib/router.js`): asked of a route that is there, before anything of its own.
pub fn accept_version(call: &Call) -> Result<(), Answer> {
    let wanted = call.header("accept-version").or_else(|| call.header("x-api-version")).unwrap_or("*");
    match satisfied(wanted) || !call.on("accept-version-header-rejected") {
        true => Ok(()),
        false => {
            let message = format!("{wanted} is not supported by {} {}", call.method, call.path);
            Err(Answer::coded(400, "InvalidVersion", message))
        }
    }
}

/// Whether a semver range takes in 0.7.11; the simple forms only.
fn satisfied(range: &str) -> bool {
    let plain = range.trim().trim_start_matches(['~', '^', '=', 'v']);
    ["*", "", "0", "0.x", "0.7", "0.7.x", "0.7.11"].contains(&plain) || range.trim().starts_with(">=0")
}

/// The id of a request: the client's if it gave one, or a fresh one (sdc-docker `lib/docker.js:113-118`).
pub fn request_id(headers: &HeaderMap, heed: bool) -> String {
    let given = ["request-id", "x-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|v| v.to_str().ok())
        .filter(|given| !given.is_empty());
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

/// The headers of every routed answer, in order (sdc-docker `lib/docker.js:111-131`); those of
/// stock Docker among an answer's own are taken away.
pub fn common_headers(call: &Call, own: &mut Vec<(String, String)>) -> Vec<(String, String)> {
    let docker = &call.service.docker_headers;
    let of_docker =
        |wanted: &str| docker.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let mut common = vec![super::render::date()];
    let mut add =
        |name: &str, value: Option<String>| common.extend(value.map(|value| (name.to_owned(), value)));
    if call.on("extra-request-id-headers") {
        add("x-request-id", Some(call.request_id.clone()));
        add("x-response-time", Some(call.since.elapsed().as_millis().to_string()));
    }
    let triton = call.on("server-header-triton");
    add("Server", if triton { Some(SERVER.to_owned()) } else { of_docker("server") });
    for name in ["api-version", "docker-experimental", "ostype"] {
        own.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        if !call.on("no-api-version-headers") {
            add(name, of_docker(name));
        }
    }
    common
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
    fn some_ranges_of_versions_are_satisfied() {
        assert!(satisfied("~0.7") && !satisfied("9"));
    }
}
