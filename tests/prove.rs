//! Proof that a difference is noticed: each behaviour of the simulator switched off alone makes
//! exactly its divergences fixed, in the first world in which they show. `ci/prove` does it for all
//! behaviours, the test for a few.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it cannot go on; what is proved or left out is said"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use divergence::cli::committed::committed;
use divergence::compare::compare;
use divergence::judge::judge;
use divergence::report::Report;
use divergence::report::console::one_line;
use divergence::scenario::CaseId;
use divergence::seats::USUAL_SOCKET;
use divergence::simulator::{Behaviour, behaviours};
use divergence::store::{Loaded, Store};

/// What the test proves: one in the default world, one of several ids, one of each further world.
const SOME: [&str; 4] =
    ["exit-status-differs", "volumes-disabled", "network-mode-bridge-meaning", "tag-not-implemented"];

/// Of what shows everywhere, this many cases; whole cases, so that nothing else changes unseen.
const CASES: usize = 12;

/// In which cases of a world a divergence shows, by the committed snapshots.
struct World {
    name: String,
    release: String,
    cases: BTreeMap<String, BTreeSet<CaseId>>,
}

/// A behaviour to be switched off in a world where some of its divergences show.
struct Proof<'a> {
    behaviour: &'static Behaviour,
    world: &'a World,
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load() -> (Store, Loaded) {
    let store = Store::find(Some(project()), project(), None).unwrap();
    let loaded = store.load().unwrap();
    (store, loaded)
}

/// The worlds that have snapshots, the default first.
fn worlds() -> Vec<World> {
    let (store, loaded) = load();
    let mut worlds: BTreeMap<String, World> = BTreeMap::new();
    for pair in committed(&store).unwrap().pairs {
        let case = &pair.candidate.case;
        let Some(scenario) = loaded.suite.scenarios.iter().find(|each| each.id == case.scenario) else {
            continue;
        };
        let differences = compare(&pair.reference, &pair.candidate);
        let verdict = judge(
            scenario,
            &pair.reference,
            &pair.candidate,
            &differences,
            &loaded.suite.divergences,
            &pair.conditions,
        );
        let engine = &pair.conditions.candidate;
        let world = worlds.entry(engine.world.clone()).or_insert_with(|| World {
            name: engine.world.clone(),
            release: engine.release.to_string(),
            cases: BTreeMap::new(),
        });
        for id in verdict.findings.into_iter().filter_map(|finding| finding.divergence) {
            world.cases.entry(id).or_default().insert(case.clone());
        }
    }
    let mut worlds: Vec<World> = worlds.into_values().collect();
    worlds.sort_by_key(|world| world.name != "default");
    worlds
}

/// The fewest worlds, from the first on, in which all that shows of a behaviour can be seen.
fn proofs<'a>(behaviour: &'static Behaviour, worlds: &'a [World]) -> Vec<Proof<'a>> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut proofs = Vec::new();
    for world in worlds.iter().filter(|world| behaviour.holds_at(&world.release)) {
        let shows = behaviour.ids.iter().filter(|id| world.cases.contains_key(**id));
        let before = seen.len();
        seen.extend(shows);
        if seen.len() > before {
            proofs.push(Proof { behaviour, world });
        }
    }
    proofs
}

