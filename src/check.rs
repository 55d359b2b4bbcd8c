//! What can be wrong with a project without asking any engine. Pure; the store reads the files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::coverage::Coverage;
use crate::divergence::{Divergence, Matcher, Scope};
use crate::docs::ABOUT;
use crate::judge::select::{Conditions, Speaking, glob_matches, holds};
use crate::mistake::{Mistake, Mistakes};
use crate::scenario::{CaseId, Scenario, ScenarioId};
use crate::snapshot::Snapshot;
use crate::store::snapshots::SnapshotFile;
use crate::suite::Suite;
use crate::suite::own_tests::unknown_scenarios;
use crate::version::Version;

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Things to mend.
    pub mistakes: Vec<Mistake>,
    /// How the catalogue is accounted for.
    pub catalogue: Catalogue,
    /// How many places each divergence pins in the committed snapshots; those of other engines than
    /// sdc-docker under `engine/id`.
    pub coverage: BTreeMap<String, usize>,
}

/// How the catalogue is accounted for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Catalogue {
    /// All entries.
    pub entries: usize,
    /// Those with a divergence that some scenario exercises.
    pub exercised: usize,
    /// Those that no client can see, with a written reason.
    pub unobservable: usize,
    /// The rest.
    pub missing: Vec<String>,
}

/// A pair of committed snapshots, with the engines that `when` is held against.
pub struct Committed {
    /// The engines.
    pub conditions: Conditions,
    /// The reference's snapshot.
    pub reference: Snapshot,
    /// The candidate's snapshot.
    pub candidate: Snapshot,
}

/// Checks a suite against its committed snapshots.
pub fn check(suite: &Suite, files: &[SnapshotFile], committed: &[Committed], today: &str) -> Checked {
    let mut checked = Checked::default();
    orphans(suite, files, &mut checked.mistakes);
    unrecorded(suite, files, &mut checked.mistakes);
    let scenarios = suite.scenarios.iter().map(|scenario| (&scenario.id, scenario)).collect();
    for divergence in &suite.divergences {
        reviews(divergence, today, &mut checked.mistakes);
        places(divergence, &scenarios, committed, &mut checked);
        stops(divergence, suite, committed, &mut checked.mistakes);
    }
    checked.mistakes.extend(unknown_scenarios(&suite.own_tests, &suite.scenarios));
    checked.catalogue = catalogue(suite, &checked.coverage);
    checked
}

/// What `suites/unasked.toml` says cannot be asked, and a snapshot shows to have been asked.
pub fn asked_after_all(suite: &Suite, measured: &[Coverage]) -> Vec<Mistake> {
    let mut mistakes = Mistakes::of("suites/unasked.toml");
    for coverage in measured {
        for (entry, item) in &coverage.asked_after_all {
            let message = format!("`{item}` is exercised at {} after all", coverage.api);
            let span = suite.unasked.get(*entry).and_then(|entry| entry.span.clone());
            mistakes.add(span, message, "remove it from this entry");
        }
    }
    mistakes.found
}

/// How sdc-docker's own integration tests are accounted for.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct OwnTests {
    /// Their files.
    pub files: usize,
    /// Those for which a scenario stands.
    pub with_scenarios: usize,
    /// Those of which nothing can be seen through the Docker API.
    pub unseen: usize,
}

/// Counts the table of own tests.
pub fn own_tests(suite: &Suite) -> OwnTests {
    let with_scenarios = suite.own_tests.iter().filter(|test| !test.scenarios.is_empty()).count();
    let files = suite.own_tests.len();
    OwnTests { files, with_scenarios, unseen: files - with_scenarios }
}

fn at_file(file: &str, message: String, help: &str) -> Mistake {
    Mistake { file: file.to_owned(), span: None, message, help: help.to_owned() }
}

/// Snapshots whose scenario is gone.
fn orphans(suite: &Suite, files: &[SnapshotFile], mistakes: &mut Vec<Mistake>) {
    let folders = Folders::of(files);
    let scenarios: BTreeMap<&ScenarioId, &Scenario> =
        suite.scenarios.iter().map(|scenario| (&scenario.id, scenario)).collect();
    let has_scenario = |file: &&SnapshotFile| {
        let scenario = scenarios.get(&file.case.scenario);
        scenario.is_some_and(|each| folders.versions(&file.folder, each).contains(&file.case.api))
    };
    for file in files.iter().filter(|file| !has_scenario(file)) {
        let message = "the snapshot has no scenario at this API version".to_owned();
        mistakes.push(at_file(&file.file, message, "remove the file, or bring the scenario back"));
    }
}

