//! What a user waits for, beside what the engine or the machine needs anyway, in one run: ratios
//! and not times, which are another machine's tomorrow. `ci/bench` runs it.
//!
//!     cargo bench --bench whole [-- SECTION...] [--quick]
//!
//! Sections: start snapshots scenarios compare bodies streams requests suite. The last two need a
//! live Docker. Exit code 1 when a target is missed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where it cannot go on, and says what it found"
)]

#[path = "support/made.rs"]
mod made;
#[path = "support/process.rs"]
mod process;
#[path = "support/project.rs"]
mod project;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/told.rs"]
mod told;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use divergence::compare::compare;
use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine::wire::{Wire, usual_headers};
use divergence::exchange::{Bytes, Recording, Sent};
use divergence::frames::demultiplex;
use divergence::normalise::normalise;
use divergence::run::images::{prepare_images, remove_images};
use divergence::run::ledger::Ledger;
use divergence::snapshot::Snapshot;
use serde_json::Value;
use told::Told;

const RECORDED: [&str; 5] =
    ["run", "--reference", "recorded:docker-20.10", "--candidate", "recorded:simulator-0.7"];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_quick = wanted.iter().any(|argument| argument == "--quick");
    let sections: Vec<&String> = wanted.iter().filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |name: &str| sections.is_empty() || sections.iter().any(|section| *section == name);
    let is_live = std::os::unix::net::UnixStream::connect(raw::socket()).is_ok();
    if !is_live {
        println!("left out, since no Docker answers on {}: requests, suite", raw::socket().display());
    }
    let mut told = Told::default();
    type Section = (&'static str, bool, fn(&mut Told, bool));
    let all: [Section; 8] = [
        ("start", true, start),
        ("snapshots", true, snapshots),
        ("scenarios", true, scenarios),
        ("compare", true, comparing),
        ("bodies", true, bodies),
        ("streams", true, streams),
        ("requests", is_live, requests),
        ("suite", is_live, suite),
    ];
    for (name, can, section) in all {
        if can && is_wanted(name) {
            println!("\n{name}");
            section(&mut told, is_quick);
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/cost-by-size.html");
    if told.finish(&page).unwrap() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The shortest of some times: what the work itself takes, when others use the machine as well.
fn shortest<T>(times: usize, mut work: impl FnMut() -> T) -> f64 {
    let time = |_| {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed().as_secs_f64()
    };
    (0..times).map(time).fold(f64::INFINITY, f64::min)
}

fn start(told: &mut Told, _: bool) {
    let state = tempfile::tempdir().unwrap();
    let first = |arguments: &[&str]| {
        let took = (0..10).map(|_| process::run(here(), state.path(), arguments).unwrap());
        took.map(|took| took.first.as_secs_f64() * 1000.0).fold(f64::INFINITY, f64::min)
    };
    told.at_most("from the start to the first line, --help", first(&["--help"]), " ms", 50.0);
    told.at_most("from the start to the first line, run from snapshots", first(&RECORDED), " ms", 50.0);
}

fn snapshots(told: &mut Told, _: bool) {
    let state = tempfile::tempdir().unwrap();
    let runs: Vec<_> = (0..5).map(|_| process::run(here(), state.path(), &RECORDED).unwrap()).collect();
    assert!(runs.iter().all(|took| took.code == Some(0)), "{}", runs[0].said);
    let wall = runs.iter().map(|took| took.wall.as_secs_f64()).fold(f64::INFINITY, f64::min);
    let cases = runs[0].said.lines().find(|line| line.contains(" cases")).unwrap_or_default();
    told.figure(
        "the suite of this project, from snapshots",
        cases.split(':').next().unwrap_or_default().trim(),
    );
    told.at_most("  loaded, compared, judged, reported", wall, " s", 1.0);
    told.at_most("  most memory", median(runs.iter().map(|took| took.megabytes).collect()), " MB", 100.0);
}

fn scenarios(told: &mut Told, is_quick: bool) {
    let counts: &[usize] = if is_quick { &[10, 100, 1_000] } else { &[10, 100, 1_000, 10_000] };
    let mut points = Vec::new();
    for count in counts {
        let folder = tempfile::tempdir().unwrap();
        project::write(folder.path(), *count).unwrap();
        let state = folder.path().join("state");
        let runs: Vec<_> = (0..3).map(|_| process::run(folder.path(), &state, &RECORDED).unwrap()).collect();
        assert!(runs.iter().all(|took| took.code == Some(0)), "{}", runs[0].said);
        let wall = runs.iter().map(|took| took.wall.as_secs_f64()).fold(f64::INFINITY, f64::min);
        told.figure(&format!("{count} scenarios: most memory"), &format!("{:.1} MB", runs[0].megabytes));
        points.push((*count as f64, wall));
    }
    told.curve("a run from snapshots", "scenarios", points);
}

/// Each value of one document looked up in the other and compared: the least that can be done.
fn walk(one: &Value, other: &Value) -> usize {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.iter().map(|(key, value)| other.get(key).map_or(1, |other| walk(value, other))).sum()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.iter().zip(other).map(|(one, other)| walk(one, other)).sum()
        }
        (one, other) => usize::from(one != other),
    }
}

fn comparing(told: &mut Told, _: bool) {
    let tree = |snapshot: &Snapshot| snapshot.steps[0].parts[0].tree.clone();
    let rows = 10_000;
    let (one, other) = (made::snapshot(made::rows(rows)), made::snapshot(made::changed(made::rows(rows))));
    let (tree_one, tree_other) = (tree(&one), tree(&other));
    let size = tree_one.to_string().len() as f64 / 1e6;
    assert_eq!(compare(&one, &other).len(), rows / 100);
    assert_eq!(walk(&tree_one, &tree_other), rows / 100);
    // Side by side, so that what else the machine does meets both.
    let ratios = (0..15).map(|_| {
        let floor = shortest(2, || walk(&tree_one, &tree_other));
        shortest(2, || compare(&one, &other)) / floor
    });
    let ratio = median(ratios.collect());
    told.figure(
        "a plain walk over both documents",
        &format!("{:.1} ms", shortest(5, || walk(&tree_one, &tree_other)) * 1000.0),
    );
    told.at_most(&format!("compare of two of {size:.0} MB, 1 % changed, by a plain walk"), ratio, " x", 1.5);
    let mut points = Vec::new();
    for rows in [100, 1_000, 10_000] {
        let (one, other) =
            (made::snapshot(made::rows(rows)), made::snapshot(made::reordered(made::rows(rows))));
        points.push((rows as f64, shortest(5, || compare(&one, &other))));
    }
    told.curve("compare of lists in another order", "entries", points);
    let nested = |depth: usize| {
        let (one, other) = (made::snapshot(made::nested(depth)), made::snapshot(made::nested(depth)));
        (depth as f64, shortest(200, || compare(&one, &other)))
    };
    told.curve("compare of nested documents", "levels", [10, 100, 1_000].map(nested).to_vec());
}

/// What becomes of a recording, up to the snapshot.
fn normalised(recording: &Recording) -> Snapshot {
    let (scenario, rules) = made::scenario();
    normalise(recording, &scenario, &rules)
}

fn bodies(told: &mut Told, is_quick: bool) {
    let sizes: &[usize] =
        if is_quick { &[1_000, 100_000, 10_000_000] } else { &[1_000, 100_000, 10_000_000, 100_000_000] };
    let point = |size: &usize| {
        let body = |rows: Value| rows.to_string().into_bytes();
        let rows = (size / made::ROW).max(1);
        let list = |rows| made::recording("GET", "/containers/json", "application/json", body(rows));
        let (one, other) = (list(made::rows(rows)), list(made::changed(made::rows(rows))));
        let times = if *size < 1_000_000 { 20 } else { 1 };
        let seconds = shortest(times, || {
            let (one, other) = (normalised(&one), normalised(&other));
            compare(&one, &other).len()
        });
        (*size as f64, seconds)
    };
    told.curve("both bodies normalised and compared", "bytes", sizes.iter().map(point).collect());
    let messages = |count: usize| {
        let body = "{\"status\":\"Pulling\",\"id\":\"layer\"}\r\n".repeat(count).into_bytes();
        let recording = made::recording("POST", "/images/create", "application/json", body);
        (count as f64, shortest(2, || normalised(&recording)))
    };
    let counts: &[usize] =
        if is_quick { &[1_000, 10_000, 100_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
    told.curve(
        "a stream of messages normalised",
        "messages",
        counts.iter().map(|count| messages(*count)).collect(),
    );
}

fn streams(told: &mut Told, _: bool) {
    let point = |count: usize| {
        let bytes = made::frames(count);
        assert!(demultiplex(&bytes).is_some_and(|frames| frames.rest.is_empty()));
        (count as f64, shortest(5, || demultiplex(&bytes)))
    };
    told.curve("a raw stream taken apart", "frames", [1_000, 10_000, 100_000, 1_000_000].map(point).to_vec());
    let point = |count: usize| {
        let recording = made::recording(
            "POST",
            "/containers/x/attach",
            "application/vnd.docker.raw-stream",
            made::frames(count),
        );
        (count as f64, shortest(2, || normalised(&recording)))
    };
    told.curve("a raw stream normalised", "frames", [1_000, 10_000, 100_000, 1_000_000].map(point).to_vec());
}

/// The library's way of asking, beside a raw loop that opens a connection for each request as well.
fn requests(told: &mut Told, _: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = Busy::new(&runtime);
    for (what, target, batch, target_ratio) in
        [("_ping", "/v1.21/_ping".to_owned(), 200, 1.5), ("a list of 7 KB", engine.list_target(), 50, 1.1)]
    {
        let request = raw::request("GET", &target, "");
        let sent = Sent {
            method: "GET".to_owned(),
            target: target.clone(),
            headers: usual_headers(&engine.endpoint.address),
            body: Bytes::default(),
        };
        let wire = Wire::new(&engine.endpoint).unwrap();
        let size = runtime.block_on(wire.request(&sent, LIMIT)).unwrap().answer.unwrap().body.0.len();
        let [mut floors, mut kept, mut ours] = [const { Vec::<f64>::new() }; 3];
        for _ in 0..15 {
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..batch {
                    raw::exchange(&engine.socket, &request).await.unwrap();
                }
                floors.push(begun.elapsed().as_secs_f64() / batch as f64);
                let begun = Instant::now();
                let mut stream = tokio::net::UnixStream::connect(&engine.socket).await.unwrap();
                for _ in 0..batch {
                    raw::on(&mut stream, &request).await.unwrap();
                }
                kept.push(begun.elapsed().as_secs_f64() / batch as f64);
                let begun = Instant::now();
                for _ in 0..batch {
                    let reply = wire.request(&sent, LIMIT).await.unwrap();
                    assert!(reply.answer.is_some_and(|answer| answer.status == 200));
                }
                ours.push(begun.elapsed().as_secs_f64() / batch as f64);
            });
        }
        let ratios = ours.iter().zip(&floors).map(|(ours, floor)| ours / floor).collect();
        let micros = |times: &[f64]| format!("{:.0} us", median(times.to_vec()) * 1e6);
        told.figure(&format!("{what} ({size} bytes): raw, a connection each"), &micros(&floors));
        told.figure(&format!("{what}: raw, one connection kept"), &micros(&kept));
        told.figure(&format!("{what}: divergence"), &micros(&ours));
        told.at_most(&format!("{what}: by the raw loop"), median(ratios), " x", target_ratio);
    }
    engine.leave(&runtime);
}

const LIMIT: Duration = Duration::from_secs(30);

/// An engine with an image, and with containers enough for a list of 7 KB.
struct Busy {
    endpoint: Endpoint,
    socket: PathBuf,
    images: divergence::run::images::Prepared,
    image: String,
    ledger: (Ledger, tempfile::TempDir),
    label: String,
    containers: Vec<String>,
}

impl Busy {
    fn new(runtime: &tokio::runtime::Runtime) -> Busy {
        let socket = raw::socket();
        let endpoint = Endpoint::new(Address::Unix(socket.clone()));
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let names = ["busybox".to_owned()];
        let images = runtime.block_on(prepare_images(&endpoint, &names, &here().join("fixtures"), &ledger));
        let image = images.images.get("busybox").unwrap_or_else(|| panic!("{:?}", images.missing)).clone();
        let label = format!("dv-bench-{}", std::process::id());
        let mut engine =
            Busy { endpoint, socket, images, image, ledger: (ledger, folder), label, containers: Vec::new() };
        runtime.block_on(async {
            let list = raw::request("GET", &engine.list_target(), "");
            while raw::exchange(&engine.socket, &list).await.unwrap().len() < 7_000 {
                let body = format!(
                    "{{\"Image\": \"{}\", \"Cmd\": [\"true\"], \"Labels\": {{\"bench\": \"{}\"}}}}",
                    engine.image, engine.label
                );
                let made = raw::request("POST", "/v1.21/containers/create", &body);
                let made = raw::exchange(&engine.socket, &made).await.unwrap();
                engine.containers.push(raw::between(&made, "\"Id\":\"", "\"").unwrap());
            }
        });
        engine
    }

    fn list_target(&self) -> String {
        format!("/v1.21/containers/json?all=1&filters=%7B%22label%22:%5B%22bench={}%22%5D%7D", self.label)
    }

    fn leave(self, runtime: &tokio::runtime::Runtime) {
        runtime.block_on(async {
            for id in &self.containers {
                let remove = raw::request("DELETE", &format!("/v1.21/containers/{id}?force=1&v=1"), "");
                raw::exchange(&self.socket, &remove).await.unwrap();
            }
            remove_images(&self.endpoint, &self.images, &self.ledger.0).await;
        });
        assert_eq!(self.ledger.0.close_clean().unwrap(), []);
    }
}

/// A live run of many like scenarios, beside the same lifecycles in a raw loop at its best.
fn suite(told: &mut Told, is_quick: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = Busy::new(&runtime);
    let scenarios = if is_quick { 20 } else { 60 };
    let project = tempfile::tempdir().unwrap();
    lifecycle_project(project.path(), scenarios).unwrap();
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..if is_quick { 1 } else { 3 } {
        for at_a_time in [2, 4, 8] {
            let floor = raw::lifecycles(&engine.socket, &engine.image, 2 * scenarios, at_a_time).unwrap();
            floors.push((floor.as_secs_f64(), at_a_time));
        }
        let state = project.path().join("state");
        let took = process::run(project.path(), &state, &["run", "--null"]).unwrap();
        assert_eq!(took.code, Some(0), "{}", took.said);
        ours.push(took.wall.as_secs_f64());
    }
    let at_its_best = |at_a_time: usize| {
        let times = floors.iter().filter(|(_, at)| *at == at_a_time).map(|(time, _)| *time);
        (median(times.collect()), at_a_time)
    };
    let best = [2, 4, 8].map(at_its_best).into_iter().min_by(|one, other| one.0.total_cmp(&other.0)).unwrap();
    told.figure(
        &format!("{} lifecycles, raw, {} at a time", 2 * scenarios, best.1),
        &format!("{:.2} s", best.0),
    );
    told.figure(&format!("{scenarios} scenarios against itself"), &format!("{:.2} s", median(ours.clone())));
    told.at_most("a live run by the engine's own floor", median(ours) / best.0, " x", 1.15);
    engine.leave(&runtime);
}

fn lifecycle_project(root: &Path, scenarios: usize) -> std::io::Result<()> {
    project::write(root, 0)?;
    for part in ["images"] {
        std::fs::create_dir_all(root.join("fixtures").join(part))?;
        for file in std::fs::read_dir(here().join("fixtures").join(part))? {
            let file = file?;
            if file.file_type()?.is_file() {
                std::fs::copy(file.path(), root.join("fixtures").join(part).join(file.file_name()))?;
            }
        }
    }
    std::fs::create_dir_all(root.join("suites/area/scenarios"))?;
    for at in 0..scenarios {
        let text = format!(
            "title = \"Lifecycle {at}\"\nneeds = [\"image:busybox\"]\n\
             [[steps]]\nid = \"create\"\nrequest = \"POST /containers/create\"\n\
             json = '''{{\"Image\": \"${{image:busybox}}\", \"Cmd\": [\"true\"], \"HostConfig\": {{\"NetworkMode\": \"none\"}}}}'''\n\
             capture = {{ cid = \"/body/json/Id\" }}\n\
             [[steps]]\nid = \"start\"\nrequest = \"POST /containers/${{cid}}/start\"\n\
             [[steps]]\nid = \"wait\"\nrequest = \"POST /containers/${{cid}}/wait\"\n"
        );
        std::fs::write(root.join(format!("suites/area/scenarios/case-{at}.toml")), text)?;
    }
    Ok(())
}
