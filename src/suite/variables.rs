//! What `${...}` may name at each point of a scenario, and whether every capture is used.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::Span;
use super::scenario_file::Setting;
use super::word::{Entry, Word, choose};
use crate::mistake::{Mistakes, nearest};
use crate::scenario::{Need, Part, Template, TemplateError};

/// Names that no capture can have, since variables of that name mean something else.
pub const RESERVED: [&str; 4] = ["run", "name", "image", "registry"];

/// A capture that some step of the scenario takes.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// The step that takes it, for people.
    pub step: String,
    /// Only named, so that it cannot be used.
    pub is_only_named: bool,
}

/// The variables of a scenario while its steps are read in order.
pub struct Variables<'a> {
    /// What the scenario is read in.
    pub setting: &'a Setting<'a>,
    needs: &'a [Need],
    planned: Vec<Planned>,
    captured: BTreeMap<String, Span>,
    used: BTreeSet<String>,
}

impl<'a> Variables<'a> {
    /// Before the first step; `planned` is what all steps take.
    pub fn new(setting: &'a Setting<'a>, needs: &'a [Need], planned: Vec<Planned>) -> Variables<'a> {
        Variables { setting, needs, planned, captured: BTreeMap::new(), used: BTreeSet::new() }
    }

    /// After a step: what it captures can be used from here on.
    pub fn capture(&mut self, entries: &[Entry<'_>]) {
        for entry in entries.iter().filter(|entry| !RESERVED.contains(&entry.name)) {
            self.captured.entry(entry.name.to_owned()).or_insert_with(|| entry.name_span.clone());
        }
    }

    /// After the last step: captures that nothing used.
    pub fn report_unused(&self, mistakes: &mut Mistakes) {
        for (name, span) in self.captured.iter().filter(|(name, _)| !self.used.contains(*name)) {
            let help = format!(
                "use it as ${{{name}}} in a later step, or move it to `names`, which only names a value"
            );
            mistakes.add(span.clone(), format!("`{name}` is captured and never used"), help);
        }
    }

    /// A text with variables; those that are not known here are mistakes.
    pub fn template(&mut self, word: &Word<'_>, mistakes: &mut Mistakes) -> Option<Template> {
        let template = match Template::parse(word.text()) {
            Ok(template) => template,
            Err(error) => {
                report_bad(word, &error, mistakes);
                return None;
            }
        };
        let mut at = 0;
        for part in &template.0 {
            let end = at + Template(vec![part.clone()]).source().len();
            match part {
                Part::Capture(name) => self.use_capture(name, &word.piece(at..end), mistakes),
                Part::Image(name) => self.check_image(name, &word.piece(at..end), mistakes),
                Part::Registry => self.check_registry(&word.piece(at..end), mistakes),
                Part::Text(_) | Part::Name(_) | Part::Run => {}
            }
            at = end;
        }
        Some(template)
    }

    fn use_capture(&mut self, name: &str, place: &Word<'_>, mistakes: &mut Mistakes) {
        if self.captured.contains_key(name) {
            self.used.insert(name.to_owned());
            return;
        }
        let later = self.planned.iter().find(|planned| planned.name == name);
        // It is meant to be used, so that its place in the order is the only mistake.
        self.used.insert(name.to_owned());
        let help = match later {
            Some(planned) if planned.is_only_named => {
                format!("{} lists it under `names`, which only names a value: use `capture`", planned.step)
            }
            Some(planned) => format!("{} captures it, which does not come before this one", planned.step),
            None => match nearest(name, self.captured.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None if self.captured.is_empty() => {
                    format!(
                        "no step before this one captures anything: give one capture = {{ {name} = \"/body/json/Id\" }}"
                    )
                }
                None => {
                    let known: Vec<&str> = self.captured.keys().map(String::as_str).collect();
                    format!("a step before this one has to `capture` it; captured are: {}", known.join(", "))
                }
            },
        };
        if later.is_none()
            && let Some(near) = nearest(name, self.captured.keys().map(String::as_str)).map(str::to_owned)
        {
            self.used.insert(near);
        }
        mistakes.add(place.span(), format!("`${{{name}}}` is not captured"), help);
    }

    fn check_registry(&self, place: &Word<'_>, mistakes: &mut Mistakes) {
        if !self.needs.contains(&Need::Registry) {
            let help = "write needs = [\"registry\"] at the head of the scenario";
            mistakes.add(place.span(), "the scenario does not need a registry", help);
        }
    }

    fn check_image(&self, name: &str, place: &Word<'_>, mistakes: &mut Mistakes) {
        if self.needs.contains(&Need::Image(name.to_owned())) {
            return;
        }
        let images = self.setting.images.iter().map(String::as_str);
        if images.clone().any(|image| image == name) {
            let help = format!("write needs = [\"image:{name}\"] at the head of the scenario");
            mistakes.add(place.span(), format!("the scenario does not need the image `{name}`"), help);
        } else {
            let help = choose(name, images, "images are described in fixtures/images/NAME.toml");
            mistakes.add(place.span(), format!("there is no image `{name}`"), help);
        }
    }
}

fn report_bad(word: &Word<'_>, error: &TemplateError, mistakes: &mut Mistakes) {
    const KINDS: &str = "variables are ${captured}, ${name:x}, ${image:x}, ${registry} and ${run}";
    let text = word.text();
    let (place, help) = match error {
        TemplateError::Unclosed => {
            let at = text.rfind("${").unwrap_or_default();
            (word.piece(at..text.len()), format!("close it with `}}`; {KINDS}"))
        }
        TemplateError::BadName(name) => {
            let whole = format!("${{{name}}}");
            let at = text.find(&whole).unwrap_or_default();
            let near = name.split_once(':').and_then(|(kind, rest)| {
                let kind = nearest(kind, ["name", "image"])?;
                Some(format!("did you mean `${{{kind}:{rest}}}`? "))
            });
            let near = near.filter(|near| !near.contains(&whole)).unwrap_or_default();
            (word.piece(at..at + whole.len()), format!("{near}{KINDS}; names are letters, digits, - and _"))
        }
    };
    mistakes.add(place.span(), error.to_string(), help);
}
