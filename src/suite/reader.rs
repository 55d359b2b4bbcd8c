//! Reads TOML tables by key, with the place of every value, and notes what does not fit:
//! unknown keys with the nearest known one, wrong types, missing keys. All of a file at once.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

use crate::mistake::{Mistakes, nearest};

/// The bytes of a value in its file.
pub type Span = Option<Range<usize>>;

/// The root table of a text, or the parser's complaint as a mistake.
pub fn root(text: &str, mistakes: &mut Mistakes) -> Option<Table> {
    match Document::parse(text.to_owned()) {
        Ok(document) => Some(document.as_table().clone()),
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            mistakes.add(error.span(), message, "this is no TOML; see toml.io for its form");
            None
        }
    }
}

/// A table being read.
pub struct Reader<'t> {
    table: &'t dyn TableLike,
    /// Where the table stands, for what is missing from it.
    pub span: Span,
}

impl<'t> Reader<'t> {
    /// Reads this table.
    pub fn new(table: &'t dyn TableLike, span: Span) -> Reader<'t> {
        Reader { table, span }
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of a key's value.
    pub fn span_of(&self, key: &str) -> Span {
        self.table.get(key).and_then(Item::span).or_else(|| self.span.clone())
    }

    /// The place of a key itself.
    pub fn key_span(&self, key: &str) -> Span {
        self.table.key(key).and_then(toml_edit::Key::span).or_else(|| self.span_of(key))
    }

    /// Notes every key that is not among those known.
    pub fn only(&self, known: &[&str], mistakes: &mut Mistakes) {
        for (key, _) in self.table.iter() {
            if !known.contains(&key) {
                let help = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`? Known here: {}", known.join(", ")),
                    None => format!("known here: {}", known.join(", ")),
                };
                mistakes.add(self.key_span(key), format!("unknown key `{key}`"), help);
            }
        }
    }

    /// Notes a key that has to be there.
    pub fn need(&self, key: &str, help: &str, mistakes: &mut Mistakes) {
        if !self.has(key) {
            mistakes.add(self.span.clone(), format!("`{key}` is missing"), help);
        }
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        mistakes: &mut Mistakes,
        get: impl Fn(&'t Item) -> Option<T>,
    ) -> Option<T> {
        let item = self.table.get(key)?;
        let value = get(item);
        if value.is_none() {
            let message = format!("`{key}` expects {wanted}, found {}", kind(item));
            mistakes.add(self.span_of(key), message, format!("write {key} = {}", example(wanted)));
        }
        value
    }

    /// A string.
    pub fn string(&self, key: &str, mistakes: &mut Mistakes) -> Option<&'t str> {
        self.typed(key, "a string", mistakes, Item::as_str)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, mistakes: &mut Mistakes) -> Option<bool> {
        self.typed(key, "true or false", mistakes, Item::as_bool)
    }

    /// A whole number that is not negative.
    pub fn count(&self, key: &str, mistakes: &mut Mistakes) -> Option<u64> {
        self.typed(key, "a whole number", mistakes, |item| {
            item.as_integer().and_then(|number| u64::try_from(number).ok())
        })
    }

    /// A number.
    pub fn number(&self, key: &str, mistakes: &mut Mistakes) -> Option<f64> {
        self.typed(key, "a number", mistakes, |item| {
            item.as_float().or_else(|| item.as_integer().map(|number| number as f64))
        })
    }

    /// A list of strings with their places.
    pub fn strings(&self, key: &str, mistakes: &mut Mistakes) -> Option<Vec<(&'t str, Span)>> {
        self.typed(key, "a list of strings", mistakes, |item| {
            let list = item.as_array()?.iter();
            list.map(|value| Some((value.as_str()?, value.span()))).collect()
        })
    }

    /// A table of strings: name, value, place of the value.
    pub fn pairs(&self, key: &str, mistakes: &mut Mistakes) -> Vec<(String, &'t str, Span)> {
        let found = self.typed(key, "a table of strings", mistakes, |item| {
            let pairs = item.as_table_like()?.iter();
            pairs.map(|(name, item)| Some((name.to_owned(), item.as_str()?, item.span()))).collect()
        });
        found.unwrap_or_default()
    }

    /// A table below this one.
    pub fn table(&self, key: &str, mistakes: &mut Mistakes) -> Option<Reader<'t>> {
        let span = self.span_of(key);
        self.typed(key, "a table", mistakes, |item| Some(Reader::new(item.as_table_like()?, span.clone())))
    }

    /// A list of tables, either `[[key]]` or inline.
    pub fn tables(&self, key: &str, mistakes: &mut Mistakes) -> Vec<Reader<'t>> {
        let found = self.typed(key, "a list of tables", mistakes, |item| match item {
            Item::ArrayOfTables(tables) => {
                Some(tables.iter().map(|table| Reader::new(table, table.span())).collect())
            }
            Item::Value(Value::Array(list)) => {
                list.iter().map(|value| Some(Reader::new(value.as_inline_table()?, value.span()))).collect()
            }
            Item::None | Item::Value(_) | Item::Table(_) => None,
        });
        found.unwrap_or_default()
    }

    /// Tables by name: `[key.NAME]`.
    pub fn named_tables(&self, key: &str, mistakes: &mut Mistakes) -> BTreeMap<String, Reader<'t>> {
        let found = self.typed(key, "a table of tables", mistakes, |item| {
            let tables = item.as_table_like()?.iter();
            tables
                .map(|(name, item)| Some((name.to_owned(), Reader::new(item.as_table_like()?, item.span()))))
                .collect()
        });
        found.unwrap_or_default()
    }

    /// The value as it stands.
    pub fn value(&self, key: &str) -> Option<&'t Item> {
        self.table.get(key)
    }

    /// The keys in order.
    pub fn keys(&self) -> Vec<&'t str> {
        self.table.iter().map(|(key, _)| key).collect()
    }
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
        Item::Value(value) => match value {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "a list",
            Value::InlineTable(_) => "a table",
        },
    }
}

fn example(wanted: &str) -> &'static str {
    match wanted {
        "a string" => "\"text\"",
        "true or false" => "true",
        "a whole number" => "3",
        "a number" => "1.5",
        "a list of strings" => "[\"one\", \"two\"]",
        "a table of strings" => "{ name = \"/pointer\" }",
        _ => "{ ... }",
    }
}
