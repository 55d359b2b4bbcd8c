//! What a step sends, with all its variables filled in. Reads fixtures, sends nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::archive::Archive;
use super::label::{labelled_body, labelled_build};
use super::typed::labelled;
use super::values::{Unresolved, Values};
use super::{Deadlines, RunError};
use crate::engine::Endpoint;
use crate::engine::command::{DOCKER, Typed, environment, quoted};
use crate::engine::connection::{Reading, Talk};
use crate::engine::target::encode;
use crate::engine::wire::usual_headers;
use crate::exchange::{Bytes, Sent};
use crate::route::Route;
use crate::scenario::{Action, Body, Cli, Exec, Request, Step, StepId, Stream, TarContent, TarEntry, Until};
use crate::version::Version;

/// A step that can be sent.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done.
    pub act: Act,
    /// The run's own names in the target.
    pub target_names: Vec<String>,
    /// The run's own names in the body.
    pub body_names: Vec<String>,
}

/// What is done, with final texts and deadlines.
#[derive(Clone, Debug)]
pub enum Act {
    /// A request through the HTTP library.
    Request(Sent, Duration),
    /// A request that is repeated until a value is there.
    Poll(Sent, Until, Duration),
    /// Exactly these bytes.
    Raw(Sent, Duration),
    /// A stream.
    Stream(Sent, Talk),
    /// An exec.
    Exec(ExecPlan),
    /// A command for the docker CLI.
    Cli(Typed),
}

/// An exec that can be created.
#[derive(Clone, Debug)]
pub struct ExecPlan {
    /// The request that creates it.
    pub create: Sent,
    /// `/v1.24`.
    pub prefix: String,
    /// The headers of requests with a JSON body.
    pub headers: Vec<(String, String)>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// How the started exec is read.
    pub talk: Talk,
    /// The deadline of its requests.
    pub limit: Duration,
}

impl ExecPlan {
    /// The request that starts the exec of this id.
    pub fn start(&self, id: &str) -> Sent {
        let mut headers = self.headers.clone();
        headers.extend(upgrade_headers());
        Sent {
            method: "POST".to_owned(),
            target: encode(&format!("{}/exec/{id}/start", self.prefix)),
            headers,
            body: Bytes(format!("{{\"Detach\":false,\"Tty\":{}}}", self.tty).into_bytes()),
        }
    }

    /// The request that inspects it.
    pub fn inspect(&self, id: &str) -> Sent {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| name != "Content-Type");
        let target = encode(&format!("{}/exec/{id}/json", self.prefix));
        Sent { method: "GET".to_owned(), target, headers, body: Bytes::default() }
    }
}

impl Act {
    /// The request that it begins with.
    pub fn sent(&self) -> &Sent {
        match self {
            Act::Request(sent, _) | Act::Poll(sent, _, _) | Act::Raw(sent, _) | Act::Stream(sent, _) => sent,
            Act::Exec(exec) => &exec.create,
            Act::Cli(typed) => &typed.sent,
        }
    }
}

/// Why there is no plan for a step.
#[derive(Debug)]
pub enum NoPlan {
    /// This capture is missing.
    Missing(String),
    /// A mistake of the run or of its files.
    Broken(RunError),
}

impl From<Unresolved> for NoPlan {
    fn from(unresolved: Unresolved) -> NoPlan {
        match unresolved {
            Unresolved::Capture(name) => NoPlan::Missing(name),
            Unresolved::Image(name) => NoPlan::Broken(RunError::NoImage(name)),
        }
    }
}

impl From<RunError> for NoPlan {
    fn from(error: RunError) -> NoPlan {
        NoPlan::Broken(error)
    }
}

/// What all steps of a case have in common.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'a> {
    /// The version that prefixes requests.
    pub api: &'a Version,
    /// The engine.
    pub endpoint: &'a Endpoint,
    /// The run's tag.
    pub tag: &'a str,
    /// Where fixtures lie.
    pub fixtures: &'a Path,
    /// The deadlines of the run.
    pub deadlines: Deadlines,
    /// The home of commands.
    pub home: &'a Path,
}

