//! `suites/normalise.toml`: which values are volatile and which lists have no order.

use regex::Regex;
use serde_json::Value;

use super::entries::{Entries, with_hash};
use super::names::{Names, runs, without_ids};
use super::shapes::{TOKENS, Token};
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::pointer::{Pattern, Pointer};
use crate::route::{ROUTES, Route};
use crate::snapshot::Part;
use crate::suite::reader::{Reader, root};

/// The rules, as loaded.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    hidden: Vec<Hidden>,
    arrays: Vec<Arranged>,
}

#[derive(Clone, Debug)]
struct Hidden {
    on: Option<Route>,
    at: Pattern,
    token: Token,
}

#[derive(Clone, Debug)]
struct Arranged {
    on: Option<Route>,
    at: Pattern,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    Set,
    /// By the first of these places that is there, and by all of the others behind it.
    Keyed(Vec<Pointer>, Vec<Pointer>),
}

const RULE_KEYS: &[&str] = &["on", "at", "token", "matches", "name"];
const ARRAY_KEYS: &[&str] = &["on", "at", "order", "key", "and"];

impl Rules {
    /// Reads the text of `suites/normalise.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Rules, Vec<Mistake>> {
        let mut mistakes = Mistakes::of(file);
        let mut rules = Rules::default();
        if let Some(table) = root(text, &mut mistakes) {
            let reader = Reader::new(&table, Some(0..0));
            reader.only(&["rules", "arrays"], &mut mistakes);
            for entry in reader.tables("rules", &mut mistakes) {
                entry.only(RULE_KEYS, &mut mistakes);
                let (ons, ats) = (routes(&entry, &mut mistakes), patterns(&entry, &mut mistakes));
                let Some(token) = token(&entry, &mut mistakes) else { continue };
                for on in ons {
                    for at in &ats {
                        rules.hidden.push(Hidden { on: on.clone(), at: at.clone(), token: token.clone() });
                    }
                }
            }
            for entry in reader.tables("arrays", &mut mistakes) {
                entry.only(ARRAY_KEYS, &mut mistakes);
                let (ons, ats) = (routes(&entry, &mut mistakes), patterns(&entry, &mut mistakes));
                let Some(order) = order(&entry, &mut mistakes) else { continue };
                for on in ons {
                    for at in &ats {
                        rules.arrays.push(Arranged { on: on.clone(), at: at.clone(), order: order.clone() });
                    }
                }
            }
        }
        // Inner lists first: an outer one is sorted by what stands in it.
        rules.arrays.sort_by_key(|arranged| std::cmp::Reverse(arranged.at.depth()));
        if mistakes.found.is_empty() { Ok(rules) } else { Err(mistakes.found) }
    }

    /// Puts tokens in the place of volatile values.
    pub fn hide(&self, part: &mut Part, length: usize, names: &Names) {
        let route = part.route.clone();
        for rule in self.hidden.iter().filter(|rule| applies(&rule.on, &route)) {
            for place in rule.at.places([Some(&part.tree), None]) {
                let in_body = place.segments().first().is_some_and(|first| first == "body");
                if let Some(value) = find_mut(&mut part.tree, &place)
                    // A value with a name says more than its shape.
                    && !(in_body && value.as_str().is_some_and(|text| names.is_named(text)))
                    && let Some(token) = rule.token.hide(value, length)
                {
                    *value = token;
                }
            }
        }
    }

    /// The rule that hides this value at a place, and what then stands there.
    pub fn hides(&self, route: Option<&Route>, at: &Pointer, value: &Value) -> Option<(String, Value)> {
        let here = |rule: &&Hidden| applies(&rule.on, &route.cloned()) && rule.at.matches(at);
        let hides = |rule: &Hidden| Some((told(&rule.on, &rule.at), rule.token.hide(value, 0)?));
        self.hidden.iter().filter(here).find_map(hides)
    }

    /// The rule by which the list at a place has no order.
    pub fn leaves_order(&self, route: Option<&Route>, at: &Pointer) -> Option<String> {
        let here = |rule: &&Arranged| applies(&rule.on, &route.cloned()) && rule.at.matches(at);
        self.arrays.iter().find(here).map(|rule| told(&rule.on, &rule.at))
    }

    /// The runs of 12 hexadecimal digits at places where they are ids.
    pub fn short_ids(&self, part: &Part) -> Vec<String> {
        let is_short =
            |rule: &&Hidden| matches!(rule.token, Token::ShortId) && applies(&rule.on, &part.route);
        let places =
            self.hidden.iter().filter(is_short).flat_map(|rule| rule.at.places([Some(&part.tree), None]));
        let texts = places.filter_map(|place| place.find(&part.tree)?.as_str().map(str::to_owned));
        let ids = texts.flat_map(|text| runs(&text).map(|(_, run)| run.to_owned()).collect::<Vec<_>>());
        ids.filter(|run| run.len() == 12).collect()
    }

    /// Sorts sets and gives keyed lists their keys.
    pub fn arrange(&self, part: &mut Part) {
        let route = part.route.clone();
        for rule in self.arrays.iter().filter(|rule| applies(&rule.on, &route)) {
            for place in rule.at.places([Some(&part.tree), None]) {
                let Some(value) = find_mut(&mut part.tree, &place) else { continue };
                let Value::Array(list) = value else { continue };
                match &rule.order {
                    Order::Set => list.sort_by_cached_key(without_ids),
                    Order::Keyed(..) if list.is_empty() => {}
                    Order::Keyed(keys, more) => *value = keyed(std::mem::take(list), keys, more),
                }
            }
        }
    }
}