/// Cases without a snapshot. The folder of a world beside a release's own (`simulator-0.7+no-volumes`)
/// has only those in which it shows.
fn unrecorded(suite: &Suite, files: &[SnapshotFile], mistakes: &mut Vec<Mistake>) {
    let folders = Folders::of(files);
    let have: BTreeSet<(&str, &CaseId)> =
        files.iter().map(|file| (file.folder.as_str(), &file.case)).collect();
    for scenario in &suite.scenarios {
        let mut lacking: BTreeMap<CaseId, Vec<&str>> = BTreeMap::new();
        for folder in folders.expected(scenario) {
            for api in folders.versions(folder, scenario) {
                let case = CaseId { scenario: scenario.id.clone(), api };
                if !have.contains(&(folder, &case)) {
                    lacking.entry(case).or_default().push(folder);
                }
            }
        }
        for (case, folders) in lacking {
            let message = format!("{case} has no snapshot in {}", folders.join(", "));
            let help = "record it: `divergence record ENGINE --missing`";
            mistakes.push(at_file(&scenario.file, message, help));
        }
    }
}

/// What the folders of snapshots hold, and so what they should hold.
struct Folders<'a> {
    /// The lowest API version of each: its engine serves none below.
    lowest: BTreeMap<&'a str, &'a Version>,
    areas: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Folders<'a> {
    fn of(files: &'a [SnapshotFile]) -> Folders<'a> {
        let mut lowest: BTreeMap<&str, &Version> = BTreeMap::new();
        for SnapshotFile { folder, case, .. } in files {
            let least = lowest.entry(folder).or_insert(&case.api);
            *least = (*least).min(&case.api);
        }
        let areas = files.iter().map(|file| (file.folder.as_str(), file.case.scenario.area())).collect();
        Folders { lowest, areas }
    }

    /// Those that should have a scenario: the oldest Docker, which is the reference, and sdc-docker's
    /// stand-in all of them, others those of the areas in which they were recorded.
    fn expected(&self, scenario: &Scenario) -> Vec<&'a str> {
        let release = |folder: &&str| folder.strip_prefix("docker-")?.parse::<Version>().ok();
        let dockers = self.lowest.keys().copied().filter(|folder| release(folder).is_some());
        let oldest = dockers.min_by_key(release);
        let is_whole = |folder: &str| Some(folder) == oldest || folder.starts_with("simulator-");
        let area = scenario.id.area();
        let folders = self.lowest.keys().copied().filter(|folder| !folder.contains('+'));
        folders.filter(|folder| is_whole(folder) || self.areas.contains(&(folder, area))).collect()
    }

    /// The versions at which a folder has a scenario: the scenario's own, and where those are too old
    /// for the folder the oldest that it has.
    fn versions(&self, folder: &str, scenario: &Scenario) -> Vec<Version> {
        let Some(lowest) = self.lowest.get(folder) else { return Vec::new() };
        let own: Vec<Version> = scenario.api.iter().filter(|api| api >= lowest).cloned().collect();
        match own.is_empty() && scenario.speaks_of(lowest) {
            true => vec![(*lowest).clone()],
            false => own,
        }
    }
}

fn reviews(divergence: &Divergence, today: &str, mistakes: &mut Vec<Mistake>) {
    if divergence.why.contains(crate::accept::group::TO_FILL_IN) {
        let message = "`why` is still to be written".to_owned();
        mistakes.push(at_file(&divergence.file, message, "say in plain words what a reader should know"));
    }
    if let Some(date) = divergence.review_by.as_ref().filter(|date| date.as_str() < today) {
        let message = format!("the review of {} was due on {date}", divergence.id);
        mistakes.push(at_file(
            &divergence.file,
            message,
            "look whether it still holds, then move `review-by`",
        ));
    }
}

