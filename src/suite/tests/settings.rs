//! Every mistake that suite.toml, unobservable.toml and the catalogue can hold.

use super::{CATALOGUE, Row, SUITE, SuiteFiles, UNOBSERVABLE, check, files, load, named};

#[test]
fn suite_toml() {
    let rows: &[Row] = &[
        ("[deadlines]", "[deadline]", "deadline", "unknown key `deadline`", "did you mean `deadlines`?"),
        ("until = 15", "untill = 15", "untill", "unknown key `untill`", "did you mean `until`?"),
        (
            "request = 30",
            "request = \"30\"",
            "\"30\"",
            "`request` expects a whole number from 0 up, found a string",
            "request = 3",
        ),
        ("request = 30", "request = 0", "0", "`request` is 0", "seconds"),
        ("api = [\"1.21\", \"1.24\"]\n", "", "", "`api` is missing", "api = ["),
        ("title = \"As it was\"\n", "", "[worlds.\"0.3\"]", "`title` is missing", "in a line"),
        (
            "release = \"0.3\"",
            "release = \"old\"",
            "\"old\"",
            "`old` is not a dotted number such as `1.24`",
            "release = \"0.7\"",
        ),
        (
            "simulator/default.toml",
            "simulator/defalt.toml",
            "\"fixtures/simulator/defalt.toml\"",
            "there is no file `fixtures/simulator/defalt.toml`",
            "did you mean `fixtures/simulator/default.toml`?",
        ),
    ];
    check(SUITE, rows, |text| SuiteFiles { suite: Some(named("suites/suite.toml", &text)), ..files() });
}

#[test]
fn unobservable_toml() {
    let rows: &[Row] = &[
        ("reason", "raison", "raison", "unknown key `raison`", "did you mean `reason`?"),
        ("\"It is within.\"", "\"\"", "\"\"", "`reason` is empty", "why no client"),
        (
            "never-seen",
            "never-sen",
            "\"never-sen\"",
            "`never-sen` is not in the catalogue",
            "did you mean `never-seen`?",
        ),
        (
            "never-seen",
            "known",
            "\"known\"",
            "`known` is a divergence too, in suites/area/divergences/sdc-docker/known.toml",
            "remove this entry",
        ),
        (
            "[[entries]]",
            "[[entries]]\nid = \"never-seen\"\nreason = \"x\"\n[[entries]]",
            "\"never-seen\"",
            "`never-seen` is listed twice",
            "remove one",
        ),
    ];
    let with =
        |text: String| SuiteFiles { unobservable: Some(named("suites/unobservable.toml", &text)), ..files() };
    check(UNOBSERVABLE, rows, with);
}

#[test]
fn the_catalogue() {
    let rows: &[Row] = &[
        ("format = 1", "format = 2", "2", "a catalogue of an unknown format", "format = 1"),
        ("format = 1\n", "", "", "`format` is missing", "format = 1"),
        (
            "slug = \"known\"",
            "slug = \"never-seen\"",
            "\"never-seen\"",
            "`never-seen` is in the catalogue twice",
            "",
        ),
        ("slug = \"known\"\n", "", "[[entries]]", "`slug` is missing", "has a slug"),
    ];
    check(CATALOGUE, rows, |text| SuiteFiles {
        catalogue: Some(named("fixtures/catalogue.toml", &text)),
        ..files()
    });
}

#[test]
fn without_a_suite_file_the_defaults_hold() {
    let mut files = SuiteFiles { suite: None, ..files() };
    files.divergences.clear();
    let suite = load(&files).unwrap();
    let api: Vec<String> = suite.settings.api.iter().map(ToString::to_string).collect();
    assert_eq!(
        (api.join(" ").as_str(), suite.settings.request_seconds, suite.settings.until_seconds),
        ("1.21 1.24", 30, 20)
    );
}
