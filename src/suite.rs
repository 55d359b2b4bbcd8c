//! From the texts of a suite to its scenarios and divergences, with all mistakes of all files at
//! once. Pure: it reads no file.

mod divergence_file;
pub mod reader;
mod request;
mod scenario_file;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use crate::divergence::Divergence;
use crate::mistake::Mistake;
use crate::scenario::Scenario;
use crate::version::Version;

pub use divergence_file::{DIVERGENCE_KEYS, MATCHER_KEYS, OBSERVATION_KEYS, WHEN_KEYS};
pub use request::TAR_KEYS;
pub use scenario_file::{
    EXEC_KEYS, RAW_KEYS, REQUEST_KEYS, SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS, UNTIL_END_KEYS, UNTIL_KEYS,
};
pub use settings::{DEADLINE_KEYS, SUITE_KEYS, WORLD_KEYS};

/// The texts of a suite: file name relative to the project, and text.
#[derive(Clone, Debug, Default)]
pub struct SuiteFiles {
    /// `suites/suite.toml`.
    pub suite: Option<(String, String)>,
    /// `suites/<area>/scenarios/*.toml`, and every file that stands at no known place.
    pub scenarios: Vec<(String, String)>,
    /// `suites/<area>/divergences/<engine>/*.toml`.
    pub divergences: Vec<(String, String)>,
    /// `suites/unobservable.toml`.
    pub unobservable: Option<(String, String)>,
    /// `fixtures/catalogue.toml`.
    pub catalogue: Option<(String, String)>,
    /// The names of `fixtures/images/*.toml`.
    pub images: Vec<String>,
    /// All files below `fixtures/`.
    pub fixtures: BTreeSet<String>,
}

/// A suite that loads.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// `suites/suite.toml`.
    pub settings: SuiteSettings,
    /// All scenarios, by id.
    pub scenarios: Vec<Scenario>,
    /// All divergences, by engine and id.
    pub divergences: Vec<Divergence>,
    /// What no client can see, with reasons.
    pub unobservable: Vec<Unobservable>,
    /// The slugs of the catalogue.
    pub catalogue: Vec<String>,
}

/// Defaults of a suite.
#[derive(Clone, Debug, Default)]
pub struct SuiteSettings {
    /// The API versions of scenarios that name none.
    pub api: Vec<Version>,
    /// How long a request may take, in seconds.
    pub request_seconds: u64,
    /// How long a step may poll when it does not say, in seconds.
    pub until_seconds: u64,
    /// The worlds by name.
    pub worlds: BTreeMap<String, WorldSettings>,
}

/// A configuration or account in which other behaviours show.
#[derive(Clone, Debug)]
pub struct WorldSettings {
    /// What it is, for people.
    pub title: String,
    /// The release that the simulator answers as there.
    pub release: Option<Version>,
    /// The simulator's file.
    pub file: String,
}

/// A catalogue entry that no client can see.
#[derive(Clone, Debug)]
pub struct Unobservable {
    /// Its slug.
    pub id: String,
    /// Why not.
    pub reason: String,
}

/// Loads a suite, or says all that is wrong with it.
pub fn load(files: &SuiteFiles) -> Result<Suite, Vec<Mistake>> {
    let mut found = Vec::new();
    let mut suite =
        Suite { settings: settings::suite_file(files.suite.as_ref(), &mut found), ..Suite::default() };
    for (file, text) in &files.scenarios {
        let setting = scenario_file::Setting {
            settings: &suite.settings,
            images: &files.images,
            fixtures: &files.fixtures,
        };
        suite.scenarios.extend(scenario_file::scenario(file, text, &setting, &mut found));
    }
    suite.scenarios.sort_by(|one, other| one.id.cmp(&other.id));
    suite.catalogue = settings::catalogue(files.catalogue.as_ref(), &mut found);
    suite.unobservable = settings::unobservable(files.unobservable.as_ref(), &suite.catalogue, &mut found);
    // Divergences are read against the scenarios; a scenario that does not load would give
    // mistakes that are none.
    let all_scenarios_load = found.is_empty();
    for (file, text) in &files.divergences {
        let known = all_scenarios_load.then_some(suite.scenarios.as_slice());
        suite.divergences.extend(divergence_file::divergence(file, text, known, &mut found));
    }
    suite.divergences.sort_by(|one, other| (&one.engine, &one.id).cmp(&(&other.engine, &other.id)));
    divergence_file::cross_check(&suite, files, &mut found);
    if found.is_empty() { Ok(suite) } else { Err(found) }
}

#[cfg(test)]
mod tests;
