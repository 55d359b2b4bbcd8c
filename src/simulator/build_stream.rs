//! What a build tells: the messages of the Docker beneath, told again as sdc-docker does
//! (sdc-docker-build 0.3.4 `lib/build.js:1190-1210`, sdc-docker `lib/endpoints/build.js:98-107`).

use serde_json::{Value, json};

use super::build::{Plan, is_dockers_own};
use super::call::Call;
use super::images;

/// What the Docker beneath told.
#[derive(Debug, Default)]
pub struct Told {
    /// Its messages.
    messages: Vec<Value>,
    /// The texts of each step, without its first line.
    steps: Vec<Vec<String>>,
    /// The short id of the image, if one was built.
    pub image: Option<String>,
    /// Why it failed.
    failure: Option<String>,
}

impl Told {
    /// Reads the messages of a stream.
    pub fn read(bytes: &[u8]) -> Told {
        let stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        let mut told = Told { messages: stream.map_while(Result::ok).collect(), ..Told::default() };
        for message in &told.messages {
            if let Some(why) = message.pointer("/errorDetail/message").and_then(Value::as_str) {
                told.failure = Some(why.to_owned());
            }
            let Some(text) = message.get("stream").and_then(Value::as_str) else { continue };
            if text.starts_with("Step ") && text.contains(" : ") {
                told.steps.push(Vec::new());
            } else if let Some(id) = text.strip_prefix("Successfully built ") {
                told.image = Some(id.trim().to_owned());
            } else if let Some(step) = told.steps.last_mut() {
                step.push(text.to_owned());
            }
        }
        told
    }

    /// The container that ran last, where that failed.
    pub fn left(&self) -> Option<&str> {
        let ran = self.steps.last()?.iter().find_map(|text| text.strip_prefix(" ---> Running in "));
        ran.map(str::trim).filter(|_| self.failure.is_some())
    }

    /// The whole stream as sdc-docker sends it.
    pub fn lines(&self, call: &Call, plan: &Plan, failure: Option<&str>) -> String {
        // A quiet build has no steps to be told.
        if self.steps.is_empty() && self.image.is_none() && !self.messages.is_empty() {
            return self.messages.iter().map(|message| format!("{message}\r\n")).collect();
        }
        let mut lines = match call.on("build-stream-format") {
            true => self.retold(plan),
            false => self.as_docker(call),
        };
        let by_docker = self.failure.as_deref().map(|why| match self.unpulled(plan, why) {
            Some(from) => {
                if call.on("build-errors") {
                    lines += &images::pull_failure(call, from, why).to_string();
                }
                format!("could not pull image: {from}")
            }
            None => why.to_owned(),
        });
        match (by_docker.as_deref().or(failure), &self.image) {
            (Some(why), _)
                if self.failure.is_none() || (call.on("build-errors") && !is_dockers_own(call, why)) =>
            {
                let why = format!("Build failed: {why} (req_id: {})", call.request_id);
                lines += &format!("{}\n", json!({"error": why, "errorDetail": {"message": why}}));
            }
            // Docker's own words, where nothing else of the stream is its own.
            (Some(_), _) if call.on("build-stream-format") => {
                let failures = self.messages.iter().filter(|message| message.get("errorDetail").is_some());
                lines.extend(failures.map(|message| format!("{message}\r\n")));
            }
            (_, Some(image)) if call.on("build-stream-format") => {
                lines += &stream(&format!("Successfully built {image}\n"))
            }
            _ => {}
        }
        lines
    }

    fn as_docker(&self, call: &Call) -> String {
        let is_hidden = |message: &&Value| !(call.on("build-errors") && message.get("errorDetail").is_some());
        self.messages.iter().filter(is_hidden).map(|message| format!("{message}\r\n")).collect()
    }

