//! Published ports: what may be published, and how it is shown. Nothing is published beneath
//! while every container has an address of its own (catalogue: own-ip-stack-per-container).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{flag, put, take, text};

fn bindings(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    body.pointer("/HostConfig/PortBindings").and_then(Value::as_object).into_iter().flatten()
}

/// The host port of a binding's first entry (catalogue: publish-only-first-binding).
fn first_host_port(bindings: &Value) -> Option<&str> {
    let first = bindings.get(0)?;
    Some(text(first, "/HostPort"))
}

/// Ports are written as `number/protocol` (catalogue: publish-port-syntax).
pub fn syntax(call: &mut Call) -> Result<(), Answer> {
    for (port, _) in bindings(&call.asked) {
        check_syntax(port)
            .map_err(|problem| Answer::invalid(format!("HostConfig.PortBindings: {problem}")))?;
    }
    Ok(())
}

fn check_syntax(port: &str) -> Result<(), &'static str> {
    let Some((number, protocol)) = port.split_once('/') else {
        return Err("port specification incorrect: must be \"number/protocol\"");
    };
    if !number.parse::<u16>().is_ok_and(|n| n > 0) {
        return Err("invalid port number");
    }
    if !["tcp", "udp"].contains(&protocol) {
        return Err("unknown protocol: must be tcp or udp");
    }
    Ok(())
}

/// The host port is the container port (catalogue: publish-remap-refused).
pub fn no_remap(call: &mut Call) -> Result<(), Answer> {
    for (port, bound) in bindings(&call.asked) {
        let number = port.split('/').next().unwrap_or("");
        let host = first_host_port(bound).unwrap_or("");
        if !host.is_empty() && host != number {
            return Err(Answer::error(500, "publish port: remapping of port numbers not allowed"));
        }
    }
    Ok(())
}

/// So many ports of a protocol and no more (catalogue: publish-port-limit).
pub fn limit(call: &mut Call) -> Result<(), Answer> {
    let limit = call.service.world.max_ports;
    for protocol in ["tcp", "udp"] {
        let count = bindings(&call.asked).filter(|(port, _)| port.ends_with(protocol)).count();
        if count > limit {
            return Err(Answer::error(
                500,
                format!("publish port: only support exposing {limit} {} ports", protocol.to_uppercase()),
            ));
        }
    }
    Ok(())
}

/// Nothing is published on the host (catalogue: own-ip-stack-per-container).
pub fn publish_nothing_beneath(call: &mut Call) -> Result<(), Answer> {
    let fits = bindings(&call.asked).all(|(port, _)| check_syntax(port).is_ok());
    if let Some(body) = &mut call.json {
        // What is of no form stays: where that is not told here, the Docker beneath tells it.
        if fits && body.pointer("/HostConfig/PortBindings").is_some_and(Value::is_object) {
            take(body, "HostConfig", "PortBindings");
        }
        if body.pointer("/HostConfig/PublishAllPorts").is_some_and(Value::is_boolean) {
            take(body, "HostConfig", "PublishAllPorts");
        }
    }
    Ok(())
}

/// Bindings are shown as they were asked, although nothing is published beneath (catalogue:
/// own-ip-stack-per-container).
pub fn show_asked(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    for key in ["PortBindings", "PublishAllPorts"] {
        if let Some(asked) = record.asked.pointer(&format!("/HostConfig/{key}")) {
            put(container, "HostConfig", key, asked.clone());
        }
    }
}

/// The label of the external network needs a published port (catalogue: public-network-label).
pub fn public_network_label(call: &mut Call) -> Result<(), Answer> {
    let labelled = call.asked.pointer("/Labels").and_then(|l| l.get("triton.network.public")).is_some();
    if labelled && call.service.world.fabrics && published(&call.asked, &call.image).is_empty() {
        return Err(Answer::invalid("triton.network.public label requires a container with published ports"));
    }
    Ok(())
}

/// What a create request publishes: the container port and the host port that was asked for.
pub fn published(asked: &Value, image: &Value) -> BTreeMap<String, String> {
    let mut ports: BTreeMap<String, String> = bindings(asked)
        .map(|(port, bound)| {
            let host = first_host_port(bound).unwrap_or("").to_owned();
            (port.clone(), host)
        })
        .collect();
    if flag(asked, "/HostConfig/PublishAllPorts") {
        for port in exposed(image) {
            ports.entry(port).or_default();
        }
    }
    ports
}

/// The ports that an image exposes.
pub fn exposed(image: &Value) -> Vec<String> {
    image
        .pointer("/Config/ExposedPorts")
        .and_then(Value::as_object)
        .map(|ports| ports.keys().cloned().collect())
        .unwrap_or_default()
}

/// The host port that a published port shows: the one asked for, else its own number (catalogue:
/// publish-empty-hostport, publish-all-same-number).
fn host_port<'a>(port: &'a str, asked: &'a str) -> &'a str {
    match asked {
        "" => port.split('/').next().unwrap_or(""),
        asked => asked,
    }
}

fn shown(call: &Call, container: &Value) -> Option<(BTreeMap<String, String>, bool)> {
    let record = call.service.state.container(text(container, "/Id"))?;
    let all = flag(&record.asked, "/HostConfig/PublishAllPorts");
    Some((record.published, all))
}

/// Published ports as inspect has them: each container port with its one binding.
fn bound(published: &BTreeMap<String, String>, ip: &str) -> Value {
    let bound = |(port, asked): (&String, &String)| {
        (port.clone(), json!([{"HostIp": ip, "HostPort": host_port(port, asked)}]))
    };
    Value::Object(published.iter().map(bound).collect())
}

