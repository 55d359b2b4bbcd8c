//! What a case asked of the reference: which of its requests were sent and answered, from its
//! snapshot; with which headers and body, from the plan of the very step (the fingerprint of a
//! snapshot says that its scenario is the one that was run).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::documented::{Detail, Item};
use crate::engine::Endpoint;
use crate::engine::address::Address;
use crate::engine::target::parameters;
use crate::exchange::Sent;
use crate::route::Route;
use crate::run::Deadlines;
use crate::run::plan::{Act, Planner};
use crate::run::values::Values;
use crate::scenario::{Action, Need, Scenario, Step, StepId};
use crate::snapshot::{Part, Snapshot};
use crate::version::Version;

/// One request that the reference answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The version in its path; of a case's own version also those that it stands for.
    pub api: Vec<Version>,
    /// Docker's route.
    pub route: Route,
    /// Its target as the snapshot has it.
    pub target: String,
    /// The names of its headers, in lower case.
    pub headers: Vec<String>,
    /// Its body, if that is JSON.
    pub body: Option<Value>,
    /// The status of the answer, unless the scenario leaves it out of the comparison.
    pub status: Option<u64>,
}

impl Asked {
    /// Whether it exercises what is documented there at this version.
    pub fn exercises(&self, api: &Version, item: &Item) -> bool {
        self.route == item.route
            && self.api.contains(api)
            && match &item.detail {
                Detail::Route => true,
                Detail::Parameter(name) => !parameters(&self.target, name).is_empty(),
                Detail::Filter(name) => self.filters().any(|filters| filters.get(name).is_some()),
                Detail::Header(name) => self.headers.iter().any(|own| name.eq_ignore_ascii_case(own)),
                Detail::Field(field) => self.body.as_ref().is_some_and(|body| field.is_in(body)),
                Detail::Status(status) => self.status == Some(u64::from(*status)),
            }
    }

    fn filters(&self) -> impl Iterator<Item = Value> {
        parameters(&self.target, "filters").into_iter().filter_map(|text| serde_json::from_str(&text).ok())
    }
}

/// What the case of a snapshot asked; nothing if the scenario has changed since. Of these versions
/// it stands for those at which `ci/versions` holds a live Docker against it.
pub fn asked(scenario: &Scenario, snapshot: &Snapshot, versions: &[Version], fixtures: &Path) -> Vec<Asked> {
    if scenario.fingerprint != snapshot.fingerprint {
        return Vec::new();
    }
    let own = &snapshot.case.api;
    let stands_for =
        |api: &&Version| scenario.speaks_of(api) && api.standing_for(scenario.api.iter()) == Some(own);
    let mut asked = Vec::new();
    for step in &snapshot.steps {
        for part in &step.parts {
            if let Some((api, target)) = version_and_target(&part.request)
                && let Some(route) = part.route.clone()
                && part.tree.get("failure").or(part.tree.get("unreached")).is_none()
            {
                let sent = sent(scenario, &step.id, part, &api, fixtures);
                let headers =
                    sent.iter().flat_map(|sent| &sent.headers).map(|(name, _)| name.to_ascii_lowercase());
                asked.push(Asked {
                    api: match api == *own {
                        true => versions.iter().filter(stands_for).cloned().collect(),
                        false => vec![api],
                    },
                    route,
                    target,
                    headers: headers.collect(),
                    body: sent.as_ref().and_then(|sent| serde_json::from_slice(&sent.body.0).ok()),
                    status: part.tree.get("status").and_then(Value::as_u64),
                });
            }
        }
    }
    asked
}

/// `1.24` and `/info?x` of `GET /v1.24/info?x`; none without a version, which asks for the newest.
fn version_and_target(request: &str) -> Option<(Version, String)> {
    let (_, target) = request.split_once(' ')?;
    let (version, rest) = target.strip_prefix("/v")?.split_once('/')?;
    Some((version.parse().ok()?, format!("/{rest}")))
}

/// The request of a part as it was sent, with a stand-in for every value of that run.
fn sent(scenario: &Scenario, id: &StepId, part: &Part, api: &Version, fixtures: &Path) -> Option<Sent> {
    let step = acting(scenario, id)?;
    let images = scenario.needs.iter().filter_map(image).collect();
    let endpoint = Endpoint { images, ..Endpoint::new(Address::Unix(PathBuf::new())) };
    let (request, until) = (Duration::ZERO, Duration::ZERO);
    let deadlines = Deadlines { request, until };
    let planner = Planner { api, endpoint: &endpoint, tag: "run", fixtures, deadlines, home: Path::new("") };
    let mut values = Values::new("run", &endpoint);
    for (name, _) in scenario.steps.iter().flat_map(|step| &step.capture) {
        // A number, which is a JSON value with quotes around it and without.
        values.capture(name, "0".to_owned());
    }
    let plan = planner.plan(step, &mut values).ok()?;
    Some(match (plan.act, part.name.as_str()) {
        (Act::Exec(exec), "start") => exec.start("0"),
        (Act::Exec(exec), "inspect") => exec.inspect("0"),
        (act, _) => act.sent().clone(),
    })
}

/// The step that sends what a step answers: of a join, the one that it joins.
fn acting<'s>(scenario: &'s Scenario, id: &StepId) -> Option<&'s Step> {
    let step = scenario.steps.iter().find(|step| step.id == *id)?;
    match &step.action {
        Action::Join(other) => scenario.steps.iter().find(|step| step.id == *other),
        Action::Request(_) | Action::Raw(_) | Action::Exec(_) | Action::Stream(_) | Action::Cli(_) => {
            Some(step)
        }
    }
}

fn image(need: &Need) -> Option<(String, String)> {
    match need {
        Need::Image(name) => Some((name.clone(), "image".to_owned())),
        Need::MayCrash | Need::Registry | Need::LinuxHost | Need::OwnEngine | Need::DockerCli => None,
    }
}