    /// Each step with its number, what it ran and what it made.
    fn retold(&self, plan: &Plan) -> String {
        let mut out = String::new();
        let mut steps = self.steps.iter();
        let mut made = String::new();
        let last_done = plan.done.iter().rposition(|done| *done);
        for (at, instruction) in plan.told.iter().enumerate() {
            out += &stream(&format!("Step {}/{} : {}\n", at + 1, plan.total, instruction.told()));
            if plan.done[at] {
                if plan.labelled && Some(at) == last_done {
                    steps.next();
                }
                let Some(step) = steps.next() else { break };
                out += &retold_step(step, instruction.name == "RUN");
                let last = self.image.as_deref().filter(|_| at + 1 == plan.total);
                let Some(id) = last.or_else(|| step.iter().rev().find_map(|text| layer(text))) else { break };
                id.clone_into(&mut made);
            } else if plan.failure.is_some() && at + 1 == plan.told.len() {
                break;
            }
            let arrow = if made.is_empty() { " --->\n".to_owned() } else { format!(" ---> {made}\n") };
            out += &stream(&arrow);
        }
        out
    }

    /// The image to build on, if it was what failed.
    fn unpulled<'p>(&self, plan: &'p Plan, why: &str) -> Option<&'p str> {
        let is_first = self.steps.len() == 1 && !why.starts_with("The command");
        plan.told.first().filter(|_| is_first).map(|from| from.rest.as_str())
    }
}

/// What a step ran; of a container only that of a command is told.
fn retold_step(step: &[String], runs: bool) -> String {
    let told = step.iter().filter(|text| {
        let is_of_docker = text.starts_with("Removing intermediate container")
            || text.starts_with("Successfully tagged ")
            || text.as_str() == "\n";
        let running = text.starts_with(" ---> Running in ");
        !is_of_docker && (!running || runs) && layer(text).is_none()
    });
    told.map(|text| stream(text)).collect()
}

/// The id in `---> 2e239cbffdbb`, empty where there is none yet.
fn layer(text: &str) -> Option<&str> {
    let id = text.strip_prefix(" --->")?.trim();
    id.chars().all(|c| c.is_ascii_hexdigit()).then_some(id)
}

fn stream(text: &str) -> String {
    format!("{}\n", json!({ "stream": text }))
}

#[cfg(test)]
mod tests {
    use super::super::dockerfile;
    use super::*;

    #[test]
    fn steps_are_told_again_without_their_containers() {
        let beneath = concat!(
            "{\"stream\":\"Step 1/3 : FROM scratch\"}\r\n{\"stream\":\"\\n\"}\r\n{\"stream\":\" ---> \\n\"}\r\n",
            "{\"stream\":\"Step 2/3 : LABEL x=y\"}\r\n{\"stream\":\"\\n\"}\r\n{\"stream\":\" ---> aaaaaaaaaaaa\\n\"}\r\n",
            "{\"stream\":\"Step 3/3 : ENV a b\"}\r\n{\"stream\":\"\\n\"}\r\n",
            "{\"stream\":\" ---> Running in cccccccccccc\\n\"}\r\n",
            "{\"stream\":\"Removing intermediate container cccccccccccc\\n\"}\r\n",
            "{\"stream\":\" ---> bbbbbbbbbbbb\\n\"}\r\n{\"stream\":\"Successfully built bbbbbbbbbbbb\\n\"}\r\n",
        );
        let told = Told::read(beneath.as_bytes());
        let plan = Plan {
            told: dockerfile::parse("FROM scratch\nENV a b\n"),
            total: 2,
            done: vec![true, true],
            failure: None,
            labelled: true,
        };
        let expected =
            ["Step 1/2 : FROM scratch\n", " --->\n", "Step 2/2 : ENV a=b\n", " ---> bbbbbbbbbbbb\n"];
        let retold = told.retold(&plan);
        let lines: Vec<Value> = retold.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let texts: Vec<&str> = lines.iter().filter_map(|line| line["stream"].as_str()).collect();
        assert_eq!(texts, expected);
        assert_eq!(told.image.as_deref(), Some("bbbbbbbbbbbb"));
    }
}
