//! Secrets are taken out of a request and of what answers it before these are kept.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::engine::command::DOCKER;
use crate::exchange::{Answer, Bytes, Sent};

const SECRET_HEADERS: [&str; 4] = ["x-registry-auth", "x-registry-config", "authorization", "cookie"];
/// What stands for a secret.
pub const SCRUBBED: &str = "<secret>";

static SECRET_MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#"(?i)("(?:password|auth|identitytoken|registrytoken)"\s*:\s*)"(?:[^"\\]|\\.)*""#;
    Regex::new(text).expect("a constant pattern")
});

static SAME_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)"username"\s*:\s*"((?:[^"\\]|\\.)*)""#).expect("a constant pattern"));

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"((?:^| )(?:-p[ =]?|--password[ =]))('[^']*'|\S+)").expect("a constant pattern")
});

/// The request without its secrets.
pub fn scrubbed(mut sent: Sent) -> Sent {
    for (name, value) in &mut sent.headers {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) && !value.is_empty() {
            *value = SCRUBBED.to_owned();
        }
    }
    if sent.method == DOCKER && sent.target.starts_with("login ") {
        sent.target = PASSWORD.replace_all(&sent.target, format!("${{1}}{SCRUBBED}")).into_owned();
        if !sent.body.0.is_empty() {
            sent.body = Bytes(SCRUBBED.into());
        }
    }
    if is_auth(&sent) && !sent.body.0.is_empty() {
        let replacement = format!("${{1}}\"{SCRUBBED}\"");
        // What is no JSON may be anything.
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&sent.body.0).is_ok();
        sent.body = match std::str::from_utf8(&sent.body.0).ok().filter(|_| is_json) {
            Some(text) => {
                Bytes(SECRET_MEMBER.replace_all(text, replacement.as_str()).into_owned().into_bytes())
            }
            None => Bytes(SCRUBBED.into()),
        };
    }
    sent
}

/// Shorter ones are words that stand everywhere.
const SHORTEST: usize = 8;

/// The answer without the secrets that its request carried: an engine may repeat them. Each becomes as
/// many asterisks, so that frames and lengths stay true.
pub fn scrubbed_answer(mut answer: Answer, sent: &Sent) -> Answer {
    let secrets = secrets_of(sent);
    let text = |text: &mut String| {
        for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())).collect::<Vec<_>>() {
            *text = text.replace(secret.as_str(), &"*".repeat(secret.len()));
        }
    };
    text(&mut answer.reason);
    answer.headers.iter_mut().for_each(|(_, value)| text(value));
    for secret in &secrets {
        mask(&mut answer.body.0, secret.as_bytes());
    }
    // What a registry gives for the password is as good as the password.
    if is_auth(sent)
        && let Ok(text) = std::str::from_utf8(&answer.body.0)
        && let std::borrow::Cow::Owned(scrubbed) = SECRET_MEMBER.replace_all(text, |found: &Captures<'_>| {
            let is_empty = found[0].ends_with("\"\"");
            if is_empty { found[0].to_owned() } else { format!("{}\"{SCRUBBED}\"", &found[1]) }
        })
    {
        answer.body = Bytes(scrubbed.into_bytes());
    }
    answer
}

fn is_auth(sent: &Sent) -> bool {
    sent.target.split('?').next().unwrap_or_default().trim_end_matches('/').ends_with("/auth")
}

fn mask(bytes: &mut [u8], secret: &[u8]) {
    let mut at = 0;
    while at + secret.len() <= bytes.len() {
        if bytes[at..].starts_with(secret) {
            bytes[at..at + secret.len()].fill(b'*');
            at += secret.len();
        } else {
            at += 1;
        }
    }
}

/// What a request carries that is to be kept nowhere, longest first: headers as they are, and the
/// passwords and tokens within them and within the body of a login.
fn secrets_of(sent: &Sent) -> Vec<String> {
    let mut secrets = Vec::new();
    for (name, value) in &sent.headers {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let encoded = value.split(' ').next_back().unwrap_or_default();
            secrets.extend([value.clone(), encoded.to_owned()]);
            if let Some(text) = decoded(encoded) {
                secrets.extend(text.split_once(':').map(|(_, password)| password.to_owned()));
                secrets.extend(members(&text));
            }
        }
    }
    if is_auth(sent) {
        let text = sent.body.lossy();
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        secrets.extend(if is_json { members(&text) } else { vec![text.into_owned()] });
    }
    secrets.retain(|secret| secret.len() >= SHORTEST);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    secrets
}

