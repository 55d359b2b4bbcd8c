//! Whether the registry of an engine is there, seen from here.

use std::time::Duration;

/// How long it may take to say so.
const LIMIT: Duration = Duration::from_secs(3);

/// Says why nothing that looks like a registry answers at an address.
pub async fn answers(address: &str) -> Result<(), String> {
    let none = |why: String| format!("no registry answers at {address}: {why}; ci/registry starts one");
    let client = reqwest::Client::builder().timeout(LIMIT).no_proxy().build();
    let client = client.map_err(|error| none(error.to_string()))?;
    let url = format!("http://{address}/v2/");
    let status = client.get(url).send().await.map_err(|error| none(error.to_string()))?.status().as_u16();
    // 401 asks for an account, which the scenarios bring along.
    if matches!(status, 200 | 401) { Ok(()) } else { Err(none(format!("it says {status}"))) }
}
