//! The engine that the tests share, one at a time, and what is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use divergence::engine::docker_cli::USUAL_SOCKET;
use serde_json::Value;

static ENGINE: Mutex<()> = Mutex::new(());

/// An exclusive claim on the engine, among the tests of this file; none where there is no engine.
pub fn mine() -> Option<MutexGuard<'static, ()>> {
    if UnixStream::connect(socket()).is_ok() {
        return Some(ENGINE.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers");
    eprintln!("left out: no Docker Engine answers on {}", socket().display());
    None
}

pub fn socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").ok();
    let path = host.as_deref().and_then(|host| host.strip_prefix("unix://"));
    path.unwrap_or(USUAL_SOCKET).into()
}

/// Status and body of an answer. HTTP/1.0, so that its body is plain and ends with the connection.
pub fn call(method: &str, target: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = UnixStream::connect(socket()).unwrap();
    let head = format!(
        "{method} {target} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer.split_off(end + 4))
}

pub fn get(target: &str) -> Value {
    let (status, body) = call("GET", target, "text/plain", b"");
    assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// Everything on the engine: ids with names of containers, images and networks, names of volumes.
pub fn inventory() -> BTreeMap<&'static str, BTreeSet<String>> {
    let lists = [
        ("containers", "/v1.24/containers/json?all=1", "", "Names"),
        ("images", "/v1.24/images/json?all=1", "", "RepoTags"),
        ("networks", "/v1.24/networks", "", "Name"),
        ("volumes", "/v1.24/volumes", "/Volumes", "Name"),
    ];
    let things = lists.map(|(kind, target, list, name)| {
        let answer = get(target);
        let rows = answer.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let told = |row: &Value| format!("{} {}", row["Id"].as_str().unwrap_or_default(), row[name]);
        (kind, rows.iter().map(told).collect())
    });
    BTreeMap::from(things)
}

/// What is there now and was not before, and the other way round.
pub fn changes(before: &BTreeMap<&'static str, BTreeSet<String>>) -> Vec<String> {
    let now = inventory();
    let told = |(kind, things): (&&'static str, &BTreeSet<String>)| -> Vec<String> {
        let more = now[kind].difference(things).map(|thing| format!("{kind} +{thing}"));
        more.chain(things.difference(&now[kind]).map(|thing| format!("{kind} -{thing}"))).collect()
    };
    before.iter().flat_map(told).collect()
}

pub fn divergence(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
    command.args(["--root", env!("CARGO_MANIFEST_DIR"), "--state"]).arg(state).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub fn sweep(state: &Path) {
    let output = divergence(state, &["sweep"]).stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// How a process ends, which it does within two minutes.
pub fn ended(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the run did not end within two minutes");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The ledger of a run that has not ended well, and its id.
pub fn ledger(state: &Path) -> Option<(PathBuf, String)> {
    let entries = std::fs::read_dir(state.join("ledger")).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let path = paths.find(|path| path.extension().is_some_and(|its| its == "jsonl"))?;
    let run = path.file_stem()?.to_str()?.to_owned();
    Some((path, run))
}

/// A run that has made something: its process and its id.
pub fn under_way(state: &Path, arguments: &[&str]) -> (Child, String) {
    let mut child = divergence(state, arguments).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some((_, run)) = ledger(state)
            && get("/v1.24/containers/json?all=1").to_string().contains(&format!("dv-{run}-"))
        {
            return (child, run);
        }
        let over = child.try_wait().unwrap();
        assert!(over.is_none() && Instant::now() < until, "the run made nothing: {over:?}");
        std::thread::yield_now();
    }
}
