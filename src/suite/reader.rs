//! Reads TOML tables by key, with the place of every value, and notes what does not fit:
//! unknown keys with the nearest known one, wrong types, missing keys. All of a file at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

use super::word::{Entry, Word};
use crate::mistake::{Mistakes, nearest};

/// The bytes of a value in its file.
pub type Span = Option<Range<usize>>;

/// The root table of a text, or the parser's complaint as a mistake.
pub fn root(text: &str, mistakes: &mut Mistakes) -> Option<Table> {
    match Document::parse(text.to_owned()) {
        Ok(document) => Some(document.as_table().clone()),
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            let help = format!("{}; until this is mended nothing else in the file is read", advice(&message));
            mistakes.add(error.span(), message, help);
            None
        }
    }
}

/// What to do about a complaint of the parser.
fn advice(message: &str) -> &'static str {
    let table = [
        ("duplicate key", "this is no TOML: a key stands once in a table; merge the two or remove one"),
        ("must be quoted", "this is no TOML: texts stand in quotes, as in title = \"text\""),
        ("quote", "this is no TOML: a text ends with the quotes that it began with"),
        ("string", "this is no TOML: a text ends with the quotes that it began with"),
        ("escape", "this is no TOML: in \"..\" a backslash is written `\\\\`; in '..' it stands for itself"),
        ("leading zero", "this is no TOML: numbers have no leading zero; modes are texts, as in \"0644\""),
        ("expected `=`", "this is no TOML: write key = value, and [name] or [[name]] for tables"),
        ("comma", "this is no TOML: between two elements stands one comma"),
        ("unclosed", "this is no TOML: close the bracket"),
    ];
    let known = table.iter().find(|(part, _)| message.contains(part));
    known.map_or("this is no TOML; see toml.io for its form", |(_, advice)| *advice)
}

/// A table being read.
#[derive(Clone)]
pub struct Reader<'t> {
    table: &'t dyn TableLike,
    source: &'t str,
    /// Keys that stand here misspelt, so that they do not count as missing as well.
    meant: RefCell<BTreeSet<String>>,
    /// Where the table stands, for what is missing from it.
    pub span: Span,
}

impl<'t> Reader<'t> {
    /// Reads this table; carets stand under whole values.
    pub fn new(table: &'t dyn TableLike, span: Span) -> Reader<'t> {
        Reader { table, source: "", meant: RefCell::default(), span }
    }

    /// Reads the root table of a file; carets stand under the very words.
    pub fn of_file(table: &'t Table, source: &'t str) -> Reader<'t> {
        Reader { table, source, meant: RefCell::default(), span: Some(0..0) }
    }

    fn child(&self, table: &'t dyn TableLike, span: Span) -> Reader<'t> {
        Reader { table, source: self.source, meant: RefCell::default(), span: self.first_line(span) }
    }

    /// Of a table with many lines only its header: a caret under all of it shows nothing.
    fn first_line(&self, span: Span) -> Span {
        let span = span?;
        let length = self.source.get(span.clone()).and_then(|text| text.find('\n'));
        Some(span.start..length.map_or(span.end, |length| span.start + length))
    }

    /// The text of the file.
    pub fn source(&self) -> &'t str {
        self.source
    }

    /// The line of the table in the file, counted from 1.
    pub fn line(&self) -> usize {
        self.span.as_ref().map_or(1, |span| crate::mistake::position(self.source, span.start).0)
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
        self.only_with(known, |_| None, mistakes);
    }

