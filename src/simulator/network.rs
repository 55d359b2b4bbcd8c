//! Networks: those of the account instead of Docker's, network modes, and the primary NIC.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, take, text};
use super::state::{Container, Nic};
use super::world::{Network, World};

fn mode(call: &Call) -> &str {
    text(&call.asked, "/HostConfig/NetworkMode")
}

/// Modes without a network of one's own (catalogue: network-mode-host-none).
pub fn host_and_none(call: &mut Call) -> Result<(), Answer> {
    match mode(call) {
        mode @ ("host" | "none") => {
            Err(Answer::not_implemented(&format!("NetworkMode {mode} is not supported")))
        }
        _ => Ok(()),
    }
}

/// Another container's network (catalogue: network-mode-container).
pub fn container_mode(call: &mut Call) -> Result<(), Answer> {
    if mode(call).starts_with("container:") {
        return Err(Answer::not_implemented("Container networking is not supported"));
    }
    Ok(())
}

fn is_named(mode: &str) -> bool {
    !["", "default", "bridge", "host", "none"].contains(&mode) && !mode.starts_with("container:")
}

/// Links are not for named networks (catalogue: network-mode-links).
pub fn links_in_networks(call: &mut Call) -> Result<(), Answer> {
    let links = super::json::strings(&call.asked, "/HostConfig/Links");
    if is_named(mode(call)) && !links.is_empty() {
        return Err(Answer::not_implemented("user-defined networking links"));
    }
    Ok(())
}

/// A network that is not the account's (catalogue: network-not-found).
pub fn missing_network(call: &mut Call) -> Result<(), Answer> {
    let name = mode(call);
    match call.service.world.fabrics && is_named(name) && !is_ambiguous(call, name) {
        true => known(call, name),
        false => Ok(()),
    }
}

/// A mode that begins the ids of two networks (catalogue: network-name-resolution).
pub fn ambiguous_network(call: &mut Call) -> Result<(), Answer> {
    let name = mode(call);
    match call.service.world.fabrics && is_named(name) && is_ambiguous(call, name) {
        true => resolve(&call.service.world.networks, name).map(|_| ()),
        false => Ok(()),
    }
}

fn is_ambiguous(call: &Call, name: &str) -> bool {
    let networks = &call.service.world.networks;
    let close = networks.iter().filter(|network| network.docker_id().starts_with(name)).count();
    close > 1 && resolve(networks, name).is_err()
}

/// Whether a name is a network: of the account, or of the Docker beneath where that shows.
fn known(call: &Call, name: &str) -> Result<(), Answer> {
    match resolve(&call.service.world.networks, name) {
        Err(_) if beneath_shows(call) => Ok(()),
        resolved => resolved.map(|_| ()),
    }
}

/// Networks of the Docker beneath are there where they can be made or are listed.
fn beneath_shows(call: &Call) -> bool {
    !call.on("network-create-not-implemented") || !call.on("network-no-predefined")
}

/// The account's networks are one bridge beneath (catalogue: network-name-resolution).
pub fn account_network(call: &mut Call) -> Result<(), Answer> {
    if resolve(&call.service.world.networks, mode(call)).is_ok() {
        drop_mode(call);
    }
    Ok(())
}

/// Without fabric networks the name of a network means nothing (catalogue: network-mode-bridge-meaning).
pub fn any_network(call: &mut Call) -> Result<(), Answer> {
    if !call.service.world.fabrics && is_named(mode(call)) {
        drop_mode(call);
    }
    Ok(())
}

fn drop_mode(call: &mut Call) {
    if let Some(body) = &mut call.json {
        take(body, "HostConfig", "NetworkMode");
    }
}

/// A network by full id, name or unique prefix of its id (catalogue: network-name-resolution).
pub fn resolve<'a>(networks: &'a [Network], name: &str) -> Result<&'a Network, Answer> {
    let exact = networks.iter().find(|n| n.docker_id() == name || n.name == name);
    if let Some(network) = exact {
        return Ok(network);
    }
    let close: Vec<&Network> =
        networks.iter().filter(|n| !name.is_empty() && n.docker_id().starts_with(name)).collect();
    match close[..] {
        [one] => Ok(one),
        [] => Err(Answer::coded(404, "Error", format!("network {name} not found"))),
        _ => Err(Answer::coded(
            404,
            "AmbiguousDockerNetworkIdPrefix",
            format!("multiple networks match prefix {name}"),
        )),
    }
}

