//! The pages of Docker's commands: what each is known to do otherwise, and how many scenarios agree.

use std::collections::BTreeSet;

use serde::Serialize;

use super::book::{Book, JudgedCase, Known, World};
use super::entry::Entry;

/// Docker's commands and the routes that are theirs alone. A command that shares its routes with
/// others is told apart by the `command` of scenarios. Source: Docker's client, 1.9 to 1.12.
pub const COMMANDS: &[(&str, &[&str])] = &[
    ("attach", &["POST /containers/*/attach", "GET /containers/*/attach/ws"]),
    ("build", &["POST /build"]),
    ("commit", &["POST /commit"]),
    (
        "cp",
        &[
            "HEAD /containers/*/archive",
            "GET /containers/*/archive",
            "PUT /containers/*/archive",
            "POST /containers/*/copy",
        ],
    ),
    ("create", &["POST /containers/create"]),
    ("diff", &["GET /containers/*/changes"]),
    ("events", &["GET /events"]),
    ("exec", &["POST /containers/*/exec", "POST /exec/*/start", "POST /exec/*/resize", "GET /exec/*/json"]),
    ("export", &["GET /containers/*/export"]),
    ("history", &["GET /images/*/history"]),
    ("images", &["GET /images/json"]),
    ("import", &[]),
    ("info", &["GET /info"]),
    ("inspect", &["GET /containers/*/json", "GET /images/*/json"]),
    ("kill", &["POST /containers/*/kill"]),
    ("load", &["POST /images/load"]),
    ("login", &["POST /auth"]),
    ("logout", &[]),
    ("logs", &["GET /containers/*/logs"]),
    ("network connect", &["POST /networks/*/connect"]),
    ("network create", &["POST /networks/create"]),
    ("network disconnect", &["POST /networks/*/disconnect"]),
    ("network inspect", &["GET /networks/*"]),
    ("network ls", &["GET /networks"]),
    ("network rm", &["DELETE /networks/*"]),
    ("node ls", &["GET /nodes"]),
    ("pause", &["POST /containers/*/pause"]),
    ("plugin ls", &["GET /plugins"]),
    ("port", &[]),
    ("ps", &["GET /containers/json"]),
    ("pull", &[]),
    ("push", &["POST /images/*/push"]),
    ("rename", &["POST /containers/*/rename"]),
    ("restart", &["POST /containers/*/restart"]),
    ("rm", &["DELETE /containers/*"]),
    ("rmi", &["DELETE /images/*"]),
    ("run", &[]),
    ("save", &["GET /images/get", "GET /images/*/get"]),
    ("search", &["GET /images/search"]),
    ("service ls", &["GET /services"]),
    ("start", &["POST /containers/*/start"]),
    ("stats", &["GET /containers/*/stats"]),
    ("stop", &["POST /containers/*/stop"]),
    (
        "swarm",
        &["GET /swarm", "POST /swarm/init", "POST /swarm/join", "POST /swarm/leave", "POST /swarm/update"],
    ),
    ("tag", &["POST /images/*/tag"]),
    ("top", &["GET /containers/*/top"]),
    ("unpause", &["POST /containers/*/unpause"]),
    ("update", &["POST /containers/*/update"]),
    ("version", &["GET /version"]),
    ("volume create", &["POST /volumes/create"]),
    ("volume inspect", &["GET /volumes/*"]),
    ("volume ls", &["GET /volumes"]),
    ("volume rm", &["DELETE /volumes/*"]),
    ("wait", &["POST /containers/*/wait"]),
];

/// The page of one command.
#[derive(Clone, Debug, Serialize)]
pub struct CommandPage {
    /// `network create`.
    pub name: String,
    /// `network-create`.
    pub file: String,
    /// The routes that are its own.
    pub routes: Vec<String>,
    /// What is known of it in the newest release.
    pub now: Vec<Entry>,
    /// What was known of it in earlier releases only.
    pub then: Vec<Entry>,
    /// How many scenarios exercise it in the newest release.
    pub scenarios: usize,
    /// How many of them agree, but for what is in every answer.
    pub agreeing: usize,
}

