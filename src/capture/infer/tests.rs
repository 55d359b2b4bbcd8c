use super::*;
use crate::capture::observed::Kept;
use crate::capture::write::{Head, scenario};
use crate::exchange::{Answer, Bytes, Sent};
use crate::suite::{SuiteFiles, load};

const ID: &str = "0123456789ab0123456789ab0123456789ab0123456789ab0123456789ab0123";

fn kept(text: &str) -> Kept {
    Kept { bytes: text.into(), length: text.len() as u64 }
}

/// One exchange.
pub fn seen(request: &str, body: &str, status: u16, answer: &str) -> Observed {
    let (method, target) = request.split_once(' ').unwrap();
    let headers = vec![("User-Agent".to_owned(), "x".to_owned()), ("Host".to_owned(), "docker".to_owned())];
    Observed {
        sent: Sent { method: method.to_owned(), target: target.to_owned(), headers, body: Bytes::default() },
        asked: kept(body),
        answer: Some(Answer {
            status,
            reason: String::new(),
            headers: Vec::new(),
            body: Bytes::default(),
            end: None,
        }),
        answered: kept(answer),
        stdin: Kept::default(),
        closed_stdin: false,
        tunnel: false,
        left: false,
        began: 0,
        ended: None,
        millis: 1,
    }
}

/// One after the other, but for those that end only after so many more have.
fn in_order(rows: Vec<(Observed, u64)>) -> Vec<Observed> {
    let timed = rows.into_iter().enumerate().map(|(at, (mut seen, later))| {
        let at = at as u64 * 10;
        seen.began = at + 1;
        seen.ended = Some(at + later * 10 + if later == 0 { 5 } else { 7 });
        seen
    });
    timed.collect()
}

/// The file of these exchanges, which loads.
fn written(rows: Vec<(Observed, u64)>) -> (String, Vec<String>) {
    let images = BTreeMap::from([("busybox".to_owned(), "busybox".to_owned())]);
    let draft = draft(in_order(rows), &images);
    let text = scenario(&draft, &Head { title: "It answers", command: None, files: "captured-it" });
    let mut files = SuiteFiles {
        scenarios: vec![("suites/captured/scenarios/it.toml".to_owned(), text.clone())],
        images: vec!["busybox".to_owned()],
        suite: Some(("suites/suite.toml".to_owned(), "api = [\"1.21\"]\n".to_owned())),
        ..SuiteFiles::default()
    };
    files.fixtures.extend(
        draft
            .files
            .iter()
            .map(|(step, extension, _)| crate::capture::write::file_of("captured-it", step, extension)),
    );
    load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
    let steps = text.split_once("[[steps]]").map_or("", |(_, steps)| steps);
    (format!("[[steps]]{steps}"), draft.notes)
}

fn all(rows: Vec<Observed>) -> Vec<(Observed, u64)> {
    rows.into_iter().map(|seen| (seen, 0)).collect()
}

