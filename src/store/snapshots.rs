//! Committed snapshots in insta's file format, written and verified by ourselves: insta reads a
//! corrupt file as an empty one. The header says engine, release, API and holds a hash.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::engine_id::{EngineId, Kind};
use crate::mistake::Mistake;
use crate::route::Route;
use crate::scenario::{CaseId, ScenarioId, StepId};
use crate::snapshot::{Part, Snapshot, StepSnapshot};
use crate::version::Version;

use super::{Store, StoreError, files_below, read, relative, write};

/// The version of the snapshot format.
pub const FORMAT: u32 = 1;

/// One exchange in the contents of a snapshot file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedPart {
    step: StepId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    part: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<Route>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
}

/// The text of a snapshot file.
pub fn to_text(snapshot: &Snapshot, source: &str) -> String {
    let mut saved = Vec::new();
    for step in &snapshot.steps {
        if step.parts.is_empty() {
            let (part, route, request, answer) = Default::default();
            saved.push(SavedPart { step: step.id.clone(), part, route, request, answer });
        }
        for part in &step.parts {
            saved.push(SavedPart {
                step: step.id.clone(),
                part: part.name.clone(),
                route: part.route.clone(),
                request: part.request.clone(),
                answer: Some(part.tree.clone()),
            });
        }
    }
    let contents = serde_json::to_string_pretty(&saved).unwrap_or_default();
    let EngineId { identity, release, kind, world } = &snapshot.engine;
    let CaseId { scenario, api } = &snapshot.case;
    let stand_in = match kind {
        Kind::Simulator => "the simulator, standing in for ",
        Kind::Live | Kind::Container | Kind::Host | Kind::Recorded => "",
    };
    format!(
        "---\nsource: {source}\ndescription: \"{scenario} at API {api}, answered by {stand_in}{identity} \
         {release}\"\ninfo:\n  format: {FORMAT}\n  identity: {identity}\n  release: \"{release}\"\n  kind: \
         {kind}\n  world: \"{world}\"\n  api: \"{api}\"\n  fingerprint: \"{}\"\n  hash: \"{}\"\n---\n{contents}\n",
        snapshot.fingerprint,
        hash(&contents),
    )
}