    /// Notes every key that is not among those known; `why` may know where it belongs.
    pub fn only_with(&self, known: &[&str], why: impl Fn(&str) -> Option<String>, mistakes: &mut Mistakes) {
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(key)) {
            let list = known.join(", ");
            let help = match (why(key), nearest(key, known.iter().copied())) {
                (Some(why), _) => format!("{why}. Known here: {list}"),
                (None, Some(near)) => {
                    self.meant.borrow_mut().insert(near.to_owned());
                    format!("did you mean `{near}`? Known here: {list}")
                }
                (None, None) => format!("known here: {list}"),
            };
            mistakes.add(self.key_span(key), format!("unknown key `{key}`"), help);
        }
    }

    /// Whether a key stands here misspelt, as far as `only` was asked before.
    pub fn is_meant(&self, key: &str) -> bool {
        self.meant.borrow().contains(key)
    }

    /// Notes a key that has to be there.
    pub fn need(&self, key: &str, help: &str, mistakes: &mut Mistakes) {
        if !self.has(key) && !self.is_meant(key) {
            mistakes.add(self.span.clone(), format!("`{key}` is missing"), help);
        }
    }

    /// A text that has to be there and to say something; empty after a mistake.
    pub fn need_text(&self, key: &str, help: &str, mistakes: &mut Mistakes) -> String {
        self.need(key, help, mistakes);
        let text = self.string(key, mistakes);
        if text.is_some_and(|text| text.trim().is_empty()) {
            mistakes.add(self.span_of(key), format!("`{key}` is empty"), help);
        }
        text.unwrap_or_default().to_owned()
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

    /// A string with its place.
    pub fn word(&self, key: &str, mistakes: &mut Mistakes) -> Option<Word<'t>> {
        self.string(key, mistakes).map(|text| Word::new(text, self.span_of(key), self.source))
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, mistakes: &mut Mistakes) -> Option<bool> {
        self.typed(key, "true or false", mistakes, Item::as_bool)
    }

    /// A whole number that is not negative.
    pub fn count(&self, key: &str, mistakes: &mut Mistakes) -> Option<u64> {
        self.typed(key, "a whole number from 0 up", mistakes, |item| {
            item.as_integer().and_then(|number| u64::try_from(number).ok())
        })
    }

    /// A whole number that is not zero; what zero would mean goes into `help`.
    pub fn positive(&self, key: &str, help: &str, mistakes: &mut Mistakes) -> Option<u64> {
        let number = self.count(key, mistakes)?;
        if number == 0 {
            mistakes.add(self.span_of(key), format!("`{key}` is 0"), help);
        }
        Some(number)
    }

    /// A number.
    pub fn number(&self, key: &str, mistakes: &mut Mistakes) -> Option<f64> {
        self.typed(key, "a number", mistakes, |item| {
            item.as_float().or_else(|| item.as_integer().map(|number| number as f64))
        })
    }

    /// A list of strings with their places; elements of other types are noted and left out.
    pub fn words(&self, key: &str, mistakes: &mut Mistakes) -> Option<Vec<Word<'t>>> {
        let list = self.typed(key, "a list of strings", mistakes, Item::as_array)?;
        let mut words = Vec::new();
        for value in list {
            match value.as_str() {
                Some(text) => words.push(Word::new(text, value.span(), self.source)),
                None => self.misfit(key, "strings", value.span(), kind_of(value), mistakes),
            }
        }
        Some(words)
    }

    /// A list of status codes; what is none is noted and left out.
    pub fn numbers(&self, key: &str, mistakes: &mut Mistakes) -> Vec<u16> {
        let list = self.typed(key, "a list of status codes", mistakes, Item::as_array);
        let mut numbers = Vec::new();
        for value in list.into_iter().flatten() {
            match value.as_integer().and_then(|number| u16::try_from(number).ok()) {
                Some(number) if (100..600).contains(&number) => numbers.push(number),
                Some(_) | None => self.misfit(key, "status codes", value.span(), kind_of(value), mistakes),
            }
        }
        numbers
    }

    fn misfit(&self, key: &str, wanted: &str, span: Span, found: &str, mistakes: &mut Mistakes) {
        let help = format!("all that stands in `{key}` are {wanted}");
        mistakes.add(span, format!("`{key}` expects {wanted}, found {found}"), help);
    }

    /// A list of strings with their places.
    pub fn strings(&self, key: &str, mistakes: &mut Mistakes) -> Option<Vec<(&'t str, Span)>> {
        let words = self.words(key, mistakes)?;
        Some(words.into_iter().map(|word| (word.text(), word.span())).collect())
    }

    /// A table of strings.
    pub fn entries(&self, key: &str, mistakes: &mut Mistakes) -> Vec<Entry<'t>> {
        let Some(table) = self.typed(key, "a table of strings", mistakes, Item::as_table_like) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (name, item) in table.iter() {
            let span = table.key(name).and_then(toml_edit::Key::span);
            match item.as_str() {
                Some(text) => entries.push(Entry {
                    name,
                    name_span: span.or_else(|| item.span()),
                    word: Word::new(text, item.span(), self.source),
                }),
                None => self.misfit(key, "strings", item.span().or(span), kind(item), mistakes),
            }
        }
        entries
    }

    /// A table of strings: name, value, place of the value.
    pub fn pairs(&self, key: &str, mistakes: &mut Mistakes) -> Vec<(String, &'t str, Span)> {
        let entries = self.entries(key, mistakes).into_iter();
        entries.map(|entry| (entry.name.to_owned(), entry.word.text(), entry.word.span())).collect()
    }

    /// A table below this one.
    pub fn table(&self, key: &str, mistakes: &mut Mistakes) -> Option<Reader<'t>> {
        let span = self.span_of(key);
        self.typed(key, "a table", mistakes, |item| Some(self.child(item.as_table_like()?, span.clone())))
    }

    /// A list of tables, either `[[key]]` or inline.
    pub fn tables(&self, key: &str, mistakes: &mut Mistakes) -> Vec<Reader<'t>> {
        let found = self.typed(key, "a list of tables", mistakes, |item| match item {
            Item::ArrayOfTables(tables) => {
                Some(tables.iter().map(|table| self.child(table, table.span())).collect())
            }
            Item::Value(Value::Array(list)) => {
                list.iter().map(|value| Some(self.child(value.as_inline_table()?, value.span()))).collect()
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
                .map(|(name, item)| Some((name.to_owned(), self.child(item.as_table_like()?, item.span()))))
                .collect()
        });
        found.unwrap_or_default()
    }

    /// The value as it stands.
    pub fn value(&self, key: &str) -> Option<&'t Item> {
        self.table.get(key)
    }
}

/// What a value is, for people.
pub fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
        Item::Value(value) => kind_of(value),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(number) if *number.value() < 0 => "a negative number",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}

fn example(wanted: &str) -> &'static str {
    match wanted {
        "a string" => "\"text\"",
        "true or false" => "true",
        "a whole number from 0 up" => "3",
        "a number" => "1.5",
        "a list of status codes" => "[200, 404]",
        "a list of strings" => "[\"one\", \"two\"]",
        "a table of strings" => "{ name = \"text\" }",
        "a list of tables" => "[{ ... }], or one [[...]] each",
        _ => "{ ... }",
    }
}
