//! The values of a running case: what templates become on this engine. Knows no connection.

use std::collections::BTreeMap;

use crate::engine::Endpoint;
use crate::exchange::Named;
use crate::scenario::{Part, RUN_LABEL, Template};

/// Captures, names and images of one case on one engine.
#[derive(Debug)]
pub struct Values<'a> {
    tag: &'a str,
    endpoint: &'a Endpoint,
    captured: BTreeMap<String, String>,
    named: Vec<Named>,
}

/// Why a template has no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Nothing was captured under this name.
    Capture(String),
    /// The engine has no such image.
    Image(String),
}

impl<'a> Values<'a> {
    /// The values at the start: the run's tag.
    pub fn new(tag: &'a str, endpoint: &'a Endpoint) -> Values<'a> {
        let run = Named { name: "run".to_owned(), value: tag.to_owned() };
        Values { tag, endpoint, captured: BTreeMap::new(), named: vec![run] }
    }

    /// The text of a template.
    pub fn resolve(&mut self, template: &Template) -> Result<String, Unresolved> {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                // Scenarios call the run's label by its usual name.
                Part::Text(part) if self.endpoint.label != RUN_LABEL => {
                    text.push_str(&part.replace(RUN_LABEL, &self.endpoint.label));
                }
                Part::Text(part) => text.push_str(part),
                Part::Run => text.push_str(self.tag),
                Part::Registry => {
                    text.push_str(&self.endpoint.registry);
                    self.name("registry", self.endpoint.registry.clone());
                }
                Part::Capture(name) => {
                    let value = self.captured.get(name).ok_or_else(|| Unresolved::Capture(name.clone()))?;
                    text.push_str(value);
                }
                Part::Name(name) => {
                    let value = format!("{}-{name}", self.tag);
                    text.push_str(&value);
                    self.name(name, value);
                }
                Part::Image(name) => {
                    let value =
                        self.endpoint.images.get(name).ok_or_else(|| Unresolved::Image(name.clone()))?;
                    text.push_str(value);
                    self.name(&format!("image:{name}"), value.clone());
                }
            }
        }
        Ok(text)
    }

    /// The run's own names (`${name:x}`) in a template, as they are on this engine.
    pub fn own_names(&self, template: &Template) -> Vec<String> {
        let name = |part: &Part| match part {
            Part::Name(name) => Some(format!("{}-{name}", self.tag)),
            Part::Text(_) | Part::Capture(_) | Part::Image(_) | Part::Run | Part::Registry => None,
        };
        template.0.iter().filter_map(name).collect()
    }

    /// Keeps a value for later steps; it also gets its name.
    pub fn capture(&mut self, name: &str, value: String) {
        self.captured.insert(name.to_owned(), value.clone());
        self.name(name, value);
    }

    /// Gives a value a name, without keeping it for later steps.
    pub fn name(&mut self, name: &str, value: String) {
        let named = Named { name: name.to_owned(), value };
        if !self.named.contains(&named) {
            self.named.push(named);
        }
    }

    /// Every named value, in the order in which they became known.
    pub fn into_named(self) -> Vec<Named> {
        self.named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::address::Address;

    #[test]
    fn templates_become_text_and_their_values_are_named() {
        let images = BTreeMap::from([("busybox".to_owned(), "divergence-1-busybox".to_owned())]);
        let mut endpoint = Endpoint::new(Address::Unix("/x.sock".into()));
        endpoint.images = images;
        let mut values = Values::new("dv-1-2r", &endpoint);
        values.capture("cid", "abc".to_owned());
        let table = [
            ("/containers/${cid}/json", Ok("/containers/abc/json")),
            ("${name:web}.${run}", Ok("dv-1-2r-web.dv-1-2r")),
            ("${image:busybox}", Ok("divergence-1-busybox")),
            ("/images/${registry}/x/push", Ok("/images/127.0.0.1:5000/x/push")),
            ("${nothing}", Err(Unresolved::Capture("nothing".to_owned()))),
            ("${image:nothing}", Err(Unresolved::Image("nothing".to_owned()))),
        ];
        for (text, expected) in table {
            let found = values.resolve(&Template::parse(text).unwrap());
            assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{text}");
        }
        let named: Vec<_> = values.into_named().into_iter().map(|named| (named.name, named.value)).collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("run", "dv-1-2r"),
            pair("cid", "abc"),
            pair("web", "dv-1-2r-web"),
            pair("image:busybox", "divergence-1-busybox"),
            pair("registry", "127.0.0.1:5000"),
        ];
        assert_eq!(named, expected);
    }
}
