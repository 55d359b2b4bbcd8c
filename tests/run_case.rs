//! Cases against a scripted engine: what is sent, what is not reached, and what is removed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine_id::{EngineId, Kind};
use divergence::exchange::{Failure, Recording};
use divergence::pointer::Pointer;
use divergence::run::cancel::Cancel;
use divergence::run::ledger::{Ledger, Left};
use divergence::run::{CaseRun, Deadlines, RunError, run_case};
use divergence::scenario::{
    Action, Body, Exec, Request, Scenario, ScenarioId, Step, StepId, Stream, Template, Until, UntilEnd,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TAG: &str = "dv-test-1r";
const DROP: &str = "drop";
/// No answer, and the connection stays.
const HANG: &str = "hang";
/// Before an answer that takes longer than a request is given.
const LATE: &str = "late ";

type Log = Arc<Mutex<Vec<String>>>;

/// An engine that answers by request line without version prefix: status and body, several in
/// turn, `drop` to close the connection, or `hang`. Everything else is a 404.
async fn engine(answers: &[(&'static str, &[&'static str])]) -> (Endpoint, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let log: Log = Arc::default();
    let own_log = log.clone();
    let mut left: BTreeMap<&str, Vec<&str>> =
        answers.iter().map(|(line, all)| (*line, all.to_vec())).collect();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            let (head, body) = request.split_once("\r\n\r\n").unwrap_or((&request, ""));
            let line = head.split(" HTTP/").next().unwrap_or_default().replace("/v1.24", "");
            own_log.lock().unwrap().push(format!("{line} {body}").trim_end().to_owned());
            let answer = match left.get_mut(line.as_str()) {
                Some(answers) if answers.len() > 1 => answers.remove(0),
                Some(answers) => answers[0],
                None => "404 gone",
            };
            if answer == HANG {
                held.push(stream);
                continue;
            }
            let answer = match answer.strip_prefix(LATE) {
                None => answer,
                Some(answer) => {
                    tokio::time::sleep(SHORT * 2).await;
                    answer
                }
            };
            if answer != DROP {
                let (status, body) = answer.split_once(' ').unwrap_or((answer, ""));
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
            }
        }
    });
    (Endpoint::new(address), log)
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn request(line: &str, json: &str) -> Request {
    let (method, target) = line.split_once(' ').unwrap();
    let body = if json.is_empty() { Body::None } else { Body::Json(template(json)) };
    let (method, target) = (method.to_owned(), template(target));
    Request { method, target, headers: Vec::new(), body, label: true, until: None }
}

fn step(id: &str, action: Action) -> Step {
    let (capture, names, compare, view) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Step { id: StepId(id.to_owned()), action, capture, names, compare, view, background: false, line: 1 }
}

fn ask(id: &str, line: &str, json: &str) -> Step {
    step(id, Action::Request(request(line, json)))
}

fn capture(mut step: Step, name: &str, at: &str) -> Step {
    step.capture.push((name.to_owned(), Pointer::parse(at).unwrap()));
    step
}

fn background(mut step: Step) -> Step {
    step.background = true;
    step
}

fn exec(id: &str) -> Step {
    let (container, cmd) = (template("${cid}"), vec![template("true")]);
    step(id, Action::Exec(Exec { container, cmd, tty: false, user: None, stdin: None, limit: LIMIT }))
}

const LIMIT: Duration = Duration::from_secs(20);
/// What a request is given where it matters.
const SHORT: Duration = Duration::from_millis(500);

async fn run(endpoint: &Endpoint, steps: Vec<Step>) -> (Result<Recording, RunError>, Vec<Left>, String) {
    run_within(endpoint, steps, LIMIT).await
}

async fn run_within(
    endpoint: &Endpoint,
    steps: Vec<Step>,
    limit: Duration,
) -> (Result<Recording, RunError>, Vec<Left>, String) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let scenario = Scenario {
        id: ScenarioId("tests/scripted".to_owned()),
        file: String::new(),
        title: String::new(),
        page: String::new(),
        command: None,
        api: Vec::new(),
        names_api: true,
        needs: Vec::new(),
        exclusive: false,
        repetitions: None,
        steps,
        fingerprint: String::new(),
    };
    let (identity, world) = ("docker".to_owned(), "default".to_owned());
    let engine = EngineId { identity, release: "1.0".parse().unwrap(), kind: Kind::Live, world };
    let (api, cancel) = ("1.24".parse().unwrap(), Cancel::default());
    let outcome = run_case(CaseRun {
        scenario: &scenario,
        api: &api,
        endpoint,
        engine: &engine,
        tag: TAG,
        ledger: &ledger,
        deadlines: Deadlines { request: limit, until: limit },
        fixtures: Path::new("fixtures"),
        cancel: &cancel,
    })
    .await;
    let entered = std::fs::read_to_string(ledger.path()).unwrap();
    (outcome, ledger.close_clean().unwrap(), entered)
}

