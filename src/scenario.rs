//! What is asked: the values of a scenario file. Knows no engine and no answer.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pointer::Pointer;
use crate::version::Version;

/// The name of a scenario: `area/name`, after its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScenarioId(pub String);

impl ScenarioId {
    /// The area: the folder of the suite that the file lies in.
    pub fn area(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The name within the area.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }
}

impl fmt::Display for ScenarioId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The name of a step within its scenario: letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A scenario at one API version: the unit that is run, counted, filtered and reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CaseId {
    /// The scenario.
    pub scenario: ScenarioId,
    /// The API version that prefixes its requests.
    pub api: Version,
}

impl fmt::Display for CaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.scenario, self.api)
    }
}

/// One file of `suites/<area>/scenarios/`.
#[derive(Clone, Debug, Serialize)]
pub struct Scenario {
    /// `area/name`, after the file.
    pub id: ScenarioId,
    /// The file, relative to the project.
    pub file: String,
    /// What Docker promises, as a sentence.
    pub title: String,
    /// The docs page it belongs to.
    pub page: String,
    /// The Docker CLI command it stands for, if one.
    pub command: Option<String>,
    /// The API versions it runs at.
    pub api: Vec<Version>,
    /// Whether the file names them; else they are the suite's.
    pub names_api: bool,
    /// Capabilities that an engine must have.
    pub needs: Vec<Need>,
    /// Runs alone, one side after the other.
    pub exclusive: bool,
    /// How many times each side runs, paired and interleaved, so that times can be compared.
    pub repetitions: Option<u32>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// A hash of the steps as parsed: a snapshot of other steps is stale.
    pub fingerprint: String,
}

impl Scenario {
    /// Whether what it promises holds at an API version: at those from the lowest to the highest
    /// that it names, and at any if it names none.
    pub fn speaks_of(&self, api: &Version) -> bool {
        let [lowest, highest] = [self.api.iter().min(), self.api.iter().max()];
        !self.names_api
            || lowest.is_some_and(|lowest| lowest <= api) && highest.is_some_and(|highest| api <= highest)
    }

    /// How many containers its steps ask for.
    pub fn containers(&self) -> usize {
        let creates = |step: &&Step| match &step.action {
            Action::Request(request) | Action::Raw(request) | Action::Stream(Stream { request, .. }) => {
                let path = request.target.0.first();
                matches!(path, Some(Part::Text(path)) if path.contains("/containers/create"))
            }
            Action::Cli(cli) => {
                let words: Vec<String> = cli.words.iter().take(2).map(Template::source).collect();
                let begins = |verb: &[&str]| verb.iter().zip(&words).all(|(verb, word)| verb == word);
                [&["run"][..], &["create"], &["container", "run"], &["container", "create"]]
                    .into_iter()
                    .any(begins)
            }
            Action::Exec(_) | Action::Join(_) => false,
        };
        self.steps.iter().filter(creates).count()
    }

    /// Whether it looks at the whole host, so that what was there before is subtracted.
    pub fn looks_at_all(&self) -> bool {
        self.exclusive && self.repetitions.is_none()
    }
}

/// A capability from the closed list, never an engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Need {
    /// `image:NAME`: an image of `fixtures/images/` under a name of the run's own.
    Image(String),
    /// `may-crash`: the case can end the process of a real sdc-docker; runs only where asked for.
    MayCrash,
    /// `registry`: a registry that the engine can push to and pull from, as `ci/registry` starts one.
    Registry,
    /// `linux-host`: host namespaces are there to be seen.
    LinuxHost,
    /// `own-engine`: what the case does changes the engine as a whole (a swarm), so that it must be one
    /// that the run started and throws away.
    OwnEngine,
    /// `docker-cli`: a docker CLI is there to be run. A step with `cli` implies it.
    DockerCli,
}

/// The capabilities without a name of their own, as files write them.
pub const NEEDS: &[(&str, Need)] = &[
    ("may-crash", Need::MayCrash),
    ("registry", Need::Registry),
    ("linux-host", Need::LinuxHost),
    ("own-engine", Need::OwnEngine),
    ("docker-cli", Need::DockerCli),
];

/// A word that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no capability")]
pub struct UnknownNeed(pub String);

