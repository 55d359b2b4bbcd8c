//! The body of a request as a scenario writes it: JSON, text, the entries of an archive, or a
//! file of its own. Pure.

use std::io::Read as _;

use serde_json::Value;

use super::observed::Kept;
use super::steps::{DraftBody, DraftEntry};
use super::values::{DOLLAR, Table};

/// The longest text that stands in a scenario itself.
const LONGEST_TEXT: usize = 8 * 1024;
/// The most entries of an archive that stand there.
const MOST_ENTRIES: usize = 50;
/// JSON up to here stands on one line.
const LINE: usize = 100;

/// The body, and what people should know of it.
pub fn body(asked: &Kept, content_type: &str, table: &Table) -> (DraftBody, Option<String>) {
    if asked.length == 0 {
        return (DraftBody::None, None);
    }
    if !asked.is_whole() {
        let note = format!(
            "The client sent {} bytes here, more than is kept: write the body by hand.",
            asked.length
        );
        return (DraftBody::None, Some(note));
    }
    let is_archive = content_type.contains("tar") || is_tar(&asked.bytes);
    if is_archive && let Some(entries) = entries(&asked.bytes, table) {
        return (DraftBody::Tar(entries), None);
    }
    let text = std::str::from_utf8(&asked.bytes).ok().filter(|text| !text.contains('\0'));
    if let Some(text) = text {
        if !content_type.starts_with("text/")
            && let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text)
        {
            return (DraftBody::Json(json(&table.json(value))), None);
        }
        if text.len() <= LONGEST_TEXT && !text.contains("${") {
            return (DraftBody::Text(table.text(text)), None);
        }
    }
    (DraftBody::File(if is_archive { "tar" } else { "bin" }), None)
}

/// JSON text: what is short stands on one line.
fn json(value: &Value) -> String {
    let mut text = String::new();
    print(value, 0, &mut text);
    // A dollar sign that is the client's own, so that it begins no variable.
    text.replace(DOLLAR, "\\u0024")
}

fn print(value: &Value, depth: usize, text: &mut String) {
    let short = value.to_string();
    let (open, close, members) = match value {
        Value::Object(map) if short.len() > LINE => {
            let members = map.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value));
            ('{', '}', members.collect::<Vec<_>>())
        }
        Value::Array(list) if short.len() > LINE => {
            ('[', ']', list.iter().map(|value| (String::new(), value)).collect())
        }
        _ => return text.push_str(&short),
    };
    text.push(open);
    for (at, (key, value)) in members.into_iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(&key);
        print(value, depth + 1, text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

/// What the client typed, if a scenario can carry it.
pub fn stdin(typed: &Kept, table: &Table) -> (Option<String>, Option<String>) {
    if typed.length == 0 {
        return (None, None);
    }
    let text = std::str::from_utf8(&typed.bytes).ok().filter(|text| !text.contains("${"));
    match text.filter(|text| typed.is_whole() && text.len() <= LONGEST_TEXT) {
        Some(text) => (Some(table.text(text)), None),
        None => {
            let note = format!(
                "The client sent {} bytes to standard input here, which are too many or no text: the scenario sends none.",
                typed.length
            );
            (None, Some(note))
        }
    }
}

/// Every archive has this mark at this place.
fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// The entries of an archive, if all of them are what a scenario can write.
fn entries(bytes: &[u8], table: &Table) -> Option<Vec<(String, DraftEntry, u32)>> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(bytes).entries().ok()? {
        let mut entry = entry.ok()?;
        if found.len() == MOST_ENTRIES {
            return None;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned()).ok()?;
        let mode = entry.header().mode().ok()? & 0o7777;
        let owned = entry.header().uid().ok()? != 0 || entry.header().gid().ok()? != 0;
        let content = match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).ok()?;
                match text_of_file(&path, &bytes, table) {
                    Some(text) => DraftEntry::Text(text),
                    None => DraftEntry::File(bytes),
                }
            }
            tar::EntryType::Directory => DraftEntry::Directory,
            tar::EntryType::Symlink => {
                DraftEntry::Link(String::from_utf8(entry.link_name_bytes()?.into_owned()).ok()?)
            }
            _ => return None,
        };
        // An archive of a scenario belongs to root.
        if owned || path.contains("${") || path.ends_with('/') != (content == DraftEntry::Directory) {
            return None;
        }
        found.push((path, content, mode));
    }
    (!found.is_empty()).then_some(found)
}

