//! A handwritten scenario against the live Docker, which must be left as it was.

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
use divergence::run::ledger::Ledger;
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