/// All commands that Docker has, and those that only scenarios name.
pub fn names(book: &Book<'_>) -> Vec<(String, &'static [&'static str])> {
    let mut names: Vec<(String, &'static [&'static str])> =
        COMMANDS.iter().map(|(name, routes)| ((*name).to_owned(), *routes)).collect();
    let named: BTreeSet<&String> =
        book.cases.iter().filter_map(|case| case.scenario.command.as_ref()).collect();
    for name in named {
        if !names.iter().any(|(known, _)| known == name) {
            names.push((name.clone(), &[]));
        }
    }
    names.sort();
    names
}

/// Whether a finding is about the command: at one of its routes, or pinned for a scenario of it.
pub fn is_about(command: &str, routes: &[&str], case: &JudgedCase<'_>, known: &Known<'_>) -> bool {
    let at_route = || known.route().is_some_and(|route| routes.contains(&route.as_str()));
    let is_its_own = || case.scenario.command.as_deref() == Some(command) && known.is_own;
    !known.is_everywhere && (at_route() || is_its_own())
}

/// Whether a case exercises the command.
pub fn exercises(command: &str, routes: &[&str], case: &JudgedCase<'_>) -> bool {
    let has_route = || case.routes.iter().any(|route| routes.contains(&route.as_str()));
    case.is_fine && (case.scenario.command.as_deref() == Some(command) || has_route())
}

/// How many scenarios exercise the command in a release, and how many of them agree.
pub fn agreement(command: &str, routes: &[&str], cases: &[&JudgedCase<'_>]) -> (usize, usize) {
    let mut all = BTreeSet::new();
    let mut diverging = BTreeSet::new();
    for case in cases.iter().filter(|case| exercises(command, routes, case)) {
        all.insert(&case.scenario.id);
        if case.known.iter().any(|known| is_about(command, routes, case, known)) {
            diverging.insert(&case.scenario.id);
        }
    }
    (all.len(), all.len() - diverging.len())
}

/// The pages of all commands.
pub fn pages(book: &Book<'_>, entries: &[Entry]) -> Vec<CommandPage> {
    let latest = book.latest().cloned();
    let page = |(name, routes): (String, &'static [&'static str])| {
        let about = |case: &JudgedCase<'_>, known: &Known<'_>| is_about(&name, routes, case, known);
        let ours = entries.iter().filter_map(|entry| {
            let divergence = book.divergence(&entry.id)?;
            Some(Entry::among(divergence, book, &about)).filter(|entry| entry.places > 0)
        });
        let (now, then) = ours.partition(|entry| entry.is_current);
        let is_latest = |world: &World| latest.as_ref() == Some(world);
        let cases: Vec<&JudgedCase<'_>> = book.cases.iter().filter(|case| is_latest(&case.world)).collect();
        let (scenarios, agreeing) = agreement(&name, routes, &cases);
        let file = name.replace(' ', "-");
        let routes = routes.iter().map(|route| (*route).to_owned()).collect();
        CommandPage { file, routes, now, then, scenarios, agreeing, name }
    };
    names(book).into_iter().map(page).collect()
}

/// The commands that deploying needs, with the scenarios of each that end with no finding that
/// says it is missing: what backs the claim that containers can be deployed.
#[derive(Clone, Debug, Serialize)]
pub struct Deploying {
    name: String,
    file: String,
    scenarios: usize,
}

/// See [`Deploying`]; only commands that some scenario exercises.
pub fn deploying(book: &Book<'_>) -> Vec<Deploying> {
    const NEEDED: [&str; 9] = ["create", "start", "inspect", "logs", "exec", "stop", "kill", "wait", "rm"];
    let Some(latest) = book.latest() else { return Vec::new() };
    let missing = book.missing_commands(latest);
    let cases: Vec<&JudgedCase<'_>> = book.cases.iter().filter(|case| case.world == *latest).collect();
    let needed = COMMANDS.iter().filter(|(name, _)| NEEDED.contains(name));
    needed
        .filter(|(name, _)| !missing.contains(&format!("docker {name}")))
        .map(|(name, routes)| Deploying {
            name: (*name).to_owned(),
            file: name.replace(' ', "-"),
            scenarios: agreement(name, routes, &cases).0,
        })
        .filter(|each| each.scenarios > 0)
        .collect()
}
