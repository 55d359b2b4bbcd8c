//! A suite that loads, and the form in which the tests below say what is wrong with one.

mod commands;
mod coverage;
mod divergences;
mod keys;
mod requests;
mod scenarios;
mod settings;

use std::collections::BTreeSet;

use super::{SuiteFiles, load};
use crate::divergence::{Matcher, Scope};
use crate::scenario::{Action, Body};

/// A scenario without mistakes.
pub const GOOD: &str = r#"
title = "A container that exits with 3 reports 3"
command = "wait"
needs = ["image:busybox"]

[[steps]]
id = "create"
request = "POST /containers/create?name=${name:it}"
json = '''
{"Image": "${image:busybox}",
 "Cmd": ["false"], "HostConfig": {}}'''
capture = { cid = "/body/json/Id" }
names = { warning = "/body/json/Warnings/0" }

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
id = "put"
request = "PUT /containers/${cid}/archive?path=/"
tar = [{ path = "a.txt", text = "x", mode = "0600" }, { path = "d/" }]

[[steps]]
id = "load"
request = "POST /images/load"
file = "fixtures/contexts/image.tar"

[[steps]]
id = "odd"
raw = "GET /vfoo/../info"
"#;

/// A divergence without mistakes.
pub const KNOWN: &str = r#"
title = "Ignores it"
kind = "omission"
why = "It does not know the option."
when = { release = ">=0.1, <0.8", api = ">=1.20", reference = "docker >=20.10", world = "default" }
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

[[observations]]
scenario = "area/good"
at = "attached/time"
candidate = { ratio = ">=2" }
"#;

/// A suite file without mistakes.
pub const SUITE: &str = r#"
api = ["1.21", "1.24"]

[deadlines]
request = 30
until = 15

[worlds.default]
title = "What most see"
file = "fixtures/simulator/default.toml"

[worlds."0.3"]
title = "As it was"
release = "0.3"
file = "fixtures/simulator/0.3.toml"
"#;

const UNOBSERVABLE: &str = r#"
[[entries]]
id = "never-seen"
reason = "It is within."
"#;

const CATALOGUE: &str = r#"
format = 1

[[entries]]
slug = "never-seen"
area = "API method"

[[entries]]
slug = "known"
area = "files"
"#;

fn named(file: &str, text: &str) -> (String, String) {
    (file.to_owned(), text.to_owned())
}

fn files() -> SuiteFiles {
    let fixtures = [
        "fixtures/catalogue.toml",
        "fixtures/contexts/image.tar",
        "fixtures/simulator/0.3.toml",
        "fixtures/simulator/default.toml",
    ];
    SuiteFiles {
        options: None,
        rules: None,
        suite: Some(named("suites/suite.toml", SUITE)),
        scenarios: vec![named("suites/area/scenarios/good.toml", GOOD)],
        divergences: vec![named("suites/area/divergences/sdc-docker/known.toml", KNOWN)],
        unobservable: Some(named("suites/unobservable.toml", UNOBSERVABLE)),
        catalogue: Some(named("fixtures/catalogue.toml", CATALOGUE)),
        api: vec![named("fixtures/api/1.24.toml", coverage::FACTS)],
        unasked: Some(named("suites/unasked.toml", coverage::UNASKED)),
        own_tests: Some(named("suites/own-tests.toml", coverage::OWN_TESTS)),
        images: vec!["busybox".to_owned(), "server".to_owned()],
        fixtures: fixtures.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
    }
}

/// What is wrong: the text under the caret, the message, the help.
fn mistakes(files: &SuiteFiles) -> Vec<(String, String, String)> {
    let all = files.scenarios.iter().chain(&files.divergences).chain(&files.suite);
    let all = all.chain(&files.unobservable).chain(&files.catalogue);
    let all: Vec<_> = all.chain(&files.api).chain(&files.unasked).chain(&files.own_tests).collect();
    let found = load(files).err().unwrap_or_default().into_iter();
    let told = found.map(|mistake| {
        let text = all.iter().find(|(name, _)| *name == mistake.file).map_or("", |(_, text)| text.as_str());
        let spanned = mistake.span.map_or("-", |span| text.get(span).unwrap_or("?"));
        (spanned.to_owned(), mistake.message, mistake.help)
    });
    told.collect()
}

