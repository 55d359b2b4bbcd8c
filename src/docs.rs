//! The divergence docs: Markdown pages and a matrix, made of the divergence files and the committed
//! snapshots. The same files give the same bytes. Pure: the command line reads and writes.

pub mod book;
mod commands;
mod entry;
mod example;
mod matrix;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, context};
use serde::Serialize;

use crate::check::Committed;
use crate::divergence::DivergenceKind;
use crate::report::{console::counted, markdown};
use crate::suite::Suite;
use crate::version::Version;
use book::{Book, JudgedCase, World};
use commands::CommandPage;
use entry::Entry;

/// The identity that the docs are about.
pub const ABOUT: &str = "sdc-docker";

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make {page}: {source}")]
pub struct DocsError {
    /// The page.
    page: String,
    /// What the template says.
    source: minijinja::Error,
}

/// All pages by file name below `docs/`.
pub fn pages(suite: &Suite, committed: &[Committed]) -> Result<BTreeMap<String, String>, DocsError> {
    let book = Book::of(suite, committed, ABOUT);
    let entries = entries(suite, &book, ABOUT);
    let press = Press::new(&book);
    let mut pages = BTreeMap::new();
    let mut add = |name: String, page: Result<String, DocsError>| page.map(|text| pages.insert(name, text));
    let features = features(&book, &entries);
    let commands = commands::pages(&book, &entries);
    let releases = releases(&book, &entries);
    let others = suite.divergences.iter().map(|divergence| divergence.engine.as_str());
    let others: BTreeSet<&str> = others.filter(|engine| *engine != ABOUT).collect();
    add("README.md".to_owned(), press.index(suite, &features, &commands, &releases, &others))?;
    add("divergence.md".to_owned(), press.divergence(&book, &entries, &features))?;
    for feature in &features {
        add(format!("features/{}.md", feature.name), press.feature(feature))?;
    }
    add("commands/README.md".to_owned(), press.command_index(&commands))?;
    for command in &commands {
        add(format!("commands/{}.md", command.file), press.command(command))?;
    }
    for release in &releases {
        add(format!("releases/{}.md", release.name), press.release(release))?;
    }
    add("matrix.html".to_owned(), matrix::page(&book, &entries))?;
    for engine in others {
        let book = Book::of(suite, committed, engine);
        add(
            format!("engines/{engine}.md"),
            press.engine(engine, &book, self::entries(suite, &book, engine)),
        )?;
    }
    Ok(pages)
}

fn entries(suite: &Suite, book: &Book<'_>, engine: &str) -> Vec<Entry> {
    let ours = suite.divergences.iter().filter(|divergence| divergence.engine == engine);
    ours.map(|divergence| Entry::of(divergence, book)).collect()
}

/// What is said on a page of its own: the divergences of one `page` of the suite.
#[derive(Clone, Debug, Serialize)]
struct Feature {
    name: String,
    title: String,
    now: Vec<Entry>,
    then: Vec<Entry>,
    /// What its scenarios show and stands on other pages.
    elsewhere: Vec<Entry>,
    /// How many scenarios there are about it, in the newest release.
    scenarios: usize,
    /// How many of them agree, but for what commands and every answer have everywhere.
    agreeing: usize,
}

/// What people call the pages; a page without a name here is called by its own.
const TITLES: &[(&str, &str)] = &[
    ("build", "Building images"),
    ("containers", "Containers"),
    ("create-options", "Options of containers"),
    ("errors", "Errors and headers"),
    ("events", "Events"),
    ("exec", "Running further commands"),
    ("exit-statuses", "Exit statuses"),
    ("files", "Files and copying"),
    ("filesystems", "File systems"),
    ("images", "Images"),
    ("labels", "Labels"),
    ("logs", "Logs"),
    ("networks", "Overlay networks, links and ports"),
    ("performance", "Performance of container management"),
    ("plugins", "Plugins"),
    ("processes", "Processes"),
    ("registry", "Registries and credentials"),
    ("resources", "CPU and memory"),
    ("restart-policies", "Restart policies"),
    ("streams", "Attaching and logs"),
    ("swarm", "Swarm"),
    ("system", "Version, info and ping"),
    ("unimplemented", "Calls that are not implemented"),
    ("versions", "API versions"),
    ("volumes", "Volumes"),
];

fn title_of(page: &str) -> String {
    TITLES.iter().find(|(name, _)| *name == page).map_or(page, |(_, title)| *title).to_owned()
}

