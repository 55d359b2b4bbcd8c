//! What goes wrong with the reference's answers is noticed for every route that is asked.

use std::collections::{BTreeMap, BTreeSet};

use divergence::pointer::Pointer;
use divergence::route::Route;
use divergence::snapshot::{Part, Snapshot};

use super::mutate::{Dice, Kind, mutate, sites};
use super::pairs::{Project, Spot, is_at, spots};

/// The three, as issue and report name them.
const KINDS: [(Kind, &str); 3] =
    [(Kind::Dropped, "a field dropped"), (Kind::Status, "another status"), (Kind::FrameCut, "a stream cut")];

/// Routes whose success has no body: only what they say of an error can be cut.
const WITHOUT_BODY: [&str; 22] = [
    "DELETE /containers/*",
    "DELETE /networks/*",
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
    /// By kind: how many scenarios notice it, of those where it can happen.
    pub by_kind: BTreeMap<&'static str, (usize, usize)>,
    /// Whether some scenario compares a whole answer, or all of its body.
    pub whole: bool,
}

/// Mutates every answer of the reference, each kind once, at a place that the dice choose.
pub fn notice(project: &Project, seed: u64) -> BTreeMap<String, Noticed> {
    let mut routes: BTreeMap<String, Noticed> = BTreeMap::new();
    let mut dice = Dice(seed);
    let is_success = |part: &Part| part.tree["status"].as_u64().is_some_and(|status| status < 400);
    let succeeding: BTreeSet<Route> = spots(project, |pair| &pair.reference)
        .filter(|(_, part)| is_success(part))
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
        // What the candidate could not be asked, it has no answer to.
        let theirs = project.pairs[spot.pair].candidate.step(&step.id).and_then(|step| step.parts.first());
        if theirs.is_none_or(|part| part.tree.get("unreached").is_some()) {
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
