//! What goes wrong with the reference's answers is noticed for every route that is asked.

use std::collections::{BTreeMap, BTreeSet};

use divergence::pointer::Pointer;
use divergence::route::Route;
use divergence::snapshot::{Part, Snapshot};
use divergence::verdict::FindingKind;

use super::mutate::{Dice, Kind, mutate, sites};
use super::pairs::{Project, Spot, is_at, lies_in, spots};

/// The three, as issue and report name them.
const KINDS: [(Kind, &str); 3] =
    [(Kind::Dropped, "a field dropped"), (Kind::Status, "another status"), (Kind::FrameCut, "a stream cut")];

/// Routes whose success has no body: only what they say of an error can be cut.
const WITHOUT_BODY: [&str; 23] = [
    "DELETE /containers/*",
    "DELETE /networks/*",
    "DELETE /services/*",
    "DELETE /volumes/*",
    "GET /containers/*/attach/ws",
    "HEAD /containers/*/archive",
    "POST /containers/*/kill",
    "POST /containers/*/pause",
    "POST /containers/*/rename",
    "POST /containers/*/resize",
    "POST /containers/*/restart",
    "POST /containers/*/start",
    "POST /containers/*/stop",
    "POST /containers/*/unpause",
    "POST /exec/*/resize",
    "POST /images/*/tag",
    "POST /networks/*/connect",
    "POST /networks/*/disconnect",
    "POST /swarm/join",
    "POST /swarm/leave",
    "POST /swarm/update",
    "DELETE /plugins/*",
    "PUT /containers/*/archive",
];

/// What is known of a route.
#[derive(Default)]
pub struct Noticed {
    /// By kind: in how many answers it is noticed, of those where it can happen; the rest lies
    /// within a pin.
    pub by_kind: BTreeMap<&'static str, (usize, usize)>,
    /// What was missed in an answer, though others notice the like.
    pub missed: Vec<String>,
    /// Whether some scenario compares a whole answer, or all of its body.
    pub whole: bool,
}

/// Mutates every answer of the reference, each kind once, at a place that the dice choose.
pub fn notice(project: &Project, seed: u64) -> BTreeMap<String, Noticed> {
    let mut routes: BTreeMap<String, Noticed> = BTreeMap::new();
    let mut dice = Dice(seed);
    let is_success = |part: &Part| part.tree["status"].as_u64().is_some_and(|status| status < 400);
    // What the candidate could not be asked, it has no answer to.
    let is_reached = |spot: &Spot| {
        let pair = &project.pairs[spot.pair];
        let theirs = pair.candidate.step(&pair.reference.steps[spot.step].id);
        theirs.and_then(|step| step.parts.first()).is_some_and(|part| part.tree.get("unreached").is_none())
    };
    let succeeding: BTreeSet<Route> = spots(project, |pair| &pair.reference)
        .filter(|(spot, part)| is_success(part) && is_reached(spot))
        .filter_map(|(_, part)| part.route.clone())
        .collect();
    for (spot, part) in spots(project, |pair| &pair.reference) {
        let Some(route) = &part.route else { continue };
        let noticed = routes.entry(route.as_str().to_owned()).or_default();
        let scenario = project.scenario(spot.pair);
        let step = &project.pairs[spot.pair].reference.steps[spot.step];
        let asked = scenario.steps.iter().find(|each| each.id == step.id);
        let content = ["/body", "/body/json", "/body/messages", "/body/tar", "/error"];
        noticed.whole |= asked.is_some_and(|asked| {
            let compares = |place: &Pointer| content.contains(&place.to_string().as_str());
            asked.compare.is_empty() || asked.compare.iter().any(compares)
        });
        if !is_reached(&spot) {
            continue;
        }
        for (kind, told) in KINDS {
            let mut here = sites(kind, part);
            if kind == Kind::FrameCut && !WITHOUT_BODY.contains(&route.as_str()) && succeeding.contains(route)
            {
                here.retain(|at| at.segments().first().is_some_and(|first| first != "error"));
            }
            if here.is_empty() {
                continue;
            }
            let (seen, all) = noticed.by_kind.entry(told).or_default();
            let draw = |_| outcome(project, spot, kind, &here[dice.below(here.len())], &mut dice);
            match (0..20).find_map(draw) {
                None => {}
                Some(Outcome::Missed(place)) => {
                    noticed.missed.push(format!("{told}: {} {}{place}", scenario.id, step.id));
                }
                Some(outcome) => {
                    *all += 1;
                    *seen += usize::from(outcome == Outcome::Noticed);
                }
            }
        }
    }
    routes
}

/// What came of a mutation.
#[derive(PartialEq)]
enum Outcome {
    Noticed,
    /// It is as some pin says of the reference.
    Pinned,
    Missed(Pointer),
}

/// None when nothing was changed, or both sides are now the same there: a pin of many answers
/// speaks only of those where the reference is as pinned.
fn outcome(project: &Project, spot: Spot, kind: Kind, at: &Pointer, dice: &mut Dice) -> Option<Outcome> {
    let pair = &project.pairs[spot.pair];
    let mut reference: Snapshot = pair.reference.clone();
    let place = mutate(kind, &mut reference.steps[spot.step].parts[spot.part].tree, at, dice)?;
    if reference == pair.reference {
        return None;
    }
    let findings = project.findings(spot.pair, &reference, &pair.candidate);
    let here = || findings.iter().filter(|finding| is_at(finding, &reference, spot, &place));
    if here().any(|finding| finding.finding.fails()) {
        return Some(Outcome::Noticed);
    }
    // What a pin says of the place, or of what it lies in, holds for the changed value as well.
    if here().any(|finding| finding.finding == FindingKind::Known && lies_in(&place, finding)) {
        return Some(Outcome::Pinned);
    }
    let step = &reference.steps[spot.step];
    let part = &step.parts[spot.part];
    let theirs = pair.candidate.step(&step.id).and_then(|step| step.part(&part.name));
    let is_same = theirs.is_some_and(|theirs| place.find(&theirs.tree) == place.find(&part.tree));
    (!is_same).then_some(Outcome::Missed(place))
}

/// What nothing notices, a line each.
pub fn unnoticed(routes: &BTreeMap<String, Noticed>) -> Vec<String> {
    let mut lines = Vec::new();
    for (route, noticed) in routes {
        lines.extend(noticed.missed.iter().map(|line| format!("{route}: {line}")));
        for (_, kind) in KINDS {
            match noticed.by_kind.get(kind) {
                Some((1.., _)) => {}
                Some((0, all)) if *all > 0 => {
                    lines.push(format!("{route}: {kind} is noticed in none of {all} answers"))
                }
                // An answer to HEAD is a head.
                Some(_) | None if kind == "a stream cut" && route.starts_with("HEAD ") => {}
                Some(_) | None => lines.push(format!("{route}: {kind}: no answer compares any")),
            }
        }
    }
    lines
}