/// How a network is shown (catalogue: network-list-shape).
fn shape(network: &Network) -> Value {
    let mut options = json!({});
    if let Some(mtu) = network.mtu {
        put(&mut options, "", "com.docker.network.driver.mtu", json!(mtu.to_string()));
    }
    let mut shown = json!({
        "Driver": "Triton",
        "Id": network.docker_id(),
        "IPAM": {"Driver": "default", "Options": null},
        "Name": network.name,
        "Options": options,
        "Scope": network.scope,
    });
    if network.scope != "pool" {
        put(&mut shown, "", "Config", json!([{"Subnet": network.subnet, "Gateway": network.gateway}]));
    }
    shown
}

/// The account's networks and no others (catalogue: network-no-predefined).
pub fn list(call: &mut Call) -> Result<(), Answer> {
    let networks = call.service.world.networks.iter().map(shape).collect();
    Err(Answer::json(200, Value::Array(networks)))
}

/// One of the account's networks, or 404.
pub fn inspect(call: &mut Call) -> Result<(), Answer> {
    match resolve(&call.service.world.networks, call.name()) {
        Ok(network) => Err(Answer::json(200, shape(network))),
        Err(_) if beneath_shows(call) => Ok(()),
        Err(missing) => Err(missing),
    }
}

/// The network of a path must exist before the call is refused (catalogue: network-not-found).
pub fn path_network(call: &mut Call) -> Result<(), Answer> {
    known(call, call.name())
}

/// `docker network create` (sdc-docker `lib/endpoints/networks.js:45`).
pub fn create(_: &mut Call) -> Result<(), Answer> {
    Err(Answer::not_implemented("network create"))
}

/// `docker network rm` (sdc-docker `lib/endpoints/networks.js:53`).
pub fn rm(_: &mut Call) -> Result<(), Answer> {
    Err(Answer::not_implemented("network rm"))
}

/// `docker network connect` (sdc-docker `lib/endpoints/networks.js:84`).
pub fn connect(_: &mut Call) -> Result<(), Answer> {
    Err(Answer::not_implemented("network connect"))
}

/// `docker network disconnect` (sdc-docker `lib/endpoints/networks.js:92`).
pub fn disconnect(_: &mut Call) -> Result<(), Answer> {
    Err(Answer::not_implemented("network disconnect"))
}

/// `docker network prune` (sdc-docker `lib/endpoints/networks.js:100`).
pub fn prune(_: &mut Call) -> Result<(), Answer> {
    Err(Answer::not_implemented("network prune"))
}

/// HostConfig.NetworkMode (catalogue: inspect-networkmode-always-bridge).
pub fn mode_is_bridge(_: &Call, container: &mut Value) {
    put(container, "HostConfig", "NetworkMode", json!("bridge"));
}

/// Addresses stay when a container stops (catalogue: inspect-networksettings-when-stopped). While it
/// runs, the address is the one that it is reached at: that of the Docker beneath.
pub fn keep_address(call: &Call, container: &mut Value) {
    let id = text(container, "/Id").to_owned();
    let address = text(container, "/NetworkSettings/IPAddress").to_owned();
    let mac = text(container, "/NetworkSettings/MacAddress").to_owned();
    let world = &call.service.world;
    let nic = call.service.state.change(|m| {
        let next = m.addresses;
        let record = m.containers.get_mut(&id)?;
        if record.nic.is_none() {
            record.nic = Some(primary(record, world)?.nic(next));
            m.addresses += 1;
        }
        let nic = record.nic.as_mut()?;
        if !address.is_empty() {
            (nic.address, nic.mac) = (address, mac);
        }
        Some(nic.clone())
    });
    if let Some(nic) = nic {
        put(container, "NetworkSettings", "Gateway", json!(nic.gateway));
        put(container, "NetworkSettings", "IPAddress", json!(nic.address));
        put(container, "NetworkSettings", "IPPrefixLen", json!(nic.prefix));
        put(container, "NetworkSettings", "MacAddress", json!(nic.mac));
    }
}

/// The network of the primary interface: the public one where ports are published, else the one
/// that was asked for, else the default; without fabrics there are external ones only.
fn primary<'a>(record: &Container, world: &'a World) -> Option<&'a Network> {
    let asked = match world.fabrics {
        true if !record.published.is_empty() => {
            let labels = record.asked.get("Labels");
            let label = labels.and_then(|labels| labels.get("triton.network.public")).and_then(Value::as_str);
            label.unwrap_or(&world.public_network)
        }
        true => text(&record.asked, "/HostConfig/NetworkMode"),
        false => return world.networks.iter().find(|network| network.scope == "external"),
    };
    resolve(&world.networks, asked).ok().or(world.default_network())
}

