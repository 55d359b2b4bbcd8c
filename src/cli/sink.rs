//! Files that a report is written to besides the terminal: `--report FORMAT=PATH`, and
//! `--report github`, which prints.

use std::io::Write as _;
use std::path::PathBuf;

use super::output::Output;
use super::{CliError, select};
use crate::report::{Report, github, html, junit, summary};
use crate::scenario::{CaseId, ScenarioId, StepId};
use crate::store::last::Played;
use crate::store::{self, Store};
use crate::suite::Suite;

/// A report that is written besides the one on the terminal.
#[derive(Debug)]
pub struct Sink {
    format: SinkFormat,
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SinkFormat {
    Json,
    Junit,
    Html,
    Markdown,
    Github,
}

/// The formats by name.
const FORMATS: [(&str, SinkFormat); 5] = [
    ("json", SinkFormat::Json),
    ("junit", SinkFormat::Junit),
    ("html", SinkFormat::Html),
    ("markdown", SinkFormat::Markdown),
    ("github", SinkFormat::Github),
];

/// What a report says nothing of: the files of the suite and what was exchanged.
pub struct Beside<'a> {
    /// The project, if there is one.
    pub store: Option<&'a Store>,
    /// Its suite, if it loads.
    pub suite: Option<&'a Suite>,
    /// Whether the exchanges of the last run are those of this report.
    pub is_last_run: bool,
}

impl Sink {
    /// All that were asked for.
    pub fn all(texts: &[String]) -> Result<Vec<Sink>, CliError> {
        texts.iter().map(|text| Sink::parse(text)).collect()
    }

    fn parse(text: &str) -> Result<Sink, CliError> {
        let (word, path) = match text.split_once('=') {
            Some((word, path)) => (word, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        let format = FORMATS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format);
        let format = format.ok_or_else(|| select::unknown("the report format", word, &known))?;
        match (format, path) {
            (SinkFormat::Github, None) => Ok(Sink { format, path: None }),
            (_, Some(path)) if !path.as_os_str().is_empty() => Ok(Sink { format, path: Some(path) }),
            _ => Err(CliError::Usage(format!("`--report {text}`: write FORMAT=PATH, as in junit=junit.xml"))),
        }
    }

    /// Writes all of them; one that fails does not stop the others.
    pub fn write_all(
        sinks: &[Sink],
        report: &Report,
        beside: &Beside<'_>,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let results: Vec<_> = sinks.iter().map(|sink| sink.write(report, beside, output)).collect();
        results.into_iter().collect()
    }

    fn write(&self, report: &Report, beside: &Beside<'_>, output: &mut Output) -> Result<(), CliError> {
        let place = |scenario: &ScenarioId, step: Option<&StepId>| beside.place_of(scenario, step);
        let text = match self.format {
            SinkFormat::Json => serde_json::to_string_pretty(report).map_err(std::io::Error::from)? + "\n",
            SinkFormat::Junit => junit::to_xml(report).map_err(std::io::Error::other)?,
            SinkFormat::Html => {
                html::to_html(report, &|case| beside.played(report, case)).map_err(std::io::Error::other)?
            }
            SinkFormat::Markdown => summary::to_markdown(report),
            SinkFormat::Github => github::annotations(report, &place),
        };
        match &self.path {
            Some(path) => Ok(store::write(path, &text)?),
            // Beside JSON it is no result; GitHub reads both streams.
            None if output.json => Ok(output.news.write_all(text.as_bytes())?),
            None => {
                output.out.write_all(text.as_bytes())?;
                Ok(output.out.flush()?)
            }
        }
    }
}

impl Beside<'_> {
    fn place_of(&self, id: &ScenarioId, step: Option<&StepId>) -> (String, Option<usize>) {
        let scenarios = self.suite.into_iter().flat_map(|suite| &suite.scenarios);
        let scenario = scenarios.into_iter().find(|scenario| scenario.id == *id);
        match scenario {
            None => (format!("suites/{}/scenarios/{}.toml", id.area(), id.name()), None),
            Some(scenario) => {
                let of_step = scenario.steps.iter().find(|each| Some(&each.id) == step);
                (scenario.file.clone(), Some(of_step.map_or(1, |step| step.line)))
            }
        }
    }

    /// Both sides of a case: what the run kept, else the committed snapshots that it compared.
    fn played(&self, report: &Report, case: &CaseId) -> Option<Played> {
        let store = self.store?;
        let played = match self.is_last_run {
            true => store.played_or_compared(report, case),
            false => store.compared(report, case),
        };
        played.ok().filter(|played| played.reference.is_some() || played.candidate.is_some())
    }
}
