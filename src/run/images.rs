//! Images for a run: made from recipes, or the engine's own. What was made goes after the run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptions, CreateImageOptionsBuilder, RemoveImageOptions};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::ledger::{Entry, Ledger, Left, Thing};
use super::recipe::Recipe;
use crate::engine::client::{client, is_not_there};
use crate::engine::target::encode_value;
use crate::engine::wire::{Wire, usual_headers};
use crate::engine::{Endpoint, PREFIX};
use crate::exchange::{Bytes, Sent};

/// How long an import or a pull may take, before the timeout factor.
const LIMIT: Duration = Duration::from_secs(120);
/// What is used where no static busybox is at hand.
const STAND_IN: &str = "busybox:latest";

/// The images of a run on one engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The engine's names, by capability; they belong into [`Endpoint::images`].
    pub images: BTreeMap<String, String>,
    /// The capabilities that cannot be had, with the reason.
    pub missing: BTreeMap<String, String>,
    /// Those that were made for this run.
    pub made: Vec<String>,
}

/// Sees to it that the engine has these images: those that it is configured with, else made from
/// `<fixtures>/images/`.
pub async fn prepare_images(
    endpoint: &Endpoint,
    names: &[String],
    fixtures: &Path,
    ledger: &Ledger,
) -> Prepared {
    let mut prepared = Prepared::default();
    let docker = match client(&endpoint.address, endpoint.stretch(LIMIT)) {
        Ok(docker) => docker,
        Err(error) => {
            let reason = format!("no connection to {}: {error}", endpoint.address);
            prepared.missing = names.iter().map(|name| (name.clone(), reason.clone())).collect();
            return prepared;
        }
    };
    for name in names {
        let had = match endpoint.images.get(name) {
            Some(own) => present(&docker, endpoint, own, ledger).await.map(|new| (own.clone(), new)),
            None => make(&docker, endpoint, name, fixtures, ledger).await,
        };
        match had {
            Ok((image, is_new)) => {
                prepared.made.extend(is_new.then(|| image.clone()));
                prepared.images.insert(name.clone(), image);
            }
            Err(reason) => {
                prepared.missing.insert(name.clone(), reason);
            }
        }
    }
    prepared
}

