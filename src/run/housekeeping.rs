//! Plain requests of who keeps house on an engine: images had and removed, things listed by label and
//! removed by name. Takes the answers of any engine; a typed client would not read all of them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use super::ledger::Thing;
use crate::engine::Endpoint;
use crate::engine::target::{encode, encode_value};
use crate::engine::wire::{Wire, usual_headers};
use crate::exchange::{Answer, Bytes, Sent};

/// An engine as it is kept in order.
#[derive(Debug)]
pub struct House<'a> {
    endpoint: &'a Endpoint,
    wire: Wire,
    limit: Duration,
}

impl<'a> House<'a> {
    /// The house of an engine; one request may take so long, before the timeout factor.
    pub fn of(endpoint: &'a Endpoint, limit: Duration) -> Result<House<'a>, String> {
        let wire = Wire::new(endpoint).map_err(|error| error.to_string())?;
        Ok(House { endpoint, wire, limit: endpoint.stretch(limit) })
    }

    /// Says why the engine does not answer.
    pub async fn answers(&self) -> Result<(), String> {
        match self.send("GET", "/_ping", Vec::new(), Vec::new()).await? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(told(&answer)),
        }
    }

    /// Whether an image is there.
    pub async fn has_image(&self, image: &str) -> Result<bool, String> {
        let answer =
            self.send("GET", &format!("/images/{}/json", encode(image)), Vec::new(), Vec::new()).await;
        match answer.map_err(|error| format!("look for image {image}: {error}"))? {
            answer if answer.status == 200 => Ok(true),
            answer if answer.status == 404 => Ok(false),
            answer => Err(format!("look for image {image}: {}", told(&answer))),
        }
    }

    /// Imports an archive under a name. Each change is a parameter of its own, as the docker CLI sends
    /// them: podman takes lines of one for one change.
    pub async fn import(&self, repo: &str, changes: &[String], archive: Vec<u8>) -> Result<(), String> {
        let mut target = format!("/images/create?fromSrc=-&repo={}&tag=latest", encode_value(repo));
        for change in changes {
            target.push_str(&format!("&changes={}", encode_value(change)));
        }
        let content_type = ("Content-Type".to_owned(), "application/x-tar".to_owned());
        self.create(&target, vec![content_type], archive).await
    }

    /// Pulls an image, with the login to its registry if there is one.
    pub async fn pull(&self, image: &str) -> Result<(), String> {
        let has_tag = image.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        let tag = if has_tag { "" } else { "&tag=latest" };
        let login = self.endpoint.logins.of_image(image).map(|(registry, user, password)| {
            let login = json!({"username": user, "password": password, "serveraddress": registry});
            ("X-Registry-Auth".to_owned(), URL_SAFE.encode(login.to_string()))
        });
        let target = format!("/images/create?fromImage={}{tag}", encode_value(image));
        self.create(&target, login.into_iter().collect(), Vec::new()).await
    }

