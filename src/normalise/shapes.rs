//! The shapes of volatile values: a rule hides a value only when it has the shape.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What a rule puts in the place of a value.
#[derive(Clone, Debug)]
pub enum Token {
    /// `<http-date>`: an IMF date of HTTP.
    HttpDate,
    /// `<time>`, `<time:ms>`, `<time:s>`, `<unix-time>`; the zero time stays.
    Time,
    /// `<length>`: the number of bytes of the body, when it is.
    Length,
    /// `<positive>`: a number above zero; zero stays.
    Positive,
    /// `<ip>`, `<ip>/<bits>`: an address, and with its prefix length.
    Ip,
    /// `<mac>`: a hardware address.
    Mac,
    /// `<port>`: a text from 1024 to 65535; `<port:number>`: such a number.
    Port,
    /// `Up <duration>`, `Exited (3) <duration> ago`: the words stay.
    DurationText,
    /// `<number>`: any number.
    Number,
    /// `<generated-name>`: two words joined by an underscore.
    GeneratedName,
    /// Lines that begin with a time: `<time> hello`.
    Timestamped,
    /// The same, but only of lines that end a program: `<time:ms> FATAL (code: 17): no such file`.
    Fatal,
    /// 12 hexadecimal digits within a text are an id here, although its long form may never show.
    ShortId,
    /// `<NAME>`: text that the whole of an expression matches.
    Text(String, Regex),
}

/// The words for tokens, as `suites/normalise.toml` writes them. `text` needs `matches`.
pub const TOKENS: &[&str] = &[
    "http-date",
    "time",
    "length",
    "positive",
    "ip",
    "mac",
    "port",
    "duration-text",
    "number",
    "generated-name",
    "timestamped",
    "fatal",
    "short-id",
    "text",
];

impl Token {
    /// The token of that word; `text` is made elsewhere.
    pub fn named(word: &str) -> Option<Token> {
        Some(match word {
            "http-date" => Token::HttpDate,
            "time" => Token::Time,
            "length" => Token::Length,
            "positive" => Token::Positive,
            "ip" => Token::Ip,
            "mac" => Token::Mac,
            "port" => Token::Port,
            "duration-text" => Token::DurationText,
            "number" => Token::Number,
            "generated-name" => Token::GeneratedName,
            "timestamped" => Token::Timestamped,
            "fatal" => Token::Fatal,
            "short-id" => Token::ShortId,
            _ => return None,
        })
    }

    /// What stands for this value, when it has the shape. `length` is that of the body.
    pub fn hide(&self, value: &Value, length: usize) -> Option<Value> {
        let told = |token: &str| Some(Value::from(token));
        match (self, value) {
            (Token::HttpDate, Value::String(text)) if is_http_date(text) => told("<http-date>"),
            (Token::Time, Value::String(text)) => time(text).and_then(told),
            (Token::Time, Value::Number(number)) => {
                let seconds = number.as_i64()?;
                (1_000_000_000..10_000_000_000).contains(&seconds).then(|| "<unix-time>".into())
            }
            (Token::Length, Value::String(text)) if *text == length.to_string() => told("<length>"),
            (Token::Positive, Value::Number(number)) if number.as_f64()? > 0.0 => told("<positive>"),
            (Token::Ip, Value::String(text)) if is_ip(text) => {
                told(if text.contains('/') { "<ip>/<bits>" } else { "<ip>" })
            }
            (Token::Mac, Value::String(text)) if is_mac(text) => told("<mac>"),
            (Token::Port, Value::String(text)) if is_port(text.parse().ok()) => told("<port>"),
            (Token::Port, Value::Number(number)) if is_port(number.as_u64()) => told("<port:number>"),
            (Token::DurationText, Value::String(text)) => duration(text).map(Value::from),
            (Token::Number, Value::Number(_)) => told("<number>"),
            (Token::GeneratedName, Value::String(text)) if is_generated(text) => told("<generated-name>"),
            (Token::Timestamped, Value::String(text)) => timestamped(text, |_| true).map(Value::from),
            (Token::Fatal, Value::String(text)) => timestamped(text, is_fatal).map(Value::from),
            (Token::Text(name, regex), Value::String(text)) if regex.is_match(text) => {
                Some(format!("<{name}>").into())
            }
            (_, _) => None,
        }
    }
}

fn is_http_date(text: &str) -> bool {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time::PrimitiveDateTime::parse(text, format).is_ok()
}

/// RFC 3339 by its fraction: Go leaves trailing zeros out, so four to nine digits are
/// nanoseconds; three are JavaScript's milliseconds.
fn time(text: &str) -> Option<&'static str> {
    let parsed = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    if parsed.year() <= 1 {
        return None;
    }
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    Some(match fraction.bytes().take_while(u8::is_ascii_digit).count() {
        0 => "<time:s>",
        3 => "<time:ms>",
        _ => "<time>",
    })
}

fn is_ip(text: &str) -> bool {
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, rest)| (address, Some(rest)));
    let is_unset = address == "0.0.0.0" || address == "::";
    let prefix_fits = prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|bits| bits <= 128));
    address.parse::<std::net::IpAddr>().is_ok() && !is_unset && prefix_fits
}

