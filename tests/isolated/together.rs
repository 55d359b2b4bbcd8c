//! Cases that run at the same time do not disturb each other, within a run and between runs: the
//! report is the same however many there are.

use std::path::Path;
use std::process::Child;

use serde_json::Value;

use super::engine::{changes, divergence, inventory, mine};

/// What the test runs; `ci/jobs` runs the whole suite. The last four are exclusive: they list the
/// whole host, or take an address that only one can have.
const SOME: [&str; 6] = [
    "files/archive",
    "exit-statuses/exits",
    "containers/list-everything",
    "volumes/anonymous-in-the-whole-list",
    "networks/create-overlapping",
    "networks/mac-address",
];

fn begun(state: &Path, filters: &[String], jobs: &str) -> Child {
    let report = format!("json={}", state.join("report.json").display());
    let mut arguments = vec!["run", "--jobs", jobs, "--report", &report];
    arguments.extend(filters.iter().map(String::as_str));
    divergence(state, &arguments).spawn().unwrap()
}

/// The verdicts of a report without what no two runs have in common: the times.
fn verdicts(state: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(state.join("report.json")).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let mut verdicts = report["verdicts"].as_array().unwrap().clone();
    assert_eq!(report["totals"].take()["cases"], verdicts.len());
    for verdict in &mut verdicts {
        verdict.as_object_mut().unwrap().remove("millis");
        for finding in verdict["findings"].as_array_mut().unwrap() {
            if finding["at"].as_str().unwrap().ends_with("/time/millis") {
                finding
                    .as_object_mut()
                    .unwrap()
                    .retain(|key, _| ["step", "at", "finding"].contains(&key.as_str()));
            }
        }
    }
    verdicts
}

#[test]
fn the_report_of_eight_jobs_beside_another_run_is_that_of_one_job() {
    let Some(_engine) = mine() else { return };
    let whole = std::env::var("DIVERGENCE_JOBS").is_ok_and(|value| value == "all");
    let filters: Vec<String> = if whole { Vec::new() } else { SOME.map(str::to_owned).to_vec() };
    let before = inventory();
    let [one, eight] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut runs = [begun(one.path(), &filters, "1"), begun(eight.path(), &filters, "8")];
    let statuses = runs.each_mut().map(|run| run.wait().unwrap());
    let [one, eight] = [one, eight].map(|state| verdicts(state.path()));
    assert_eq!(one.len(), eight.len());
    for (one, eight) in one.iter().zip(&eight) {
        assert_eq!(one, eight, "one job | eight jobs");
    }
    assert!(statuses.iter().all(|status| status.code() == Some(0)), "{statuses:?}");
    assert_eq!(changes(&before), Vec::<String>::new());
    eprintln!("{} cases: one job and eight jobs, at the same time, report the same", one.len());
}
