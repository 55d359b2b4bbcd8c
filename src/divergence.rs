//! Known, explained differences: the values of a divergence file. Judges nothing.

use std::fmt;

use regex::Regex;
use serde::Serialize;
use serde_json::Value;

use crate::docker_option::DockerOption;
use crate::pointer::Pattern;
use crate::route::Route;
use crate::scenario::StepId;
use crate::version::{Range, Version};

/// One file of `suites/<area>/divergences/<engine>/`: one root cause.
#[derive(Clone, Debug, Serialize)]
pub struct Divergence {
    /// Its file name without extension.
    pub id: String,
    /// The file, relative to the project.
    pub file: String,
    /// The area that it lies in.
    pub area: String,
    /// The identity of the candidate that it is known of.
    pub engine: String,
    /// One line for people.
    pub title: String,
    /// What sort of difference it is.
    pub kind: DivergenceKind,
    /// The docs page.
    pub page: String,
    /// A ticket, if there is one.
    pub ticket: Option<String>,
    /// What a reader should know.
    pub why: String,
    /// Where it holds.
    pub when: When,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The date (`2027-06-01`) past which `check` asks for a review.
    pub review_by: Option<String>,
    /// How it is known.
    pub evidence: Evidence,
    /// The candidate cannot go on: later steps are unreached.
    pub stops: bool,
    /// Divergences that do not show while this one holds.
    pub hides: Vec<String>,
    /// What each side answers.
    pub observations: Vec<Observation>,
}

/// What sort of difference a divergence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// Not there.
    Omission,
    /// There, but worse.
    Deficiency,
    /// Refused on purpose.
    Restriction,
    /// More than Docker has.
    Extension,
    /// What a container sees around it.
    Environment,
    /// Slower.
    Performance,
    /// Only the words differ.
    ErrorText,
}

/// All kinds, as files write them.
pub const KINDS: &[(&str, DivergenceKind)] = &[
    ("omission", DivergenceKind::Omission),
    ("deficiency", DivergenceKind::Deficiency),
    ("restriction", DivergenceKind::Restriction),
    ("extension", DivergenceKind::Extension),
    ("environment", DivergenceKind::Environment),
    ("performance", DivergenceKind::Performance),
    ("error-text", DivergenceKind::ErrorText),
];

/// How a divergence is known. What the simulator shows is never evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Its documentation says so.
    Documented,
    /// Its source says so.
    Read,
    /// Its own code was run over stand-ins.
    Ran,
    /// Recorded on that very engine; for sdc-docker: a data center.
    Observed,
}

impl Evidence {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Evidence::Documented => "documented",
            Evidence::Read => "read",
            Evidence::Ran => "ran",
            Evidence::Observed => "observed",
        }
    }
}

/// All evidence words, as files write them.
pub const EVIDENCE: &[(&str, Evidence)] = &[
    ("documented", Evidence::Documented),
    ("read", Evidence::Read),
    ("ran", Evidence::Ran),
    ("observed", Evidence::Observed),
];

/// Where a divergence holds; everything open by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct When {
    /// Releases of the candidate.
    pub release: Range,
    /// API versions.
    pub api: Range,
    /// The reference's identity and releases, as in `docker >=20.10`.
    pub reference: Option<(String, Range)>,
    /// The only world in which it shows.
    pub world: Option<String>,
}

impl When {
    /// Whether it holds in a release as that is by default, in no other configuration.
    pub fn holds_by_default(&self, release: &Version) -> bool {
        let world = self.world.as_deref();
        self.release.holds(release)
            && world.is_none_or(|world| world == "default" || world == release.to_string())
    }

    /// How narrow it is: the number of things it asks for.
    pub fn narrowness(&self) -> usize {
        let reference = self.reference.as_ref().map_or(0, |(_, range)| 1 + range.bounds());
        self.release.bounds() + self.api.bounds() + reference + usize::from(self.world.is_some())
    }
}

/// What an option of a container comes to.
#[derive(Clone, Debug, Serialize)]
pub struct OptionEffect {
    /// The option.
    #[serde(skip)]
    pub option: &'static DockerOption,
    /// What becomes of it.
    pub effect: Effect,
    /// The divergence that says why.
    pub divergence: String,
    /// The values that it is about; none for all.
    pub matches: Option<Expression>,
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The container is not made.
    Refused,
    /// It is taken, and nothing comes of it.
    Ignored,
    /// Something else comes of it.
    Differs,
}

/// All effects, as files write them.
pub const EFFECTS: &[(&str, Effect)] =
    &[("refused", Effect::Refused), ("ignored", Effect::Ignored), ("differs", Effect::Differs)];

