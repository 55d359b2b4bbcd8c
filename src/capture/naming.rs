//! Which values of a capture get which variables: names that the client chose, values that an
//! answer gave first, and what was there before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::infer::{Ask, Part};
use super::polls::leaves;
use super::values::{Table, ids_in, is_same_id};
use crate::engine::target::{decode, parameter, parameters};
use crate::pointer::Pointer;

/// Networks that every Docker has.
const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "default"];

/// What was learned.
pub struct Learned {
    /// What stands for which value.
    pub table: Table,
    /// What each part gives for later ones: variable and pointer.
    pub captures: BTreeMap<usize, Vec<(String, String)>>,
    /// Names of containers that the engine gave and events tell: each differs from run to run.
    pub names: BTreeMap<usize, Vec<(String, String)>>,
}

/// Learns from the parts of a capture in their order.
pub fn learn(parts: &[Part], images: &BTreeMap<String, String>, notes: &mut Vec<String>) -> Learned {
    let table = Table { images: images.clone(), ..Table::default() };
    let mut learner = Learner {
        parts,
        learned: Learned { table, captures: BTreeMap::new(), names: BTreeMap::new() },
        variables: BTreeSet::new(),
        notes,
    };
    for part in parts {
        for name in own_names(part) {
            learner.own(&name);
        }
    }
    for at in 0..parts.len() {
        learner.ids(at);
        learner.star(at);
    }
    learner.given_names();
    learner.unknown_images();
    learner.learned
}

struct Learner<'a> {
    parts: &'a [Part],
    learned: Learned,
    /// The names of variables that are taken.
    variables: BTreeSet<String>,
    notes: &'a mut Vec<String>,
}

