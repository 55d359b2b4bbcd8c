//! What is made of reports, by the binary over the committed snapshots: partitions and their
//! merge, comparisons, files for CI servers.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A folder for the files and the state of one test, over the project's own suite.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn divergence(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_divergence"))
            .args(["--root", env!("CARGO_MANIFEST_DIR"), "--state"])
            .arg(self.path("state"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("DOCKER_HOST")
            .output()
            .unwrap()
    }

    /// Replays snapshots, and gives the report that was written to this file.
    fn replay(&self, release: &str, file: &str, more: &[&str]) -> Value {
        let candidate = format!("recorded:simulator-{release}");
        let report = format!("json={file}");
        let fixed = ["run", "--reference", "recorded:docker-20.10", "--candidate", &candidate, "--report"];
        let output = self.divergence(&[&fixed, [report.as_str()].as_slice(), more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        self.json(file)
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(file)).unwrap()).unwrap()
    }

    fn write(&self, file: &str, report: &Value) {
        std::fs::write(self.path(file), report.to_string()).unwrap();
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output, word: &str) {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(word), "{word} in {text}");
}

/// Some cases, so that a test is quick: errors and exit statuses.
const SOME: [&str; 2] = ["errors/", "exit-statuses/"];

#[test]
fn the_union_of_partitions_is_the_whole_run() {
    let desk = Desk::new();
    let whole = desk.replay("0.7", "whole.json", &SOME);
    for scheme in ["slice", "hash"] {
        let names = ["1.json", "2.json", "3.json"];
        for (at, name) in names.iter().enumerate() {
            let partition = format!("{scheme}:{}/3", at + 1);
            let part = desk.replay("0.7", name, &["--partition", &partition, SOME[0], SOME[1]]);
            assert_eq!(part["partition"]["partition"], json!(partition));
        }
        let output =
            desk.divergence(&["merge", "3.json", "1.json", "2.json", "--report", "json=merged.json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(desk.json("merged.json"), whole, "{scheme}");
    }
}

#[test]
fn merging_refuses_what_does_not_belong_together() {
    let desk = Desk::new();
    let one = desk.replay("0.7", "1.json", &["--partition", "slice:1/2", SOME[0]]);
    let two = desk.replay("0.7", "2.json", &["--partition", "slice:2/2", SOME[0]]);
    desk.replay("0.3", "old.json", &["--partition", "slice:2/2", SOME[0]]);
    desk.replay("0.7", "third.json", &["--partition", "slice:2/3", SOME[0]]);
    desk.replay("0.7", "whole.json", &[SOME[0]]);
    refused(&desk.divergence(&["merge", "1.json"]), "the report of slice:2/2 is missing");
    refused(&desk.divergence(&["merge", "1.json", "2.json", "1.json"]), "is in both 1.json and 1.json");
    refused(&desk.divergence(&["merge", "1.json", "old.json"]), "of another candidate than 1.json");
    refused(&desk.divergence(&["merge", "1.json", "third.json"]), "of another partition than 1.json");
    refused(&desk.divergence(&["merge", "1.json", "whole.json"]), "report of a whole run");
    let mut other = two.clone();
    other["suite"] = json!("0123456789abcdef");
    desk.write("other.json", &other);
    refused(&desk.divergence(&["merge", "1.json", "other.json"]), "of another suite than 1.json");
    other["format"] = json!(99);
    desk.write("other.json", &other);
    refused(&desk.divergence(&["merge", "1.json", "other.json"]), "format 99; this program reads format 1");
    let mut short = two;
    short["verdicts"].as_array_mut().unwrap().pop();
    desk.write("short.json", &short);
    refused(&desk.divergence(&["merge", "1.json", "short.json"]), "together they have");
    desk.write("none.json", &json!({"verdicts": one["verdicts"]}));
    refused(&desk.divergence(&["merge", "none.json"]), "it has no `format`");
    refused(&desk.divergence(&["run", "--partition", "slice:3/2"]), "is no partition");
}

#[test]
fn a_merged_report_has_the_exit_code_of_the_whole_run() {
    let desk = Desk::new();
    desk.replay("0.7", "1.json", &["--partition", "slice:1/2", SOME[0]]);
    let mut two = desk.replay("0.7", "2.json", &["--partition", "slice:2/2", SOME[0]]);
    two["verdicts"][0]["verdict"] = json!("fails");
    desk.write("2.json", &two);
    assert_eq!(desk.divergence(&["merge", "1.json", "2.json"]).status.code(), Some(1));
    two["verdicts"][0]["verdict"] = json!("errs");
    desk.write("2.json", &two);
    let output = desk.divergence(&["merge", "1.json", "2.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let merged: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(merged["totals"]["errs"], 1);
}

/// The first finding of a report, and the case that it was found in.
fn first_finding(report: &mut Value) -> &mut Value {
    let verdicts = report["verdicts"].as_array_mut().unwrap();
    let with = verdicts.iter_mut().find(|verdict| !verdict["findings"].as_array().unwrap().is_empty());
    &mut with.unwrap()["findings"]
}

#[test]
fn a_comparison_tells_newly_diverging_fixed_changed_gone_and_added() {
    let desk = Desk::new();
    let report = desk.replay("0.7", "a.json", &[SOME[1]]);
    let compare = |later: &Value| {
        desk.write("b.json", later);
        let output = desk.divergence(&["compare", "a.json", "b.json", "--format", "json"]);
        (output.status.code().unwrap(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let count = |compared: &Value, of: &str| compared[of].as_array().unwrap().len();
    let (code, same) = compare(&report);
    assert_eq!((code, count(&same, "newly_diverging")), (0, 0));
    assert!(same["unchanged"].as_u64().unwrap() > 10, "{same}");

    // A place more: another release differs where this one does not.
    let mut more = report.clone();
    let findings = first_finding(&mut more).as_array_mut().unwrap();
    let mut extra = findings[0].clone();
    extra["at"] = json!("/headers/x-new");
    findings.push(extra);
    let (code, compared) = compare(&more);
    assert_eq!((code, count(&compared, "newly_diverging")), (1, 1), "{compared}");
    assert_eq!(compared["newly_diverging"][0]["later"]["at"], "/headers/x-new");
    // The other way round it is a fix, and no alarm.
    desk.write("more.json", &more);
    let output = desk.divergence(&["compare", "more.json", "a.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("0 newly diverging, 1 fixed"), "{}", stdout(&output));

    let mut changed = report.clone();
    first_finding(&mut changed)[0]["candidate"] = json!("<b>another|value</b>\u{1b}[31m");
    let (code, compared) = compare(&changed);
    assert_eq!((code, count(&compared, "changed")), (0, 1), "{compared}");
    let text = stdout(&desk.divergence(&["compare", "a.json", "b.json"]));
    assert!(text.contains("changed  ") && !text.contains('\u{1b}'), "{text}");
    let markdown = stdout(&desk.divergence(&["compare", "a.json", "b.json", "--markdown"]));
    assert!(markdown.contains("### Changed (1)") && markdown.contains("another\\|value"), "{markdown}");

    let mut fewer = report.clone();
    let verdicts = fewer["verdicts"].as_array_mut().unwrap();
    verdicts.remove(0);
    verdicts[0]["verdict"] = json!("skipped");
    verdicts[0]["reason"] = json!("no such image");
    let (code, compared) = compare(&fewer);
    assert_eq!((code, count(&compared, "gone")), (0, 2), "{compared}");
    assert_eq!(compared["gone"][1]["why"], "skipped: no such image");
    desk.write("fewer.json", &fewer);
    let output = desk.divergence(&["compare", "fewer.json", "a.json", "--format", "json"]);
    let compared: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(count(&compared, "added"), 2, "{compared}");
    assert_eq!(output.status.code(), Some(0), "what is added is explained: {compared}");

    // An added case with something that nothing explains is no free pass.
    let mut unexplained = report.clone();
    first_finding(&mut unexplained)[0]["finding"] = json!("new");
    let case = unexplained["verdicts"].as_array().unwrap().iter().position(|verdict| {
        verdict["findings"].as_array().unwrap().iter().any(|finding| finding["finding"] == "new")
    });
    let mut without = report.clone();
    without["verdicts"].as_array_mut().unwrap().remove(case.unwrap());
    desk.write("a.json", &without);
    let (code, compared) = compare(&unexplained);
    assert_eq!((code, count(&compared, "newly_diverging")), (1, 1), "{compared}");
    desk.write("a.json", &report);

    let mut erring = report;
    erring["verdicts"][0]["verdict"] = json!("errs");
    assert_eq!(compare(&erring).0, 3);
    erring["verdicts"] = json!([]);
    assert_eq!(compare(&erring).0, 4);
}

#[test]
fn releases_are_compared_in_words() {
    let desk = Desk::new();
    let filter = "unimplemented/tag";
    desk.replay("0.3", "0.3.json", &[filter]);
    desk.replay("0.7", "0.7.json", &[filter]);
    let forth = desk.divergence(&["compare", "0.3.json", "0.7.json"]);
    assert_eq!(forth.status.code(), Some(0));
    assert!(stdout(&forth).contains("later    sdc-docker 0.7, simulator, from snapshots"), "{forth:?}");
    assert!(stdout(&forth).contains("of tag-not-implemented"), "{forth:?}");
    let back = desk.divergence(&["compare", "0.7.json", "0.3.json"]);
    assert_eq!(back.status.code(), Some(1), "what was implemented is not any more");
}