/// Every observation selects at least one place of the committed snapshots at which it holds.
fn places(
    divergence: &Divergence,
    scenarios: &BTreeMap<&ScenarioId, &Scenario>,
    committed: &[Committed],
    checked: &mut Checked,
) {
    let mut covered = 0;
    for observation in &divergence.observations {
        let lone = Divergence { observations: vec![observation.clone()], ..divergence.clone() };
        let mut here = 0;
        // It says that nothing is there on either side, where a wider one says otherwise.
        let is_nowhere =
            matches!((&observation.reference, &observation.candidate), (Matcher::Absent, Matcher::Absent));
        let mut could = false;
        for pair in committed.iter().filter(|pair| pair.conditions.candidate.identity == divergence.engine) {
            if !holds(&divergence.when, &pair.reference.case.api, &pair.conditions) {
                continue;
            }
            could = true;
            let id = &pair.reference.case.scenario;
            if matches!(&observation.scope, Scope::Scenario { glob, .. } if !glob_matches(glob, &id.0)) {
                continue;
            }
            let scenario = scenarios.get(id);
            let speaking = Speaking::of(&[&lone], &pair.reference.case);
            for step in &pair.reference.steps {
                for part in &step.parts {
                    let chosen = speaking.of_exchange(&step.id, part);
                    let theirs = pair.candidate.step(&step.id).and_then(|step| step.part(&part.name));
                    for speaker in chosen {
                        let trees = [Some(&part.tree), theirs.map(|part| &part.tree)];
                        let places = speaker.observation.at.places(trees);
                        here += places
                            .iter()
                            .filter(|place| {
                                scenario.is_none_or(|each| each.compares(&step.id, &part.name, place))
                            })
                            .filter(|place| speaker.reaches(place, &part.tree))
                            .filter(|place| match speaker.observation.scope {
                                Scope::Scenario { .. } => true,
                                Scope::Route(_) | Scope::Everywhere => {
                                    speaker.observation.reference.accepts(place.find(&part.tree))
                                }
                            })
                            .filter(|place| {
                                is_nowhere || trees.iter().flatten().any(|tree| place.find(tree).is_some())
                            })
                            .count();
                    }
                }
            }
        }
        covered += here;
        if here == 0 && could {
            let message =
                format!("the observation in line {} selects no place of any snapshot", observation.line);
            let help = "look at the scenario with `divergence show`, or remove the observation";
            checked.mistakes.push(at_file(&divergence.file, message, help));
        }
    }
    let name = match divergence.engine.as_str() {
        ABOUT => divergence.id.clone(),
        engine => format!("{engine}/{}", divergence.id),
    };
    checked.coverage.insert(name, covered);
}

/// `stops = true` is true: steps after one of its places are unreached.
fn stops(divergence: &Divergence, suite: &Suite, committed: &[Committed], mistakes: &mut Vec<Mistake>) {
    if !divergence.stops || committed.is_empty() {
        return;
    }
    let named: BTreeSet<&ScenarioId> = suite
        .scenarios
        .iter()
        .filter(|scenario| {
            divergence.observations.iter().any(|observation| match &observation.scope {
                Scope::Scenario { glob, .. } => glob_matches(glob, &scenario.id.0),
                Scope::Route(_) | Scope::Everywhere => true,
            })
        })
        .map(|scenario| &scenario.id)
        .collect();
    let ends = committed.iter().any(|pair| {
        named.contains(&pair.candidate.case.scenario)
            && pair.conditions.candidate.identity == divergence.engine
            && holds(&divergence.when, &pair.candidate.case.api, &pair.conditions)
            && pair
                .candidate
                .steps
                .iter()
                .flat_map(|step| &step.parts)
                .any(|part| part.tree.get("unreached").is_some())
    });
    if !ends {
        let message = "`stops = true`, but no later step is unreached".to_owned();
        mistakes.push(at_file(&divergence.file, message, "remove `stops`, or add a scenario that shows it"));
    }
}

fn catalogue(suite: &Suite, coverage: &BTreeMap<String, usize>) -> Catalogue {
    let mut catalogue = Catalogue { entries: suite.catalogue.len(), ..Catalogue::default() };
    for slug in &suite.catalogue {
        if coverage.get(slug).is_some_and(|places| *places > 0) {
            catalogue.exercised += 1;
        } else if suite.unobservable.iter().any(|entry| entry.id == *slug) {
            catalogue.unobservable += 1;
        } else {
            catalogue.missing.push(slug.clone());
        }
    }
    catalogue
}
