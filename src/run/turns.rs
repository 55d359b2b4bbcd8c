//! Turns on an engine, among all runs of this machine: cases side by side, an exclusive one by
//! itself. Files that are locked and hold nothing. Knows no case, and nobody who uses an engine
//! without taking turns: these show as what changed meanwhile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::cancel::Cancel;
use crate::engine::address::Address;

/// Whoever cannot have a turn at once looks again after this pause.
const PAUSE: Duration = Duration::from_millis(20);

/// Where turns on the engines of a run are taken.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    engines: Vec<Queue>,
}

/// The two files of one engine. Who wants a turn stands first in the line and lets the next one
/// come forward once the turn is had, so that an exclusive case waits only for those under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Queue {
    line: PathBuf,
    turn: PathBuf,
}

/// What a turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Others may use the engine at the same time.
    Shared,
    /// Nobody else may.
    Alone,
}

/// A turn on every engine; it ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Turn(Vec<File>);

impl Turns {
    /// Turns on the engines at these addresses, with all who use the same temporary folder.
    pub fn on<'a>(homes: impl IntoIterator<Item = &'a Address>) -> Turns {
        Turns::with_files_in(&std::env::temp_dir(), homes)
    }

    fn with_files_in<'a>(folder: &Path, homes: impl IntoIterator<Item = &'a Address>) -> Turns {
        let mut engines: Vec<Queue> = homes.into_iter().map(|home| Queue::of(home, folder)).collect();
        // In one order for everybody: nobody waits for one who waits in turn.
        engines.sort();
        engines.dedup();
        Turns { engines }
    }

    /// Waits for a turn; a run that is cancelled meanwhile gets an empty one, as it does no more.
    pub async fn take(&self, how: Use, cancel: &Cancel) -> io::Result<Turn> {
        let mut held = Vec::new();
        for queue in &self.engines {
            let line = locked(&queue.line, Use::Alone, cancel).await?;
            // Nobody gets ahead of those in the line, not even on the way out.
            let Some(line) = line else { return Ok(Turn(Vec::new())) };
            held.extend(locked(&queue.turn, how, cancel).await?);
            drop(line);
        }
        Ok(Turn(held))
    }
}

impl Turn {
    /// Whether there is an engine to take turns on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Queue {
    fn of(home: &Address, folder: &Path) -> Queue {
        // The usual socket has two names where /var/run leads to /run.
        let place = match home {
            Address::Unix(path) => {
                format!("unix://{}", path.canonicalize().unwrap_or_else(|_| path.clone()).display())
            }
            Address::Tcp(_) | Address::Tls(_) => home.to_string(),
        };
        let hash: String = Sha256::digest(place).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let file = |what: &str| folder.join(format!("divergence-{hash}.{what}"));
        Queue { line: file("line"), turn: file("turn") }
    }
}

/// The file, locked; none when the run is cancelled before.
async fn locked(path: &Path, how: Use, cancel: &Cancel) -> io::Result<Option<File>> {
    let file = opened(path)?;
    loop {
        let tried = match how {
            Use::Shared => file.try_lock_shared(),
            Use::Alone => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = cancel.cancelled() => return Ok(None),
        }
    }
}

/// A file that is there is only read: it may be another user's, and reading is enough to lock it.
fn opened(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(path),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn turns(folder: &Path, homes: &[&str]) -> Turns {
        let homes: Vec<Address> = homes.iter().map(|home| home.parse().unwrap()).collect();
        Turns::with_files_in(folder, &homes)
    }

    /// Whether a turn is to be had at once.
    async fn is_free(turns: &Turns, how: Use) -> bool {
        let cancel = Cancel::default();
        cancel.cancel();
        // Cancelled already: what cannot be had at once is not waited for.
        turns.take(how, &cancel).await.unwrap().0.len() == turns.engines.len()
    }

    /// Whether a turn is to be had soon: a process that is being started holds for a moment what its
    /// parent holds.
    async fn comes(turns: &Turns, how: Use) -> bool {
        let cancel = Cancel::default();
        let turn = tokio::time::timeout(Duration::from_secs(10), turns.take(how, &cancel)).await;
        turn.is_ok_and(|turn| turn.unwrap().0.len() == turns.engines.len())
    }

    #[tokio::test]
    async fn cases_run_side_by_side_and_an_exclusive_one_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (turns(folder.path(), &["tcp://a:1"]), turns(folder.path(), &["tcp://a:1"]));
        let elsewhere = turns(folder.path(), &["tcp://b:1"]);
        let cancel = Cancel::default();
        let shared = one.take(Use::Shared, &cancel).await.unwrap();
        assert!(comes(&other, Use::Shared).await);
        assert!(!is_free(&other, Use::Alone).await);
        drop(shared);
        let alone = one.take(Use::Alone, &cancel).await.unwrap();
        assert!(!is_free(&other, Use::Shared).await);
        assert!(!is_free(&other, Use::Alone).await);
        assert!(comes(&elsewhere, Use::Alone).await);
        assert!(!is_free(&turns(folder.path(), &["tcp://a:1", "tcp://b:1"]), Use::Shared).await);
        drop(alone);
        assert!(comes(&other, Use::Alone).await);
    }

    #[tokio::test]
    async fn an_exclusive_case_is_not_kept_waiting_by_those_who_come_later() {
        let folder = tempfile::tempdir().unwrap();
        let turns = turns(folder.path(), &["tcp://a:1"]);
        let cancel = Cancel::default();
        let shared = turns.take(Use::Shared, &cancel).await.unwrap();
        let mut waiting = std::pin::pin!(turns.take(Use::Alone, &cancel));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(!is_free(&turns, Use::Shared).await);
        drop(shared);
        assert!(!waiting.await.unwrap().is_empty());
        assert!(comes(&turns, Use::Shared).await);
    }

    #[test]
    fn a_socket_is_one_engine_by_whatever_path() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real.sock");
        std::fs::write(&real, "").unwrap();
        let linked = folder.path().join("linked.sock");
        std::os::unix::fs::symlink(&real, &linked).unwrap();
        let homes = [Address::Unix(real), Address::Unix(linked)];
        assert_eq!(Turns::with_files_in(folder.path(), &homes).engines.len(), 1);
    }
}