impl TryFrom<String> for Need {
    type Error = UnknownNeed;
    fn try_from(text: String) -> Result<Self, UnknownNeed> {
        if let Some(name) = text.strip_prefix("image:").filter(|name| !name.is_empty()) {
            return Ok(Need::Image(name.to_owned()));
        }
        let known = NEEDS.iter().find(|(word, _)| *word == text);
        known.map(|(_, need)| need.clone()).ok_or(UnknownNeed(text))
    }
}

impl From<Need> for String {
    fn from(need: Need) -> String {
        match need {
            Need::Image(name) => format!("image:{name}"),
            Need::MayCrash => "may-crash".to_owned(),
            Need::Registry => "registry".to_owned(),
            Need::LinuxHost => "linux-host".to_owned(),
            Need::OwnEngine => "own-engine".to_owned(),
            Need::DockerCli => "docker-cli".to_owned(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from(self.clone()))
    }
}

/// One action of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its name; places and divergences use it.
    pub id: StepId,
    /// What is done.
    pub action: Action,
    /// Values taken from the answer for later steps, by name.
    pub capture: Vec<(String, Pointer)>,
    /// Values of the answer that only get a name in the snapshot.
    pub names: Vec<(String, Pointer)>,
    /// The places that are compared; none given means everything.
    pub compare: Vec<Pointer>,
    /// What text or archives become structure: `stdout`, `stderr`, `body` by [`View`].
    pub view: Vec<(String, View)>,
    /// Runs on while later steps act, until its join.
    pub background: bool,
    /// The line of the step in its file, counted from 1.
    pub line: usize,
}

impl Scenario {
    /// Whether a place, or some of what lies below it, is compared by a step; of an exec, `at` is within the part.
    pub fn compares(&self, step: &StepId, part: &str, at: &Pointer) -> bool {
        let Some(step) = self.steps.iter().find(|each| each.id == *step) else { return true };
        let place: Pointer = match step.action {
            Action::Exec(_) => {
                std::iter::once(part).chain(at.segments().iter().map(String::as_str)).collect()
            }
            Action::Request(_) | Action::Raw(_) | Action::Stream(_) | Action::Cli(_) | Action::Join(_) => {
                at.clone()
            }
        };
        let always = ["failure", "unreached", "time"];
        step.compare.is_empty()
            || at.segments().first().is_some_and(|first| always.contains(&first.as_str()))
            || step.compare.iter().any(|compared| place.is_under(compared) || compared.is_under(&place))
    }
}

/// What a step does.
#[derive(Clone, Debug, Serialize)]
pub enum Action {
    /// One request and its whole answer.
    Request(Request),
    /// Exactly these bytes of a request line.
    Raw(Request),
    /// Create, start, read to the end and inspect an exec.
    Exec(Exec),
    /// A connection whose answer is read as a stream.
    Stream(Stream),
    /// A command for the real docker CLI.
    Cli(Cli),
    /// Waits for a background step and takes its answer.
    Join(StepId),
}

/// A request as a file writes it.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query without version prefix (of a `raw` step: as sent).
    pub target: Template,
    /// Further headers, in order.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Body,
    /// Whether a create request gets the run's label.
    pub label: bool,
    /// Polls until a value is there.
    pub until: Option<Until>,
}

/// The body of a request.
#[derive(Clone, Debug, Serialize)]
pub enum Body {
    /// None at all.
    None,
    /// JSON text, sent as written with `Content-Type: application/json`.
    Json(Template),
    /// Any text.
    Text(Template),
    /// A file below `fixtures/`.
    File(String),
    /// A tar archive made of these entries.
    Tar(Vec<TarEntry>),
}

/// One entry of a tar body.
#[derive(Clone, Debug, Serialize)]
pub struct TarEntry {
    /// Where it lies in the archive; a directory ends in a slash.
    pub path: String,
    /// Its bytes.
    pub content: TarContent,
    /// Permission bits.
    pub mode: u32,
}

/// What a tar entry holds.
#[derive(Clone, Debug, Serialize)]
pub enum TarContent {
    /// This text.
    Text(Template),
    /// A file below `fixtures/`.
    File(String),
    /// A symbolic link to this target.
    Link(String),
    /// A directory.
    Directory,
}

/// Polling: the only wait. The last exchange is what is compared.
#[derive(Clone, Debug, Serialize)]
pub struct Until {
    /// The place that is looked at.
    pub at: Pointer,
    /// The value that ends the wait.
    pub is: Value,
    /// For how long, before an engine's timeout factor.
    pub limit: Duration,
}

