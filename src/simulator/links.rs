//! Legacy links: their syntax, their targets, and their removal by `DELETE /containers/X/alias`.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, strings, text};

/// A link is `name:alias` (catalogue: links-format).
pub fn format(call: &mut Call) -> Result<(), Answer> {
    for link in strings(&call.asked, "/HostConfig/Links") {
        if !link.contains(':') {
            return Err(Answer::error(
                500,
                format!(
                    "first of 1 error: Invalid link config entry found: {link}, expected to find a colan character."
                ),
            ));
        }
    }
    Ok(())
}

/// The text for a link to nothing (catalogue: links-missing-target).
pub fn missing_target(call: &Call, answer: &mut Answer) {
    let message = super::create::fault_text(answer);
    if !message.contains("ould not get container for") {
        return;
    }
    let links = strings(&call.asked, "/HostConfig/Links");
    let name = links
        .iter()
        .map(|link| link.split(':').next().unwrap_or(""))
        .find(|name| message.contains(name))
        .unwrap_or("");
    *answer = Answer::error(500, format!("first of 1 error: Could not get container for {name}"));
}

/// Links that were removed here are not shown any more.
pub fn inspect(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    let name = text(container, "/Name").to_owned();
    let shown: Vec<Value> = record
        .links
        .iter()
        .filter_map(|link| link.split_once(':'))
        .map(|(target, alias)| {
            let target = target.trim_start_matches('/');
            let alias = alias.rsplit('/').next().unwrap_or(alias);
            json!(format!("/{target}:{name}/{alias}"))
        })
        .collect();
    let value = if shown.is_empty() { Value::Null } else { Value::Array(shown) };
    put(container, "HostConfig", "Links", value);
}

/// Removes a link by its alias, if there is one; 204 either way (sdc-docker `lib/endpoints/containers.js:1172`).
pub async fn delete(call: &mut Call) -> Answer {
    let id = call.container_id().to_owned();
    let alias = call.names.get(1).cloned().unwrap_or_default();
    if !call.on("delete-link-param") {
        return call.forward().await;
    }
    call.service.state.change(|m| {
        if let Some(record) = m.containers.get_mut(&id) {
            record.links.retain(|link| link.rsplit(':').next() != Some(alias.as_str()));
        }
    });
    Answer::empty(204)
}
