//! The wire against scripted engines: every way to answer, and to fail to.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::time::Duration;

use divergence::engine::address::Address;
use divergence::engine::connection::{Progress, Reading, Talk};
use divergence::engine::wire::{LARGEST_BODY, Reply, Wire, usual_headers};
use divergence::engine::{Endpoint, EngineError};
use divergence::exchange::{Bytes, End, Failure, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(20);

/// What a scripted engine does on a connection, once it has read the head of a request.
#[derive(Clone)]
enum Act {
    Send(Vec<u8>),
    /// One byte at a time.
    Dribble(&'static str),
    /// Reads until the client has closed its half, and sends back what it read.
    Echo,
    /// Sends until it cannot.
    Flood,
    Reset,
    /// Does nothing, until the client goes.
    Hang,
}

fn send(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

/// Serves one connection by a script and returns the bytes of the request.
async fn serve_one(mut stream: TcpStream, script: Vec<Act>) -> String {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            break;
        }
    }
    for act in script {
        // The client may be gone at any time.
        match act {
            Act::Send(bytes) => drop(stream.write_all(&bytes).await),
            Act::Dribble(text) => {
                for byte in text.bytes() {
                    let _ = stream.write_all(&[byte]).await;
                    tokio::task::yield_now().await;
                }
            }
            Act::Echo => {
                let mut read = Vec::new();
                let _ = stream.read_to_end(&mut read).await;
                let _ = stream.write_all(&read).await;
            }
            Act::Flood => while stream.write_all(&[b'x'; 64 * 1024]).await.is_ok() {},
            Act::Reset => stream.set_zero_linger().unwrap(),
            Act::Hang => drop(stream.read_to_end(&mut request).await),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

/// A scripted engine for one connection.
async fn engine(script: Vec<Act>) -> (Endpoint, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve_one(stream, script).await
    });
    (Endpoint::new(address), task)
}

fn sent(endpoint: &Endpoint, method: &str, target: &str, body: &str) -> Sent {
    let headers = usual_headers(&endpoint.address);
    Sent { method: method.to_owned(), target: target.to_owned(), headers, body: Bytes(body.into()) }
}

fn quiet() -> watch::Sender<Progress> {
    watch::Sender::new(Progress::Begun)
}

type Seen = (Option<(u16, String, String)>, Option<Failure>);

fn seen(reply: &Reply) -> Seen {
    let answer = reply.answer.as_ref();
    let answer =
        answer.map(|answer| (answer.status, answer.reason.clone(), answer.body.lossy().into_owned()));
    (answer, reply.failure)
}

#[tokio::test]
async fn both_ways_see_the_same_of_every_answer() {
    let ok = |body: &str| Some((200, "OK".to_owned(), body.to_owned()));
    let reason = |reason: &str| Some((200, reason.to_owned(), String::new()));
    let table: Vec<(&str, Vec<Act>, Seen)> = vec![
        ("length", vec![send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")], (ok("abc"), None)),
        (
            "chunked",
            vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")],
            (ok("abc"), None),
        ),
        ("until close", vec![send("HTTP/1.1 200 OK\r\n\r\nabc")], (ok("abc"), None)),
        ("HTTP/1.0", vec![send("HTTP/1.0 200 OK\r\n\r\nabc")], (ok("abc"), None)),
        ("slow", vec![Act::Dribble("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")], (ok("abc"), None)),
        ("own reason", vec![send("HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n")], (reason("Fine"), None)),
        ("no reason", vec![send("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")], (reason(""), None)),
        (
            "interim",
            vec![send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")],
            (ok("a"), None),
        ),
        (
            "redirect",
            vec![send("HTTP/1.1 301 Moved Permanently\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")],
            { (Some((301, "Moved Permanently".to_owned(), String::new())), None) },
        ),
        ("no answer", vec![], (None, Some(Failure::Closed))),
        ("half a head", vec![send("HTTP/1.1 200 OK\r\nCont")], (None, Some(Failure::Closed))),
        (
            "short body",
            vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")],
            (ok("abc"), Some(Failure::Closed)),
        ),
        (
            "cut chunk",
            vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc")],
            (ok("abc"), Some(Failure::Closed)),
        ),
        (
            "bad chunk",
            vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc")],
            (ok(""), Some(Failure::Malformed)),
        ),
        ("garbage", vec![send("SSH-2.0-OpenSSH_9.2\r\n\r\n")], (None, Some(Failure::Malformed))),
        ("endless head", vec![send("HTTP/1.1 200 OK\r\nA: "), Act::Flood], (None, Some(Failure::Malformed))),
        ("reset", vec![Act::Reset], (None, Some(Failure::Reset))),
        (
            "reset within",
            vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Act::Reset],
            (ok(""), Some(Failure::Reset)),
        ),
        ("never", vec![Act::Hang], (None, Some(Failure::Timeout))),
        (
            "never whole",
            vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), Act::Hang],
            (ok("abc"), Some(Failure::Timeout)),
        ),
    ];
    for (name, script, expected) in table {
        let limit = if matches!(script.last(), Some(Act::Hang)) { SHORT } else { LONG };
        let (endpoint, _task) = engine(script.clone()).await;
        let library = Wire::new(&endpoint).unwrap();
        let library = library.request(&sent(&endpoint, "GET", "/info", ""), limit).await.unwrap();
        let (endpoint, _task) = engine(script).await;
        let own = Wire::new(&endpoint).unwrap();
        let own = own.raw(&sent(&endpoint, "GET", "/info", ""), limit, &quiet()).await.unwrap();
        // A reset can overtake the head that was sent before it.
        if name != "reset within" || library.answer.is_some() {
            assert_eq!(seen(&library), expected, "{name}, library");
        }
        if name != "reset within" || own.answer.is_some() {
            assert_eq!(seen(&own), expected, "{name}, own connection");
        }
        assert!(library.millis >= 0.0 && own.millis >= 0.0);
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let script = vec![send("HTTP/1.1 200 OK\r\n\r\n"), Act::Flood];
    for raw in [false, true] {
        let (endpoint, _task) = engine(script.clone()).await;
        let (wire, sent) = (Wire::new(&endpoint).unwrap(), sent(&endpoint, "GET", "/x", ""));
        let reply = if raw { wire.raw(&sent, LONG, &quiet()).await } else { wire.request(&sent, LONG).await }
            .unwrap();
        assert_eq!(reply.failure, Some(Failure::Malformed));
        assert!(reply.answer.unwrap().body.0.len() <= LARGEST_BODY);
    }
}

#[tokio::test]
async fn requests_are_sent_as_they_are() {
    let targets = ["/v1.24/a?x=%7B%22a%22%7D&y", "/a/../b", "/a//b?q='1'", "/%2e%2e/x", "*"];
    for target in targets {
        let (endpoint, task) =
            engine(vec![send("HTTP/1.1 200 OK\r\nX-Case: Kept\r\nContent-Length: 0\r\n\r\n")]).await;
        let mut sent = sent(&endpoint, "POST", target, "{}");
        sent.headers.push(("X-Registry-Auth".to_owned(), "e30=".to_owned()));
        let reply = Wire::new(&endpoint).unwrap().request(&sent, LONG).await.unwrap();
        assert_eq!(reply.answer.unwrap().header("x-case").next(), Some("Kept"));
        let request = task.await.unwrap();
        let mut lines: Vec<String> = request.lines().map(str::to_ascii_lowercase).collect();
        assert!(request.starts_with(&format!("POST {target} HTTP/1.1\r\n")), "{request}");
        lines.retain(|line| line.contains(": "));
        lines.sort();
        let host = format!("host: {}", endpoint.address.host());
        let agent = concat!("user-agent: divergence/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            lines,
            ["accept: */*", "content-length: 2", &host, agent, "x-registry-auth: e30="],
            "{target}"
        );
    }
}

/// A name, a script, standard input, the frames asked for; then body, end and failure.
type StreamRow<'a> =
    (&'a str, Vec<Act>, Option<&'a str>, Option<usize>, &'a str, Option<End>, Option<Failure>);

struct Streamed {
    body: String,
    end: Option<End>,
    failure: Option<Failure>,
    progress: Progress,
}

async fn stream(script: Vec<Act>, stdin: Option<&str>, frames: Option<usize>, limit: Duration) -> Streamed {
    let (endpoint, _task) = engine(script).await;
    let mut sent = sent(&endpoint, "POST", "/attach", "");
    sent.headers.push(("Connection".to_owned(), "Upgrade".to_owned()));
    let talk = Talk {
        reading: Reading::Stream { frames },
        stdin: stdin.map(|text| text.as_bytes().to_vec()),
        close_stdin: stdin.is_some(),
        limit,
    };
    let progress = quiet();
    let reply = Wire::new(&endpoint).unwrap().stream(&sent, talk, &progress).await.unwrap();
    let answer = reply.answer;
    Streamed {
        end: answer.as_ref().and_then(|answer| answer.end),
        body: answer.map(|answer| answer.body.lossy().into_owned()).unwrap_or_default(),
        failure: reply.failure,
        progress: *progress.borrow(),
    }
}

#[tokio::test]
async fn streams_end_in_every_way() {
    let upgraded = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let hijacked = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (closed, enough, deadline) = (Some(End::Closed), Some(End::Enough), Some(End::Deadline));
    let big = "x".repeat(1_000_000);
    let table: Vec<StreamRow> = vec![
        ("101", vec![send(upgraded), send("abc")], None, None, "abc", closed, None),
        ("hijack", vec![send(hijacked), send("abc")], None, None, "abc", closed, None),
        ("half-close", vec![send(upgraded), Act::Echo], Some("in"), None, "in", closed, None),
        ("half-close without 101", vec![send(hijacked), Act::Echo], Some("in"), None, "in", closed, None),
        ("much in", vec![send(upgraded), Act::Echo], Some(&big), None, &big, closed, None),
        (
            "refused",
            vec![send("HTTP/1.1 404 Not Found\r\n\r\n"), send("no")],
            Some("in"),
            None,
            "no",
            closed,
            None,
        ),
        (
            "chunked",
            vec![send(chunked), send("1\r\na\r\n0\r\n\r\n"), Act::Hang],
            None,
            None,
            "a",
            closed,
            None,
        ),
        ("cut", vec![send(chunked), send("5\r\na")], None, None, "a", None, Some(Failure::Closed)),
        (
            "messages",
            vec![send(hijacked), send("{}\n{}\n{}\n"), Act::Hang],
            None,
            Some(2),
            "{}\n{}\n",
            enough,
            None,
        ),
        (
            "frames",
            vec![send(hijacked), send("\x01\0\0\0\0\0\0\x01a\x02\0\0\0\0\0\0\x01b"), Act::Hang],
            None,
            Some(1),
            "\x01\0\0\0\0\0\0\x01a",
            enough,
            None,
        ),
        ("too few", vec![send(hijacked), send("{}\n"), Act::Hang], None, Some(2), "{}\n", deadline, None),
        ("open", vec![send(upgraded), Act::Hang], None, None, "", deadline, None),
        ("never", vec![Act::Hang], None, None, "", None, Some(Failure::Timeout)),
    ];
    for (name, script, stdin, frames, body, end, failure) in table {
        let waits = end == deadline || failure == Some(Failure::Timeout);
        let streamed = stream(script, stdin, frames, if waits { SHORT } else { LONG }).await;
        assert!(streamed.body == body, "{name}: {:.200}", streamed.body);
        assert_eq!((streamed.end, streamed.failure), (end, failure), "{name}");
        let expected = if name == "never" { Progress::Written } else { Progress::Answered };
        assert_eq!(streamed.progress, expected, "{name}");
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_no_failure_of_an_exchange() {
    let dir = tempfile::tempdir().unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Address::Tcp(listener.local_addr().unwrap().to_string())
    };
    for address in [Address::Unix(dir.path().join("no.sock")), closed] {
        let endpoint = Endpoint::new(address.clone());
        let (wire, sent) = (Wire::new(&endpoint).unwrap(), sent(&endpoint, "GET", "/x", ""));
        let errors = [wire.request(&sent, LONG).await, wire.raw(&sent, LONG, &quiet()).await];
        for error in errors.map(Result::unwrap_err) {
            assert!(matches!(error, EngineError::Connect { .. }), "{error:?}");
            assert!(error.to_string().contains(&address.to_string()), "{error}");
        }
    }
}

#[tokio::test]
async fn unix_sockets_serve_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("engine.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    });
    let endpoint = Endpoint::new(Address::Unix(path));
    let (wire, sent) = (Wire::new(&endpoint).unwrap(), sent(&endpoint, "GET", "/x", ""));
    for reply in [wire.request(&sent, LONG).await, wire.raw(&sent, LONG, &quiet()).await] {
        assert_eq!(reply.unwrap().answer.unwrap().body.lossy(), "ok");
    }
}

/// Paths and the bodies of their answers.
type Answers = Vec<(&'static str, &'static str)>;

/// An engine that answers by path, on any number of connections.
async fn engine_of(answers: Answers) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap_or(0) > 0 {}
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let answer = answers.iter().find(|(known, _)| *known == path);
            let (status, body) = answer.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", *body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    Endpoint::new(address)
}

#[tokio::test]
async fn engines_are_told_apart() {
    let podman = r#"{"Version":"4.3.1","Components":[{"Name":"Podman Engine","Version":"4.3.1"}]}"#;
    let table: Vec<(Answers, Result<&str, &str>)> = vec![
        (
            vec![("/version", r#"{"Version":"20.10.24+dfsg1","GoVersion":"go1.19"}"#)],
            Ok("docker 20.10.24 (live)"),
        ),
        (vec![("/version", podman)], Ok("podman 4.3.1 (live)")),
        (
            vec![
                ("/version", r#"{"Version":"1.2","GoVersion":"node0.10"}"#),
                ("/info", r#"{"ExecutionDriver":"sdc-0.7.11"}"#),
            ],
            Ok("sdc-docker 0.7.11 (live)"),
        ),
        (
            vec![("/_divergence/simulator", r#"{"simulator":true,"release":"0.7","world":"tls"}"#)],
            Ok("sdc-docker 0.7 (simulator)"),
        ),
        (vec![("/version", r#"{"Version":"1.2","GoVersion":"node0.10"}"#)], Err("release as a sdc-docker")),
        (vec![("/version", "<html>")], Err("no JSON object")),
        (vec![], Err("GET /version is a 404")),
    ];
    for (answers, expected) in table {
        match (engine_of(answers).await.identify().await, expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id.to_string(), expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{found:?}, not {expected:?}"),
        }
    }
    let endpoint = engine_of(vec![("/v1.24/version", "{}")]).await;
    assert!(endpoint.serves(&"1.24".parse().unwrap()).await.unwrap());
    assert!(!endpoint.serves(&"1.20".parse().unwrap()).await.unwrap());
}
