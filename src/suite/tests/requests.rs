//! Every mistake that a request of a step can hold, with the text that its caret stands under.

use super::scenarios::with;
use super::{GOOD, Row, check, load};

#[test]
fn request_lines() {
    let rows: &[Row] = &[
        (
            "POST /containers/create?",
            "POST /contaners/create?",
            "/contaners/create",
            "`POST /contaners/create` is no route of the Docker API",
            "did you mean `POST /containers/create`? Else a step with `raw` sends anything",
        ),
        (
            "GET /containers/${cid}/json",
            "GET /containers/${cid}/jsn",
            "/containers/${cid}/jsn",
            "`GET /containers/*/jsn` is no route of the Docker API",
            "did you mean `GET /containers/*/json`?",
        ),
        (
            "POST /containers/create?",
            "PUT /containers/create?",
            "PUT",
            "`PUT /containers/create` is no route of the Docker API",
            "Docker has this path for POST",
        ),
        (
            "POST /containers/create?",
            "POST /v1.24/containers/create?",
            "/v1.24",
            "`/v1.24` is a version prefix",
            "the runner adds the version of each case; a step with `raw`",
        ),
        (
            "POST /images/load",
            "Post /images/load",
            "Post",
            "`Post` is no HTTP method",
            "did you mean `POST`?",
        ),
        (
            "POST /images/load",
            "FETCH /images/load",
            "FETCH",
            "`FETCH` is no HTTP method",
            "there are: GET, HEAD",
        ),
        (
            "POST /images/load",
            "/images/load",
            "\"/images/load\"",
            "`/images/load` is no request line",
            "METHOD /path",
        ),
        (
            "POST /images/load",
            "POST  /images/load",
            " /images/load",
            "` /images/load` is no path",
            "one space",
        ),
        (
            "GET /containers/${cid}/json\"",
            "GET /containers/${cid}/json\"\nheaders = { X = 1 }",
            "1",
            "`headers` expects strings, found an integer",
            "",
        ),
        ("seconds = 20", "second = 20", "second", "unknown key `second`", "did you mean `seconds`?"),
        (
            "is = false, ",
            "",
            "{ at = \"/body/json/State/Running\", seconds = 20 }",
            "`is` is missing",
            "ends the wait",
        ),
        (
            "is = false",
            "is = 2027-01-01",
            "2027-01-01",
            "`is` expects a value, found a date",
            "the wait ends at",
        ),
        (
            "at = \"/body/json/State/Running\"",
            "at = \"State\"",
            "\"State\"",
            "`State` is no pointer",
            "starts with",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn bodies() {
    let rows: &[Row] = &[
        (
            "\"HostConfig\": {}}'''",
            "\"HostConfig\": {}'''",
            "}",
            "the body is no JSON: EOF while parsing an object",
            "write it as `text`",
        ),
        ("[\"false\"]", "[\"false\",]", "]", "the body is no JSON: trailing comma", "sent as it stands"),
        (
            "\"Cmd\": [\"false\"]",
            "\"Cmd\": [flase]",
            "l",
            "the body is no JSON: expected ident",
            "sent as it stands",
        ),
        (
            "file = \"fixtures/contexts/image.tar\"",
            "json = \"{\\\"a\\\": ${cid} x}\"",
            "x",
            "the body is no JSON: expected `,` or `}`",
            "",
        ),
        (
            "file = \"fixtures/contexts/image.tar\"",
            "text = \"x\"\njson = '{}'",
            "text",
            "the request has 2 bodies: json and text",
            "keep one",
        ),
        (
            "fixtures/contexts/image.tar",
            "fixtures/contexts/imag.tar",
            "\"fixtures/contexts/imag.tar\"",
            "there is no file `fixtures/contexts/imag.tar`",
            "did you mean `fixtures/contexts/image.tar`?",
        ),
        (
            "fixtures/contexts/image.tar",
            "contexts/image.tar",
            "\"contexts/image.tar\"",
            "there is no file `contexts/image.tar`",
            "did you mean `fixtures/contexts/image.tar`?",
        ),
        ("mode = \"0600\"", "mode = \"0900\"", "\"0900\"", "`0900` is no mode", "mode = \"0644\""),
        ("mode = \"0600\"", "mod = \"0600\"", "mod", "unknown key `mod`", "did you mean `mode`?"),
        (
            "path = \"a.txt\", ",
            "",
            "{ text = \"x\", mode = \"0600\" }",
            "`path` is missing",
            "in the archive",
        ),
        (
            "text = \"x\", mode",
            "text = \"x\", link = \"y\", mode",
            "link",
            "the entry is two things: text and link",
            "keep one",
        ),
        (
            "text = \"x\", ",
            "",
            "{ path = \"a.txt\", mode = \"0600\" }",
            "`a.txt` holds nothing",
            "write text",
        ),
        (
            "{ path = \"d/\" }",
            "{ path = \"d/\", text = \"x\" }",
            "text",
            "`d/` is a directory with `text`",
            "holds nothing",
        ),
    ];
    check(GOOD, rows, with);
}

#[test]
fn variables_in_json_stand_for_texts_and_for_values() {
    let body = "json = '{\"a\": \"x-${cid}\", \"b\": ${cid}, \"c\": [${run}]}'";
    let text = GOOD.replacen("file = \"fixtures/contexts/image.tar\"", body, 1);
    assert!(load(&with(text)).is_ok());
}
