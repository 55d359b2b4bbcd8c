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
use divergence::divergence::Divergence;
use divergence::engine::docker_cli::USUAL_SOCKET;
use divergence::engine_id::Kind;
use divergence::judge::judge;
use divergence::judge::select::Conditions;
use divergence::report::Report;
use divergence::report::console::one_line;
use divergence::scenario::{CaseId, Need, StepId};
use divergence::simulator::{Behaviour, behaviours};
use divergence::snapshot::StepSnapshot;
use divergence::store::{Loaded, Store};
use divergence::verdict::{Finding, FindingKind, Verdict};
use divergence::version::Range;
use serde_json::Value;

/// What the test proves: one in the default world, one in another with what shows in its stead.
const SOME: [&str; 2] = ["exit-status-differs", "volumes-disabled"];

/// Of what shows everywhere, this many cases; whole cases, so that nothing else changes unseen.
const CASES: usize = 12;

/// What shows in a world, by its committed snapshots.
struct World {
    name: String,
    release: String,
    /// By divergence, the cases in which it shows.
    cases: BTreeMap<String, BTreeSet<CaseId>>,
    /// By case, the divergences by which the candidate refuses a step that Docker serves.
    refusals: BTreeMap<CaseId, BTreeSet<String>>,
    /// By case, the steps that could not be asked: of these nothing can be known.
    unreached: BTreeMap<CaseId, BTreeSet<StepId>>,
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
fn worlds(store: &Store, loaded: &Loaded) -> Vec<World> {
    let mut worlds: BTreeMap<String, World> = BTreeMap::new();
    let pairs = committed(store).unwrap().pairs.into_iter();
    for pair in pairs.filter(|pair| pair.candidate.engine.kind == Kind::Simulator) {
        let case = &pair.candidate.case;
        let Some(scenario) = loaded.suite.scenarios.iter().find(|each| each.id == case.scenario) else {
            continue;
        };
        // A simulator with a behaviour off may hand on what changes an engine as a whole: it is not asked.
        if scenario.needs.contains(&Need::OwnEngine) {
            continue;
        }
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
            refusals: BTreeMap::new(),
            unreached: BTreeMap::new(),
        });
        let is_unreached =
            |step: &&StepSnapshot| step.parts.iter().any(|part| part.tree.get("unreached").is_some());
        let unreached = pair.candidate.steps.iter().filter(is_unreached).map(|step| step.id.clone());
        world.unreached.insert(case.clone(), unreached.collect());
        for finding in verdict.findings {
            let refuses = refuses(&finding);
            let Some(id) = finding.divergence else { continue };
            if refuses {
                world.refusals.entry(case.clone()).or_default().insert(id.clone());
            }
            world.cases.entry(id).or_default().insert(case.clone());
        }
    }
    let mut worlds: Vec<World> = worlds.into_values().collect();
    worlds.sort_by_key(|world| world.name != "default");
    worlds
}

