//! The options of `docker run` and `docker create` lines in a shell script.

use super::{Used, value};
use crate::docker_option::{DockerOption, Takes, by_field, by_flag};

/// The options of all such lines in a text.
pub fn used(text: &str) -> Vec<Used> {
    logical_lines(text).into_iter().flat_map(|(line, text)| of_line(line, &text)).collect()
}

/// Whether the text has such a line at all.
pub fn has_command(text: &str) -> bool {
    logical_lines(text).iter().any(|(_, line)| arguments(line).is_some())
}

/// Lines, with those that end in a backslash joined to the next, and the number of their first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (at, line) in text.lines().enumerate() {
        let (piece, continues) = match line.trim_end().strip_suffix('\\') {
            Some(piece) => (piece, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if goes_on => last.push_str(&format!(" {piece}")),
            Some(_) | None => lines.push((at + 1, piece.to_owned())),
        }
        goes_on = continues;
    }
    lines
}

/// The words after `docker run` or `docker create`, if the line is one.
fn arguments(line: &str) -> Option<(&'static str, Vec<String>)> {
    let words = shlex::split(line.trim_start_matches(['$', ' ', '\t']))?;
    let docker = words.iter().position(|word| word == "docker" || word.ends_with("/docker"))?;
    let is_before = |word: &String| word == "sudo" || word == "exec" || word.contains('=');
    if !words[..docker].iter().all(is_before) {
        return None;
    }
    let mut at = docker + 1;
    if words.get(at).is_some_and(|word| word == "container") {
        at += 1;
    }
    let name = match words.get(at)?.as_str() {
        "run" => "docker run",
        "create" => "docker create",
        _ => return None,
    };
    Some((name, words[at + 1..].to_vec()))
}

fn of_line(line: usize, text: &str) -> Vec<Used> {
    let Some((place, words)) = arguments(text) else { return Vec::new() };
    let mut reading = Reading { line, place, used: Vec::new(), sources: 0 };
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if let Some(flag) = word.strip_prefix("--") {
            if flag.is_empty() {
                break;
            }
            let (name, given) = match word.split_once('=') {
                Some((name, given)) => (name.to_owned(), Some(given.to_owned())),
                None => (word.clone(), None),
            };
            let option = by_flag(&name);
            let left = words.len();
            let takes_next = match option {
                Some(option) => option.takes == Takes::Value,
                // Of a flag that is not known, what follows is its value unless it looks like none.
                None => words.peek().is_some_and(|next| !next.starts_with('-') && left > 1),
            };
            let given = given.or_else(|| if takes_next { words.next() } else { None });
            reading.note(&name, option, given.unwrap_or_else(|| "true".to_owned()));
        } else if word.len() > 1 && word.starts_with('-') {
            reading.shorts(&word, &mut words);
        } else {
            // The image; all that follows is its command.
            break;
        }
    }
    reading.used
}

struct Reading {
    line: usize,
    place: &'static str,
    used: Vec<Used>,
    /// How many sources of volumes came so far.
    sources: usize,
}

impl Reading {
    /// `-it`, `-p80:80`, `-p 80:80`.
    fn shorts(&mut self, word: &str, words: &mut impl Iterator<Item = String>) {
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            let name = format!("-{letter}");
            rest = &rest[letter.len_utf8()..];
            let option = by_flag(&name);
            if option.is_some_and(|option| option.takes == Takes::Nothing) {
                self.note(&name, option, "true".to_owned());
                continue;
            }
            let given = match rest.trim_start_matches('=') {
                "" => words.next().unwrap_or_default(),
                given => given.to_owned(),
            };
            self.note(&name, option, given);
            return;
        }
    }

    fn note(&mut self, name: &str, option: Option<&'static DockerOption>, given: String) {
        let written = if given == "true" { name.to_owned() } else { format!("{name} {given}") };
        let field = option.map_or("", |option| option.field);
        let (option, value) = match (name, field) {
            ("--mount", _) => {
                let pair = |part: &str| match part.split_once('=') {
                    Some((key, value)) => (key.to_owned(), value.to_owned()),
                    None => (part.to_owned(), String::new()),
                };
                match value::long_mount(&given.split(',').map(pair).collect::<Vec<_>>()) {
                    Ok(mount) => (option, mount),
                    Err(target) => (by_field("HostConfig.Tmpfs"), target),
                }
            }
            (_, "HostConfig.Binds") => (option, value::mount(&given)),
            (_, "HostConfig.PortBindings") => (option, value::port(&given)),
            (_, "HostConfig.VolumesFrom") => {
                self.sources += 1;
                (option, format!("{}:{given}", self.sources))
            }
            _ => (option, given),
        };
        self.used.push(Used { line: self.line, place: self.place.to_owned(), written, option, value });
    }
}
