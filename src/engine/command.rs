//! The docker CLI as a client of an engine: where it is, and one command with what it prints.
//! Knows no scenario.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use super::Endpoint;
use super::address::Address;
use crate::exchange::{Bytes, Exchange, Failure, Printed, Sent};
use crate::version::Version;

/// The variable that names a docker CLI.
pub const NAMED_BY: &str = "DIVERGENCE_DOCKER_CLI";
/// What a command begins with; in a recording it stands where a request has its method.
pub const DOCKER: &str = "docker";
/// The release whose texts the committed snapshots and divergences have.
const RELEASE: &str = "28";
/// What it may print on each of its streams.
const LARGEST: u64 = 4 << 20;
/// How long it may take to tell its version.
const ASKING: Duration = Duration::from_secs(10);

/// Finds a docker CLI: the one that is named, else the first of the `PATH`, which has to be of
/// the release whose texts are known. The error is the reason why there is none.
pub async fn find(named: Option<OsString>, path: Option<OsString>) -> Result<PathBuf, String> {
    if let Some(named) = named.map(PathBuf::from) {
        return match release_of(&named).await {
            Some(_) => Ok(named),
            None => Err(format!("{} of {NAMED_BY} is no docker CLI", named.display())),
        };
    }
    let folders = path.iter().flat_map(std::env::split_paths);
    let Some(found) = folders.map(|folder| folder.join(DOCKER)).find(|file| file.is_file()) else {
        return Err(format!(
            "no docker CLI is found on the PATH (`ci/clients` installs one) or by {NAMED_BY}"
        ));
    };
    match release_of(&found).await {
        Some(release) if release.split('.').next() == Some(RELEASE) => Ok(found),
        Some(release) => Err(format!(
            "{} is of release {release}, which words things otherwise than {RELEASE}; name one with {NAMED_BY}",
            found.display()
        )),
        None => Err(format!("{} does not tell its version", found.display())),
    }
}

/// `28.2.2` of `Docker version 28.2.2, build e6534b4`.
async fn release_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ASKING, command.output()).await.ok()?.ok()?;
    let told = String::from_utf8(output.stdout).ok()?;
    Some(told.strip_prefix("Docker version ")?.split(',').next()?.to_owned())
}

/// A command that can be run.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The CLI.
    pub program: PathBuf,
    /// The words behind `docker`.
    pub words: Vec<String>,
    /// The command as a recording tells it: environment as headers, standard input as body.
    pub sent: Sent,
    /// Whether its standard input is `sent.body`, or nothing.
    pub has_stdin: bool,
    /// Its home, configuration and working directory.
    pub home: PathBuf,
    /// How long it may take.
    pub limit: Duration,
}

/// Whether the CLI can be told of an address; the error is the reason why not.
pub fn can_go_to(address: &Address) -> Result<(), String> {
    match address {
        Address::Unix(_) | Address::Tcp(_) => Ok(()),
        Address::Tls(tls) if tls.folder().is_some() => Ok(()),
        Address::Tls(_) => Err("over TLS the docker CLI needs a folder of certificates".to_owned()),
    }
}

/// What tells the CLI where to go and how to speak; in that order in a recording.
pub fn environment(endpoint: &Endpoint, api: &Version) -> Vec<(String, String)> {
    let host = match &endpoint.address {
        Address::Tls(tls) => format!("tcp://{}", tls.host),
        address @ (Address::Unix(_) | Address::Tcp(_)) => address.to_string(),
    };
    let pairs = [("DOCKER_HOST", host), ("DOCKER_API_VERSION", api.to_string())];
    let mut pairs: Vec<(String, String)> = pairs.map(|(name, value)| (name.to_owned(), value)).into();
    if let Address::Tls(tls) = &endpoint.address {
        let folder = tls.folder().map(|folder| folder.display().to_string());
        pairs.extend(folder.map(|folder| ("DOCKER_CERT_PATH".to_owned(), folder)));
        let how = if tls.is_verified() { "DOCKER_TLS_VERIFY" } else { "DOCKER_TLS" };
        pairs.push((how.to_owned(), "1".to_owned()));
    }
    // The builder of API versions as old as sdc-docker's.
    pairs.push(("DOCKER_BUILDKIT".to_owned(), "0".to_owned()));
    pairs
}

