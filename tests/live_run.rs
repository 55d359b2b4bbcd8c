//! A handwritten scenario against the live Docker, which must be left as it was.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, which must say when they are left out"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine_id::EngineId;
use divergence::exchange::{End, Recording};
use divergence::frames::demultiplex;
use divergence::pointer::Pointer;
use divergence::run::cancel::Cancel;
use divergence::run::images::{Prepared, prepare_images, remove_images};
use divergence::run::ledger::{Ledger, Thing};
use divergence::run::sweep::sweep;
use divergence::run::{CaseRun, Deadlines, run_case};
use divergence::scenario::{
    Action, Body, Exec, Request, Scenario, ScenarioId, Step, StepId, Stream, Template, Until, UntilEnd,
};
use divergence::version::Version;
use serde_json::{Value, json};

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn request(method: &str, target: &str, json: Option<&str>) -> Request {
    Request {
        method: method.to_owned(),
        target: template(target),
        headers: Vec::new(),
        body: json.map_or(Body::None, |text| Body::Json(template(text))),
        label: true,
        until: None,
    }
}

fn step(id: &str, action: Action) -> Step {
    Step {
        id: StepId(id.to_owned()),
        action,
        capture: Vec::new(),
        names: Vec::new(),
        compare: Vec::new(),
        view: Vec::new(),
        background: false,
        line: 1,
    }
}

fn ask(id: &str, method: &str, target: &str, json: Option<&str>) -> Step {
    step(id, Action::Request(request(method, target, json)))
}

fn exec(id: &str, cmd: &[&str], stdin: Option<&str>) -> Step {
    let cmd = cmd.iter().map(|part| template(part)).collect();
    let (container, stdin) = (template("${cid}"), stdin.map(template));
    step(
        id,
        Action::Exec(Exec { container, cmd, tty: false, user: None, stdin, limit: Duration::from_secs(20) }),
    )
}

fn capture(mut step: Step, name: &str, at: &str) -> Step {
    step.capture.push((name.to_owned(), Pointer::parse(at).unwrap()));
    step
}

fn in_background(mut step: Step) -> Step {
    step.background = true;
    step
}

fn scenario(steps: Vec<Step>) -> Scenario {
    Scenario {
        id: ScenarioId("containers/handwritten".to_owned()),
        file: "none".to_owned(),
        title: "A handwritten scenario".to_owned(),
        page: "none".to_owned(),
        command: None,
        api: vec!["1.24".parse().unwrap()],
        names_api: true,
        needs: Vec::new(),
        exclusive: false,
        repetitions: None,
        steps,
        fingerprint: String::new(),
    }
}

/// The live Docker; none where there is none and none is required.
async fn live() -> Option<(Endpoint, EngineId)> {
    let address = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let endpoint = Endpoint::new(address.parse::<Address>().unwrap());
    match endpoint.identify().await {
        Ok(id) => Some((endpoint, id)),
        Err(error) => {
            let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
            assert!(!required, "DIVERGENCE_LIVE=required, but: failed to {error}");
            println!("*** LEFT OUT: no live Docker here (failed to {error}) ***");
            None
        }
    }
}

struct Stage {
    endpoint: Endpoint,
    engine: EngineId,
    ledger: Ledger,
    prepared: Prepared,
    ledgers: tempfile::TempDir,
    tag: String,
    api: Version,
}

impl Stage {
    async fn set(images: &[&str]) -> Option<Stage> {
        let (mut endpoint, engine) = live().await?;
        let ledgers = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(ledgers.path()).unwrap();
        let names: Vec<String> = images.iter().map(|name| (*name).to_owned()).collect();
        let prepared = prepare_images(&endpoint, &names, &fixtures(), &ledger).await;
        assert_eq!(prepared.missing, BTreeMap::new());
        endpoint.images = prepared.images.clone();
        let tag = format!("dv-{}-1r", ledger.run_id());
        Some(Stage { endpoint, engine, ledger, prepared, ledgers, tag, api: "1.24".parse().unwrap() })
    }

    fn case<'a>(&'a self, scenario: &'a Scenario, fixtures: &'a Path, cancel: &'a Cancel) -> CaseRun<'a> {
        CaseRun {
            scenario,
            api: &self.api,
            endpoint: &self.endpoint,
            engine: &self.engine,
            tag: &self.tag,
            ledger: &self.ledger,
            deadlines: Deadlines { request: Duration::from_secs(30), until: Duration::from_secs(60) },
            fixtures,
            cancel,
        }
    }

