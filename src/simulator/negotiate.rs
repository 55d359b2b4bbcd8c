//! Which type an answer gets by the client's `Accept`, and what it looks like in that type
//! (catalogue: accept-header-406; restify 4.3.0 `lib/formatters`).

use serde_json::{Value, json};

use super::answer::Fault;

/// The types that sdc-docker can write, the one that it likes best first.
const KINDS: [Kind; 4] = [Kind::Json, Kind::Text, Kind::Bytes, Kind::Script];

/// A type of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// JSON; errors are plain text all the same.
    Json,
    /// The same bytes under another name.
    Text,
    /// What JavaScript makes of an object that has to be text.
    Bytes,
    /// JSON for a script.
    Script,
}

impl Kind {
    /// Its media type.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Json => "application/json",
            Kind::Text => "text/plain",
            Kind::Bytes => "application/octet-stream",
            Kind::Script => "application/javascript",
        }
    }
}

/// The type that a client likes best of those there are: by its own weight, then by how closely a
/// range fits, then by the place of the range, then by ours.
pub fn choose(accept: &str) -> Option<Kind> {
    let ranges: Vec<(usize, Range)> = accept.split(',').filter_map(range).enumerate().collect();
    let mut best: Option<(Kind, Rank)> = None;
    for (place, kind) in KINDS.into_iter().enumerate() {
        // The closest range speaks for a type.
        let fits = ranges.iter().filter_map(|(order, range)| {
            range.fit(kind).map(|fit| Rank { weight: range.weight, fit, order: *order, place })
        });
        let Some(rank) =
            fits.reduce(|a, b| if (b.fit, b.weight, a.order) > (a.fit, a.weight, b.order) { b } else { a })
        else {
            continue;
        };
        if rank.weight > 0 && best.as_ref().is_none_or(|(_, best)| rank.beats(best)) {
            best = Some((kind, rank));
        }
    }
    best.map(|(kind, _)| kind)
}

struct Rank {
    weight: u16,
    fit: u8,
    order: usize,
    place: usize,
}

impl Rank {
    fn beats(&self, other: &Rank) -> bool {
        let key = |rank: &Rank| {
            (rank.weight, rank.fit, std::cmp::Reverse(rank.order), std::cmp::Reverse(rank.place))
        };
        key(self) > key(other)
    }
}

struct Range {
    main: String,
    sub: String,
    /// In thousandths.
    weight: u16,
}

impl Range {
    fn fit(&self, kind: Kind) -> Option<u8> {
        let (main, sub) = kind.name().split_once('/')?;
        let one = |wanted: &str, have: &str, points: u8| match wanted {
            "*" => Some(0),
            wanted => (wanted == have).then_some(points),
        };
        Some(one(&self.main, main, 4)? + one(&self.sub, sub, 2)?)
    }
}

fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let (main, sub) = parts.next()?.split_once('/')?;
    let weight =
        parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
    let lower = |text: &str| text.trim().to_ascii_lowercase();
    Some(Range { main: lower(main), sub: lower(sub), weight: (weight.clamp(0.0, 1.0) * 1000.0) as u16 })
}

/// JSON in a type.
pub fn of_json(kind: Kind, value: &Value) -> String {
    match kind {
        Kind::Bytes => in_words(value),
        Kind::Json | Kind::Text | Kind::Script => value.to_string(),
    }
}

/// An error in a type; `text` is the plain one.
pub fn of_error(kind: Kind, fault: &Fault, text: String) -> String {
    let code = fault.code.as_deref().unwrap_or("Docker");
    match kind {
        Kind::Json | Kind::Text => text,
        Kind::Bytes => format!("{}Error: {}", code.trim_end_matches("Error"), fault.message),
        Kind::Script => json!({"code": format!("{code}Error"), "message": fault.message}).to_string(),
    }
}

/// What JavaScript's `toString` makes of a value.
fn in_words(value: &Value) -> String {
    match value {
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join(","),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_among_what_there_is() {
        let table = [
            ("*/*", Some(Kind::Json)),
            ("application/json", Some(Kind::Json)),
            ("text/plain", Some(Kind::Text)),
            ("text/*;q=0.5", Some(Kind::Text)),
            ("application/octet-stream", Some(Kind::Bytes)),
            ("application/javascript", Some(Kind::Script)),
            ("text/plain, */*", Some(Kind::Text)),
            ("text/plain;q=0.1, application/json", Some(Kind::Json)),
            ("application/*", Some(Kind::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("nonsense", None),
        ];
        for (accept, kind) in table {
            assert_eq!(choose(accept), kind, "{accept}");
        }
    }

    #[test]
    fn an_object_that_has_to_be_text_says_little() {
        assert_eq!(of_json(Kind::Bytes, &json!([{}, {}])), "[object Object],[object Object]");
        assert_eq!(of_json(Kind::Bytes, &json!([])), "");
    }
}