/// Whether the candidate refuses what Docker serves.
fn refuses(finding: &Finding) -> bool {
    let status = |side: &Option<Value>| side.as_ref().and_then(Value::as_u64);
    let [reference, candidate] = [status(&finding.reference), status(&finding.candidate)];
    finding.at.ends_with("/status")
        && reference.is_some_and(|status| status < 400)
        && candidate.is_some_and(|status| status >= 400)
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
    /// The cases to run: of each divergence some, evenly over all that it shows in. Where something
    /// else refuses a step, what hangs on that step stays as it is: such cases only if there are no
    /// others.
    fn cases(&self) -> BTreeSet<&CaseId> {
        let stands_alone = |case: &&CaseId| {
            let refusals = self.world.refusals.get(*case);
            refusals.into_iter().flatten().all(|id| self.behaviour.ids.contains(&id.as_str()))
        };
        let mut chosen = BTreeSet::new();
        for shown in self.behaviour.ids.iter().filter_map(|id| self.world.cases.get(*id)) {
            let alone: Vec<&CaseId> = shown.iter().filter(stands_alone).collect();
            let some = if alone.is_empty() { shown.iter().collect() } else { alone };
            chosen.extend(some.iter().step_by(some.len().div_ceil(CASES)));
        }
        chosen
    }

    /// Runs the cases with some behaviours off.
    fn run(&self, off: &BTreeSet<&'static str>) -> Result<(Store, Report, tempfile::TempDir), String> {
        let state = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_divergence"))
            .args(["run", "--reference", "docker", "--candidate", "simulator", "--format", "json", "--root"])
            .arg(project())
            .arg("--state")
            .arg(state.path())
            .args(["--world", &self.world.name])
            .args(off.iter().flat_map(|id| ["--without", id]))
            .args(self.cases().into_iter().map(CaseId::to_string))
            .output()
            .unwrap();
        let store = Store::find(Some(project()), project(), None).unwrap().with_state(Some(state.path()));
        let report = serde_json::from_slice(&output.stdout);
        let told = |_| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok((store, report.map_err(told)?, state))
    }

    /// Switches the behaviour off, and tells what is not as it should be.
    ///
    /// Where others show in its stead (201 for create once a refusal is gone: it is a 200 there; what
    /// is not refused any more by one rule is by the next), the fewest of them are switched off as
    /// well: then it is fixed.
    fn outcome(&self, loaded: &Loaded) -> Outcome {
        let mut off = BTreeSet::from([self.behaviour.ids[0]]);
        loop {
            let found = self.found(loaded, &off);
            if found.wrong.is_empty() && found.behind.is_empty() {
                return Outcome { off, wrong: Vec::new() };
            }
            if !found.wrong.is_empty() {
                let pool = behaviours().filter(|each| each.holds_at(&self.world.release));
                let pool: Vec<&'static str> =
                    pool.map(|each| each.ids[0]).filter(|id| !off.contains(id)).collect();
                let all: BTreeSet<&'static str> = off.iter().chain(&pool).copied().collect();
                if !self.found(loaded, &all).wrong.is_empty() {
                    return Outcome { off, wrong: found.wrong };
                }
                let more = self.fewest(loaded, &off, &pool, true);
                off.extend(more);
                return Outcome { off, wrong: Vec::new() };
            }
            off.extend(found.behind);
        }
    }

    /// The fewest of the pool that have to be off besides others for everything to be as it should,
    /// by halves (Junker's QuickXplain).
    fn fewest(
        &self,
        loaded: &Loaded,
        off: &BTreeSet<&'static str>,
        pool: &[&'static str],
        is_known_to_be_wrong: bool,
    ) -> BTreeSet<&'static str> {
        let is_fine = || {
            let found = self.found(loaded, off);
            found.wrong.is_empty() && found.behind.is_empty()
        };
        if pool.is_empty() || (!is_known_to_be_wrong && is_fine()) {
            return BTreeSet::new();
        }
        if pool.len() == 1 {
            return pool.iter().copied().collect();
        }
        let (one, other) = pool.split_at(pool.len() / 2);
        let with = |more: &[&'static str]| off.iter().chain(more).copied().collect();
        let of_other = self.fewest(loaded, &with(one), other, false);
        let kept: Vec<&'static str> = of_other.iter().copied().collect();
        let of_one = self.fewest(loaded, &with(&kept), one, kept.is_empty());
        of_one.union(&of_other).copied().collect()
    }

    /// What is found with some behaviours off.
    fn found(&self, loaded: &Loaded, off: &BTreeSet<&'static str>) -> Found {
        let (store, report, _state) = match self.run(off) {
            Ok(ran) => ran,
            Err(error) => return Found { wrong: vec![error], behind: BTreeSet::new() },
        };
        let is_off = |id: &str| carrying(id).is_some_and(|each| off.contains(each.ids[0]));
        let others = loaded.suite.divergences.iter().filter(|each| !is_off(&each.id));
        let mut others: Vec<Divergence> = others.cloned().collect();
        // In the stead of what a later release has not any more shows what that release has.
        if self.behaviour.until.is_some() {
            others.iter_mut().for_each(|each| each.when.release = Range::default());
        }
        let mut wrong = Vec::new();
        let mut behind = BTreeSet::new();
        for told in &report.verdicts {
            let case = told.case();
            let Some(verdict) = judged(&store, loaded, &case, &others) else {
                let reason = told.reason.as_deref().unwrap_or_default();
                wrong.push(format!("{case} {}: {reason}", told.verdict.word()));
                continue;
            };
            let was_asked = |finding: &&Finding| !self.world.unreached[&case].contains(&finding.step);
            // A pin may say that both sides answer the same. What takes its time is noticed when it is
            // faster than pinned: the simulator's own work keeps it from being as fast as Docker.
            let still = |finding: &&Finding| {
                let ours = finding.divergence.as_deref().is_some_and(|id| self.behaviour.ids.contains(&id));
                let is_faster = finding.finding == FindingKind::Drifted && finding.at.ends_with("/time");
                let is_noticed = finding.finding == FindingKind::Fixed || is_faster;
                ours && !is_noticed && finding.reference != finding.candidate
            };
            for finding in told.findings.iter().filter(still) {
                let instead = |other: &&Finding| {
                    let (here, there) = (&finding.at, &other.at);
                    other.finding == FindingKind::Known
                        && other.step == finding.step
                        && (here.starts_with(there.as_str()) || there.starts_with(here.as_str()))
                };
                let instead = verdict.findings.iter().filter(instead);
                let instead: Vec<&str> = instead.filter_map(|other| other.divergence.as_deref()).collect();
                behind.extend(instead.iter().filter_map(|id| carrying(id)).map(|each| each.ids[0]));
                if instead.is_empty() {
                    wrong.push(format!("{case} {}", one_line(finding)));
                }
            }
            // What is fixed is told with all pins in place: one of ours may keep a wider one away.
            let is_other = |finding: &&Finding| !finding.divergence.as_deref().is_some_and(is_off);
            let fixed =
                told.findings.iter().filter(|each| each.finding == FindingKind::Fixed).filter(is_other);
            let fails =
                |finding: &&Finding| matches!(finding.finding, FindingKind::New | FindingKind::Drifted);
            let is_time = |finding: &&Finding| {
                let is_ours = |of: &Finding| {
                    let id = of.divergence.as_deref();
                    id.is_some_and(is_off) && of.step == finding.step && finding.at.starts_with(&of.at)
                };
                finding.at.contains("/time") && told.findings.iter().any(is_ours)
            };
            let unexplained = verdict.findings.iter().filter(fails).filter(|each| !is_time(each));
            let unexplained = unexplained.chain(fixed).filter(was_asked);
            wrong.extend(unexplained.map(|finding| format!("{case} {}", one_line(finding))));
        }
        behind.retain(|id| !off.contains(id));
        if wrong.is_empty() && behind.is_empty() {
            let fixed: BTreeSet<&str> = report.fixed.iter().map(|row| row.divergence.as_str()).collect();
            let faster = |id: &str| {
                let all = report.verdicts.iter().flat_map(|verdict| &verdict.findings);
                let mut ours = all.filter(|each| each.divergence.as_deref() == Some(id));
                ours.any(|each| each.finding == FindingKind::Drifted && each.at.ends_with("/time"))
            };
            let ours = self.behaviour.ids.iter().filter(|id| self.world.cases.contains_key(**id));
            let ours = ours.filter(|id| !faster(id));
            wrong.extend(ours.filter(|id| !fixed.contains(**id)).map(|id| format!("{id} is not fixed")));
        }
        Found { wrong, behind }
    }
}

/// What is found with some behaviours off.
struct Found {
    /// What is not as it should be.
    wrong: Vec<String>,
    /// Others that are known at the places of the behaviour.
    behind: BTreeSet<&'static str>,
}

/// What came of switching off.
struct Outcome {
    /// All that was off in the end.
    off: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

/// Judges a case of the last run with these divergences only.
fn judged(store: &Store, loaded: &Loaded, case: &CaseId, known: &[Divergence]) -> Option<Verdict> {
    let played = store.played(case).unwrap()?;
    let (reference, candidate) = (played.reference?, played.candidate?);
    let engines = [&reference, &candidate].map(|side| side.engine.clone());
    let [of_reference, of_candidate] = engines;
    let conditions = Conditions { reference: of_reference, candidate: of_candidate };
    let scenario = loaded.suite.scenarios.iter().find(|each| each.id == case.scenario)?;
    let verdict =
        judge(scenario, &reference, &candidate, &compare(&reference, &candidate), known, &conditions);
    verdict.verdict.is_judged().then_some(verdict)
}

/// Switches off each of these behaviours and tells what came of it; gives how many were not as they
/// should be.
fn prove(behaviours: &[&'static Behaviour]) -> usize {
    let (store, loaded) = load();
    let worlds = worlds(&store, &loaded);
    let (mut proved, mut failed) = (0, 0);
    println!();
    for behaviour in behaviours {
        let proofs = proofs(behaviour, &worlds);
        if proofs.is_empty() {
            println!("none  {}: no divergence pins it in a recorded world", behaviour.ids.join(", "));
            continue;
        }
        let (mut wrong, mut seen) = (Vec::new(), Vec::new());
        for proof in &proofs {
            let outcome = proof.outcome(&loaded);
            let world = &proof.world.name;
            wrong.extend(outcome.wrong.iter().map(|line| format!("{world}: {line}")));
            let behind = outcome.off.into_iter().filter(|id| !behaviour.ids.contains(id));
            let behind: Vec<&str> = behind.collect();
            let instead = if behind.is_empty() { "" } else { ", and what shows in its stead: " };
            seen.push(format!("world {world}, cases: {}{instead}{}", proof.cases().len(), behind.join(", ")));
        }
        let word = if wrong.is_empty() { "ok  " } else { "FAIL" };
        println!("{word}  {}  ({})", behaviour.ids.join(", "), seen.join("; "));
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

fn carrying(id: &str) -> Option<&'static Behaviour> {
    behaviours().find(|each| each.ids.contains(&id))
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
        ids => ids
            .split_whitespace()
            .map(|id| carrying(id).unwrap_or_else(|| panic!("no behaviour carries `{id}`")))
            .collect(),
    };
    chosen.dedup_by_key(|behaviour| behaviour.ids[0]);
    assert_eq!(prove(&chosen), 0);
}

#[test]
fn every_divergence_shows_in_a_recorded_world_and_a_behaviour_carries_it() {
    let (store, loaded) = load();
    let worlds = worlds(&store, &loaded);
    let shown: BTreeSet<&str> =
        worlds.iter().flat_map(|world| world.cases.keys().map(String::as_str)).collect();
    let carried: BTreeSet<&str> = behaviours().flat_map(|each| each.ids.iter().copied()).collect();
    // A simulator stands for sdc-docker alone.
    let pinned = loaded.suite.divergences.iter().filter(|divergence| divergence.engine == "sdc-docker");
    let pinned = pinned.map(|divergence| divergence.id.as_str());
    let hidden: Vec<&str> = pinned.filter(|id| !shown.contains(id) || !carried.contains(id)).collect();
    assert_eq!(hidden, [""; 0]);
}
