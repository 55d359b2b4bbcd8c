//! `POST /build`: checked and told as sdc-docker does, carried out by the Docker beneath
//! (sdc-docker `lib/endpoints/build.js`, `lib/backends/sdc/build.js`; its builder is the package
//! sdc-docker-build 0.3.4, `lib/build.js`, which runs on the server of the build).

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::build_context::{Context, normal};
use super::build_stream::Told;
use super::call::Call;
use super::docker::Ask;
use super::dockerfile::{self, Args, Instruction};
use super::lifecycle::is_signal;
use super::names;

/// How a build will go, as far as that is known before it begins.
#[derive(Debug, Default)]
pub struct Plan {
    /// The instructions that are told, up to the one that fails.
    pub told: Vec<Instruction>,
    /// How many there are in all.
    pub total: usize,
    /// Which of those told the Docker beneath carries out.
    pub done: Vec<bool>,
    /// Why it fails, after what is told.
    pub failure: Option<String>,
    /// Whether a label of the request was put in as an instruction, and is not told.
    pub labelled: bool,
}

/// Checks what is refused before anything is sent (catalogue: build-errors).
pub fn refuse(call: &mut Call) -> Result<(), Answer> {
    if let Some(Err(why)) = call.param("t").filter(|name| !name.is_empty()).map(names::parse) {
        return Err(Answer::error(500, format!("Error: {why}")));
    }
    match call.param("dockerfile") {
        Some(path) if normal(path).starts_with("..") => {
            Err(Answer::error(500, format!("Forbidden path outside the build context: {path}")))
        }
        _ => Ok(()),
    }
}

/// What sdc-docker does not read (catalogue: build-parameters-ignored).
pub fn drop_parameters(call: &mut Call) -> Result<(), Answer> {
    const READ: [&str; 8] =
        ["buildargs", "dockerfile", "forcerm", "labels", "nocache", "rm", "t", "networkmode"];
    call.query.retain(|(name, _)| READ.contains(&name.as_str()));
    Ok(())
}

/// Builds.
pub async fn serve(call: &mut Call) -> Answer {
    let name =
        call.param("t").map(names::parse).and_then(Result::ok).filter(|_| call.on("tag-names-unchecked"));
    let odd = name.filter(|name| !is_fine_for_docker(&name.whole()));
    let path = normal(call.param("dockerfile").filter(|path| !path.is_empty()).unwrap_or("Dockerfile"));
    let context = Context::read(&call.body);
    let plan = match context.as_ref().map(|context| context.plan(call, &path)) {
        Some(plan) => plan,
        // What the archive program of the server says is not known here.
        None => Plan { failure: Some("Unexpected error".to_owned()), ..Plan::default() },
    };
    if odd.is_some() || plan.failure.is_some() {
        call.query.retain(|(key, _)| key != "t");
    }
    if context.is_some() || !call.on("build-errors") {
        if let Some(context) = &context
            && (plan.labelled || plan.failure.is_some() || plan.done.contains(&false))
        {
            call.body = context.with_dockerfile(&path, &plan.forwarded(call));
        }
        if plan.labelled {
            call.query.retain(|(key, _)| key != "labels");
        }
    }
    let has_work = plan.done.iter().any(|done| *done) || (plan.failure.is_none() && plan.told.is_empty());
    let beneath = match has_work || !call.on("build-errors") {
        true => call.forward().await,
        false => Answer::new(200, Body::Empty),
    };
    let (answer, left) = finished(call, &plan, beneath, odd.map(|name| name.whole()));
    if let Some(container) = left.filter(|_| call.on("build-one-container")) {
        // The one container of a build is named after its request (sdc-docker `lib/backends/sdc/build.js:118`).
        let target = format!("/v1.41/containers/{container}/rename?name=build_{}", call.request_id);
        // Where it was removed there is nothing to be named.
        let _ = call.service.docker.ask(Ask::new(Method::POST, target)).await;
    }
    answer
}

/// The answer of the Docker beneath as sdc-docker gives it, and the container that a failure leaves.
fn finished(call: &Call, plan: &Plan, mut beneath: Answer, odd: Option<String>) -> (Answer, Option<String>) {
    let mut failure = plan.failure.clone();
    if beneath.is_error() {
        if !call.on("build-errors") || is_dockers_own(call, super::create::fault_text(&beneath)) {
            return (beneath, None);
        }
        failure = failure.or_else(|| Some(super::create::fault_text(&beneath).to_owned()));
    }
    let bytes = match std::mem::replace(&mut beneath.body, Body::Empty) {
        Body::Raw(bytes) => bytes,
        Body::Json(value) => Bytes::from(value.to_string()),
        _ => Bytes::new(),
    };
    let told = Told::read(&bytes);
    if let Some(image) = &told.image {
        call.service.state.change(|memory| {
            if plan.told.first().is_some_and(|first| first.told() == "FROM scratch") {
                memory.from_scratch.insert(image.clone());
            }
            memory.odd_tags.extend(odd.map(|name| (name, image.clone())));
        });
    }
    let lines = told.lines(call, plan, failure.as_deref());
    let body = Full::new(Bytes::from(lines)).map_err(|never| match never {}).boxed_unsync();
    let answer = Answer::new(200, Body::Stream(body)).with("Content-Type", "application/json");
    (answer, told.left().map(str::to_owned))
}

