//! Real clients captured and replayed, and how `capture` ends.
//!
//! Without a live Docker, a docker CLI or docker-py the tests with them are left out, loudly,
//! unless `DIVERGENCE_LIVE` or `DIVERGENCE_CLIENTS` is `required`.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![expect(clippy::print_stderr, reason = "what is left out is said loudly")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine::docker_cli::USUAL_SOCKET;

/// A project of its own: the suite's settings and rules, the images, no scenario.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for from in [
            "suites/suite.toml",
            "suites/normalise.toml",
            "fixtures/images",
            "fixtures/simulator",
            "fixtures/tls",
        ] {
            let to = folder.path().join(from);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            let copied = Command::new("cp").arg("-r").arg(root.join(from)).arg(&to).status().unwrap();
            assert!(copied.success());
        }
        Project(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
        command.arg("--root").arg(self.0.path()).args(arguments);
        command.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    /// Docker against itself finds no difference in what was captured.
    fn replays(&self, scenario: &str) {
        let ran = self.run(&["run", "--null", scenario]);
        assert_eq!(ran.status.code(), Some(0), "{}\n{}", told(&ran), self.read_scenario(scenario));
    }

    fn read_scenario(&self, scenario: &str) -> String {
        let (area, name) = scenario.split_once('/').unwrap();
        self.read(&format!("suites/{area}/scenarios/{name}.toml"))
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// An engine that answers everything with its version.
fn version_engine() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let body = r#"{"Version":"20.10.1","ApiVersion":"1.41"}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn every_exit_code() {
    let project = Project::new();
    let engine = version_engine();
    let asks = "h=${DOCKER_HOST#tcp://}; exec 3<>/dev/tcp/${h/://}; printf 'GET /v1.24/version HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; exit 7";
    let table: [(&[&str], i32, &str); 8] = [
        (
            &["--engine", &engine, "--tcp", "--as", "system/asked", "--", "bash", "-c", asks],
            0,
            "exit status: 7",
        ),
        (&["--engine", &engine, "--as", "system/asked", "--", "true"], 2, "is there already"),
        (&["--engine", &engine, "--as", "System", "--", "true"], 2, "is no scenario name"),
        (&["--engine", &engine, "--image", "nosuch=x", "--", "true"], 2, "write NAME=REFERENCE"),
        (&["--engine", &engine, "--", "no-such-client"], 2, "failed to run no-such-client"),
        (&["--engine", &engine], 2, "<COMMAND>"),
        (&["--engine", "unix:///nowhere/docker.sock", "--", "true"], 3, "/nowhere/docker.sock"),
        (&["--engine", &engine, "--", "true"], 4, "asked nothing"),
    ];
    for (arguments, code, text) in table {
        let output = project.run(&[&["capture"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", told(&output));
        assert!(told(&output).contains(text), "{arguments:?}\n{}", told(&output));
    }
    let text = project.read_scenario("system/asked");
    assert!(text.contains("api = [\"1.24\"]") && text.contains("request = \"GET /version\""), "{text}");
    let json =
        project.run(&["capture", "--engine", &engine, "--tcp", "--format", "json", "--", "bash", "-c", asks]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["scenario"], &json["client"]["exit"]), (&"captured/bash".into(), &7.into()));
}

/// Whether there are a live Docker and this client.
fn is_there(variable: &str, what: &str, there: bool) -> bool {
    let required = std::env::var(variable).is_ok_and(|value| value == "required");
    assert!(there || !required, "{variable}=required, but {what} is missing");
    if !there {
        eprintln!("left out: {what} is missing");
    }
    there
}

fn docker_is_there() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint::new(Address::Unix(USUAL_SOCKET.into()));
    is_there("DIVERGENCE_LIVE", "a live Docker", runtime.block_on(endpoint.identify()).is_ok())
}

fn cli_is_there() -> bool {
    is_there("DIVERGENCE_CLIENTS", "a docker CLI", Command::new("docker").arg("--version").output().is_ok())
}

fn with_input(mut command: Command, input: Vec<u8>) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        // A client that ended early has said why.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

#[test]
fn a_run_of_the_docker_cli_is_captured_and_replayed() {
    if !docker_is_there() || !cli_is_there() {
        return;
    }
    let project = Project::new();
    let run = ["docker", "run", "--rm", "-i", "--name", "it", "--network", "none", "${image:busybox}", "cat"];
    let name = format!("it-{}", std::process::id());
    let run = run.map(|word| if word == "it" { name.as_str() } else { word });
    let words = ["capture", "--api", "1.24", "--as", "streams/cat", "--"];
    let output = with_input(project.command(&[&words[..], &run[..]].concat()), b"hello\n".to_vec());
    let text = project.read_scenario("streams/cat");
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"hello\n"[..]),
        "{}",
        told(&output)
    );
    for part in [
        "command = \"run\"",
        "api = [\"1.24\"]",
        "needs = [\"image:busybox\"]",
        "stdin = \"hello\\n\"",
        "close-stdin = true",
        "capture = { cid = \"/body/json/Id\" }",
        "request = \"POST /containers/${cid}/start\"",
        "background = true",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    project.replays("streams/cat");
    let shown = project.run(&["show", "streams/cat"]);
    assert!(told(&shown).contains("hello"), "{}", told(&shown));
}

#[test]
fn eight_megabytes_pass_through_a_run_byte_for_byte() {
    if !docker_is_there() || !cli_is_there() {
        return;
    }
    let project = Project::new();
    let typed: Vec<u8> = (0..8u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for more in [&[][..], &["--tcp"]] {
        let words = [
            &["capture"],
            more,
            &["--", "docker", "run", "--rm", "-i", "--network", "none", "${image:busybox}", "cat"],
        ];
        let output = with_input(project.command(&words.concat()), typed.clone());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            output.stdout == typed,
            "{} of {} bytes came back, or others",
            output.stdout.len(),
            typed.len()
        );
    }
    let text = project.read_scenario("captured/docker-run");
    assert!(text.contains("The client sent 8388608 bytes to standard input"), "{text}");
}

#[test]
fn docker_py_is_captured_and_replayed() {
    if !docker_is_there() {
        return;
    }
    let python = python();
    if !is_there("DIVERGENCE_CLIENTS", "a Python with docker-py 1.7.2", python.is_some()) {
        return;
    }
    let project = Project::new();
    let python = python.unwrap();
    let script = "import os, sys, docker
c = docker.Client(base_url=os.environ['DOCKER_HOST'], version='1.24')
made = c.create_container(sys.argv[1], ['sh', '-c', 'echo out; exit 3'], name=sys.argv[2], environment={'KEY': 'hunter2'}, host_config=c.create_host_config(network_mode='none'))
c.start(made)
print(c.wait(made), c.logs(made))
c.put_archive(made, '/tmp', open(sys.argv[3], 'rb').read())
c.remove_container(made)";
    let archive = project.0.path().join("a.tar");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    tar.append_data(&mut header, "x.txt", &b"abc"[..]).unwrap();
    std::fs::write(&archive, tar.into_inner().unwrap()).unwrap();
    let name = format!("it-py-{}", std::process::id());
    let python = python.display().to_string();
    let output = project.run(&[
        "capture",
        "--as",
        "containers/py",
        "--secret",
        "KEY",
        "--",
        &python,
        "-W",
        "ignore",
        "-c",
        script,
        "${image:busybox}",
        &name,
        archive.to_str().unwrap(),
    ]);
    let text = project.read_scenario("containers/py");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3 b'out\\n'\n", "{}\n{text}", told(&output));
    assert!(text.contains("path = \"x.txt\", text = \"abc\", mode = \"0600\""), "{text}");
    assert!(text.contains("KEY=<secret>") && !text.contains("hunter2"), "{text}");
    project.replays("containers/py");
}

#[test]
fn compose_is_captured_and_replayed() {
    let compose = Command::new("docker-compose").arg("version").output().is_ok();
    if !docker_is_there() || !is_there("DIVERGENCE_COMPOSE", "docker-compose", compose) {
        return;
    }
    let project = Project::new();
    let file = "version: '2'
services:
  one: {image: \"$IMAGE\", command: [sleep, '600']}
  two: {image: \"$IMAGE\", command: [sleep, '600'], depends_on: [one], volumes: ['data:/data']}
volumes: {data: {}}
";
    std::fs::write(project.0.path().join("docker-compose.yml"), file).unwrap();
    let name = format!("itcompose{}", std::process::id());
    let script = format!("docker-compose -p {name} up -d && docker-compose -p {name} down -v -t 1");
    let words = ["capture", "--api", "1.24", "--as", "containers/compose", "--"];
    let client = ["env", "IMAGE=${image:busybox}", "COMPOSE_API_VERSION=1.24", "bash", "-c", &script];
    let mut command = project.command(&[&words[..], &client[..]].concat());
    let output = command.current_dir(project.0.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let text = project.read_scenario("containers/compose");
    for part in ["_data}", "_default}", "request = \"POST /containers/${cid-2}/start\""] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    project.replays("containers/compose");
}

/// The Python of `ci/clients`, if it has docker-py.
fn python() -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or_else(|_| format!("{home}/.cache"));
    let python = Path::new(&cache).join("divergence/docker-py/bin/python");
    let check = ["-W", "ignore", "-c", "import docker; assert docker.version == '1.7.2'"];
    Command::new(&python).args(check).output().is_ok_and(|output| output.status.success()).then_some(python)
}
