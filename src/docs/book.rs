//! Every committed pair of snapshots, judged: what the docs may say, and of how many scenarios.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::ABOUT;
use crate::check::Committed;
use crate::compare::compare;
use crate::divergence::{Divergence, DivergenceKind, OptionEffect, Scope};
use crate::engine_id::Kind;
use crate::judge::judge;
use crate::route::Route;
use crate::scenario::Scenario;
use crate::snapshot::Part;
use crate::suite::Suite;
use crate::verdict::{Finding, FindingKind, VerdictKind};
use crate::version::Version;

/// A release of the candidate, in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct World {
    /// The release.
    pub release: Version,
    /// What else is special; empty when nothing is.
    pub name: String,
}

/// One judged case.
pub struct JudgedCase<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Release and configuration of the candidate.
    pub world: World,
    /// The API version.
    pub api: &'a Version,
    /// Both snapshots.
    pub pair: &'a Committed,
    /// What is known of it.
    pub known: Vec<Known<'a>>,
    /// Whether it was judged, with nothing against a claim about it.
    pub is_fine: bool,
    /// All routes that the reference was asked.
    pub routes: BTreeSet<&'a Route>,
}

/// A known finding with what stands behind it.
pub struct Known<'a> {
    /// The finding.
    pub finding: Finding,
    /// What explains it.
    pub divergence: &'a Divergence,
    /// Pinned for this scenario, and not for a route or every answer.
    pub is_own: bool,
    /// Pinned for every answer.
    pub is_everywhere: bool,
    /// The exchange on both sides.
    pub parts: [Option<&'a Part>; 2],
}

/// All judged cases.
pub struct Book<'a> {
    /// In the order of scenarios, API versions and releases.
    pub cases: Vec<JudgedCase<'a>>,
    /// All releases and configurations, oldest first.
    pub worlds: Vec<World>,
    divergences: BTreeMap<&'a str, &'a Divergence>,
    options: &'a [OptionEffect],
    /// Where each divergence is known: the case, and the finding in it.
    places: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

impl<'a> Book<'a> {
    /// Judges all committed pairs of the candidate that pages are about.
    pub fn of(suite: &'a Suite, committed: &'a [Committed], about: &str) -> Book<'a> {
        let scenarios: BTreeMap<_, _> = suite.scenarios.iter().map(|each| (&each.id, each)).collect();
        let ours = suite.divergences.iter().filter(|divergence| divergence.engine == about);
        let divergences: BTreeMap<&str, &Divergence> = ours.map(|each| (each.id.as_str(), each)).collect();
        let mut cases = Vec::new();
        for pair in committed.iter().filter(|pair| pair.candidate.engine.identity == about) {
            let Some(scenario) = scenarios.get(&pair.candidate.case.scenario) else { continue };
            let is_stale = |fingerprint: &String| *fingerprint != scenario.fingerprint;
            if !is_stale(&pair.reference.fingerprint) && !is_stale(&pair.candidate.fingerprint) {
                cases.push(JudgedCase::of(scenario, pair, &suite.divergences, &divergences));
            }
        }
        cases.sort_by(|one, other| {
            (&one.scenario.id, one.api, &one.world).cmp(&(&other.scenario.id, other.api, &other.world))
        });
        let mut places: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, case) in cases.iter().enumerate() {
            for (at, known) in case.known.iter().enumerate() {
                places.entry(&known.divergence.id).or_default().push((number, at));
            }
        }
        let worlds: BTreeSet<World> = cases.iter().map(|case| case.world.clone()).collect();
        let options = if about == ABOUT { suite.options.as_slice() } else { &[] };
        Book { cases, worlds: worlds.into_iter().collect(), divergences, options, places }
    }

    /// The divergence of that id.
    pub fn divergence(&self, id: &str) -> Option<&'a Divergence> {
        self.divergences.get(id).copied()
    }

    /// Every place where a divergence is known.
    pub fn places_of(&self, id: &str) -> impl Iterator<Item = (&JudgedCase<'a>, &Known<'a>)> {
        let places = self.places.get(id).into_iter().flatten();
        places.map(|(case, at)| (&self.cases[*case], &self.cases[*case].known[*at]))
    }

    /// What options come to because of a divergence.
    pub fn options_of(&self, id: &str) -> impl Iterator<Item = &'a OptionEffect> {
        self.options.iter().filter(move |option| option.divergence == id)
    }

    /// The newest release as it is by default.
    pub fn latest(&self) -> Option<&World> {
        self.worlds.iter().rev().find(|world| world.name.is_empty())
    }

    /// The Docker commands that a release does not implement, as its scenarios found.
    pub fn missing_commands(&self, world: &World) -> Vec<String> {
        let lacks = |case: &JudgedCase<'_>, known: &Known<'_>| {
            let Divergence { id, page, kind, .. } = known.divergence;
            let is_omission = page == "unimplemented" && *kind == DivergenceKind::Omission;
            let command = case.scenario.command.as_deref().unwrap_or_default();
            // A scenario about something else may well use a call that is missing.
            let is_about_it = case.scenario.page == "unimplemented" || id.starts_with(command);
            known.is_own && is_omission && is_about_it
        };
        let cases = self.cases.iter().filter(|case| case.world == *world);
        let lacking = cases.filter(|case| case.known.iter().any(|known| lacks(case, known)));
        let commands: BTreeSet<String> = lacking
            .filter_map(|case| case.scenario.command.as_ref())
            .map(|command| format!("docker {command}"))
            .collect();
        commands.into_iter().collect()
    }
}

