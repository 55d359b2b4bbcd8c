//! Every mistake that a divergence file can hold, with the text that its caret stands under.

use serde_json::Value;

use super::{GOOD, KNOWN, Row, SuiteFiles, check, files, load, mistakes, named};
use crate::divergence::{Matcher, Scope};

fn with(text: String) -> SuiteFiles {
    SuiteFiles {
        divergences: vec![
            named("suites/area/divergences/sdc-docker/known.toml", &text),
            named("suites/area/divergences/sdc-docker/other.toml", KNOWN),
        ],
        ..files()
    }
}

#[test]
fn the_head() {
    let rows: &[Row] = &[
        ("evidence", "evidense", "evidense", "unknown key `evidense`", "did you mean `evidence`?"),
        (
            "\"omission\"",
            "\"omision\"",
            "\"omision\"",
            "`omision` is no kind",
            "did you mean `omission`? There are: omission, deficiency",
        ),
        (
            "\"ran\"",
            "\"seen\"",
            "\"seen\"",
            "`seen` is no evidence",
            "There are: documented, read, ran, observed",
        ),
        ("kind = \"omission\"\n", "", "", "`kind` is missing", "\"error-text\""),
        ("evidence = \"ran\"\n", "", "", "`evidence` is missing", "\"documented\""),
        ("why = \"It does not know the option.\"\n", "", "", "`why` is missing", "in plain words"),
        ("\"It does not know the option.\"", "\"\"", "\"\"", "`why` is empty", "in plain words"),
        (
            "review-by = 2027-06-01",
            "review-by = \"soon\"",
            "\"soon\"",
            "`review-by` expects a date, found `soon`",
            "review-by = 2027-06-01",
        ),
        (
            "2027-06-01",
            "\"2027-13-01\"",
            "\"2027-13-01\"",
            "`review-by` expects a date, found `2027-13-01`",
            "",
        ),
        ("2027-06-01", "2027", "2027", "`review-by` expects a date, found an integer", ""),
        (
            "<0.8",
            "0.8",
            "\">=0.1, 0.8\"",
            "`0.8` is not a bound such as `>=0.1`, `<0.8` or `=1.24`",
            "release = \"",
        ),
        (
            "docker >=20.10",
            "docker 20",
            "20",
            "`20` is not a bound such as `>=0.1`, `<0.8` or `=1.24`",
            "docker >=20.10",
        ),
        ("docker >=20.10", ">=20.10", "\">=20.10\"", "`>=20.10` names no engine", "docker >=20.10"),
        (
            "world = \"default\"",
            "world = \"defualt\"",
            "\"defualt\"",
            "there is no world `defualt`",
            "did you mean `default`?",
        ),
        (
            "when = { release",
            "when = { releases = \"\", release",
            "releases",
            "unknown key `releases`",
            "did you mean `release`?",
        ),
        (
            "evidence =",
            "world = \"x\"\nevidence =",
            "world",
            "unknown key `world`",
            "within the braces of when",
        ),
        (
            "evidence =",
            "hides = [\"othr\"]\nevidence =",
            "\"othr\"",
            "there is no divergence `othr`",
            "did you mean `other`?",
        ),
        ("evidence =", "hides = [\"known\"]\nevidence =", "\"known\"", "a divergence cannot hide itself", ""),
        ("evidence =", "stops = 1\nevidence =", "1", "`stops` expects true or false, found an integer", ""),
    ];
    check(KNOWN, rows, with);
}