/// Whether Docker takes a name with its tag as well.
pub fn is_fine_for_docker(whole: &str) -> bool {
    let (name, tag) = whole.rsplit_once(':').unwrap_or((whole, ""));
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    starts(name)
        && (tag.starts_with('_') || starts(tag))
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

impl Context {
    /// How a build of this context goes.
    fn plan(&self, call: &Call, path: &str) -> Plan {
        let errors = call.on("build-errors");
        let fail = |why: String| Plan { failure: errors.then_some(why), ..Plan::default() };
        if errors && !is_object(call.param("labels")) {
            return fail(format!("Error parsing labels: {}", call.param("labels").unwrap_or_default()));
        }
        if errors && !is_object(call.param("buildargs")) {
            // The builder ends without a word (catalogue: build-unexpected-error).
            return fail("Unexpected error".to_owned());
        }
        let names = [path.to_owned(), path.to_lowercase()];
        let found = names.iter().find_map(|name| self.files.iter().find(|(file, _, _)| file == name));
        let Some((_, _, content)) = found else {
            let name = call.param("dockerfile").map_or_else(|| "Dockerfile".to_owned(), normal);
            return fail(format!("Error: No such file or directory '{name}'"));
        };
        if content.is_empty() {
            return fail(format!("The Dockerfile ({path}) cannot be empty"));
        }
        let instructions = dockerfile::parse(&String::from_utf8_lossy(content));
        if instructions.is_empty() {
            return fail("No image was generated. Is your Dockerfile empty?".to_owned());
        }
        self.steps(call, instructions)
    }

    fn steps(&self, call: &Call, instructions: Vec<Instruction>) -> Plan {
        let mut plan = Plan { total: instructions.len(), ..Plan::default() };
        for (at, instruction) in instructions.into_iter().enumerate() {
            let failure = if at == 0 && instruction.name != "FROM" {
                let why = "Please provide a source image with `from` prior to commit";
                call.on("build-errors").then(|| why.to_owned())
            } else {
                self.failure(call, &instruction)
            };
            plan.done.push(failure.is_none() && !is_kept_here(call, &instruction));
            plan.told.push(instruction);
            if failure.is_some() {
                plan.failure = failure;
                return plan;
            }
        }
        if call.on("build-args-not-consumed") {
            plan.failure = not_consumed(call, &plan.told);
        }
        plan.labelled = call.on("build-labels-before-last-step") && labels_are_overruled(call, &plan);
        plan
    }

    /// Why an instruction fails, as far as the context tells.
    fn failure(&self, call: &Call, instruction: &Instruction) -> Option<String> {
        const KNOWN: [&str; 16] = [
            "ADD",
            "ARG",
            "CMD",
            "COPY",
            "ENTRYPOINT",
            "ENV",
            "EXPOSE",
            "FROM",
            "LABEL",
            "MAINTAINER",
            "ONBUILD",
            "RUN",
            "STOPSIGNAL",
            "USER",
            "VOLUME",
            "WORKDIR",
        ];
        let name = instruction.name.as_str();
        if !KNOWN.contains(&name) {
            let of_docker = ["HEALTHCHECK", "SHELL"].contains(&name);
            let id = if of_docker { "build-instructions-unknown" } else { "build-errors" };
            return call.on(id).then(|| format!("Unknown instruction: {name}"));
        }
        if !call.on("build-errors") {
            return None;
        }
        match (name, instruction.list()) {
            ("ADD" | "COPY", words) => self.copy_failure(call, instruction, words),
            ("VOLUME", [first, ..]) if first.is_empty() => {
                Some("Volume specified can not be an empty string".to_owned())
            }
            ("FROM", _) => names::parse(&instruction.rest).err(),
            _ => None,
        }
    }

    fn copy_failure(&self, call: &Call, instruction: &Instruction, words: &[String]) -> Option<String> {
        let name = &instruction.name;
        let Some((_, sources)) = words.split_last().filter(|(_, sources)| !sources.is_empty()) else {
            return Some(format!("Invalid {name} format - at least two arguments required"));
        };
        sources.iter().find_map(|source| {
            if source.contains("://") {
                return match name.as_str() {
                    "ADD" if call.on("build-add-url") => Some(format!(
                        "Not implemented: Add Remote: {}",
                        json!({
                            "name": name, "lineno": instruction.line, "args": words,
                            "raw": format!("{name} {}", instruction.rest), "ctx": {},
                        })
                    )),
                    "ADD" => None,
                    _ => Some(format!("Source can't be a URL for {name}")),
                };
            }
            let is_pattern = source.contains(['*', '?', '[']);
            let path = source.trim_start_matches('/').trim_start_matches("./");
            (!is_pattern && !self.has(path)).then(|| format!("stat {path}: no such file or directory"))
        })
    }
}

impl Plan {
    /// The Dockerfile for the Docker beneath.
    fn forwarded(&self, call: &Call) -> String {
        let done = self.told.iter().zip(&self.done).filter(|(_, done)| **done);
        let mut lines: Vec<String> =
            done.map(|(instruction, _)| format!("{} {}", instruction.name, instruction.rest)).collect();
        if self.labelled
            && let Some(Ok(Value::Object(labels))) = call.param("labels").map(serde_json::from_str::<Value>)
        {
            let pairs: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{}={value}", Value::from(name.as_str())))
                .collect();
            lines.insert(lines.len().saturating_sub(1), format!("LABEL {}", pairs.join(" ")));
        }
        lines.join("\n") + "\n"
    }
}

/// Whether the last instruction gives a label of the request another value.
fn labels_are_overruled(call: &Call, plan: &Plan) -> bool {
    let asked = call.param("labels").map(serde_json::from_str::<Value>).and_then(Result::ok);
    let last = plan.told.last().filter(|last| last.name == "LABEL").map(|last| &last.args);
    match (asked, last) {
        (Some(asked), Some(Args::Pairs(pairs))) => pairs.iter().any(|(name, _)| asked.get(name).is_some()),
        _ => false,
    }
}

/// Whether Docker refuses what only a behaviour that is switched off would have kept from it.
pub fn is_dockers_own(call: &Call, why: &str) -> bool {
    const OWN: [(&str, &str); 7] = [
        ("build-parameters-ignored", "Minimum memory limit"),
        ("build-parameters-ignored", "error downloading remote context"),
        ("build-parameters-ignored", "error reading ulimit settings"),
        ("build-add-url", "ADD failed: Get "),
        ("build-instructions-unchecked", "Invalid signal"),
        ("build-instructions-unchecked", "Chaining ONBUILD"),
        ("tag-names-unchecked", "invalid reference format"),
    ];
    OWN.iter().any(|(id, text)| why.contains(text) && !call.on(id))
}

/// What the builder of sdc-docker takes without a check, and Docker would refuse.
fn is_kept_here(call: &Call, instruction: &Instruction) -> bool {
    if !call.on("build-instructions-unchecked") {
        return false;
    }
    match (instruction.name.as_str(), &instruction.args) {
        // A variable may hold one.
        ("STOPSIGNAL", Args::Text(signal)) => !signal.starts_with('$') && !is_signal(signal),
        ("ONBUILD", _) => {
            let of = instruction.rest.split_whitespace().next().unwrap_or("").to_uppercase();
            ["ONBUILD", "FROM", "MAINTAINER"].contains(&of.as_str())
        }
        _ => false,
    }
}

/// Arguments of the request that no ARG took (`checkBuildArgs`, sdc-docker-build `lib/build.js:267`).
fn not_consumed(call: &Call, told: &[Instruction]) -> Option<String> {
    let given: Value = serde_json::from_str(call.param("buildargs")?).ok()?;
    let is_taken = |name: &str| {
        let names = told.iter().filter(|each| each.name == "ARG").flat_map(|arg| arg.list().to_vec());
        let proxy = name.to_lowercase();
        names.map(|arg| arg.split('=').next().unwrap_or("").to_owned()).any(|arg| arg == name)
            || ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"].contains(&proxy.as_str())
    };
    let left: Vec<&str> =
        given.as_object()?.keys().map(String::as_str).filter(|name| !is_taken(name)).collect();
    (!left.is_empty())
        .then(|| format!("One or more build-args [{}] were not consumed, failing build.", left.join(",")))
}

fn is_object(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.is_empty() || serde_json::from_str::<Value>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_takes_for_a_name_is_known() {
        assert!(is_fine_for_docker("a/b:latest") && is_fine_for_docker("h:5000/x:_1"));
        assert!(!is_fine_for_docker("a:bad tag") && !is_fine_for_docker("-a:1") && !is_fine_for_docker(":1"));
    }
}
