//! Copying in and out of containers (sdc-docker `lib/endpoints/containers.js:683-961`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::create::fault_text;
use super::docker::Ask;
use super::json::text;
use super::route::{Route, encode};

const STAT: &str = "x-docker-container-path-stat";

/// Passes archives on as they come; the older copy is an archive too.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    if route == Route::ArchivePut && call.on("archive-put-to-file") && is_file(call).await {
        // The class is that of another error: its attributes were overwritten (lib/errors.js:576).
        return Answer::coded(409, "VolumeSizeNotAvailable", "path was not to a directory");
    }
    if route != Route::Copy {
        return call.forward_stream().await;
    }
    if !call.on("copy-endpoint-still-there") {
        return call.forward_stream().await;
    }
    let resource = call.json.as_ref().map(|body| text(body, "/Resource").to_owned()).unwrap_or_default();
    let target =
        format!("/v1.41/containers/{}/archive?path={}", encode(call.container_id()), encode(&resource));
    match call.service.docker.stream(Ask::new(Method::GET, target)).await {
        Ok(mut answer) if !answer.is_error() => {
            answer.without(STAT);
            answer
        }
        Ok(_) => Answer::error(500, "file not found"),
        Err(error) => super::call::unreachable(error),
    }
}

async fn is_file(call: &Call) -> bool {
    let path = call.param("path").unwrap_or_default();
    let target = format!("/v1.41/containers/{}/archive?path={}", encode(call.container_id()), encode(path));
    match call.service.docker.ask(Ask::new(Method::HEAD, target)).await {
        Ok(answer) if answer.status == 200 => {
            !super::lifecycle::is_directory(call, call.container_id(), path).await
        }
        Ok(_) | Err(_) => false,
    }
}

/// A path has to be given (catalogue: archive-missing-path-param).
pub fn needs_path(call: &mut Call) -> Result<(), Answer> {
    match call.param("path") {
        Some(path) if !path.is_empty() => Ok(()),
        _ => Err(Answer::invalid("\"path\" must be a string")),
    }
}

/// `application/tar` (catalogue: archive-content-type).
pub fn content_type(_: &Call, answer: &mut Answer) {
    if answer.header("content-type") == Some("application/x-tar") {
        answer.set("content-type", "application/tar");
    }
}

/// Name, mode and time of a path, with less in them (catalogue: archive-path-stat-header).
pub fn path_stat(call: &Call, answer: &mut Answer) {
    let Some(stat) = answer.header(STAT).and_then(|stat| STANDARD.decode(stat).ok()) else { return };
    let Ok(stat) = serde_json::from_slice::<Value>(&stat) else { return };
    let mode = stat.get("mode").and_then(Value::as_u64).unwrap_or(0);
    let mode = match (mode & (1 << 31) != 0, mode & (1 << 27) != 0) {
        (true, _) => 1_u64 << 31,
        (false, true) => 1 << 26,
        (false, false) => 0,
    };
    let milliseconds =
        text(&stat, "/mtime").split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned();
    let shown = json!({
        "name": call.param("path").unwrap_or_default().trim_start_matches('/'),
        "size": stat.get("size"),
        "mtime": format!("{milliseconds}.000Z"),
        "linkTarget": stat.get("linkTarget"),
        "mode": mode,
    });
    answer.set(STAT, STANDARD.encode(shown.to_string()));
}

/// A file that is not there, without its name (catalogue: archive-missing-file).
pub fn missing_file(_: &Call, answer: &mut Answer) {
    let text = fault_text(answer);
    let is_missing = text.contains("no such file or directory") || text.contains("Could not find the file");
    if answer.is_error() && answer.status == 404 && is_missing {
        *answer = Answer::coded(404, "FileNotFound", "no such file or directory");
    }
}

/// A broken archive is only logged (catalogue: archive-put-bad-tar-200).
pub fn bad_tar(_: &Call, answer: &mut Answer) {
    let is_tar = fault_text(answer).contains("archive/tar") || fault_text(answer).contains("unexpected EOF");
    if answer.is_error() && is_tar {
        *answer = Answer::empty(200).with("content-type", "text/plain");
    }
}

/// What was unpacked is told with a content type and no length (catalogue: archive-content-type).
pub fn put_content_type(_: &Call, answer: &mut Answer) {
    if answer.status == 200 && matches!(answer.body, Body::Stream(_) | Body::Empty) {
        answer.set("content-type", "text/plain");
    }
}
