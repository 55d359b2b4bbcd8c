//! What goes wrong with the reference's answers is noticed for every route that is asked.

use std::collections::BTreeMap;

use divergence::pointer::Pointer;
use divergence::snapshot::Snapshot;

use super::mutate::{Dice, Kind, mutate, sites};
use super::pairs::{Project, Spot, is_at, spots};

/// The three, as issue and report name them.
const KINDS: [(Kind, &str); 3] =
    [(Kind::Dropped, "a field dropped"), (Kind::Status, "another status"), (Kind::FrameCut, "a stream cut")];

/// Routes whose answers are streams or raw bytes.
const STREAMS: [&str; 8] = [
    "GET /containers/*/logs",
    "POST /containers/*/attach",
    "POST /exec/*/start",
    "GET /containers/*/stats",
    "GET /events",
    "POST /build",
    "POST /images/create",
    "POST /images/*/push",
];

/// What is known of a route.
#[derive(Default)]
pub struct Noticed {
    /// By kind: how many scenarios notice it, of those where it can happen.
    pub by_kind: BTreeMap<&'static str, (usize, usize)>,
    /// Whether some scenario compares a whole answer.
    pub whole: bool,
}

/// Mutates every answer of the reference, each kind once, at a place that the dice choose.
pub fn notice(project: &Project, seed: u64) -> BTreeMap<String, Noticed> {
    let mut routes: BTreeMap<String, Noticed> = BTreeMap::new();
    let mut dice = Dice(seed);
    for (spot, part) in spots(project, |pair| &pair.reference) {
        let Some(route) = &part.route else { continue };
        let noticed = routes.entry(route.as_str().to_owned()).or_default();
        let scenario = project.scenario(spot.pair);
        let step = &project.pairs[spot.pair].reference.steps[spot.step];
        let asked = scenario.steps.iter().find(|each| each.id == step.id);
        noticed.whole |= asked.is_some_and(|asked| asked.compare.is_empty());
        for (kind, told) in KINDS {
            let here = sites(kind, part);
            if here.is_empty() {
                continue;
            }
            let (seen, all) = noticed.by_kind.entry(told).or_default();
            let tries = (0..20)
                .find_map(|_| is_noticed(project, spot, kind, &here[dice.below(here.len())], &mut dice));
            let Some(is_noticed) = tries else { continue };
            *all += 1;
            *seen += usize::from(is_noticed);
        }
    }
    routes
}

/// None when nothing was changed.
fn is_noticed(project: &Project, spot: Spot, kind: Kind, at: &Pointer, dice: &mut Dice) -> Option<bool> {
    let pair = &project.pairs[spot.pair];
    let mut reference: Snapshot = pair.reference.clone();
    let place = mutate(kind, &mut reference.steps[spot.step].parts[spot.part].tree, at, dice)?;
    if reference == pair.reference {
        return None;
    }
    let findings = project.findings(spot.pair, &reference, &pair.candidate);
    let noticed = |finding: &divergence::verdict::Finding| {
        finding.finding.fails() && is_at(finding, &reference, spot, &place)
    };
    Some(findings.iter().any(noticed))
}

/// What nothing notices, a line each.
pub fn unnoticed(routes: &BTreeMap<String, Noticed>) -> Vec<String> {
    let mut lines = Vec::new();
    for (route, noticed) in routes {
        for (_, kind) in KINDS {
            match noticed.by_kind.get(kind) {
                Some((1.., _)) => {}
                Some((0, 0)) | None if kind == "a stream cut" && !STREAMS.contains(&route.as_str()) => {}
                Some((_, all)) => lines.push(format!("{route}: {kind} is noticed in none of {all} answers")),
                None => lines.push(format!("{route}: {kind}: no answer compares any")),
            }
        }
    }
    lines
}
