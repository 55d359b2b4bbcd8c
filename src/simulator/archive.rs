//! Copying in and out of containers (sdc-docker `lib/endpoints/containers.js:683-961`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::create::fault_text;
use super::docker::Ask;
use super::json::{put, text};
use super::route::{Route, encode};

const STAT: &str = "x-docker-container-path-stat";

/// Tickets for copies: one container is copied from and to by one call at a time.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    async fn wait(&self, container: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(turns.entry(container.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

/// Passes archives on as they come; the older copy is an archive too.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    // A ticket of the list of the machine's jobs (catalogue: archive-serialised).
    let turn = match call.service.slow("archive-serialised") {
        true => Some(call.service.copies.wait(call.container_id()).await),
        false => None,
    };
    call.service.pause("archive-serialised", "archive").await;
    let answer = copied(call, route).await;
    drop(turn);
    answer
}

async fn copied(call: &mut Call, route: Route) -> Answer {
    if route == Route::ArchivePut && call.on("archive-put-to-file") && is_file(call).await {
        return not_a_directory();
    }
    if route == Route::ArchiveHead || route == Route::ArchiveGet {
        return look(call, route).await;
    }
    if route != Route::Copy || !call.on("copy-endpoint-still-there") {
        return call.forward_stream().await;
    }
    let resource = call.json.as_ref().map(|body| text(body, "/Resource").to_owned()).unwrap_or_default();
    let target = archive_of(call, &resource);
    match call.service.docker.stream(Ask::new(Method::GET, target)).await {
        Ok(mut answer) if !answer.is_error() => {
            answer.without(STAT);
            answer
        }
        Ok(_) => Answer::error(500, "file not found"),
        Err(error) => super::call::unreachable(error),
    }
}

/// The archive of a path, or what it is.
async fn look(call: &mut Call, route: Route) -> Answer {
    let path = call.param("path").unwrap_or_default().to_owned();
    let is_root = path.is_empty() && call.on("archive-missing-path-param");
    if is_root {
        call.set_param("path", "/");
    }
    let mut answer = call.forward_stream().await;
    if is_root && let Some(mut stat) = stat_of(&answer) {
        // Nothing is called so: the header is that of the root, and the archive is empty.
        put(&mut stat, "", "name", json!(""));
        answer.set(STAT, STANDARD.encode(stat.to_string()));
        if route == Route::ArchiveGet {
            let nothing = Full::new(Bytes::from_static(&[0; 10240]));
            answer.body = Body::Stream(nothing.map_err(|never| match never {}).boxed_unsync());
        }
    }
    if route == Route::ArchiveHead && answer.is_error() {
        // The answer to a HEAD has no text.
        let target = archive_of(call, &path);
        if let Ok(told) = call.service.docker.stream(Ask::new(Method::GET, target)).await {
            answer = told;
        }
    }
    if fault_text(&answer).contains("not a directory") && call.on("archive-put-to-file") {
        return not_a_directory();
    }
    if call.on("archive-follow-link")
        && let Some(mut stat) = stat_of(&answer)
        && !text(&stat, "/linkTarget").is_empty()
        && let Some(link) = raw_link(call, &path).await
    {
        put(&mut stat, "", "linkTarget", json!(link));
        answer.set(STAT, STANDARD.encode(stat.to_string()));
    }
    call.set_param("path", &path);
    answer
}

fn archive_of(call: &Call, path: &str) -> String {
    format!("/v1.41/containers/{}/archive?path={}", encode(call.container_id()), encode(path))
}

fn stat_of(answer: &Answer) -> Option<Value> {
    let stat = STANDARD.decode(answer.header(STAT)?).ok()?;
    serde_json::from_slice(&stat).ok()
}

/// What a symbolic link holds: stock Docker resolves it in the header, and not in the archive.
async fn raw_link(call: &Call, path: &str) -> Option<String> {
    let answer = call.service.docker.ask(Ask::new(Method::GET, archive_of(call, path))).await.ok()?;
    let Body::Raw(bytes) = answer.body else { return None };
    let mut archive = tar::Archive::new(&bytes[..]);
    let entry = archive.entries().ok()?.next()?.ok()?;
    entry.link_name().ok()?.map(|link| link.to_string_lossy().into_owned())
}

/// The class is that of another error: its attributes were overwritten (sdc-docker
/// `lib/errors.js:576-579`).
fn not_a_directory() -> Answer {
    Answer::coded(409, "VolumeSizeNotAvailable", "path was not to a directory")
}

async fn is_file(call: &Call) -> bool {
    let path = call.param("path").unwrap_or_default();
    match call.service.docker.ask(Ask::new(Method::HEAD, archive_of(call, path))).await {
        Ok(answer) if answer.status == 200 => {
            !super::lifecycle::is_directory(call, call.container_id(), path).await
        }
        Ok(_) | Err(_) => false,
    }
}

/// A path has to be given; an empty one is the root (catalogue: archive-missing-path-param).
pub fn needs_path(call: &mut Call) -> Result<(), Answer> {
    match (call.param("path"), call.route) {
        (None, _) => Err(Answer::invalid("\"path\" must be a string")),
        (Some(""), Some(Route::ArchivePut)) => {
            call.set_param("path", "/");
            Ok(())
        }
        (Some(_), _) => Ok(()),
    }
}

/// The platform that can copy out of a zone that does not run (cn-agent `lib/docker-stdio.js:52`).
const SAFE_PLATFORM: &str = "20160922T144810Z";

/// An older platform copies only while the zone runs (catalogue: archive-stopped-container).
pub fn needs_running(call: &mut Call) -> Result<(), Answer> {
    let is_old = call.service.world.platform.as_str() < SAFE_PLATFORM;
    match is_old && !super::json::flag(&call.container, "/State/Running") {
        true => {
            let text = "This container must be running in order to use `docker cp`";
            Err(Answer::coded(409, "NotSupported", text))
        }
        false => Ok(()),
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
    let Some(stat) = stat_of(answer) else { return };
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

/// Whether a directory may be replaced, and what is read-only, is not asked first; the program that
/// unpacks fails or not, and only its log says so (catalogue: archive-no-overwrite,
/// archive-put-read-only-rules).
pub fn never_refused(call: &Call, answer: &mut Answer) {
    let text = fault_text(answer);
    let is_refused = |id: &str, words: &str| call.on(id) && text.contains(words);
    let is_kept = is_refused("archive-no-overwrite", "cannot overwrite directory");
    if answer.is_error() && (is_kept || is_refused("archive-put-read-only-rules", "marked read-only")) {
        *answer = Answer::empty(200).with("content-type", "text/plain");
    }
}

/// What was unpacked is told with a content type and no length (catalogue: archive-content-type).
pub fn put_content_type(_: &Call, answer: &mut Answer) {
    if answer.status == 200 && matches!(answer.body, Body::Stream(_) | Body::Empty) {
        answer.set("content-type", "text/plain");
    }
}