impl Learner<'_> {
    /// A name that the client chose; of an image on a registry, only the last word is its own.
    fn own(&mut self, name: &str) {
        if name.is_empty() || PREDEFINED.contains(&name) || self.learned.table.names.contains_key(name) {
            return;
        }
        let host = name
            .rsplit_once('/')
            .filter(|(host, _)| host.split('/').next().is_some_and(|first| first.contains(['.', ':'])));
        let (before, last) = host.map_or((String::new(), name), |(host, last)| (format!("{host}/"), last));
        let variable = self.variable(last);
        self.learned.table.names.insert(name.to_owned(), format!("{before}${{name:{variable}}}"));
    }

    /// A variable of about this name that is not taken.
    fn variable(&mut self, wanted: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        let word: String = wanted.chars().map(plain).take(40).collect();
        let word = match word.as_str() {
            "" | "run" | "name" | "image" | "registry" => format!("{word}-it").trim_matches('-').to_owned(),
            _ => word,
        };
        let numbered = (2..).map(|number| format!("{word}-{number}"));
        let free = std::iter::once(word.clone()).chain(numbered).find(|name| !self.variables.contains(name));
        let free = free.unwrap_or(word);
        self.variables.insert(free.clone());
        free
    }

    /// Ids that a request names, and the answers that gave them.
    fn ids(&mut self, at: usize) {
        let part = &self.parts[at];
        let text =
            format!("{} {}", decode(&part.ask.target), String::from_utf8_lossy(&part.seen.asked.bytes));
        for id in ids_in(&text) {
            if self.learned.table.id(&id).is_some() || self.learned.table.names.contains_key(&id) {
                continue;
            }
            if let Some((giver, place, value)) = self.given(at, |text| is_same_id(text, &id)) {
                let variable = self.capture(giver, &place);
                if value.len() > id.len() && !id.starts_with("sha256:") && !value.starts_with("sha256:") {
                    self.notes.push(format!(
                        "the client wrote {id} for ${{{variable}}}, of which it is the beginning"
                    ));
                }
                self.learned.table.ids.push((value, variable));
            }
        }
    }

    /// The name in the path, if no request chose it.
    fn star(&mut self, at: usize) {
        let part = &self.parts[at];
        let Some(star) = part.ask.star().map(decode) else { return };
        let (method, table) = (part.seen.sent.method.as_str(), &self.learned.table);
        let thing = part.ask.target.split('/').nth(1).unwrap_or_default();
        let is_image = thing == "images";
        let repository =
            star.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(star.as_str(), |(it, _)| it);
        let is_known = table.whole(&star).is_some()
            || (is_image && (table.image(&star).is_some() || table.names.contains_key(repository)))
            || (thing == "networks" && PREDEFINED.contains(&star.as_str()));
        let is_foreign = match thing {
            "containers" | "exec" | "networks" | "volumes" => true,
            // Others' images are looked at and nothing more.
            "images" => method == "DELETE",
            _ => false,
        };
        if is_known {
            return;
        }
        if let Some((giver, place, _)) = self.given(at, |text| text == star) {
            let variable = self.capture(giver, &place);
            self.learned.table.names.insert(star, format!("${{{variable}}}"));
            return;
        }
        if let Some((giver, place, _)) = self.given(at, |text| text.strip_prefix('/') == Some(&star))
            && let Some((place, id)) = beside(&self.parts[giver].document, &place)
        {
            let variable = match self.learned.table.ids.iter().find(|(known, _)| *known == id) {
                Some((_, variable)) => variable.clone(),
                None => self.capture(giver, &place),
            };
            self.notes.push(format!("the client wrote {star}, the name that the engine gave, where the scenario has ${{{variable}}}"));
            self.learned.table.names.insert(star, format!("${{{variable}}}"));
            self.learned.table.ids.push((id, variable));
            return;
        }
        if is_foreign {
            let name = if is_image { repository.to_owned() } else { star };
            let variable = self.variable(if ids_in(&name).is_empty() { &name } else { "unknown" });
            self.notes.push(format!(
                "{name} was there before: the scenario says ${{name:{variable}}}, which nobody has, so that a run touches nothing of others"
            ));
            self.learned.table.names.insert(name, format!("${{name:{variable}}}"));
        }
    }

    /// The first answer before a request that has a value, and its nearest place there. What the
    /// lists of a whole host show may be anybody's.
    fn given(&self, at: usize, is_it: impl Fn(&str) -> bool) -> Option<(usize, Pointer, String)> {
        let asking = &self.parts[at].seen;
        let before = self.parts[..at].iter().enumerate();
        let mut before = before.filter(|(_, part)| part.seen.is_before(asking) && !part.ask.is_whole_host());
        before.find_map(|(giver, part)| {
            let mut places = Vec::new();
            leaves(&part.document, &Pointer::root(), &mut places);
            let in_body = |at: &Pointer| {
                at.segments().first().is_some_and(|first| first == "body" || first == "messages")
            };
            let found = places.into_iter().filter(in_body).filter_map(|at| {
                let text = at.find(&part.document)?.as_str().filter(|text| is_it(text))?.to_owned();
                Some((at, text))
            });
            // The same value stands below `body` and `messages`: `body` sorts first.
            let (place, text) = found.min_by_key(|(at, _)| (at.segments().len(), at.to_string()))?;
            Some((giver, place, text))
        })
    }

    /// A variable for a place of an answer.
    fn capture(&mut self, giver: usize, place: &Pointer) -> String {
        let place = place.to_string();
        if let Some((known, _)) =
            self.learned.captures.get(&giver).and_then(|all| all.iter().find(|(_, at)| *at == place))
        {
            return known.clone();
        }
        let last = place.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let wanted = match (self.parts[giver].ask.route(), last.as_str()) {
            ("POST /containers/create" | "GET /containers/*/json", "id") => "cid",
            ("POST /containers/*/exec", "id") => "exec",
            ("POST /networks/create" | "GET /networks/*" | "GET /networks", "id") => "network",
            ("POST /volumes/create", "name") => "volume",
            ("POST /commit" | "GET /images/*/json" | "POST /build", "id") | (_, "image") => "image-id",
            (_, last) => last,
        };
        let variable = self.variable(wanted);
        self.learned.captures.entry(giver).or_default().push((variable.clone(), place));
        variable
    }

    /// Names that the engine gave to containers, in the events that tell of them.
    fn given_names(&mut self) {
        let mut given = BTreeSet::new();
        for (at, part) in self.parts.iter().enumerate().filter(|(_, part)| part.ask.route() == "GET /events")
        {
            let mut places = Vec::new();
            leaves(&part.document, &Pointer::root(), &mut places);
            let places = places.into_iter().map(|place| place.to_string());
            for place in places
                .filter(|place| place.starts_with("/messages/") && place.ends_with("/Actor/Attributes/name"))
            {
                let name = part.document.pointer(&place).and_then(Value::as_str).unwrap_or_default();
                let is_given = name.split_once('_').is_some_and(|(one, other)| {
                    let is_word = |word: &str| {
                        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                    };
                    is_word(one) && is_word(other)
                });
                if is_given && !self.learned.table.names.contains_key(name) && given.insert(name.to_owned()) {
                    let variable = self.variable("given-name");
                    self.learned.names.entry(at).or_default().push((variable, place));
                }
            }
        }
    }

    /// Images of created containers that a run cannot bring along.
    fn unknown_images(&mut self) {
        let mut unknown = BTreeSet::new();
        for part in self.parts.iter().filter(|part| part.ask.route() == "POST /containers/create") {
            let asked: Value = serde_json::from_slice(&part.seen.asked.bytes).unwrap_or_default();
            let Some(image) = asked.get("Image").and_then(Value::as_str) else { continue };
            let table = &self.learned.table;
            let is_own = table.names.contains_key(image.split(':').next().unwrap_or_default());
            if table.image(image).is_none() && table.id(image).is_none() && !is_own {
                unknown.insert(image.to_owned());
            }
        }
        self.notes.extend(unknown.into_iter().map(|image| {
            format!("both engines need the image {image}, which is none of fixtures/images; --image NAME={image} says which one stands for it")
        }));
    }
}

