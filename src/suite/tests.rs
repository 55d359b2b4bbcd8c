//! Every mistake that a suite file can hold, with the text that its caret stands under.

use super::{SuiteFiles, load};
use crate::divergence::{Matcher, Scope};
use crate::mistake::Mistake;

const GOOD: &str = r#"
title = "A container that exits with 3 reports 3"
command = "wait"
needs = ["image:busybox"]

[[steps]]
id = "create"
request = "POST /containers/create?name=${name:it}"
json = '''{"Image": "${image:busybox}", "Cmd": ["false"], "HostConfig": {}}'''
capture = { cid = "/body/json/Id" }

[[steps]]
id = "attach"
stream = "POST /containers/${cid}/attach?stream=1&stdout=1"
until-end = { seconds = 10, frames = 2 }
background = true

[[steps]]
id = "ls"
exec = { container = "${cid}", cmd = ["ls", "/"] }
view = { stdout = "files" }
compare = ["/start/stdout"]

[[steps]]
id = "attached"
join = "attach"

[[steps]]
id = "exited"
request = "GET /containers/${cid}/json"
until = { at = "/body/json/State/Running", is = false, seconds = 20 }

[[steps]]
id = "odd"
raw = "GET /vfoo/../info"
"#;

const KNOWN: &str = r#"
title = "Ignores it"
kind = "omission"
why = "It does not know the option."
when = { release = ">=0.1, <0.8", api = ">=1.20", reference = "docker >=20.10" }
review-by = 2027-06-01
evidence = "ran"

[[observations]]
scenario = "area/good"
at = "ls/inspect/body/json/ExitCode"
reference = 0
candidate = { null = true }

[[observations]]
on = "POST /containers/create"
at = "/status"
reference = 201
candidate = { any-of = [200, 204] }

[[observations]]
scenario = "area/*"
at = "*/headers/server/0"
reference = { matches = "Docker.*" }
candidate = { absent = true }
"#;

fn files(scenario: &str, divergence: &str) -> SuiteFiles {
    SuiteFiles {
        suite: Some(("suites/suite.toml".to_owned(), "api = [\"1.21\", \"1.24\"]\n".to_owned())),
        scenarios: vec![("suites/area/scenarios/good.toml".to_owned(), scenario.to_owned())],
        divergences: vec![(
            "suites/area/divergences/sdc-docker/known.toml".to_owned(),
            divergence.to_owned(),
        )],
        images: vec!["busybox".to_owned(), "server".to_owned()],
        ..SuiteFiles::default()
    }
}

/// `spanned text: message (help)` of each mistake.
fn mistakes(scenario: &str, divergence: &str) -> Vec<String> {
    let files = files(scenario, divergence);
    let told = |mistake: Mistake| {
        let all = files.scenarios.iter().chain(&files.divergences);
        let text = all.clone().find(|(name, _)| *name == mistake.file).map_or("", |(_, text)| text.as_str());
        let spanned = mistake.span.map_or("-", |span| text.get(span).unwrap_or("?"));
        format!("{spanned}: {} ({})", mistake.message, mistake.help)
    };
    load(&files).map_or_else(|found| found.into_iter().map(told).collect(), |_| Vec::new())
}

#[test]
fn a_good_suite_loads_whole() {
    let suite = load(&files(GOOD, KNOWN)).unwrap_or_else(|found| panic!("{found:?}"));
    let scenario = &suite.scenarios[0];
    assert_eq!((scenario.id.0.as_str(), scenario.page.as_str()), ("area/good", "area"));
    assert_eq!(scenario.steps.len(), 6);
    assert_eq!(scenario.steps[0].line, 6);
    let divergence = &suite.divergences[0];
    assert_eq!(divergence.review_by.as_deref(), Some("2027-06-01"));
    let Scope::Scenario { part, .. } = &divergence.observations[0].scope else { panic!() };
    assert_eq!(
        (part.as_str(), divergence.observations[0].at.to_string()),
        ("inspect", "/body/json/ExitCode".to_owned())
    );
    assert!(divergence.observations[0].candidate.accepts(Some(&serde_json::Value::Null)));
    assert!(divergence.observations[1].reference.accepts(Some(&serde_json::from_str("201").unwrap())));
    assert!(matches!(divergence.observations[2].candidate, Matcher::Absent));
}

#[test]
fn comments_and_titles_do_not_change_the_fingerprint_and_steps_do() {
    let print = |text: &str| load(&files(text, KNOWN)).unwrap().scenarios[0].fingerprint.clone();
    assert_eq!(print(GOOD), print(&format!("# A comment.\n{}", GOOD.replace("reports 3", "tells 3"))));
    assert_ne!(print(GOOD), print(&GOOD.replace("[\"false\"]", "[\"true\"]")));
}