fn create() -> Step {
    capture(
        ask("create", "POST /containers/create?name=${name:web}", r#"{"Image":"x"}"#),
        "cid",
        "/body/json/Id",
    )
}

#[tokio::test]
async fn a_created_container_is_labelled_entered_and_removed_by_its_id() {
    let created = r#"201 {"Id":"abc"}"#;
    let answers: [(&str, &[&str]); 4] = [
        ("POST /containers/create?name=dv-test-1r-web", &[created]),
        ("POST /containers/abc/start", &["204"]),
        ("GET /containers/abc/json", &["200 {}"]),
        ("DELETE /containers/abc?force=1&v=1", &["500 busy", "204"]),
    ];
    let (endpoint, log) = engine(&answers).await;
    let steps = vec![create(), ask("start", "POST /containers/${cid}/start", "")];
    let (outcome, left, entered) = run(&endpoint, steps).await;
    let recording = outcome.unwrap();
    assert_eq!(left, []);
    assert!(entered.contains(r#""kind":"container","name":"dv-test-1r-web""#), "{entered}");
    let names: Vec<_> =
        recording.names.iter().map(|named| (named.name.as_str(), named.value.as_str())).collect();
    assert_eq!(names, [("run", TAG), ("web", "dv-test-1r-web"), ("cid", "abc")]);
    let expected = [
        r#"POST /containers/create?name=dv-test-1r-web {"Labels":{"divergence.run":"dv-test-1r"},"Image":"x"}"#,
        "POST /containers/abc/start",
        "DELETE /containers/abc?force=1&v=1",
        "GET /containers/abc/json",
        "POST /containers/abc/unpause",
        "DELETE /containers/abc?force=1&v=1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn what_a_dropped_create_may_have_made_is_looked_for() {
    let list = "GET /containers/json?all=1";
    let rows = r#"200 [{"Id":"own","Labels":{"divergence.run":"dv-test-1r"}},
        {"Id":"other","Labels":{"divergence.run":"dv-test-1"}},{"Id":"foreign","Labels":null}]"#;
    let answers: [(&str, &[&str]); 3] = [
        ("POST /containers/create?name=dv-test-1r-web", &[DROP]),
        (list, &[rows]),
        ("DELETE /containers/own?force=1&v=1", &["204"]),
    ];
    let (endpoint, log) = engine(&answers).await;
    let steps = vec![
        create(),
        ask("start", "POST /containers/${cid}/start", ""),
        exec("run"),
        background(ask("wait", "POST /containers/${cid}/wait", "")),
        step("waited", Action::Join(StepId("wait".to_owned()))),
        ask("info", "GET /info", ""),
    ];
    let (outcome, left, _) = run(&endpoint, steps).await;
    assert_eq!(left, []);
    let recording = outcome.unwrap();
    assert_eq!(recording.steps[0].exchanges[0].failure, Some(Failure::Closed));
    for step in &recording.steps[1..5] {
        assert_eq!(step.unreached.as_ref().map(|id| id.0.as_str()), Some("create"), "{}", step.id);
        assert!(step.exchanges.is_empty());
    }
    assert_eq!(recording.steps[5].exchanges.len(), 1);
    let removed: Vec<String> =
        log.lock().unwrap().iter().filter(|line| line.starts_with("DELETE")).cloned().collect();
    assert_eq!(
        removed,
        ["DELETE /containers/own?force=1&v=1", "DELETE /containers/dv-test-1r-web?force=1&v=1"]
    );
}

#[tokio::test]
async fn a_refused_create_needs_no_cleanup() {
    let (endpoint, log) = engine(&[("POST /containers/create?name=dv-test-1r-web", &["400 no"])]).await;
    let (outcome, left, _) = run(&endpoint, vec![create()]).await;
    assert_eq!((outcome.unwrap().steps.len(), left.len()), (1, 0));
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_exec_without_an_id_ends_there() {
    let exec_line = "POST /containers/abc/exec";
    let (endpoint, _log) = engine(&[("GET /id", &[r#"200 "abc""#]), (exec_line, &["500 no"])]).await;
    let steps = vec![capture(ask("id", "GET /id", ""), "cid", "/body/json"), exec("run")];
    let recording = run(&endpoint, steps).await.0.unwrap();
    let parts: Vec<&str> =
        recording.steps[1].exchanges.iter().map(|exchange| exchange.part.as_str()).collect();
    assert_eq!(parts, ["create"]);
}

#[tokio::test]
async fn a_poll_records_its_last_exchange() {
    let (endpoint, log) =
        engine(&[("GET /x", &[r#"200 {"a":1}"#, r#"200 {"a":1}"#, r#"200 {"a":2}"#])]).await;
    let mut polled = request("GET /x", "");
    polled.until = Some(Until { at: Pointer::parse("/body/json/a").unwrap(), is: json!(2), limit: LIMIT });
    let recording = run(&endpoint, vec![step("poll", Action::Request(polled))]).await.0.unwrap();
    let exchanges = &recording.steps[0].exchanges;
    assert_eq!((exchanges.len(), log.lock().unwrap().len()), (1, 3));
    assert_eq!(exchanges[0].answer.as_ref().unwrap().body.lossy(), r#"{"a":2}"#);
}

#[tokio::test]
async fn a_background_stream_is_recorded_at_its_join() {
    let (endpoint, log) = engine(&[("GET /events", &["200 {\"n\":1}\n"]), ("GET /x", &["200 x"])]).await;
    let until_end = UntilEnd { frames: None, limit: LIMIT };
    let request = request("GET /events", "");
    let events = Stream { request, upgrade: false, stdin: None, close_stdin: false, until_end };
    let steps = vec![
        background(step("events", Action::Stream(events))),
        ask("x", "GET /x", ""),
        capture(step("ended", Action::Join(StepId("events".to_owned()))), "n", "/messages/0/n"),
        ask("y", "GET /y/${n}", ""),
    ];
    let recording = run(&endpoint, steps).await.0.unwrap();
    let counts: Vec<usize> = recording.steps.iter().map(|step| step.exchanges.len()).collect();
    assert_eq!(counts, [0, 1, 1, 1]);
    assert_eq!(*log.lock().unwrap(), ["GET /events", "GET /x", "GET /y/1"]);
}

#[tokio::test]
async fn what_cannot_be_removed_is_told_and_stays_in_the_ledger() {
    let answers: [(&str, &[&str]); 2] =
        [("POST /networks/create", &[r#"201 {"Id":"n1"}"#]), ("DELETE /networks/n1", &[DROP])];
    let (endpoint, _log) = engine(&answers).await;
    let (outcome, left, _) = run(&endpoint, vec![ask("net", "POST /networks/create", "{}")]).await;
    assert!(outcome.is_ok());
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].entry.name, "n1");
    assert!(left[0].reason.contains("Closed"), "{}", left[0].reason);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    drop(listener);
    let (outcome, _, _) = run(&Endpoint::new(address), vec![ask("info", "GET /info", "")]).await;
    assert!(matches!(outcome, Err(RunError::Engine(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_slow_engine_is_given_its_time_and_a_create_is_never_sent_twice() {
    let creates = |log: &Log| {
        let log = log.lock().unwrap();
        log.iter().filter(|line| line.starts_with("POST /containers/create")).count()
    };
    let create_with = |answer: &'static [&'static str]| {
        [
            ("POST /containers/create?name=dv-test-1r-web", answer),
            ("DELETE /containers/abc?force=1&v=1", &["204"]),
            ("GET /containers/json?all=1", &["200 []"]),
        ]
    };
    let (mut endpoint, log) = engine(&create_with(&[r#"late 201 {"Id":"abc"}"#])).await;
    endpoint.timeout_factor = 100.0;
    let (outcome, left, _) = run_within(&endpoint, vec![create()], SHORT).await;
    let answer = outcome.unwrap().steps[0].exchanges[0].answer.clone();
    assert_eq!((answer.unwrap().status, creates(&log), left), (201, 1, Vec::new()));

    // What it may still make when its time is over is left to a sweep; of other engines nothing is.
    for (factor, leaves) in [(2.0, 1), (1.0, 0)] {
        let (mut endpoint, log) = engine(&create_with(&[HANG])).await;
        endpoint.timeout_factor = factor;
        let (outcome, left, _) = run_within(&endpoint, vec![create()], SHORT).await;
        assert_eq!(outcome.unwrap().steps[0].exchanges[0].failure, Some(Failure::Timeout));
        assert_eq!((creates(&log), left.len()), (1, leaves), "{left:?}");
        assert!(left.iter().all(|left| left.reason.contains("may still come to be")), "{left:?}");
    }
}