#[test]
fn a_run_with_input_becomes_steps_with_joins() {
    let created = format!("{{\"Id\":\"{ID}\",\"Warnings\":[]}}");
    let mut attach =
        seen(&format!("POST /v1.24/containers/{ID}/attach?stdin=1&stdout=1&stream=1"), "", 101, "out");
    attach.sent.headers.push(("Upgrade".to_owned(), "tcp".to_owned()));
    (attach.tunnel, attach.closed_stdin, attach.stdin) = (true, true, kept("hello\n"));
    let rows = vec![
        (seen("HEAD /_ping", "", 200, ""), 0),
        (
            seen(
                "POST /v1.24/containers/create?name=web",
                r#"{"Image":"busybox","Cmd":["cat"]}"#,
                201,
                &created,
            ),
            0,
        ),
        (attach, 2),
        (seen(&format!("POST /v1.24/containers/{ID}/start"), "", 204, ""), 0),
        (seen(&format!("POST /v1.24/containers/{ID}/wait"), "", 200, "{\"StatusCode\":0}"), 0),
        (seen("GET /v1.24/containers/web/json", "", 200, &format!("{{\"Id\":\"{ID}\"}}")), 0),
    ];
    let (text, notes) = written(rows);
    insta::assert_snapshot!(text, @r#"
    [[steps]]
    id = "create"
    request = "POST /containers/create?name=${name:web}"
    json = '''{"Image":"${image:busybox}","Cmd":["cat"]}'''
    capture = { cid = "/body/json/Id" }

    [[steps]]
    id = "attach"
    stream = "POST /containers/${cid}/attach?stdin=1&stdout=1&stream=1"
    stdin = "hello\n"
    close-stdin = true
    background = true

    [[steps]]
    id = "start"
    request = "POST /containers/${cid}/start"

    [[steps]]
    id = "wait"
    request = "POST /containers/${cid}/wait"

    [[steps]]
    id = "attach-end"
    join = "attach"

    [[steps]]
    id = "inspect"
    request = "GET /containers/${name:web}/json"
    "#);
    assert_eq!(notes, ["left out: /_ping, by which the client finds out the API version"]);
}

#[test]
fn only_polls_that_tell_their_end_are_folded() {
    let running = |is: bool| format!(r#"{{"State":{{"Running":{is},"Pid":{}}},"At":"{is}1"}}"#, u8::from(is));
    let get = |answer: &str| seen("GET /v1.24/containers/web/json", "", 200, answer);
    let polls = |answers: &[String]| {
        let create = seen("POST /v1.24/containers/create?name=web", "{}", 201, "{}");
        let (text, _) =
            written(all(std::iter::once(create).chain(answers.iter().map(|answer| get(answer))).collect()));
        let until = text.lines().find(|line| line.starts_with("until")).map(str::to_owned);
        (text.matches("[[steps]]").count() - 1, until)
    };
    let until = r#"until = { at = "/body/json/State/Running", is = false, seconds = 20 }"#;
    let table = [
        (vec![running(true), running(true), running(false)], 1, Some(until)),
        (vec![running(true), running(false)], 2, None),
        (vec![running(true), running(true), running(true)], 3, None),
        (vec!["{\"n\":1}".to_owned(), "{\"n\":2}".to_owned(), "{\"n\":3}".to_owned()], 3, None),
        (vec![running(true), running(false), running(true)], 3, None),
    ];
    for (answers, steps, until) in table {
        assert_eq!(polls(&answers), (steps, until.map(str::to_owned)), "{answers:?}");
    }
}

#[test]
fn values_are_captured_where_they_were_first_seen() {
    let other = ID.replace('0', "f");
    let exec = ID.replace('1', "e");
    let list = format!(r#"[{{"Id":"{other}","Names":["/db"]}}]"#);
    let rows = all(vec![
        seen("GET /v1.24/containers/json", "", 200, &list),
        seen(&format!("DELETE /v1.24/containers/{other}?force=1"), "", 204, ""),
        seen(
            "POST /v1.24/containers/create",
            r#"{"Image":"busybox:latest","HostConfig":{"Binds":["data:/x"]}}"#,
            201,
            &format!("{{\"Id\":\"{ID}\"}}"),
        ),
        seen(
            &format!("GET /v1.24/containers/{}/json", &ID[..12]),
            "",
            200,
            &format!(r#"{{"Id":"{ID}","Name":"/odd_name"}}"#),
        ),
        seen(
            "POST /v1.24/containers/odd_name/exec",
            r#"{"Cmd":["sh"]}"#,
            201,
            &format!("{{\"Id\":\"{exec}\"}}"),
        ),
        seen(&format!("POST /v1.24/exec/{exec}/start"), r#"{"Detach":true}"#, 200, ""),
        seen(
            "POST /v1.24/networks/create",
            r#"{"Name":"net"}"#,
            201,
            &format!("{{\"Id\":\"{}\"}}", ID.replace('2', "c")),
        ),
        seen(
            &format!("POST /v1.24/networks/{}/connect", ID.replace('2', "c")),
            &format!("{{\"Container\":\"{ID}\"}}"),
            200,
            "",
        ),
        seen("DELETE /v1.24/volumes/data", "", 204, ""),
        seen("DELETE /v1.24/images/theirs:1", "", 200, "[]"),
    ]);
    let (text, notes) = written(rows);
    insta::assert_snapshot!(text, @r#"
    [[steps]]
    id = "list"
    request = "GET /containers/json"

    [[steps]]
    id = "remove"
    request = "DELETE /containers/${name:unknown}?force=1"

    [[steps]]
    id = "create"
    request = "POST /containers/create"
    json = '''{"Image":"${image:busybox}","HostConfig":{"Binds":["${name:data}:/x"]}}'''
    capture = { cid = "/body/json/Id" }

    [[steps]]
    id = "inspect"
    request = "GET /containers/${cid}/json"

    [[steps]]
    id = "exec-create"
    request = "POST /containers/${cid}/exec"
    json = '''{"Cmd":["sh"]}'''
    capture = { exec = "/body/json/Id" }

    [[steps]]
    id = "exec-start"
    request = "POST /exec/${exec}/start"
    json = '''{"Detach":true}'''

    [[steps]]
    id = "network-create"
    request = "POST /networks/create"
    json = '''{"Name":"${name:net}"}'''
    capture = { network = "/body/json/Id" }

    [[steps]]
    id = "network-connect"
    request = "POST /networks/${network}/connect"
    json = '''{"Container":"${cid}"}'''

    [[steps]]
    id = "volume-remove"
    request = "DELETE /volumes/${name:data}"

    [[steps]]
    id = "image-remove"
    request = "DELETE /images/${name:theirs}:1"
    "#);
    insta::assert_snapshot!(notes.join("\n"), @r#"
    f123456789abf123456789abf123456789abf123456789abf123456789abf123 was there before: the scenario says ${name:unknown}, which nobody has, so that a run touches nothing of others
    the client wrote 0123456789ab for ${cid}, of which it is the beginning
    the client wrote odd_name, the name that the engine gave, where the scenario has ${cid}
    theirs was there before: the scenario says ${name:theirs}, which nobody has, so that a run touches nothing of others
    "#);
}

#[test]
fn what_is_unusual_is_sent_as_it_was() {
    let mut events = seen(
        r#"GET /v1.24/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D"#,
        "",
        200,
        "{\"Actor\":{\"Attributes\":{\"name\":\"odd_name\"}}}\n{\"a\":2}\n",
    );
    events.left = true;
    let mut push = seen("POST /v1.24/images/other/push?tag=", "", 200, "");
    push.sent.headers.push(("X-Registry-Auth".to_owned(), "e30=".to_owned()));
    let mut session = seen("POST /v1.24/session", "", 101, "");
    session.tunnel = true;
    let mut plain = seen("POST /v1.24/exec/e/start", "{}", 200, "");
    plain.tunnel = true;
    let mut binary = seen("PUT /v1.24/containers/c/archive?path=/", "", 200, "");
    binary.asked = Kept { bytes: vec![0xff, 0], length: 2 };
    let rows = all(vec![
        events,
        push,
        session,
        plain,
        binary,
        seen("GET /info", "", 200, "{}"),
        seen("POST /v1.24/containers/prune?filters=%7B%7D", "", 404, "page not found"),
        seen("GET /v1.20/version", "", 200, "{}"),
        seen("POST /v1.24/images/create?fromImage=busybox&tag=latest", "", 200, ""),
    ]);
    let (text, notes) = written(rows);
    insta::assert_snapshot!(text, @r#"
    [[steps]]
    id = "events"
    stream = 'GET /events?filters={"type":["container"]}'
    until-end = { frames = 2 }
    names = { given-name = "/messages/0/Actor/Attributes/name" }

    [[steps]]
    id = "image-push"
    request = "POST /images/other/push?tag="
    headers = { X-Registry-Auth = "e30=" }

    [[steps]]
    id = "exec-start"
    stream = "POST /exec/${name:e}/start"
    json = '''{}'''
    upgrade = false

    [[steps]]
    id = "put-archive"
    request = "PUT /containers/${name:c}/archive?path=/"
    file = "fixtures/captured/captured-it-put-archive.bin"

    [[steps]]
    id = "info"
    raw = "GET /info"

    [[steps]]
    id = "prune"
    raw = "POST /v1.24/containers/prune?filters=%7B%7D"

    [[steps]]
    id = "version"
    raw = "GET /v1.20/version"
    "#);
    insta::assert_snapshot!(notes.join("\n"), @r#"
    left out: POST /session, which takes the connection over for what is no Docker stream (BuildKit; DOCKER_BUILDKIT=0 does without)
    left out: /images/create?fromImage=busybox&tag=latest, since a run brings that image itself
    e was there before: the scenario says ${name:e}, which nobody has, so that a run touches nothing of others
    c was there before: the scenario says ${name:c}, which nobody has, so that a run touches nothing of others
    "#);
}

#[test]
fn only_pings_are_pings() {
    let (text, _) = written(all(vec![seen("HEAD /_ping", "", 200, ""), seen("GET /_ping", "", 200, "OK")]));
    assert!(text.contains("raw = \"HEAD /_ping\"") && text.contains("request = \"GET /_ping\""), "{text}");
}
