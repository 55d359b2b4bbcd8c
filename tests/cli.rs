//! The binary as its users run it: every exit code, every kind of finding, mistakes in files.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A throw-away project: the suite's own rules and settings, and the files of a test.
struct Project {
    folder: tempfile::TempDir,
}

const SCENARIO: &str = r#"
title = "The daemon answers a ping"
[[steps]]
id = "ping"
request = "GET /_ping"
"#;

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let project = Project { folder };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = ["suites/suite.toml", "suites/normalise.toml"];
        for file in files {
            project.write(file, &std::fs::read_to_string(root.join(file)).unwrap());
        }
        for world in std::fs::read_dir(root.join("fixtures/simulator")).unwrap() {
            let world = world.unwrap();
            let name = world.file_name().into_string().unwrap();
            let text = std::fs::read_to_string(world.path()).unwrap();
            project.write(&format!("fixtures/simulator/{name}"), &text);
        }
        project
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_divergence"))
            .arg("--root")
            .arg(self.folder.path())
            .args(arguments)
            .env_remove("DOCKER_HOST")
            .output()
            .unwrap()
    }

    /// A snapshot of the ping scenario with this answer.
    fn snapshot(&self, folder: &str, engine: &str, kind: &str, answer: &Value) {
        use divergence::engine_id::EngineId;
        use divergence::scenario::{CaseId, ScenarioId, StepId};
        use divergence::snapshot::{Part, Snapshot, StepSnapshot};
        let loaded = divergence::store::Store::find(Some(self.folder.path()), self.folder.path(), None)
            .unwrap()
            .load()
            .unwrap_or_else(|error| panic!("{error:?}"));
        let scenario = loaded.suite.scenarios.iter().find(|scenario| scenario.id.0 == "system/ping").unwrap();
        for api in &scenario.api {
            let snapshot = Snapshot {
                case: CaseId { scenario: ScenarioId("system/ping".to_owned()), api: api.clone() },
                engine: EngineId {
                    identity: engine.to_owned(),
                    release: folder.rsplit('-').next().unwrap().parse().unwrap(),
                    kind: serde_json::from_value(Value::from(kind)).unwrap(),
                    world: "default".to_owned(),
                },
                fingerprint: scenario.fingerprint.clone(),
                steps: vec![StepSnapshot {
                    id: StepId("ping".to_owned()),
                    parts: vec![Part {
                        name: String::new(),
                        route: divergence::route::Route::named("GET /_ping"),
                        request: format!("GET /v{api}/_ping"),
                        tree: answer.clone(),
                    }],
                }],
            };
            let text = divergence::store::snapshots::to_text(&snapshot, &scenario.file);
            self.write(&format!("snapshots/{folder}/system/ping@{api}.snap"), &text);
        }
    }

    /// Two recorded engines that answer the ping with these texts.
    fn recorded(reference: &str, candidate: &str) -> Project {
        let project = Project::new();
        project.write("suites/system/scenarios/ping.toml", SCENARIO);
        let answer = |text: &str| serde_json::json!({"status": 200, "body": {"text": text}});
        project.snapshot("docker-20.10", "docker", "live", &answer(reference));
        project.snapshot("simulator-0.7", "sdc-docker", "simulator", &answer(candidate));
        project
    }

    fn replay(&self, more: &[&str]) -> Output {
        let mut arguments =
            vec!["run", "--reference", "recorded:docker-20.10", "--candidate", "recorded:simulator-0.7"];
        arguments.extend(more);
        self.run(&arguments)
    }
}

fn divergence(candidate: &str) -> String {
    format!(
        "# A comment that survives.\ntitle = \"Ping answers otherwise\"\nkind = \"deficiency\"\nwhy = \"It does.\"\n\
         evidence = \"read\"\n\n[[observations]]\nscenario = \"system/ping\"\nat = \"ping/body/text\"\n\
         reference = \"OK\"\ncandidate = \"{candidate}\" # pinned\n"
    )
}

