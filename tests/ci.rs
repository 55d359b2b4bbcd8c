//! The files of `ci/` as pipelines use them: the gate over committed snapshots, and the workflow's
//! own commands in their order.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quick_xml::events::Event;
use serde_json::{Value, json};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder that stands for a fresh machine of a pipeline: no Docker answers there.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        for part in ["ci", "docs", "fixtures", "snapshots", "suites"] {
            std::os::unix::fs::symlink(project().join(part), machine.path(part)).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bash(&self, script: &str, environment: &[(&str, &str)]) -> Output {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env("DIVERGENCE", env!("CARGO_BIN_EXE_divergence"))
            .env("DIVERGENCE_STATE", self.path("state"))
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    fn gate(&self, arguments: &str, environment: &[(&str, &str)]) -> Output {
        self.bash(&format!("ci/gate {arguments}"), environment)
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

/// A few cases over committed snapshots.
const SOME: &str =
    "--reference recorded:docker-20.10 --candidate recorded:simulator-0.7 exit-statuses/ unimplemented/tag";

#[test]
fn the_gate_leaves_reports_in_every_form_and_holds_a_run_against_the_last_release() {
    let machine = Machine::new();
    let output = machine.gate(&format!("run {SOME}"), &[]);
    assert_eq!(code(&output), 0, "{output:?}");
    for file in ["report.json", "junit.xml", "report.html", "summary.md"] {
        assert!(machine.path("divergence-report").join(file).is_file(), "{file}");
    }
    let old = SOME.replace("0.7", "0.3");
    assert_eq!(code(&machine.gate(&format!("run {old}"), &[("OUT", "old")])), 0);
    let output = machine.gate(&format!("run {SOME}"), &[("BASELINE", "old/report.json"), ("OUT", "new")]);
    assert_eq!(code(&output), 0, "0.7 diverges nowhere where 0.3 did not: {output:?}");
    let output = machine.gate(&format!("run {old}"), &[("BASELINE", "new/report.json"), ("OUT", "back")]);
    assert_eq!(code(&output), 1, "docker tag is not implemented any more: {output:?}");
    let summary = std::fs::read_to_string(machine.path("back/summary.md")).unwrap();
    assert!(summary.contains("### Newly diverging"), "{summary}");
    assert_eq!(code(&machine.gate("run --reference nonsense", &[])), 2);
    assert_eq!(code(&machine.gate("run no-such-case", &[])), 4);
    assert_eq!(code(&machine.gate("walk", &[])), 2);
}

#[test]
fn the_gate_speaks_to_github_where_it_runs_there() {
    let machine = Machine::new();
    let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "summary")];
    let output = machine.gate(&format!("run {SOME}"), &environment);
    assert_eq!(code(&output), 0, "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("::notice title=sdc-docker 0.7"), "{text}");
    let summary = std::fs::read_to_string(machine.path("summary")).unwrap();
    assert!(summary.contains("| cases | conform |"), "{summary}");
    // What fails is told at the line of the step, what drifted at the line of the pin.
    let mut report: Value = serde_json::from_str(
        &std::fs::read_to_string(machine.path("divergence-report/report.json")).unwrap(),
    )
    .unwrap();
    let verdicts = report["verdicts"].as_array_mut().unwrap();
    let failing = verdicts.iter_mut().find(|verdict| verdict["findings"][1].is_object()).unwrap();
    failing["verdict"] = json!("fails");
    failing["findings"][0]["finding"] = json!("new");
    failing["findings"][1]["finding"] = json!("drifted");
    let scenario = failing["scenario"].as_str().unwrap().to_owned();
    let pin = failing["findings"][1]["pin"].as_str().unwrap().to_owned();
    std::fs::write(machine.path("failing.json"), report.to_string()).unwrap();
    let output = machine.gate("merge failing.json", &environment);
    assert_eq!(code(&output), 1, "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (area, name) = scenario.split_once('/').unwrap();
    let file = format!("::error file=suites/{area}/scenarios/{name}.toml,line=");
    let line: usize = text
        .split_once(&file)
        .unwrap_or_else(|| panic!("{text}"))
        .1
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(line > 1, "the line of the step");
    let (file, line) = pin.rsplit_once(':').unwrap();
    assert!(text.contains(&format!("::error file={file},line={line},title=drifted%3A ")), "{text}");
}

/// The commands of a job of the workflow, with the values that GitHub would fill in.
fn commands(job: &Value, part: usize) -> (String, BTreeMap<String, String>) {
    let filled = |text: &str| text.replace("${{ matrix.part }}", &part.to_string());
    let environment = job["env"].as_object().unwrap().iter();
    let environment =
        environment.map(|(key, value)| (key.clone(), filled(value.as_str().unwrap()))).collect();
    let steps = job["steps"].as_array().unwrap().iter();
    let runs: Vec<&str> = steps.filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(runs[0], "cargo build --release --locked");
    // It is built already: the test's own program stands in for it.
    (runs[1..].join("\n"), environment)
}

#[test]
fn the_workflow_of_github_runs_all_parts_and_adds_them_up() {
    let text = std::fs::read_to_string(project().join("ci/github-actions.yml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let parts: Vec<usize> =
        serde_json::from_value(workflow["jobs"]["part"]["strategy"]["matrix"]["part"].clone()).unwrap();
    let machine = Machine::new();
    for part in &parts {
        let (script, environment) = commands(&workflow["jobs"]["part"], *part);
        assert_eq!(environment["PARTITION"], format!("hash:{part}/{}", parts.len()));
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let output = machine.bash(&script, &environment);
        assert_eq!(code(&output), 0, "{output:?}");
        // What the artifact does.
        std::fs::create_dir_all(machine.path("parts")).unwrap();
        std::fs::rename(machine.path("report"), machine.path(&format!("parts/part-{part}"))).unwrap();
    }
    let (script, _) = commands(&workflow["jobs"]["gate"], 0);
    let output = machine.bash(&script, &[("OUT", "report")]);
    assert_eq!(code(&output), 0, "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(" 0 fail, 0 err, 0 skipped"), "{text}");
    // One part less is no gate.
    std::fs::remove_dir_all(machine.path("parts/part-1")).unwrap();
    assert_eq!(code(&machine.bash(&script, &[("OUT", "report")])), 2);
}

/// Runs the parts of a pipeline and what adds them up, as its own file says, in `parts/N` and
/// `report`.
fn runs_whole(parts: usize, part: impl Fn(usize) -> (String, Vec<(&'static str, String)>), gate: &str) {
    let machine = Machine::new();
    for number in 1..=parts {
        let (script, environment) = part(number);
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let output = machine.bash(&script, &environment);
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(machine.path(&format!("parts/{number}/junit.xml")).is_file());
    }
    let output = machine.bash(gate, &[("OUT", "report")]);
    assert_eq!(code(&output), 0, "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(" 0 fail, 0 err, 0 skipped"), "{text}");
    assert!(machine.path("report/junit.xml").is_file());
    std::fs::remove_dir_all(machine.path("parts/1")).unwrap();
    assert_eq!(code(&machine.bash(gate, &[("OUT", "report")])), 2, "one part less is no gate");
}

#[test]
fn the_pipeline_of_gitlab_runs_all_parts_and_adds_them_up() {
    let text = std::fs::read_to_string(project().join("ci/gitlab-ci.yml")).unwrap();
    let gitlab: Value = serde_saphyr::from_str(&text).unwrap();
    let lines = |job: &str| {
        let lines = gitlab[job]["script"].as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };
    let parts: usize = serde_json::from_value(gitlab["part"]["parallel"].clone()).unwrap();
    let part = |number: usize| {
        let total = ("CI_NODE_TOTAL", parts.to_string());
        (lines("part"), vec![("CI_NODE_INDEX", number.to_string()), total, ("OUT", "report".to_owned())])
    };
    assert_eq!(gitlab["variables"]["OUT"], "report");
    assert_eq!(gitlab["part"]["artifacts"]["paths"], json!(["parts/"]));
    assert_eq!(gitlab["gate"]["artifacts"]["reports"]["junit"], "report/junit.xml");
    runs_whole(parts, part, &lines("gate"));
    // It is built already: the test's own program stands in for it.
    let pages = lines("pages").replace("cargo run --release --locked --", "\"$DIVERGENCE\"");
    let machine = Machine::new();
    assert_eq!(code(&machine.bash(&pages, &[])), 0, "{pages}");
    assert!(machine.path("public/matrix.html").is_file());
}

#[test]
fn the_pipeline_of_jenkins_runs_all_parts_and_adds_them_up() {
    let text = std::fs::read_to_string(project().join("ci/Jenkinsfile")).unwrap();
    let between = |from: &str, to: &str| {
        let rest = text.split_once(from).unwrap_or_else(|| panic!("{from}")).1;
        rest.split_once(to).unwrap_or_else(|| panic!("{to}")).0
    };
    let parts: usize = between("def parts = ", "\n").parse().unwrap();
    let shells: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("sh '")?.strip_suffix('\'')).collect();
    let [run, gate] = shells.as_slice() else { panic!("{shells:?}") };
    let environment = between("withEnv([\"", "\"])").split("\", \"");
    let environment: Vec<(&str, &str)> = environment.map(|pair| pair.split_once('=').unwrap()).collect();
    let part = |number: usize| {
        let filled =
            |text: &str| text.replace("${part}", &number.to_string()).replace("${parts}", &parts.to_string());
        let [(first, partition), (second, out)] = environment.as_slice() else { panic!("{environment:?}") };
        assert_eq!([*first, *second], ["PARTITION", "OUT"]);
        ((*run).to_owned(), vec![("PARTITION", filled(partition)), ("OUT", filled(out))])
    };
    assert_eq!(between("withEnv(['", "'])"), "OUT=report");
    assert!(text.contains("junit 'report/junit.xml'") && text.contains("includes: \"parts/${part}/**\""));
    runs_whole(parts, part, gate);
}

#[test]
fn the_scripts_are_bash() {
    let script = "for file in ci/*; do case $(head -c 19 \"$file\") in '#!/usr/bin/env bash') bash -n \"$file\";; esac; done";
    assert_eq!(code(&Machine::new().bash(script, &[])), 0);
}

/// Elements with the children and attributes that Jenkins' schema (junit-10.xsd of its xUnit plugin)
/// lets them have; of what divergence writes.
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &["testsuite"], &["name", "time", "tests", "failures", "errors"]),
    (
        "testsuite",
        &["properties", "testcase", "system-out", "system-err"],
        &["name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "file"],
    ),
    ("properties", &["property"], &[]),
    ("property", &[], &["name", "value"]),
    (
        "testcase",
        &["skipped", "error", "failure", "system-out", "system-err"],
        &["name", "time", "classname"],
    ),
    ("skipped", &[], &["type", "message"]),
    ("error", &[], &["type", "message"]),
    ("failure", &[], &["type", "message"]),
    ("system-out", &[], &[]),
];

#[test]
fn junit_is_what_ci_servers_read() {
    let machine = Machine::new();
    assert_eq!(code(&machine.gate(&format!("run {SOME}"), &[])), 0);
    let file = machine.path("divergence-report/report.json");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let verdicts = report["verdicts"].as_array_mut().unwrap();
    verdicts[0]["verdict"] = json!("errs");
    verdicts[0]["reason"] = json!("cannot connect: \u{1b}[31m]]> & <x> \u{0}");
    verdicts[1]["verdict"] = json!("skipped");
    verdicts[1]["reason"] = json!("no image");
    verdicts[2]["verdict"] = json!("fails");
    verdicts[2]["findings"][0]["finding"] = json!("new");
    let cases = verdicts.len();
    std::fs::write(machine.path("all.json"), report.to_string()).unwrap();
    assert_eq!(code(&machine.gate("merge all.json", &[])), 3);
    let xml = std::fs::read_to_string(machine.path("divergence-report/junit.xml")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut open: Vec<String> = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                let (_, _, attributes) =
                    JUNIT.iter().find(|(known, _, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
                if let Some(parent) = open.last() {
                    let (_, children, _) = JUNIT.iter().find(|(known, _, _)| known == parent).unwrap();
                    assert!(children.contains(&name.as_str()), "{name} in {parent}");
                }
                for attribute in element.attributes() {
                    let key = String::from_utf8(attribute.unwrap().key.as_ref().to_vec()).unwrap();
                    assert!(attributes.contains(&key.as_str()), "{key} of {name}");
                }
                *counts.entry(name.clone()).or_default() += 1;
                if matches!(event, Event::Start(_)) {
                    open.push(name);
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(counts["testcase"], cases);
    assert_eq!((counts["error"], counts["skipped"], counts["failure"]), (1, 1, 1));
    assert!(counts["property"] > 5 && xml.contains("divergence.exit-status-differs"), "{xml}");
    assert!(!xml.contains('\u{1b}') && !xml.contains('\u{0}'));
}
