//! The options of the services of a compose file, versions 1 to 3.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Used, value};
use crate::docker_option::{DockerOption, by_field, by_key};

/// A piece of YAML with the line of every value. Keys keep their order.
#[derive(Clone, Debug)]
enum Node {
    Nothing,
    Scalar(String),
    List(Vec<Lined>),
    Map(Vec<(String, Lined)>),
}

/// A value with its line.
#[derive(Clone, Debug)]
struct Lined {
    line: usize,
    node: Node,
}

impl<'de> Deserialize<'de> for Lined {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Lined, D::Error> {
        let spanned = Spanned::<Node>::deserialize(from)?;
        let line = usize::try_from(spanned.referenced.line()).unwrap_or(usize::MAX);
        Ok(Lined { line, node: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Node, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        Node::deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element()? {
            list.push(value);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Node, Lined>()? {
            let key = match key {
                Node::Scalar(key) => key,
                Node::Nothing | Node::List(_) | Node::Map(_) => String::new(),
            };
            map.push((key, value));
        }
        Ok(Node::Map(map))
    }
}

impl Lined {
    fn entries(&self) -> &[(String, Lined)] {
        match &self.node {
            Node::Map(map) => map,
            Node::Nothing | Node::Scalar(_) | Node::List(_) => &[],
        }
    }

    fn get(&self, key: &str) -> Option<&Lined> {
        self.entries().iter().find(|(its, _)| its == key).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        match &self.node {
            Node::Scalar(text) => text,
            Node::Nothing | Node::List(_) | Node::Map(_) => "",
        }
    }

    /// `key = value` of a map, the texts of a list, or the text itself; with their lines.
    fn texts(&self) -> Vec<(usize, String)> {
        match &self.node {
            Node::Nothing => vec![(self.line, String::new())],
            Node::Scalar(text) => vec![(self.line, text.clone())],
            Node::List(list) => list.iter().flat_map(Lined::texts).collect(),
            Node::Map(map) => map
                .iter()
                .map(|(key, value)| match &value.node {
                    Node::Scalar(text) => (value.line, format!("{key}={text}")),
                    Node::Nothing | Node::List(_) | Node::Map(_) => (value.line, key.clone()),
                })
                .collect(),
        }
    }
}

/// Why a text is no compose file.
#[derive(Debug, thiserror::Error)]
pub enum NoCompose {
    /// It is no YAML.
    #[error("is no YAML: {0}")]
    Yaml(String),
    /// It has no service.
    #[error("has no service that could be looked at")]
    NoService,
}

/// The options of all services.
pub fn used(text: &str) -> Result<Vec<Used>, NoCompose> {
    let file: Lined = serde_saphyr::from_str(text).map_err(|error| NoCompose::Yaml(error.to_string()))?;
    // Version 1 has its services at the top.
    let services = file.get("services").unwrap_or(&file);
    let is_service = |each: &&(String, Lined)| each.1.get("image").or(each.1.get("build")).is_some();
    let services: Vec<&(String, Lined)> = services.entries().iter().filter(is_service).collect();
    if services.is_empty() {
        return Err(NoCompose::NoService);
    }
    let mut used = Vec::new();
    for (name, service) in &services {
        let mut reading = Reading { place: name.clone(), used: &mut used, sources: 0 };
        for (key, node) in service.entries() {
            reading.key(key, node);
        }
    }
    if file.get("services").is_some() {
        let plain = services
            .iter()
            .find(|(_, service)| service.get("network_mode").is_none() && service.get("networks").is_none());
        used.extend(networks(&file, plain.map(|(_, service)| service.line)));
    }
    used.sort_by_key(|each| each.line);
    Ok(used)
}

/// The networks that compose makes: those of the file, and its own for services that name none.
fn networks(file: &Lined, plain: Option<usize>) -> Vec<Used> {
    let network = |line: usize, name: &str, written: String| Used {
        line,
        place: "networks".to_owned(),
        written,
        option: by_field("Network"),
        value: name.to_owned(),
    };
    let named = file.get("networks").map(Lined::entries).unwrap_or_default();
    let is_made = |node: &Lined| node.get("external").is_none_or(|external| external.text() == "false");
    let mut made: Vec<Used> = named
        .iter()
        .filter(|(_, node)| is_made(node))
        .map(|(name, node)| network(node.line, name, format!("networks: {name}")))
        .collect();
    if let (Some(line), None) = (plain, named.iter().find(|(name, _)| name == "default")) {
        made.push(network(line, "default", "the network that compose makes by default".to_owned()));
    }
    made
}

struct Reading<'u> {
    place: String,
    used: &'u mut Vec<Used>,
    /// How many sources of volumes came so far.
    sources: usize,
}

impl Reading<'_> {
    fn key(&mut self, key: &str, node: &Lined) {
        match key {
            "logging" | "networks" if !node.entries().is_empty() => self.nested(key, node),
            "ports" => self.items(key, node, |item| match item.entries() {
                [] => Some(value::port(item.text())),
                _ => {
                    let part = |name| item.get(name).map_or("", Lined::text);
                    let protocol = if part("protocol").is_empty() { "tcp" } else { part("protocol") };
                    Some(value::port_of(part("host_ip"), part("published"), part("target"), protocol))
                }
            }),
            "volumes" => self.volumes(node),
            "volumes_from" => {
                for (line, text) in node.texts() {
                    self.sources += 1;
                    let numbered = format!("{}:{text}", self.sources);
                    self.note(line, format!("{key}: {text}"), by_key(key), numbered);
                }
            }
            "network_mode" | "net" => {
                let text = node.text();
                let mode = text.strip_prefix("service:").map(|service| format!("container:{service}"));
                let mode = mode.unwrap_or_else(|| text.to_owned());
                self.note(node.line, format!("{key}: {text}"), by_key(key), mode);
            }
            "links" | "external_links" => {
                for (line, text) in node.texts() {
                    // Compose always sends an alias, the service's own name where none is written.
                    let link = if text.contains(':') { text.clone() } else { format!("{text}:{text}") };
                    self.note(line, format!("{key}: {text}"), by_key(key), link);
                }
            }
            key if key.starts_with("x-") || key == "<<" => {}
            key => {
                for (line, text) in node.texts() {
                    self.note(line, format!("{key}: {text}"), by_key(key), text);
                }
            }
        }
    }

