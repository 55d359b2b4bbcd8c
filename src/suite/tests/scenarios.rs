//! Every mistake that a scenario file can hold, with the text that its caret stands under.

use super::{GOOD, Row, SuiteFiles, check, files, mistakes, named};

pub fn with(text: String) -> SuiteFiles {
    SuiteFiles { scenarios: vec![named("suites/area/scenarios/good.toml", &text)], ..files() }
}

#[test]
fn the_head() {
    let rows: &[Row] = &[
        (
            "command",
            "comand",
            "comand",
            "unknown key `comand`",
            "did you mean `command`? Known here: title, page",
        ),
        ("command = \"wait\"", "cmd = \"wait\"", "cmd", "unknown key `cmd`", "nown here: title"),
        (
            "command = \"wait\"",
            "capture = { x = \"/status\" }",
            "capture",
            "unknown key `capture`",
            "`capture` belongs to a step: write it below a [[steps]]",
        ),
        (
            "command = \"wait\"",
            "command = 3",
            "3",
            "`command` expects a string, found an integer",
            "write command = \"text\"",
        ),
        (
            "command = \"wait\"",
            "exclusive = \"yes\"",
            "\"yes\"",
            "`exclusive` expects true or false, found a string",
            "write exclusive = true",
        ),
        (
            "command = \"wait\"",
            "repetitions = -3",
            "-3",
            "`repetitions` expects a whole number from 0 up, found a negative number",
            "write repetitions = 3",
        ),
        ("command = \"wait\"", "repetitions = 0", "0", "`repetitions` is 0", "leave it out to run once"),
        (
            "command = \"wait\"",
            "repetitions = 5\nexclusive = false",
            "false",
            "`repetitions` and `exclusive = false` exclude each other",
            "leave `exclusive` out",
        ),
        ("A container that exits with 3 reports 3", " ", "\" \"", "`title` is empty", "say in a sentence"),
        (
            "title = \"A container that exits with 3 reports 3\"\n",
            "",
            "",
            "`title` is missing",
            "say in a sentence",
        ),
        (
            "command = \"wait\"",
            "api = [\"v1.24\"]",
            "\"v1.24\"",
            "`v1.24` is no API version",
            "without a `v`",
        ),
        ("command = \"wait\"", "api = [\"2.1\"]", "\"2.1\"", "`2.1` is no API version", "as in \"1.21\""),
        ("command = \"wait\"", "api = []", "[]", "`api` is empty", "nothing would run"),
        (
            "command = \"wait\"",
            "api = [1.21]",
            "1.21",
            "`api` expects strings, found a float",
            "all that stands in `api` are strings",
        ),
        (
            "command = \"wait\"",
            "api = [\"1.21\", \"1.21\"]",
            "\"1.21\"",
            "`1.21` stands here twice",
            "remove one",
        ),
        (
            "[\"image:busybox\"]",
            "[\"image:bsybox\"]",
            "\"image:bsybox\"",
            "there is no image `bsybox`",
            "did you mean `image:busybox`? There are: image:busybox, image:server, may-crash, registry, linux-host, own-engine",
        ),
        (
            "[\"image:busybox\"]",
            "[\"image:busybox\", \"docker\"]",
            "\"docker\"",
            "`docker` is no capability",
            "There are: image:busybox, image:server, may-crash",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn names_and_kinds_of_steps() {
    let rows: &[Row] = &[
        ("id = \"odd\"\n", "", "[[steps]]", "`id` is missing", "id = \"create\""),
        ("id = \"odd\"", "id = \"o d\"", "\"o d\"", "`o d` is no name for a step", "letters, digits"),
        (
            "id = \"ls\"",
            "id = \"create\"",
            "\"create\"",
            "`create` is the name of the step in line 6 already",
            "another name",
        ),
        ("raw = \"GET /vfoo/../info\"", "", "[[steps]]", "the step does nothing", "`request`, `raw`, `exec`"),
        (
            "raw = \"GET /vfoo/../info\"",
            "request = \"GET /info\"\nraw = \"GET /info\"",
            "raw",
            "the step does 2 things: request and raw",
            "make two steps",
        ),
        ("exec = { container", "exce = { container", "exce", "unknown key `exce`", "did you mean `exec`?"),
        (
            "raw = \"GET /vfoo/../info\"",
            "raw = \"GET /vfoo/../info\"\nbackground = true",
            "background",
            "unknown key `background`",
            "`background` goes with `request` or `stream`",
        ),
        (
            "view = { stdout",
            "stdin = \"x\"\nview = { stdout",
            "stdin",
            "unknown key `stdin`",
            "`stdin` stands within the braces of exec = { ... }",
        ),
        (
            "raw = \"GET /vfoo/../info\"",
            "raw = \"GET /vfoo/../info\"\nneeds = []",
            "needs",
            "unknown key `needs`",
            "move it above the first [[steps]]",
        ),
        (
            "exec = { container = \"${cid}\",",
            "exec = { contaner = 1, container = \"${cid}\",",
            "contaner",
            "unknown key `contaner`",
            "did you mean `container`?",
        ),
        (
            "container = \"${cid}\", ",
            "",
            "{ cmd = [\"ls\", \"/\"] }",
            "`container` is missing",
            "container = \"${cid}\"",
        ),
        (", cmd = [\"ls\", \"/\"]", "", "{ container = \"${cid}\" }", "`cmd` is missing", "cmd = ["),
        (
            "[\"ls\", \"/\"]",
            "\"ls /\"",
            "\"ls /\"",
            "`cmd` expects a list of strings, found a string",
            "write cmd = [",
        ),
        ("[\"ls\", \"/\"]", "[\"ls\", 1]", "1", "`cmd` expects strings, found an integer", ""),
        ("frames = 2", "frams = 2", "frams", "unknown key `frams`", "did you mean `frames`?"),
        ("frames = 2", "frames = 0", "0", "`frames` is 0", "leave it out"),
        (
            "stdout = \"files\"",
            "stdout = \"filez\"",
            "\"filez\"",
            "`filez` is no view",
            "did you mean `files`? There are: processes",
        ),
        (
            "stdout = \"files\"",
            "stdot = \"files\"",
            "stdot",
            "`stdot` cannot be viewed",
            "did you mean `stdout`?",
        ),
        (
            "stdout = \"files\"",
            "body = \"files\"",
            "body",
            "`body` cannot be viewed",
            "There are: stdout, stderr",
        ),
        (
            "[\"/start/stdout\"]",
            "[\"/stdout\"]",
            "\"/stdout\"",
            "`/stdout` names no part of the exec",
            "/create/status",
        ),
        ("[\"/start/stdout\"]", "[]", "[]", "`compare` is empty", "leave it out"),
        (
            "[\"/start/stdout\"]",
            "[\"start/stdout\"]",
            "\"start/stdout\"",
            "`start/stdout` is no pointer",
            "starts with `/`",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn background_and_join() {
    let rows: &[Row] = &[
        (
            "join = \"attach\"",
            "join = \"atach\"",
            "\"atach\"",
            "`atach` is no background step",
            "did you mean `attach`?",
        ),
        (
            "join = \"attach\"",
            "raw = \"GET /x\"",
            "background",
            "`attach` is never joined",
            "join = \"attach\"",
        ),
        (
            "raw = \"GET /vfoo/../info\"",
            "join = \"attach\"",
            "\"attach\"",
            "`attach` is joined in line 27 already",
            "a step ends once",
        ),
        (
            "raw = \"GET /vfoo/../info\"",
            "join = \"create\"",
            "\"create\"",
            "`create` does not run in the background",
            "give the step in line 6 background = true",
        ),
        (
            "raw = \"GET /vfoo/../info\"",
            "join = \"odd\"",
            "\"odd\"",
            "`odd` is not running yet",
            "a join comes after",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn variables() {
    let rows: &[Row] = &[
        (
            "capture = { cid",
            "capture = { other = \"/status\", cid",
            "other",
            "`other` is captured and never used",
            "use it as ${other} in a later step, or move it to `names`",
        ),
        (
            "container = \"${cid}\"",
            "container = \"${cdi}\"",
            "${cdi}",
            "`${cdi}` is not captured",
            "did you mean `${cid}`?",
        ),
        (
            "GET /vfoo/../info",
            "GET /${warning}",
            "${warning}",
            "`${warning}` is not captured",
            "the step `create` in line 6 lists it under `names`",
        ),
        (
            "id = \"exited\"",
            "id = \"exited\"\nheaders = { X = \"${state}\" }\ncapture = { state = \"/body/json/State\" }",
            "${state}",
            "`${state}` is not captured",
            "the step `exited` in line 31 captures it, which does not come before this one",
        ),
        (
            "/body/json/Id",
            "body/json/Id",
            "\"body/json/Id\"",
            "`body/json/Id` is no pointer",
            "starts with `/`",
        ),
        (
            "{ cid =",
            "{ run = \"/status\", cid =",
            "run",
            "`run` cannot be the name of a capture",
            "something else",
        ),
        ("{ warning =", "{ \"a b\" =", "\"a b\"", "`a b` cannot be the name of a value", "letters, digits"),
        ("${name:it}", "${nam:it}", "${nam:it}", "`${nam:it}` is no variable", "did you mean `${name:it}`?"),
        ("${name:it}", "${na me}", "${na me}", "`${na me}` is no variable", "names are letters, digits"),
        ("GET /vfoo/../info", "GET /${cid", "${cid", "`${` without a closing brace", "close it with `}`"),
        (
            "cmd = [\"ls\", \"/\"]",
            "cmd = [\"ls\", \"${image:server}\"]",
            "${image:server}",
            "the scenario does not need the image `server`",
            "write needs = [\"image:server\"]",
        ),
        (
            "${image:busybox}",
            "${image:busibox}",
            "${image:busibox}",
            "there is no image `busibox`",
            "did you mean `busybox`? There are: busybox, server",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn a_capture_of_a_later_step_is_told_from_none() {
    let moved = GOOD.replacen(
        "id = \"create\"\n",
        "id = \"early\"\nrequest = \"GET /containers/${cid}/json\"\n\n[[steps]]\nid = \"create\"\n",
        1,
    );
    let found = mistakes(&with(moved));
    let [(span, message, help)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((span.as_str(), message.as_str()), ("${cid}", "`${cid}` is not captured"));
    assert_eq!(help, "the step `create` in line 10 captures it, which does not come before this one");
}

#[test]
fn what_is_no_toml_and_what_lies_elsewhere() {
    let found = mistakes(&with(GOOD.replacen("command = \"wait\"", "command = wait", 1)));
    let [(span, message, help)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(span, "wait");
    assert!(message.contains("quoted"), "{message}");
    assert!(help.contains("texts stand in quotes"), "{help}");

    let twice = mistakes(&with(format!("title = \"once\"\n{GOOD}")));
    assert!(twice[0].2.contains("a key stands once in a table"), "{twice:?}");

    let elsewhere =
        SuiteFiles { scenarios: vec![named("suites/area/good.toml", GOOD)], divergences: vec![], ..files() };
    let found = mistakes(&elsewhere);
    assert_eq!(found[0].1, "the file lies at no known place");
    assert!(found[0].2.contains("suites/<area>/scenarios/<name>.toml"));
    let empty = mistakes(&with("title = \"x\"\nsteps = []\n".to_owned()));
    assert!(
        empty.iter().any(|(span, message, _)| span == "[]" && message == "there are no steps"),
        "{empty:?}"
    );
}
