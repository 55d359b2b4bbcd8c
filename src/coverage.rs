//! What of Docker's documented API the scenarios exercise on the reference. Counts the requests and
//! statuses of committed snapshots, with the headers and bodies that the same steps of the scenario
//! send. Pure but for the fixtures that are bodies.

pub mod asked;

use serde::Serialize;

use self::asked::Asked;
use crate::documented::{Detail, Documented, Item};
use crate::route::Route;
use crate::suite::unasked::Unasked;
use crate::version::Version;

/// The percentage of routes.
pub const ALL: usize = 100;
/// The percentage of parameters and statuses.
pub const NEARLY_ALL: usize = 95;
/// The percentage of the fields where clients live.
pub const MOST: usize = 80;

/// The coverage of one API version.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The version.
    pub api: Version,
    /// Whether targets hold: at the versions that scenarios run at by default, and at the newest.
    pub held: bool,
    /// The routes.
    pub routes: Tally,
    /// The parameters of queries, each key of `filters` by itself.
    pub parameters: Tally,
    /// The headers of requests.
    pub headers: Tally,
    /// The fields of JSON bodies.
    pub body_fields: Tally,
    /// The statuses of answers.
    pub statuses: Tally,
    /// The same fields where clients live; of build its parameters and headers, which stand for them.
    pub areas: Vec<Area>,
    /// Things that were exercised although a reason says that they cannot be.
    #[serde(skip)]
    pub asked_after_all: Vec<(usize, Item)>,
}

/// What a client gives to make one kind of thing.
#[derive(Clone, Debug, Serialize)]
pub struct Area {
    /// `create`, `exec`, `build`, `network` or `volume`.
    pub name: &'static str,
    /// The fields.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Documented things counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// All of them.
    pub documented: usize,
    /// Those that were sent, or answered, at least once.
    pub exercised: usize,
    /// Those that were not, with a written reason.
    pub excluded: usize,
    /// Percent of what is not excluded that should be exercised, if a target holds.
    pub target: Option<usize>,
    /// The rest.
    pub missing: Vec<Item>,
}

/// The routes of which the body, or what stands for it, matters most.
const AREAS: &[(&str, &[&str])] = &[
    ("create", &["POST /containers/create"]),
    ("exec", &["POST /containers/*/exec", "POST /exec/*/start"]),
    ("build", &["POST /build"]),
    ("network", &["POST /networks/create", "POST /networks/*/connect", "POST /networks/*/disconnect"]),
    ("volume", &["POST /volumes/create"]),
];

impl Tally {
    /// Percent of what is not excluded that is exercised, rounded down.
    pub fn percent(&self) -> usize {
        (self.exercised * 100).checked_div(self.documented - self.excluded).unwrap_or(100)
    }

    /// Whether a target holds and is missed.
    pub fn is_short(&self) -> bool {
        self.target.is_some_and(|target| self.percent() < target)
    }

    fn add(&mut self, item: Item, status: Standing) {
        self.documented += 1;
        match status {
            Standing::Exercised => self.exercised += 1,
            Standing::Excluded => self.excluded += 1,
            Standing::Missing => self.missing.push(item),
        }
    }
}

/// How a documented thing stands.
#[derive(Clone, Copy)]
enum Standing {
    Exercised,
    Excluded,
    Missing,
}

impl Coverage {
    /// The kinds of things with their names for people.
    pub fn tallies(&self) -> [(&'static str, &Tally); 5] {
        [
            ("routes", &self.routes),
            ("parameters", &self.parameters),
            ("headers", &self.headers),
            ("body fields", &self.body_fields),
            ("statuses", &self.statuses),
        ]
    }

    /// Whether any target is missed.
    pub fn is_short(&self) -> bool {
        let tallies = self.tallies().into_iter().map(|(_, tally)| tally);
        tallies.chain(self.areas.iter().map(|area| &area.tally)).any(Tally::is_short)
    }

    /// Everything that is missing, by kind and in the order of the reference.
    pub fn missing(&self) -> impl Iterator<Item = &Item> {
        self.tallies().into_iter().flat_map(|(_, tally)| &tally.missing)
    }

    fn targets(&mut self) {
        self.routes.target = Some(ALL);
        self.parameters.target = Some(NEARLY_ALL);
        self.statuses.target = Some(NEARLY_ALL);
        for area in &mut self.areas {
            area.tally.target = Some(MOST);
        }
    }
}

/// What was asked of what one version documents. `held` says whether targets hold.
pub fn coverage(facts: &Documented, asked: &[Asked], unasked: &[Unasked], held: bool) -> Coverage {
    let area = |(name, _): &(&'static str, _)| Area { name, tally: Tally::default() };
    let none = Tally::default;
    let mut coverage = Coverage {
        api: facts.api.clone(),
        held,
        routes: none(),
        parameters: none(),
        headers: none(),
        body_fields: none(),
        statuses: none(),
        areas: AREAS.iter().map(area).collect(),
        asked_after_all: Vec::new(),
    };
    for item in facts.items() {
        let exercised = asked.iter().any(|asked| asked.exercises(&facts.api, &item));
        let reason = unasked.iter().position(|entry| entry.covers(&facts.api, &item));
        let standing = match (exercised, reason) {
            (true, Some(at)) => {
                coverage.asked_after_all.push((at, item.clone()));
                Standing::Exercised
            }
            (true, None) => Standing::Exercised,
            (false, Some(_)) => Standing::Excluded,
            (false, None) => Standing::Missing,
        };
        if let Some(at) = area_of(&item.route, &item.detail) {
            coverage.areas[at].tally.add(item.clone(), standing);
        }
        let tally = match item.detail {
            Detail::Route => &mut coverage.routes,
            Detail::Parameter(_) | Detail::Filter(_) => &mut coverage.parameters,
            Detail::Header(_) => &mut coverage.headers,
            Detail::Field(_) => &mut coverage.body_fields,
            Detail::Status(_) => &mut coverage.statuses,
        };
        tally.add(item, standing);
    }
    if held {
        coverage.targets();
    }
    coverage
}

fn area_of(route: &Route, detail: &Detail) -> Option<usize> {
    let at = AREAS.iter().position(|(_, routes)| routes.contains(&route.as_str()))?;
    let counts = match (AREAS[at].0, detail) {
        ("build", Detail::Parameter(_) | Detail::Header(_)) => true,
        ("build", _) => false,
        (_, Detail::Field(_)) => true,
        _ => false,
    };
    counts.then_some(at)
}

#[cfg(test)]
mod tests;
