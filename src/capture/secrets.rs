//! Takes secrets out of what was seen, before anything of it is written. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use regex::Regex;
use serde_json::Value;

use super::observed::Observed;
use crate::engine::target::{encode_value, parameter};
use crate::run::scrub::{SCRUBBED, scrubbed};

/// The members of a login that nobody else may know.
const MEMBERS: [&str; 6] = ["password", "auth", "identitytoken", "registrytoken", "username", "email"];
/// `{}` in base64: the login of somebody who has none.
pub const NOBODY: &str = "e30=";

static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)"(\w*(?:passw|secret|token|api_?key|private_?key|credential)\w*)=[^"]"#)
        .expect("a constant pattern")
});

/// Takes out logins, and the values of these build arguments and variables, wherever they stand.
/// Gives the names of variables that look as if they held a secret and were not named.
pub fn scrub(seen: &mut [Observed], named: &[String]) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for exchange in seen.iter() {
        logins(exchange, &mut values);
        for name in named {
            named_values(exchange, name, &mut values);
        }
    }
    // The longest first: one may be a part of another.
    let mut values: Vec<String> = values.into_iter().filter(|value| value.len() > 2).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut suspects = BTreeSet::new();
    for exchange in seen.iter_mut() {
        let mut sent = exchange.sent.clone();
        sent.body.0.clone_from(&exchange.asked.bytes);
        let mut sent = scrubbed(sent);
        for (name, value) in &mut sent.headers {
            if value == SCRUBBED && name.to_ascii_lowercase().starts_with("x-registry-") {
                NOBODY.clone_into(value);
            }
        }
        sent.headers.retain(|(_, value)| value != SCRUBBED);
        let mut body = std::mem::take(&mut sent.body.0);
        for value in &values {
            sent.target =
                sent.target.replace(&encode_value(value), &encode_value(SCRUBBED)).replace(value, SCRUBBED);
            sent.headers.iter_mut().for_each(|(_, text)| *text = text.replace(value, SCRUBBED));
            body = without(body, value);
            exchange.stdin.change(|bytes| without(bytes, value));
        }
        if let Ok(text) = std::str::from_utf8(&body) {
            suspects.extend(TELLING.captures_iter(text).map(|found| found[1].to_owned()));
        }
        exchange.asked.change(|_| body);
        exchange.sent = sent;
    }
    suspects.retain(|name| !named.contains(name));
    suspects
}

/// Text without a value. In bytes that are no text, archives above all, lengths have to stay.
fn without(bytes: Vec<u8>, value: &str) -> Vec<u8> {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    let forms = [value, quoted.trim_matches('"')];
    let is_text = !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok();
    match String::from_utf8(bytes) {
        Ok(text) if is_text => {
            forms.iter().fold(text, |text, form| text.replace(form, SCRUBBED)).into_bytes()
        }
        Ok(text) => starred(text.into_bytes(), value.as_bytes()),
        Err(error) => starred(error.into_bytes(), value.as_bytes()),
    }
}

fn starred(mut bytes: Vec<u8>, value: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(value.len()).position(|window| window == value) {
        bytes[at + found..at + found + value.len()].fill(b'*');
        at += found + value.len();
    }
    bytes
}

fn logins(exchange: &Observed, values: &mut BTreeSet<String>) {
    for (name, value) in &exchange.sent.headers {
        if name.to_ascii_lowercase().starts_with("x-registry-") {
            let decoded = URL_SAFE.decode(value).or_else(|_| STANDARD.decode(value)).unwrap_or_default();
            members(&serde_json::from_slice(&decoded).unwrap_or_default(), values);
        }
    }
    if exchange.sent.target.split('?').next().unwrap_or_default().ends_with("/auth") {
        members(&serde_json::from_slice(&exchange.asked.bytes).unwrap_or_default(), values);
    }
}

fn members(login: &Value, values: &mut BTreeSet<String>) {
    match login {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if MEMBERS.contains(&key.to_ascii_lowercase().as_str()) => {
                        values.insert(text.clone());
                    }
                    deeper => members(deeper, values),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|one| members(one, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a build argument or a variable of this name is set to.
fn named_values(exchange: &Observed, name: &str, values: &mut BTreeSet<String>) {
    let arguments = parameter(&exchange.sent.target, "buildargs").unwrap_or_default();
    for text in [arguments.as_bytes(), exchange.asked.bytes.as_slice()] {
        set_to(&serde_json::from_slice(text).unwrap_or_default(), name, values);
    }
}

fn set_to(value: &Value, name: &str, values: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let set = text.split_once('=').filter(|(its_name, _)| *its_name == name);
            values.extend(set.map(|(_, value)| value.to_owned()));
        }
        Value::Array(list) => list.iter().for_each(|one| set_to(one, name, values)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == name => {
                        values.insert(text.clone());
                    }
                    deeper => set_to(deeper, name, values),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::infer::tests::seen;

    #[test]
    fn no_secret_stays() {
        let login = STANDARD.encode(r#"{"username":"jane-doe","password":"hunter2"}"#);
        let mut all = [
            seen(
                "POST /v1.24/auth",
                r#"{"username":"jane-doe","password":"hunter2","serveraddress":"r:5000"}"#,
                200,
                "",
            ),
            seen("POST /v1.24/images/r:5000%2Fjane-doe%2Fx/push?tag=hunter2", "", 200, ""),
            seen("POST /v1.24/build?buildargs=%7B%22KEY%22%3A%22s3%2Fcret%22%7D", "", 200, ""),
            seen(
                "POST /v1.24/containers/create",
                r#"{"Env":["KEY=s3/cret","DB_PASSWORD=x","A=1"],"Cmd":["s3/cret!"]}"#,
                201,
                "",
            ),
        ];
        all[1].sent.headers =
            vec![("X-Registry-Auth".to_owned(), login.clone()), ("X-Registry-Config".to_owned(), login)];
        all[2].asked.bytes = b"tar\0s3/cret\0".to_vec();
        all[2].asked.length = 12;
        let suspects = scrub(&mut all, &["KEY".to_owned()]);
        assert_eq!(suspects.into_iter().collect::<Vec<_>>(), ["DB_PASSWORD"]);
        let text: String = all
            .iter()
            .map(|each| {
                format!(
                    "{} {:?} {}\n",
                    each.sent.target,
                    each.sent.headers,
                    String::from_utf8_lossy(&each.asked.bytes)
                )
            })
            .collect();
        for secret in ["hunter2", "jane-doe", "s3/cret", "s3%2Fcret"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(all[1].sent.headers[0].1, NOBODY);
        assert_eq!(all[2].asked.bytes, b"tar\0*******\0");
        assert!(text.contains(r#"["KEY=<secret>","DB_PASSWORD=x","A=1"],"Cmd":["<secret>!"]"#), "{text}");
    }
}
