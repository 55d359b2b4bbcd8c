//! What a case makes on an engine: foreseen from its requests, known from their answers. Decides
//! what may be removed afterwards; removes nothing itself.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::ledger::Thing;
use super::own_images::is_named_by;
use super::perform::{answered_json, answered_text};
use super::plan::{Act, Plan, route_of};
use super::typed;
use crate::engine::target::{parameter, parameters};
use crate::exchange::{Exchange, Sent};
use crate::route::Route;

/// What a case has made or may have made.
#[derive(Debug)]
pub struct Made {
    tag: String,
    /// Ids and names to be removed, in the order in which they were made.
    pub things: Vec<(Thing, String)>,
    /// Requests that make something and whose answer has not been read, by kind.
    pub unanswered: Vec<Thing>,
    /// The ids of the images that were there before, once they are known.
    pub images_before: Option<BTreeSet<String>>,
}

/// The kinds of images' requests, whose answers tell ids that may be older than the case.
const MAKES_IMAGES: [&str; 4] = ["POST /commit", "POST /build", "POST /images/create", "POST /images/load"];

impl Made {
    /// Nothing yet.
    pub fn new(tag: &str) -> Made {
        Made { tag: tag.to_owned(), things: Vec::new(), unanswered: Vec::new(), images_before: None }
    }

    /// What a step may be about to make, for the ledger: names of the run's own, or an empty name
    /// where only the label will tell.
    pub fn expect(&mut self, plan: &Plan) -> Vec<(Thing, String)> {
        let expected = match &plan.act {
            Act::Cli(typed) => self.of_command(&typed.words),
            act => self.of_request(plan, act.sent()),
        };
        let known = expected.iter().filter(|(_, name)| !name.is_empty()).cloned();
        let new: Vec<_> = known.filter(|thing| !self.things.contains(thing)).collect();
        self.things.extend(new);
        expected
    }

    /// The label tells what a command made: its output is not read for that, but for images.
    fn of_command(&mut self, words: &[String]) -> Vec<(Thing, String)> {
        let kind = typed::makes(words);
        self.unanswered.extend(kind);
        let labelled = kind.map(|kind| (kind, String::new()));
        labelled.into_iter().chain(typed::names(words, &self.tag)).collect()
    }

    fn of_request(&mut self, plan: &Plan, sent: &Sent) -> Vec<(Thing, String)> {
        let route = route_of(&sent.method, &sent.target);
        let route = route.as_ref().map_or("", Route::as_str);
        let named = |thing: Thing, names: &[String]| {
            let names = if names.is_empty() { [String::new()].to_vec() } else { names.to_vec() };
            names.into_iter().map(|name| (thing, name)).collect::<Vec<_>>()
        };
        let expected = match route {
            "POST /containers/create" => {
                let volumes = plan.body_names.iter().map(|name| (Thing::Volume, name.clone()));
                named(Thing::Container, &plan.target_names).into_iter().chain(volumes).collect()
            }
            // Up to API 1.23 a start may bring a host configuration with volumes.
            "POST /containers/*/start" => {
                plan.body_names.iter().map(|name| (Thing::Volume, name.clone())).collect()
            }
            "POST /networks/create" => named(Thing::Network, &plan.body_names),
            "POST /volumes/create" => named(Thing::Volume, &plan.body_names),
            // What has no name is told by its label, and by what the engine says while it makes it.
            route if MAKES_IMAGES.contains(&route) => named(Thing::Image, &self.image_names(route, sent)),
            _ => self.image_names(route, sent).into_iter().map(|name| (Thing::Image, name)).collect(),
        };
        self.unanswered.extend(making(route));
        if matches!(plan.act, Act::Poll(..)) {
            // Only the last of several answers is read.
            self.unanswered.extend(making(route));
        }
        expected
    }

    /// Whether the images of the engine have to be looked at before this step is sent.
    pub fn must_see_images(&self, plan: &Plan) -> bool {
        let tells_images = match &plan.act {
            Act::Cli(typed) => typed::tells_images(&typed.words),
            _ => makes_images(plan.act.sent()),
        };
        self.images_before.is_none() && tells_images
    }

    /// The names of the run's own that a request gives to images, with their tag.
    fn image_names(&self, route: &str, sent: &Sent) -> Vec<String> {
        let target = &sent.target;
        let tagged = |repo: &str| match parameter(target, "tag").filter(|tag| !tag.is_empty()) {
            Some(tag) => format!("{repo}:{tag}"),
            None => repo.to_owned(),
        };
        let mut names = match route {
            "POST /images/*/tag" | "POST /commit" => parameters(target, "repo"),
            "POST /images/create" => [parameters(target, "repo"), parameters(target, "fromImage")].concat(),
            "POST /build" => return self.own(parameters(target, "t")).collect(),
            _ => Vec::new(),
        };
        names = names.iter().map(|repo| tagged(repo)).collect();
        self.own(names).collect()
    }

    fn own(&self, names: Vec<String>) -> impl Iterator<Item = String> {
        names.into_iter().filter(|name| is_named_by(name, &self.tag))
    }