#[test]
fn the_places_of_observations() {
    let rows: &[Row] = &[
        (
            "\"area/good\"",
            "\"area/god\"",
            "\"area/god\"",
            "no scenario is called `area/god`",
            "did you mean `area/good`?",
        ),
        (
            "\"area/*\"",
            "\"aera/*\"",
            "\"aera/*\"",
            "no scenario matches `aera/*`",
            "did you mean `area/good`?",
        ),
        (
            "ls/inspect",
            "sl/inspect",
            "sl",
            "area/good has no step `sl`",
            "did you mean `ls`? There are: create, attach",
        ),
        ("*/headers", "lss/headers", "lss", "no scenario of `area/*` has a step `lss`", "did you mean `ls`?"),
        (
            "ls/inspect/body",
            "ls/body",
            "\"ls/body/json/ExitCode\"",
            "`ls/body/json/ExitCode` names no part of the exec",
            "\"ls/create/status\"",
        ),
        (
            "\"ls/inspect/body/json/ExitCode\"",
            "\"/status\"",
            "\"/status\"",
            "`/status` names no step and place",
            "begins with a step",
        ),
        (
            "\"ls/inspect/body/json/ExitCode\"",
            "\"ls\"",
            "\"ls\"",
            "`ls` names no step and place",
            "begins with a step",
        ),
        ("at = \"/status\"", "at = \"status\"", "\"status\"", "`status` names no place", "starts with `/`"),
        ("at = \"/status\"", "at = \"/**\"", "\"/**\"", "`/**` names no place", "`**` is not allowed"),
        ("*/headers/server/0", "*/**/0", "\"*/**/0\"", "`*/**/0` names no place", "`**` is not allowed"),
        ("at = \"/status\"\n", "", "[[observations]]", "`at` is missing", "name the place"),
        (
            "\"POST /containers/create\"",
            "\"POST /container/create\"",
            "\"POST /container/create\"",
            "`POST /container/create` is no route of the Docker API",
            "did you mean `POST /containers/create`?",
        ),
        (
            "\"POST /containers/create\"",
            "\"GET /containers/web/json\"",
            "\"GET /containers/web/json\"",
            "`GET /containers/web/json` is no route of the Docker API",
            "did you mean `GET /containers/*/json`?",
        ),
        (
            "scenario = \"area/*\"",
            "scenario = \"area/*\"\non = \"*\"",
            "on",
            "both `scenario` and `on`",
            "keep `scenario` for",
        ),
        ("scenario = \"area/*\"\n", "", "[[observations]]", "neither `scenario` nor `on`", "say where"),
        (
            "scenario = \"area/*\"",
            "scenario = \"area/*\"\nwhere = 1",
            "where",
            "unknown key `where`",
            "scenario, on, at",
        ),
    ];
    check(KNOWN, rows, with);
}

#[test]
fn pinned_values() {
    let rows: &[Row] = &[
        (
            "reference = 201\n",
            "",
            "[[observations]]",
            "`reference` is missing",
            "pin what the reference answers",
        ),
        (
            "candidate = { absent = true }\n",
            "",
            "[[observations]]",
            "`candidate` is missing",
            "pin what the candidate",
        ),
        (
            "{ any-of =",
            "{ any_of =",
            "any_of",
            "unknown matcher `any_of`",
            "did you mean `any-of`? There are: absent",
        ),
        (
            "{ any-of = [200, 204] }",
            "{ any-of = [200], type = \"number\" }",
            "{ any-of = [200], type = \"number\" }",
            "`candidate` is a matcher with 2 keys",
            "exactly one of: absent",
        ),
        ("{ any-of = [200, 204] }", "{}", "{}", "`candidate` is a matcher with no key", "exactly one"),
        (
            "{ any-of = [200, 204] }",
            "{ any-of = 200 }",
            "200",
            "`any-of` cannot be an integer",
            "any-of = [200, 204]",
        ),
        (
            "{ absent = true }",
            "{ absent = false }",
            "false",
            "`absent = false` pins nothing",
            "the value that is there",
        ),
        ("{ absent = true }", "{ absent = \"x\" }", "\"x\"", "`absent` cannot be a string", "absent = true"),
        (
            "{ matches = \"Docker.*\" }",
            "{ matches = \"(\" }",
            "\"(\"",
            "this is no regular expression",
            "unclosed group",
        ),
        (
            "{ matches = \"Docker.*\" }",
            "{ matches = 1 }",
            "1",
            "`matches` cannot be an integer",
            "matches = \"",
        ),
        (
            "{ absent = true }",
            "{ type = \"int\" }",
            "\"int\"",
            "`int` is no type",
            "There are: null, boolean, number",
        ),
        (
            "{ absent = true }",
            "{ json = '{' }",
            "'{'",
            "this is no JSON: EOF while parsing an object at line 1 column 1",
            "one JSON value",
        ),
        ("{ ratio = \">=2\" }", "{ ratio = \"2\" }", "\"2\"", "`2` is no ratio", "ratio = \">=2\""),
        (
            "reference = 201",
            "reference = { ratio = \">=2\" }",
            "\">=2\"",
            "a ratio of the reference",
            "leave `reference` out",
        ),
        (
            "reference = 201",
            "reference = 2027-01-01",
            "2027-01-01",
            "`reference` cannot be a date",
            "in quotes",
        ),
        ("reference = 201", "reference = inf", "inf", "`reference` cannot be a float", "write a string"),
    ];
    check(KNOWN, rows, with);
}