/// A rule by its route and place.
fn told(on: &Option<Route>, at: &Pattern) -> String {
    format!("{} {at}", on.as_ref().map_or("every answer", Route::as_str))
}

fn applies(on: &Option<Route>, route: &Option<Route>) -> bool {
    on.is_none() || on == route
}

/// A list as an object. Elements without the key are counted, and of two with the same key the
/// second is `key#2`.
fn keyed(mut list: Vec<Value>, keys: &[Pointer], more: &[Pointer]) -> Value {
    let key_of = |value: &Value| {
        let text = |key: &Pointer| match key.find(value)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let first = keys.iter().find_map(text)?;
        Some(std::iter::once(first).chain(more.iter().filter_map(text)).collect::<Vec<_>>().join("/"))
    };
    // Of elements with the same key, the order is that of their text; fresh ids change none.
    list.sort_by_cached_key(|value| (key_of(value).map(|key| without_ids(&key.into())), without_ids(value)));
    let mut entries = Entries::new(with_hash);
    let mut nameless = 0;
    for value in list {
        let name = key_of(&value).unwrap_or_else(|| {
            nameless += 1;
            format!("#{nameless}")
        });
        entries.put(name, value);
    }
    entries.finish()
}

/// The value at a place, to be changed.
pub fn find_mut<'v>(tree: &'v mut Value, pointer: &Pointer) -> Option<&'v mut Value> {
    pointer.segments().iter().try_fold(tree, |value, segment| match value {
        Value::Object(map) => map.get_mut(segment),
        Value::Array(list) => segment.parse::<usize>().ok().and_then(|at| list.get_mut(at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// `on`, one route or a list; without it, every answer.
fn routes(entry: &Reader<'_>, mistakes: &mut Mistakes) -> Vec<Option<Route>> {
    let given = one_or_many(entry, "on", mistakes);
    if given.is_empty() {
        return vec![None];
    }
    let mut routes = Vec::new();
    for (text, span) in given {
        match Route::named(text) {
            Some(route) => routes.push(Some(route)),
            None => {
                let near = nearest(text, ROUTES.iter().copied()).unwrap_or("GET /info");
                mistakes.add(
                    span,
                    format!("`{text}` is no route of the Docker API"),
                    format!("did you mean `{near}`?"),
                );
            }
        }
    }
    routes
}

fn patterns(entry: &Reader<'_>, mistakes: &mut Mistakes) -> Vec<Pattern> {
    entry.need("at", "name the place, as in at = \"/headers/date/*\"", mistakes);
    let mut patterns = Vec::new();
    for (text, span) in one_or_many(entry, "at", mistakes) {
        match Pattern::parse(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => mistakes.add(span, format!("`{text}` names no place"), error.to_string()),
        }
    }
    patterns
}

fn one_or_many<'t>(
    entry: &Reader<'t>,
    key: &str,
    mistakes: &mut Mistakes,
) -> Vec<(&'t str, crate::suite::reader::Span)> {
    match entry.value(key).is_some_and(toml_edit::Item::is_array) {
        true => entry.strings(key, mistakes).unwrap_or_default(),
        false => entry.string(key, mistakes).map(|text| (text, entry.span_of(key))).into_iter().collect(),
    }
}

fn token(entry: &Reader<'_>, mistakes: &mut Mistakes) -> Option<Token> {
    entry.need("token", "say what stands for the value, as in token = \"time\"", mistakes);
    let word = entry.string("token", mistakes)?;
    if word == "text" {
        entry.need("matches", "say what shape the text has: matches = '\\d+'", mistakes);
        entry.need("name", "say what the token is called: name = \"version\"", mistakes);
        let (matches, name) = (entry.string("matches", mistakes)?, entry.string("name", mistakes)?);
        return match Regex::new(&format!("^(?:{matches})$")) {
            Ok(regex) => Some(Token::Text(name.to_owned(), regex)),
            Err(error) => {
                mistakes.add(entry.span_of("matches"), "this is no expression", error.to_string());
                None
            }
        };
    }
    let token = Token::named(word);
    if token.is_none() {
        let help = format!("there are: {}", TOKENS.join(", "));
        mistakes.add(entry.span_of("token"), format!("`{word}` is no token"), help);
    }
    token
}

fn order(entry: &Reader<'_>, mistakes: &mut Mistakes) -> Option<Order> {
    entry.need("order", "write order = \"set\", or order = \"keyed\" and a key", mistakes);
    match entry.string("order", mistakes)? {
        "set" => Some(Order::Set),
        "keyed" => {
            entry.need("key", "name the place within an element: key = \"/Name\"", mistakes);
            let mut pointers = |name| {
                let mut found = Vec::new();
                for (text, span) in one_or_many(entry, name, mistakes) {
                    match Pointer::parse(text) {
                        Ok(pointer) => found.push(pointer),
                        Err(error) => {
                            mistakes.add(span, format!("`{text}` is no pointer"), error.to_string())
                        }
                    }
                }
                found
            };
            Some(Order::Keyed(pointers("key"), pointers("and")))
        }
        other => {
            mistakes.add(entry.span_of("order"), format!("`{other}` is no order"), "there are set and keyed");
            None
        }
    }
}
