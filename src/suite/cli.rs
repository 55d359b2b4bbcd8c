//! A step with `cli`: the words of a docker command, and its standard input.

use super::body::body;
use super::reader::Reader;
use super::variables::Variables;
use super::word::Word;
use crate::mistake::Mistakes;
use crate::scenario::{Body, Cli, Template};

/// What a shell would take for itself.
const OF_A_SHELL: [&str; 9] = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1"];

/// Reads the command of a step and what belongs to it.
pub fn cli(reader: &Reader<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Cli> {
    let words = reader.word("cli", mistakes).and_then(|word| command(&word, variables, mistakes));
    let stdin = reader.word("stdin", mistakes);
    let is_text = stdin.is_some();
    let stdin = stdin.and_then(|word| variables.template(&word, mistakes));
    let archive = body(reader, variables, mistakes);
    if is_text && reader.has("tar") {
        let help = "a command has one standard input: a text or an archive";
        mistakes.add(reader.key_span("tar"), "`stdin` and `tar` exclude each other", help);
    }
    let limit = super::step::limit(reader, variables, mistakes);
    let label = reader.flag("label", mistakes).unwrap_or(true);
    let stdin = stdin.map_or(archive, Body::Text);
    Some(Cli { words: words?, stdin, label, limit })
}

fn command(word: &Word<'_>, variables: &mut Variables<'_>, mistakes: &mut Mistakes) -> Option<Vec<Template>> {
    // Variables are checked where they stand; words are split before they have values.
    variables.template(word, mistakes)?;
    let Some(words) = shlex::split(word.text()) else {
        mistakes.add(word.span(), "a quote is not closed", "words are split as a shell does it");
        return None;
    };
    let mut say = |message: String, help: &str| {
        mistakes.add(word.span(), message, help);
        None
    };
    match words.as_slice() {
        [docker, verb, ..] if docker == "docker" && verb.starts_with('-') => {
            return say(
                format!("`{verb}` stands before the command"),
                "where to go and how to speak is set for each engine: begin with the command, as in \"docker run\"",
            );
        }
        [docker, _, ..] if docker == "docker" => {}
        _ => {
            return say(
                "this is no docker command".to_owned(),
                "write it as people type it: \"docker ps -a\"",
            );
        }
    }
    if let Some(odd) = words.iter().find(|word| OF_A_SHELL.contains(&word.as_str())) {
        return say(
            format!("`{odd}` means something to a shell, and there is none"),
            "give input with `stdin` or `tar`; exit code, stdout and stderr are compared by themselves",
        );
    }
    words.iter().skip(1).map(|word| Template::parse(word).ok()).collect()
}