/// A word as a POSIX shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Runs a command to its end. What it printed is there even when its time was over.
pub async fn run(typed: Typed) -> std::io::Result<Exchange> {
    let started = Instant::now();
    let deadline = started + typed.limit;
    let mut child = spawn(&typed)?;
    let (stdin, body) = (child.stdin.take(), typed.sent.body.0.clone());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command that does not read may be gone before.
            let _ = stdin.write_all(&body).await;
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let all =
            async { tokio::join!(feed, take(stdout, &mut out), take(stderr, &mut err), child.wait()).3 };
        timeout_at(deadline, all).await
    };
    let is_too_large = [&out, &err].iter().any(|bytes| bytes.len() as u64 > LARGEST);
    let (exit, failure) = match ended {
        _ if is_too_large => (None, Some(Failure::Malformed)),
        Ok(status) => (Some(exit_of(status?)), None),
        Err(_) => {
            child.kill().await?;
            (None, Some(Failure::Timeout))
        }
    };
    Ok(Exchange {
        part: String::new(),
        route: None,
        sent: typed.sent,
        answer: None,
        printed: Some(Printed { exit, stdout: Bytes(out), stderr: Bytes(err) }),
        failure,
        millis: vec![started.elapsed().as_secs_f64() * 1000.0],
    })
}

fn spawn(typed: &Typed) -> std::io::Result<Child> {
    let mut command = Command::new(&typed.program);
    command.args(&typed.words).current_dir(&typed.home).kill_on_drop(true);
    // Nothing of the user's own configuration, contexts, plugins or language.
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &typed.home);
    command.envs([("DOCKER_CONFIG", &typed.home)]);
    command.envs([("TERM", "dumb"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("DOCKER_CLI_HINTS", "false")]);
    command.envs(typed.sent.headers.iter().map(|(name, value)| (name, value)));
    command.stdin(if typed.has_stdin { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn()
}

/// Reads to the end, or a little past the limit.
async fn take(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(stream) = stream {
        let _ = stream.take(LARGEST + 1).read_to_end(into).await;
    }
}

/// The exit code as a shell has it: 128 and the signal for one that was killed.
fn exit_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("docker");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn typed(program: PathBuf, home: &Path, stdin: Option<&str>, limit: Duration) -> Typed {
        let endpoint = Endpoint::new(Address::Tcp("127.0.0.1:1".to_owned()));
        let sent = Sent {
            method: "docker".to_owned(),
            target: "x".to_owned(),
            headers: environment(&endpoint, &"1.21".parse().unwrap()),
            body: Bytes(stdin.unwrap_or_default().into()),
        };
        let words = vec!["one".to_owned(), "two words".to_owned()];
        Typed { program, words, sent, has_stdin: stdin.is_some(), home: home.to_owned(), limit }
    }

    #[tokio::test]
    async fn a_command_has_its_words_its_input_and_an_environment_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let text = r#"echo "$#:$2"; cat; echo "$DOCKER_HOST $DOCKER_API_VERSION $TERM" >&2; env | grep -c CARGO >&2; exit 7"#;
        let program = script(home.path(), text);
        let long = Duration::from_secs(60);
        let ran = run(typed(program, home.path(), Some("typed"), long)).await.unwrap();
        let printed = ran.printed.unwrap();
        assert_eq!((printed.exit, printed.stdout.lossy().as_ref()), (Some(7), "2:two words\ntyped"));
        assert_eq!(printed.stderr.lossy(), "tcp://127.0.0.1:1 1.21 dumb\n0\n");
    }

    #[tokio::test]
    async fn a_command_that_is_killed_hangs_or_floods_is_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(300));
        let table = [
            ("kill -9 $$", long, Some(137), None),
            ("echo begun; exec sleep 600", short, None, Some(Failure::Timeout)),
            ("exec cat /dev/zero", long, None, Some(Failure::Malformed)),
        ];
        for (text, limit, exit, failure) in table {
            let ran = run(typed(script(home.path(), text), home.path(), None, limit)).await.unwrap();
            let printed = ran.printed.unwrap();
            assert_eq!((printed.exit, ran.failure), (exit, failure), "{text}");
            assert!(failure != Some(Failure::Timeout) || printed.stdout.lossy() == "begun\n");
        }
    }

    #[tokio::test]
    async fn one_that_is_named_counts_and_one_on_the_path_must_be_known() {
        let home = tempfile::tempdir().unwrap();
        let program = script(home.path(), "echo Docker version 20.10.24, build 1");
        let named = |path: &Path| Some(path.as_os_str().to_owned());
        assert_eq!(find(named(&program), None).await, Ok(program.clone()));
        let old = find(None, named(home.path())).await.unwrap_err();
        assert!(old.contains("release 20.10.24"), "{old}");
        script(home.path(), "echo Docker version 28.9.1, build 1");
        assert_eq!(find(None, named(home.path())).await, Ok(program));
        let none = find(None, named(Path::new("/nowhere"))).await.unwrap_err();
        assert!(none.contains("no docker CLI"), "{none}");
        let wrong = find(named(Path::new("/bin/true")), None).await.unwrap_err();
        assert!(wrong.contains("is no docker CLI"), "{wrong}");
    }
}
