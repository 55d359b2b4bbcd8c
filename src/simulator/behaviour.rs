//! All behaviours, a line each: the divergence ids that one carries, since when it is so, and
//! where it takes hold of a call. Switched off, stock Docker's own answer shows through.

use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use super::route::Route;
use crate::version::Version;

/// A way in which sdc-docker answers differently.
#[derive(Debug)]
pub struct Behaviour {
    /// The divergences that it shows; switching off one switches off all of it.
    pub ids: &'static [&'static str],
    /// What it is, in a line.
    pub title: &'static str,
    /// The first release that shows it.
    pub since: &'static str,
    /// The first release that does not.
    pub until: Option<&'static str>,
    hooks: &'static [Hook],
}

type BeforeFn = fn(&mut Call) -> Result<(), Answer>;
type AfterFn = fn(&Call, &mut Value);
type AnsweredFn = fn(&Call, &mut Answer);

/// Where a behaviour takes hold of a call.
#[derive(Debug)]
pub enum Hook {
    /// In the code of its calls, which asks for its id.
    Woven,
    /// Before the call: it may change the request, or answer itself.
    Before(&'static [Route], BeforeFn),
    /// After the call: it changes the JSON of a success.
    After(&'static [Route], AfterFn),
    /// As `After`, for each element of a list.
    Each(&'static [Route], AfterFn),
    /// After the call, whatever the answer is.
    Answered(&'static [Route], AnsweredFn),
}

impl Behaviour {
    /// Whether a release shows it.
    pub fn holds_at(&self, release: &str) -> bool {
        let number = |text: &str| text.parse::<Version>().ok();
        let release = number(release);
        number(self.since) <= release && self.until.is_none_or(|until| release < number(until))
    }
}

/// All behaviours.
pub fn behaviours() -> impl Iterator<Item = &'static Behaviour> {
    ALL.into_iter().flatten()
}

/// The hooks of a call, in the order of the table.
pub fn hooks(route: Route) -> impl Iterator<Item = (&'static str, &'static Hook)> {
    behaviours().flat_map(move |behaviour| {
        behaviour.hooks.iter().filter(move |hook| hook.is_on(route)).map(|hook| (behaviour.ids[0], hook))
    })
}

impl Hook {
    fn is_on(&self, route: Route) -> bool {
        match self {
            Hook::Woven => false,
            Hook::Before(routes, _) => routes.contains(&route),
            Hook::After(routes, _) | Hook::Each(routes, _) => routes.contains(&route),
            Hook::Answered(routes, _) => routes.contains(&route),
        }
    }
}

const fn always(ids: &'static [&'static str], title: &'static str, hooks: &'static [Hook]) -> Behaviour {
    Behaviour { ids, title, since: "0.1", until: None, hooks }
}

const fn since(
    since: &'static str,
    ids: &'static [&'static str],
    title: &'static str,
    hooks: &'static [Hook],
) -> Behaviour {
    Behaviour { ids, title, since, until: None, hooks }
}

const fn until(
    until: &'static str,
    ids: &'static [&'static str],
    title: &'static str,
    hooks: &'static [Hook],
) -> Behaviour {
    Behaviour { ids, title, since: "0.1", until: Some(until), hooks }
}

const CREATE: &[Route] = &[Route::ContainerCreate];
const INSPECT: &[Route] = &[Route::ContainerInspect];
const LIST: &[Route] = &[Route::ContainerList];
const VOLUMES: &[Route] =
    &[Route::VolumeCreate, Route::VolumeDelete, Route::VolumeInspect, Route::VolumeList];

macro_rules! ignored {
    ($id:literal, $title:literal) => {
        always(
            &[$id],
            $title,
            &[Before(CREATE, options::drop_ignored), After(INSPECT, options::show_defaults)],
        )
    };
}

macro_rules! refuse {
    ($what:literal) => {
        |_| Err(Answer::not_implemented($what))
    };
}

/// The first release whose answers are known to be those of 0.7; before it stands May 2015.
const LATER: &str = "0.4";

mod containers;
mod create;
mod images;
mod missing;
mod storage;
mod streams;
mod wire;

/// The table, a file for each family. Of two hooks on one route the one that stands first is first.
static ALL: [&[Behaviour]; 7] =
    [wire::ALL, missing::ALL, images::ALL, create::ALL, containers::ALL, streams::ALL, storage::ALL];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_stands_once() {
        let mut ids: Vec<&str> = behaviours().flat_map(|behaviour| behaviour.ids.iter().copied()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