#[test]
fn every_mistake_in_a_scenario_has_its_place_and_advice() {
    let table = [
        ("title = \"A", "titel = \"A", "titel: unknown key `titel` (did you mean `title`?"),
        (
            "[\"image:busybox\"]",
            "[\"image:bsybox\"]",
            "\"image:bsybox\": `image:bsybox` is no capability (did you mean `image:busybox`?",
        ),
        ("[\"image:busybox\"]", "[]", "the scenario does not need the image `busybox` (write needs ="),
        ("id = \"ls\"", "id = \"create\"", "\"create\": `create` is the name of the step in line 6 already"),
        (
            "POST /containers/create?",
            "POST /contaners/create?",
            "is no route of the Docker API (did you mean `POST /containers/create`?",
        ),
        ("POST /containers/create?", "PUT /containers/create?", "Docker has this path for POST"),
        ("POST /containers/create?", "POST /v1.24/containers/create?", "has a version prefix"),
        ("/body/json/Id", "body/json/Id", "\"body/json/Id\": `body/json/Id` is no pointer"),
        (
            "capture = { cid",
            "capture = { other = \"/status\", cid",
            "\"/status\": `other` is captured and never used",
        ),
        (
            "GET /containers/${cid}",
            "GET /containers/${cdi}",
            "`${cdi}` is not captured (did you mean `${cid}`?)",
        ),
        (
            "\"HostConfig\": {}}'''",
            "\"HostConfig\": {}'''",
            "the body is no JSON: EOF while parsing an object",
        ),
        ("[\"false\"]", "[false,]", "the body is no JSON: trailing comma"),
        (
            "join = \"attach\"",
            "join = \"atach\"",
            "\"atach\": `atach` is no background step (did you mean `attach`?)",
        ),
        (
            "id = \"attached\"\njoin = \"attach\"",
            "id = \"attached\"\nraw = \"GET /x\"",
            "background: `attach` is never joined",
        ),
        (
            "{ stdout = \"files\" }",
            "{ stdout = \"filez\" }",
            "\"filez\": `filez` is no view (did you mean `files`?",
        ),
        ("{ stdout = \"files\" }", "{ stdot = \"files\" }", "`stdot` cannot be viewed"),
        ("raw = \"GET /vfoo/../info\"", "", "the step does nothing"),
        (
            "raw = \"GET /vfoo/../info\"",
            "raw = \"GET /\"\njoin = \"attach\"",
            "the step does two things: raw and join",
        ),
        (
            "exec = { container",
            "exec = { contaner",
            "contaner: unknown key `contaner` (did you mean `container`?",
        ),
        ("command = \"wait\"", "command = 3", "3: `command` expects a string, found an integer"),
        ("command = \"wait\"", "command = \"wait", "this is no TOML"),
        ("command = \"wait\"", "api = [\"2.1\"]", "\"2.1\": `2.1` is no API version"),
        ("${name:it}", "${nam:it}", "`${nam:it}` is no variable"),
    ];
    for (old, new, expected) in table {
        let broken = GOOD.replacen(old, new, 1);
        assert_ne!(broken, GOOD, "{old}");
        let found = mistakes(&broken, KNOWN);
        let says = |text: &String| expected.split('|').all(|part| text.contains(part));
        assert!(found.iter().any(says), "{expected} is not in {found:#?}");
    }
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let broken = GOOD
        .replace("title =", "titel =")
        .replace("GET /containers/${cid}", "GET /nowhere/${cdi}")
        .replace("seconds = 20", "second = 20")
        .replace("stdout = \"files\"", "stdout = \"filez\"");
    let found = mistakes(&broken, &KNOWN.replace("omission", "omision"));
    for part in [
        "`titel`",
        "`title` is missing",
        "`${cdi}`",
        "`GET /nowhere/x/json`",
        "`second`",
        "`filez`",
        "`omision`",
    ] {
        assert!(found.iter().any(|text| text.contains(part)), "{part} is not in {found:#?}");
    }
}

#[test]
fn every_mistake_in_a_divergence_has_its_place_and_advice() {
    let table = [
        (
            "kind = \"omission\"",
            "kind = \"omision\"",
            "\"omision\": `omision` is no kind (did you mean `omission`?",
        ),
        ("why = \"It does not know the option.\"", "why = \" \"", "`why` is empty"),
        ("evidence = \"ran\"", "", "`evidence` is missing"),
        (
            "scenario = \"area/good\"",
            "scenario = \"area/god\"",
            "no scenario is called `area/god` (did you mean `area/good`?)",
        ),
        ("ls/inspect/body", "sl/inspect/body", "area/good has no step `sl`"),
        ("ls/inspect/body", "ls/body", "names no part of the exec"),
        (
            "on = \"POST /containers/create\"",
            "on = \"POST /container/create\"",
            "did you mean `POST /containers/create`?",
        ),
        ("at = \"/status\"", "at = \"/**\"", "`**` is not allowed"),
        ("{ any-of = [200, 204] }", "{ any_of = [200, 204] }", "did you mean `any-of`?"),
        ("{ any-of = [200, 204] }", "{ any-of = [200], type = \"number\" }", "has 2 keys"),
        ("{ matches = \"Docker.*\" }", "{ matches = \"(\" }", "`matches` is no matcher as it stands"),
        ("<0.8", "0.8", "is not a bound such as"),
        ("2027-06-01", "\"soon\"", "`review-by` is no date"),
        ("when = {", "hides = [\"nothing\"]\nwhen = {", "there is no divergence `nothing`"),
        ("reference = 201", "", "`reference` is missing"),
        ("reference = 201", "reference = { ratio = \">=2\" }", "a ratio is pinned on the candidate"),
    ];
    for (old, new, expected) in table {
        let broken = KNOWN.replacen(old, new, 1);
        assert_ne!(broken, KNOWN, "{old}");
        let found = mistakes(GOOD, &broken);
        assert!(found.iter().any(|text| text.contains(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn a_mistake_is_shown_with_file_line_caret_and_help() {
    let broken = GOOD.replacen("title = \"A", "titel = \"A", 1);
    let found = load(&files(&broken, KNOWN)).unwrap_err();
    let shown = found[0].render(&broken, 100, false);
    insta::assert_snapshot!(shown, @r#"
     × suites/area/scenarios/good.toml: unknown key `titel`
      ╭─[suites/area/scenarios/good.toml:2:1]
    1 │ 
    2 │ titel = "A container that exits with 3 reports 3"
      · ──┬──
      ·   ╰── here
    3 │ command = "wait"
      ╰────
     help: did you mean `title`? Known here: title, page, command, api, needs, exclusive,
           repetitions, steps
    "#);
}
