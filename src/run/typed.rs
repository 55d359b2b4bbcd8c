//! What a command for the docker CLI makes, as far as its words tell, and the run's label in it.
//! Runs nothing.

use super::ledger::Thing;

/// The verb of a command and how many words it takes, groups such as `container run` included.
fn verb(words: &[String]) -> (&str, usize) {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    match (word(0), word(1)) {
        ("container" | "image" | "builder", verb) => (verb, 2),
        ("network", "create") => ("network create", 2),
        ("volume", "create") => ("volume create", 2),
        (verb, _) => (verb, 1),
    }
}

/// The command with the run's label, where it makes something that can have one.
pub fn labelled(mut words: Vec<String>, label: &str, tag: &str) -> Vec<String> {
    let (verb, length) = verb(&words);
    if ["run", "create", "build", "network create", "volume create"].contains(&verb) {
        words.insert(length, format!("--label={label}={tag}"));
    }
    words
}

/// What a command makes, if it makes anything.
pub fn makes(words: &[String]) -> Option<Thing> {
    match verb(words).0 {
        "run" | "create" => Some(Thing::Container),
        "build" | "commit" | "tag" | "import" | "load" | "pull" => Some(Thing::Image),
        "network create" => Some(Thing::Network),
        "volume create" => Some(Thing::Volume),
        _ => None,
    }
}

/// Whether its output tells ids of images that may be older than the case.
pub fn tells_images(words: &[String]) -> bool {
    ["build", "commit", "import", "load"].contains(&verb(words).0)
}

/// What a command may be about to make under a name of the run's own. A name of which the words
/// do not tell what it stands for is a volume's: what is not there is not removed.
pub fn names(words: &[String], tag: &str) -> Vec<(Thing, String)> {
    let Some(thing) = makes(words) else { return Vec::new() };
    let mut found = Vec::new();
    let mut is_name = false;
    for word in words {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) if word.starts_with("--") => (key, value),
            _ => ("", word.as_str()),
        };
        let kind = match thing {
            Thing::Container if is_name || key == "--name" => Thing::Container,
            Thing::Container => Thing::Volume,
            other => other,
        };
        is_name = word == "--name";
        let own = match kind {
            Thing::Image => Some(value).filter(|value| is_own_image(value, tag)),
            Thing::Container | Thing::Network | Thing::Volume | Thing::Engine => {
                // `NAME:/where` of a volume.
                value.split(':').next().filter(|name| name.starts_with(&format!("{tag}-")))
            }
        };
        found.extend(own.map(|name| (kind, name.to_owned())));
    }
    found
}

fn is_own_image(name: &str, tag: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.strip_prefix(tag).is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn what_makes_something_is_labelled_and_named() {
        let (container, image, network, volume) =
            (Thing::Container, Thing::Image, Thing::Network, Thing::Volume);
        let table = [
            ("run --rm --name t-it x true", "run ! --rm", vec![(container, "t-it")]),
            ("container run --name=t-it x", "container run !", vec![(container, "t-it")]),
            ("create -v t-data:/data x", "create !", vec![(volume, "t-data")]),
            ("build -t t-made -", "build !", vec![(image, "t-made")]),
            ("tag x host:5000/t-made:1", "tag x", vec![(image, "host:5000/t-made:1")]),
            ("commit t-it t-made", "commit t-it", vec![(image, "t-it"), (image, "t-made")]),
            ("network create -d bridge t-net", "network create !", vec![(network, "t-net")]),
            ("volume create t-data", "volume create !", vec![(volume, "t-data")]),
            ("network ls", "network ls", vec![]),
            ("ps -a --filter name=t-it", "ps -a", vec![]),
            ("run x echo t-", "run ! x", vec![(volume, "t-")]),
        ];
        for (line, start, expected) in table {
            let told = labelled(words(line), "key", "t").join(" ").replace("--label=key=t", "!");
            assert!(told.starts_with(start), "{told}");
            let found = names(&words(line), "t");
            let found: Vec<_> = found.iter().map(|(thing, name)| (*thing, name.as_str())).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