const DIVERGENCE: &str = "suites/system/divergences/sdc-docker/ping-text.toml";

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn exit_0_when_everything_conforms() {
    let output = Project::recorded("OK", "OK").replay(&[]);
    assert_eq!(code(&output), 0, "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("reference  docker 20.10, from snapshots"), "{text}");
    assert!(text.contains("candidate  sdc-docker 0.7, simulator, from snapshots"), "{text}");
    assert!(text.contains("1 case: 1 conform"), "{text}");
}

#[test]
fn another_version_is_answered_from_the_one_that_stands_for_it() {
    let project = Project::new();
    let scenario = SCENARIO.replace("[[steps]]", "api = [\"1.21\", \"1.23\"]\n[[steps]]");
    project.write("suites/system/scenarios/ping.toml", &scenario);
    let answer = |text: &str| serde_json::json!({"status": 200, "body": {"text": text}});
    project.snapshot("docker-20.10", "docker", "live", &answer("new"));
    let newer = project.read("snapshots/docker-20.10/system/ping@1.23.snap");
    project.snapshot("docker-20.10", "docker", "live", &answer("old"));
    project.snapshot("simulator-0.7", "sdc-docker", "simulator", &answer("old"));
    project.write("snapshots/docker-20.10/system/ping@1.23.snap", &newer);
    // Differs at 1.23, conforms below; it does not speak of what is not between its own.
    let report = json(&project.replay(&["--api", "1.20,1.22,1.23,1.24", "--format", "json"]));
    let verdicts = report["verdicts"].as_array().unwrap();
    let told = |verdict: &Value| {
        format!("{} {}", verdict["api"].as_str().unwrap(), verdict["verdict"].as_str().unwrap())
    };
    let told: Vec<String> = verdicts.iter().map(told).collect();
    assert_eq!(told, ["1.22 conforms", "1.23 fails"]);
    // One that names none speaks of all.
    let project = Project::recorded("OK", "OK");
    let report = json(&project.replay(&["--api", "1.20,1.24", "--format", "json"]));
    assert_eq!(report["totals"]["conforms"], 2);
}

#[test]
fn exit_0_when_every_difference_is_known() {
    let project = Project::recorded("OK", "ok");
    project.write(DIVERGENCE, &divergence("ok"));
    let output = project.replay(&["--format", "json"]);
    assert_eq!(code(&output), 0, "{output:?}");
    let report = json(&output);
    assert_eq!(report["format"], 1);
    assert_eq!(report["candidate"]["kind"], "recorded");
    assert_eq!(report["candidate"]["recorded_from"], "simulator");
    assert_eq!(report["totals"]["diverges"], 1);
    assert_eq!(report["findings"]["known"], 1);
    let verdict = &report["verdicts"][0];
    assert_eq!((&verdict["scenario"], &verdict["api"]), (&"system/ping".into(), &"1.21".into()));
    assert_eq!(verdict["verdict"], "diverges");
    assert_eq!(verdict["findings"][0]["divergence"], "ping-text");
    assert_eq!(verdict["findings"][0]["at"], "/body/text");
}

#[test]
fn exit_1_for_each_finding_that_fails() {
    let new = Project::recorded("OK", "other").replay(&[]);
    assert_eq!(code(&new), 1);
    assert!(stdout(&new).contains("new  ping/body/text"), "{}", stdout(&new));

    let drifted = Project::recorded("OK", "other");
    drifted.write(DIVERGENCE, &divergence("ok"));
    let output = drifted.replay(&[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("candidate is pinned as \"ok\" but answers \"other\""),
        "{}",
        stdout(&output)
    );

    let fixed = Project::recorded("OK", "OK");
    fixed.write(DIVERGENCE, &divergence("ok"));
    let output = fixed.replay(&[]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("ping-text is fixed in 1 place"), "{}", stdout(&output));
}

#[test]
fn exit_2_for_a_mistake_in_a_file_with_line_caret_and_advice() {
    let project = Project::recorded("OK", "OK");
    project.write(
        "suites/system/scenarios/bad.toml",
        "titel = \"x\"\n[[steps]]\nid = \"a\"\nrequest = \"GET /nowhere\"\n",
    );
    let output = project.replay(&[]);
    assert_eq!(code(&output), 2);
    let text = stderr(&output);
    for part in ["unknown key `titel`", "`title`", "/nowhere", "bad.toml:1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn exit_2_for_a_usage_error_and_for_a_broken_snapshot() {
    let project = Project::recorded("OK", "OK");
    assert_eq!(code(&project.run(&["run", "--nonsense"])), 2);
    assert_eq!(code(&project.run(&["frobnicate"])), 2);
    assert_eq!(code(&project.replay(&["--world", "nowhere"])), 2);
    let unknown = project.run(&["run", "--reference", "dokcer"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("no engine is called `dokcer`"), "{}", stderr(&unknown));
    let file = "snapshots/docker-20.10/system/ping@1.21.snap";
    project.write(file, &project.read(file)[..300]);
    let output = project.replay(&[]);
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(stderr(&output).contains("ping@1.21.snap"), "{}", stderr(&output));
}

#[test]
fn exit_3_when_an_engine_cannot_be_reached() {
    let project = Project::recorded("OK", "OK");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = project.run(&["run", "--reference", "recorded:docker-20.10", "--candidate", &address]);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn exit_4_when_nothing_matches_with_the_closest_names() {
    let output = Project::recorded("OK", "OK").replay(&["pnig"]);
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains("the closest are: system/ping"), "{}", stderr(&output));
    let project = Project::recorded("OK", "OK");
    std::fs::remove_dir_all(project.path("snapshots/simulator-0.7")).unwrap();
    project.snapshot("simulator-0.7", "sdc-docker", "simulator", &serde_json::json!({}));
    project.write("suites/system/scenarios/ping.toml", &SCENARIO.replace("GET /_ping", "GET /version"));
    let output = project.replay(&[]);
    assert_eq!(code(&output), 4, "{output:?}");
    assert!(
        stdout(&output).contains("its steps changed since docker-20.10 was recorded"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn accept_writes_repins_and_closes_without_losing_comments() {
    let project = Project::recorded("OK", "ok");
    project.replay(&[]);
    assert_eq!(code(&project.run(&["accept", "--yes"])), 2, "a simulator is no evidence");
    let output = project.run(&["accept", "--yes", "--evidence", "read"]);
    assert_eq!(code(&output), 0, "{output:?}");
    let files: Vec<_> =
        std::fs::read_dir(project.path("suites/system/divergences/sdc-docker")).unwrap().collect();
    assert_eq!(files.len(), 1, "both API versions are one cause");
    assert_eq!(code(&project.replay(&[])), 0);
    let check = project.run(&["check"]);
    assert_eq!(code(&check), 1);
    assert!(stdout(&check).contains("`why` is still to be written"), "{}", stdout(&check));

    let project = Project::recorded("OK", "other");
    project.write(DIVERGENCE, &divergence("ok"));
    project.replay(&[]);
    assert_eq!(code(&project.run(&["accept", "--yes"])), 0);
    assert_eq!(project.read(DIVERGENCE), divergence("other"));
    assert_eq!(code(&project.replay(&[])), 0);

    let project = Project::recorded("OK", "OK");
    project.write(DIVERGENCE, &divergence("ok"));
    project.replay(&[]);
    assert_eq!(code(&project.run(&["accept", "--yes"])), 0);
    let closed = project.read(DIVERGENCE);
    assert!(closed.contains("# A comment that survives.") && closed.contains("\"<0.7\""), "{closed}");
    assert_eq!(code(&project.replay(&[])), 0);
}

#[test]
fn check_is_fine_or_finds_what_refers_to_nothing() {
    let project = Project::recorded("OK", "ok");
    project.write(DIVERGENCE, &divergence("ok"));
    let output = project.run(&["check", "--format", "json"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(json(&output)["findings"], serde_json::json!([]));
    project.write(DIVERGENCE, &divergence("ok").replace("ping/body/text", "ping/body/json/Id"));
    project.write(
        "snapshots/docker-20.10/system/gone@1.21.snap",
        &project.read("snapshots/docker-20.10/system/ping@1.21.snap"),
    );
    let output = project.run(&["check"]);
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    assert!(text.contains("selects no place of any snapshot") && text.contains("has no scenario"), "{text}");
}

#[test]
fn coverage_counts_what_was_asked_and_check_finds_reasons_that_do_not_hold() {
    let project = Project::recorded("OK", "OK");
    assert_eq!(code(&project.run(&["coverage"])), 4, "nothing is documented here");
    let facts = |api: &str| {
        format!(
            "format = 1\napi = \"{api}\"\nsource = [\"x\"]\n[[routes]]\nroute = \"GET /_ping\"\nstatuses = [200]\n\
             [[routes]]\nroute = \"GET /events\"\nquery = [\"since\"]\nstatuses = [200, 500]\n"
        )
    };
    project.write("fixtures/api/1.20.toml", &facts("1.20"));
    project.write("fixtures/api/1.24.toml", &facts("1.24"));
    let output = project.run(&["coverage", "--api", "1.24", "--format", "json"]);
    assert_eq!(code(&output), 1, "targets are missed");
    let told = json(&output);
    assert_eq!((&told["format"], &told["api"]), (&Value::from(1), &Value::from("1.24")));
    let expected = serde_json::json!({"documented": 2, "exercised": 1, "excluded": 0, "target": 100,
        "missing": ["GET /events"]});
    assert_eq!(told["routes"], expected);
    assert_eq!(told["parameters"]["missing"], serde_json::json!(["GET /events ?since"]));
    assert_eq!(told["statuses"]["missing"], serde_json::json!(["GET /events 200", "GET /events 500"]));
    let text = stdout(&project.run(&["coverage", "--api", "1.24"]));
    assert!(text.contains("missing: 4 things of 1 route") && text.contains("never asked"), "{text}");
    let below = project.run(&["coverage", "--api", "1.20", "--format", "json"]);
    assert_eq!(code(&below), 0, "no target holds there");
    assert_eq!(json(&below)["routes"]["exercised"], 1, "1.21 stands for it");
    assert_eq!(code(&project.run(&["coverage", "--api", "1.19"])), 4);
    let all = json(&project.run(&["coverage", "--format", "json"]));
    assert_eq!(all["versions"].as_array().unwrap().len(), 2);

    let reason = |route: &str| {
        format!("[[entries]]\nroutes = [\"{route}\"]\neverything = true\nreason = \"It is shy.\"\n")
    };
    project.write("suites/unasked.toml", &reason("GET /events"));
    assert_eq!(code(&project.run(&["coverage"])), 0);
    assert_eq!(code(&project.run(&["check"])), 0);
    project.write("suites/unasked.toml", &reason("GET /_ping"));
    let check = project.run(&["check"]);
    assert!(stdout(&check).contains("`GET /_ping` is exercised at 1.24 after all"), "{check:?}");
    assert_eq!(code(&check), 1);
    project.write("suites/unasked.toml", &reason("GET /version"));
    assert_eq!(code(&project.run(&["check"])), 2);
}

#[test]
fn new_list_show_explain_and_schema_tell_what_they_should() {
    let project = Project::recorded("OK", "ok");
    project.write(DIVERGENCE, &divergence("ok"));
    project.replay(&[]);
    let show = stdout(&project.run(&["show", "ping@1.21"]));
    assert!(show.contains("-     \"text\": \"OK\"") && show.contains("+     \"text\": \"ok\""), "{show}");
    assert!(show.contains("known  /body/text  ping-text"), "{show}");
    let explain = stdout(&project.run(&["explain", "ping-text"]));
    assert!(explain.contains("Ping answers otherwise") && explain.contains("1 place in 1 case"), "{explain}");
    assert_eq!(code(&project.run(&["explain", "ping-txt"])), 2);
    assert_eq!(code(&project.run(&["show", "nothing-like-it"])), 4);
    let list = json(&project.run(&["list", "--format", "json"]));
    assert_eq!(list["scenarios"][0]["id"], "system/ping");
    assert_eq!(code(&project.run(&["new", "system/first"])), 0);
    assert_eq!(code(&project.run(&["new", "system/first"])), 2);
    assert_eq!(code(&project.run(&["new", "First"])), 2);
    for of in ["scenario", "divergence", "suite", "engines"] {
        assert!(json(&project.run(&["schema", of]))["$schema"].is_string(), "{of}");
    }
}

#[test]
fn junit_has_a_failure_for_what_fails() {
    let project = Project::recorded("OK", "other");
    let file = project.path("junit.xml");
    let output = project.replay(&["--report", &format!("junit={}", file.display())]);
    assert_eq!(code(&output), 1);
    let xml = std::fs::read_to_string(file).unwrap();
    assert!(xml.contains("<failure") && xml.contains("name=\"system/ping@1.21\""), "{xml}");
}