    async fn run(&self, steps: Vec<Step>) -> Recording {
        let scenario = scenario(steps);
        run_case(self.case(&scenario, &fixtures(), &Cancel::default())).await.unwrap()
    }

    /// Everything with this run's label or name, of any kind.
    async fn remains(&self) -> Vec<String> {
        let rows = [
            ("/containers/json?all=1", ""),
            ("/networks", ""),
            ("/volumes", "/Volumes"),
            ("/images/json?all=1", ""),
        ];
        let mut found = Vec::new();
        for (target, list) in rows {
            let steps = vec![ask("list", "GET", target, None)];
            let recording = self.run(steps).await;
            let answer = recording.steps[0].exchanges[0].answer.clone().unwrap();
            let rows: Value = serde_json::from_slice(&answer.body.0).unwrap();
            let rows = rows.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
            found.extend(rows.iter().map(Value::to_string).filter(|row| row.contains(&self.tag)));
        }
        found
    }

    async fn strike(self) {
        assert_eq!(self.remains().await, Vec::<String>::new());
        remove_images(&self.endpoint, &self.prepared, &self.ledger).await;
        assert_eq!(self.ledger.close_clean().unwrap(), []);
        assert_eq!(std::fs::read_dir(self.ledgers.path()).unwrap().count(), 0);
    }
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

const VICTIM: &str = r#"{"Image": "${image:busybox}", "Cmd": ["sleep", "600"], "HostConfig": {"NetworkMode": "none", "Binds": ["${name:data}:/data"]}}"#;

fn body(recording: &Recording, step: &str, part: &str) -> Value {
    let step = recording.steps.iter().find(|recorded| recorded.id.0 == step).unwrap();
    let exchange = step.exchanges.iter().find(|exchange| exchange.part == part).unwrap();
    serde_json::from_slice(&exchange.answer.as_ref().unwrap().body.0).unwrap()
}

fn output(recording: &Recording, step: &str) -> (String, String, Option<End>) {
    let step = recording.steps.iter().find(|recorded| recorded.id.0 == step).unwrap();
    let exchange = step.exchanges.iter().find(|exchange| exchange.part != "create").unwrap();
    assert_eq!(exchange.failure, None, "{exchange:?}");
    let answer = exchange.answer.as_ref().unwrap();
    let frames = demultiplex(&answer.body.0).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(frames.stdout), text(frames.stderr), answer.end)
}

fn statuses(recording: &Recording) -> Vec<(String, Vec<u16>)> {
    let status = |step: &divergence::exchange::RecordedStep| {
        let answers =
            step.exchanges.iter().map(|exchange| exchange.answer.as_ref().map_or(0, |answer| answer.status));
        (step.id.0.clone(), answers.collect())
    };
    recording.steps.iter().map(status).collect()
}