impl Network {
    /// An interface of a container that never ran; addresses are given out one after the other.
    fn nic(&self, count: u32) -> Nic {
        let (base, prefix) = self.subnet.split_once('/').unwrap_or((&self.subnet, "24"));
        let base: Ipv4Addr = base.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let prefix: u8 = prefix.parse().unwrap_or(24);
        // The first ones are the platform's.
        let host = 5 + count % (1_u32 << 32_u8.saturating_sub(prefix).min(16)).saturating_sub(6).max(1);
        Nic {
            gateway: self.gateway.clone(),
            address: Ipv4Addr::from(u32::from(base) + host).to_string(),
            prefix: prefix.into(),
            mac: format!("90:b8:d0:00:{:02x}:{:02x}", host / 256, host % 256),
        }
    }
}

/// Only the primary NIC is shown (catalogue: inspect-networksettings-primary-nic-only).
pub fn primary_nic_only(call: &Call, container: &mut Value) {
    let Some(settings) = container.get("NetworkSettings") else {
        return;
    };
    let of = |key: &str| settings.get(key).cloned().unwrap_or(Value::Null);
    let shown = json!({
        "Bridge": if has_external_nic(call, container) { "eth1" } else { "eth0" },
        "Gateway": of("Gateway"),
        "IPAddress": of("IPAddress"),
        "IPPrefixLen": of("IPPrefixLen"),
        "MacAddress": of("MacAddress"),
        "PortMapping": null,
        "Ports": of("Ports"),
    });
    put(container, "", "NetworkSettings", shown);
}

/// Published ports bring an interface on the external network, which is the primary one
/// (catalogue: publish-adds-external-nic).
fn has_external_nic(call: &Call, container: &Value) -> bool {
    let record = call.service.state.container(text(container, "/Id"));
    let published = record.is_some_and(|record| !record.published.is_empty());
    published && call.service.world.fabrics
}

/// HostConfig.Dns lists the zone's resolvers (catalogue: inspect-dns-always-filled).
pub fn dns_filled(call: &Call, container: &mut Value) {
    let empty = container.pointer("/HostConfig/Dns").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if empty {
        put(container, "HostConfig", "Dns", json!(call.service.world.resolvers));
    }
}

/// Config.Domainname is never empty (catalogue: host-hostname-domain).
pub fn domain(call: &Call, container: &mut Value) {
    if text(container, "/Config/Domainname").is_empty() {
        put(container, "Config", "Domainname", json!(call.service.world.domain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::World;

    fn world() -> World {
        World::parse(include_str!("../../fixtures/simulator/default.toml")).unwrap()
    }

    #[test]
    fn networks_are_found_by_name_id_and_unique_prefix() {
        let networks = world().networks;
        let find = |name| resolve(&networks, name).map(|n| n.name.clone()).ok();
        assert_eq!(find("backend-net").as_deref(), Some("backend-net"));
        assert_eq!(find("6a9bd3c56").as_deref(), Some("My-Fabric-Network"));
        assert_eq!(find("6a9bd3c5"), None);
        assert_eq!(find("bridge"), None);
    }

    #[test]
    fn a_container_has_an_address_of_its_network() {
        let world = world();
        let mut record = Container { asked: json!({"HostConfig": {}}), ..Container::default() };
        let nic = primary(&record, &world).unwrap().nic(300);
        assert_eq!(
            (nic.gateway.as_str(), nic.address.as_str(), nic.prefix),
            ("192.168.128.1", "192.168.129.49", 22)
        );
        record.asked = json!({"HostConfig": {"NetworkMode": "backend-net"}});
        assert_eq!(primary(&record, &world).unwrap().nic(0).address, "10.10.0.5");
        record.published.insert("80/tcp".to_owned(), "80".to_owned());
        assert_eq!(primary(&record, &world).unwrap().nic(250).address, "198.51.100.5");
        record.asked = json!({"Labels": {"triton.network.public": "external"}});
        assert_eq!(primary(&record, &world).unwrap().name, "external");
        let plain = World { fabrics: false, ..world };
        assert_eq!(primary(&Container::default(), &plain).unwrap().name, "external");
    }

    #[test]
    fn a_pool_tells_neither_subnet_nor_options() {
        let shown = shape(&world().networks[0]);
        assert_eq!(shown.get("Options"), Some(&json!({})));
        assert!(shown.get("Config").is_none());
        assert_eq!(text(&shown, "/Scope"), "pool");
    }
}
