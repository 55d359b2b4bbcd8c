//! The text of a scenario file from its draft. Pure.

use std::fmt::Write as _;

use super::steps::{Draft, DraftBody, DraftEntry, DraftStep};
use crate::report::console::clean;

/// What a draft does not know of itself.
pub struct Head<'a> {
    /// What it is, as a sentence.
    pub title: &'a str,
    /// The Docker CLI command that was run, if one.
    pub command: Option<&'a str>,
    /// Where its files lie, below `fixtures/`: `captured-x`.
    pub files: &'a str,
}

/// The whole file.
pub fn scenario(draft: &Draft, head: &Head<'_>) -> String {
    let mut text = String::from(
        "# Written by `divergence capture`: say in the title what Docker promises, and leave out what does not matter.\n",
    );
    for note in &draft.notes {
        line(&mut text, &format!("# - {}", clean(note).replace('\n', " ")));
    }
    line(&mut text, &format!("title = {}", quoted(head.title)));
    if let Some(command) = head.command {
        line(&mut text, &format!("command = {}", quoted(command)));
    }
    if let Some(api) = &draft.api {
        line(&mut text, &format!("api = [\"{api}\"]"));
    }
    let needs: Vec<String> = draft.images.iter().map(|image| format!("\"image:{image}\"")).collect();
    if !needs.is_empty() {
        line(&mut text, &format!("needs = [{}]", needs.join(", ")));
    }
    if draft.exclusive {
        line(&mut text, "exclusive = true");
    }
    for made in &draft.steps {
        text.push('\n');
        step(&mut text, made, head);
    }
    text
}

/// Where the file of a step lies.
pub fn file_of(files: &str, step: &str, extension: &str) -> String {
    format!("fixtures/captured/{files}-{step}.{extension}")
}

/// The name of the file of an entry of a step's archive.
pub fn part_of(step: &str, at: usize) -> String {
    format!("{step}-{}", at + 1)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}

fn step(text: &mut String, step: &DraftStep, head: &Head<'_>) {
    line(text, "[[steps]]");
    if let Some(comment) = &step.comment {
        line(text, &format!("# {}", clean(comment)));
    }
    line(text, &format!("id = {}", quoted(&step.id)));
    line(text, &format!("{} = {}", step.kind, quoted(&step.line)));
    if !step.headers.is_empty() {
        let pairs = step.headers.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value)));
        line(text, &format!("headers = {{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
    match &step.body {
        DraftBody::None => {}
        DraftBody::Json(json) => line(text, &format!("json = {}", block(json))),
        DraftBody::Text(body) => line(text, &format!("text = {}", quoted(body))),
        DraftBody::File(extension) => {
            line(text, &format!("file = {}", quoted(&file_of(head.files, &step.id, extension))))
        }
        DraftBody::Tar(entries) => {
            line(text, "tar = [");
            for (at, (path, entry, mode)) in entries.iter().enumerate() {
                let content = match entry {
                    DraftEntry::Text(body) => format!(", text = {}", quoted(body)),
                    DraftEntry::File(_) => {
                        let file = file_of(head.files, &part_of(&step.id, at), "bin");
                        format!(", file = {}", quoted(&file))
                    }
                    DraftEntry::Link(target) => format!(", link = {}", quoted(target)),
                    DraftEntry::Directory => String::new(),
                };
                line(text, &format!("    {{ path = {}{content}, mode = \"{mode:04o}\" }},", quoted(path)));
            }
            line(text, "]");
        }
    }
    if let Some(stdin) = &step.stdin {
        line(text, &format!("stdin = {}", quoted(stdin)));
    }
    if step.close_stdin {
        line(text, "close-stdin = true");
    }
    if let Some(upgrade) = step.upgrade {
        line(text, &format!("upgrade = {upgrade}"));
    }
    if let Some((at, is, seconds)) = &step.until {
        let is = match is {
            serde_json::Value::String(text) => quoted(text),
            other => other.to_string(),
        };
        line(text, &format!("until = {{ at = {}, is = {is}, seconds = {seconds} }}", quoted(at)));
    }
    let ends = [
        step.frames.map(|count| format!("frames = {count}")),
        step.seconds.map(|count| format!("seconds = {count}")),
    ];
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    if !ends.is_empty() {
        line(text, &format!("until-end = {{ {} }}", ends.join(", ")));
    }
    if step.background {
        line(text, "background = true");
    }
    for (word, values) in [("capture", &step.capture), ("names", &step.names)] {
        if !values.is_empty() {
            let pairs = values.iter().map(|(name, at)| format!("{} = {}", key(name), quoted(at)));
            line(text, &format!("{word} = {{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
        }
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A string on one line, with as few escapes as can be.
fn quoted(text: &str) -> String {
    let is_plain = !text.chars().any(char::is_control);
    match (is_plain, text.contains(['"', '\\']), text.contains('\'')) {
        (true, false, _) => format!("\"{text}\""),
        (true, true, false) => format!("'{text}'"),
        _ => {
            let escaped = |letter: char| match letter {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\t' => "\\t".to_owned(),
                '\r' => "\\r".to_owned(),
                letter if letter.is_control() => format!("\\u{:04x}", letter as u32),
                letter => letter.to_string(),
            };
            format!("\"{}\"", text.chars().map(escaped).collect::<String>())
        }
    }
}

/// A string over several lines, if it can stand as it is.
fn block(text: &str) -> String {
    let can_stand =
        !text.contains("'''") && !text.ends_with('\'') && !text.chars().any(|c| c.is_control() && c != '\n');
    if can_stand { format!("'''{text}'''") } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_read_as_they_were(text in any::<String>()) {
            let mut all = vec![quoted(&text)];
            // A line end right behind the quotes is none of the text.
            if !text.starts_with('\n') {
                all.push(block(&text));
            }
            for written in all {
                let read: toml_edit::DocumentMut = format!("{} = {written}\n", key(&text)).parse().unwrap();
                prop_assert_eq!(read[text.as_str()].as_str(), Some(text.as_str()));
            }
        }
    }
}