impl Planner<'_> {
    /// The plan of a step that sends something; a join does not.
    pub fn plan(&self, step: &Step, values: &mut Values<'_>) -> Result<Plan, NoPlan> {
        let limit = self.endpoint.stretch(self.deadlines.request);
        match &step.action {
            Action::Join(id) => Err(NoPlan::Broken(RunError::NoBackground(id.clone()))),
            Action::Exec(exec) => self.exec(exec, values),
            Action::Stream(stream) => self.stream(stream, values),
            Action::Cli(cli) => self.cli(cli, values),
            Action::Raw(request) => {
                self.with_names(request, Form::Exact, values, |sent| Act::Raw(sent, limit))
            }
            Action::Request(request) => {
                self.with_names(request, Form::Versioned, values, |sent| match &request.until {
                    Some(until) => Act::Poll(sent, self.stretched(until), limit),
                    // Its progress can be watched only on a connection of our own.
                    None if step.background => Act::Raw(sent, limit),
                    None => Act::Request(sent, limit),
                })
            }
        }
    }

    fn stretched(&self, until: &Until) -> Until {
        Until { limit: self.longest(until.limit), ..until.clone() }
    }

    /// A scenario's own limit, no longer than the run allows.
    fn longest(&self, limit: Duration) -> Duration {
        self.endpoint.stretch(limit.min(self.deadlines.until))
    }

    fn with_names(
        &self,
        request: &Request,
        form: Form,
        values: &mut Values<'_>,
        act: impl FnOnce(Sent) -> Act,
    ) -> Result<Plan, NoPlan> {
        Ok(Plan {
            act: act(self.request(request, form, values)?),
            target_names: values.own_names(&request.target),
            body_names: match &request.body {
                Body::Json(text) | Body::Text(text) => values.own_names(text),
                Body::None | Body::File(_) | Body::Tar(_) => Vec::new(),
            },
        })
    }

    fn request(&self, request: &Request, form: Form, values: &mut Values<'_>) -> Result<Sent, NoPlan> {
        let written = values.resolve(&request.target)?;
        let route = route_of(&request.method, &written);
        let route = route.as_ref().map(Route::as_str);
        let target = match (route, request.label) {
            (Some("POST /build"), true) => labelled_build(&written, &self.endpoint.label, self.tag),
            _ => written,
        };
        let target = match form {
            Form::Versioned => encode(&format!("/v{}{target}", self.api)),
            Form::Exact => target,
        };
        let (content_type, mut body) = self.body(&request.body, values)?;
        let creates = ["POST /containers/create", "POST /networks/create", "POST /volumes/create"];
        if request.label
            && route.is_some_and(|route| creates.contains(&route))
            && let Ok(text) = std::str::from_utf8(&body)
        {
            body = labelled_body(text, &self.endpoint.label, self.tag).into_bytes();
        }
        let mut headers = usual_headers(&self.endpoint.address);
        headers.extend(content_type.map(|value| ("Content-Type".to_owned(), value.to_owned())));
        headers.retain(|(name, _)| !request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        for (name, value) in &request.headers {
            headers.push((name.clone(), values.resolve(value)?));
        }
        Ok(Sent { method: request.method.clone(), target, headers, body: Bytes(body) })
    }

    fn body(&self, body: &Body, values: &mut Values<'_>) -> Result<(Option<&'static str>, Vec<u8>), NoPlan> {
        Ok(match body {
            Body::None => (None, Vec::new()),
            Body::Json(text) => (Some("application/json"), values.resolve(text)?.into_bytes()),
            Body::Text(text) => (None, values.resolve(text)?.into_bytes()),
            Body::File(path) => {
                let is_tar = path.ends_with(".tar");
                (is_tar.then_some("application/x-tar"), self.fixture(path)?)
            }
            Body::Tar(entries) => (Some("application/x-tar"), self.tar(entries, values)?),
        })
    }

    fn tar(&self, entries: &[TarEntry], values: &mut Values<'_>) -> Result<Vec<u8>, NoPlan> {
        let mut archive = Archive::default();
        let failed = |source| RunError::Fixture { path: PathBuf::from("a tar body"), source };
        for entry in entries {
            let added = match &entry.content {
                TarContent::Text(text) => {
                    archive.file(&entry.path, entry.mode, values.resolve(text)?.as_bytes())
                }
                TarContent::File(path) => archive.file(&entry.path, entry.mode, &self.fixture(path)?),
                TarContent::Link(target) => archive.link(&entry.path, target),
                TarContent::Directory => archive.directory(&entry.path, entry.mode),
            };
            added.map_err(failed)?;
        }
        Ok(archive.finish().map_err(failed)?)
    }

    fn fixture(&self, path: &str) -> Result<Vec<u8>, RunError> {
        let below = path.strip_prefix("fixtures/").unwrap_or(path);
        let path = self.fixtures.join(below);
        std::fs::read(&path).map_err(|source: io::Error| RunError::Fixture { path, source })
    }

    fn stream(&self, stream: &Stream, values: &mut Values<'_>) -> Result<Plan, NoPlan> {
        let stdin = stream.stdin.as_ref().map(|text| values.resolve(text)).transpose()?;
        let talk = Talk {
            reading: Reading::Stream { frames: stream.until_end.frames },
            stdin: stdin.map(String::into_bytes),
            close_stdin: stream.close_stdin,
            limit: self.longest(stream.until_end.limit),
        };
        self.with_names(&stream.request, Form::Versioned, values, |mut sent| {
            if stream.upgrade {
                sent.headers.extend(upgrade_headers());
            }
            Act::Stream(sent, talk)
        })
    }

    fn cli(&self, cli: &Cli, values: &mut Values<'_>) -> Result<Plan, NoPlan> {
        let words: Result<Vec<String>, Unresolved> =
            cli.words.iter().map(|word| values.resolve(word)).collect();
        let mut words = words?;
        if cli.label {
            words = labelled(words, &self.endpoint.label, self.tag);
        }
        let (_, body) = self.body(&cli.stdin, values)?;
        let told = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let sent = Sent {
            method: DOCKER.to_owned(),
            target: told,
            headers: environment(self.endpoint, self.api),
            body: Bytes(body),
        };
        let typed = Typed {
            program: self.endpoint.docker_cli.clone().unwrap_or_else(|| PathBuf::from(DOCKER)),
            words,
            sent,
            has_stdin: !matches!(cli.stdin, Body::None),
            home: self.home.to_owned(),
            limit: self.longest(cli.limit),
        };
        Ok(Plan { act: Act::Cli(typed), target_names: Vec::new(), body_names: Vec::new() })
    }

    fn exec(&self, exec: &Exec, values: &mut Values<'_>) -> Result<Plan, NoPlan> {
        let container = values.resolve(&exec.container)?;
        let cmd: Result<Vec<String>, Unresolved> = exec.cmd.iter().map(|part| values.resolve(part)).collect();
        let stdin = exec.stdin.as_ref().map(|text| values.resolve(text)).transpose()?;
        let mut body = json!({
            "AttachStdin": stdin.is_some(),
            "AttachStdout": true,
            "AttachStderr": true,
            "Tty": exec.tty,
            "Cmd": cmd?,
        });
        if let Some(user) = &exec.user {
            body["User"] = json!(user);
        }
        let mut headers = usual_headers(&self.endpoint.address);
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        let prefix = format!("/v{}", self.api);
        let create = Sent {
            method: "POST".to_owned(),
            target: encode(&format!("{prefix}/containers/{container}/exec")),
            headers: headers.clone(),
            body: Bytes(body.to_string().into_bytes()),
        };
        let talk = Talk {
            reading: Reading::Stream { frames: None },
            close_stdin: stdin.is_some(),
            stdin: stdin.map(String::into_bytes),
            limit: self.longest(exec.limit),
        };
        let limit = self.endpoint.stretch(self.deadlines.request);
        let act = Act::Exec(ExecPlan { create, prefix, headers, tty: exec.tty, talk, limit });
        Ok(Plan { act, target_names: Vec::new(), body_names: Vec::new() })
    }
}

