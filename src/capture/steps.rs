//! The draft of a scenario: its steps as a file will write them. Values only.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::version::Version;

/// A scenario that was inferred.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The version that its requests had.
    pub api: Option<Version>,
    /// The images of fixtures that it needs.
    pub images: BTreeSet<String>,
    /// Whether it looks at the whole host.
    pub exclusive: bool,
    /// What is done.
    pub steps: Vec<DraftStep>,
    /// What becomes a file of its own: the name of its step (and its number in an archive), its
    /// extension, its bytes.
    pub files: Vec<(String, &'static str, Vec<u8>)>,
    /// What people should know: what was left out, taken as something else, or cannot be repeated.
    pub notes: Vec<String>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct DraftStep {
    /// Its name.
    pub id: String,
    /// `request`, `raw`, `stream` or `join`.
    pub kind: &'static str,
    /// The request line, or the step that is joined.
    pub line: String,
    /// Headers that matter.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: DraftBody,
    /// Values for later steps: name and pointer.
    pub capture: Vec<(String, String)>,
    /// Values that only get a name: name and pointer.
    pub names: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Option<String>,
    /// Whether the client closed it.
    pub close_stdin: bool,
    /// Whether an upgrade is asked for, where that is unusual.
    pub upgrade: Option<bool>,
    /// Polls until this place has this value, for so many seconds.
    pub until: Option<(String, Value, u64)>,
    /// Ends a stream after so many frames.
    pub frames: Option<usize>,
    /// Ends a stream after so many seconds.
    pub seconds: Option<u64>,
    /// Runs on while later steps act.
    pub background: bool,
    /// What is said above it.
    pub comment: Option<String>,
}

impl DraftStep {
    /// A step that only does this.
    pub fn new(id: String, kind: &'static str, line: String) -> DraftStep {
        DraftStep {
            id,
            kind,
            line,
            headers: Vec::new(),
            body: DraftBody::None,
            capture: Vec::new(),
            names: Vec::new(),
            stdin: None,
            close_stdin: false,
            upgrade: None,
            until: None,
            frames: None,
            seconds: None,
            background: false,
            comment: None,
        }
    }
}

/// The body of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftBody {
    /// None.
    None,
    /// JSON.
    Json(String),
    /// Text.
    Text(String),
    /// A file of its own, with this extension.
    File(&'static str),
    /// An archive: path, what it holds, mode.
    Tar(Vec<(String, DraftEntry, u32)>),
}

/// What an entry of an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftEntry {
    /// Text.
    Text(String),
    /// A file of its own, with these bytes.
    File(Vec<u8>),
    /// A link to this.
    Link(String),
    /// A directory.
    Directory,
}
