//! Values that a scenario has variables for, and putting these in their place. Pure.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::engine::target::decode;

/// Stands for the dollar sign of a `${` that is the client's own, until the text is written.
pub const DOLLAR: &str = "\u{e000}";

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:sha256:)?[0-9a-f]{12,64}\b").expect("a constant pattern"));

/// Keys whose values are words of Docker's and no names.
const NO_NAMES: [&str; 6] = ["Driver", "Type", "Tag", "WorkingDir", "User", "Hostname"];
/// Keys whose values name things between colons.
const COMPOUND: [&str; 8] =
    ["Links", "Binds", "VolumesFrom", "NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode"];

/// The ids in a text, each once.
pub fn ids_in(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = ID.find_iter(text).map(|found| found.as_str().to_owned()).collect();
    ids.dedup();
    ids
}

/// Whether one id is the other, or the beginning of it that a client shows.
pub fn is_same_id(one: &str, other: &str) -> bool {
    let bare = |id: &str| id.strip_prefix("sha256:").unwrap_or(id).to_owned();
    let (one, other) = (bare(one), bare(other));
    one.len() >= 12 && other.len() >= 12 && (one.starts_with(&other) || other.starts_with(&one))
}

/// What stands for which value.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Captured ids and the names of their variables.
    pub ids: Vec<(String, String)>,
    /// Names, and what is written in their place.
    pub names: BTreeMap<String, String>,
    /// What a client calls an image of the fixtures, and the fixture's name.
    pub images: BTreeMap<String, String>,
}

impl Table {
    /// The fixture that an image reference means.
    pub fn image(&self, reference: &str) -> Option<String> {
        let short = |text: &str| {
            let text = text.strip_prefix("docker.io/").unwrap_or(text);
            let text = text.strip_prefix("library/").unwrap_or(text);
            text.strip_suffix(":latest").unwrap_or(text).to_owned()
        };
        let wanted = short(reference);
        let found = self.images.iter().find(|(name, _)| short(name) == wanted);
        found.map(|(_, fixture)| format!("${{image:{fixture}}}"))
    }

    /// The variable of an id.
    pub fn id(&self, id: &str) -> Option<String> {
        self.ids.iter().find(|(known, _)| is_same_id(known, id)).map(|(_, name)| format!("${{{name}}}"))
    }

    /// A whole value that is a name or an id.
    pub fn whole(&self, text: &str) -> Option<String> {
        let bare = text.strip_prefix('/').unwrap_or(text);
        let slash = &text[..text.len() - bare.len()];
        let known =
            self.names.get(bare).cloned().or_else(|| ID.is_match(bare).then(|| self.id(bare)).flatten());
        known.map(|known| format!("{slash}{known}"))
    }

    /// A text in which ids are replaced wherever they stand by themselves.
    pub fn text(&self, text: &str) -> String {
        let text = text.replace("${", &format!("{DOLLAR}{{"));
        let replaced = ID.replace_all(&text, |found: &Captures<'_>| {
            self.id(&found[0]).unwrap_or_else(|| found[0].to_owned())
        });
        replaced.into_owned()
    }

    /// A name of an image in an answer to a client: with or without tag.
    fn repository(&self, text: &str) -> String {
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, format!(":{tag}")),
            _ => (text, String::new()),
        };
        match self.names.get(repository) {
            Some(name) => format!("{name}{tag}"),
            None => self.image(text).unwrap_or_else(|| self.text(text)),
        }
    }

    /// JSON with variables, in its own order.
    pub fn json(&self, value: Value) -> Value {
        self.member("", value)
    }

    fn member(&self, key: &str, value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let is_first_word = |key: &str| key == "Env" || key == "Labels";
                let members = map.into_iter().map(|(its_key, value)| {
                    // The keys of a filter, of endpoints and of volumes are names as well.
                    let written = if is_first_word(key) { None } else { self.whole(&its_key) };
                    (written.unwrap_or_else(|| self.text(&its_key)), self.member(&its_key, value))
                });
                Value::Object(members.collect::<Map<_, _>>())
            }
            Value::Array(list) => {
                let is_command = key == "Cmd" || key == "Entrypoint";
                let members = list.into_iter().enumerate().map(|(at, value)| match value {
                    // What is run is no name, even if it reads like one.
                    Value::String(text) if is_command && at == 0 => Value::String(self.text(&text)),
                    value => self.member(key, value),
                });
                Value::Array(members.collect())
            }
            Value::String(text) => Value::String(self.string(key, &text)),
            other => other,
        }
    }

    fn string(&self, key: &str, text: &str) -> String {
        if key == "Image" || key == "ancestor" {
            return self.repository(text);
        }
        if NO_NAMES.contains(&key) {
            return self.text(text);
        }
        if let Some(known) = self.whole(text) {
            return known;
        }
        if COMPOUND.contains(&key) {
            let parts = text.split(':').map(|part| self.whole(part).unwrap_or_else(|| self.text(part)));
            return parts.collect::<Vec<_>>().join(":");
        }
        self.text(text)
    }

    /// A path and a query, readable, with variables; `star` is where a route has its `*`.
    pub fn target(&self, target: &str, star: Option<Range<usize>>, is_image: bool) -> String {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = match star
            .and_then(|at| Some((path.get(..at.start)?, path.get(at.clone())?, path.get(at.end..)?)))
        {
            Some((before, star, after)) => {
                let decoded = decode(star);
                let value = match is_image {
                    true => self.repository(&decoded),
                    false => self.whole(&decoded).unwrap_or_else(|| self.text(&decoded)),
                };
                // A name that has to be escaped in a path is left alone.
                let kept =
                    if value == decoded { star.replace("%3A", ":").replace("%3a", ":") } else { value };
                format!("{before}{kept}{after}")
            }
            None => path.to_owned(),
        };
        let path = path.replace(DOLLAR, "%24");
        let Some(query) = query else { return path };
        let pairs: Vec<String> = query.split('&').map(|pair| self.pair(pair)).collect();
        format!("{path}?{}", pairs.join("&"))
    }

    fn pair(&self, pair: &str) -> String {
        let Some((key, value)) = pair.split_once('=') else { return pair.to_owned() };
        let decoded = decode(value);
        let with_variables = match (decode(key).as_str(), serde_json::from_str::<Value>(&decoded)) {
            (_, Ok(json @ (Value::Object(_) | Value::Array(_)))) => self.json(json).to_string(),
            ("t" | "repo" | "fromImage" | "Image", _) => self.repository(&decoded),
            _ => self.whole(&decoded).unwrap_or_else(|| self.text(&decoded)),
        };
        format!("{key}={}", readable(&with_variables))
    }
}