    /// Learns from what has come of an answer, of the images that it tells of; returns as
    /// [`Made::learn`].
    pub fn overhear(&mut self, sent: &Sent, body: &[u8]) -> Vec<(Thing, String)> {
        let route = route_of(&sent.method, &sent.target);
        let found = route.map_or(Vec::new(), |route| self.images(route.as_str(), body));
        let new: Vec<_> = found.into_iter().filter(|thing| !self.things.contains(thing)).collect();
        self.things.extend(new.clone());
        new
    }

    /// Learns from an answer; returns what is new and not yet in the ledger.
    pub fn learn(&mut self, exchange: &Exchange) -> Vec<(Thing, String)> {
        if let Some(printed) = &exchange.printed {
            let lines = printed.stdout.lossy();
            let found = self.told(lines.lines().map(str::to_owned));
            return self.keep(found);
        }
        let route = exchange.route.as_ref().map_or("", Route::as_str);
        let Some(kind) = making(route) else { return Vec::new() };
        let refused = exchange.answer.as_ref().is_some_and(|answer| (400..500).contains(&answer.status));
        let found: Vec<(Thing, String)> = match route {
            "POST /containers/create" => {
                answered_text(exchange, "Id").map(|id| (kind, id)).into_iter().collect()
            }
            "POST /networks/create" => {
                answered_text(exchange, "Id").map(|id| (kind, id)).into_iter().collect()
            }
            "POST /volumes/create" => self.volume(exchange).map(|name| (kind, name)).into_iter().collect(),
            _ => exchange.answer.iter().flat_map(|answer| self.images(route, &answer.body.0)).collect(),
        };
        let whole = exchange.failure.is_none() && exchange.answer.is_some();
        if (refused || !found.is_empty() || (kind == Thing::Image && whole))
            && let Some(at) = self.unanswered.iter().position(|thing| *thing == kind)
        {
            self.unanswered.remove(at);
        }
        if kind == Thing::Container && (refused || !found.is_empty()) {
            // The id says it better than the name: a container can be renamed.
            let name = parameter(&exchange.sent.target, "name");
            self.things.retain(|(thing, its_name)| *thing != kind || Some(its_name) != name.as_ref());
        }
        self.keep(found)
    }

    /// Remembers what is new, and tells it.
    fn keep(&mut self, found: Vec<(Thing, String)>) -> Vec<(Thing, String)> {
        let new: Vec<_> = found.into_iter().filter(|thing| !self.things.contains(thing)).collect();
        self.things.extend(new.clone());
        new
    }

    /// A volume of that name may have been there before: then the answer shows it without the
    /// label, and it is not the case's to remove.
    fn volume(&self, exchange: &Exchange) -> Option<String> {
        let name = answered_text(exchange, "Name")?;
        let answer = answered_json(exchange)?;
        let asked: Option<Value> = serde_json::from_slice(&exchange.sent.body.0).ok();
        let unnamed = asked.is_some_and(|asked| asked.get("Name").is_none_or(|name| name == ""));
        let mut labels = answer["Labels"].as_object().into_iter().flat_map(|labels| labels.values());
        let labelled = labels.any(|value| *value == self.tag.as_str());
        (unnamed || labelled || name.starts_with(&format!("{}-", self.tag))).then_some(name)
    }

    fn images(&self, route: &str, body: &[u8]) -> Vec<(Thing, String)> {
        if !MAKES_IMAGES.contains(&route) {
            return Vec::new();
        }
        self.told(texts(body).into_iter())
    }

    /// The images, and the containers of a broken-off build, that texts tell of.
    fn told(&self, texts: impl Iterator<Item = String>) -> Vec<(Thing, String)> {
        static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
            let text =
                r"(?:^sha256:|---> |Successfully built |Loaded image ID: sha256:)([0-9a-f]{12,64})\s*$";
            Regex::new(text).expect("a constant pattern")
        });
        static CONTAINER: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"---> Running in ([0-9a-f]{12,64})\s*$").expect("a constant pattern")
        });
        let mut found = Vec::new();
        for text in texts {
            if let Some(id) = CONTAINER.captures(&text) {
                found.push((Thing::Container, id[1].to_owned()));
            } else if let Some(id) = IMAGE.captures(&text)
                && self.is_new_image(&id[1])
            {
                found.push((Thing::Image, id[1].to_owned()));
            }
        }
        found
    }

    fn is_new_image(&self, id: &str) -> bool {
        let starts = |before: &String| before.strip_prefix("sha256:").unwrap_or(before).starts_with(id);
        self.images_before.as_ref().is_some_and(|before| !before.iter().any(starts))
    }
}

/// Whether a request makes images, of which only its answer tells.
pub fn makes_images(sent: &Sent) -> bool {
    route_of(&sent.method, &sent.target).is_some_and(|route| MAKES_IMAGES.contains(&route.as_str()))
}

