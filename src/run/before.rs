//! What an engine has before a case that looks at the whole host.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::CaseRun;
use super::perform::{answered_json, ask};
use crate::engine::EngineError;
use crate::engine::wire::{Wire, usual_headers};
use crate::exchange::{Before, Bytes, RecordedStep, Sent, WHOLE_LISTS};
use crate::version::Version;

/// The counters of `GET /info` that grow with what is made.
const COUNTERS: [&str; 5] =
    ["Containers", "ContainersPaused", "ContainersRunning", "ContainersStopped", "Images"];

/// Asks the engine for all that it has. A list that it does not serve is empty.
pub async fn before(wire: &Wire, run: &CaseRun<'_>) -> Result<Before, EngineError> {
    let limit = run.endpoint.stretch(run.deadlines.request);
    let api = run.api;
    let mut lists = BTreeMap::new();
    for (route, query, list, key) in WHOLE_LISTS {
        let path = route.trim_start_matches("GET ");
        let answer = get(wire, api, limit, &format!("{path}{query}")).await?;
        let entries = answer.pointer(list).and_then(Value::as_array).into_iter().flatten();
        // What other runs make meanwhile is told by its label, and left out as well.
        let entries = entries.filter(|entry| entry["Labels"].get(&run.endpoint.label).is_none());
        let things = entries.filter_map(|entry| Some(entry[key].as_str()?.to_owned())).collect();
        lists.insert(route.to_owned(), things);
    }
    let info = get(wire, api, limit, "/info").await?;
    let counters = COUNTERS.iter().filter_map(|field| Some(((*field).to_owned(), info[field].as_u64()?)));
    Ok(Before { tag: run.tag.to_owned(), lists, counters: counters.collect() })
}

/// Whether others made or removed something of what the steps asked for.
pub fn changed(before: &Before, after: &Before, steps: &[RecordedStep]) -> bool {
    let routes = steps.iter().flat_map(|step| &step.exchanges).filter_map(|exchange| exchange.route.as_ref());
    let mut routes = routes.map(|route| route.as_str());
    routes.any(|route| match route {
        "GET /info" => before.counters != after.counters,
        list => before.lists.get(list) != after.lists.get(list),
    })
}

/// The JSON of a successful answer; else null.
async fn get(wire: &Wire, api: &Version, limit: Duration, path: &str) -> Result<Value, EngineError> {
    let headers = usual_headers(wire.address());
    let target = format!("/v{api}{path}");
    let sent = Sent { method: "GET".to_owned(), target, headers, body: Bytes::default() };
    let exchange = ask(wire, sent, limit, "").await?;
    Ok(answered_json(&exchange).unwrap_or(Value::Null))
}
