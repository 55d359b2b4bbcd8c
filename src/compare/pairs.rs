//! Ids that nothing captured, paired between the two sides: the first meeting of two pairs them.
//! Texts only; knows no snapshot.

use std::collections::HashMap;

use serde_json::{Map, Value};

const ID: &str = "<id of ";
const SHORT: &str = ":short";

/// Whether ids stand in a text.
pub(super) fn has_ids(text: &str) -> bool {
    // Nearly no text has the bracket, which is found far faster than the words behind it.
    text.as_bytes().contains(&b'<') && text.contains(ID)
}

/// The pairs so far, both ways.
#[derive(Default)]
pub(super) struct Pairs<'v> {
    forth: HashMap<&'v str, &'v str>,
    back: HashMap<&'v str, &'v str>,
}

impl<'v> Pairs<'v> {
    /// Whether two texts are equal once their ids are paired. Nothing is paired when they are not.
    pub(super) fn equal(&mut self, one: &'v str, other: &'v str) -> bool {
        if !has_ids(one) && (one == other || !has_ids(other)) {
            return one == other;
        }
        if !self.could_be(one, other) {
            return false;
        }
        for (one, other) in ids(one).zip(ids(other)) {
            self.forth.insert(one, other);
            self.back.insert(other, one);
        }
        true
    }

    /// Whether the texts are equal around their ids, and all of these are paired or free.
    fn could_be(&self, one: &str, other: &str) -> bool {
        if without_ids(one) != without_ids(other) {
            return false;
        }
        let (mut forth, mut back) = (HashMap::new(), HashMap::new());
        ids(one).zip(ids(other)).all(|(one, other)| {
            let theirs = self.forth.get(one).copied().or(forth.get(one).copied());
            let ours = self.back.get(other).copied().or(back.get(other).copied());
            forth.insert(one, other);
            back.insert(other, one);
            theirs.is_none_or(|theirs| theirs == other) && ours.is_none_or(|ours| ours == one)
        })
    }
}

/// The keys of an object that hold ids, each to be taken once by its like on the other side.
pub(super) struct Keys<'v>(HashMap<String, Alike<'v>>);

/// Keys that are equal but for their ids, in order.
#[derive(Default)]
struct Alike<'v> {
    keys: Vec<Option<&'v str>>,
    at: HashMap<&'v str, usize>,
    /// No key before this one is free of pairs.
    free: usize,
}

impl<'v> Keys<'v> {
    pub(super) fn of(object: &'v Map<String, Value>) -> Keys<'v> {
        let mut alike: HashMap<String, Alike<'v>> = HashMap::new();
        for key in object.keys().filter(|key| has_ids(key)) {
            let group = alike.entry(without_ids(key)).or_default();
            group.at.insert(key, group.keys.len());
            group.keys.push(Some(key));
        }
        Keys(alike)
    }

    /// Takes out the key that is equal once ids are paired: the one with the partner that is
    /// known, else the first whose ids are free.
    pub(super) fn take(&mut self, key: &'v str, pairs: &mut Pairs<'v>) -> Option<&'v str> {
        let alike = self.0.get_mut(&without_ids(key))?;
        let known = ids(key).filter(|id| pairs.forth.contains_key(id)).count();
        let at = if known == ids(key).count() {
            *alike.at.get(paired(key, pairs).as_str())?
        } else {
            // What is paired stays so, and is never the partner of an id that is not.
            let is_free = |key: &str| ids(key).all(|id| !pairs.back.contains_key(id));
            while known == 0 && alike.keys.get(alike.free)?.is_none_or(|theirs| !is_free(theirs)) {
                alike.free += 1;
            }
            let from = if known == 0 { alike.free } else { 0 };
            let fits = |theirs: &Option<&str>| theirs.is_some_and(|theirs| pairs.could_be(key, theirs));
            from + alike.keys[from..].iter().position(fits)?
        };
        let theirs = alike.keys[at].filter(|&theirs| pairs.equal(key, theirs))?;
        alike.keys[at] = None;
        Some(theirs)
    }
}

/// A text as it is on the other side, when all its ids are paired.
fn paired(text: &str, pairs: &Pairs<'_>) -> String {
    let (pieces, rest) = pieces(text);
    let told = |(before, id): (&str, &str)| {
        let (id, short) = id.strip_suffix(SHORT).map_or((id, ""), |id| (id, SHORT));
        format!("{before}<{}{short}>", pairs.forth.get(id).unwrap_or(&id))
    };
    pieces.into_iter().map(told).collect::<String>() + rest
}

/// A text cut at its ids: what stands before each and the id without its brackets, and the rest.
fn pieces(text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(ID)
        && let Some(length) = rest[start..].find('>')
    {
        pieces.push((&rest[..start], &rest[start + 1..start + length]));
        rest = &rest[start + length + 1..];
    }
    (pieces, rest)
}

/// The ids of a text, whether they stand whole or short.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).0.into_iter().map(|(_, id)| id.strip_suffix(SHORT).unwrap_or(id))
}

/// A text with one word for all whole ids and another for all short ones.
fn without_ids(text: &str) -> String {
    let (pieces, rest) = pieces(text);
    let told = |(before, id): (&str, &str)| {
        format!("{before}{}", if id.ends_with(SHORT) { "<id of:short>" } else { "<id of>" })
    };
    pieces.into_iter().map(told).collect::<String>() + rest
}
