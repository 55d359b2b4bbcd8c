//! Which observation speaks of a place: what applies, and which of several is most specific.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::divergence::{Divergence, Matcher, Observation, Scope, When};
use crate::engine_id::EngineId;
use crate::mistake::Mistake;
use crate::pointer::Pointer;
use crate::scenario::{CaseId, Scenario, StepId};
use crate::snapshot::Part;
use crate::verdict::{Finding, PinPlace};
use crate::version::{Range, Version};

/// What `when` is held against: the two engines of a run.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// The reference.
    pub reference: EngineId,
    /// The candidate, with its world.
    pub candidate: EngineId,
}

/// An observation with the divergence that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// The divergence.
    pub divergence: &'a Divergence,
    /// One of its observations.
    pub observation: &'a Observation,
}

impl Speaker<'_> {
    /// Where the observation stands.
    pub fn place_in_file(&self) -> PinPlace {
        PinPlace::of(self.divergence, self.observation)
    }

    /// Says in a finding who spoke.
    pub fn sign(&self, finding: &mut Finding) {
        finding.divergence = Some(self.divergence.id.clone());
        finding.pin = Some(self.place_in_file());
    }

    /// Smaller is more specific: scenario, glob, route, everywhere; fewer stars; narrower `when`.
    fn rank(&self) -> (u8, usize, usize) {
        let scope = match &self.observation.scope {
            Scope::Scenario { glob, .. } if !glob.contains('*') => 0,
            Scope::Scenario { .. } => 1,
            Scope::Route(_) => 2,
            Scope::Everywhere => 3,
        };
        let unnamed_step = usize::from(matches!(&self.observation.scope, Scope::Scenario { step: None, .. }));
        (scope, self.observation.at.stars() + unnamed_step, usize::MAX - self.divergence.when.narrowness())
    }

    /// Whether the reference has what the place lies in: what is said of every answer says
    /// nothing of an error where there is none.
    pub fn reaches(&self, place: &Pointer, tree: &Value) -> bool {
        match &self.observation.scope {
            Scope::Scenario { .. } => true,
            Scope::Route(_) | Scope::Everywhere => {
                let segments = place.segments();
                let parent: Pointer =
                    segments.iter().take(segments.len().saturating_sub(1)).cloned().collect();
                parent.find(tree).is_some()
            }
        }
    }

    fn applies(&self, at_reference: Option<&Value>) -> bool {
        match &self.observation.scope {
            Scope::Scenario { .. } => true,
            Scope::Route(_) | Scope::Everywhere => self.observation.reference.accepts(at_reference),
        }
    }
}

/// Whether the `when` of a divergence holds.
pub fn holds(when: &When, api: &Version, conditions: &Conditions) -> bool {
    let Conditions { reference, candidate } = conditions;
    let of_reference = |(identity, range): &(String, Range)| {
        *identity == reference.identity && range.holds(&reference.release)
    };
    when.release.holds(&candidate.release)
        && when.api.holds(api)
        && when.reference.as_ref().is_none_or(of_reference)
        && when.world.as_ref().is_none_or(|world| *world == candidate.world)
}

/// The divergences of this candidate that hold and are not hidden by another that holds.
pub fn active<'a>(
    divergences: &'a [Divergence],
    api: &Version,
    conditions: &Conditions,
) -> Vec<&'a Divergence> {
    let of_candidate = |each: &&Divergence| each.engine == conditions.candidate.identity;
    let holding: Vec<&Divergence> =
        divergences.iter().filter(of_candidate).filter(|each| holds(&each.when, api, conditions)).collect();
    let hidden: BTreeSet<&String> = holding.iter().flat_map(|each| &each.hides).collect();
    holding.into_iter().filter(|each| !hidden.contains(&each.id)).collect()
}

/// The observations that can select something of a case: those of other scenarios are far more.
pub struct Speaking<'a>(Vec<Speaker<'a>>);

impl<'a> Speaking<'a> {
    /// Those of these divergences.
    pub fn of(active: &[&'a Divergence], case: &CaseId) -> Speaking<'a> {
        let all = active.iter().flat_map(|divergence| {
            divergence.observations.iter().map(move |observation| Speaker { divergence, observation })
        });
        let speaks = |speaker: &Speaker<'_>| match &speaker.observation.scope {
            Scope::Scenario { glob, .. } => glob_matches(glob, &case.scenario.0),
            Scope::Route(_) | Scope::Everywhere => true,
        };
        Speaking(all.filter(speaks).collect())
    }

    /// Those that select this exchange, whatever stands there.
    pub fn of_exchange(&self, step: &StepId, part: &Part) -> Vec<Speaker<'a>> {
        let selects = |speaker: &&Speaker<'_>| match &speaker.observation.scope {
            Scope::Scenario { step: named, part: its_part, .. } => {
                named.as_ref().is_none_or(|named| named == step) && *its_part == part.name
            }
            Scope::Route(route) => part.route.as_ref() == Some(route),
            Scope::Everywhere => true,
        };
        self.0.iter().filter(selects).copied().collect()
    }
}

/// Whether a glob, in which `*` stands for any text, matches the whole of a text.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    bytes_match(glob.as_bytes(), text.as_bytes())
}

/// Byte by byte: most globs are told apart by their first letters.
fn bytes_match(glob: &[u8], text: &[u8]) -> bool {
    let same = glob.iter().zip(text).take_while(|(want, have)| want == have && **want != b'*').count();
    match &glob[same..] {
        [] => same == text.len(),
        [b'*', after @ ..] => (same..=text.len()).any(|at| bytes_match(after, &text[at..])),
        [_, ..] => false,
    }
}

