//! What the docs say of one divergence.

use std::collections::BTreeSet;

use serde::Serialize;

use super::ABOUT;
use super::book::{Book, JudgedCase, Known};
use super::example::{self, Example};
use crate::divergence::{Divergence, DivergenceKind, Evidence, OptionEffect, Scope, When};
use crate::docker_option::DockerOption;
use crate::version::Range;

/// One statement with everything that backs it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The divergence's id, which is also its anchor.
    pub id: String,
    /// In a line.
    pub title: String,
    /// What sort of difference it is.
    pub kind: DivergenceKind,
    /// The page that it stands on.
    pub page: String,
    /// What a reader should know.
    pub why: String,
    /// How it is known, as files write it.
    pub evidence: Evidence,
    /// How it is known, in words.
    pub evidence_told: &'static str,
    /// Tickets: name and address.
    pub tickets: Vec<(String, String)>,
    /// Where it holds.
    #[serde(skip)]
    pub when: When,
    /// The releases in which it holds, in words.
    pub releases: String,
    /// API versions at which it holds, in words; empty for all.
    pub api: String,
    /// The configuration in which it shows, if only in one.
    pub world: Option<String>,
    /// Whether it holds in the newest release.
    pub is_current: bool,
    /// Whether it is in every answer.
    pub is_everywhere: bool,
    /// Its file.
    pub file: String,
    /// How many places of the committed snapshots show it.
    pub places: usize,
    /// The scenarios that show it: id and file.
    pub scenarios: Vec<(String, String)>,
    /// Options of containers that it concerns: what becomes of them, the field, flags and keys.
    pub options: Vec<OptionTold>,
    /// An exchange that shows it.
    pub example: Option<Example>,
}

/// An option that a divergence concerns.
#[derive(Clone, Debug, Serialize)]
pub struct OptionTold {
    /// `ignored`, `refused` or `differs`.
    effect: &'static str,
    /// The field of a create request.
    field: &'static str,
    /// Flags of `docker run`, and keys of compose files.
    written: Vec<&'static str>,
}

impl OptionTold {
    fn of(effect: &OptionEffect) -> OptionTold {
        let DockerOption { field, flags, keys, .. } = effect.option;
        let written = flags.iter().chain(*keys).copied().collect();
        OptionTold { effect: effect.effect.word(), field, written }
    }
}

/// Where tickets of sdc-docker and SmartOS are read.
const TICKETS: &str = "http://smartos.org/bugview/";

impl Entry {
    /// Collects what backs a divergence.
    pub fn of(divergence: &Divergence, book: &Book<'_>) -> Entry {
        Entry::among(divergence, book, &|_, _| true)
    }

    /// The same, from the findings that count.
    pub fn among(
        divergence: &Divergence,
        book: &Book<'_>,
        counts: &dyn Fn(&JudgedCase<'_>, &Known<'_>) -> bool,
    ) -> Entry {
        let mut places = 0;
        let mut scenarios = BTreeSet::new();
        for (case, _) in book.places_of(&divergence.id).filter(|(case, known)| counts(case, known)) {
            places += 1;
            scenarios.insert((case.scenario.id.0.clone(), case.scenario.file.clone()));
        }
        let is_everywhere =
            divergence.observations.iter().any(|observation| observation.scope == Scope::Everywhere);
        let told = |range: &Range| if range.is_open() { String::new() } else { range.to_string() };
        let releases = match told(&divergence.when.release).as_str() {
            "" => "all".to_owned(),
            range => range.to_owned(),
        };
        Entry {
            id: divergence.id.clone(),
            title: divergence.title.clone(),
            kind: divergence.kind,
            page: divergence.page.clone(),
            why: divergence.why.trim().to_owned(),
            evidence: divergence.evidence,
            evidence_told: evidence_told(divergence),
            tickets: tickets(divergence.ticket.as_deref().unwrap_or_default()),
            releases,
            api: told(&divergence.when.api),
            world: divergence.when.world.clone(),
            is_current: book.latest().is_none_or(|latest| divergence.when.holds_by_default(&latest.release)),
            is_everywhere,
            file: divergence.file.clone(),
            places,
            scenarios: scenarios.into_iter().collect(),
            options: book.options_of(&divergence.id).map(OptionTold::of).collect(),
            example: example::of(divergence, book, counts),
            when: divergence.when.clone(),
        }
    }

    /// Whether it is of this kind.
    pub fn kind_is(&self, kind: DivergenceKind) -> bool {
        self.kind == kind
    }
}

fn evidence_told(divergence: &Divergence) -> &'static str {
    match divergence.evidence {
        Evidence::Observed if divergence.engine != ABOUT => "observed, recorded on it",
        Evidence::Documented => "sdc-docker's documentation says so",
        Evidence::Read => "read in the source of sdc-docker or of what it calls",
        Evidence::Ran => "sdc-docker's own code answered so, run over stand-ins",
        Evidence::Observed => "observed on a data center",
    }
}

fn tickets(text: &str) -> Vec<(String, String)> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| (word.to_owned(), format!("{TICKETS}{word}"))).collect()
}
