//! Bytes that are no requests, or odd ones, against the simulator: it serves the next client all the same.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use divergence::simulator::{Settings, Simulator, World};
use proptest::prelude::*;

use super::mutate::{changed, changes};

/// Longer than any answer takes, with a Docker beneath that knows nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A simulator over a Docker that answers a ping and has nothing.
static SIMULATOR: LazyLock<(Simulator, tempfile::TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let docker = folder.path().join("docker.sock");
    beneath(&docker);
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/simulator/default.toml");
    let simulator = Simulator::start(Settings {
        release: "0.7".to_owned(),
        without: BTreeSet::new(),
        world: World::parse(&std::fs::read_to_string(world).unwrap()).unwrap(),
        docker,
        listen: "127.0.0.1:0".parse().unwrap(),
        latency: false,
        state: None,
    });
    (simulator.unwrap(), folder)
});

fn beneath(socket: &PathBuf) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let (mut request, mut piece) = (Vec::new(), [0; 4096]);
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(length @ 1..) => request.extend_from_slice(&piece[..length]),
                        Ok(0) | Err(_) => return,
                    }
                }
                let (status, body) = match request.starts_with(b"GET /_ping") {
                    true => ("200 OK", "OK"),
                    false => ("404 Not Found", "{\"message\":\"no such thing\"}\n"),
                };
                let head = "Content-Type: application/json\r\nConnection: close\r\nContent-Length:";
                let _ = write!(stream, "HTTP/1.1 {status}\r\n{head} {}\r\n\r\n{body}", body.len());
            });
        }
    });
}

fn address() -> SocketAddr {
    SIMULATOR.0.address()
}

/// What is answered to these bytes, the connection closed behind them.
fn answer(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // It may have answered and gone before it has read all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(error),
        Ok(_) | Err(_) => Ok(answer),
    }
}

/// Requests of all kinds, to be changed.
fn requests() -> Vec<Vec<u8>> {
    let lines = [
        "GET /v1.21/info",
        "GET /containers/json?all=1&filters={\"label\":[\"a\"]}",
        "POST /v1.24/containers/create?name=x",
        "POST /containers/x/start",
        "POST /containers/x/attach?stream=1&stdin=1",
        "POST /containers/x/exec",
        "POST /exec/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/start",
        "GET /containers/x/logs?stdout=1",
        "PUT /containers/x/archive?path=/../../etc",
        "GET /containers/x/archive?path=%2e%2e%2f%2e%2e",
        "POST /build?t=x",
        "POST /auth",
        "POST /images/create?fromImage=busybox&tag=latest",
        "DELETE /images/..%2f..%2fx",
        "GET /v1.21/../../etc/passwd",
        "GET /events?since=0&until=1",
        "POST /volumes/create",
        "GET /volumes/..%2f..",
        "POST /networks/create",
        "OPTIONS *",
        "GET http://elsewhere/info",
        "CONNECT elsewhere:80",
        "GET /v99999999999999999999.1/info",
        "GET /%ff%00/x",
        "GET /containers/x/top",
    ];
    let bodies = [
        "",
        "{}",
        "{\"Image\":\"busybox\",\"Cmd\":[\"a\"],\"HostConfig\":{\"Binds\":[\"/:/\"],\"Memory\":1e999}}",
        "[[[[",
        "\u{0}",
    ];
    let mut requests = Vec::new();
    for line in lines {
        for body in bodies {
            let (length, kind) = (body.len(), "Content-Type: application/json");
            requests.push(
                format!("{line} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")
                    .into_bytes(),
            );
        }
    }
    requests
}

proptest! {
    #![proptest_config(crate::cases(100))]

    #[test]
    fn the_simulator_answers_or_hangs_up_and_lives(
        request in prop::sample::select(requests()),
        changes in prop::option::weighted(0.8, changes()),
        noise in prop::option::weighted(0.1, prop::collection::vec(any::<u8>(), 0..400)),
    ) {
        let bytes = noise.unwrap_or_else(|| changes.map_or(request.clone(), |changes| changed(&request, &changes)));
        let told = answer(&bytes);
        prop_assert!(told.is_ok(), "no answer to {:?}", String::from_utf8_lossy(&bytes));
        let answer = answer(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        prop_assert!(answer.starts_with(b"HTTP/1.1 "), "{:?}", String::from_utf8_lossy(&answer));
    }
}