/// How a target is sent.
#[derive(Clone, Copy)]
enum Form {
    /// With the version prefix, and fit for the wire.
    Versioned,
    /// As the file writes it.
    Exact,
}

/// The headers that ask for the connection itself.
pub fn upgrade_headers() -> [(String, String); 2] {
    [("Connection".to_owned(), "Upgrade".to_owned()), ("Upgrade".to_owned(), "tcp".to_owned())]
}

/// The route of a request with or without a version prefix.
pub fn route_of(method: &str, target: &str) -> Option<Route> {
    let is_version = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let versioned = target.strip_prefix("/v").and_then(|rest| rest.split_once('/'));
    match versioned {
        Some((version, _)) if is_version(version) => Route::of(method, &target[2 + version.len()..]),
        _ => Route::of(method, target),
    }
}

/// The step that captures a value, for those that miss it.
pub fn giver<'s>(steps: &'s [Step], capture: &str) -> Option<&'s StepId> {
    let gives = |step: &&Step| step.capture.iter().any(|(name, _)| name == capture);
    steps.iter().rev().find(gives).map(|step| &step.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::address::Address;

    /// The act of a step with this action, for an engine that is twice as slow as others.
    fn act(action: Action, background: bool) -> Result<Act, NoPlan> {
        let mut endpoint = Endpoint::new(Address::Unix(PathBuf::from("/x.sock")));
        endpoint.timeout_factor = 2.0;
        let deadlines = Deadlines { request: Duration::from_secs(5), until: Duration::from_secs(60) };
        let (capture, names, compare, view) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let id = StepId("step".to_owned());
        let step = Step { id, action, capture, names, compare, view, background, line: 1 };
        let (api, fixtures) = ("1.24".parse().unwrap(), Path::new("fixtures"));
        let home = Path::new("/home");
        let planner = Planner { api: &api, endpoint: &endpoint, tag: "t", fixtures, deadlines, home };
        planner.plan(&step, &mut Values::new("t", &endpoint)).map(|plan| plan.act)
    }

    fn request(method: &str, target: &str, body: Body) -> Request {
        let target = crate::scenario::Template::parse(target).unwrap();
        Request { method: method.to_owned(), target, headers: Vec::new(), body, label: true, until: None }
    }

    fn json(text: &str) -> Body {
        Body::Json(crate::scenario::Template::parse(text).unwrap())
    }

    #[test]
    fn targets_get_their_prefix_and_bodies_their_label() {
        let label = r#"{"Labels":{"divergence.run":"t"}}"#;
        let table = [
            ("GET", "/info?x=a b", Body::None, "/v1.24/info?x=a%20b", ""),
            (
                "POST",
                "/containers/create?name=${name:x}",
                json("{}"),
                "/v1.24/containers/create?name=t-x",
                label,
            ),
            ("POST", "/networks/create", json("{}"), "/v1.24/networks/create", label),
            ("POST", "/containers/x/start", json("{}"), "/v1.24/containers/x/start", "{}"),
            ("POST", "/build", Body::None, "/v1.24/build?labels=%7B%22divergence.run%22%3A%22t%22%7D", ""),
        ];
        for (method, target, body, expected_target, expected_body) in table {
            let act = act(Action::Request(request(method, target, body)), false).unwrap();
            let Act::Request(sent, limit) = act else { panic!("{act:?}") };
            assert_eq!((sent.target.as_str(), sent.body.lossy().as_ref()), (expected_target, expected_body));
            assert_eq!(limit, Duration::from_secs(10));
        }
        let unlabelled = Request { label: false, ..request("POST", "/volumes/create", json("{}")) };
        assert_eq!(act(Action::Request(unlabelled), false).unwrap().sent().body.lossy(), "{}");
        let odd = request("GET", "/vfoo/../a b", Body::None);
        assert_eq!(act(Action::Raw(odd), false).unwrap().sent().target, "/vfoo/../a b");
    }

    #[test]
    fn headers_of_a_scenario_replace_the_usual_ones() {
        let mut own = request("POST", "/x", json("{}"));
        let value = |text: &str| crate::scenario::Template::parse(text).unwrap();
        own.headers =
            vec![("content-type".to_owned(), value("text/${run}")), ("Host".to_owned(), value("h"))];
        let act = act(Action::Request(own), false).unwrap();
        let headers: Vec<_> = act.sent().headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(headers, ["User-Agent", "Accept", "content-type", "Host"]);
        assert_eq!(act.sent().headers[2].1, "text/t");
    }

    #[test]
    fn what_a_step_does_says_how_it_is_sent() {
        let plain = request("GET", "/x", Body::None);
        let at = crate::pointer::Pointer::root();
        let until = Some(Until { at, is: json!(1), limit: Duration::from_secs(100) });
        let polled = Request { until, ..plain.clone() };
        assert!(matches!(act(Action::Request(plain.clone()), true), Ok(Act::Raw(..))));
        let Ok(Act::Poll(_, until, _)) = act(Action::Request(polled), false) else { panic!("no poll") };
        assert_eq!(until.limit, Duration::from_secs(120), "no longer than the run allows");
        let template = |text: &str| crate::scenario::Template::parse(text).unwrap();
        let exec = Exec {
            container: template("c"),
            cmd: vec![template("echo"), template("\"${run}\"")],
            tty: true,
            user: Some("0".to_owned()),
            stdin: Some(template("in")),
            limit: Duration::from_secs(1),
        };
        let Ok(Act::Exec(exec)) = act(Action::Exec(exec), false) else { panic!("no exec") };
        let body = r#"{"AttachStdin":true,"AttachStdout":true,"AttachStderr":true,"Tty":true,"Cmd":["echo","\"t\""],"User":"0"}"#;
        assert_eq!(exec.create.body.lossy(), body);
        assert!(exec.talk.close_stdin);
        let missing = act(Action::Request(request("GET", "/${cid}", Body::None)), false);
        assert!(matches!(missing, Err(NoPlan::Missing(name)) if name == "cid"));
        let no_image = act(Action::Request(request("GET", "/${image:x}", Body::None)), false);
        assert!(matches!(no_image, Err(NoPlan::Broken(RunError::NoImage(_)))));
    }
}
