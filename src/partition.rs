//! A part of a run: every n-th case, or those whose name hashes so. Values only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::scenario::CaseId;

/// How cases are dealt out to parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// One after the other: even parts, which change when a case comes or goes.
    Slice,
    /// By a hash of the name: a case stays in its part whatever else comes or goes.
    Hash,
}

/// One of several parts of a run, written `slice:1/4` or `hash:1/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    /// How cases are dealt out.
    pub scheme: Scheme,
    /// Which part, counted from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
}

/// A text that is no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no partition such as `slice:1/4` or `hash:3/4`: a part of 1 up to the number of parts")]
pub struct NoPartition(pub String);

impl Partition {
    /// Whether the case belongs to this part; `at` is its place among all cases, from 0.
    pub fn takes(&self, at: usize, case: &CaseId) -> bool {
        let number = match self.scheme {
            Scheme::Slice => at,
            Scheme::Hash => hash_of(&case.to_string()),
        };
        number % self.parts == self.part - 1
    }
}

/// The same on every machine and in every release: the first bytes of SHA-256.
fn hash_of(text: &str) -> usize {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().take(4).fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

impl FromStr for Partition {
    type Err = NoPartition;
    fn from_str(text: &str) -> Result<Self, NoPartition> {
        let parsed = || {
            let (scheme, rest) = text.split_once(':')?;
            let scheme = match scheme {
                "slice" => Scheme::Slice,
                "hash" => Scheme::Hash,
                _ => return None,
            };
            let (part, parts) = rest.split_once('/')?;
            let (part, parts) = (part.parse().ok()?, parts.parse().ok()?);
            (1..=parts).contains(&part).then_some(Partition { scheme, part, parts })
        };
        parsed().ok_or_else(|| NoPartition(text.to_owned()))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Slice => "slice",
            Scheme::Hash => "hash",
        };
        write!(out, "{scheme}:{}/{}", self.part, self.parts)
    }
}

impl TryFrom<String> for Partition {
    type Error = NoPartition;
    fn try_from(text: String) -> Result<Self, NoPartition> {
        text.parse()
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> String {
        partition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ScenarioId;

    #[test]
    fn every_case_is_in_exactly_one_part() {
        let case = |at: usize| CaseId {
            scenario: ScenarioId(format!("area/scenario-{at}")),
            api: "1.24".parse().unwrap(),
        };
        for (scheme, parts) in [("slice", 1), ("slice", 3), ("hash", 4), ("hash", 7)] {
            for at in 0..200 {
                let takes = |part: &usize| {
                    let partition: Partition = format!("{scheme}:{part}/{parts}").parse().unwrap();
                    partition.takes(at, &case(at))
                };
                assert_eq!((1..=parts).filter(takes).count(), 1, "{scheme} {parts} {at}");
            }
        }
    }

    #[test]
    fn a_partition_prints_as_it_reads_and_nonsense_is_refused() {
        for text in ["slice:1/4", "hash:4/4", "slice:1/1"] {
            assert_eq!(text.parse::<Partition>().unwrap().to_string(), text);
        }
        for text in ["", "slice", "slice:0/4", "slice:5/4", "slice:1/0", "hash:a/b", "other:1/2", "1/2"] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