/// One edit of a good file, and the only mistake that it makes: what stands under the caret, the
/// message, and a part of the help.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn check(good: &str, rows: &[Row], files_of: impl Fn(String) -> SuiteFiles) {
    let mut failures = Vec::new();
    for (old, new, spanned, message, help) in rows {
        assert!(good.contains(old), "{old} is not in the good file");
        let found = mistakes(&files_of(good.replacen(old, new, 1)));
        let as_expected = matches!(found.as_slice(), [(its_span, its_message, its_help)]
            if its_span == spanned && its_message == message && its_help.contains(help));
        if !as_expected {
            failures.push(format!("{new}\n  wanted: {spanned:?} {message:?} {help:?}\n  found: {found:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_good_suite_loads_whole() {
    let suite = load(&files()).unwrap_or_else(|found| panic!("{found:#?}"));
    let scenario = &suite.scenarios[0];
    assert_eq!((scenario.id.0.as_str(), scenario.page.as_str()), ("area/good", "area"));
    let lines: Vec<usize> = scenario.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [6, 15, 21, 27, 31, 36, 41, 46]);
    let Action::Stream(stream) = &scenario.steps[1].action else { panic!() };
    assert!(stream.upgrade && !stream.close_stdin);
    assert_eq!((stream.until_end.frames, stream.until_end.limit.as_secs()), (Some(2), 10));
    let Action::Exec(exec) = &scenario.steps[2].action else { panic!() };
    assert_eq!((exec.tty, exec.limit.as_secs()), (false, 15));
    let Action::Request(put) = &scenario.steps[5].action else { panic!() };
    let Body::Tar(entries) = &put.body else { panic!() };
    assert_eq!(entries.iter().map(|entry| entry.mode).collect::<Vec<_>>(), [0o600, 0o755]);

    let divergence = &suite.divergences[0];
    assert_eq!((divergence.page.as_str(), divergence.review_by.as_deref()), ("area", Some("2027-06-01")));
    let [one, two, three, four] = divergence.observations.as_slice() else { panic!() };
    let Scope::Scenario { part, step: Some(step), .. } = &one.scope else { panic!() };
    assert_eq!(
        (step.0.as_str(), part.as_str(), one.at.to_string().as_str()),
        ("ls", "inspect", "/body/json/ExitCode")
    );
    assert!(one.candidate.accepts(Some(&serde_json::Value::Null)));
    assert_eq!(one.line, 9);
    assert!(
        matches!(two.scope, Scope::Route(_))
            && two.reference.accepts(Some(&serde_json::from_str("201").unwrap()))
    );
    assert!(
        matches!(&three.scope, Scope::Scenario { step: None, .. })
            && matches!(three.candidate, Matcher::Absent)
    );
    assert!(matches!(four.candidate, Matcher::Ratio(_)));
    assert_eq!(suite.settings.worlds["0.3"].release.as_ref().unwrap().to_string(), "0.3");
    assert_eq!((suite.unobservable.len(), suite.catalogue.len()), (1, 2));
}

#[test]
fn comments_titles_and_layout_do_not_change_the_fingerprint_and_steps_do() {
    let print = |text: &str| {
        let files = SuiteFiles { scenarios: vec![named("suites/area/scenarios/good.toml", text)], ..files() };
        load(&files).unwrap().scenarios[0].fingerprint.clone()
    };
    assert_eq!(print(GOOD), print(&format!("# A comment.\n\n{}", GOOD.replace("reports 3", "tells 3"))));
    assert_ne!(print(GOOD), print(&GOOD.replace("[\"false\"]", "[\"true\"]")));
    assert_eq!(print(GOOD).len(), 16);
}

#[test]
fn all_mistakes_of_a_file_come_at_once() {
    let broken = GOOD
        .replace("command = \"wait\"", "comand = \"wait\"")
        .replace("[\"image:busybox\"]", "[\"image:busybox\", \"may-krash\"]")
        .replace("POST /containers/create?", "POST /contaners/create?")
        .replace("\"HostConfig\": {}}", "\"HostConfig\": {},}")
        .replace("container = \"${cid}\"", "container = \"${cdi}\"")
        .replace("stdout = \"files\"", "stdout = \"filez\"")
        .replace("id = \"exited\"", "id = \"attached\"")
        .replace("seconds = 20", "seconds = \"20\"");
    let files = SuiteFiles { scenarios: vec![named("suites/area/scenarios/good.toml", &broken)], ..files() };
    let spans: Vec<String> = mistakes(&files).into_iter().map(|(span, ..)| span).collect();
    let expected = [
        "comand",
        "\"may-krash\"",
        "/contaners/create",
        "}",
        "${cdi}",
        "\"filez\"",
        "\"attached\"",
        "\"20\"",
    ];
    assert_eq!(spans, expected);
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let mut files = files();
    files.scenarios[0].1 = GOOD.replace("title", "titel");
    files.scenarios.push(named("suites/area/scenarios/other.toml", "title = \"no steps\"\n"));
    files.divergences[0].1 = KNOWN.replace("omission", "omision").replace("ls/inspect", "sl/inspect");
    files.suite = files.suite.map(|(name, text)| (name, text.replace("until", "untill")));
    files.unobservable = files.unobservable.map(|(name, text)| (name, text.replace("reason", "raeson")));
    files.catalogue = files.catalogue.map(|(name, text)| (name, text.replace("format = 1", "format = 2")));
    let found = mistakes(&files);
    let messages: Vec<&str> = found.iter().map(|(_, message, _)| message.as_str()).collect();
    let expected = [
        "unknown key `untill`",
        "unknown key `titel`",
        "`steps` is missing",
        "a catalogue of an unknown format",
        "unknown key `raeson`",
        "`omision` is no kind",
    ];
    assert_eq!(messages, expected, "of the steps of a scenario that does not load nothing is known");
}

#[test]
fn a_mistake_is_shown_with_file_line_caret_and_help() {
    let broken = GOOD.replacen("container = \"${cid}\"", "container = \"${cdi}\"", 1);
    let files = SuiteFiles { scenarios: vec![named("suites/area/scenarios/good.toml", &broken)], ..files() };
    let found = load(&files).unwrap_err();
    insta::assert_snapshot!(found[0].render(&broken, 100, false), @r#"
     × suites/area/scenarios/good.toml: `${cdi}` is not captured
       ╭─[suites/area/scenarios/good.toml:23:23]
    22 │ id = "ls"
    23 │ exec = { container = "${cdi}", cmd = ["ls", "/"] }
       ·                       ───┬──
       ·                          ╰── here
    24 │ view = { stdout = "files" }
       ╰────
     help: did you mean `${cid}`?
    "#);
}