fn features(book: &Book<'_>, entries: &[Entry]) -> Vec<Feature> {
    let of_scenarios = book.cases.iter().map(|case| case.scenario.page.as_str());
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.page.as_str()).chain(of_scenarios).collect();
    let feature = |name: &str| {
        let ours = entries.iter().filter(|entry| entry.page == name).cloned();
        let (now, then): (Vec<Entry>, _) = ours.partition(|entry| entry.is_current);
        let latest = book.latest();
        let is_fine = |case: &&JudgedCase<'_>| Some(&case.world) == latest && case.is_fine;
        let cases: Vec<_> =
            book.cases.iter().filter(is_fine).filter(|case| case.scenario.page == name).collect();
        let all: BTreeSet<_> = cases.iter().map(|case| &case.scenario.id).collect();
        // What a route or every answer has stands with the command, and in every scenario.
        let own = cases.iter().flat_map(|case| case.known.iter().map(|known| (&case.scenario.id, known)));
        let own: Vec<_> = own.filter(|(_, known)| known.is_own).collect();
        let agreeing = all.len() - own.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().len();
        let shown: BTreeSet<&str> = own.iter().map(|(_, known)| known.divergence.id.as_str()).collect();
        let is_elsewhere = |entry: &&Entry| entry.page != name && shown.contains(entry.id.as_str());
        let elsewhere = entries.iter().filter(is_elsewhere).cloned().collect();
        let (name, title, scenarios) = (name.to_owned(), title_of(name), all.len());
        Feature { name, title, now, then, elsewhere, scenarios, agreeing }
    };
    names.into_iter().map(feature).collect()
}

/// What changed in a release.
#[derive(Clone, Debug, Serialize)]
struct Release {
    name: String,
    /// The release before it, of which snapshots are there.
    before: Option<String>,
    begins: Vec<Entry>,
    ends: Vec<Entry>,
    holds: usize,
    cases: usize,
    agreeing: usize,
    stand_in: bool,
}

fn releases(book: &Book<'_>, entries: &[Entry]) -> Vec<Release> {
    let versions: BTreeSet<&Version> = book.worlds.iter().map(|world| &world.release).collect();
    let mut before: Option<&Version> = None;
    let mut releases = Vec::new();
    for version in versions {
        let holding = |entry: &&Entry| entry.when.holds_by_default(version);
        let held = |entry: &&Entry| before.is_some_and(|before| entry.when.holds_by_default(before));
        let is_plain = |world: &World| world.release == *version && world.name.is_empty();
        let cases: Vec<_> = book.cases.iter().filter(|case| is_plain(&case.world)).collect();
        releases.push(Release {
            name: version.to_string(),
            before: before.map(Version::to_string),
            begins: entries.iter().filter(holding).filter(|entry| !held(entry)).cloned().collect(),
            ends: entries.iter().filter(held).filter(|entry| !holding(entry)).cloned().collect(),
            holds: entries.iter().filter(holding).count(),
            cases: cases.len(),
            agreeing: cases.iter().filter(|case| case.agrees_but_for_everywhere()).count(),
            stand_in: cases.iter().any(|case| case.is_stand_in()),
        });
        before = Some(version);
    }
    releases
}

/// The templates, with what all pages share.
struct Press {
    templates: Environment<'static>,
    latest: String,
}

const TEMPLATES: &[(&str, &str)] = &[
    ("entry.md", include_str!("docs/entry.md")),
    ("index.md", include_str!("docs/index.md")),
    ("divergence.md", include_str!("docs/divergence.md")),
    ("feature.md", include_str!("docs/feature.md")),
    ("command.md", include_str!("docs/command.md")),
    ("commands.md", include_str!("docs/commands.md")),
    ("release.md", include_str!("docs/release.md")),
    ("engine.md", include_str!("docs/engine.md")),
];

impl Press {
    fn new(book: &Book<'_>) -> Press {
        let mut templates = Environment::new();
        templates.set_trim_blocks(true);
        templates.set_lstrip_blocks(true);
        templates.set_keep_trailing_newline(true);
        templates.add_filter("md", |text: &str| markdown::escaped(text));
        templates.add_filter("code", |text: &str| markdown::code(text));
        templates.add_filter("block", |text: &str| markdown::block("json", text));
        templates.add_filter("counted", |count: usize, noun: &str| counted(count, noun));
        for (name, text) in TEMPLATES {
            // The texts are part of the program; the tests press every page.
            templates.add_template(name, text).expect("templates parse");
        }
        let latest = book.latest().map(|world| world.release.to_string()).unwrap_or_default();
        Press { templates, latest }
    }

