//! Secrets are kept nowhere: canaries in every place that has room for one, an engine that repeats all
//! that it is told, and nothing of them in what is written or printed.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

const CANARY: &str = "canary7f3e9b";

/// An engine that repeats each request in the reason, a header and the body of its answer, and what
/// is encoded in it as well.
fn parrot(with: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || repeat(stream, with));
        }
    });
    address
}

fn repeat(mut stream: TcpStream, with: &str) {
    let (mut request, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                break;
            }
        }
        match stream.read(&mut piece) {
            Ok(length @ 1..) => request.extend_from_slice(&piece[..length]),
            Ok(0) | Err(_) => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let said: Vec<&str> = request.split_whitespace().filter(|word| word.len() >= 8).collect();
    let decoded = said.iter().filter_map(|word| {
        let bytes = STANDARD.decode(word).or_else(|_| URL_SAFE.decode(word)).ok()?;
        String::from_utf8(bytes).ok()
    });
    let all = format!("{with} {request} {}", decoded.collect::<Vec<_>>().join(" "));
    let one_line: String = all.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let (status, body) = match request.split(' ').nth(1).unwrap_or_default() {
        "/version" | "/v1.24/version" => ("200 OK", r#"{"Version":"20.10.24"}"#.to_owned()),
        "/_divergence/simulator" => ("404 Not Found", String::new()),
        path if path.ends_with("/auth") => {
            ("200 OK", format!("{{\"IdentityToken\":\"{CANARY}-identity-token\",\"Status\":\"ok\"}}"))
        }
        _ => (one_line.as_str(), all.clone()),
    };
    let status = if status.starts_with("200") || status.starts_with("404") {
        status.to_owned()
    } else {
        format!("500 {status}")
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nX-Heard: {one_line}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
}

fn scenario() -> String {
    let auth = format!("{{\"username\":\"somebody\",\"password\":\"{CANARY}-password\"}}");
    let config = format!("{{\"https://hub/\":{auth}}}");
    let [auth64, config64] = [auth.as_str(), config.as_str()].map(|text| URL_SAFE.encode(text));
    let basic = STANDARD.encode(format!("somebody:{CANARY}-basic"));
    let step = |id: &str, what: &str, headers: &str| {
        format!("[[steps]]\nid = \"{id}\"\n{what}\nheaders = {{ {headers} }}\n")
    };
    [
        "title = \"Secrets\"\napi = [\"1.24\"]\n".to_owned(),
        step(
            "pull",
            "request = \"POST /images/create?fromImage=x\"",
            &format!("X-Registry-Auth = \"{auth64}\""),
        ),
        step("build", "request = \"POST /build?t=x\"", &format!("X-Registry-Config = \"{config64}\"")),
        step(
            "info",
            "request = \"GET /info\"",
            &format!("Authorization = \"Basic {basic}\", Cookie = \"session={CANARY}-cookie\""),
        ),
        step("odd", "raw = \"GET /v1.24/info\"", &format!("Authorization = \"Bearer {CANARY}-bearer\"")),
        step(
            "events",
            "stream = \"GET /events\"\nuntil-end = { seconds = 1 }",
            &format!("X-Registry-Auth = \"{auth64}\""),
        ),
        format!("[[steps]]\nid = \"login\"\nrequest = \"POST /auth\"\njson = '''{auth}'''\n"),
        format!(
            "[[steps]]\nid = \"bad-login\"\nraw = \"POST /v1.24/auth/\"\ntext = 'password={CANARY}-form'\n"
        ),
    ]
    .concat()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn no_secret_is_kept_or_told() {
    let project = tempfile::tempdir().unwrap();
    let path = |name: &str| project.path().join(name);
    for folder in ["suites/registry/scenarios", "fixtures/simulator", "out"] {
        std::fs::create_dir_all(path(folder)).unwrap();
    }
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/normalise.toml");
    std::fs::copy(rules, path("suites/normalise.toml")).unwrap();
    std::fs::write(path("fixtures/simulator/none.toml"), "").unwrap();
    let settings =
        "api = [\"1.24\"]\n[worlds.default]\ntitle = \"-\"\nfile = \"fixtures/simulator/none.toml\"\n";
    std::fs::write(path("suites/suite.toml"), settings).unwrap();
    std::fs::write(path("suites/registry/scenarios/secrets.toml"), scenario()).unwrap();
    let [reference, candidate] = ["one", "other"].map(|with| format!("tcp://{}", parrot(with)));
    let report = |format: &str| format!("{format}={}", path(&format!("out/report.{format}")).display());
    let reports = ["json", "junit", "html", "markdown"].map(report);
    let mut printed = String::new();
    let mut codes = Vec::new();
    let mut run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
        command.arg("--root").arg(project.path()).args(arguments);
        let output = command.env_remove("DOCKER_HOST").env("RUST_BACKTRACE", "full").output().unwrap();
        codes.push(output.status.code());
        printed += &String::from_utf8_lossy(&output.stdout);
        printed += &String::from_utf8_lossy(&output.stderr);
    };
    let both = ["run", "--verbose", "--reference", &reference, "--candidate", &candidate];
    let with_reports = reports.iter().flat_map(|report| ["--report", report.as_str()]);
    run(&both.into_iter().chain(with_reports).chain(["--report", "github"]).collect::<Vec<_>>());
    run(&[&both[..], &["--format", "json"]].concat());
    for more in [&["--raw"][..], &["--format", "json"], &[]] {
        run(&[&["show", "registry/secrets"], more].concat());
    }
    run(&["record", &reference]);
    run(&["accept", "secrets", "--evidence", "observed", "--yes"]);
    run(&["docs"]);
    run(&["engines"]);
    run(&["run", "--reference", &format!("tcp://me:{CANARY}@127.0.0.1:1")]);
    assert_eq!(codes[..6], [Some(1), Some(1), Some(0), Some(0), Some(0), Some(0)], "{printed}");
    assert!(!printed.contains(CANARY), "{}", printed.lines().find(|line| line.contains(CANARY)).unwrap());
    assert!(printed.contains("<secret>") && printed.contains("***"), "{printed}");
    let encoded = URL_SAFE.encode(format!("{{\"username\":\"somebody\",\"password\":\"{CANARY}"));
    let encoded = &encoded[..40];
    assert!(!printed.contains(encoded));
    let mut searched = 0;
    for file in files_below(project.path()) {
        if file.starts_with(path("suites/registry/scenarios")) {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains(CANARY) && !text.contains(encoded), "{}: {text}", file.display());
        searched += 1;
    }
    // Rules and settings, the report in four formats, the last run, the snapshot.
    assert!(searched >= 9, "{searched}");
}