/// The id beside a name: of the object that holds it, or that holds the list of it.
fn beside(document: &Value, place: &Pointer) -> Option<(Pointer, String)> {
    let segments = place.segments();
    (1..=2).filter(|up| *up < segments.len()).find_map(|up| {
        let place: Pointer =
            segments[..segments.len() - up].iter().cloned().chain(["Id".to_owned()]).collect();
        let id = place.find(document)?.as_str()?.to_owned();
        Some((place, id))
    })
}

/// The names that a request chooses.
fn own_names(part: &Part) -> Vec<String> {
    let Ask { target, .. } = &part.ask;
    let json = || serde_json::from_slice::<Value>(&part.seen.asked.bytes).unwrap_or_default();
    let without_tag = |name: String| match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository.to_owned(),
        _ => name,
    };
    match part.ask.route() {
        "POST /containers/create" => {
            let name = parameter(target, "name").map(|name| name.trim_start_matches('/').to_owned());
            name.into_iter().chain(volumes(&json()["HostConfig"])).collect()
        }
        "POST /containers/*/rename" => parameter(target, "name").into_iter().collect(),
        "POST /networks/create" | "POST /volumes/create" => {
            json()["Name"].as_str().map(str::to_owned).into_iter().collect()
        }
        "POST /build" => parameters(target, "t").into_iter().map(without_tag).collect(),
        "POST /commit" | "POST /images/*/tag" => {
            parameter(target, "repo").map(without_tag).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The volumes that a container names, which are made with it.
fn volumes(host: &Value) -> Vec<String> {
    let list = |key: &str| host[key].as_array().cloned().unwrap_or_default();
    let binds = list("Binds").into_iter().filter_map(|bind| {
        let source = bind.as_str()?.split_once(':')?.0.to_owned();
        Some(source)
    });
    let mounts = list("Mounts").into_iter().filter(|mount| mount["Type"] == "volume");
    let mounts = mounts.filter_map(|mount| mount["Source"].as_str().map(str::to_owned));
    // A volume without a name of its own has the id that the engine gave it.
    binds.chain(mounts).filter(|name| !name.starts_with('/') && ids_in(name).is_empty()).collect()
}