/// Removes the images that were made for the run; what stays is told to the ledger.
pub async fn remove_images(endpoint: &Endpoint, prepared: &Prepared, ledger: &Ledger) {
    let docker = client(&endpoint.address, endpoint.stretch(LIMIT));
    for image in &prepared.made {
        let removed = match &docker {
            Ok(docker) => remove_image(docker, image).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = removed {
            let (name, engine) = (image.clone(), endpoint.address.to_string());
            let entry = Entry { kind: Thing::Image, name, tag: String::new(), engine };
            ledger.leave(Left { entry, reason });
        }
    }
}

/// Removes an image by name or id; one that is not there is as good as removed.
pub(super) async fn remove_image(docker: &Docker, image: &str) -> Result<(), String> {
    match docker.remove_image(image, None::<RemoveImageOptions>, None).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_there(&error) || is_no_name(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_no_name(error: &bollard::errors::Error) -> bool {
    matches!(error, bollard::errors::Error::DockerResponseServerError { status_code, message }
        if says_no_name(*status_code, message))
}

/// Whether stock Docker says that no image can have such a name, so that none has it.
pub(super) fn says_no_name(status: u16, message: &str) -> bool {
    status == 400 && message.contains("invalid reference format")
}

/// Makes an image from its recipe. The flag says whether it is new.
async fn make(
    docker: &Docker,
    endpoint: &Endpoint,
    name: &str,
    fixtures: &Path,
    ledger: &Ledger,
) -> Result<(String, bool), String> {
    let recipe = Recipe::load(fixtures, name).map_err(|error| error.to_string())?;
    let repo = match recipe.repo.as_deref() {
        Some("uuid") => uuid_of(ledger.run_id()),
        Some(repo) => repo.to_owned(),
        None if endpoint.prefix == PREFIX => format!("divergence-{}-{name}", ledger.run_id()),
        None => format!("{}{}-{name}", endpoint.prefix, ledger.run_id()),
    };
    let image = format!("{repo}:latest");
    if has(docker, &image).await? {
        return Ok((image, false));
    }
    let binary = match recipe.find_binary() {
        Ok(binary) => binary,
        // Without a configuration of its own any busybox will do.
        Err(reason) if name == recipe.binary => {
            let stand_in = present(docker, endpoint, STAND_IN, ledger).await;
            return stand_in
                .map(|new| (STAND_IN.to_owned(), new))
                .map_err(|other| format!("{reason}; {other}"));
        }
        Err(reason) => return Err(reason),
    };
    let archive = recipe.archive(&binary).map_err(|error| format!("pack image {name}: {error}"))?;
    note(ledger, endpoint, &image)?;
    let imported = import(endpoint, &repo, &recipe.changes, archive).await;
    imported.map_err(|error| format!("the engine cannot import an image: {error}"))?;
    match has(docker, &image).await? {
        true => Ok((image, true)),
        false => Err("the engine took an image to import, and has none".to_owned()),
    }
}

/// Makes an image of an archive. Each change is a parameter of its own, as the docker CLI sends them:
/// bollard joins them by newlines, which podman takes for one change.
async fn import(endpoint: &Endpoint, repo: &str, changes: &[String], archive: Vec<u8>) -> Result<(), String> {
    let wire = Wire::new(endpoint).map_err(|error| error.to_string())?;
    let changes: String = changes.iter().map(|change| format!("&changes={}", encode_value(change))).collect();
    let mut headers = usual_headers(&endpoint.address);
    headers.push(("Content-Type".to_owned(), "application/x-tar".to_owned()));
    let sent = Sent {
        method: "POST".to_owned(),
        target: format!("/images/create?fromSrc=-&repo={}&tag=latest{changes}", encode_value(repo)),
        headers,
        body: Bytes(archive),
    };
    let reply = wire.request(&sent, endpoint.stretch(LIMIT)).await.map_err(|error| error.to_string())?;
    match (reply.answer, reply.failure) {
        (Some(answer), None) if answer.status == 200 => {
            let said = answer.body.lossy();
            // What goes wrong after the status is said in the stream.
            said.lines()
                .find(|line| line.contains("\"errorDetail\""))
                .map_or(Ok(()), |line| Err(line.to_owned()))
        }
        (Some(answer), None) => Err(format!("{} {}", answer.status, answer.body.lossy().trim())),
        (_, failure) => Err(format!("it does not answer: {failure:?}")),
    }
}

/// A UUID of the run's own, for an image that is called by one.
fn uuid_of(run: &str) -> String {
    let digest = Sha256::digest(run.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// The tag stays empty: an image is told by its name alone, and its containers inherit labels.
fn note(ledger: &Ledger, endpoint: &Endpoint, image: &str) -> Result<(), String> {
    let noted = ledger.note(Thing::Image, image, "", &endpoint.address);
    noted.map_err(|error| format!("write the ledger: {error}"))
}

/// Sees to it that an image is there, from a registry if need be. The flag says whether it is new.
async fn present(docker: &Docker, endpoint: &Endpoint, image: &str, ledger: &Ledger) -> Result<bool, String> {
    if has(docker, image).await? {
        return Ok(false);
    }
    note(ledger, endpoint, image)?;
    let colon = image.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    let options = CreateImageOptionsBuilder::default().from_image(image);
    let options = if colon { options } else { options.tag("latest") };
    let pulled = pull(docker, endpoint, options.build()).await;
    pulled.map_err(|error| format!("{image} is not there and cannot be pulled: {error}"))?;
    match has(docker, image).await? {
        true => Ok(true),
        false => Err(format!("the engine took {image} to pull, and has none")),
    }
}

/// Pulls to the end. The client's own limit is for the head of the answer alone.
async fn pull(docker: &Docker, endpoint: &Endpoint, options: CreateImageOptions) -> Result<(), String> {
    let whole = docker.create_image(Some(options), None, None).try_for_each(|_| async { Ok(()) });
    let limit = endpoint.stretch(LIMIT);
    match tokio::time::timeout(limit, whole).await {
        Ok(created) => created.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "it took longer than {} s; `timeout-factor` of engines.toml gives it more",
            limit.as_secs()
        )),
    }
}

async fn has(docker: &Docker, image: &str) -> Result<bool, String> {
    match docker.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(error) if is_not_there(&error) => Ok(false),
        // Some engines answer what the client cannot read: then it is there.
        Err(bollard::errors::Error::JsonDataError { .. }) => Ok(true),
        Err(error) => Err(format!("look for image {image}: {error}")),
    }
}
