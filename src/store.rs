//! The files of a project: suites, snapshots, the last run. The only module that touches
//! `suites/` and `snapshots/`. It knows no engine and judges nothing.

pub mod last;
pub mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::mistake::Mistake;
use crate::normalise::Rules;
use crate::suite::{Suite, SuiteFiles};

/// A project on disk.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    suites: PathBuf,
    state: PathBuf,
}

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No project here.
    #[error(
        "find a project: no `suites/suite.toml` in {0} or above it; run in a project, or name one with --root"
    )]
    NoProject(PathBuf),
    /// The system said no.
    #[error("{verb} {path}: {source}")]
    Io {
        /// `read`, `write`, ...
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Files with mistakes; nothing was run.
    #[error("load the suite: {} {}", .0.len(), if .0.len() == 1 { "mistake" } else { "mistakes" })]
    Mistakes(Vec<Mistake>),
}

impl StoreError {
    fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        move |source| StoreError::Io { verb, path, source }
    }
}

/// Everything that a run needs of a project.
#[derive(Debug)]
pub struct Loaded {
    /// Scenarios and divergences.
    pub suite: Suite,
    /// The rules of normalising.
    pub rules: Rules,
    /// A hash of all files of the suite: reports of different suites cannot be merged.
    pub fingerprint: String,
}

impl Store {
    /// The project at `root`, or the nearest one at or above `here`.
    pub fn find(root: Option<&Path>, here: &Path, suites: Option<&Path>) -> Result<Store, StoreError> {
        let is_project = |folder: &&Path| folder.join("suites/suite.toml").is_file();
        let found = match root {
            Some(root) => Some(root).filter(is_project),
            None => here.ancestors().find(is_project),
        };
        let root = match (found, suites) {
            (Some(root), _) => root.to_owned(),
            (None, Some(_)) => root.unwrap_or(here).to_owned(),
            (None, None) => return Err(StoreError::NoProject(root.unwrap_or(here).to_owned())),
        };
        let suites = suites.map_or_else(|| root.join("suites"), Path::to_owned);
        Ok(Store { state: root.join(".divergence"), suites, root })
    }

    /// The same project with its state elsewhere.
    pub fn with_state(mut self, state: Option<&Path>) -> Store {
        if let Some(state) = state {
            self.state = state.to_owned();
        }
        self
    }

    /// The folder of the project.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of fixtures.
    pub fn fixtures(&self) -> PathBuf {
        self.root.join("fixtures")
    }

    /// The folder for what is not committed: last run, ledger, simulator state.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// A file named in messages, with its text.
    pub fn text_of(&self, file: &str) -> String {
        std::fs::read_to_string(self.path_of(file)).unwrap_or_default()
    }

    /// Where a file named in messages lies.
    pub fn path_of(&self, file: &str) -> PathBuf {
        match file.strip_prefix("suites/") {
            Some(rest) => self.suites.join(rest),
            None => self.root.join(file),
        }
    }