fn hash(contents: &str) -> String {
    let digest = Sha256::digest(contents.trim_end().as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a snapshot file; a file that is cut, changed by hand or of another format is a mistake.
pub fn from_text(file: &str, text: &str, case: &CaseId) -> Result<Snapshot, Box<Mistake>> {
    let wrong = |message: String| {
        let help = "restore the file from version control, or record it anew with `divergence record`";
        Box::new(Mistake { file: file.to_owned(), span: None, message, help: help.to_owned() })
    };
    let (header, contents) = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .ok_or_else(|| wrong("the snapshot has no header of insta's form".to_owned()))?;
    let info = info_of(header);
    let get = |key: &str| {
        info.get(key).cloned().ok_or_else(|| wrong(format!("the snapshot's header has no `{key}`")))
    };
    let version = |key: &str| get(key)?.parse::<Version>().map_err(|error| wrong(error.to_string()));
    if get("format")? != FORMAT.to_string() {
        return Err(wrong(format!(
            "the snapshot has format {}, this program reads {FORMAT}",
            get("format")?
        )));
    }
    if get("hash")? != hash(contents) {
        return Err(wrong("the snapshot is not as it was recorded: its hash is another".to_owned()));
    }
    let kind = serde_json::from_value(Value::String(get("kind")?));
    let engine = EngineId {
        identity: get("identity")?,
        release: version("release")?,
        kind: kind.map_err(|_| wrong("the snapshot's header has an unknown `kind`".to_owned()))?,
        world: get("world")?,
    };
    let saved: Vec<SavedPart> = serde_json::from_str(contents)
        .map_err(|error| wrong(format!("the snapshot's contents do not load: {error}")))?;
    let mut steps: Vec<StepSnapshot> = Vec::new();
    for SavedPart { step, part, route, request, answer } in saved {
        if steps.last().is_none_or(|last| last.id != step) {
            steps.push(StepSnapshot { id: step, parts: Vec::new() });
        }
        if let (Some(tree), Some(last)) = (answer, steps.last_mut()) {
            last.parts.push(Part { name: part, route, request, tree });
        }
    }
    let api = version("api")?;
    if api != case.api {
        return Err(wrong(format!("the snapshot was recorded at API {api}, and its name says {}", case.api)));
    }
    Ok(Snapshot { case: case.clone(), engine, fingerprint: get("fingerprint")?, steps })
}

/// The `info` map of the header: lines `  key: value`, as we and insta write them.
fn info_of(header: &str) -> BTreeMap<String, String> {
    let lines = header.lines().skip_while(|line| line.trim_end() != "info:").skip(1);
    let pairs =
        lines.take_while(|line| line.starts_with("  ")).filter_map(|line| line.trim().split_once(':'));
    pairs.map(|(key, value)| (key.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned())).collect()
}

/// A committed snapshot that is there: its engine's folder and its case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotFile {
    /// `docker-20.10`.
    pub folder: String,
    /// The case.
    pub case: CaseId,
    /// The file, as messages name it.
    pub file: String,
}

impl Store {
    fn snapshot_path(&self, folder: &str, case: &CaseId) -> PathBuf {
        let CaseId { scenario, api } = case;
        self.root.join(format!("snapshots/{folder}/{}/{}@{api}.snap", scenario.area(), scenario.name()))
    }

    /// The snapshot of a case on an engine, if one is committed.
    pub fn snapshot(&self, folder: &str, case: &CaseId) -> Result<Option<Snapshot>, StoreError> {
        let path = self.snapshot_path(folder, case);
        if !path.is_file() {
            return Ok(None);
        }
        let file = relative(&path, &self.root);
        let snapshot = from_text(&file, &read(&path)?, case);
        snapshot.map(Some).map_err(|mistake| StoreError::Mistakes(vec![*mistake]))
    }

    /// The snapshot that stands for a case: its own, else that of the API version that stands for
    /// its version. The snapshot says at which version it was recorded.
    pub fn standing_for(&self, folder: &str, case: &CaseId) -> Result<Option<Snapshot>, StoreError> {
        if let Some(own) = self.snapshot(folder, case)? {
            return Ok(Some(own));
        }
        let versions = self.recorded_versions(folder, &case.scenario);
        match case.api.standing_for(versions.iter()) {
            Some(api) => self.snapshot(folder, &CaseId { scenario: case.scenario.clone(), api: api.clone() }),
            None => Ok(None),
        }
    }

    fn recorded_versions(&self, folder: &str, scenario: &ScenarioId) -> Vec<Version> {
        let area = self.root.join(format!("snapshots/{folder}/{}", scenario.area()));
        let files = std::fs::read_dir(area).into_iter().flatten().flatten();
        let version = |name: String| {
            let (name, api) = name.strip_suffix(".snap")?.rsplit_once('@')?;
            (name == scenario.name()).then(|| api.parse().ok()).flatten()
        };
        files.filter_map(|file| version(file.file_name().into_string().ok()?)).collect()
    }

    /// All committed snapshots, sorted.
    pub fn snapshot_files(&self) -> Result<Vec<SnapshotFile>, StoreError> {
        let mut found = Vec::new();
        for path in files_below(&self.root.join("snapshots"), "snap")? {
            let file = relative(&path, &self.root);
            let parts: Vec<&str> = file.split('/').collect();
            if let ["snapshots", folder, area, name] = parts.as_slice()
                && let Some((name, api)) = name.trim_end_matches(".snap").rsplit_once('@')
                && let Ok(api) = api.parse()
            {
                let case = CaseId { scenario: ScenarioId(format!("{area}/{name}")), api };
                found.push(SnapshotFile { folder: (*folder).to_owned(), case, file: file.clone() });
            }
        }
        found.sort();
        Ok(found)
    }

    /// The engines that have committed snapshots.
    pub fn snapshot_folders(&self) -> Result<Vec<String>, StoreError> {
        let mut folders: Vec<String> = self.snapshot_files()?.into_iter().map(|each| each.folder).collect();
        folders.dedup();
        Ok(folders)
    }

    /// Writes a snapshot: over the old one, or beside it as `.snap.new` for `cargo insta review`.
    pub fn save_snapshot(&self, snapshot: &Snapshot, source: &str, how: Saving) -> Result<Saved, StoreError> {
        let path = self.snapshot_path(&snapshot.engine.folder(), &snapshot.case);
        let text = to_text(snapshot, source);
        let old = if path.is_file() { Some(read(&path)?) } else { None };
        let contents = |text: &str| text.split_once("\n---\n").map(|(_, contents)| contents.to_owned());
        let same_header = |old: &str| info_of(old).get("fingerprint") == Some(&snapshot.fingerprint);
        if old.as_deref().is_some_and(|old| contents(old) == contents(&text) && same_header(old)) {
            return Ok(Saved::Unchanged);
        }
        match how {
            Saving::Over => write(&path, &text)?,
            Saving::Beside => write(&path.with_extension("snap.new"), &text)?,
        }
        Ok(if old.is_some() { Saved::Changed } else { Saved::Added })
    }

    /// Removes a snapshot that has no scenario any more.
    pub fn remove_snapshot(&self, file: &SnapshotFile) -> Result<(), StoreError> {
        let path = self.snapshot_path(&file.folder, &file.case);
        std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))
    }
}