impl Effect {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Refused => "refused",
            Effect::Ignored => "ignored",
            Effect::Differs => "differs",
        }
    }
}

/// What each side answers at one place, or at one kind of place.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// Which steps it speaks of.
    pub scope: Scope,
    /// The place within the exchange.
    pub at: Pattern,
    /// What the reference answers.
    pub reference: Matcher,
    /// What the candidate answers.
    pub candidate: Matcher,
    /// The line of the observation in its file, counted from 1.
    pub line: usize,
}

/// Which steps an observation speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A step of one scenario, or of those that a glob selects.
    Scenario {
        /// `area/name`, where `*` stands for any text.
        glob: String,
        /// The step; none for `*`.
        step: Option<StepId>,
        /// The part of an exec; empty for all other steps.
        part: String,
    },
    /// Every step with this route.
    Route(Route),
    /// Every step.
    Everywhere,
}

/// What a value must be. Both sides of an observation are pinned by one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matcher {
    /// This value.
    Is(Value),
    /// Nothing is there.
    Absent,
    /// Text that the whole of this expression matches.
    Matches(Expression),
    /// One of these values.
    AnyOf(Vec<Value>),
    /// A value of this type.
    Type(ValueType),
    /// A time ratio within this one-sided bound; of the candidate only.
    Ratio(RatioBound),
}

/// A regular expression, anchored at both ends.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    regex: Regex,
}

impl Expression {
    /// Compiles the text; it must match the whole value.
    pub fn parse(source: &str) -> Result<Expression, String> {
        let whole = format!("^(?s:{source})$");
        let regex = Regex::new(&whole).map_err(|_| match Regex::new(source) {
            Ok(_) => "the expression does not stand alone".to_owned(),
            Err(error) => error.to_string(),
        })?;
        Ok(Expression { source: source.to_owned(), regex })
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The text of the expression.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.source)
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// All types, as files write them.
pub const TYPES: &[(&str, ValueType)] = &[
    ("null", ValueType::Null),
    ("boolean", ValueType::Boolean),
    ("number", ValueType::Number),
    ("string", ValueType::String),
    ("array", ValueType::Array),
    ("object", ValueType::Object),
];

impl ValueType {
    /// The type of a value.
    pub fn of(value: &Value) -> ValueType {
        match value {
            Value::Null => ValueType::Null,
            Value::Bool(_) => ValueType::Boolean,
            Value::Number(_) => ValueType::Number,
            Value::String(_) => ValueType::String,
            Value::Array(_) => ValueType::Array,
            Value::Object(_) => ValueType::Object,
        }
    }
}

/// A one-sided bound for a ratio: `>=2` or `<=1.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatioBound {
    /// The candidate takes at least this many times as long.
    AtLeast(f64),
    /// The candidate takes at most this many times as long.
    AtMost(f64),
}

impl RatioBound {
    /// Reads `>=2` or `<=1.5`.
    pub fn parse(text: &str) -> Option<RatioBound> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
        match (text.strip_prefix(">="), text.strip_prefix("<=")) {
            (Some(rest), _) => number(rest).map(RatioBound::AtLeast),
            (None, Some(rest)) => number(rest).map(RatioBound::AtMost),
            (None, None) => None,
        }
    }
}

impl fmt::Display for RatioBound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RatioBound::AtLeast(bound) => write!(out, ">={bound}"),
            RatioBound::AtMost(bound) => write!(out, "<={bound}"),
        }
    }
}

impl Matcher {
    /// Whether the value at a place is as pinned. Ratios are judged apart.
    pub fn accepts(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Matcher::Absent, None) => true,
            (Matcher::Absent, Some(_)) | (_, None) => false,
            (Matcher::Is(want), Some(have)) => want == have,
            (Matcher::Matches(expression), Some(Value::String(text))) => expression.matches(text),
            (Matcher::Matches(_), Some(_)) => false,
            (Matcher::AnyOf(all), Some(have)) => all.contains(have),
            (Matcher::Type(want), Some(have)) => *want == ValueType::of(have),
            (Matcher::Ratio(_), Some(_)) => false,
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Matcher::Is(value) => write!(out, "{value}"),
            Matcher::Absent => write!(out, "nothing"),
            Matcher::Matches(expression) => write!(out, "text like {:?}", expression.source()),
            Matcher::AnyOf(all) => write!(out, "one of {}", Value::Array(all.clone())),
            Matcher::Type(kind) => {
                let word = TYPES.iter().find(|(_, its)| its == kind).map_or("?", |(word, _)| word);
                write!(out, "any {word}")
            }
            Matcher::Ratio(bound) => write!(out, "{bound} times as long"),
        }
    }
}
