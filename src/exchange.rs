//! What went over the wire: requests as sent, answers as received, with their timing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::engine_id::EngineId;
use crate::route::Route;
use crate::scenario::{CaseId, RUN_LABEL, StepId};

/// Bytes, saved as text where they are UTF-8 and as base64 where not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SavedBytes", into = "SavedBytes")]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedBytes {
    Text(String),
    Base64(String),
}

impl From<SavedBytes> for Bytes {
    fn from(saved: SavedBytes) -> Bytes {
        match saved {
            SavedBytes::Text(text) => Bytes(text.into_bytes()),
            SavedBytes::Base64(text) => Bytes(STANDARD.decode(text).unwrap_or_default()),
        }
    }
}

impl From<Bytes> for SavedBytes {
    fn from(bytes: Bytes) -> SavedBytes {
        match String::from_utf8(bytes.0) {
            Ok(text) => SavedBytes::Text(text),
            Err(error) => SavedBytes::Base64(STANDARD.encode(error.into_bytes())),
        }
    }
}

impl Bytes {
    /// The bytes as text, with replacement characters where they are not UTF-8.
    pub fn lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

/// All exchanges of one case on one engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recording {
    /// The case.
    pub case: CaseId,
    /// Who answered.
    pub engine: EngineId,
    /// Where it was asked, for `curl`: `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`.
    pub address: String,
    /// The folder of the certificates with which it was asked, for `curl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<PathBuf>,
    /// The label of what was made, which snapshots show by its usual name.
    #[serde(default = "usual_label", skip_serializing_if = "is_usual_label")]
    pub label: String,
    /// What each step did and got, in the scenario's order.
    pub steps: Vec<RecordedStep>,
    /// Every value that has a name, in the order in which they became known.
    pub names: Vec<Named>,
    /// What the engine had before, for a case that looks at the whole host; else nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

fn usual_label() -> String {
    RUN_LABEL.to_owned()
}

fn is_usual_label(label: &str) -> bool {
    label == RUN_LABEL
}

/// What an engine had before a case that looks at the whole host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The label value of what the case makes itself.
    pub tag: String,
    /// By the route of a list: ids of containers, images and networks, names of volumes. What other
    /// runs made is not among them: it is told by its label.
    pub lists: BTreeMap<String, BTreeSet<String>>,
    /// The counters of `GET /info`, by field.
    pub counters: BTreeMap<String, u64>,
}

/// The lists of a whole host: the route, what makes it whole, where its entries are in the answer,
/// and which member names one.
pub const WHOLE_LISTS: [(&str, &str, &str, &str); 4] = [
    ("GET /containers/json", "?all=1", "", "Id"),
    ("GET /images/json", "?all=1", "", "Id"),
    ("GET /networks", "", "", "Id"),
    ("GET /volumes", "", "/Volumes", "Name"),
];

/// A step's exchanges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedStep {
    /// The step.
    pub id: StepId,
    /// One exchange, or those of an exec: `create`, `start`, `inspect`.
    pub exchanges: Vec<Exchange>,
    /// Set when the step could not be sent: a capture of this step is missing.
    pub unreached: Option<StepId>,
}

/// A value that shows as `<name>` in the snapshot wherever it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name, without brackets: `cid`, `victim`, `image:busybox`, `run`.
    pub name: String,
    /// The value on this engine.
    pub value: String,
}

/// A request as sent plus the answer as received, or the failure to get one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Which part of an exec it is; empty for all other steps.
    pub part: String,
    /// Docker's route, if it is one.
    pub route: Option<Route>,
    /// What was sent.
    pub sent: Sent,
    /// What came back, as far as it came.
    pub answer: Option<Answer>,
    /// What a command printed, if it is one; then nothing else came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
    /// How it went wrong, if it did.
    pub failure: Option<Failure>,
    /// From the first byte sent to the last byte read, in milliseconds; one a repetition.
    pub millis: Vec<f64>,
}

/// A request as sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// `POST`; of a command `docker`.
    pub method: String,
    /// Path and query, with version prefix; of a command the words behind `docker`.
    pub target: String,
    /// Headers in order; of a command the environment that it was given.
    pub headers: Vec<(String, String)>,
    /// The body; of a command its standard input.
    pub body: Bytes,
}

/// How a command ended, and what it printed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Printed {
    /// The exit code, as a shell has it; none when it was ended.
    pub exit: Option<i32>,
    /// Its standard output.
    pub stdout: Bytes,
    /// Its standard error.
    pub stderr: Bytes,
}

/// An answer as received.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Headers in order, names as sent where the wire tells (else lower case).
    pub headers: Vec<(String, String)>,
    /// The body after transfer decoding, or all bytes of the stream.
    pub body: Bytes,
    /// How the reading of a stream ended; none for an answer that was read as a whole.
    pub end: Option<End>,
}

impl Answer {
    /// The values of a header, whatever the case of its name.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |(its_name, _): &&(String, String)| its_name.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str())
    }
}

/// How the reading of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The engine closed it.
    Closed,
    /// The step had read the frames that it asked for.
    Enough,
    /// The step's time was over.
    Deadline,
}

/// How an engine failed to answer once it was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// It closed the connection before the answer was whole.
    Closed,
    /// It reset the connection.
    Reset,
    /// It did not answer in time.
    Timeout,
    /// What it sent is no HTTP, or what came is larger than the limits.
    Malformed,
}