fn text_of_file(path: &str, bytes: &[u8], table: &Table) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.contains("${") || text.contains('\0') || text.len() > LONGEST_TEXT {
        return None;
    }
    if !path.to_ascii_lowercase().contains("dockerfile") {
        return Some(table.text(text));
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let mut words = line.split_whitespace();
        let base = words.next().filter(|word| word.eq_ignore_ascii_case("from")).and(words.next());
        let known = base.and_then(|base| {
            table.image(base).or_else(|| table.names.get(base).cloned()).map(|known| (base, known))
        });
        known.map_or_else(|| table.text(line), |(base, known)| line.replacen(base, &known, 1))
    });
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::archive::Archive;
    use std::collections::BTreeMap;

    fn kept(bytes: &[u8]) -> Kept {
        Kept { bytes: bytes.to_vec(), length: bytes.len() as u64 }
    }

    fn table() -> Table {
        Table { images: BTreeMap::from([("busybox".to_owned(), "busybox".to_owned())]), ..Table::default() }
    }

    #[test]
    fn bodies_are_written_as_what_they_are() {
        let text = |text: &str| DraftBody::Text(text.to_owned());
        let json = |text: &str| DraftBody::Json(text.to_owned());
        let table_of: [(&[u8], &str, DraftBody); 7] = [
            (b"", "application/json", DraftBody::None),
            (b"{\"Image\":\"busybox\"}\n", "application/json", json(r#"{"Image":"${image:busybox}"}"#)),
            (b"{\"Cmd\":[\"echo\",\"${HOME}\"]}", "", json(r#"{"Cmd":["echo","\u0024{HOME}"]}"#)),
            (b"{}", "text/plain", text("{}")),
            (b"{broken", "application/json", text("{broken")),
            (b"cost ${x}", "", DraftBody::File("bin")),
            (b"\xff\0", "application/x-tar", DraftBody::File("tar")),
        ];
        for (bytes, content_type, expected) in table_of {
            assert_eq!(body(&kept(bytes), content_type, &table()).0, expected, "{bytes:?}");
        }
        let (none, note) = body(&Kept { bytes: b"x".to_vec(), length: 9 }, "", &table());
        assert!(none == DraftBody::None && note.unwrap().contains("9 bytes"));
    }

    #[test]
    fn small_archives_are_entries_and_others_files() {
        let mut archive = Archive::default();
        archive.file("Dockerfile", 0o644, b"FROM busybox:latest AS a\nCOPY x /\n").unwrap();
        archive.directory("d", 0o750).unwrap();
        archive.link("d/l", "x").unwrap();
        let (found, _) = body(&kept(&archive.finish().unwrap()), "application/x-tar", &table());
        let entry = |path: &str, entry, mode| (path.to_owned(), entry, mode);
        let expected = vec![
            entry("Dockerfile", DraftEntry::Text("FROM ${image:busybox} AS a\nCOPY x /\n".to_owned()), 0o644),
            entry("d/", DraftEntry::Directory, 0o750),
            entry("d/l", DraftEntry::Link("x".to_owned()), 0o777),
        ];
        assert_eq!(found, DraftBody::Tar(expected));
        for content in [b"\xff".to_vec(), b"${x}".to_vec(), vec![b'x'; LONGEST_TEXT + 1]] {
            let mut archive = Archive::default();
            archive.file("a", 0o644, &content).unwrap();
            let expected = DraftBody::Tar(vec![entry("a", DraftEntry::File(content), 0o644)]);
            assert_eq!(body(&kept(&archive.finish().unwrap()), "", &table()).0, expected);
        }
        let mut many = Archive::default();
        for _ in 0..=MOST_ENTRIES {
            many.file("a", 0o644, b"").unwrap();
        }
        assert_eq!(body(&kept(&many.finish().unwrap()), "", &table()).0, DraftBody::File("tar"));
    }

    #[test]
    fn only_long_json_takes_several_lines() {
        let long = "x".repeat(90);
        let value = serde_json::json!({"a": {"b": [long, {"c": 1}]}, "d": {}});
        let expected = format!(
            "{{\n  \"a\": {{\n    \"b\": [\n      \"{long}\",\n      {{\"c\":1}}\n    ]\n  }},\n  \"d\": {{}}\n}}"
        );
        assert_eq!(json(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(&expected).unwrap(), value);
    }

    #[test]
    fn what_is_typed_is_text_or_left_out() {
        assert_eq!(stdin(&kept(b"hello\n"), &table()).0.as_deref(), Some("hello\n"));
        for bytes in [b"\xff".to_vec(), vec![b'x'; LONGEST_TEXT + 1], b"${x}".to_vec()] {
            let (none, note) = stdin(&kept(&bytes), &table());
            assert!(none.is_none() && note.is_some());
        }
    }
}
