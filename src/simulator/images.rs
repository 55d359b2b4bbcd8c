//! Images: pulled, pushed, tagged, committed, searched for
//! (sdc-docker `lib/endpoints/images.js`, `lib/endpoints/commit.js`).

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::build::is_fine_for_docker;
use super::call::Call;
use super::create::fault_text;
use super::names;
use super::route::Route;

/// Pulls, pushes and tags.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::ImageCreate => pull(call).await,
        Route::ImagePush => push(call).await,
        _ => tag(call).await,
    }
}

/// `docker import` (catalogue: import-not-implemented).
pub fn no_import(call: &mut Call) -> Result<(), Answer> {
    match call.param("fromSrc") {
        Some(_) => Err(Answer::not_implemented("image create")),
        None => Ok(()),
    }
}

/// A pull names an image (catalogue: pull-invalid-name-500).
pub fn pull_name(call: &mut Call) -> Result<(), Answer> {
    match call.param("fromImage").map(names::parse) {
        None if call.param("fromSrc").is_some() => Ok(()),
        None => Err(Answer::error(500, "TypeError: Cannot read property 'lastIndexOf' of undefined")),
        Some(Err(why)) => Err(Answer::error(500, format!("Error: {why}"))),
        Some(Ok(_)) => Ok(()),
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

async fn pull(call: &mut Call) -> Answer {
    // An import, a bad name and all tags come this far only where the behaviour that refuses them is
    // switched off, and then Docker's own answer is what shows.
    let named = call.param("fromImage").map(names::parse);
    if !matches!(named, Some(Ok(_))) || pull_all(call).is_err() {
        return call.forward_stream().await;
    }
    if call.on("pull-errors-in-200-stream") || call.on("pull-stream-format") {
        let name = match (call.param("fromImage").unwrap_or_default(), call.param("tag")) {
            (image, Some(tag)) if tag.starts_with("sha256:") => format!("{image}@{tag}"),
            (image, Some(tag)) if !tag.is_empty() => format!("{image}:{tag}"),
            (image, _) => image.to_owned(),
        };
        let answer = call.forward().await;
        if answer.is_error() {
            let why = fault_text(&answer).to_owned();
            return match call.on("pull-errors-in-200-stream") {
                true => streamed(pull_failure(call, &name, &why).to_string()),
                false => answer,
            };
        }
        let told = pulled(call, &name, &body_of(answer));
        return streamed(told);
    }
    call.forward_stream().await
}

/// The last message of a pull that failed (`errorAndEnd`, sdc-docker `lib/backends/sdc/images.js:2505-2662`).
pub fn pull_failure(call: &Call, name: &str, why: &str) -> Value {
    let parsed = names::parse(name).unwrap_or_default();
    let text = if why.contains("not found") || why.contains("manifest unknown") || why.contains("invalid tag")
    {
        format!("Error: image {} not found", parsed.whole())
    } else if is_unauthorized(why) {
        "unauthorized: authentication required".to_owned()
    } else {
        format!("Error pulling image: (RemoteSourceError) {} host not found", parsed.index)
    };
    let text = format!("{text} ({})", call.request_id);
    json!({ "error": text, "errorDetail": { "message": text } })
}

/// Whether a registry wants other credentials, in the words of Docker (`translateV2AuthError`, moby
/// `distribution/errors.go`) and of a registry.
fn is_unauthorized(why: &str) -> bool {
    const WORDS: [&str; 5] = [
        "unauthorized:",
        "authentication required",
        "no basic auth credentials",
        "access to the resource is denied",
        "access denied for",
    ];
    WORDS.iter().any(|words| why.contains(words))
}

/// What a pull tells: the first message holds the request id, and nothing separates them
/// (catalogue: pull-stream-format; the form is that of the recordings).
fn pulled(call: &Call, name: &str, beneath: &[u8]) -> String {
    let messages = serde_json::Deserializer::from_slice(beneath).into_iter::<Value>();
    let messages: Vec<Value> = messages.map_while(Result::ok).collect();
    if !call.on("pull-stream-format") {
        return messages.iter().map(|message| format!("{message}\r\n")).collect();
    }
    let name = names::parse(name).unwrap_or_default();
    let retold = messages.into_iter().map(|message| match message.get("status").and_then(Value::as_str) {
        Some(text) if text.starts_with("Pulling from") => {
            let text = format!("{}: Pulling from {} (req {})", name.tag, name.local, call.request_id);
            json!({ "status": text }).to_string()
        }
        _ => message.to_string(),
    });
    retold.collect()
}

async fn push(call: &mut Call) -> Answer {
    if call.on("push-unknown-404") {
        let name = call.name().to_owned();
        let tag = call.param("tag").filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}"));
        let known = match tag {
            Some(tag) => call.service.docker.image(&format!("{name}{tag}")).await.is_ok(),
            None => any_tag(call, &name).await,
        };
        if !known {
            let message = format!("An image does not exist locally with the tag: {name}");
            return Answer::coded(404, "ResourceNotFound", message);
        }
    }
    if !call.on("push-error-shape") && !call.on("push-stream-format") {
        return call.forward_stream().await;
    }
    // Docker insists on credentials, be they empty.
    call.headers.entry("x-registry-auth").or_insert(HeaderValue::from_static("e30="));
    let answer = call.forward().await;
    if answer.is_error() {
        return answer;
    }
    let beneath = body_of(answer);
    let messages = serde_json::Deserializer::from_slice(&beneath).into_iter::<Value>();
    let told = messages.map_while(Result::ok).map(|message| pushed(call, message)).collect::<String>();
    streamed(told)
}

/// Whether an image has this name with any tag: a push without one means all of them.
async fn any_tag(call: &Call, name: &str) -> bool {
    let filters = super::route::encode(&json!({ "reference": [name] }).to_string());
    let ask = super::docker::Ask::new(hyper::Method::GET, format!("/v1.41/images/json?filters={filters}"));
    let images = call.service.docker.json(ask).await;
    images.is_ok_and(|images| images.as_array().is_some_and(|images| !images.is_empty()))
}

/// A message of a push (sdc-docker `lib/endpoints/images.js:178`, `lib/backends/sdc/images.js:2780-2814`).
fn pushed(call: &Call, message: Value) -> String {
    let first =
        message.get("status").and_then(Value::as_str).is_some_and(|text| text.starts_with("The push refers"));
    let why = message.pointer("/errorDetail/message").and_then(Value::as_str);
    match (first, why) {
        (true, _) if call.on("push-stream-format") => {
            let name = names::parse(call.name()).unwrap_or_default().canonical;
            let text = format!("The push refers to a repository [{name}]");
            format!("{}\r\n", json!({ "status": text }))
        }
        // Without a name or a tag there is no push (see `push-unknown-404`).
        (_, Some(why)) if call.on("push-error-shape") && !why.contains("does not exist") => {
            let why = if is_unauthorized(why) { "Unauthorized: authentication required" } else { why };
            json!({ "errorDetail": { "message": format!("Error: {why} ({})", call.request_id) } }).to_string()
        }
        _ => format!("{message}\r\n"),
    }
}

fn body_of(mut answer: Answer) -> Bytes {
    match std::mem::replace(&mut answer.body, Body::Empty) {
        Body::Raw(bytes) => bytes,
        Body::Json(value) => Bytes::from(value.to_string()),
        _ => Bytes::new(),
    }
}

fn streamed(text: String) -> Answer {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    Answer::new(200, Body::Stream(body)).with("Content-Type", "application/json")
}

/// A bad name of a repository (catalogue: tag-invalid-500).
pub fn bad_tag(call: &mut Call) -> Result<(), Answer> {
    match names::parse(&asked_name(call)) {
        Ok(_) => Ok(()),
        Err(why) => Err(Answer::error(500, why)),
    }
}

/// The name of a request in `repo` and `tag`, as sdc-docker puts it together.
fn asked_name(call: &Call) -> String {
    let repo = call.param("repo").unwrap_or_default();
    match call.param("tag").filter(|tag| !tag.is_empty()) {
        Some(tag) => format!("{repo}:{tag}"),
        None => repo.to_owned(),
    }
}

/// Names that Docker refuses are kept here, where sdc-docker takes them.
async fn tag(call: &mut Call) -> Answer {
    // What is no name here either is Docker's to refuse.
    let Ok(name) = names::parse(&asked_name(call)).map(|name| name.whole()) else {
        return call.forward().await;
    };
    let is_fine = is_fine_for_docker(&name) && !name.contains('@');
    if !call.on("tag-names-unchecked") || is_fine {
        return call.forward().await;
    }
    match call.service.docker.image(call.name()).await {
        Ok(image) => {
            let id = super::json::text(&image, "/Id").trim_start_matches("sha256:").to_owned();
            call.service.state.change(|memory| memory.odd_tags.insert(name, id));
            Answer::empty(201)
        }
        Err(_) => call.forward().await,
    }
}

/// A missing image is told by the name that was asked for
/// (`ResourceNotFoundError`, sdc-docker `lib/endpoints/images.js:384`, `lib/backends/sdc/images.js:2406`).
pub fn no_such_image(call: &Call, answer: &mut Answer) {
    // Names that Docker does not take at all are names here, and an empty one is to Docker another path.
    let is_no_name = fault_text(answer).contains("invalid reference format") || answer.status == 301;
    if (answer.status == 404 && answer.is_error()) || is_no_name {
        *answer = Answer::coded(404, "ResourceNotFound", format!("No such image: {}", call.name()));
    }
}

/// A name that cannot be one is no image but a mistake (`imgFromName`, sdc-docker `lib/backends/sdc/images.js:866`).
pub fn bad_name(call: &mut Call) -> Result<(), Answer> {
    names::parse(call.name()).map(|_| ()).map_err(|why| Answer::error(500, why))
}

/// A term to search for is a name (catalogue: search-parameters).
pub fn search_term(call: &mut Call) -> Result<(), Answer> {
    call.query.retain(|(key, _)| key == "term");
    let term = call.param("term").unwrap_or_default();
    names::parse_repo(term).map(|_| ()).map_err(Answer::invalid)
}

/// A commit without a container ends the process (catalogue: uncaught-exception-drops-connection).
pub fn commit_needs_container(call: &mut Call) -> Result<(), Answer> {
    match call.param("container") {
        Some(_) => Ok(()),
        None => Err(Answer::new(0, Body::Drop)),
    }
}

/// Nothing is paused, whatever is asked (catalogue: commit-pause-default-false; sdc-docker
/// `lib/endpoints/commit.js:45`).
pub fn commit_no_pause(call: &mut Call) -> Result<(), Answer> {
    call.set_param("pause", "0");
    Ok(())
}

/// The body of a commit is never read (catalogue: commit-body-ignored).
pub fn commit_body(call: &mut Call) -> Result<(), Answer> {
    call.json = None;
    call.body = Bytes::new();
    call.headers.remove("content-type");
    Ok(())
}

/// What a commit refuses is a 500 (`commitImage`, sdc-docker `lib/backends/sdc/build.js:846-1010`;
/// sdc-docker-build `lib/build.js:320`).
pub fn commit_name(call: &mut Call) -> Result<(), Answer> {
    if let Err(why) = names::parse(&asked_name(call)) {
        return Err(Answer::error(500, why));
    }
    const REFUSED: [&str; 6] = ["ADD", "ARG", "COPY", "FROM", "MAINTAINER", "RUN"];
    let changes = call.query.iter().filter(|(key, _)| key == "changes");
    let names = changes.map(|(_, change)| change.split_whitespace().next().unwrap_or("").to_uppercase());
    match names.into_iter().find(|name| REFUSED.contains(&name.as_str())) {
        Some(name) => Err(Answer::error(500, format!("{name} is not a valid change command"))),
        None => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_auth_in_it_is_no_refusal() {
        assert!(is_unauthorized("unauthorized: authentication required"));
        assert!(is_unauthorized("denied: requested access to the resource is denied"));
        assert!(!is_unauthorized("Get \"http://auth.example.com/v2/\": dial tcp: no such host"));
    }
}
