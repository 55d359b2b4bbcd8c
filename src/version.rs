//! API versions, releases and ranges of dotted numbers. Knows no engine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A dotted number: an API version such as `1.24`, a release such as `20.10` or `0.7.11`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

/// A text that is no dotted number, or no range of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form `1.24`.
    #[error("`{0}` is not a dotted number such as `1.24`")]
    NotDotted(String),
    /// Not of the form `>=0.1, <0.8`.
    #[error("`{0}` is not a bound such as `>=0.1`, `<0.8` or `=1.24`")]
    NoBound(String),
}

/// The oldest and the newest API version that the suite speaks of: those of `fixtures/api`.
const SPOKEN_OF: [[u32; 2]; 2] = [[1, 20], [1, 24]];

impl Version {
    /// The version among those that a case was recorded at that stands for another one of the API
    /// versions that the suite speaks of: the nearest at or below, else the lowest. `ci/versions`
    /// shows that stock Docker answers the same at both.
    pub fn standing_for<'v>(&self, own: impl Iterator<Item = &'v Version> + Clone) -> Option<&'v Version> {
        let [oldest, newest] = SPOKEN_OF.map(|numbers| Version(numbers.to_vec()));
        let below = own.clone().filter(|own| *own <= self).max();
        let stands = below.or(own.min())?;
        (stands == self || (oldest..=newest).contains(self)).then_some(stands)
    }

    /// Major and minor only, which is how engines are named: `20.10.24+dfsg1` is `20.10`.
    pub fn short(&self) -> Version {
        Version(self.0.iter().copied().take(2).collect())
    }

    /// The leading dotted number of a text such as `20.10.24+dfsg1`.
    pub fn leading(text: &str) -> Result<Version, VersionError> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        text[..end].trim_end_matches('.').parse()
    }

    fn padded(&self, length: usize) -> Vec<u32> {
        let mut numbers = self.0.clone();
        numbers.resize(length.max(numbers.len()), 0);
        numbers
    }

    fn compare(&self, other: &Version) -> std::cmp::Ordering {
        let length = self.0.len().max(other.0.len());
        self.padded(length).cmp(&other.padded(length))
    }
}

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let bad = || VersionError::NotDotted(text.to_owned());
        text.split('.').map(|part| part.parse().map_err(|_| bad())).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        out.write_str(&numbers.join("."))
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

/// Bounds that all hold, as in `>=0.1, <0.8`. The empty range holds for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range(Vec<(Bound, Version)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtLeast,
    Above,
    AtMost,
    Below,
    Exactly,
}

const BOUNDS: [(&str, Bound); 5] = [
    (">=", Bound::AtLeast),
    ("<=", Bound::AtMost),
    (">", Bound::Above),
    ("<", Bound::Below),
    ("=", Bound::Exactly),
];

impl Range {
    /// Whether the version lies within all bounds; missing parts count as zero.
    pub fn holds(&self, version: &Version) -> bool {
        self.0.iter().all(|(bound, limit)| {
            let order = version.compare(limit);
            match bound {
                Bound::AtLeast => order.is_ge(),
                Bound::Above => order.is_gt(),
                Bound::AtMost => order.is_le(),
                Bound::Below => order.is_lt(),
                Bound::Exactly => order.is_eq(),
            }
        })
    }

    /// Whether some version lies within both ranges.
    pub fn meets(&self, other: &Range) -> bool {
        let limits = self.0.iter().chain(&other.0).map(|(_, limit)| limit);
        let mut probes = vec![Version(vec![0]), Version(vec![u32::MAX])];
        for limit in limits {
            let above = Version(limit.0.iter().copied().chain([0, 0, 0, 1]).collect());
            probes.extend([limit.clone(), above]);
        }
        probes.iter().any(|version| self.holds(version) && other.holds(version))
    }

    /// Whether there are no bounds.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bounds there are: more is narrower.
    pub fn bounds(&self) -> usize {
        self.0.len()
    }
}

impl FromStr for Range {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let bound = |part: &str| {
            let part = part.trim();
            let (sign, bound) = BOUNDS
                .iter()
                .find(|(sign, _)| part.starts_with(sign))
                .ok_or_else(|| VersionError::NoBound(part.to_owned()))?;
            Ok((*bound, part[sign.len()..].trim().parse()?))
        };
        text.split(',').filter(|part| !part.trim().is_empty()).map(bound).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |bound: Bound| BOUNDS.iter().find(|(_, b)| *b == bound).map_or("", |(sign, _)| sign);
        let parts: Vec<String> = self.0.iter().map(|(b, version)| format!("{}{version}", sign(*b))).collect();
        out.write_str(&parts.join(", "))
    }
}

impl TryFrom<String> for Range {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> String {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_version_below_stands_for_another_one_of_the_suite() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let own = [version("1.21"), version("1.23")];
        let standing = |text: &str| version(text).standing_for(own.iter()).map(Version::to_string);
        assert_eq!(standing("1.21").as_deref(), Some("1.21"));
        assert_eq!(standing("1.22").as_deref(), Some("1.21"));
        assert_eq!(standing("1.24").as_deref(), Some("1.23"));
        assert_eq!(standing("1.20").as_deref(), Some("1.21"));
        assert_eq!(standing("1.25"), None);
        assert_eq!(standing("9.9"), None);
    }

    #[test]
    fn ranges_compare_numbers_and_not_text() {
        let table = [
            (">=0.1, <0.8", "0.7.11", true),
            (">=0.1, <0.8", "0.8", false),
            ("<0.10", "0.9", true),
            ("=1.24", "1.24.0", true),
            (">1.20", "1.20.0", false),
            ("<=20.10", "20.10.24", false),
            ("", "5", true),
        ];
        for (range, version, holds) in table {
            let range: Range = range.parse().unwrap();
            assert_eq!(range.holds(&version.parse().unwrap()), holds, "{range} {version}");
        }
    }

    #[test]
    fn ranges_meet_where_a_version_lies_in_both() {
        let meets =
            |one: &str, other: &str| one.parse::<Range>().unwrap().meets(&other.parse::<Range>().unwrap());
        assert!(meets("", "<0.3"));
        assert!(meets(">=0.1, <0.8", ">0.7.9"));
        assert!(!meets("<0.4", ">=0.4"));
        assert!(meets("<=0.4", ">=0.4"));
        assert!(!meets(">0.4", "<=0.4"));
        assert!(meets("<0.5", "<0.4"));
    }

    #[test]
    fn a_range_prints_as_it_reads() {
        for text in [">=0.1, <0.8", "=1.24", ""] {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), text);
        }
        assert!("0.8".parse::<Range>().is_err());
        assert!(">=x".parse::<Range>().is_err());
        assert_eq!(Version::leading("20.10.24+dfsg1").unwrap().short().to_string(), "20.10");
    }
}
