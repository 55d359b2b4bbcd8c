//! What is done between asking and reporting: cost by size, and held against a plain walk.
//!
//!     cargo bench --bench pure [FILTER]

#![expect(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

#[path = "support/made.rs"]
mod made;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use divergence::compare::compare;
use divergence::engine_id::Kind;
use divergence::frames::demultiplex;
use divergence::judge::judge;
use divergence::judge::select::Conditions;
use divergence::normalise::normalise;
use divergence::snapshot::Snapshot;
use divergence::store::Store;
use divergence::suite::{SuiteFiles, load};
use serde_json::Value;

/// How many values differ: nothing else is done on the way.
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

fn tree(snapshot: &Snapshot) -> &Value {
    &snapshot.steps[0].parts[0].tree
}

fn comparing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compare");
    for count in [100, 1_000, 10_000] {
        let (one, other) =
            (made::snapshot(made::rows(count)), made::snapshot(made::changed(made::rows(count))));
        let reordered = made::snapshot(made::reordered(made::rows(count)));
        group.throughput(Throughput::Bytes((count * made::ROW) as u64));
        group.bench_function(BenchmarkId::new("plain walk, 1 % changed", count), |bencher| {
            bencher.iter(|| walk(black_box(tree(&one)), black_box(tree(&other))));
        });
        group.bench_function(BenchmarkId::new("1 % changed", count), |bencher| {
            bencher.iter(|| compare(black_box(&one), black_box(&other)));
        });
        group.bench_function(BenchmarkId::new("reordered", count), |bencher| {
            bencher.iter(|| compare(black_box(&one), black_box(&reordered)));
        });
    }
    for depth in [10, 100, 1_000] {
        let (one, other) = (made::snapshot(made::nested(depth)), made::snapshot(made::nested(depth)));
        group.throughput(Throughput::Elements(depth as u64));
        group.bench_function(BenchmarkId::new("nested", depth), |bencher| {
            bencher.iter(|| compare(black_box(&one), black_box(&other)));
        });
    }
    group.finish();
}

fn normalising(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("normalise");
    let (scenario, rules) = made::scenario();
    for count in [100, 1_000, 10_000] {
        let body = made::rows(count).to_string().into_bytes();
        group.throughput(Throughput::Bytes(body.len() as u64));
        let recording = made::recording("GET", "/containers/json", "application/json", body);
        group.bench_function(BenchmarkId::new("list", count), |bencher| {
            bencher.iter(|| normalise(black_box(&recording), &scenario, &rules));
        });
    }
    for count in [10_000, 100_000] {
        let body =
            "{\"status\":\"Pulling\",\"progressDetail\":{},\"id\":\"layer\"}\r\n".repeat(count).into_bytes();
        group.throughput(Throughput::Elements(count as u64));
        let recording = made::recording("POST", "/images/create", "application/json", body);
        group.bench_function(BenchmarkId::new("messages", count), |bencher| {
            bencher.iter(|| normalise(black_box(&recording), &scenario, &rules));
        });
    }
    group.finish();
}

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frames");
    for count in [10_000, 1_000_000] {
        let bytes = made::frames(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("demultiplex", count), |bencher| {
            bencher.iter(|| demultiplex(black_box(&bytes)));
        });
    }
    group.finish();
}

fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    let text = "title = \"All\"\nkind = \"deficiency\"\nwhy = \"So.\"\nevidence = \"read\"\n[[observations]]\n\
        scenario = \"area/case\"\nat = \"list/body/json/*/Status\"\nreference = { type = \"string\" }\n\
        candidate = { matches = \"Exited.*\" }\n";
    let (mut scenario, _) = made::scenario();
    scenario.id = made::case("area/case").scenario;
    let step = "title = \"x\"\n[[steps]]\nid = \"list\"\nrequest = \"GET /containers/json\"\n";
    let files = SuiteFiles {
        scenarios: vec![("suites/area/scenarios/case.toml".to_owned(), step.to_owned())],
        divergences: vec![("suites/area/divergences/sdc-docker/all.toml".to_owned(), text.to_owned())],
        ..SuiteFiles::default()
    };
    let suite = load(&files).unwrap_or_else(|found| panic!("{found:?}"));
    let conditions = Conditions {
        reference: made::engine("docker", "20.10.24", Kind::Live),
        candidate: made::engine("sdc-docker", "0.7", Kind::Simulator),
    };
    for count in [100, 1_000, 10_000] {
        let one = made::snapshot(made::rows(count));
        let mut rows = made::rows(count);
        for row in rows.as_array_mut().unwrap() {
            row["Status"] = "Exited (1) now".into();
            row["State"] = "exited".into();
        }
        let other = made::snapshot(rows);
        let differences = compare(&one, &other);
        group.throughput(Throughput::Elements(differences.len() as u64));
        group.bench_function(BenchmarkId::new("differences, half of them known", count), |bencher| {
            bencher.iter(|| {
                judge(&scenario, &one, &other, black_box(&differences), &suite.divergences, &conditions)
            });
        });
    }
    group.finish();
}

fn loading(criterion: &mut Criterion) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let store = Store::find(Some(here), here, None).unwrap();
    let scenarios = store.load().unwrap().suite.scenarios.len();
    let mut group = criterion.benchmark_group("load");
    group.throughput(Throughput::Elements(scenarios as u64));
    group.bench_function("the suite of this project", |bencher| bencher.iter(|| store.load().unwrap()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2)).without_plots();
    targets = comparing, normalising, streams, judging, loading
}
criterion_main!(benches);
