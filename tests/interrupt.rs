//! Runs that are interrupted leave nothing behind: by Ctrl-C at once, by SIGKILL after a sweep.
//! Live: left out, and said so, where no Docker answers and none is required.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::zombie_processes,
    reason = "a test ends where it cannot go on, says what it leaves out, and waits elsewhere"
)]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SOCKET: &str = "/var/run/docker.sock";

fn is_live() -> bool {
    if UnixStream::connect(SOCKET).is_ok() {
        return true;
    }
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers");
    eprintln!("left out: no Docker Engine answers on {SOCKET}");
    false
}

/// What the engine says to a GET.
fn ask(target: &str) -> String {
    let mut stream = UnixStream::connect(SOCKET).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Everything on the engine that a run of this id can have made.
fn left_of(run: &str) -> Vec<&'static str> {
    let things =
        ["/v1.24/containers/json?all=1", "/v1.24/images/json?all=1", "/v1.24/volumes", "/v1.24/networks"];
    let named = [format!("dv-{run}-"), format!("divergence-{run}-")];
    things.into_iter().filter(|target| named.iter().any(|name| ask(target).contains(name.as_str()))).collect()
}

fn divergence(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
    command.args(["--root", env!("CARGO_MANIFEST_DIR"), "--state"]).arg(state).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A run that is under way: it has made something, and its id is known.
fn under_way(state: &Path) -> (Child, String) {
    let child = divergence(state, &["run", "--null", "exit-statuses"]).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < until, "the run made nothing within a minute");
        if let Some(run) = ledger(state).and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            && ask("/v1.24/containers/json?all=1").contains(&format!("dv-{run}-"))
        {
            return (child, run);
        }
        std::thread::yield_now();
    }
}

fn ledger(state: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(state.join("ledger")).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|its| its == "jsonl"))
}

#[test]
fn ctrl_c_ends_a_run_that_cleans_up_by_itself() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let (mut child, run) = under_way(state.path());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    child.wait().unwrap();
    assert_eq!(left_of(&run), [""; 0]);
    assert_eq!(ledger(state.path()), None);
}

#[test]
fn sweep_finishes_what_a_killed_run_left() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let (mut child, run) = under_way(state.path());
    // A sweep beside a living run touches nothing of it.
    assert!(divergence(state.path(), &["sweep"]).status().unwrap().success());
    assert!(ledger(state.path()).is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(left_of(&run), [""; 0], "the run was killed in the middle");
    assert!(divergence(state.path(), &["sweep"]).status().unwrap().success());
    assert_eq!(left_of(&run), [""; 0]);
    assert_eq!(ledger(state.path()), None);
}