#[test]
fn plain_values_are_what_json_text_would_be() {
    let table = [
        ("137", "137"),
        ("-9", "-9"),
        ("1.50", "1.50"),
        ("+1_000.5", "1000.5"),
        ("0x10", "16"),
        ("true", "true"),
        ("\"a\"", "\"a\""),
        ("[1, \"x\", [false]]", "[1,\"x\",[false]]"),
        ("{ null = true }", "null"),
        ("{ json = '''{\"b\":1,\"a\":18446744073709551616}''' }", "{\"b\":1,\"a\":18446744073709551616}"),
    ];
    for (written, json) in table {
        let text = KNOWN.replacen("reference = 201", &format!("reference = {written}"), 1);
        let suite = load(&with(text)).unwrap_or_else(|found| panic!("{written}: {found:#?}"));
        let Matcher::Is(value) = &suite.divergences[0].observations[1].reference else { panic!("{written}") };
        assert_eq!(*value, serde_json::from_str::<Value>(json).unwrap(), "{written}");
    }
}

#[test]
fn parts_belong_to_execs_and_to_globs() {
    let table = [
        ("scenario = \"area/good\"\nat = \"create/start/x\"", ("create", "", "/start/x")),
        ("scenario = \"area/good\"\nat = \"ls/create/status\"", ("ls", "create", "/status")),
        ("scenario = \"area/good\"\nat = \"*/start/status\"", ("*", "start", "/status")),
        ("scenario = \"area/g*\"\nat = \"create/inspect\"", ("create", "inspect", "")),
        ("scenario = \"area/g*\"\nat = \"*/status\"", ("*", "", "/status")),
    ];
    for (written, expected) in table {
        let old = "scenario = \"area/*\"\nat = \"*/headers/server/0\"";
        let suite = load(&with(KNOWN.replacen(old, written, 1))).unwrap_or_else(|found| panic!("{found:#?}"));
        let observation = &suite.divergences[0].observations[2];
        let Scope::Scenario { step, part, .. } = &observation.scope else { panic!("{written}") };
        let step = step.as_ref().map_or("*", |step| step.0.as_str());
        assert_eq!((step, part.as_str(), observation.at.to_string().as_str()), expected, "{written}");
    }
}

#[test]
fn files_elsewhere_and_files_of_the_same_name() {
    let mut files = with(KNOWN.to_owned());
    files.divergences.push(named("suites/other/divergences/sdc-docker/known.toml", KNOWN));
    files.divergences.push(named("suites/other/divergences/podman/known.toml", KNOWN));
    let found = mistakes(&files);
    let messages: Vec<&str> = found.iter().map(|(_, message, _)| message.as_str()).collect();
    let expected = [
        "suites/other/divergences/sdc-docker/known.toml is called `known` too",
        "suites/area/divergences/sdc-docker/known.toml is called `known` too",
    ];
    assert_eq!(messages, expected);
    files.divergences = vec![named("suites/area/divergences/known.toml", KNOWN)];
    assert_eq!(mistakes(&files)[0].1, "the file lies at no known place");
    files.divergences = vec![named("suites/area/divergences/x/known.toml", "observations = []")];
    assert!(mistakes(&files).iter().any(|(span, its, _)| span == "[]" && its == "there are no observations"));
}

#[test]
fn a_broken_scenario_makes_no_mistakes_in_divergences() {
    let mut files = with(KNOWN.replace("ls/inspect", "sl/inspect"));
    files.scenarios[0].1 = GOOD.replace("command", "comand");
    let found = mistakes(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
}