    /// An image may fail to come long after its answer began: the last word is in the stream.
    async fn create(
        &self,
        target: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<(), String> {
        let answer = self.send("POST", target, headers, body).await?;
        if !(200..300).contains(&answer.status) {
            return Err(told(&answer));
        }
        let messages = serde_json::Deserializer::from_slice(&answer.body.0).into_iter::<Value>();
        let mut errors = messages.map_while(Result::ok).filter_map(|message| {
            message.get("error").or(message.pointer("/errorDetail/message"))?.as_str().map(str::to_owned)
        });
        errors.next().map_or(Ok(()), Err)
    }

    /// All images, those without a name as well.
    pub async fn images(&self) -> Result<Vec<Value>, String> {
        let answer = self.send("GET", "/images/json?all=1", Vec::new(), Vec::new()).await?;
        let rows = serde_json::from_slice(&answer.body.0).ok().filter(|_| answer.status == 200);
        rows.ok_or_else(|| told(&answer))
    }

    /// Everything with a label: its name or id, and the label's value. All is listed: some engines do
    /// not know the filter, and sdc-docker refuses it for volumes.
    pub async fn labelled(&self, kind: Thing, label: &str) -> Result<Vec<(String, String)>, String> {
        let Some((target, list, key)) = whole_list(kind) else { return Ok(Vec::new()) };
        let answer = self.send("GET", target, Vec::new(), Vec::new()).await?;
        let rows = serde_json::from_slice::<Value>(&answer.body.0).ok().filter(|_| answer.status == 200);
        let rows = rows.ok_or_else(|| told(&answer))?;
        let rows = rows.pointer(list).and_then(Value::as_array).into_iter().flatten();
        let own = rows.filter_map(|row| {
            let value = row["Labels"][label].as_str()?;
            Some((row[key].as_str()?.to_owned(), value.to_owned()))
        });
        Ok(own.collect())
    }

    /// Removes one thing; false when it was not there.
    pub async fn remove(&self, kind: Thing, name: &str) -> Result<bool, String> {
        let name = encode(name);
        let (target, there) = match kind {
            Thing::Engine => return Ok(false),
            Thing::Container => {
                (format!("/containers/{name}?force=1&v=1"), format!("/containers/{name}/json"))
            }
            Thing::Image => (format!("/images/{name}"), format!("/images/{name}/json")),
            Thing::Network => (format!("/networks/{name}"), format!("/networks/{name}")),
            Thing::Volume => (format!("/volumes/{name}"), format!("/volumes/{name}")),
        };
        let answer = self.send("DELETE", &target, Vec::new(), Vec::new()).await?;
        match answer.status {
            200..300 => Ok(true),
            404 => Ok(false),
            status if kind == Thing::Image && says_no_name(status, &answer.body.lossy()) => Ok(false),
            // sdc-docker says 500 of a volume that is not there.
            500.. if self.send("GET", &there, Vec::new(), Vec::new()).await?.status == 404 => Ok(false),
            _ => Err(told(&answer)),
        }
    }

    async fn send(
        &self,
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let mut all = usual_headers(&self.endpoint.address);
        all.extend(headers);
        let (method, target) = (method.to_owned(), target.to_owned());
        let sent = Sent { method, target, headers: all, body: Bytes(body) };
        let reply = self.wire.request(&sent, self.limit).await.map_err(|error| error.to_string())?;
        match (reply.answer, reply.failure) {
            (Some(answer), None) => Ok(answer),
            (_, Some(crate::exchange::Failure::Timeout)) => {
                let seconds = self.limit.as_secs();
                Err(format!("no answer within {seconds} s; `timeout-factor` of engines.toml gives it more"))
            }
            (_, failure) => Err(format!("no whole answer ({failure:?})")),
        }
    }
}

/// The list of all things of a kind, where its rows are in the answer, and what names one.
pub(super) fn whole_list(kind: Thing) -> Option<(&'static str, &'static str, &'static str)> {
    match kind {
        Thing::Engine => None,
        Thing::Container => Some(("/containers/json?all=1", "", "Id")),
        Thing::Image => Some(("/images/json?all=1", "", "Id")),
        Thing::Network => Some(("/networks", "", "Id")),
        Thing::Volume => Some(("/volumes", "/Volumes", "Name")),
    }
}

/// Whether stock Docker says that no image can have such a name, so that none has it.
pub(super) fn says_no_name(status: u16, message: &str) -> bool {
    status == 400 && message.contains("invalid reference format")
}

/// A refusal, for people: with the message of Docker's JSON, or the text as it is.
fn told(answer: &Answer) -> String {
    let body: Option<Value> = serde_json::from_slice(&answer.body.0).ok();
    let message = body.and_then(|body| body["message"].as_str().map(str::to_owned));
    let message = message.unwrap_or_else(|| answer.body.lossy().trim().chars().take(300).collect());
    format!("{} {message}", answer.status)
}
