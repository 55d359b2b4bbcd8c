//! Every mistake that the API tables, unasked.toml and own-tests.toml can hold.

use super::{Row, SuiteFiles, check, files, load, named};
use crate::suite::own_tests::unknown_scenarios;

/// Facts without mistakes.
pub const FACTS: &str = r#"
format = 1
api = "1.24"
source = ["a reference"]

[[routes]]
route = "POST /containers/*/exec"
path = ["id"]
fields = ["/Cmd", "/User"]
statuses = [201, 500]

[[routes]]
route = "GET /info"
statuses = [200, 500]
"#;

/// Exclusions without mistakes.
pub const UNASKED: &str = r#"
[[entries]]
routes = ["GET /info"]
statuses = [500]
reason = "It is healthy."
"#;

/// A table of own tests without mistakes.
pub const OWN_TESTS: &str = r#"
[[tests]]
file = "api-create"
scenarios = ["area/good"]

[[tests]]
file = "api-admin-config"
unseen = "It is no Docker API."
"#;

#[test]
fn api_tables() {
    let rows: &[Row] = &[
        ("format = 1", "format = 2", "2", "facts of an unknown format", "format = 1"),
        ("source", "sauce", "sauce", "unknown key `sauce`", "did you mean `source`?"),
        ("\"1.24\"", "\"1.23\"", "\"1.23\"", "the facts of 1.23 stand in another file", "1.23.toml"),
        ("\"1.24\"", "\"v1\"", "\"v1\"", "`v1` is not a dotted number such as `1.24`", "1.21"),
        ("GET /info", "GET /inof", "\"GET /inof\"", "`GET /inof` is no route", "did you mean `GET /info`?"),
        ("path = [\"id\"]\n", "", "[[routes]]", "`path` does not fit the route", "name each `*`"),
        ("/User", "/Cmd", "\"/Cmd\"", "`/Cmd` stands here twice", "remove one"),
        ("/User", "User", "\"User\"", "`User` is no place in a body", "/HostConfig"),
        ("[201, 500]", "[201, 5000]", "5000", "`statuses` expects status codes, found an integer", "codes"),
        (
            "GET /info\"",
            "POST /containers/*/exec\"\npath = [\"id\"]",
            "\"POST /containers/*/exec\"",
            "`POST /containers/*/exec` stands here twice",
            "merge",
        ),
    ];
    let with = |text: String| SuiteFiles {
        api: vec![named("fixtures/api/1.24.toml", &text)],
        unasked: None,
        ..files()
    };
    check(FACTS, rows, with);
}

#[test]
fn unasked_toml() {
    let rows: &[Row] = &[
        ("reason", "raison", "raison", "unknown key `raison`", "did you mean `reason`?"),
        ("\"It is healthy.\"", "\"\"", "\"\"", "`reason` is empty", "cannot be asked"),
        ("GET /info", "GET /inof", "\"GET /inof\"", "`GET /inof` is no route", "did you mean `GET /info`?"),
        ("[500]", "[418]", "[[entries]]", "nothing documented is called `GET /info 418`", "fixtures/api/"),
        (
            "GET /info",
            "GET /version",
            "[[entries]]",
            "nothing documented is called `GET /version 500`",
            "remove",
        ),
        (
            "[500]",
            "[500]\napi = [\"1.20\"]",
            "[[entries]]",
            "nothing documented is called `GET /info 500`",
            "",
        ),
        (
            "statuses = [500]\n",
            "",
            "[[entries]]",
            "an entry says either `everything = true` or what of its routes",
            "statuses",
        ),
        (
            "[500]",
            "[500]\neverything = true",
            "[[entries]]",
            "an entry says either `everything = true` or what of its routes",
            "statuses",
        ),
        (
            "[[entries]]",
            "[[entries]]\nroutes = [\"GET /info\"]\nstatuses = [500]\nreason = \"x\"\n[[entries]]",
            "[[entries]]",
            "`GET /info 500` has two reasons",
            "remove it",
        ),
    ];
    let with = |text: String| SuiteFiles { unasked: Some(named("suites/unasked.toml", &text)), ..files() };
    check(UNASKED, rows, with);
}

#[test]
fn own_tests_toml() {
    let rows: &[Row] = &[
        ("unseen", "unsen", "unsen", "unknown key `unsen`", "did you mean `unseen`?"),
        ("file = \"api-create\"\n", "", "[[tests]]", "`file` is missing", "test file"),
        ("api-admin-config", "api-create", "\"api-create\"", "`api-create` stands here twice", "merge"),
        ("[\"area/good\"]", "[]", "[[tests]]", "nothing stands for this test", "unseen"),
    ];
    let with =
        |text: String| SuiteFiles { own_tests: Some(named("suites/own-tests.toml", &text)), ..files() };
    // Without `unseen` nothing stands for that test either: two mistakes, of which the first counts.
    check(OWN_TESTS, &rows[1..], with);
    let found = load(&with(OWN_TESTS.replace("unseen", "unsen"))).unwrap_err();
    assert_eq!(found[0].message, rows[0].3);
}

#[test]
fn scenarios_that_own_tests_name_must_be_there() {
    let suite = load(&files()).unwrap();
    assert!(unknown_scenarios(&suite.own_tests, &suite.scenarios).is_empty());
    let found = unknown_scenarios(&suite.own_tests, &[]);
    assert_eq!(found[0].message, "there is no scenario `area/good`");
    let span = found[0].span.clone().unwrap();
    assert_eq!(&OWN_TESTS[span], "\"area/good\"");
}
