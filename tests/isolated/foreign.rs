//! Nothing foreign is touched: what somebody else has on the engine, whatever it is called and
//! labelled, is there and unchanged after runs, sweeps and interruptions.

use std::path::Path;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::run::images::{prepare_images, remove_images};
use divergence::run::ledger::Ledger;
use serde_json::{Value, json};

use super::engine::{call, divergence, ended, get, mine, signal, socket, sweep, under_way};

/// How many of each kind there are; `ci/foreign` has fifty. A network takes the engine far longer than
/// all else, so the test has fewer of them.
const EACH: usize = 12;
const NETWORKS: usize = 4;

/// What somebody else has made: where it is inspected, and how it is removed.
#[derive(Default)]
struct Foreign(Vec<(String, String)>);

impl Foreign {
    fn add(&mut self, inspect: String, remove: String) {
        self.0.push((inspect, remove));
    }

    fn inspected(&self) -> Vec<(String, Value)> {
        self.0.iter().map(|(inspect, _)| (inspect.clone(), get(inspect))).collect()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        for (_, remove) in self.0.iter().rev() {
            call("DELETE", remove, "text/plain", b"");
        }
    }
}

fn made(target: &str, body: &Value) -> Value {
    let (status, answer) = call("POST", target, "application/json", body.to_string().as_bytes());
    assert!((200..300).contains(&status), "{target}: {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap_or_default()
}

/// Names that look as if one of our runs had made it, and such that do not.
fn name(at: usize, run: &str) -> String {
    let pid = std::process::id();
    match at % 5 {
        0 => format!("foreign-{pid}-{at}"),
        1 => format!("dv-{pid}-{at}r-web"),
        2 => format!("divergence-{pid}-busybox-{at}"),
        3 => format!("dv-{run}-{at}x-foreign"),
        _ => format!("dv-{run}{at}"),
    }
}

/// Labels that look like ours: the same key with another value, or none at all.
fn labels(at: usize, run: &str) -> Value {
    match at % 4 {
        0 => json!({}),
        1 => json!({ "divergence.run": format!("dv-{}-{at}r", std::process::id()) }),
        2 => json!({ "divergence.run": format!("dv-{run}") }),
        _ => json!({ "divergence.run": "" }),
    }
}

fn populate(foreign: &mut Foreign, image: &str, run: &str, [each, networks]: [usize; 2]) {
    for at in 0..each {
        let (name, labels) = (name(at, run), labels(at, run));
        made("/v1.24/volumes/create", &json!({ "Name": name, "Labels": labels }));
        foreign.add(format!("/v1.24/volumes/{name}"), format!("/v1.24/volumes/{name}"));

        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(name.len() as u64);
        header.set_cksum();
        archive.append_data(&mut header, "name", name.as_bytes()).unwrap();
        let label = labels["divergence.run"]
            .as_str()
            .map(|value| format!("&changes=LABEL%20divergence.run=%22{value}%22"));
        let target = format!("/v1.24/images/create?fromSrc=-&repo={name}&tag=1{}", label.unwrap_or_default());
        let (status, answer) = call("POST", &target, "application/x-tar", &archive.into_inner().unwrap());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        foreign.add(format!("/v1.24/images/{name}:1/json"), format!("/v1.24/images/{name}:1"));

        let body = json!({
            "Image": image, "Cmd": ["sleep", "600"], "Labels": labels, "HostConfig": { "NetworkMode": "none" }
        });
        let answer = made(&format!("/v1.24/containers/create?name={name}"), &body);
        let id = answer["Id"].as_str().unwrap();
        foreign.add(format!("/v1.24/containers/{id}/json"), format!("/v1.24/containers/{id}?force=1"));
        // Some of them run.
        if at % 12 == 0 {
            made(&format!("/v1.24/containers/{id}/start"), &json!({}));
        }
    }
    for at in 0..networks {
        // The pools of an engine hold about thirty networks: these have addresses of their own.
        let subnet = format!("10.{}.{at}.0/24", 100 + std::process::id() % 100);
        let body = json!({
            "Name": name(at, run), "Labels": labels(at, run), "IPAM": { "Config": [{ "Subnet": subnet }] }
        });
        let answer = made("/v1.24/networks/create", &body);
        let target = format!("/v1.24/networks/{}", answer["Id"].as_str().unwrap());
        foreign.add(target.clone(), target);
    }
}

#[test]
fn what_others_have_outlives_runs_sweeps_and_interruptions_unchanged() {
    let Some(_engine) = mine() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let number = std::env::var("DIVERGENCE_FOREIGN").map(|number| number.parse().unwrap());
    let [each, networks] = number.map_or([EACH, NETWORKS], |number: usize| [number; 2]);
    let endpoint = Endpoint::new(Address::Unix(socket()));
    let ledgers = tempfile::tempdir().unwrap();
    let owner = Ledger::open(ledgers.path()).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let images = runtime.block_on(prepare_images(&endpoint, &["busybox".to_owned()], &fixtures, &owner));
    let image = images.images.get("busybox").unwrap_or_else(|| panic!("{:?}", images.missing)).clone();
    {
        // A run is under way, whose id is taken for names and labels, and it is killed.
        let state = tempfile::tempdir().unwrap();
        let (mut killed, run) =
            under_way(state.path(), &["run", "--null", "exit-statuses", "networks/create"]);
        signal(&killed, "KILL");
        ended(&mut killed);
        let mut foreign = Foreign::default();
        populate(&mut foreign, &image, &run, [each, networks]);
        let before = foreign.inspected();
        assert_eq!(before.len(), 3 * each + networks);
        sweep(state.path());
        let arguments = ["run", "containers/create", "volumes/create", "images/tag", "networks/create"];
        assert!(divergence(state.path(), &arguments).status().unwrap().success());
        let (mut interrupted, _) = under_way(state.path(), &["run", "build", "images"]);
        signal(&interrupted, "INT");
        ended(&mut interrupted);
        sweep(state.path());
        for ((what, before), (_, after)) in before.iter().zip(foreign.inspected()) {
            assert_eq!(*before, after, "{what}");
        }
        eprintln!("{} foreign things are there and unchanged", before.len());
    }
    runtime.block_on(remove_images(&endpoint, &images, &owner));
    assert_eq!(owner.close_clean().unwrap(), []);
}