    fn page(&self, template: &str, page: &str, values: minijinja::Value) -> Result<String, DocsError> {
        let told = |source| DocsError { page: page.to_owned(), source };
        let template = self.templates.get_template(template).map_err(told)?;
        template.render(values).map(tidy).map_err(told)
    }

    fn index(
        &self,
        suite: &Suite,
        features: &[Feature],
        commands: &[CommandPage],
        releases: &[Release],
        others: &BTreeSet<&str>,
    ) -> Result<String, DocsError> {
        let latest = &self.latest;
        let is_told = |slug: &&String| {
            let divergence = suite.divergences.iter().any(|divergence| divergence.id == **slug);
            divergence || suite.unobservable.iter().any(|entry| entry.id == **slug)
        };
        let (all, told) = (suite.catalogue.len(), suite.catalogue.iter().filter(is_told).count());
        let untold = all - told;
        self.page(
            "index.md",
            "README.md",
            context! { features, commands, releases, others, latest, all, untold },
        )
    }

    fn divergence(
        &self,
        book: &Book<'_>,
        entries: &[Entry],
        features: &[Feature],
    ) -> Result<String, DocsError> {
        let on =
            |page: &'static str| entries.iter().filter(move |entry| entry.page == page && entry.is_current);
        let [processes, files, filesystems, exits, performance, unimplemented] =
            ["processes", "files", "filesystems", "exit-statuses", "performance", "unimplemented"]
                .map(|page| on(page).collect::<Vec<_>>());
        // Of files, those that a container finds; how files are copied stands on its own page.
        let is_found = |entry: &&&Entry| entry.kind_is(DivergenceKind::Environment);
        let files: Vec<_> = files.iter().filter(is_found).collect();
        let plain = book.worlds.iter().filter(|world| world.name.is_empty());
        let missing: Vec<(World, Vec<String>)> =
            plain.map(|world| (world.clone(), book.missing_commands(world))).collect();
        let was_missing: Vec<&Entry> =
            entries.iter().filter(|entry| entry.page == "unimplemented" && !entry.is_current).collect();
        let latest = &self.latest;
        let deploying = commands::deploying(book);
        self.page(
            "divergence.md",
            "divergence.md",
            context! { processes, files, filesystems, exits, performance, unimplemented, was_missing, missing,
            features,
            latest, deploying },
        )
    }

    fn feature(&self, feature: &Feature) -> Result<String, DocsError> {
        let latest = &self.latest;
        self.page("feature.md", &feature.name, context! { feature, latest })
    }

    fn command(&self, command: &CommandPage) -> Result<String, DocsError> {
        let latest = &self.latest;
        self.page("command.md", &command.name, context! { command, latest })
    }

    fn command_index(&self, commands: &[CommandPage]) -> Result<String, DocsError> {
        let latest = &self.latest;
        self.page("commands.md", "commands", context! { commands, latest })
    }

    /// Another engine than the one that the docs are about: all on one page.
    fn engine(&self, engine: &str, book: &Book<'_>, entries: Vec<Entry>) -> Result<String, DocsError> {
        let releases: BTreeSet<String> = book.worlds.iter().map(|world| world.release.to_string()).collect();
        let pages: BTreeSet<String> = entries.iter().map(|entry| entry.page.clone()).collect();
        let of = |page: String| {
            let ours: Vec<&Entry> = entries.iter().filter(|entry| entry.page == page).collect();
            (title_of(&page), ours)
        };
        let parts: Vec<(String, Vec<&Entry>)> = pages.into_iter().map(of).collect();
        self.page("engine.md", engine, context! { engine, releases, parts })
    }

    fn release(&self, release: &Release) -> Result<String, DocsError> {
        let latest = &self.latest;
        self.page("release.md", &release.name, context! { release, latest })
    }
}

/// No line ends in blanks, and no two empty lines follow each other outside of code.
fn tidy(text: String) -> String {
    let mut out = String::new();
    let (mut in_code, mut was_empty) = (false, true);
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        let line = if in_code { line } else { line.trim_end() };
        if line.is_empty() && was_empty && !in_code {
            continue;
        }
        was_empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end_matches('\n').len());
    out.push('\n');
    out
}