impl Proof<'_> {
    /// The cases to run: of each divergence some, evenly over all that it shows in.
    fn cases(&self) -> BTreeSet<&CaseId> {
        let shown = self.behaviour.ids.iter().filter_map(|id| self.world.cases.get(*id));
        shown.flat_map(|cases| cases.iter().step_by(cases.len().div_ceil(CASES))).collect()
    }

    /// What is not as it should be once the behaviour is off.
    fn wrong(&self) -> Vec<String> {
        let state = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_divergence"))
            .args(["run", "--reference", "docker", "--candidate", "simulator", "--format", "json", "--root"])
            .arg(project())
            .arg("--state")
            .arg(state.path())
            .args(["--world", &self.world.name, "--without", self.behaviour.ids[0]])
            .args(self.cases().into_iter().map(CaseId::to_string))
            .output()
            .unwrap();
        let Ok(report) = serde_json::from_slice::<Report>(&output.stdout) else {
            return vec![String::from_utf8_lossy(&output.stderr).into_owned()];
        };
        let mut wrong = Vec::new();
        for verdict in &report.verdicts {
            if !verdict.verdict.is_judged() {
                let reason = verdict.reason.as_deref().unwrap_or_default();
                wrong.push(format!("{} {}: {reason}", verdict.case(), verdict.verdict.word()));
            }
            let ours = |id: &String| self.behaviour.ids.contains(&id.as_str());
            for finding in &verdict.findings {
                let is_fixed = finding.finding.word() == "fixed";
                if finding.finding.fails() && !(is_fixed && finding.divergence.as_ref().is_some_and(ours)) {
                    wrong.push(format!("{} {}", verdict.case(), one_line(finding)));
                }
            }
        }
        let fixed = |id: &str| report.fixed.iter().find(|row| row.divergence == id);
        for id in self.behaviour.ids.iter().filter(|id| self.world.cases.contains_key(**id)) {
            match fixed(id) {
                None => wrong.push(format!("{id} is not fixed")),
                Some(row) if row.partly => wrong.push(format!("{id} is fixed in {} places only", row.places)),
                Some(_) => {}
            }
        }
        wrong
    }
}

/// Switches off each of these behaviours and tells what came of it; gives how many were not as they
/// should be.
fn prove(behaviours: &[&'static Behaviour]) -> usize {
    let worlds = worlds();
    let (mut proved, mut failed) = (0, 0);
    for behaviour in behaviours {
        let proofs = proofs(behaviour, &worlds);
        if proofs.is_empty() {
            println!("none  {}: no divergence pins it in a recorded world", behaviour.ids.join(", "));
            continue;
        }
        let mut wrong = Vec::new();
        for proof in &proofs {
            wrong.extend(proof.wrong().into_iter().map(|line| format!("{}: {line}", proof.world.name)));
        }
        let seen: Vec<String> = proofs
            .iter()
            .map(|proof| format!("{} cases of world {}", proof.cases().len(), proof.world.name))
            .collect();
        let word = if wrong.is_empty() { "ok  " } else { "FAIL" };
        println!("{word}  {}  ({})", behaviour.ids.join(", "), seen.join(", "));
        wrong
            .iter()
            .take(6)
            .for_each(|line| println!("      {}", line.chars().take(300).collect::<String>()));
        proved += usize::from(wrong.is_empty());
        failed += usize::from(!wrong.is_empty());
    }
    match failed {
        0 => println!("{proved} behaviours, each makes exactly its divergences fixed"),
        _ => {
            println!("{failed} of {} behaviours do not make exactly their divergences fixed", proved + failed)
        }
    }
    failed
}

fn carrying(id: &str) -> &'static Behaviour {
    behaviours().find(|each| each.ids.contains(&id)).unwrap_or_else(|| panic!("no behaviour carries `{id}`"))
}

#[test]
fn a_behaviour_switched_off_makes_exactly_its_divergences_fixed() {
    if std::os::unix::net::UnixStream::connect(USUAL_SOCKET).is_err() {
        let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
        assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers");
        println!("left out: no Docker Engine answers on {USUAL_SOCKET}");
        return;
    }
    // `ci/prove` names them: ids, or `all`.
    let wanted = std::env::var("DIVERGENCE_PROVE").unwrap_or_else(|_| SOME.join(" "));
    let mut chosen: Vec<&'static Behaviour> = match wanted.trim() {
        "all" => behaviours().collect(),
        ids => ids.split_whitespace().map(carrying).collect(),
    };
    chosen.dedup_by_key(|behaviour| behaviour.ids[0]);
    assert_eq!(prove(&chosen), 0);
}

#[test]
fn every_divergence_shows_in_a_recorded_world_and_a_behaviour_carries_it() {
    let (_, loaded) = load();
    let worlds = worlds();
    let shown: BTreeSet<&str> =
        worlds.iter().flat_map(|world| world.cases.keys().map(String::as_str)).collect();
    let carried: BTreeSet<&str> = behaviours().flat_map(|each| each.ids.iter().copied()).collect();
    let pinned = loaded.suite.divergences.iter().map(|divergence| divergence.id.as_str());
    let hidden: Vec<&str> = pinned.filter(|id| !shown.contains(id) || !carried.contains(id)).collect();
    assert_eq!(hidden, [""; 0]);
}