    /// Loads the suite and the rules, or says all that is wrong with them.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let files = self.suite_files()?;
        let fingerprint = files.fingerprint();
        let mut mistakes = Vec::new();
        let suite = crate::suite::load(&files);
        let rules_file = self.suites.join("normalise.toml");
        let rules = match rules_file.is_file() {
            true => Rules::parse("suites/normalise.toml", &read(&rules_file)?),
            false => Rules::parse("suites/normalise.toml", &read(&self.root.join("suites/normalise.toml"))?),
        };
        if let Err(found) = &rules {
            mistakes.extend(found.clone());
        }
        match suite {
            Err(found) => mistakes.extend(found),
            Ok(suite) => {
                mistakes.extend(crate::judge::select::ties(&suite.divergences, &suite.scenarios));
                if let (true, Ok(rules)) = (mistakes.is_empty(), rules) {
                    return Ok(Loaded { suite, rules, fingerprint });
                }
            }
        }
        mistakes.sort_by(|one, other| {
            let key =
                |mistake: &Mistake| (mistake.file.clone(), mistake.span.as_ref().map(|span| span.start));
            key(one).cmp(&key(other))
        });
        Err(StoreError::Mistakes(mistakes))
    }

    /// Whether a run against this engine was agreed to before.
    pub fn knows_engine(&self, address: &str) -> bool {
        read(&self.state.join("agreed")).is_ok_and(|text| text.lines().any(|line| line == address))
    }

    /// Remembers that runs against this engine were agreed to.
    pub fn remember_engine(&self, address: &str) -> Result<(), StoreError> {
        let path = self.state.join("agreed");
        let so_far = if path.is_file() { read(&path)? } else { String::new() };
        write(&path, &format!("{so_far}{address}\n"))
    }

    fn suite_files(&self) -> Result<SuiteFiles, StoreError> {
        let mut files = SuiteFiles::default();
        let mut texts = BTreeMap::new();
        for path in files_below(&self.suites, "toml")? {
            let name = format!("suites/{}", relative(&path, &self.suites));
            texts.insert(name, read(&path)?);
        }
        for (name, text) in texts {
            let parts: Vec<&str> = name.split('/').collect();
            match parts.as_slice() {
                ["suites", "suite.toml"] => files.suite = Some((name, text)),
                ["suites", "unobservable.toml"] => files.unobservable = Some((name, text)),
                ["suites", "options.toml"] => files.options = Some((name, text)),
                ["suites", "unasked.toml"] => files.unasked = Some((name, text)),
                ["suites", "own-tests.toml"] => files.own_tests = Some((name, text)),
                ["suites", "normalise.toml"] => files.rules = Some((name, text)),
                ["suites", _, "divergences", ..] => files.divergences.push((name, text)),
                _ => files.scenarios.push((name, text)),
            }
        }
        let fixtures = self.fixtures();
        let catalogue = fixtures.join("catalogue.toml");
        if catalogue.is_file() {
            files.catalogue = Some(("fixtures/catalogue.toml".to_owned(), read(&catalogue)?));
        }
        for path in files_below(&fixtures.join("api"), "toml")? {
            files.api.push((relative(&path, &self.root), read(&path)?));
        }
        for path in files_below(&fixtures, "")? {
            let name = relative(&path, &self.root);
            if let Some(image) = name.strip_prefix("fixtures/images/").and_then(|n| n.strip_suffix(".toml")) {
                files.images.push(image.to_owned());
            }
            files.fixtures.insert(name);
        }
        Ok(files)
    }
}

/// All files below a folder with this extension (all when it is empty), sorted.
pub fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StoreError::io("read", &folder)(error)),
        };
        for entry in entries {
            let path = entry.map_err(StoreError::io("read", &folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if extension.is_empty() || path.extension().is_some_and(|its| its == extension) {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// All files below a folder that are text, by their path within it.
pub fn files_with_text(folder: &Path) -> Result<BTreeMap<String, String>, StoreError> {
    let mut texts = BTreeMap::new();
    for path in files_below(folder, "")? {
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        if let Ok(text) = String::from_utf8(bytes) {
            texts.insert(relative(&path, folder), text);
        }
    }
    Ok(texts)
}

/// Removes a file.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    std::fs::remove_file(path).map_err(StoreError::io("remove", path))
}

/// A path below a folder, as messages name it.
fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, StoreError> {
    std::fs::read_to_string(path).map_err(StoreError::io("read", path))
}

/// Writes a file whole or not at all: beside it first, then renamed over it.
pub fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    write_bytes(path, text.as_bytes())
}

/// As [`write()`], of bytes that may be no text.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(StoreError::io("write", folder))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        std::fs::rename(&beside, path)
    })();
    written.map_err(|error| {
        // What is left beside the file is of no use to anyone.
        drop(std::fs::remove_file(&beside));
        StoreError::io("write", path)(error)
    })
}
