//! What a compose file or a `docker run` line may not rely on: its options held against
//! `suites/options.toml` and the divergences behind it. Pure.

pub mod command;
pub mod compose;
mod value;

use serde::Serialize;

use crate::divergence::{Divergence, Effect, Evidence};
use crate::docker_option::DockerOption;
use crate::suite::Suite;
use crate::version::Version;

/// An option as a file uses it.
#[derive(Clone, Debug)]
pub struct Used {
    /// The line, counted from 1.
    pub line: usize,
    /// The service, or `docker run`.
    pub place: String,
    /// As it is written.
    pub written: String,
    /// Which option it is; none when it is not known here.
    pub option: Option<&'static DockerOption>,
    /// Its value, as `matches` sees it.
    pub value: String,
}

/// What is said of one use of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The line.
    pub line: usize,
    /// The service, or `docker run`.
    pub place: String,
    /// As it is written.
    pub written: String,
    /// The field of a create request.
    pub option: &'static str,
    /// What becomes of it.
    pub effect: Effect,
    /// The divergence that says why.
    pub divergence: String,
    /// Its title.
    pub title: String,
    /// What a reader should know.
    pub why: String,
    /// How it is known.
    pub evidence: Evidence,
    /// Where the docs tell it.
    pub docs: String,
}

/// All remarks, in the order of the file.
pub fn remarks(used: &[Used], suite: &Suite, release: &Version) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for each in used {
        let Some(option) = each.option else { continue };
        for effect in suite.options.iter().filter(|effect| effect.option.field == option.field) {
            let matches = effect.matches.as_ref().is_none_or(|expression| expression.matches(&each.value));
            let divergence = suite.divergences.iter().find(|divergence| {
                divergence.engine == crate::docs::ABOUT && divergence.id == effect.divergence
            });
            match divergence {
                Some(divergence) if matches && divergence.when.holds_by_default(release) => {
                    remarks.push(remark(each, option, effect.effect, divergence));
                }
                Some(_) | None => {}
            }
        }
    }
    remarks.sort_by_key(|remark| remark.line);
    remarks
}

fn remark(used: &Used, option: &DockerOption, effect: Effect, divergence: &Divergence) -> Remark {
    Remark {
        line: used.line,
        place: used.place.clone(),
        written: used.written.clone(),
        option: option.field,
        effect,
        divergence: divergence.id.clone(),
        title: divergence.title.clone(),
        why: divergence.why.trim().to_owned(),
        evidence: divergence.evidence,
        docs: format!("docs/features/{}.md#{}", divergence.page, divergence.id),
    }
}
