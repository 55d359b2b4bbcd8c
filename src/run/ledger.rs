//! The ledger of a run: what it is about to make, on disk before it is made. The file is locked
//! while the run lives, so that a sweep can tell what was left behind from what is in use.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::engine::address::Address;

/// What a run makes on an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// An engine that the run starts, by the folder in which it keeps everything.
    Engine,
    /// A container.
    Container,
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
}

impl fmt::Display for Thing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Thing::Engine => "engine",
            Thing::Container => "container",
            Thing::Image => "image",
            Thing::Network => "network",
            Thing::Volume => "volume",
        })
    }
}

/// The first line of a ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The run's id.
    pub run: String,
    /// Its process.
    pub pid: u32,
    /// When it began, in seconds since 1970.
    pub started: u64,
}

/// One line: a thing that may have been made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is.
    pub kind: Thing,
    /// Its name or id; empty for what only its label tells.
    pub name: String,
    /// The value of the label that it carries.
    pub tag: String,
    /// The engine's place: [`Address::place`].
    pub engine: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { &self.tag } else { &self.name };
        write!(out, "{} {name} on {}", self.kind, self.engine)
    }
}

/// Something that could not be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What.
    pub entry: Entry,
    /// Why.
    pub reason: String,
}

/// The open ledger of the run that is going on.
#[derive(Debug)]
pub struct Ledger {
    run: String,
    path: PathBuf,
    file: Mutex<File>,
    left: Mutex<Vec<Left>>,
}

impl Ledger {
    /// Starts a ledger, and with it a run: the run's id is new in this folder.
    pub fn open(dir: &Path) -> io::Result<Ledger> {
        fs::create_dir_all(dir)?;
        let pid = std::process::id();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for attempt in 0u64..100 {
            let seed = u64::from(since.subsec_nanos()) ^ (since.as_secs() << 30) ^ (u64::from(pid) << 12);
            let run = base36(seed.wrapping_add(attempt));
            let path = dir.join(format!("{run}.jsonl"));
            // Locked before it has its name: a sweep must never find it without an owner.
            let draft = dir.join(format!("{run}.draft"));
            let mut file = match OpenOptions::new().create_new(true).append(true).open(&draft) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            if path.exists() {
                fs::remove_file(&draft)?;
                continue;
            }
            file.lock()?;
            write_line(&mut file, &Opening { run: run.clone(), pid, started: since.as_secs() })?;
            fs::rename(&draft, &path)?;
            return Ok(Ledger { run, path, file: Mutex::new(file), left: Mutex::default() });
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free run id"))
    }

    /// The run's id: a few letters and digits.
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Enters what is about to be made. When this returns, the line is out of this process.
    pub fn note(&self, kind: Thing, name: &str, tag: &str, engine: &Address) -> io::Result<()> {
        let entry = Entry { kind, name: name.to_owned(), tag: tag.to_owned(), engine: engine.place() };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        write_line(&mut file, &entry)
    }

    /// Remembers what could not be removed, so that the file stays for a sweep.
    pub fn leave(&self, left: Left) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(left);
    }

    /// Ends the run: removes the file if nothing was left behind, and tells what was.
    pub fn close_clean(self) -> io::Result<Vec<Left>> {
        let left = self.left.into_inner().unwrap_or_else(PoisonError::into_inner);
        if left.is_empty() {
            fs::remove_file(&self.path)?;
        }
        Ok(left)
    }
}

fn write_line(file: &mut File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    // One write: a killed process leaves whole lines or a last one cut short.
    file.write_all(&line)
}

fn base36(number: u64) -> String {
    // Mixed first (Knuth's constant), for the high digits to differ between runs as well.
    let mut number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let mut text = String::new();
    for _ in 0..5 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        text.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    text
}

/// A ledger that was left behind, held so that nobody else sweeps it.
#[derive(Debug)]
pub struct Abandoned {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says.
    pub entries: Vec<Entry>,
    /// The numbers of the lines that cannot be read; the last line may be cut short.
    pub unreadable: Vec<usize>,
    /// Keeps the lock.
    _file: File,
}

/// The ledgers of a folder whose runs are no longer alive.
pub fn abandoned(dir: &Path) -> io::Result<Vec<Abandoned>> {
    let listing = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut paths = listing.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let file = File::open(&path)?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => continue,
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (at, line) in text.split_inclusive('\n').enumerate().skip(1) {
            match serde_json::from_str::<Entry>(line) {
                Ok(entry) => entries.push(entry),
                Err(_) if !line.ends_with('\n') => {}
                Err(_) => unreadable.push(at + 1),
            }
        }
        entries.sort();
        entries.dedup();
        found.push(Abandoned { path, entries, unreadable, _file: file });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_run_is_not_abandoned_and_a_dead_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Address::Tcp("127.0.0.1:1".to_owned());
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.run_id().len(), 5);
        ledger.note(Thing::Container, "dv-1-web", "dv-1", &engine).unwrap();
        assert!(abandoned(dir.path()).unwrap().is_empty());
        let path = ledger.path().to_owned();
        drop(ledger);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"odd\n{\"kind\":\"con").unwrap();
        let found = abandoned(dir.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].entries[0].name, "dv-1-web");
        assert_eq!((found[0].entries.len(), found[0].unreadable.as_slice()), (1, [3].as_slice()));
    }

    #[test]
    fn a_clean_run_leaves_no_file_and_another_one_does() {
        let dir = tempfile::tempdir().unwrap();
        let (clean, other) = (Ledger::open(dir.path()).unwrap(), Ledger::open(dir.path()).unwrap());
        assert_ne!(clean.run_id(), other.run_id());
        let text = |text: &str| text.to_owned();
        let entry = Entry { kind: Thing::Volume, name: text("v"), tag: text("t"), engine: text("e") };
        let left = Left { entry, reason: text("in use") };
        other.leave(left.clone());
        let (clean_path, other_path) = (clean.path().to_owned(), other.path().to_owned());
        assert_eq!(clean.close_clean().unwrap(), []);
        assert_eq!(other.close_clean().unwrap(), [left]);
        assert!(!clean_path.exists());
        assert!(other_path.exists());
    }
}
