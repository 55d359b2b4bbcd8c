//! An answer as lines, with tokens in the place of ids, times, addresses and lengths.

use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::asking::Answer;
use super::recorded::Exchange;

/// What stands for what, in order. A token says what was there, no more.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"/zones/[0-9a-f-]{36}/volumes/[0-9a-f-]{36}", "<zone volume>"),
        (r"(req(?:_id:)? )?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "$1<uuid>"),
        (r"[0-9a-f]{64}", "<64 hex>"),
        (r#""Hostname":"[0-9a-f]{12}""#, r#""Hostname":"<12 hex>""#),
        (r"0001-01-01T00:00:00Z", "<no time>"),
        (r#""(StartedAt|FinishedAt)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z""#, r#""$1":"<second>""#),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<millisecond>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "<nanosecond>"),
        // Gateway and length of the prefix say of which network it is; it runs beneath.
        (r#""IPAddress":"\d+\.\d+\.\d+\.\d+""#, r#""IPAddress":"<address>""#),
        (r"\b192\.168\.1\d\d\.\d+\b", "<fabric address>"),
        (r"\b192\.0\.2\.\d+\b", "<external address>"),
        (r"\b198\.51\.100\.\d+\b", "<public address>"),
        (r"\b172\.\d+\.\d+\.\d+\b", "<address beneath>"),
        (r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "<mac>"),
        (r#""Created":\d+"#, r#""Created":<time>"#),
        (r#""(Virtual)?Size":\d+"#, r#""${1}Size":<size>"#),
        (r"(Less than a second|\d+ seconds)", "<seconds>"),
        (r#""Name":"/[a-z]+_[a-z]+""#, r#""Name":"/<generated name>""#),
        (r#""(Containers|Images)":\d+"#, r#""$1":<count>"#),
        (r#""Pid":[1-9]\d*"#, r#""Pid":<pid>"#),
    ]
    .into_iter()
    .map(|(pattern, token)| (Regex::new(pattern).unwrap(), token))
    .collect()
});

pub fn tokens(answer: &Answer, exchange: &Exchange) -> String {
    let Some(status) = answer.status else { return "no answer\n".to_owned() };
    let mut lines = format!("{status} {}\n", answer.reason);
    for (name, value) in &answer.headers {
        lines.push_str(&format!("{name}: {}\n", header(answer, name, value, exchange)));
    }
    lines + "\n" + &body(answer, exchange)
}

fn header(answer: &Answer, name: &str, value: &str, exchange: &Exchange) -> String {
    match name.to_ascii_lowercase().as_str() {
        "date" if value.ends_with(" GMT") => "<date>".to_owned(),
        "x-request-id" if value.len() == 36 => "<uuid>".to_owned(),
        "x-response-time" if value.parse::<u64>().is_ok() => "<milliseconds>".to_owned(),
        "content-length" if exchange.method == "HEAD" => "<length>".to_owned(),
        "content-length" if value.parse() == Ok(answer.body.len()) => "<length>".to_owned(),
        "x-docker-container-path-stat" => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            let decoded = replaced(&String::from_utf8_lossy(&decoded));
            let size = Regex::new(r#""size":\d+"#).unwrap();
            size.replace(&decoded, r#""size":<size>"#).into_owned()
        }
        _ => value.to_owned(),
    }
}

fn replaced(text: &str) -> String {
    RULES.iter().fold(text.to_owned(), |text, (rule, token)| rule.replace_all(&text, *token).into_owned())
}

fn body(answer: &Answer, exchange: &Exchange) -> String {
    let route = exchange.path.split('?').next().unwrap_or_default();
    if answer.header("content-type").is_some_and(|kind| kind.contains("tar")) {
        // What is in a file system is not sdc-docker's; that it is an archive is.
        return match answer.body.get(257..262) {
            Some(b"ustar") => "<tar>".to_owned(),
            _ if answer.body.iter().all(|byte| *byte == 0) => format!("{} zeros", answer.body.len()),
            _ => "no tar".to_owned(),
        };
    }
    if answer.header("content-type") == Some("application/vnd.docker.raw-stream") {
        return frames(&answer.body);
    }
    let text = replaced(&answer.text());
    if route.ends_with("/top") {
        // The cells of the processes are the platform's numbers.
        let cells = Regex::new(r#""-?\d+""#).unwrap();
        return by_line(&cells.replace_all(&text, "\"<number>\""));
    }
    if route.ends_with("/stats") {
        let first = text.split("\r\n").next().unwrap_or_default();
        let number = Regex::new(r":\d+").unwrap();
        let list = Regex::new(r#""percpu_usage":\[[\d,]*\]"#).unwrap();
        return by_line(
            &list.replace_all(&number.replace_all(first, ":<number>"), "\"percpu_usage\":<list>"),
        );
    }
    by_line(&text)
}

/// The frames, those of standard output first: which of two pipes is read first is chance.
fn frames(mut body: &[u8]) -> String {
    let mut streams = [String::new(), String::new(), String::new()];
    while let [stream @ 0..=2, 0, 0, 0, a, b, c, d, rest @ ..] = body {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let payload = &rest[..length.min(rest.len())];
        let text = replaced(&String::from_utf8_lossy(payload));
        streams[usize::from(*stream)].push_str(&format!("{stream} {length} {text:?}\n"));
        body = &rest[payload.len()..];
    }
    format!("{}rest {:?}\n", streams.concat(), String::from_utf8_lossy(body))
}

/// A member or an element a line, for short differences.
fn by_line(text: &str) -> String {
    text.replace(",\"", ",\n\"").replace(",{", ",\n{") + "\n"
}
