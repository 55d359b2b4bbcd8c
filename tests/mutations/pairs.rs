//! Committed snapshots of both sides, judged as a run judges them.

use std::path::Path;

use divergence::check::Committed;
use divergence::cli::committed::committed;
use divergence::compare::compare;
use divergence::divergence::Observation;
use divergence::judge::judge;
use divergence::pointer::Pointer;
use divergence::scenario::Scenario;
use divergence::snapshot::{Part, Snapshot};
use divergence::store::{Loaded, Store};
use divergence::verdict::{Finding, PinPlace};

/// The candidate whose answers are mutated.
const CANDIDATE: &str = "simulator-0.7";

/// The suite, and what both engines answered.
pub struct Project {
    pub loaded: Loaded,
    pub pairs: Vec<Committed>,
}

/// One exchange of a pair.
#[derive(Clone, Copy)]
pub struct Spot {
    pub pair: usize,
    pub step: usize,
    pub part: usize,
}

impl Project {
    pub fn load() -> Project {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let store = Store::find(Some(root), root, None).unwrap();
        let loaded = store.load().unwrap();
        let mut pairs = committed(&store).unwrap().pairs;
        pairs.retain(|pair| pair.candidate.engine.folder() == CANDIDATE);
        pairs
            .retain(|pair| loaded.suite.scenarios.iter().any(|each| each.id == pair.candidate.case.scenario));
        Project { loaded, pairs }
    }

    pub fn scenario(&self, pair: usize) -> &Scenario {
        let wanted = &self.pairs[pair].candidate.case.scenario;
        self.loaded.suite.scenarios.iter().find(|each| each.id == *wanted).unwrap()
    }

    /// The findings of a pair with these two answers.
    pub fn findings(&self, pair: usize, reference: &Snapshot, candidate: &Snapshot) -> Vec<Finding> {
        let differences = compare(reference, candidate);
        let (known, conditions) = (&self.loaded.suite.divergences, &self.pairs[pair].conditions);
        judge(self.scenario(pair), reference, candidate, &differences, known, conditions).findings
    }

    /// The observation of a pin.
    pub fn observation(&self, pin: &PinPlace) -> Option<&Observation> {
        let divergence = self.loaded.suite.divergences.iter().find(|each| each.file == pin.file)?;
        divergence.observations.iter().find(|each| each.line == pin.line)
    }

    /// Whether a step compares this place of an answer.
    pub fn compares(&self, pair: usize, snapshot: &Snapshot, spot: Spot, at: &Pointer) -> bool {
        let step = &snapshot.steps[spot.step];
        self.scenario(pair).compares(&step.id, &step.parts[spot.part].name, at)
    }
}

/// All exchanges of one side, in order.
pub fn spots(project: &Project, side: fn(&Committed) -> &Snapshot) -> impl Iterator<Item = (Spot, &Part)> {
    project.pairs.iter().enumerate().flat_map(move |(pair, both)| {
        side(both).steps.iter().enumerate().flat_map(move |(step, told)| {
            told.parts.iter().enumerate().map(move |(part, told)| (Spot { pair, step, part }, told))
        })
    })
}

/// Whether a finding speaks of a place, of what lies in it, or of what it lies in. Ids are told by
/// where they first stand on either side: of a place, their text says nothing.
pub fn is_at(finding: &Finding, snapshot: &Snapshot, spot: Spot, at: &Pointer) -> bool {
    let step = &snapshot.steps[spot.step];
    let part = &step.parts[spot.part].name;
    let whole = if part.is_empty() { at.to_string() } else { format!("/{part}{at}") };
    let (here, there) = (without_ids(&whole), without_ids(&finding.at));
    let is_within = |one: &str, other: &str| {
        one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    finding.step == step.id && (is_within(&here, &there) || is_within(&there, &here))
}

/// Whether a place of an exchange is that of a finding, or lies in it.
pub fn lies_in(at: &Pointer, finding: &Finding) -> bool {
    let (here, there) = (without_ids(&at.to_string()), without_ids(&finding.at));
    // Of an exec, the place of a finding begins with the part.
    let parts = ["", "/create", "/start", "/inspect"];
    parts
        .iter()
        .filter_map(|part| there.strip_prefix(part))
        .any(|there| here.strip_prefix(there).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

pub fn without_ids(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, id)) = rest.split_once("<id of ") {
        told.push_str(before);
        told.push_str("<id>");
        rest = id.split_once('>').map_or("", |(_, after)| after);
    }
    told + rest
}