fn is_mac(text: &str) -> bool {
    text.len() == 17 && text.split(':').all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok())
}

fn is_port(number: Option<u64>) -> bool {
    number.is_some_and(|number| (1024..=65535).contains(&number))
}

/// `Up 3 seconds (Paused)` to `Up <duration> (Paused)`. Source: go-units `HumanDuration`.
fn duration(text: &str) -> Option<String> {
    static UNITS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let units =
            r"Less than a second|About (?:a minute|an hour)|\d+ (?:second|minute|hour|day|week|month|year)s?";
        Regex::new(&format!(
            r"^(Up|Provisioning|Exited \(-?\d+\)|Restarting \(-?\d+\)) (?:{units})( ago)?( \([^)]*\))?$"
        ))
        .ok()
    });
    let found = UNITS.as_ref()?.captures(text)?;
    let [state, ago, more] = [1, 2, 3].map(|at| found.get(at).map_or("", |part| part.as_str()));
    Some(format!("{state} <duration>{ago}{more}"))
}

/// Lines with tokens for the times that they begin with, if any does and goes on so.
fn timestamped(text: &str, goes_on: fn(&str) -> bool) -> Option<String> {
    let told = |line: &str| {
        let (begin, rest) = line.split_once(' ').filter(|(_, rest)| goes_on(rest))?;
        Some(format!("{} {rest}", time(begin)?))
    };
    let lines: Vec<(&str, Option<String>)> = text.split('\n').map(|line| (line, told(line))).collect();
    let is_any = lines.iter().any(|(_, told)| told.is_some());
    let join = || lines.into_iter().map(|(line, told)| told.unwrap_or_else(|| line.to_owned()));
    is_any.then(|| join().collect::<Vec<_>>().join("\n"))
}

/// Source: smartos-live `dockerinit/src/docker-common.h`.
fn is_fatal(text: &str) -> bool {
    let code = text.strip_prefix("FATAL (code: ").and_then(|rest| rest.split_once("): "));
    code.is_some_and(|(code, _)| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_generated(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let bare = text.strip_prefix('/').unwrap_or(text);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.split_once('_').is_some_and(|(one, other)| word(one) && word(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_hides_only_its_shape() {
        let table = [
            ("http-date", json!("Tue, 24 Nov 2026 00:36:51 GMT"), Some("<http-date>")),
            ("http-date", json!("yesterday"), None),
            ("time", json!("2026-11-24T08:27:48.561948388Z"), Some("<time>")),
            ("time", json!("2026-11-24T08:27:48.561Z"), Some("<time:ms>")),
            ("time", json!("2026-11-24T08:27:48Z"), Some("<time:s>")),
            ("time", json!("0001-01-01T00:00:00Z"), None),
            ("time", json!(1_700_000_000), Some("<unix-time>")),
            ("time", json!(0), None),
            ("length", json!("7"), Some("<length>")),
            ("length", json!("8"), None),
            ("positive", json!(3), Some("<positive>")),
            ("positive", json!(0), None),
            ("positive", json!(-9), None),
            ("ip", json!("172.17.0.2"), Some("<ip>")),
            ("ip", json!("172.17.0.0/16"), Some("<ip>/<bits>")),
            ("ip", json!(""), None),
            ("ip", json!("0.0.0.0"), None),
            ("mac", json!("02:42:ac:11:00:02"), Some("<mac>")),
            ("mac", json!(""), None),
            ("port", json!("32768"), Some("<port>")),
            ("port", json!(32768), Some("<port:number>")),
            ("port", json!("80"), None),
            ("duration-text", json!("Up 2 hours (Paused)"), Some("Up <duration> (Paused)")),
            ("duration-text", json!("Restarting (1) 2 seconds ago"), Some("Restarting (1) <duration> ago")),
            ("duration-text", json!("Slept 3 days"), None),
            ("timestamped", json!("2026-11-24T09:36:18.037209647Z a\nb\n"), Some("<time> a\nb\n")),
            ("timestamped", json!("a b\n"), None),
            (
                "fatal",
                json!("2026-11-25T12:56:03.324Z FATAL (code: 17): x\n"),
                Some("<time:ms> FATAL (code: 17): x\n"),
            ),
            ("fatal", json!("2026-11-25T12:56:03.324Z FATAL (code: x): x\n"), None),
            ("fatal", json!("2026-11-25T12:56:03.324Z x\n"), None),
            ("fatal", json!("FATAL (code: 17): x\n"), None),
            ("duration-text", json!("Exited (137) 2 seconds ago"), Some("Exited (137) <duration> ago")),
            ("duration-text", json!("Up Less than a second"), Some("Up <duration>")),
            ("duration-text", json!("Created"), None),
            ("generated-name", json!("/quirky_hopper"), Some("<generated-name>")),
            ("generated-name", json!("/web"), None),
        ];
        for (word, value, hidden) in table {
            let token = Token::named(word).unwrap();
            assert_eq!(token.hide(&value, 7), hidden.map(Value::from), "{word} {value}");
        }
    }
}
