//! The compatibility matrix: one page that needs nothing but itself. Commands and routes by release
//! and API version; each cell opens what it rests on. Everything in it is escaped by the template.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::DocsError;
use super::book::{Book, JudgedCase, Known, World};
use super::commands;
use super::entry::Entry;
use crate::route::ROUTES;
use crate::version::Version;

/// A row: a command or a route.
#[derive(Serialize)]
struct Row {
    id: String,
    group: &'static str,
    name: String,
    /// The page that tells more, if there is one.
    page: Option<String>,
    cells: Vec<Cell>,
}

/// What is known of a row at one release and API version.
#[derive(Serialize)]
struct Cell {
    id: String,
    /// `diverges`, `agrees` or `unknown`.
    state: &'static str,
    /// The divergences that show there.
    divergences: Vec<String>,
    /// Numbers of the scenarios that exercise it and show none of them.
    agreeing: Vec<usize>,
    /// Numbers of the others.
    diverging: Vec<usize>,
}

/// A release as it is by default at an API version, or, without a version, in all other worlds.
struct Column {
    release: Version,
    api: Option<Version>,
}

impl Column {
    /// Those of a book, release by release.
    fn of(book: &Book<'_>) -> Vec<Column> {
        let releases: BTreeSet<&Version> = book.worlds.iter().map(|world| &world.release).collect();
        let apis: BTreeSet<&Version> = book.cases.iter().map(|case| case.api).collect();
        let mut columns = Vec::new();
        for release in releases {
            let wide = apis.iter().filter(|api| is_wide(book, api));
            let apis = wide.map(|api| Some((*api).clone()));
            let is_other = |world: &&World| world.release == *release && !world.name.is_empty();
            let others = book.worlds.iter().find(is_other).map(|_| None);
            columns.extend(apis.chain(others).map(|api| Column { release: release.clone(), api }));
        }
        columns
    }

    fn has(&self, case: &JudgedCase<'_>) -> bool {
        let scenario = case.scenario;
        case.world.release == self.release
            && match &self.api {
                None => !case.world.name.is_empty(),
                Some(api) => {
                    case.world.name.is_empty()
                        && scenario.speaks_of(api)
                        && api.standing_for(scenario.api.iter()) == Some(case.api)
                }
            }
    }

    /// The two lines of its head.
    fn head(&self) -> (String, String) {
        let api = self.api.as_ref().map(|api| format!("API {api}"));
        (self.release.to_string(), api.unwrap_or_else(|| "other worlds".to_owned()))
    }
}

/// The page.
pub fn page(book: &Book<'_>, entries: &[Entry]) -> Result<String, DocsError> {
    let columns = Column::of(book);
    let scenarios: BTreeSet<&String> = book.cases.iter().map(|case| &case.scenario.id.0).collect();
    let numbers: BTreeMap<&String, usize> =
        scenarios.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    let mut rows = Vec::new();
    for (name, routes) in commands::names(book) {
        let page = Some(format!("commands/{}.md", name.replace(' ', "-")));
        let exercises = |case: &JudgedCase<'_>| commands::exercises(&name, routes, case);
        let is_about =
            |case: &JudgedCase<'_>, known: &Known<'_>| commands::is_about(&name, routes, case, known);
        let id = format!("docker-{}", name.replace(' ', "-"));
        let cells = cells(book, &columns, &id, &numbers, &exercises, &is_about);
        rows.push(Row { id, group: "command", name: format!("docker {name}"), page, cells });
    }
    for (number, route) in ROUTES.iter().enumerate() {
        let exercises =
            |case: &JudgedCase<'_>| case.is_fine && case.routes.iter().any(|its| its.as_str() == *route);
        let is_about = |_: &JudgedCase<'_>, known: &Known<'_>| {
            !known.is_everywhere && known.route().is_some_and(|its| its.as_str() == *route)
        };
        let id = format!("route-{number}");
        let cells = cells(book, &columns, &id, &numbers, &exercises, &is_about);
        rows.push(Row { id, group: "route", name: (*route).to_owned(), page: None, cells });
    }
    let stand_in = book.cases.iter().any(JudgedCase::is_stand_in);
    let heads: Vec<(String, String)> = columns.iter().map(Column::head).collect();
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    let told = |source| DocsError { page: "matrix.html".to_owned(), source };
    templates.add_template("matrix.html", include_str!("matrix.html")).map_err(told)?;
    let template = templates.get_template("matrix.html").map_err(told)?;
    let kinds: BTreeSet<String> = entries.iter().map(|entry| word(&entry.kind)).collect();
    let evidences: BTreeSet<String> = entries.iter().map(|entry| word(&entry.evidence)).collect();
    let (style, script) = (
        include_str!("../report/page.css"),
        concat!(include_str!("../report/page.js"), include_str!("matrix.js")),
    );
    template
        .render(context! { rows, heads, entries, kinds, evidences, scenarios, stand_in, style, script })
        .map_err(told)
}

/// How files write a word of ours.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether an API version is one that many scenarios name, and so a column.
fn is_wide(book: &Book<'_>, api: &Version) -> bool {
    let at = book.cases.iter().filter(|case| case.api == api).count();
    at * 20 >= book.cases.len()
}

fn cells(
    book: &Book<'_>,
    columns: &[Column],
    row: &str,
    numbers: &BTreeMap<&String, usize>,
    exercises: &dyn Fn(&JudgedCase<'_>) -> bool,
    is_about: &dyn Fn(&JudgedCase<'_>, &Known<'_>) -> bool,
) -> Vec<Cell> {
    let cell = |(at, column): (usize, &Column)| {
        let (mut divergences, mut agreeing, mut diverging) = (BTreeSet::new(), Vec::new(), Vec::new());
        let here = book.cases.iter().filter(|case| column.has(case));
        for case in here.filter(|case| exercises(case)) {
            let about = case.known.iter().filter(|known| is_about(case, known));
            let ids: Vec<&String> = about.map(|known| &known.divergence.id).collect();
            let side = if ids.is_empty() { &mut agreeing } else { &mut diverging };
            side.extend(numbers.get(&case.scenario.id.0).copied());
            divergences.extend(ids.into_iter().cloned());
        }
        let state = match (divergences.is_empty(), agreeing.is_empty()) {
            (false, _) => "diverges",
            (true, false) => "agrees",
            (true, true) => "unknown",
        };
        let divergences = divergences.into_iter().collect();
        Cell { id: format!("{row}-{at}"), state, divergences, agreeing, diverging }
    };
    columns.iter().enumerate().map(cell).collect()
}