/// NetworkSettings.Ports: exposed ports that are not published have no binding (catalogue:
/// inspect-ports-hostip; sdc-docker `lib/backends/sdc/utils.js:709-746`).
pub fn inspect_ports(call: &Call, container: &mut Value) {
    let Some((published, _)) = shown(call, container) else {
        return;
    };
    let mut ports: Map<String, Value> =
        unpublished(container, &published).into_iter().map(|port| (port, Value::Null)).collect();
    if let Value::Object(bound) = bound(&published, "0.0.0.0") {
        ports.extend(bound);
    }
    put(container, "NetworkSettings", "Ports", Value::Object(ports));
}

/// The exposed ports of a container that are not published, those of tcp first.
fn unpublished(container: &Value, published: &BTreeMap<String, String>) -> Vec<String> {
    let exposed = container.pointer("/Config/ExposedPorts").and_then(Value::as_object);
    let mut ports: Vec<String> = exposed
        .into_iter()
        .flat_map(Map::keys)
        .filter(|port| !published.contains_key(*port))
        .cloned()
        .collect();
    ports.sort_by_key(|port| port.ends_with("udp"));
    ports
}

/// HostConfig.PortBindings and PublishAllPorts (catalogue: inspect-hostconfig-portbindings-shape).
pub fn inspect_bindings(call: &Call, container: &mut Value) {
    let Some((published, all)) = shown(call, container) else {
        return;
    };
    put(container, "HostConfig", "PortBindings", bound(&published, ""));
    put(container, "HostConfig", "PublishAllPorts", json!(all));
}

/// Config.ExposedPorts: the image's and the published ones (catalogue: expose-at-create-ignored).
pub fn inspect_exposed(call: &Call, container: &mut Value) {
    let Some((published, _)) = shown(call, container) else {
        return;
    };
    let mut ports: Map<String, Value> =
        container.pointer("/Config/ExposedPorts").and_then(Value::as_object).cloned().unwrap_or_default();
    for port in published.keys() {
        ports.insert(port.clone(), json!({}));
    }
    put_exposed(container, ports);
}

/// Unpublished ports of tcp are forgotten where there are some of udp too (catalogue:
/// inspect-exposed-ports-lost; sdc-docker `lib/backends/sdc/utils.js:709-720`).
pub fn lost_ports(call: &Call, container: &mut Value) {
    let Some((published, _)) = shown(call, container) else {
        return;
    };
    let unpublished = unpublished(container, &published);
    if !unpublished.iter().any(|port| port.ends_with("udp")) {
        return;
    }
    let mut ports =
        container.pointer("/Config/ExposedPorts").and_then(Value::as_object).cloned().unwrap_or_default();
    ports.retain(|port, _| !(port.ends_with("tcp") && unpublished.contains(port)));
    put_exposed(container, ports);
}

fn put_exposed(container: &mut Value, ports: Map<String, Value>) {
    let value = if ports.is_empty() { Value::Null } else { Value::Object(ports) };
    put(container, "Config", "ExposedPorts", value);
}

/// The ports of a list entry (catalogue: list-ports-ip).
pub fn list_ports(call: &Call, container: &mut Value) {
    let Some((published, _)) = shown(call, container) else {
        return;
    };
    let mut ports: Vec<Value> = Vec::new();
    for (port, asked) in &published {
        let Some((number, kind)) = port.split_once('/') else {
            continue;
        };
        let public: u64 = host_port(port, asked).parse().unwrap_or(0);
        ports.push(json!({
            "IP": "0.0.0.0",
            "PrivatePort": number.parse::<u64>().unwrap_or(0),
            "PublicPort": public,
            "Type": kind,
        }));
    }
    // What the image exposes is told whether it runs or not (sdc-docker `lib/backends/sdc/utils.js:363-378`).
    let exposed = call.service.state.container(text(container, "/Id")).map(|c| c.exposed).unwrap_or_default();
    for port in exposed.iter().filter(|port| !published.contains_key(*port)) {
        if let Some((number, kind)) = port.split_once('/') {
            ports.push(json!({"PrivatePort": number.parse::<u64>().unwrap_or(0), "Type": kind}));
        }
    }
    put(container, "", "Ports", Value::Array(ports));
}

/// In 2015 published ports were not shown, so `docker port` had none (id: port-not-shown).
pub fn not_shown(_: &Call, container: &mut Value) {
    put(container, "NetworkSettings", "Ports", json!({}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_a_number_and_a_protocol() {
        assert_eq!(check_syntax("80/tcp"), Ok(()));
        assert!(check_syntax("80").is_err());
        assert_eq!(check_syntax("0/tcp"), Err("invalid port number"));
        assert!(check_syntax("80/sctp").is_err());
    }

    #[test]
    fn what_is_exposed_and_not_published_is_told_by_protocol() {
        let container = json!({"Config": {"ExposedPorts": {"53/udp": {}, "53/tcp": {}, "80/tcp": {}}}});
        let published = BTreeMap::from([("80/tcp".to_owned(), String::new())]);
        assert_eq!(unpublished(&container, &published), ["53/tcp", "53/udp"]);
    }

    #[test]
    fn publishing_all_takes_what_the_image_exposes() {
        let asked = json!({"HostConfig": {"PublishAllPorts": true, "PortBindings": {"53/udp": [{"HostPort": "53"}]}}});
        let image = json!({"Config": {"ExposedPorts": {"80/tcp": {}}}});
        let ports = published(&asked, &image);
        assert_eq!(ports.get("53/udp").map(String::as_str), Some("53"));
        assert_eq!(ports.get("80/tcp").map(String::as_str), Some(""));
    }
}
