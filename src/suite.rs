//! From the texts of a suite to its scenarios and divergences, with all mistakes of all files at
//! once. Pure: it reads no file.

mod api_file;
mod body;
mod cli;
mod divergence_file;
pub mod keys;
mod literal;
mod matcher;
mod observation;
mod options;
pub mod own_tests;
pub mod reader;
mod request;
mod scenario_file;
mod settings;
mod step;
mod steps;
pub mod unasked;
mod variables;
pub mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use self::own_tests::OwnTest;
use self::unasked::Unasked;
use sha2::{Digest as _, Sha256};

use crate::divergence::{Divergence, OptionEffect};
use crate::documented::Documented;
use crate::mistake::Mistake;
use crate::scenario::Scenario;
use crate::version::Version;

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
    /// `suites/options.toml`.
    pub options: Option<(String, String)>,
    /// `suites/normalise.toml`.
    pub rules: Option<(String, String)>,
    /// `fixtures/catalogue.toml`.
    pub catalogue: Option<(String, String)>,
    /// `fixtures/api/*.toml`.
    pub api: Vec<(String, String)>,
    /// `suites/unasked.toml`.
    pub unasked: Option<(String, String)>,
    /// `suites/own-tests.toml`.
    pub own_tests: Option<(String, String)>,
    /// The names of `fixtures/images/*.toml`.
    pub images: Vec<String>,
    /// All files below `fixtures/`.
    pub fixtures: BTreeSet<String>,
}

impl SuiteFiles {
    /// A hash of all that is asked and known: names and texts.
    pub fn fingerprint(&self) -> String {
        let settings = self.suite.iter().chain(&self.unobservable).chain(&self.rules);
        let mut hash = Sha256::new();
        for (name, text) in settings.chain(&self.scenarios).chain(&self.divergences) {
            hash.update(format!("{name}\0{}\0{text}", text.len()));
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
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
    /// What options of a container come to.
    pub options: Vec<OptionEffect>,
    /// The slugs of the catalogue.
    pub catalogue: Vec<String>,
    /// What Docker documents, by API version.
    pub documented: Vec<Documented>,
    /// What of it cannot be asked, with reasons.
    pub unasked: Vec<Unasked>,
    /// Which scenarios stand for sdc-docker's own tests.
    pub own_tests: Vec<OwnTest>,
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
    let settings = settings::suite_file(files.suite.as_ref(), &files.fixtures, &mut found);
    let mut suite = Suite { settings, ..Suite::default() };
    let mut broken = Vec::new();
    let setting = scenario_file::Setting {
        settings: &suite.settings,
        images: &files.images,
        fixtures: &files.fixtures,
    };
    let read = |file: &str, text: &str, found: &mut Vec<Mistake>| {
        scenario_file::scenario(file, text, &setting, found).ok_or_else(|| scenario_file::id_of(file))
    };
    for scenario in side_by_side(&files.scenarios, read, &mut found) {
        match scenario {
            Ok(scenario) => suite.scenarios.push(scenario),
            Err(id) => broken.extend(id),
        }
    }
    suite.scenarios.sort_by(|one, other| one.id.cmp(&other.id));
    let by_id = divergence_files(files);
    suite.catalogue = settings::catalogue(files.catalogue.as_ref(), &mut found);
    suite.unobservable =
        settings::unobservable(files.unobservable.as_ref(), &suite.catalogue, &by_id, &mut found);
    suite.options = options::options(files.options.as_ref(), &suite.catalogue, &by_id, &mut found);
    let facts = |(file, text): &(String, String)| api_file::documented(file, text, &mut found);
    suite.documented = files.api.iter().filter_map(facts).collect();
    suite.documented.sort_by(|one, other| one.api.cmp(&other.api));
    suite.unasked = unasked::unasked(files.unasked.as_ref(), &suite.documented, &mut found);
    suite.own_tests = own_tests::own_tests(files.own_tests.as_ref(), &mut found);
    let known = divergence_file::Known {
        scenarios: &suite.scenarios,
        broken: &broken,
        worlds: &suite.settings.worlds,
        files: &by_id,
    };
    let read = |file: &str, text: &str, found: &mut Vec<Mistake>| {
        divergence_file::divergence(file, text, &known, found)
    };
    let divergences = side_by_side(&files.divergences, read, &mut found);
    suite.divergences = divergences.into_iter().flatten().collect();
    suite.divergences.sort_by(|one, other| (&one.engine, &one.id).cmp(&(&other.engine, &other.id)));
    if found.is_empty() { Ok(suite) } else { Err(found) }
}

/// What is read of each file, in their order and with their mistakes in it, on all cores: a suite is
/// loaded before a command says its first word.
fn side_by_side<T: Send>(
    files: &[(String, String)],
    read: impl Fn(&str, &str, &mut Vec<Mistake>) -> T + Sync,
    found: &mut Vec<Mistake>,
) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read_some = |files: &[(String, String)]| {
        let mut found = Vec::new();
        let values: Vec<T> = files.iter().map(|(file, text)| read(file, text, &mut found)).collect();
        (values, found)
    };
    std::thread::scope(|scope| {
        let some = files.chunks(files.len().div_ceil(cores).max(1));
        let threads: Vec<_> = some.map(|some| scope.spawn(|| read_some(some))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        let mut all = Vec::with_capacity(files.len());
        for (values, mistakes) in joined {
            all.extend(values);
            found.extend(mistakes);
        }
        all
    })
}

/// The files of all divergences, by engine and id, whether or not they load.
fn divergence_files(files: &SuiteFiles) -> BTreeMap<(String, String), Vec<String>> {
    let mut by_id: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (file, _) in &files.divergences {
        if let Some((_, engine, id)) = divergence_file::place_of(file) {
            by_id.entry((engine.to_owned(), id.to_owned())).or_default().push(file.clone());
        }
    }
    by_id
}

#[cfg(test)]
pub mod tests;