/// An exec as one step.
#[derive(Clone, Debug, Serialize)]
pub struct Exec {
    /// The container.
    pub container: Template,
    /// The command and its arguments.
    pub cmd: Vec<Template>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// The user, if one is given.
    pub user: Option<String>,
    /// Bytes for its standard input.
    pub stdin: Option<Template>,
    /// How long to read.
    pub limit: Duration,
}

/// A stream: attach, logs, events, stats, pull, build.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// The request that opens it.
    pub request: Request,
    /// Asks for an upgrade of the connection (`Connection: Upgrade`, `Upgrade: tcp`).
    pub upgrade: bool,
    /// Bytes to send once it is open.
    pub stdin: Option<Template>,
    /// Closes the sending half after `stdin`.
    pub close_stdin: bool,
    /// When to stop reading.
    pub until_end: UntilEnd,
}

/// A command for the docker CLI.
#[derive(Clone, Debug, Serialize)]
pub struct Cli {
    /// The words behind `docker`.
    pub words: Vec<Template>,
    /// Its standard input.
    pub stdin: Body,
    /// Whether what it makes gets the run's label.
    pub label: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// When a stream has been read.
#[derive(Clone, Debug, Serialize)]
pub struct UntilEnd {
    /// After this many frames or messages, if given.
    pub frames: Option<usize>,
    /// At the latest after this long, before an engine's timeout factor.
    pub limit: Duration,
}

/// How a text or an archive becomes structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Output of `ps`, or the answer of top: rows by command.
    Processes,
    /// Output of `mount`, `df` or `/proc/mounts`: entries by destination.
    Mounts,
    /// Output of `ls -l` or `ls`: entries by name.
    Files,
    /// A list of lines.
    Lines,
    /// A JSON document, or one a line.
    Json,
    /// A tar archive: entries by path.
    Tar,
}

/// All views, as files write them.
pub const VIEWS: &[(&str, View)] = &[
    ("processes", View::Processes),
    ("mounts", View::Mounts),
    ("files", View::Files),
    ("lines", View::Lines),
    ("json", View::Json),
    ("tar", View::Tar),
];

/// Text with variables: `/containers/${cid}/start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Template(pub Vec<Part>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// `${cid}`: a captured value.
    Capture(String),
    /// `${name:x}`: a name of the run's own.
    Name(String),
    /// `${image:x}`: the engine's name of an image that the scenario needs.
    Image(String),
    /// `${run}`: the value of the label that everything made by this case carries.
    Run,
    /// `${registry}`: the address of the registry that the scenario needs.
    Registry,
}

/// The label key that everything made by a run carries.
pub const RUN_LABEL: &str = "divergence.run";

/// A variable that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// No closing brace.
    #[error("`${{` without a closing brace")]
    Unclosed,
    /// Not a capture name, `name:x`, `image:x`, `run` or `registry`.
    #[error("`${{{0}}}` is no variable")]
    BadName(String),
}

impl Template {
    /// Reads text with `${...}` variables; a dollar sign without a brace is itself.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let end = rest[start..].find('}').ok_or(TemplateError::Unclosed)? + start;
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            parts.push(variable(&rest[start + 2..end])?);
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// The text as the file writes it.
    pub fn source(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Capture(name) => format!("${{{name}}}"),
            Part::Name(name) => format!("${{name:{name}}}"),
            Part::Image(name) => format!("${{image:{name}}}"),
            Part::Run => "${run}".to_owned(),
            Part::Registry => "${registry}".to_owned(),
        };
        self.0.iter().map(part).collect()
    }
}

fn variable(text: &str) -> Result<Part, TemplateError> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    match text.split_once(':') {
        None if text == "run" => Ok(Part::Run),
        None if text == "registry" => Ok(Part::Registry),
        None if is_name(text) => Ok(Part::Capture(text.to_owned())),
        Some(("name", name)) if is_name(name) => Ok(Part::Name(name.to_owned())),
        Some(("image", name)) if is_name(name) => Ok(Part::Image(name.to_owned())),
        _ => Err(TemplateError::BadName(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_reads() {
        for text in ["", "/a/${cid}/b?name=${name:x}", "${image:busybox}${run}${registry}", "cost: $5"] {
            assert_eq!(Template::parse(text).unwrap().source(), text);
        }
        assert_eq!(Template::parse("${cid"), Err(TemplateError::Unclosed));
        assert!(matches!(Template::parse("${a b}"), Err(TemplateError::BadName(_))));
    }
}
