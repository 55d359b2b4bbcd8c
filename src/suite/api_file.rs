//! `fixtures/api/<version>.toml`: what Docker documents of one API version.

use super::keys::{API_KEYS, API_ROUTE_KEYS};
use super::reader::{Reader, root};
use super::settings::version_of;
use super::word::choose;
use crate::documented::{Detail, Documented, DocumentedRoute, Field};
use crate::mistake::{Mistake, Mistakes};
use crate::route::{ROUTES, Route};

const FORMAT: u64 = 1;

/// Reads the facts of one version; the file is named after it.
pub fn documented(file: &str, text: &str, found: &mut Vec<Mistake>) -> Option<Documented> {
    let mut mistakes = Mistakes::of(file);
    let facts = root(text, &mut mistakes).and_then(|table| {
        let reader = Reader::of_file(&table, text);
        reader.only(API_KEYS, &mut mistakes);
        format(&reader, &mut mistakes);
        reader.need("source", "name the reference that the facts come from", &mut mistakes);
        reader.words("source", &mut mistakes);
        let api = version_of(&reader, "api", &mut mistakes)?;
        if !file.ends_with(&format!("/{api}.toml")) {
            let message = format!("the facts of {api} stand in another file");
            mistakes.add(reader.span_of("api"), message, format!("name the file {api}.toml"));
        }
        let tables = reader.tables("routes", &mut mistakes);
        let mut facts = Documented { api, routes: Vec::new() };
        for table in tables {
            if let Some(route) = route(&table, &facts, &mut mistakes) {
                facts.routes.push(route);
            }
        }
        Some(facts)
    });
    found.extend(mistakes.found);
    facts
}

fn format(reader: &Reader<'_>, mistakes: &mut Mistakes) {
    let help = "this program reads format = 1";
    reader.need("format", help, mistakes);
    if reader.count("format", mistakes).is_some_and(|format| format != FORMAT) {
        mistakes.add(reader.span_of("format"), "facts of an unknown format", help);
    }
}

fn route(reader: &Reader<'_>, before: &Documented, mistakes: &mut Mistakes) -> Option<DocumentedRoute> {
    reader.only(API_ROUTE_KEYS, mistakes);
    reader.need("route", "write route = \"GET /containers/*/json\"", mistakes);
    let word = reader.word("route", mistakes)?;
    let Some(route) = Route::named(word.text()) else {
        let help = choose(word.text(), ROUTES.iter().copied(), "routes are listed in src/route.rs");
        mistakes.add(word.span(), format!("`{}` is no route", word.text()), help);
        return None;
    };
    if before.routes.iter().any(|each| each.route == route) {
        mistakes.add(word.span(), format!("`{route}` stands here twice"), "merge the two");
    }
    let names = reader.words("path", mistakes).unwrap_or_default().len();
    if names != route.as_str().matches('*').count() {
        let help = "name each `*` of the route, in order";
        mistakes.add(reader.span_of("path"), "`path` does not fit the route", help);
    }
    let mut details = vec![Detail::Route];
    details.extend(details_of(reader, ["query", "filters", "headers", "fields", "statuses"], mistakes));
    Some(DocumentedRoute { route, details })
}

/// The details that a table lists: parameters, filters, headers, fields and statuses by these keys.
pub fn details_of(reader: &Reader<'_>, keys: [&str; 5], mistakes: &mut Mistakes) -> Vec<Detail> {
    let [parameters, filters, headers, fields, statuses] = keys;
    let mut details = Vec::new();
    type Make = fn(&str) -> Option<Detail>;
    let texts: [(&str, Make); 4] = [
        (parameters, |text| Some(Detail::Parameter(text.to_owned()))),
        (filters, |text| Some(Detail::Filter(text.to_owned()))),
        (headers, |text| Some(Detail::Header(text.to_owned()))),
        (fields, |text| Field::parse(text).map(Detail::Field)),
    ];
    for (key, detail) in texts {
        for word in reader.words(key, mistakes).unwrap_or_default() {
            match detail(word.text()) {
                Some(detail) if details.contains(&detail) => {
                    let message = format!("`{}` stands here twice", word.text());
                    mistakes.add(word.span(), message, "remove one of the two");
                }
                Some(detail) => details.push(detail),
                None => {
                    let message = format!("`{}` is no place in a body", word.text());
                    mistakes.add(word.span(), message, "write it as in \"/HostConfig/Ulimits/*/Name\"");
                }
            }
        }
    }
    details.extend(reader.numbers(statuses, mistakes).into_iter().map(Detail::Status));
    details
}
