//! A Dockerfile as sdc-docker's builder reads it: line by line, and without complaint
//! (docker-file-parser 1.0.5, `parser.js`). Pure.

use serde_json::Value;

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// Its name, in capitals.
    pub name: String,
    /// Its words.
    pub args: Args,
    /// What stands behind the name.
    pub rest: String,
    /// The line that it ends at, counted from 1.
    pub line: usize,
}

/// The words of an instruction.
#[derive(Clone, Debug, PartialEq)]
pub enum Args {
    /// As they stand.
    Text(String),
    /// A list, of JSON or of words.
    List(Vec<String>),
    /// Names and values.
    Pairs(Vec<(String, String)>),
}

impl Instruction {
    /// The instruction as a build tells it (`getCommandString` of sdc-docker-build, `lib/build.js:492`).
    pub fn told(&self) -> String {
        let args = match &self.args {
            Args::Text(text) => text.clone(),
            Args::List(words) => words.join(" "),
            Args::Pairs(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                pairs.join(" ")
            }
        };
        format!("{} {args}", self.name)
    }

    /// The words, if they are a list.
    pub fn list(&self) -> &[String] {
        match &self.args {
            Args::List(words) => words,
            Args::Text(_) | Args::Pairs(_) => &[],
        }
    }
}

/// The instructions of a Dockerfile.
pub fn parse(text: &str) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut begun = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = format!("{begun}{line}");
        begun.clear();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match continued(line) {
            Some(head) => head.clone_into(&mut begun),
            None => found.push(instruction(line, at + 1)),
        }
    }
    found
}

/// What stands before the backslash that continues a line.
fn continued(line: &str) -> Option<&str> {
    line.trim_end_matches([' ', '\t']).strip_suffix('\\')
}

fn instruction(line: &str, number: usize) -> Instruction {
    let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let (name, rest) = (name.to_uppercase(), rest.trim_start().to_owned());
    let args = match name.as_str() {
        "ADD" | "COPY" | "VOLUME" => Args::List(json_list(&rest).unwrap_or_else(|| by_blanks(&rest))),
        "EXPOSE" => Args::List(by_blanks(&rest)),
        "ARG" => Args::List(words(&rest)),
        "CMD" | "ENTRYPOINT" | "RUN" => json_list(&rest).map_or_else(|| Args::Text(rest.clone()), Args::List),
        "ENV" | "LABEL" => Args::Pairs(pairs(&rest)),
        _ => Args::Text(rest.clone()),
    };
    Instruction { name, args, rest, line: number }
}

fn json_list(text: &str) -> Option<Vec<String>> {
    let Ok(Value::Array(items)) = serde_json::from_str(text) else { return None };
    items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn by_blanks(text: &str) -> Vec<String> {
    text.split([' ', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Words at blanks that no quotes enclose; the quotes stay.
fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match quote {
            None if c == ' ' || c == '\t' => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            None | Some(_) => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// `name value` or `name=value ...`; what has no value ends the list.
fn pairs(text: &str) -> Vec<(String, String)> {
    let words = words(text);
    let pair = |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    match words.first().map(|first| first.contains('=')) {
        Some(true) => words.iter().map_while(pair).collect(),
        Some(false) => {
            let name = words[0].clone();
            let value = text[name.len()..].trim_start().to_owned();
            vec![(name, value)]
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        parse(text).iter().map(Instruction::told).collect()
    }

    #[test]
    fn instructions_are_told_by_their_words() {
        let text = "# first\nfrom  scratch\n\nENV a b c\nCMD [\"sleep\", \"600\"]\nRUN echo \\\n  hi\n";
        assert_eq!(told(text), ["FROM scratch", "ENV a=b c", "CMD sleep 600", "RUN echo   hi"]);
    }

    #[test]
    fn a_comment_ends_a_continued_line() {
        assert_eq!(told("LABEL a=1 \\\n # within\n b=2"), ["LABEL a=1", "B=2 "]);
    }

    #[test]
    fn quotes_hold_words_together() {
        let label = &parse("LABEL a=\"two words\" b='c d'")[0];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(label.args, Args::Pairs(vec![pair("a", "\"two words\""), pair("b", "'c d'")]));
        assert_eq!(parse("COPY a  b").first().map(|copy| copy.list().len()), Some(2));
    }
}