#[tokio::test]
async fn a_case_is_run_and_nothing_is_left() {
    let Some(stage) = Stage::set(&["busybox"]).await else { return };
    let attach = Stream {
        request: request("POST", "/containers/${cid}/attach?stream=1&stdout=1&stdin=1", None),
        upgrade: true,
        stdin: Some(template("to nobody\n")),
        close_stdin: true,
        until_end: UntilEnd { frames: None, limit: Duration::from_secs(30) },
    };
    let mut exited = request("GET", "/containers/${cid}/json", None);
    let at = Pointer::parse("/body/json/State/Running").unwrap();
    exited.until = Some(Until { at, is: json!(false), limit: Duration::from_secs(20) });
    let steps = vec![
        capture(
            ask("create", "POST", "/containers/create?name=${name:victim}", Some(VICTIM)),
            "cid",
            "/body/json/Id",
        ),
        in_background(step("attach", Action::Stream(attach))),
        ask("start", "POST", "/containers/${cid}/start", None),
        exec("echo", &["sh", "-c", "echo out; echo err >&2; exit 3"], None),
        exec("cat", &["cat"], Some("through")),
        in_background(ask("wait", "POST", "/containers/${cid}/wait", None)),
        ask("kill", "POST", "/containers/${cid}/kill?signal=KILL", None),
        step("waited", Action::Join(StepId("wait".to_owned()))),
        step("attached", Action::Join(StepId("attach".to_owned()))),
        step("exited", Action::Request(exited)),
        ask("network", "POST", "/networks/create", Some(r#"{"Name": "${name:net}"}"#)),
        ask("volume", "POST", "/volumes/create", Some(r#"{"Name": "${name:vol}"}"#)),
        ask("tag", "POST", "/images/${image:busybox}/tag?repo=${name:copy}&tag=v1", None),
        ask("commit", "POST", "/commit?container=${cid}", None),
        ask("unknown", "GET", "/containers/${nobody}/json", None),
        step("odd", Action::Raw(request("GET", "/vfoo/../info", None))),
        ask("dots", "GET", "/containers/../info", None),
    ];
    let recording = stage.run(steps).await;
    assert_eq!(body(&recording, "waited", "")["StatusCode"], 137);
    assert_eq!(body(&recording, "exited", "")["State"]["ExitCode"], 137);
    assert_eq!(output(&recording, "echo"), ("out\n".to_owned(), "err\n".to_owned(), Some(End::Closed)));
    assert_eq!(body(&recording, "echo", "inspect")["ExitCode"], 3);
    assert_eq!(output(&recording, "cat").0, "through");
    let unknown = recording.steps.iter().find(|step| step.id.0 == "unknown").unwrap();
    assert_eq!((unknown.unreached.as_ref().unwrap().0.as_str(), unknown.exchanges.len()), ("unknown", 0));
    let names: Vec<&str> = recording.names.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(names, ["run", "victim", "image:busybox", "data", "cid", "net", "vol", "copy"]);
    let statuses: BTreeMap<_, _> = statuses(&recording).into_iter().collect();
    let expect = [
        ("create", vec![201]),
        ("start", vec![204]),
        ("echo", vec![201, 101, 200]),
        ("wait", vec![]),
        ("attached", vec![101]),
        ("network", vec![201]),
        ("volume", vec![201]),
        ("tag", vec![201]),
        ("commit", vec![201]),
    ];
    for (step, expected) in expect {
        assert_eq!(statuses[step], expected, "{step}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn builds_and_their_leftovers_go() {
    let Some(stage) = Stage::set(&["busybox"]).await else { return };
    let build = |id: &str, target: &str, dockerfile: &str| {
        let content = divergence::scenario::TarContent::Text(template(dockerfile));
        let entry = divergence::scenario::TarEntry { path: "Dockerfile".to_owned(), content, mode: 0o644 };
        let request = Request { body: Body::Tar(vec![entry]), ..request("POST", target, None) };
        let until_end = UntilEnd { frames: None, limit: Duration::from_secs(60) };
        step(
            id,
            Action::Stream(Stream { request, upgrade: false, stdin: None, close_stdin: false, until_end }),
        )
    };
    let steps = vec![
        build(
            "good",
            "/build?t=${name:built}",
            "FROM ${image:busybox}\nRUN echo ${run} > /x\nCMD [\"true\"]",
        ),
        build("bad", "/build", "FROM ${image:busybox}\nRUN echo ${run} > /y\nRUN false"),
    ];
    let count = async |stage: &Stage| {
        let recording = stage
            .run(vec![
                ask("c", "GET", "/containers/json?all=1", None),
                ask("i", "GET", "/images/json?all=1", None),
            ])
            .await;
        let ids = |step: &str| -> std::collections::BTreeSet<String> {
            let list = body(&recording, step, "");
            list.as_array().unwrap().iter().map(|row| row["Id"].as_str().unwrap().to_owned()).collect()
        };
        (ids("c"), ids("i"))
    };
    let before = count(&stage).await;
    let recording = stage.run(steps).await;
    let text =
        |at: usize| recording.steps[at].exchanges[0].answer.as_ref().unwrap().body.lossy().into_owned();
    assert!(text(0).contains("Successfully built"), "{}", text(0));
    assert!(text(1).contains("non-zero code"), "{}", text(1));
    let told = format!("{}{}", text(0), text(1));
    let after = count(&stage).await;
    // Others use the same Docker: only what these builds told of counts.
    let new = after.0.difference(&before.0).chain(after.1.difference(&before.1));
    let own: Vec<_> = new.filter(|id| told.contains(&id.trim_start_matches("sha256:")[..12])).collect();
    assert_eq!(own, Vec::<&String>::new());
    stage.strike().await;
}

#[tokio::test]
async fn a_cancelled_case_is_cleaned_up() {
    let Some(stage) = Stage::set(&["busybox"]).await else { return };
    let steps = vec![
        capture(ask("create", "POST", "/containers/create", Some(VICTIM)), "cid", "/body/json/Id"),
        ask("start", "POST", "/containers/${cid}/start", None),
        exec("long", &["sleep", "600"], None),
    ];
    let (scenario, fixtures, cancel) = (scenario(steps), fixtures(), Cancel::default());
    let running = run_case(stage.case(&scenario, &fixtures, &cancel));
    let cancelling = async {
        // Once the container is in the ledger the case is under way.
        while !std::fs::read_to_string(stage.ledger.path()).unwrap().contains("\"container\"") {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(running, cancelling);
    assert_eq!(outcome.unwrap_err().to_string(), "finish the case: the run was cancelled");
    stage.strike().await;
}

#[tokio::test]
async fn a_sweep_removes_what_a_dead_run_left() {
    let Some(stage) = Stage::set(&["busybox"]).await else { return };
    // As if the run had been killed: entered and made, but not cleaned up.
    let docker = bollard::Docker::connect_with_defaults().unwrap();
    let address = &stage.endpoint.address;
    let name = format!("{}-volume", stage.tag);
    stage.ledger.note(Thing::Volume, &name, &stage.tag, address).unwrap();
    stage.ledger.note(Thing::Container, "", &stage.tag, address).unwrap();
    let options = bollard::models::VolumeCreateRequest { name: Some(name.clone()), ..Default::default() };
    docker.create_volume(options).await.unwrap();
    let labels = std::collections::HashMap::from([("divergence.run".to_owned(), stage.tag.clone())]);
    let image = Some(stage.endpoint.images["busybox"].clone());
    let container =
        bollard::models::ContainerCreateBody { image, labels: Some(labels), ..Default::default() };
    let none = None::<bollard::query_parameters::CreateContainerOptions>;
    let id = docker.create_container(none, container).await.unwrap().id;
    let at = |place: &str| Some(Endpoint::new(place.parse().unwrap()));
    assert_eq!(sweep(stage.ledgers.path(), at).await.unwrap(), Default::default(), "the run is alive");
    assert_eq!(stage.remains().await.len(), 2);
    let (ledgers, image) = (stage.ledgers, stage.endpoint.images["busybox"].clone());
    drop(stage.ledger);
    let report = sweep(ledgers.path(), at).await.unwrap();
    let removed: Vec<&str> = report.removed.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(removed, [id.as_str(), image.as_str(), name.as_str()]);
    assert_eq!(report.left, []);
    assert_eq!(std::fs::read_dir(ledgers.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn images_are_as_their_recipes_say() {
    let Some(stage) = Stage::set(&["server", "busybox"]).await else { return };
    let steps = vec![
        ask("server", "GET", "/images/${image:server}/json", None),
        capture(ask("create", "POST", "/containers/create", Some(VICTIM)), "cid", "/body/json/Id"),
        ask("start", "POST", "/containers/${cid}/start", None),
        exec("ls", &["sh", "-c", "stat -c '%a %F' /tmp /root /etc/passwd; id -un nobody; which nc ip"], None),
        step(
            "tty",
            Action::Exec(Exec {
                container: template("${cid}"),
                cmd: vec![template("tty")],
                tty: true,
                user: Some("nobody".to_owned()),
                stdin: None,
                limit: Duration::from_secs(20),
            }),
        ),
    ];
    let recording = stage.run(steps).await;
    let config = &body(&recording, "server", "")["Config"];
    assert_eq!(config["ExposedPorts"], json!({"443/tcp": {}, "80/tcp": {}}));
    assert_eq!(config["Volumes"], json!({"/data": {}}));
    assert_eq!(config["Cmd"], json!(["sleep", "600"]));
    assert_eq!(config["Entrypoint"], Value::Null);
    assert_eq!(
        output(&recording, "ls").0,
        "1777 directory\n700 directory\n644 regular file\nnobody\n/bin/nc\n/bin/ip\n"
    );
    let tty = recording.steps.iter().find(|step| step.id.0 == "tty").unwrap();
    assert_eq!(tty.exchanges[1].answer.as_ref().unwrap().body.lossy(), "/dev/pts/0\r\n");
    stage.strike().await;
}
