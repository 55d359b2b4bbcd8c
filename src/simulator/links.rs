//! Legacy links: their syntax, their targets, and their removal by `DELETE /containers/X/alias`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{flag, put, strings, take, text};
use super::state::Container;

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

/// What links tell a container: variables and hosts (catalogue: links-env-no-alias-port).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Told {
    /// Variables as `DB_NAME=/it/db`.
    pub env: Vec<String>,
    /// Hosts as `db:172.17.0.2`.
    pub hosts: Vec<String>,
}

/// Takes the links from the request that goes on and puts what sdc-docker tells of them there
/// instead; nothing where a target is missing or does not run, which the Docker beneath says: of a
/// target that does not run no fact is known.
pub async fn told_at_create(call: &mut Call) -> Option<Told> {
    let links = strings(&call.asked, "/HostConfig/Links");
    if links.is_empty() || !call.on("links-env-no-alias-port") {
        return None;
    }
    let name = call.param("name").unwrap_or("").trim_start_matches('/').to_owned();
    let mut told = Told::default();
    for link in &links {
        let (target, alias) = link.split_once(':')?;
        let target = call.service.docker.container(target).await.ok()?;
        if !flag(&target, "/State/Running") {
            return None;
        }
        let record = call.service.state.container(text(&target, "/Id")).unwrap_or_default();
        tell(&mut told, alias, &name, &target, &record);
    }
    let body = call.json.as_mut()?;
    take(body, "HostConfig", "Links");
    for (path, key, new) in [("", "Env", &told.env), ("HostConfig", "ExtraHosts", &told.hosts)] {
        let pointer = if path.is_empty() { format!("/{key}") } else { format!("/{path}/{key}") };
        let all: Vec<String> = new.iter().cloned().chain(strings(body, &pointer)).collect();
        put(body, path, key, json!(all));
    }
    Some(told)
}

/// What one link tells (sdc-docker `lib/backends/sdc/containers.js:616-721`).
fn tell(told: &mut Told, alias: &str, name: &str, target: &Value, record: &Container) {
    // Only the first dash becomes an underscore, and there is no variable for the alias alone.
    let upper = alias.to_uppercase().replacen('-', "_", 1);
    told.env.push(format!("{upper}_NAME=/{name}/{alias}"));
    for variable in record.image_env.iter().cloned().chain(strings(&record.asked, "/Env")) {
        if !["HOME", "PATH"].contains(&variable.split('=').next().unwrap_or("")) {
            told.env.push(format!("{upper}_ENV_{variable}"));
        }
    }
    let running = text(target, "/NetworkSettings/IPAddress");
    let remembered = record.nic.as_ref().map_or("", |nic| nic.address.as_str());
    let address = if running.is_empty() { remembered } else { running };
    if address.is_empty() {
        return;
    }
    let exposed = target.pointer("/Config/ExposedPorts").and_then(Value::as_object).into_iter().flatten();
    for (port, protocol) in exposed.filter_map(|(port, _)| port.split_once('/')) {
        let variable = format!("{upper}_PORT_{port}_{}", protocol.to_uppercase());
        told.env.push(format!("{variable}={protocol}://{address}:{port}"));
        told.env.push(format!("{variable}_ADDR={address}"));
        told.env.push(format!("{variable}_PORT={port}"));
        told.env.push(format!("{variable}_PROTO={protocol}"));
    }
    let target_name = text(target, "/Name").trim_start_matches('/');
    let host_name = text(target, "/Config/Hostname");
    told.hosts.extend([alias, host_name, target_name].map(|host| format!("{host}:{address}")));
}

/// A container that is renamed keeps its links, in both directions.
pub fn renamed(call: &Call, new: &str) {
    let (id, old) = (call.container_id(), text(&call.container, "/Name").trim_start_matches('/'));
    change(call, |link| {
        let (target, alias) = link.split_once(':')?;
        leads_to(target, id, old).then(|| Some(format!("{new}:{alias}")))
    });
}

/// The links to a container go with it.
pub fn target_removed(call: &Call) {
    let (id, old) = (call.container_id(), text(&call.container, "/Name").trim_start_matches('/'));
    change(call, |link| {
        let (target, _) = link.split_once(':')?;
        leads_to(target, id, old).then_some(None)
    });
}

fn leads_to(target: &str, id: &str, name: &str) -> bool {
    let target = target.trim_start_matches('/');
    target == name || (target.len() >= 12 && id.starts_with(target))
}

/// Changes links: nothing, another text, or none any more.
fn change(call: &Call, to: impl Fn(&str) -> Option<Option<String>>) {
    call.service.state.change(|m| {
        for record in m.containers.values_mut() {
            let links = std::mem::take(&mut record.links);
            record.links = links.into_iter().filter_map(|link| to(&link).unwrap_or(Some(link))).collect();
        }
    });
}

/// Links as they are now: some were removed, and some lead to what has another name. What they told
/// is no part of the container's own variables and hosts.
pub fn inspect(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    let Told { env, hosts } = &record.link;
    for (path, key, told) in [("Config", "Env", env), ("HostConfig", "ExtraHosts", hosts)] {
        if told.is_empty() {
            continue;
        }
        let mut own = strings(container, &format!("/{path}/{key}"));
        own.retain(|entry| !told.contains(entry));
        put(container, path, key, json!(own));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_variables_and_hosts() {
        let target = json!({
            "Name": "/db0",
            "Config": {"Hostname": "abc", "ExposedPorts": {"80/tcp": {}}},
            "NetworkSettings": {"IPAddress": "172.17.0.9"},
        });
        let record = Container {
            image_env: vec!["PATH=/bin".to_owned(), "LANG=C".to_owned()],
            ..Container::default()
        };
        let mut told = Told::default();
        tell(&mut told, "a-b-c", "it", &target, &record);
        assert_eq!(
            told.env,
            [
                "A_B-C_NAME=/it/a-b-c",
                "A_B-C_ENV_LANG=C",
                "A_B-C_PORT_80_TCP=tcp://172.17.0.9:80",
                "A_B-C_PORT_80_TCP_ADDR=172.17.0.9",
                "A_B-C_PORT_80_TCP_PORT=80",
                "A_B-C_PORT_80_TCP_PROTO=tcp",
            ]
        );
        assert_eq!(told.hosts, ["a-b-c:172.17.0.9", "abc:172.17.0.9", "db0:172.17.0.9"]);
    }

    #[test]
    fn a_link_leads_to_a_name_or_an_id() {
        assert!(leads_to("/web", "0123456789abcdef", "web"));
        assert!(leads_to("0123456789ab", "0123456789abcdef", "web"));
        assert!(!leads_to("0123", "0123456789abcdef", "web"));
    }
}
