//! Every listed key is read: a value of the wrong type under it is a mistake.

use super::{SuiteFiles, files, mistakes, named};
use crate::suite::keys::{
    DEADLINE_KEYS, DIVERGENCE_KEYS, EXEC_KEYS, EXEC_STEP_KEYS, JOIN_KEYS, MATCHER_KEYS, OBSERVATION_KEYS,
    RAW_KEYS, REQUEST_KEYS, SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS, SUITE_KEYS, TAR_KEYS, UNOBSERVABLE_KEYS,
    UNTIL_END_KEYS, UNTIL_KEYS, VIEW_KEYS, WHEN_KEYS, WORLD_KEYS,
};

/// What no key takes, but `review-by`.
const DATE: &str = "1979-05-27";
const NO_DATE: &str = "1.5";

/// A text in which `@` stands for the keys of one table, and how they are told apart there.
struct Table {
    keys: &'static [&'static str],
    before: &'static str,
    /// Keys without which the table says too little.
    needed: &'static [(&'static str, &'static str)],
    separator: &'static str,
    after: &'static str,
    into: fn(String) -> SuiteFiles,
}

fn scenario(text: String) -> SuiteFiles {
    SuiteFiles { scenarios: vec![named("suites/area/scenarios/good.toml", &text)], ..files() }
}

fn divergence(text: String) -> SuiteFiles {
    SuiteFiles { divergences: vec![named("suites/area/divergences/x/known.toml", &text)], ..files() }
}

fn suite(text: String) -> SuiteFiles {
    SuiteFiles { suite: Some(named("suites/suite.toml", &text)), ..files() }
}

fn unobservable(text: String) -> SuiteFiles {
    SuiteFiles { unobservable: Some(named("suites/unobservable.toml", &text)), ..files() }
}

const STEP: &str = "title = \"x\"\n[[steps]]\n";
const REQUEST: &str = "title = \"x\"\n[[steps]]\nid = \"x\"\nrequest = \"PUT /containers/x/archive\"\n";
const STREAM: &str = "title = \"x\"\n[[steps]]\nid = \"x\"\nstream = \"GET /events\"\n";
const OBSERVED: &str = "title = \"x\"\nkind = \"omission\"\nwhy = \"x\"\nevidence = \"ran\"\n";
const INFO: &[(&str, &str)] = &[("id", "\"x\""), ("request", "\"GET /info\"")];

fn table(
    keys: &'static [&'static str],
    before: &'static str,
    needed: &'static [(&'static str, &'static str)],
    into: fn(String) -> SuiteFiles,
) -> Table {
    Table { keys, before, needed, separator: "\n", after: "\n", into }
}

fn inline(
    keys: &'static [&'static str],
    before: &'static str,
    after: &'static str,
    into: fn(String) -> SuiteFiles,
) -> Table {
    Table { keys, before, needed: &[], separator: ", ", after, into }
}

#[test]
fn every_listed_key_is_read() {
    let tables = [
        table(SCENARIO_KEYS, "", &[], scenario),
        table(STEP_KEYS, STEP, INFO, scenario),
        table(REQUEST_KEYS, STEP, INFO, scenario),
        table(RAW_KEYS, STEP, &[("id", "\"x\""), ("raw", "\"GET /\"")], scenario),
        table(STREAM_KEYS, STEP, &[("id", "\"x\""), ("stream", "\"GET /events\"")], scenario),
        table(EXEC_STEP_KEYS, STEP, &[("id", "\"x\"")], scenario),
        table(JOIN_KEYS, STEP, &[("id", "\"x\"")], scenario),
        inline(EXEC_KEYS, "title = \"x\"\n[[steps]]\nid = \"x\"\nexec = { ", " }", scenario),
        inline(VIEW_KEYS, "title = \"x\"\n[[steps]]\nid = \"x\"\nraw = \"GET /\"\nview = { ", " }", scenario),
        Table { before: REQUEST, ..inline(UNTIL_KEYS, "", " }", scenario) }.opened("until = { "),
        Table { before: REQUEST, ..inline(TAR_KEYS, "", " }]", scenario) }.opened("tar = [{ "),
        Table { before: STREAM, ..inline(UNTIL_END_KEYS, "", " }", scenario) }.opened("until-end = { "),
        table(DIVERGENCE_KEYS, "", &[], divergence),
        Table { before: OBSERVED, ..inline(WHEN_KEYS, "", " }", divergence) }.opened("when = { "),
        Table { before: OBSERVED, ..table(OBSERVATION_KEYS, "", &[], divergence) }
            .opened("[[observations]]\n"),
        Table { before: OBSERVED, ..inline(MATCHER_KEYS, "", " }", divergence) }
            .opened("[[observations]]\non = \"*\"\nat = \"/status\"\ncandidate = { "),
        table(SUITE_KEYS, "", &[], suite),
        table(DEADLINE_KEYS, "api = [\"1.21\"]\n[deadlines]\n", &[], suite),
        table(WORLD_KEYS, "api = [\"1.21\"]\n[worlds.x]\n", &[], suite),
        table(UNOBSERVABLE_KEYS, "[[entries]]\n", &[], unobservable),
    ];
    for (table, key) in tables.iter().flat_map(|table| table.keys.iter().map(move |key| (table, *key))) {
        let wrong = if key == "review-by" { NO_DATE } else { DATE };
        let beside = table.needed.iter().filter(|(its, _)| *its != key);
        let mut lines: Vec<String> = beside.map(|(key, value)| format!("{key} = {value}")).collect();
        lines.push(format!("{key} = {wrong}"));
        let text = format!("{}{}{}", table.before, lines.join(table.separator), table.after);
        let found = mistakes(&(table.into)(text.clone()));
        assert!(found.iter().any(|(span, ..)| span == wrong), "`{key}` is not read in\n{text}\n{found:#?}");
        let is_unknown = |message: &String| message.starts_with("unknown");
        assert!(!found.iter().any(|(_, message, _)| is_unknown(message)), "{text}\n{found:#?}");
    }
}

impl Table {
    fn opened(self, opening: &str) -> Table {
        Table { before: Box::leak(format!("{}{opening}", self.before).into_boxed_str()), ..self }
    }
}