/// A value of a query with as few escapes as can be: those that the runner does not add.
fn readable(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '%' | '&' | '+' | '#' | ';' | '\0'..='\x1f' | '\x7f' => {
                text.push_str(&format!("%{:02X}", letter as u32))
            }
            letter if DOLLAR.starts_with(letter) => text.push_str("%24"),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        Table {
            ids: vec![
                pair(&"ab".repeat(32), "cid"),
                pair(&format!("sha256:{}", "cd".repeat(32)), "image-id"),
            ],
            names: BTreeMap::from([
                pair("web", "${name:web}"),
                pair("cat", "${name:cat}"),
                pair("my/app", "${name:app}"),
            ]),
            images: BTreeMap::from([pair("busybox:latest", "busybox")]),
        }
    }

    #[test]
    fn targets_are_readable_and_have_variables() {
        let id = "ab".repeat(32);
        let table_of = [
            (format!("/containers/{id}/json"), Some(id.clone()), false, "/containers/${cid}/json"),
            (
                format!("/containers/{}/json", &id[..12]),
                Some(id[..12].to_owned()),
                false,
                "/containers/${cid}/json",
            ),
            (
                "/containers/web/json?size=1".to_owned(),
                Some("web".to_owned()),
                false,
                "/containers/${name:web}/json?size=1",
            ),
            (
                "/images/busybox/json".to_owned(),
                Some("busybox".to_owned()),
                true,
                "/images/${image:busybox}/json",
            ),
            (
                "/images/my/app:v1/json".to_owned(),
                Some("my/app:v1".to_owned()),
                true,
                "/images/${name:app}:v1/json",
            ),
            ("/images/other%3Av1".to_owned(), Some("other%3Av1".to_owned()), true, "/images/other:v1"),
            (
                format!("/events?filters=%7B%22container%22%3A%7B%22{id}%22%3Atrue%7D%7D&since=1+2%26"),
                None,
                false,
                r#"/events?filters={"container":{"${cid}":true}}&since=1 2%26"#,
            ),
            (
                "/build?t=my%2Fapp%3Av2&buildargs=%7B%22a%22%3A%22%24%7Bx%7D%22%7D".to_owned(),
                None,
                false,
                r#"/build?t=${name:app}:v2&buildargs={"a":"%24{x}"}"#,
            ),
            (
                "/containers/create?name=web&x".to_owned(),
                None,
                false,
                "/containers/create?name=${name:web}&x",
            ),
        ];
        for (target, star, is_image, expected) in table_of {
            let at = star.map(|star| {
                let start = target.find(&format!("/{star}")).unwrap() + 1;
                start..start + star.len()
            });
            assert_eq!(table().target(&target, at, is_image), expected);
        }
    }

    #[test]
    fn json_has_variables_where_names_stand() {
        let id = "ab".repeat(32);
        let table_of = [
            (
                r#"{"Image":"busybox","Cmd":["cat","cat","busybox"]}"#.to_owned(),
                r#"{"Image":"${image:busybox}","Cmd":["cat","${name:cat}","busybox"]}"#,
            ),
            (
                r#"{"NetworkMode":"container:web","Binds":["web:/data:ro","/x:/y"]}"#.to_owned(),
                r#"{"NetworkMode":"container:${name:web}","Binds":["${name:web}:/data:ro","/x:/y"]}"#,
            ),
            (
                r#"{"EndpointsConfig":{"web":{"Aliases":["web"]}},"Driver":"web"}"#.to_owned(),
                r#"{"EndpointsConfig":{"${name:web}":{"Aliases":["${name:web}"]}},"Driver":"web"}"#,
            ),
            (
                format!(r#"{{"Env":["A=${{B}} {id}","X=web"],"Container":"{id}"}}"#),
                "{\"Env\":[\"A=\u{e000}{B} ${cid}\",\"X=web\"],\"Container\":\"${cid}\"}",
            ),
            (
                format!(r#"{{"Image":"sha256:{}","N":1.50}}"#, "cd".repeat(32)),
                r#"{"Image":"${image-id}","N":1.50}"#,
            ),
        ];
        for (json, expected) in table_of {
            assert_eq!(table().json(serde_json::from_str(&json).unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn ids_are_told_from_other_words() {
        let id = "0123456789ab".repeat(3);
        let text = format!("{id} sha256:{id} abc deadbeef x{id} {id}.");
        assert_eq!(ids_in(&text), [id.clone(), format!("sha256:{id}"), id.clone()]);
        assert!(is_same_id(&id, &id[..12]) && !is_same_id(&id, "0123456789ac"));
    }
}