impl<'a> JudgedCase<'a> {
    fn of(
        scenario: &'a Scenario,
        pair: &'a Committed,
        all: &[Divergence],
        ours: &BTreeMap<&'a str, &'a Divergence>,
    ) -> JudgedCase<'a> {
        let engine = &pair.candidate.engine;
        let release = engine.release.short();
        let is_plain = engine.world == "default" || engine.world == release.to_string();
        let name = if is_plain { String::new() } else { engine.world.clone() };
        let differences = compare(&pair.reference, &pair.candidate);
        let verdict = judge(scenario, &pair.reference, &pair.candidate, &differences, all, &pair.conditions);
        let known = verdict.findings.into_iter().filter(|finding| finding.finding == FindingKind::Known);
        let steps = pair.reference.steps.iter();
        JudgedCase {
            scenario,
            world: World { release, name },
            api: &pair.candidate.case.api,
            pair,
            known: known.filter_map(|finding| Known::of(finding, pair, ours)).collect(),
            is_fine: matches!(verdict.verdict, VerdictKind::Conforms | VerdictKind::Diverges),
            routes: steps.flat_map(|step| &step.parts).filter_map(|part| part.route.as_ref()).collect(),
        }
    }

    /// No difference but those that every answer has.
    pub fn agrees_but_for_everywhere(&self) -> bool {
        self.is_fine && self.known.iter().all(|known| known.is_everywhere)
    }

    /// Whether a stand-in answered for the candidate.
    pub fn is_stand_in(&self) -> bool {
        self.pair.candidate.engine.kind == Kind::Simulator
    }
}

impl<'a> Known<'a> {
    fn of(
        finding: Finding,
        pair: &'a Committed,
        divergences: &BTreeMap<&'a str, &'a Divergence>,
    ) -> Option<Known<'a>> {
        let divergence = *divergences.get(finding.divergence.as_deref()?)?;
        let pin = finding.pin.as_ref()?;
        let observation = divergence.observations.iter().find(|observation| observation.line == pin.line)?;
        // Of an exec, a place begins with the part.
        let part = finding.at.split('/').nth(1).unwrap_or_default();
        let parts = [&pair.reference, &pair.candidate].map(|snapshot| {
            let step = snapshot.step(&finding.step)?;
            step.part(part).filter(|part| !part.name.is_empty()).or_else(|| step.part(""))
        });
        let is_own = matches!(observation.scope, Scope::Scenario { .. });
        let is_everywhere = matches!(observation.scope, Scope::Everywhere);
        Some(Known { finding, divergence, is_own, is_everywhere, parts })
    }

    /// The route that was asked.
    pub fn route(&self) -> Option<&'a Route> {
        self.parts[0]?.route.as_ref()
    }
}