/// Base64 of either alphabet, padded or not.
fn decoded(text: &str) -> Option<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    String::from_utf8(STANDARD_NO_PAD.decode(plain).ok()?).ok()
}

/// The secret members of a JSON text, as they are and as they are written there. A password that is
/// the name of its user is none.
fn members(text: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    for found in SECRET_MEMBER.captures_iter(text) {
        let written = found[0][found[1].len()..].trim_matches('"').to_owned();
        let meant = serde_json::from_str::<String>(&format!("\"{written}\"")).unwrap_or_default();
        let is_a_name = SAME_NAME.captures_iter(text).any(|name| name[1] == *written);
        if !is_a_name {
            secrets.extend([written, meant]);
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_keeps_no_password() {
        let table = [
            ("login -u u -p 'two words' host", "login -u u -p <secret> host"),
            ("login --password=x host", "login --password=<secret> host"),
            ("login --password-stdin host", "login --password-stdin host"),
            ("run -p 80:80 x", "run -p 80:80 x"),
        ];
        for (line, told) in table {
            let (method, target) = (DOCKER.to_owned(), line.to_owned());
            let sent = scrubbed(Sent { method, target, headers: Vec::new(), body: Bytes("pw".into()) });
            assert_eq!(sent.target, told);
            assert_eq!(sent.body.lossy() == "<secret>", line.starts_with("login"));
        }
    }

    #[test]
    fn secrets_do_not_stay() {
        let sent = Sent {
            method: "POST".to_owned(),
            target: "/v1.24/auth".to_owned(),
            headers: vec![
                ("X-Registry-Auth".to_owned(), "e30=".to_owned()),
                ("Host".to_owned(), "h".to_owned()),
            ],
            body: Bytes(br#"{"username":"u","Password" : "p\"w","x":1}"#.to_vec()),
        };
        let sent = scrubbed(sent);
        assert_eq!(sent.headers[0].1, "<secret>");
        assert_eq!(sent.headers[1].1, "h");
        assert_eq!(sent.body.lossy(), r#"{"username":"u","Password" : "<secret>","x":1}"#);
    }

    #[test]
    fn secrets_that_come_back_do_not_stay_either() {
        let config = r#"{"hub":{"username":"somebody","password":"canary-one"}}"#;
        let encoded = {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE.encode(config)
        };
        let sent = Sent {
            method: "POST".to_owned(),
            target: "/v1.24/auth?x=1".to_owned(),
            headers: vec![("X-Registry-Config".to_owned(), encoded.clone())],
            body: Bytes(
                br#"{"username":"divergence","password":"divergence","auth":"canary\"two"}"#.to_vec(),
            ),
        };
        let echo = format!("canary-one {encoded} canary\"two canary\\\"two divergence");
        let answer = Answer {
            status: 200,
            reason: "canary-one".to_owned(),
            headers: vec![("X".to_owned(), encoded)],
            body: Bytes(
                format!("{echo} {{\"IdentityToken\":\"abc\"}}{{\"IdentityToken\":\"\"}}").into_bytes(),
            ),
            end: None,
        };
        let length = answer.body.0.len();
        let kept = scrubbed_answer(answer, &sent);
        let text = format!("{} {} {}", kept.reason, kept.headers[0].1, kept.body.lossy());
        assert!(!text.contains("canary") && !text.contains("eyJ"), "{text}");
        assert!(text.contains("divergence"), "a password that is a user's name is a word: {text}");
        assert!(text.ends_with(r#"{"IdentityToken":"<secret>"}{"IdentityToken":""}"#), "{text}");
        assert_eq!(kept.body.0.len(), length - "abc".len() + "<secret>".len());
    }

    #[test]
    fn a_login_that_is_no_json_is_kept_as_a_secret() {
        let body = Bytes(b"password=canary".to_vec());
        let sent = Sent { method: "POST".to_owned(), target: "/auth/".to_owned(), headers: Vec::new(), body };
        assert_eq!(scrubbed(sent).body.lossy(), "<secret>");
    }
}
