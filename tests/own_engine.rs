//! What would change an engine as a whole is not asked of one that the run did not start.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

#[test]
fn a_swarm_is_neither_begun_nor_left_on_an_engine_of_others() {
    // A project whose snapshots nothing is lost of, should it be asked after all.
    let root = tempfile::tempdir().unwrap();
    for part in ["suites", "fixtures"] {
        std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(part), root.path().join(part))
            .unwrap();
    }
    for arguments in [
        vec!["record", "tcp://ENGINE", "swarm/manager"],
        vec!["run", "--reference", "tcp://ENGINE", "--candidate", "tcp://ENGINE", "swarm/manager"],
    ] {
        let (engine, asked) = engine();
        let state = tempfile::tempdir().unwrap();
        let arguments = arguments.iter().map(|word| word.replace("ENGINE", &engine));
        let output = Command::new(env!("CARGO_BIN_EXE_divergence"))
            .arg("--root")
            .arg(root.path())
            .arg("--state")
            .arg(state.path())
            .args(arguments)
            .output()
            .unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("lacks own-engine"), "{told}");
        let asked = asked.lock().unwrap();
        assert!(asked.iter().any(|line| line.contains("/version")), "{asked:?}");
        assert!(!asked.iter().any(|line| line.contains("swarm")), "{asked:?}");
    }
}

type Asked = std::sync::Arc<std::sync::Mutex<Vec<String>>>;

/// An engine that says of everything that it is Docker, and notes the request lines.
fn engine() -> (String, Asked) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Asked::default();
    let own = Asked::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = match stream {
                Ok(stream) => stream,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let _ = lines.find(String::is_empty);
            let body = if first.contains("/version") { r#"{"Version":"20.10.24"}"# } else { "[]" };
            let status = if first.contains("_divergence") { "404 Not Found" } else { "200 OK" };
            own.lock().unwrap().push(first);
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (address, asked)
}
