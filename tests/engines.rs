//! Engines that a run starts itself: they answer as any other one, and nothing is left of them,
//! also after a SIGKILL. Live: left out, and said so, where no Docker answers or who runs the
//! tests is not root, and neither is required. `DIVERGENCE_ENGINE` says which one in a container.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where it cannot go on, and says what it leaves out"
)]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use divergence::engine::docker_cli::USUAL_SOCKET;

fn is_live() -> bool {
    let is_root = rustix::process::getuid().is_root();
    if is_root && std::os::unix::net::UnixStream::connect(USUAL_SOCKET).is_ok() {
        return true;
    }
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers or the user is not root");
    eprintln!("left out: no Docker Engine answers on {USUAL_SOCKET}, or the user is not root");
    false
}

fn command(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
    command.args(["--root", env!("CARGO_MANIFEST_DIR"), "--state"]).arg(state).args(arguments);
    command.env_remove("DOCKER_HOST");
    command
}

fn divergence(state: &Path, arguments: &[&str]) -> Output {
    command(state, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn entries(folder: &Path) -> Vec<String> {
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    listing.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Processes that name this folder.
fn processes_of(folder: &Path) -> usize {
    let named = folder.to_str().unwrap();
    let lines = entries(Path::new("/proc")).into_iter();
    let lines = lines.filter_map(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).ok());
    lines.filter(|line| text(line).contains(named)).count()
}

fn nothing_is_left(state: &Path) {
    let engines = state.join("engines");
    assert_eq!(entries(&engines), [""; 0]);
    assert_eq!(entries(&state.join("ledger")), [""; 0]);
    assert_eq!(processes_of(&engines), 0);
}

#[test]
fn a_second_dockerd_of_the_machine_answers_as_the_first_one_and_nothing_is_left_of_it() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let cases = ["system/info-host", "exit-statuses/exits-0", "registry/push-and-pull"];
    let arguments = ["run", "--null", "--reference", "docker", "--candidate", "host:docker"];
    let ran = divergence(state.path(), &[&arguments[..], &cases].concat());
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{said}{}", text(&ran.stderr));
    assert!(said.contains(", host: ") && said.contains("3 conform"), "{said}");
    nothing_is_left(state.path());
}

#[test]
fn a_sweep_ends_the_engine_of_a_killed_run_and_all_that_runs_on_it() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let arguments = ["run", "--null", "--reference", "host:docker", "exit-statuses", "processes"];
    let mut child = command(state.path(), &arguments);
    let mut child =
        child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let engines = state.path().join("engines");
    let until = Instant::now() + Duration::from_secs(60);
    // A container of a case runs on it: its process is one of a shim.
    while processes_of(&engines) < 2 {
        assert!(Instant::now() < until, "no engine was started within a minute");
        std::thread::yield_now();
    }
    // Nobody else's sweep ends it meanwhile.
    assert!(divergence(state.path(), &["sweep"]).status.success());
    assert!(processes_of(&engines) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let swept = divergence(state.path(), &["sweep"]);
    assert!(swept.status.success(), "{}", text(&swept.stdout));
    assert!(text(&swept.stdout).contains("removed  engine "), "{}", text(&swept.stdout));
    nothing_is_left(state.path());
}

/// An engine that `ci/engines` made an image of: the one that is to be tried, else any.
fn container_engine() -> Option<String> {
    if let Ok(name) = std::env::var("DIVERGENCE_ENGINE") {
        return Some(name);
    }
    let images = asked("/images/json");
    let known = ["docker:28.5", "podman:5.4", "docker:26.1", "podman:5.8"];
    let found = known.into_iter().find(|name| images.contains(&format!("divergence-engine/{name}")));
    if found.is_none() {
        eprintln!("left out: no image of an engine is there; ci/engines makes them");
    }
    found.map(str::to_owned)
}

/// What the local Docker says to a GET.
fn asked(target: &str) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(USUAL_SOCKET).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer)
}

/// The containers of engines that runs with this state started.
fn containers_of(state: &Path) -> bool {
    let engines = state.join("engines");
    let mounted = format!("\"Source\":\"{}", engines.canonicalize().unwrap_or(engines).display());
    asked("/containers/json?all=1").contains(&mounted)
}

#[test]
fn an_engine_in_a_container_answers_and_nothing_is_left_of_it() {
    let Some(engine) = is_live().then(container_engine).flatten() else { return };
    let state = tempfile::tempdir().unwrap();
    let arguments =
        ["run", "--null", "--reference", &engine, "--api", "1.24", "exit-statuses/exits", "system/ping"];
    let ran = divergence(state.path(), &arguments);
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{said}{}", text(&ran.stderr));
    assert!(said.contains(", container: ") && said.contains("0 skipped"), "{said}");
    assert!(!containers_of(state.path()));
    nothing_is_left(state.path());
}

#[test]
fn a_sweep_ends_the_engine_in_a_container_of_a_killed_run() {
    let Some(engine) = is_live().then(container_engine).flatten() else { return };
    let state = tempfile::tempdir().unwrap();
    let mut child =
        command(state.path(), &["run", "--null", "--reference", &engine, "--api", "1.24", "exec"]);
    let mut child =
        child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !containers_of(state.path()) {
        assert!(Instant::now() < until, "no engine was started within a minute");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let swept = divergence(state.path(), &["sweep"]);
    assert!(swept.status.success(), "{}", text(&swept.stdout));
    assert!(!containers_of(state.path()));
    nothing_is_left(state.path());
}

#[test]
fn an_engine_without_an_image_says_how_to_get_one() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let ran =
        divergence(state.path(), &["run", "--candidate", "127.0.0.1:1/docker:28.5", "exit-statuses/exits-0"]);
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("no image") && said.contains("ci/engines"), "{said}");
    nothing_is_left(state.path());
}

#[test]
fn a_place_that_is_too_long_for_a_socket_is_told_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x".repeat(100));
    let ran = divergence(&state, &["run", "--reference", "host:docker", "exit-statuses/exits-0"]);
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("--state"), "{said}");
    nothing_is_left(&state);
}

#[test]
fn what_docker_itself_changed_is_written_down_and_bound_to_the_release_of_the_reference() {
    let state = tempfile::tempdir().unwrap();
    let sides = ["--reference", "recorded:docker-20.10", "--candidate", "recorded:docker-28.5"];
    let areas = ["system/", "versions/", "networks/", "volumes/", "errors/"];
    let ran = divergence(state.path(), &[&["run", "--api", "1.24"], &sides[..], &areas[..]].concat());
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{said}{}", text(&ran.stderr));
    // The same answers say nothing of a reference that is not the old one.
    let sides = ["--reference", "recorded:docker-28.5", "--candidate", "recorded:docker-28.5"];
    let ran = divergence(state.path(), &[&["run", "--api", "1.24"], &sides[..], &areas[..]].concat());
    assert!(text(&ran.stdout).contains(" 0 diverge as written, 0 fail"), "{}", text(&ran.stdout));
}

#[test]
fn what_podman_answers_is_written_down_for_both_its_releases() {
    let state = tempfile::tempdir().unwrap();
    for candidate in ["recorded:podman-4.3", "recorded:podman-5.4"] {
        let sides = ["run", "--reference", "recorded:docker-20.10", "--candidate", candidate];
        let areas = ["system/", "versions/", "exit-statuses/", "exec/"];
        let ran = divergence(state.path(), &[&sides[..], &areas[..]].concat());
        let said = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(0), "{said}{}", text(&ran.stderr));
        assert!(!said.contains(" 0 diverge as written"), "{said}");
    }
}
