//! Removing what a case made, through plain requests, on any engine. Never touches anything else.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::housekeeping::{says_no_name, whole_list};
use super::ledger::{Entry, Left, Thing};
use super::made::Made;
use super::own_images::own_images;
use super::perform::{answered_json, ask};
use crate::engine::address::Address;
use crate::engine::target::encode;
use crate::engine::wire::{Wire, usual_headers};
use crate::exchange::{Bytes, Exchange, Sent};
use crate::version::Version;

/// How often a removal that is refused is tried again, and after which pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The way to an engine for those who tidy up.
#[derive(Clone, Debug)]
pub struct Broom<'a> {
    /// The engine.
    pub wire: &'a Wire,
    /// Where what it makes really lies, for the ledger.
    pub home: &'a Address,
    /// A version that it serves.
    pub api: &'a Version,
    /// The label value of what may be removed.
    pub tag: &'a str,
    /// The deadline of one request.
    pub limit: Duration,
}

impl Broom<'_> {
    /// Removes what the case made; returns what is still there, with the reason.
    pub async fn clean(&self, made: &Made) -> Vec<Left> {
        let mut left = Vec::new();
        // Containers hold images, networks and volumes.
        for kind in [Thing::Container, Thing::Image, Thing::Network, Thing::Volume] {
            let known = made.things.iter().filter(|(thing, _)| *thing == kind).map(|(_, name)| name.clone());
            let mut names: Vec<String> = known.collect();
            if made.unanswered.contains(&kind) {
                match self.labelled(kind).await {
                    Ok(more) if more.is_empty() && self.wire.is_slow() => {
                        let reason = "a request to make it was not answered in time; it may still come to be";
                        left.push(self.left(kind, "", reason.to_owned()));
                    }
                    Ok(more) => names.extend(more),
                    Err(reason) => left.push(self.left(kind, "", reason)),
                }
            }
            let mut seen = BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            if matches!(kind, Thing::Image | Thing::Container) {
                // Children before their parents, and users of volumes before their owners.
                names.reverse();
            }
            if kind == Thing::Image && made.images_before.is_some() {
                match self.own_images(&names).await {
                    Ok(ordered) => {
                        names.retain(|name| !ordered.contains(name));
                        names.splice(0..0, ordered);
                    }
                    Err(reason) => left.push(self.left(kind, "", reason)),
                }
            }
            for name in names {
                if let Err(reason) = self.remove(kind, &name).await {
                    left.push(self.left(kind, &name, reason));
                }
            }
        }
        left
    }

    fn left(&self, kind: Thing, name: &str, reason: String) -> Left {
        let engine = self.home.place();
        Left { entry: Entry { kind, name: name.to_owned(), tag: self.tag.to_owned(), engine }, reason }
    }

    async fn remove(&self, kind: Thing, name: &str) -> Result<(), String> {
        let target = match kind {
            // No case starts one.
            Thing::Engine => return Ok(()),
            Thing::Container => format!("/containers/{name}?force=1&v=1"),
            // sdc-docker gives images names that stock Docker would refuse (tag-names-unchecked).
            Thing::Image => format!("/images/{}", encode(name)),
            Thing::Network => format!("/networks/{name}"),
            Thing::Volume => format!("/volumes/{name}"),
        };
        let mut reason = String::new();
        for attempt in 0..TRIES {
            let exchange = self.send("DELETE", &target).await?;
            let answer = exchange.answer.as_ref();
            match answer.map(|answer| answer.status) {
                Some(200..300 | 404) => return Ok(()),
                Some(status)
                    if kind == Thing::Image
                        && answer.is_some_and(|answer| says_no_name(status, &answer.body.lossy())) =>
                {
                    return Ok(());
                }
                // An id that others gave a name to in the meantime is no longer the case's.
                Some(409) if kind == Thing::Image && !name.starts_with(self.tag) => return Ok(()),
                _ => reason = describe(&exchange),
            }
            // sdc-docker says 500 of a volume that is not there.
            let is_500 = exchange.answer.as_ref().is_some_and(|answer| answer.status >= 500);
            if is_500 && self.is_gone(kind, name).await? {
                return Ok(());
            }
            if exchange.failure.is_some() {
                break;
            }
            if attempt == 0 && kind == Thing::Container {
                // Old engines do not remove a paused container.
                self.send("POST", &format!("/containers/{name}/unpause")).await?;
            }
            sleep(PAUSE).await;
        }
        Err(reason)
    }

    async fn is_gone(&self, kind: Thing, name: &str) -> Result<bool, String> {
        let target = match kind {
            Thing::Engine => return Ok(true),
            Thing::Container => format!("/containers/{name}/json"),
            Thing::Image => format!("/images/{name}/json"),
            Thing::Network => format!("/networks/{name}"),
            Thing::Volume => format!("/volumes/{name}"),
        };
        let exchange = self.send("GET", &target).await?;
        Ok(exchange.answer.is_some_and(|answer| answer.status == 404))
    }

    /// The names or ids of everything that carries the case's label.
    async fn labelled(&self, kind: Thing) -> Result<Vec<String>, String> {
        let label = self.wire.label();
        let Some((target, list, key)) = whole_list(kind) else { return Ok(Vec::new()) };
        let exchange = self.send("GET", target).await?;
        let Some(answer) = answered_json(&exchange) else { return Err(describe(&exchange)) };
        let rows = answer.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let own = rows.iter().filter(|row| row["Labels"][label] == self.tag);
        Ok(own.filter_map(|row| row[key].as_str().map(str::to_owned)).collect())
    }

    /// The case's own images, by what its answers told, by name and by label.
    async fn own_images(&self, known: &[String]) -> Result<Vec<String>, String> {
        let exchange = self.send("GET", "/images/json?all=1").await?;
        let Some(answer) = answered_json(&exchange) else { return Err(describe(&exchange)) };
        let rows = answer.as_array().map_or(&[][..], Vec::as_slice);
        let (tags, known) = (BTreeSet::from([self.tag]), known.iter().cloned().collect());
        Ok(own_images(rows, self.wire.label(), &tags, &known, &BTreeSet::new()))
    }

    /// The ids of all images.
    pub async fn images(&self) -> Option<BTreeSet<String>> {
        let exchange = self.send("GET", "/images/json?all=1").await.ok()?;
        let ids = answered_json(&exchange)?;
        ids.as_array()?.iter().map(|image| image["Id"].as_str().map(str::to_owned)).collect()
    }

    async fn send(&self, method: &str, target: &str) -> Result<Exchange, String> {
        let headers = usual_headers(self.wire.address());
        let target = format!("/v{}{target}", self.api);
        let sent = Sent { method: method.to_owned(), target, headers, body: Bytes::default() };
        ask(self.wire, sent, self.limit, "").await.map_err(|error| error.to_string())
    }
}

fn describe(exchange: &Exchange) -> String {
    match (&exchange.answer, exchange.failure) {
        (_, Some(failure)) => {
            format!("{} {} failed: {failure:?}", exchange.sent.method, exchange.sent.target)
        }
        (Some(answer), None) => format!("{} {}", answer.status, answer.body.lossy().trim()),
        (None, None) => "no answer".to_owned(),
    }
}
