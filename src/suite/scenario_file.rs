//! A scenario file: where it lies, its keys, what it needs.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::SuiteSettings;
use super::keys::{ACTION_KEYS, REQUEST_KEYS, SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS};
use super::reader::{Reader, root};
use super::settings::versions;
use super::steps::steps;
use super::word::choose;
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::scenario::{Action, NEEDS, Need, Scenario, ScenarioId, Step};

/// What a scenario is read in.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Defaults.
    pub settings: &'a SuiteSettings,
    /// The images that there are.
    pub images: &'a [String],
    /// The files below `fixtures/`.
    pub fixtures: &'a BTreeSet<String>,
}

/// The id of a scenario file, if it lies where scenarios do.
pub fn id_of(file: &str) -> Option<ScenarioId> {
    let parts: Vec<&str> = file.split('/').collect();
    let ["suites", area, "scenarios", name] = parts.as_slice() else { return None };
    Some(ScenarioId(format!("{area}/{}", name.strip_suffix(".toml")?)))
}

/// Reads one scenario file.
pub fn scenario(file: &str, text: &str, setting: &Setting<'_>, found: &mut Vec<Mistake>) -> Option<Scenario> {
    let mut mistakes = Mistakes::of(file);
    let scenario = read(file, text, setting, &mut mistakes);
    let is_fine = mistakes.found.is_empty();
    found.extend(mistakes.found);
    scenario.filter(|_| is_fine)
}

fn read(file: &str, text: &str, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Option<Scenario> {
    let Some(id) = id_of(file) else {
        let help = "scenarios lie in suites/<area>/scenarios/<name>.toml, divergences in \
                    suites/<area>/divergences/<engine>/<id>.toml";
        mistakes.add(None, "the file lies at no known place", help);
        return None;
    };
    let table = root(text, mistakes)?;
    let reader = Reader::of_file(&table, text);
    let why = |key: &str| {
        let is_of_step =
            [STEP_KEYS, ACTION_KEYS, REQUEST_KEYS, STREAM_KEYS].iter().any(|all| all.contains(&key));
        is_of_step.then(|| format!("`{key}` belongs to a step: write it below a [[steps]]"))
    };
    reader.only_with(SCENARIO_KEYS, why, mistakes);
    let title =
        reader.need_text("title", "say in a sentence what Docker promises: title = \"...\"", mistakes);
    reader.need("steps", "write at least one [[steps]]", mistakes);
    let mut needs = needs(&reader, setting, mistakes);
    let repetitions = reader.positive("repetitions", "leave it out to run once", mistakes);
    let repetitions = repetitions.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let exclusive = reader.flag("exclusive", mistakes);
    if (exclusive, repetitions.is_some()) == (Some(false), true) {
        let help = "leave `exclusive` out: what is timed runs alone";
        mistakes.add(
            reader.span_of("exclusive"),
            "`repetitions` and `exclusive = false` exclude each other",
            help,
        );
    }
    let steps = steps(&reader, &needs, setting, mistakes);
    if steps.iter().any(|step| matches!(step.action, Action::Cli(_))) && !needs.contains(&Need::DockerCli) {
        needs.push(Need::DockerCli);
    }
    let api = versions(&reader, "api", mistakes);
    Some(Scenario {
        title,
        page: reader.string("page", mistakes).unwrap_or(id.area()).to_owned(),
        command: reader.string("command", mistakes).map(str::to_owned),
        names_api: api.is_some(),
        api: api.unwrap_or_else(|| setting.settings.api.clone()),
        exclusive: exclusive.unwrap_or(false) || repetitions.is_some(),
        fingerprint: fingerprint(&steps, repetitions),
        file: file.to_owned(),
        id,
        needs,
        repetitions,
        steps,
    })
}

/// A hash of what is asked: comments, titles and line numbers do not count.
fn fingerprint(steps: &[Step], repetitions: Option<u32>) -> String {
    let plain: Vec<Step> = steps.iter().cloned().map(|step| Step { line: 0, ..step }).collect();
    let text = serde_json::to_string(&(plain, repetitions)).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn needs(reader: &Reader<'_>, setting: &Setting<'_>, mistakes: &mut Mistakes) -> Vec<Need> {
    let images: Vec<String> = setting.images.iter().map(|image| format!("image:{image}")).collect();
    let known: Vec<&str> =
        images.iter().map(String::as_str).chain(NEEDS.iter().map(|(word, _)| *word)).collect();
    let mut needs = Vec::new();
    for word in reader.words("needs", mistakes).unwrap_or_default() {
        let text = word.text();
        let meant = match known.contains(&text) {
            true => Some(text),
            false => {
                let message = match text.strip_prefix("image:") {
                    Some(image) => format!("there is no image `{image}`"),
                    None => format!("`{text}` is no capability"),
                };
                mistakes.add(word.span(), message, choose(text, known.iter().copied(), ""));
                // Taken as meant, so that what uses it is not a mistake as well.
                nearest(text, known.iter().copied())
            }
        };
        needs.extend(meant.and_then(|meant| Need::try_from(meant.to_owned()).ok()));
    }
    needs
}
