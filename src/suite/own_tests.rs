//! `suites/own-tests.toml`: which scenarios stand for which of sdc-docker's own integration tests.

use std::collections::BTreeSet;
use std::ops::Range;

use super::keys::OWN_TEST_KEYS;
use super::reader::{Reader, root};
use super::word::choose;
use crate::mistake::{Mistake, Mistakes};
use crate::scenario::{Scenario, ScenarioId};

/// One integration test file of sdc-docker.
#[derive(Clone, Debug)]
pub struct OwnTest {
    /// Its name, without `.test.js`.
    pub file: String,
    /// The scenarios that ask the same, with their places in the table.
    pub scenarios: Vec<(ScenarioId, Option<Range<usize>>)>,
    /// Why the rest of it, or all of it, cannot be seen through the Docker API.
    pub unseen: Option<String>,
}

/// Reads the table.
pub fn own_tests(file: Option<&(String, String)>, found: &mut Vec<Mistake>) -> Vec<OwnTest> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut tests: Vec<OwnTest> = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(&["tests"], &mut mistakes);
        for reader in reader.tables("tests", &mut mistakes) {
            let test = test(&reader, &mut mistakes);
            if tests.iter().any(|before| before.file == test.file) {
                let message = format!("`{}` stands here twice", test.file);
                mistakes.add(reader.span_of("file"), message, "merge the two");
            }
            tests.push(test);
        }
    }
    found.extend(mistakes.found);
    tests
}

fn test(reader: &Reader<'_>, mistakes: &mut Mistakes) -> OwnTest {
    reader.only(OWN_TEST_KEYS, mistakes);
    let words = reader.words("scenarios", mistakes).unwrap_or_default();
    let test = OwnTest {
        file: reader.need_text("file", "name the test file of sdc-docker", mistakes),
        scenarios: words.iter().map(|word| (ScenarioId(word.text().to_owned()), word.span())).collect(),
        unseen: reader.string("unseen", mistakes).map(str::to_owned),
    };
    if test.scenarios.is_empty() && test.unseen.is_none() {
        let help = "name scenarios = [\"area/name\"], or say why nothing of it can be seen: unseen = \"...\"";
        mistakes.add(reader.span.clone(), "nothing stands for this test", help);
    }
    test
}

/// Scenarios that the table names and that are not there.
pub fn unknown_scenarios(tests: &[OwnTest], scenarios: &[Scenario]) -> Vec<Mistake> {
    let ids: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.id.0.as_str()).collect();
    let mut mistakes = Mistakes::of("suites/own-tests.toml");
    for (id, span) in tests.iter().flat_map(|test| &test.scenarios) {
        if !ids.contains(id.0.as_str()) {
            let help = choose(&id.0, ids.iter().copied(), "`divergence list` tells all");
            mistakes.add(span.clone(), format!("there is no scenario `{id}`"), help);
        }
    }
    mistakes.found
}
