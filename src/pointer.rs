//! JSON pointers into snapshots, and patterns over them. Knows nothing of what they point at.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A place inside one exchange: RFC 6901 text such as `/body/json/State/ExitCode`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(Vec<String>);

/// Why a text is no pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Pointers are empty or start with a slash.
    #[error("a pointer starts with `/`, as in `/body/json/Id`")]
    NoSlash,
    /// A tilde stands before 0 or 1 only (RFC 6901, section 3).
    #[error("`~` in a pointer is written `~0`, and a slash inside a name `~1`")]
    Tilde,
    /// `**` would let a line mute a subtree that nobody looked at.
    #[error("`**` is not allowed: `*` stands for exactly one segment")]
    DoubleStar,
}

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads RFC 6901 text.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let rest = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        rest.split('/').map(unescape).collect::<Result<_, _>>().map(Self)
    }

    /// This pointer with one more segment.
    pub fn child(&self, segment: impl Into<String>) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.into());
        Self(segments)
    }

    /// The segments, unescaped.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_under(&self, other: &Pointer) -> bool {
        self.0.starts_with(&other.0)
    }

    /// This place and all that it lies in, the whole document last.
    pub fn and_above(&self) -> impl Iterator<Item = Pointer> {
        (0..=self.0.len()).rev().map(|length| Pointer(self.0[..length].to_vec()))
    }

    /// The value at this place, if there is one.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, segment| match value {
            Value::Object(map) => map.get(segment),
            Value::Array(list) => segment.parse::<usize>().ok().and_then(|at| list.get(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }
}

impl<S: Into<String>> FromIterator<S> for Pointer {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            write!(out, "/{}", segment.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;
    fn try_from(text: String) -> Result<Self, PointerError> {
        Self::parse(&text)
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> String {
        pointer.to_string()
    }
}

fn unescape(segment: &str) -> Result<String, PointerError> {
    let mut text = String::with_capacity(segment.len());
    let mut letters = segment.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '~') {
            (_, false) => text.push(letter),
            (_, true) => match letters.next() {
                Some('0') => text.push('~'),
                Some('1') => text.push('/'),
                _ => return Err(PointerError::Tilde),
            },
        }
    }
    Ok(text)
}

/// A pointer in which a segment `*` stands for exactly one segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Pointer);

impl Pattern {
    /// Reads a pattern; `**` is refused.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let pointer = Pointer::parse(text)?;
        if pointer.0.iter().any(|segment| segment == "**") {
            return Err(PointerError::DoubleStar);
        }
        Ok(Self(pointer))
    }

    /// How many segments are `*`: fewer is more specific.
    pub fn stars(&self) -> usize {
        self.0.0.iter().filter(|segment| *segment == "*").count()
    }

    /// How many segments there are.
    pub fn depth(&self) -> usize {
        self.0.0.len()
    }

    /// Whether the pattern selects exactly this place.
    pub fn matches(&self, pointer: &Pointer) -> bool {
        let (pattern, segments) = (&self.0.0, &pointer.0);
        pattern.len() == segments.len()
            && pattern.iter().zip(segments).all(|(want, have)| want == "*" || want == have)
    }

    /// Whether some place is selected by both patterns.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        let (ours, theirs) = (&self.0.0, &other.0.0);
        let same = |(one, two): (&String, &String)| one == two || one == "*" || two == "*";
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
    }

    /// The places that the pattern selects in the union of two documents. Without `*` that is
    /// one place, whether or not anything stands there.
    pub fn places(&self, documents: [Option<&Value>; 2]) -> Vec<Pointer> {
        let mut found = vec![(Pointer::root(), documents.to_vec())];
        for segment in &self.0.0 {
            let mut next = Vec::new();
            for (pointer, values) in found {
                let names = if segment == "*" { names_of(&values) } else { vec![segment.clone()] };
                for name in names {
                    let step = Pointer(vec![name.clone()]);
                    let below = values.iter().map(|value| value.and_then(|value| step.find(value)));
                    next.push((pointer.child(name), below.collect()));
                }
            }
            found = next;
        }
        found.into_iter().map(|(pointer, _)| pointer).collect()
    }
}

fn names_of(values: &[Option<&Value>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for value in values.iter().flatten() {
        let here: Vec<String> = match value {
            Value::Object(map) => map.keys().cloned().collect(),
            Value::Array(list) => (0..list.len()).map(|at| at.to_string()).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        names.extend(here.into_iter().filter(|name| seen.insert(name.clone())));
    }
    names
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PointerError;
    fn try_from(text: String) -> Result<Self, PointerError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_and_segments_are_the_same_pointer() {
        for text in ["", "/status", "/body/json/Labels/a~1b", "/x/~0"] {
            assert_eq!(Pointer::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Pointer::parse("status"), Err(PointerError::NoSlash));
        assert_eq!(Pointer::parse("/a~2"), Err(PointerError::Tilde));
        assert_eq!(Pattern::parse("/a/**"), Err(PointerError::DoubleStar));
    }

    #[test]
    fn a_star_is_one_segment_of_either_side() {
        let (left, right) = (json!({"a": [{"x": 1}]}), json!({"a": [{"y": 1}, {"x": 2}]}));
        let places = |text: &str| -> Vec<String> {
            let found = Pattern::parse(text).unwrap().places([Some(&left), Some(&right)]);
            found.iter().map(Pointer::to_string).collect()
        };
        assert_eq!(places("/a/*/x"), ["/a/0/x", "/a/1/x"]);
        assert_eq!(places("/a/0/*"), ["/a/0/x", "/a/0/y"]);
        assert_eq!(places("/nothing/here"), ["/nothing/here"]);
        assert_eq!(places("/nothing/*"), Vec::<String>::new());
    }
}
