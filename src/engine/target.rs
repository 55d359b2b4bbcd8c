//! Request targets: encoding what may not stand in one, and telling which of them a URL library
//! would rewrite. Knows no connection.

use std::fmt::Write as _;

/// Percent-encodes exactly the bytes that may not stand in a request target (RFC 3986), and
/// nothing else: `%`, `..` and `//` stay as they are.
pub fn encode(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'`' => escape(byte, &mut encoded),
            0x21..=0x7e => encoded.push(char::from(byte)),
            0..=0x20 | 0x7f..=0xff => escape(byte, &mut encoded),
        }
    }
    encoded
}

/// Percent-encodes everything in a value of a query that is not unreserved.
pub fn encode_value(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => escape(byte, &mut encoded),
        }
    }
    encoded
}

fn escape(byte: u8, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

/// The URL of a target, if the library sends exactly this target.
pub(super) fn unchanged_url(host: &str, target: &str) -> Option<reqwest::Url> {
    if target.contains('#') {
        return None;
    }
    let url = reqwest::Url::parse(&format!("http://{host}{target}")).ok()?;
    let sent = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    (sent == target && target.starts_with('/')).then_some(url)
}

/// The first value of a parameter in a target's query, decoded.
pub fn parameter(target: &str, name: &str) -> Option<String> {
    parameters(target, name).into_iter().next()
}

/// All values of a parameter in a target's query, decoded.
pub fn parameters(target: &str, name: &str) -> Vec<String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(value)).collect()
}

/// Text without its percent escapes; a plus sign is a space.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_not_stand_in_a_target_is_encoded() {
        let table = [
            ("/a/../b//c?x=%20&y=a+b'(),:;@", "/a/../b//c?x=%20&y=a+b'(),:;@"),
            (r#"/x?filters={"a":["b c"]}"#, "/x?filters=%7B%22a%22:[%22b%20c%22]%7D"),
            ("/ä\n\\^`|<>", "/%C3%A4%0A%5C%5E%60%7C%3C%3E"),
        ];
        for (target, encoded) in table {
            assert_eq!(encode(target), encoded);
            assert_eq!(encode(encoded), encoded);
        }
    }

    #[test]
    fn targets_that_a_url_library_rewrites_are_seen() {
        let kept = ["/v1.24/info", "/a//b?x=1&y=%7B%22a%22%7D", "/a?", "/a?x=[1]"];
        let changed = ["/a/../b", "/./a", "/a/%2e%2e/b", "/a?x='1'", "/a#b", "info", "*", "/a\\b", "/a b"];
        for target in kept {
            assert!(unchanged_url("localhost", target).is_some(), "{target}");
        }
        for target in changed {
            assert!(unchanged_url("localhost", target).is_none(), "{target}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let target = "/build?t=a%3Ab&t=c+d&q&labels=";
        assert_eq!(parameters(target, "t"), ["a:b", "c d"]);
        assert_eq!(parameter(target, "q").as_deref(), Some(""));
        assert_eq!(parameter(target, "x"), None);
    }
}
