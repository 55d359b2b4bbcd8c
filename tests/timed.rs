//! Cases about time: a difference is believed when it stays with more repetitions.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::time::Duration;

use divergence::case::schedule::Planned;
use divergence::case::{Asking, Outcome, Seat, Session, Source};
use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine_id::{EngineId, Kind};
use divergence::run::cancel::Cancel;
use divergence::run::ledger::Ledger;
use divergence::run::turns::Turns;
use divergence::session::deadlines;
use divergence::store::Store;
use divergence::verdict::VerdictKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// How much longer than at once a slow answer takes.
const SLOW: Duration = Duration::from_millis(60);

const SCENARIO: &str = r#"
title = "An engine answers at once"
repetitions = 3

[[steps]]
id = "ping"
request = "GET /_ping"
compare = ["/status"]
"#;

const SETTINGS: &str = "api = [\"1.24\"]\n[deadlines]\nrequest = 30\nuntil = 20\n";

/// An engine whose first answers are slow.
async fn engine(slow: usize) -> Seat {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            let pause = if number < slow { SLOW } else { Duration::from_millis(3) };
            tokio::time::sleep(pause).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK").await.unwrap();
        }
    });
    let (identity, world) = ("docker".to_owned(), "default".to_owned());
    let engine = EngineId { identity, release: "1.0".parse().unwrap(), kind: Kind::Live, world };
    let source = Source::Live { endpoint: Box::new(Endpoint::new(address)), simulator: None };
    Seat { name: "scripted".to_owned(), engine, source }
}

/// Plays the scenario against an engine that is never slow and one that begins slowly.
async fn play(slow: usize) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("suites/system/scenarios");
    std::fs::create_dir_all(&scenarios).unwrap();
    std::fs::write(scenarios.join("ping.toml"), SCENARIO).unwrap();
    std::fs::write(folder.path().join("suites/suite.toml"), SETTINGS).unwrap();
    std::fs::write(folder.path().join("suites/normalise.toml"), "").unwrap();
    let store = Store::find(Some(folder.path()), folder.path(), None).unwrap();
    let loaded = store.load().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let (reference, candidate) = (engine(0).await, engine(slow).await);
    let session = Session {
        reference: &reference,
        candidate: &candidate,
        null: false,
        divergences: &[],
        asking: Asking {
            rules: &loaded.rules,
            store: &store,
            ledger: Some(&ledger),
            turns: Turns::default(),
            deadlines: deadlines(&loaded.suite.settings),
            cancel: Cancel::default(),
        },
        may_crash: false,
    };
    let scenario = &loaded.suite.scenarios[0];
    session.play(&Planned { scenario, api: &scenario.api[0] }, 0).await
}

#[tokio::test]
async fn noise_that_passes_is_no_difference() {
    let outcome = play(3).await;
    assert_eq!(outcome.verdict.verdict, VerdictKind::Conforms, "{:?}", outcome.verdict.findings);
    let recording = outcome.played.unwrap().candidate_recording.unwrap();
    let times = recording.steps[0].exchanges[0].millis.len();
    assert!(times > 3, "it was asked no further than {times} times");
}

#[tokio::test]
async fn a_difference_stays() {
    let outcome = play(usize::MAX).await;
    assert_eq!(outcome.verdict.verdict, VerdictKind::Fails);
    assert_eq!(outcome.verdict.findings.len(), 1, "{:?}", outcome.verdict.findings);
    assert_eq!(outcome.verdict.findings[0].at.to_string(), "/time/millis");
}
