//! Secrets are taken out of a request before it is kept.

use std::sync::LazyLock;

use regex::Regex;

use crate::exchange::{Bytes, Sent};

const SECRET_HEADERS: [&str; 4] = ["x-registry-auth", "x-registry-config", "authorization", "cookie"];
/// What stands for a secret.
pub const SCRUBBED: &str = "<secret>";

static SECRET_MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#"(?i)("(?:password|auth|identitytoken|registrytoken)"\s*:\s*)"(?:[^"\\]|\\.)*""#;
    Regex::new(text).expect("a constant pattern")
});

/// The request without its secrets.
pub fn scrubbed(mut sent: Sent) -> Sent {
    for (name, value) in &mut sent.headers {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) && !value.is_empty() {
            *value = SCRUBBED.to_owned();
        }
    }
    let path = sent.target.split('?').next().unwrap_or_default();
    if path.ends_with("/auth")
        && let Ok(text) = std::str::from_utf8(&sent.body.0)
    {
        let replacement = format!("${{1}}\"{SCRUBBED}\"");
        sent.body = Bytes(SECRET_MEMBER.replace_all(text, replacement.as_str()).into_owned().into_bytes());
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