/// Who speaks of a place.
#[derive(Debug)]
pub enum Choice<'a> {
    /// No observation applies.
    Nobody,
    /// This one; the others are shadowed.
    One(Speaker<'a>),
    /// Two are equally specific.
    Tie(Speaker<'a>, Speaker<'a>),
}

/// The most specific of the observations that apply to a place.
pub fn most_specific<'a>(speakers: &[Speaker<'a>], at_reference: Option<&Value>) -> Choice<'a> {
    let mut applying: Vec<Speaker<'a>> =
        speakers.iter().copied().filter(|each| each.applies(at_reference)).collect();
    applying.sort_by_key(Speaker::rank);
    match applying.as_slice() {
        [] => Choice::Nobody,
        [one, other, ..] if one.rank() == other.rank() => Choice::Tie(*one, *other),
        [one, ..] => Choice::One(*one),
    }
}

/// Observations that are equally specific about a place that both can select: load errors.
pub fn ties(divergences: &[Divergence], scenarios: &[Scenario]) -> Vec<Mistake> {
    // Only those of one group can tie; pairs of all of them would be tens of millions.
    let mut groups: BTreeMap<_, Vec<Speaker<'_>>> = BTreeMap::new();
    for divergence in divergences {
        for observation in &divergence.observations {
            let speaker = Speaker { divergence, observation };
            let named = match &observation.scope {
                Scope::Scenario { glob, .. } if !glob.contains('*') => glob.as_str(),
                Scope::Scenario { .. } | Scope::Route(_) | Scope::Everywhere => "",
            };
            groups.entry((&divergence.engine, speaker.rank(), named)).or_default().push(speaker);
        }
    }
    let mut mistakes = Vec::new();
    for group in groups.values() {
        for (at, one) in group.iter().enumerate() {
            let tied = group[at + 1..].iter().filter(|other| can_tie(one, other, scenarios));
            mistakes.extend(tied.map(|other| tie(one, other)));
        }
    }
    mistakes
}

fn tie(one: &Speaker<'_>, other: &Speaker<'_>) -> Mistake {
    let (line, place) = (other.observation.line, one.place_in_file());
    Mistake {
        file: other.divergence.file.clone(),
        span: None,
        message: format!("the observation in line {line} is as specific as the one at {place}"),
        help: "let one of them name the scenario, or make its `when` narrower".to_owned(),
    }
}

fn can_tie(one: &Speaker<'_>, other: &Speaker<'_>, scenarios: &[Scenario]) -> bool {
    one.observation.at.overlaps(&other.observation.at)
        && scopes_meet(&one.observation.scope, &other.observation.scope, scenarios)
        && whens_meet(&one.divergence.when, &other.divergence.when)
        && (matches!(one.observation.scope, Scope::Scenario { .. })
            || pins_meet(&one.observation.reference, &other.observation.reference))
        && !one.divergence.hides.contains(&other.divergence.id)
        && !other.divergence.hides.contains(&one.divergence.id)
}

fn scopes_meet(one: &Scope, other: &Scope, scenarios: &[Scenario]) -> bool {
    match (one, other) {
        (Scope::Everywhere, Scope::Everywhere) => true,
        (Scope::Route(one), Scope::Route(other)) => one == other,
        (
            Scope::Scenario { glob: one, step: its, part: its_part },
            Scope::Scenario { glob: other, step, part },
        ) => {
            let steps_meet = its == step || its.is_none() || step.is_none();
            let both = |scenario: &Scenario| {
                glob_matches(one, &scenario.id.0) && glob_matches(other, &scenario.id.0)
            };
            steps_meet && its_part == part && scenarios.iter().any(both)
        }
        (Scope::Everywhere | Scope::Route(_) | Scope::Scenario { .. }, _) => false,
    }
}

fn whens_meet(one: &When, other: &When) -> bool {
    let references_meet = match (&one.reference, &other.reference) {
        (Some((its, range)), Some((identity, other))) => its == identity && range.meets(other),
        (None, _) | (_, None) => true,
    };
    let worlds_meet = match (&one.world, &other.world) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => true,
    };
    one.release.meets(&other.release) && one.api.meets(&other.api) && references_meet && worlds_meet
}

/// Whether one value of the reference can be as both pins say; expressions meet only themselves.
fn pins_meet(one: &Matcher, other: &Matcher) -> bool {
    match (one, other) {
        (Matcher::Absent, Matcher::Absent) => true,
        (Matcher::Absent, _) | (_, Matcher::Absent) => false,
        (Matcher::Is(value), pin) | (pin, Matcher::Is(value)) => pin.accepts(Some(value)),
        (Matcher::AnyOf(values), pin) | (pin, Matcher::AnyOf(values)) => {
            values.iter().any(|value| pin.accepts(Some(value)))
        }
        (Matcher::Matches(one), Matcher::Matches(other)) => one.source() == other.source(),
        (Matcher::Type(one), Matcher::Type(other)) => one == other,
        (Matcher::Matches(_), Matcher::Type(kind)) | (Matcher::Type(kind), Matcher::Matches(_)) => {
            *kind == crate::divergence::ValueType::String
        }
        (Matcher::Ratio(_), _) | (_, Matcher::Ratio(_)) => true,
    }
}