/// How a snapshot is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Over the committed file.
    Over,
    /// Beside it, as a pending snapshot of insta.
    Beside,
}

/// What saving did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// There was none before.
    Added,
    /// There was another one before.
    Changed,
    /// The same one was there.
    Unchanged,
}

impl Saved {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Saved::Added => "added",
            Saved::Changed => "changed",
            Saved::Unchanged => "unchanged",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn example() -> Snapshot {
        let part = Part {
            name: String::new(),
            route: Route::named("GET /version"),
            request: "GET /v1.21/version".to_owned(),
            tree: json!({"status": 200, "body": {"json": {"n": 1, "a": null}}}),
        };
        Snapshot {
            case: CaseId { scenario: ScenarioId("system/version".to_owned()), api: "1.21".parse().unwrap() },
            engine: EngineId {
                identity: "docker".to_owned(),
                release: "20.10.24".parse().unwrap(),
                kind: Kind::Live,
                world: "default".to_owned(),
            },
            fingerprint: "0123".to_owned(),
            steps: vec![
                StepSnapshot { id: StepId("version".to_owned()), parts: vec![part] },
                StepSnapshot { id: StepId("background".to_owned()), parts: Vec::new() },
            ],
        }
    }

    #[test]
    fn a_snapshot_reads_as_it_was_written() {
        let text = to_text(&example(), "suites/system/scenarios/version.toml");
        let read = from_text("x.snap", &text, &example().case).unwrap();
        assert_eq!(read, example());
        insta::assert_snapshot!(text.lines().take(12).collect::<Vec<_>>().join("\n"), @r#"
        ---
        source: suites/system/scenarios/version.toml
        description: "system/version at API 1.21, answered by docker 20.10.24"
        info:
          format: 1
          identity: docker
          release: "20.10.24"
          kind: live
          world: "default"
          api: "1.21"
          fingerprint: "0123"
          hash: "30ebdf74698a87d3"
        "#);
    }

    #[test]
    fn a_cut_or_changed_snapshot_is_a_mistake_and_never_an_empty_one() {
        let text = to_text(&example(), "s.toml");
        let case = example().case;
        for broken in [
            "",
            "---\n",
            &text[..text.len() / 2],
            &text.replace("200", "201"),
            &text.replace("format: 1", "format: 9"),
            &text.replace("api: \"1.21\"", "api: \"1.24\""),
        ] {
            assert!(from_text("x.snap", broken, &case).is_err(), "{broken}");
        }
    }
}
