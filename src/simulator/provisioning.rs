//! Containers whose create is not answered yet: they are listed, and cannot be removed (sdc-docker
//! `lib/backends/sdc/utils.js:24-38`, `:238-240`, `lib/endpoints/containers.js:1168`). There are such
//! only while creates take the times of a data center.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::Answer;
use super::call::Call;
use super::checks;

/// A zone that is being made.
#[derive(Debug)]
pub struct Zone {
    labels: Value,
    digits: String,
    created: i64,
    since: Instant,
}

/// The zones that are being made, by name, for as long as their create holds them.
#[derive(Debug, Default)]
pub struct Zones(Mutex<BTreeMap<String, Weak<Zone>>>);

impl Zones {
    fn named(&self, name: &str) -> Option<Arc<Zone>> {
        // A poisoned lock holds whole values all the same: nothing panics while it is held.
        self.0.lock().unwrap_or_else(|e| e.into_inner()).get(name).and_then(Weak::upgrade)
    }

    fn all(&self) -> Vec<(String, Arc<Zone>)> {
        let mut zones = self.0.lock().unwrap_or_else(|e| e.into_inner());
        zones.retain(|_, zone| zone.strong_count() > 0);
        zones.iter().filter_map(|(name, zone)| Some((name.clone(), zone.upgrade()?))).collect()
    }
}

/// Begins to make a zone: it is there until what is returned goes.
pub fn begin(call: &Call) -> Option<Arc<Zone>> {
    // What an older release tells in the meantime is not known.
    let is_told =
        ["list-status-provisioning", "container-id-provisioning-32-hex"].iter().any(|id| call.on(id));
    let is_slow = call.service.slow("create-is-synchronous-and-slow");
    let name = call.param("name").filter(|_| is_told && is_slow)?;
    let zone = Arc::new(Zone {
        labels: call.asked.get("Labels").filter(|labels| labels.is_object()).cloned().unwrap_or(json!({})),
        digits: checks::random_hex(64),
        created: OffsetDateTime::now_utc().unix_timestamp(),
        since: Instant::now(),
    });
    let name = name.trim_start_matches('/').to_owned();
    let mut zones = call.service.zones.0.lock().unwrap_or_else(|e| e.into_inner());
    zones.insert(name, Arc::downgrade(&zone));
    Some(zone)
}

/// The zones that are being made, as entries of a list.
pub fn listed(call: &Call) -> Vec<Value> {
    let shown = |(name, zone): (String, Arc<Zone>)| {
        let digits = if call.on("container-id-provisioning-32-hex") { 32 } else { 64 };
        let seconds = zone.since.elapsed().as_secs();
        let status = match (call.on("list-status-provisioning"), seconds) {
            (false, _) => "Created".to_owned(),
            (true, 0) => "Provisioning Less than a second".to_owned(),
            (true, seconds) => format!("Provisioning {seconds} seconds"),
        };
        json!({
            "Id": zone.digits[..digits],
            "Created": zone.created,
            "Command": "",
            "Names": [format!("/{name}")],
            "Status": status,
            "Image": "<none>",
            "Labels": zone.labels,
            "Ports": [],
        })
    };
    call.service.zones.all().into_iter().map(shown).collect()
}

/// A zone that is being made is not removed (catalogue: delete-provisioning-500).
pub async fn not_removed(call: &Call) -> Result<(), Answer> {
    while call.service.zones.named(call.name()).is_some() {
        if call.on("delete-provisioning-500") {
            return Err(Answer::error(500, "Container state \"provisioning\" not allowed for this command"));
        }
        // Docker has no such state: it is removed once it is there.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
