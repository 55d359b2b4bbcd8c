//! `suites/unasked.toml`: what Docker documents and no scenario can ask or see, with reasons.

use super::api_file::details_of;
use super::keys::UNASKED_KEYS;
use super::reader::{Reader, root};
use super::settings::versions;
use super::word::choose;
use crate::documented::{Detail, Documented, Item};
use crate::mistake::{Mistake, Mistakes};
use crate::route::{ROUTES, Route};
use crate::version::Version;

/// Documented things that cannot be asked, for one reason.
#[derive(Clone, Debug)]
pub struct Unasked {
    /// The routes.
    pub routes: Vec<Route>,
    /// At which versions; empty for all that document it.
    pub api: Vec<Version>,
    /// What of the routes; a field stands for all that lies below it too.
    pub details: Vec<Detail>,
    /// The routes as a whole.
    pub everything: bool,
    /// Why not.
    pub reason: String,
    /// The bytes of the entry in its file.
    pub span: Option<std::ops::Range<usize>>,
}

impl Unasked {
    /// Whether it speaks of this thing.
    pub fn covers(&self, api: &Version, item: &Item) -> bool {
        let here = self.routes.contains(&item.route) && (self.api.is_empty() || self.api.contains(api));
        let below = |detail: &Detail| match (detail, &item.detail) {
            (Detail::Field(above), Detail::Field(field)) => field.is_under(above),
            (named, detail) => named == detail,
        };
        here && (self.everything || self.details.iter().any(below))
    }
}

/// Reads the file against what is documented.
pub fn unasked(
    file: Option<&(String, String)>,
    documented: &[Documented],
    found: &mut Vec<Mistake>,
) -> Vec<Unasked> {
    let Some((name, text)) = file else { return Vec::new() };
    let mut mistakes = Mistakes::of(name);
    let mut entries = Vec::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(&["entries"], &mut mistakes);
        for reader in reader.tables("entries", &mut mistakes) {
            let entry = entry(&reader, &mut mistakes);
            names_something(&entry, documented, &mut mistakes);
            twice(&entry, &entries, documented, &mut mistakes);
            entries.push(entry);
        }
    }
    found.extend(mistakes.found);
    entries
}

fn entry(reader: &Reader<'_>, mistakes: &mut Mistakes) -> Unasked {
    reader.only(UNASKED_KEYS, mistakes);
    let help = "name at least one, as in routes = [\"GET /info\"]";
    reader.need("routes", help, mistakes);
    let mut routes = Vec::new();
    for word in reader.words("routes", mistakes).unwrap_or_default() {
        match Route::named(word.text()) {
            Some(route) => routes.push(route),
            None => {
                let help = choose(word.text(), ROUTES.iter().copied(), "routes are in fixtures/api/");
                mistakes.add(word.span(), format!("`{}` is no route", word.text()), help);
            }
        }
    }
    let keys = ["parameters", "filters", "headers", "fields", "statuses"];
    let entry = Unasked {
        routes,
        api: versions(reader, "api", mistakes).unwrap_or_default(),
        details: details_of(reader, keys, mistakes),
        everything: reader.flag("everything", mistakes).unwrap_or(false),
        reason: reader.need_text("reason", "say why it cannot be asked or seen", mistakes),
        span: reader.span.clone(),
    };
    if entry.everything != entry.details.is_empty() {
        let message = "an entry says either `everything = true` or what of its routes";
        mistakes.add(reader.span.clone(), message, format!("its keys are {}", keys.join(", ")));
    }
    entry
}

/// Every route with every detail is documented at some version that the entry speaks of.
fn names_something(entry: &Unasked, documented: &[Documented], mistakes: &mut Mistakes) {
    if documented.is_empty() {
        return;
    }
    for route in &entry.routes {
        let whole = [Detail::Route];
        let details = if entry.everything { &whole[..] } else { &entry.details };
        for detail in details {
            let item = Item { route: route.clone(), detail: detail.clone() };
            let is_there = documented
                .iter()
                .filter(|facts| entry.api.is_empty() || entry.api.contains(&facts.api))
                .any(|facts| facts.items().any(|each| each == item));
            if !is_there {
                let help = "remove it; what is documented stands in fixtures/api/";
                mistakes.add(entry.span.clone(), format!("nothing documented is called `{item}`"), help);
            }
        }
    }
}

fn twice(entry: &Unasked, before: &[Unasked], documented: &[Documented], mistakes: &mut Mistakes) {
    let mut items: Vec<Item> = documented
        .iter()
        .flat_map(|facts| facts.items().map(|item| (&facts.api, item)))
        .filter(|(api, item)| entry.covers(api, item) && before.iter().any(|each| each.covers(api, item)))
        .map(|(_, item)| item)
        .collect();
    items.dedup();
    if let Some(item) = items.first() {
        let message = format!("`{item}` has two reasons");
        mistakes.add(entry.span.clone(), message, "remove it from one of the two entries");
    }
}
