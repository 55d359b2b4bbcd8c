//! The body of a request: JSON, text, a file or a tar archive.

use super::keys::{BODY_KEYS, TAR_KEYS};
use super::reader::{Reader, Span};
use super::scenario_file::Setting;
use super::variables::Variables;
use super::word::{Word, choose};
use crate::mistake::Mistakes;
use crate::scenario::{Body, Part, TarContent, TarEntry, Template};

/// Reads the body beside a request line.
pub fn body(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Body {
    let given: Vec<&str> = BODY_KEYS.iter().copied().filter(|key| reader.has(key)).collect();
    if let [_, second, ..] = given.as_slice() {
        let message = format!("the request has {} bodies: {}", given.len(), given.join(" and "));
        mistakes.add(reader.key_span(second), message, "keep one of them");
    }
    let mut read = Body::None;
    for key in given.iter().rev() {
        read = match *key {
            "json" => json(reader, variables, mistakes).map_or(Body::None, Body::Json),
            "text" => {
                let word = reader.word("text", mistakes);
                let template = word.and_then(|word| variables.template(&word, mistakes));
                template.map_or(Body::None, Body::Text)
            }
            "file" => {
                let word = reader.word("file", mistakes);
                word.map_or(Body::None, |word| Body::File(fixture(&word, variables.setting, mistakes)))
            }
            _ => {
                let entries = reader.tables("tar", mistakes);
                Body::Tar(entries.iter().map(|entry| tar_entry(entry, variables, mistakes)).collect())
            }
        };
    }
    read
}

/// A file below `fixtures/`, or a mistake.
pub fn fixture(word: &Word<'_>, setting: &Setting<'_>, mistakes: &mut Mistakes) -> String {
    let file = word.text();
    if !setting.fixtures.contains(file) {
        let known = setting.fixtures.iter().map(String::as_str);
        let help = match file.starts_with("fixtures/") {
            true => choose(file, known, "put it there"),
            false => choose(&format!("fixtures/{file}"), known, "files lie below fixtures/"),
        };
        mistakes.add(word.span(), format!("there is no file `{file}`"), help);
    }
    file.to_owned()
}

fn tar_entry(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> TarEntry {
    reader.only(TAR_KEYS, mistakes);
    let path = reader.need_text("path", "say where it lies in the archive: path = \"a.txt\"", mistakes);
    let is_folder = path.ends_with('/');
    let given: Vec<&str> = ["text", "file", "link"].into_iter().filter(|key| reader.has(key)).collect();
    match given.as_slice() {
        [first, ..] if is_folder => {
            let help = "a path that ends in a slash is a directory, which holds nothing of its own";
            mistakes.add(reader.key_span(first), format!("`{path}` is a directory with `{first}`"), help);
        }
        [_, second, ..] => {
            let message = format!("the entry is two things: {}", given.join(" and "));
            mistakes.add(reader.key_span(second), message, "keep one of them");
        }
        [_] | [] => {}
    }
    let text = reader.word("text", mistakes).map(|word| variables.template(&word, mistakes));
    let file = reader.word("file", mistakes).map(|word| fixture(&word, variables.setting, mistakes));
    let link = reader.string("link", mistakes).map(str::to_owned);
    let content = match (text, file, link) {
        _ if is_folder => TarContent::Directory,
        (Some(text), _, _) => TarContent::Text(text.unwrap_or(Template(Vec::new()))),
        (None, Some(file), _) => TarContent::File(file),
        (None, None, Some(link)) => TarContent::Link(link),
        (None, None, None) => {
            if given.is_empty() {
                let help = "write text = \"..\", file = \"fixtures/..\" or link = \"..\", or end the path of a directory in a slash";
                mistakes.add(reader.span.clone(), format!("`{path}` holds nothing"), help);
            }
            TarContent::Directory
        }
    };
    TarEntry { mode: mode(reader, if is_folder { 0o755 } else { 0o644 }, mistakes), path, content }
}

fn mode(reader: &Reader<'_>, default: u32, mistakes: &mut Mistakes) -> u32 {
    let Some(text) = reader.string("mode", mistakes) else { return default };
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => mode,
        Ok(_) | Err(_) => {
            let help = "permission bits are three or four digits from 0 to 7: mode = \"0644\"";
            mistakes.add(reader.span_of("mode"), format!("`{text}` is no mode"), help);
            default
        }
    }
}

/// JSON text with variables: each stands for text inside a string, and for a value outside.
fn json(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Template> {
    let word = reader.word("json", mistakes)?;
    let template = variables.template(&word, mistakes)?;
    let probe = Probe::of(&template);
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&probe.text) {
        let said = error.to_string();
        let message = said.split(" at line").next().unwrap_or(&said);
        let help = "the body is sent as it stands here; to send broken JSON on purpose, write it as `text` with \
                    headers = { Content-Type = \"application/json\" }";
        mistakes.add(probe.place(&word, &error), format!("the body is no JSON: {message}"), help);
    }
    Some(template)
}

/// JSON with a value in the place of each variable, and the way back.
struct Probe {
    text: String,
    /// For each byte of the text, where it stands in the source of the template.
    origins: Vec<usize>,
}

impl Probe {
    fn of(template: &Template) -> Probe {
        let mut probe = Probe { text: String::new(), origins: Vec::new() };
        let mut at = 0;
        for part in &template.0 {
            let written = Template(vec![part.clone()]).source();
            match part {
                Part::Text(text) => {
                    probe.text.push_str(text);
                    probe.origins.extend(at..at + text.len());
                }
                Part::Capture(_) | Part::Name(_) | Part::Image(_) | Part::Run | Part::Registry => {
                    // A digit is text inside a string, and a value outside.
                    probe.text.push('0');
                    probe.origins.push(at);
                }
            }
            at += written.len();
        }
        probe
    }

    /// The letter at which the parser stopped.
    fn place(&self, word: &Word<'_>, error: &serde_json::Error) -> Span {
        let lines = self.text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let last = self.text.trim_end().len().saturating_sub(1);
        let at = self.text.floor_char_boundary(at.min(last));
        let Some(origin) = self.origins.get(at) else { return word.span() };
        let length = word.text()[*origin..].chars().next().map_or(0, char::len_utf8);
        word.piece(*origin..*origin + length).span()
    }
}