    /// Keys one level deeper: of `logging` itself, of each network the service joins.
    fn nested(&mut self, key: &str, node: &Lined) {
        let of_networks = || node.entries().iter().flat_map(|(_, network)| network.entries());
        let deeper: Vec<&(String, Lined)> = match key {
            "networks" => of_networks().collect(),
            _ => node.entries().iter().collect(),
        };
        for (inner, node) in deeper {
            let name = format!("{key}.{inner}");
            for (line, text) in node.texts() {
                self.note(line, format!("{name}: {text}"), by_key(&name), text);
            }
        }
    }

    fn volumes(&mut self, node: &Lined) {
        let items = if let Node::List(items) = &node.node { items.as_slice() } else { &[] };
        for item in items {
            let pairs = item.entries().iter().map(|(name, node)| (name.clone(), node.text().to_owned()));
            let pairs: Vec<(String, String)> = pairs.collect();
            let (option, value) = match pairs.as_slice() {
                [] => (by_key("volumes"), value::mount(item.text())),
                pairs => match value::long_mount(pairs) {
                    Ok(mount) => (by_key("volumes"), mount),
                    Err(target) => (by_field("HostConfig.Tmpfs"), target),
                },
            };
            let written = if pairs.is_empty() { item.text().to_owned() } else { value.clone() };
            self.note(item.line, format!("volumes: {written}"), option, value);
        }
    }

    fn items(&mut self, key: &str, node: &Lined, told: impl Fn(&Lined) -> Option<String>) {
        let items = if let Node::List(items) = &node.node { items.as_slice() } else { &[] };
        for item in items {
            if let Some(value) = told(item) {
                let written = if item.text().is_empty() { value.clone() } else { item.text().to_owned() };
                self.note(item.line, format!("{key}: {written}"), by_key(key), value);
            }
        }
    }

    fn note(&mut self, line: usize, written: String, option: Option<&'static DockerOption>, value: String) {
        self.used.push(Used { line, place: self.place.clone(), written, option, value });
    }
}
