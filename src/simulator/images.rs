//! Images: pulled, built, pushed, tagged, committed.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::create::fault_text;
use super::json::put;
use super::route::Route;

/// Passes the streams of pull, build and push on.
pub async fn stream(call: &mut Call, route: Route) -> Answer {
    if route == Route::ImagePush && call.on("push-unknown-404") {
        let name = call.name().to_owned();
        let tag = call.param("tag").filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}"));
        let known = call.service.docker.image(&format!("{name}{}", tag.unwrap_or_default())).await;
        if known.is_err() {
            let message = format!("An image does not exist locally with the tag: {name}");
            return Answer::coded(404, "ResourceNotFound", message);
        }
    }
    call.forward_stream().await
}

/// `docker import` (catalogue: import-not-implemented).
pub fn no_import(call: &mut Call) -> Result<(), Answer> {
    match call.param("fromSrc") {
        Some(_) => Err(Answer::not_implemented("image create")),
        None => Ok(()),
    }
}

/// A pull names a tag or a digest (catalogue: pull-all-tags-400).
pub fn pull_all(call: &mut Call) -> Result<(), Answer> {
    let Some(image) = call.param("fromImage") else { return Ok(()) };
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.contains([':', '@']) || call.param("tag").is_some_and(|tag| !tag.is_empty()) {
        true => Ok(()),
        false => Err(Answer::not_implemented("docker pull -a")),
    }
}

/// A bad name of a tag (catalogue: tag-invalid-500).
pub fn bad_tag(call: &mut Call) -> Result<(), Answer> {
    let repo = call.param("repo").unwrap_or_default();
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_/.-:".contains(c);
    match repo.chars().all(is_fine) {
        true => Ok(()),
        false => Err(Answer::error(
            500,
            format!("invalid repository name, may only contain [a-z0-9_/.-] characters: {repo}"),
        )),
    }
}

/// The answer of a commit has no content type (catalogue: commit-response).
pub fn commit_response(_: &Call, answer: &mut Answer) {
    if answer.status == 201
        && let Some(value) = answer.value()
    {
        let bytes = Bytes::from(format!("{value}\n"));
        answer.without("content-type");
        answer.body = Body::Stream(Full::new(bytes).map_err(|never| match never {}).boxed_unsync());
    }
}

/// An image in use is a 500 (catalogue: rmi-conflict-500).
pub fn conflict(_: &Call, answer: &mut Answer) {
    if answer.status == 409 {
        *answer = Answer::conflict(fault_text(answer).to_owned());
    }
}

/// How an image shows itself (catalogue: image-inspect-fields).
pub fn inspect_fields(_: &Call, image: &mut Value) {
    put(image, "", "Os", json!("Linux"));
    put(image, "", "GraphDriver", json!({"Data": null, "Name": "sdc-docker"}));
    put(image, "", "Container", json!(""));
}