/// What a route makes.
fn making(route: &str) -> Option<Thing> {
    match route {
        "POST /containers/create" => Some(Thing::Container),
        "POST /networks/create" => Some(Thing::Network),
        "POST /volumes/create" => Some(Thing::Volume),
        route if MAKES_IMAGES.contains(&route) => Some(Thing::Image),
        _ => None,
    }
}

/// The texts in an answer that tell ids: progress messages, and the id of a commit.
fn texts(body: &[u8]) -> Vec<String> {
    let messages = serde_json::Deserializer::from_slice(body).into_iter::<Value>().map_while(Result::ok);
    let places = ["/stream", "/status", "/aux/ID", "/Id"];
    let texts = messages.flat_map(|message| {
        let found = places.map(|place| message.pointer(place).and_then(Value::as_str).map(str::to_owned));
        found.into_iter().flatten().collect::<Vec<_>>()
    });
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Answer, Bytes};

    fn exchange(request: &str, sent: &str, status: u16, body: &str) -> Exchange {
        let (method, target) = request.split_once(' ').unwrap();
        let answer = Answer {
            status,
            reason: String::new(),
            headers: Vec::new(),
            body: Bytes(body.into()),
            end: None,
        };
        Exchange {
            part: String::new(),
            route: route_of(method, target),
            sent: Sent {
                method: method.to_owned(),
                target: target.to_owned(),
                headers: Vec::new(),
                body: Bytes(sent.into()),
            },
            answer: Some(answer),
            printed: None,
            failure: None,
            millis: vec![1.0],
        }
    }

    #[test]
    fn only_what_the_case_made_is_learned() {
        let build = r#"{"stream":" ---\u003e aaaaaaaaaaaa\n"}
            {"stream":" ---\u003e Running in cccccccccccc\n"}{"stream":" ---\u003e bbbbbbbbbbbb\n"}"#;
        let load = r#"{"stream":"Loaded image ID: sha256:aaaaaaaaaaaa\n"}"#;
        let (container, image, volume) = (Thing::Container, Thing::Image, Thing::Volume);
        let table = [
            ("POST /v1.24/containers/create", "{}", 201, r#"{"Id":"abc"}"#, vec![(container, "abc")]),
            ("POST /v1.24/containers/create", "{}", 409, r#"{"message":"x"}"#, vec![]),
            ("POST /v1.24/containers/abc/start", "{}", 204, "", vec![]),
            (
                "POST /v1.24/volumes/create",
                r#"{"Name":"old"}"#,
                201,
                r#"{"Name":"old","Labels":null}"#,
                vec![],
            ),
            (
                "POST /v1.24/volumes/create",
                r#"{"Name":"t-x"}"#,
                201,
                r#"{"Name":"t-x"}"#,
                vec![(volume, "t-x")],
            ),
            ("POST /v1.24/volumes/create", "{}", 201, r#"{"Name":"0f"}"#, vec![(volume, "0f")]),
            ("POST /v1.24/build", "", 200, build, vec![(container, "cccccccccccc"), (image, "bbbbbbbbbbbb")]),
            ("POST /v1.24/images/load", "", 200, load, vec![]),
            ("POST /v1.24/commit", "", 201, r#"{"Id":"sha256:dddddddddddd"}"#, vec![(image, "dddddddddddd")]),
        ];
        for (request, sent, status, body, expected) in table {
            let mut made = Made::new("t");
            made.images_before = Some(BTreeSet::from(["sha256:aaaaaaaaaaaa11".to_owned()]));
            let learned = made.learn(&exchange(request, sent, status, body));
            let expected: Vec<_> =
                expected.into_iter().map(|(thing, name)| (thing, name.to_owned())).collect();
            assert_eq!(learned, expected, "{request}");
        }
    }

    #[test]
    fn an_image_whose_predecessors_are_unknown_stays() {
        let commit = exchange("POST /v1.24/commit", "", 201, r#"{"Id":"sha256:dddddddddddd"}"#);
        assert_eq!(Made::new("t").learn(&commit), []);
    }

    #[test]
    fn own_names_of_images_are_told_from_others() {
        let made = Made::new("dv-1-2r");
        let sent = |target: &str| exchange(&format!("POST {target}"), "", 200, "").sent;
        let table = [
            ("POST /images/*/tag", "/images/x/tag?repo=dv-1-2r-y&tag=v1", vec!["dv-1-2r-y:v1"]),
            (
                "POST /images/*/tag",
                "/images/x/tag?repo=localhost:5000/dv-1-2r-y",
                vec!["localhost:5000/dv-1-2r-y"],
            ),
            ("POST /images/*/tag", "/images/x/tag?repo=dv-1-2rr", vec![]),
            ("POST /build", "/build?t=dv-1-2r:a&t=other", vec!["dv-1-2r:a"]),
            ("POST /build", "/build?t=dv-1-2r:bad%20tag", vec!["dv-1-2r:bad tag"]),
            ("POST /images/create", "/images/create?fromImage=busybox&tag=latest", vec![]),
        ];
        for (route, target, expected) in table {
            assert_eq!(made.image_names(route, &sent(target)), expected, "{target}");
        }
    }
}
