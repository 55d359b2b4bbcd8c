//! A report as one HTML page: totals, what fails first, both sides of each step side by side, times.
//! Everything that came from an engine is text: escaped by the template where it stands in the
//! page, and packed (gzip, base64) where the page shows it on demand.

mod plot;
mod raw;

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::console::{Which, clean, side};
use super::{CaseReport, Report, Totals, curl};
use crate::exchange::Recording;
use crate::scenario::{CaseId, StepId};
use crate::snapshot::Snapshot;
use crate::store::last::Played;
use crate::verdict::{Finding, FindingKind};

/// What both sides of a case answered, where that is known.
pub type PlayedOf<'a> = &'a dyn Fn(&CaseId) -> Option<Played>;

/// Cases in one packed block: enough that what they have in common is stored once.
const BLOCK: usize = 60;

/// The text of a page that cannot be made is told by the template's error.
pub fn to_html(report: &Report, played_of: PlayedOf<'_>) -> Result<String, minijinja::Error> {
    let mut blocks = Vec::new();
    for verdicts in report.verdicts.chunks(BLOCK) {
        let exchanges: Vec<Vec<Step>> = verdicts
            .iter()
            .map(|verdict| played_of(&verdict.case()).map(|played| steps(&played)).unwrap_or_default())
            .collect();
        blocks.push(packed(&exchanges));
    }
    let cases: Vec<Case> =
        report.verdicts.iter().enumerate().map(|(number, verdict)| Case::of(number, verdict)).collect();
    let failing: Vec<&Case> = cases.iter().filter(|case| case.fails).collect();
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    templates.add_template("report.html", include_str!("report.html"))?;
    let Totals { cases: count, conforms, diverges, fails, errs, skipped } = report.totals;
    let totals = [
        ("cases", count),
        ("conforms", conforms),
        ("diverges", diverges),
        ("fails", fails),
        ("errs", errs),
        ("skipped", skipped),
    ];
    let divergences: Vec<(String, Vec<(&str, usize)>)> = report
        .by_divergence()
        .into_iter()
        .map(|(id, counts)| {
            (id.to_owned(), counts.into_iter().map(|(kind, count)| (kind.word(), count)).collect())
        })
        .collect();
    let (style, script) =
        (include_str!("page.css"), concat!(include_str!("page.js"), include_str!("report.js")));
    let plot = plot::of(&report.verdicts);
    let (reference, candidate) = (report.reference.told(), report.candidate.told());
    let (world, without) = (&report.world, &report.without);
    templates.get_template("report.html")?.render(context! {
        totals, cases, failing, divergences, blocks, plot, reference, candidate, world, without, style,
        script, block => BLOCK, findings => report.findings
    })
}

/// A case in the list.
#[derive(Serialize)]
struct Case {
    number: usize,
    name: String,
    verdict: &'static str,
    reason: String,
    millis: Option<[f64; 2]>,
    fails: bool,
    findings: Vec<Found>,
}

/// A finding in words.
#[derive(Serialize)]
struct Found {
    kind: &'static str,
    fails: bool,
    step: String,
    at: String,
    divergence: Option<String>,
    reference: String,
    candidate: String,
    note: String,
}

impl Case {
    fn of(number: usize, verdict: &CaseReport) -> Case {
        Case {
            number,
            name: verdict.case().to_string(),
            verdict: verdict.verdict.word(),
            reason: clean(verdict.reason.as_deref().unwrap_or_default()),
            millis: verdict.millis,
            fails: matches!(
                verdict.verdict,
                crate::verdict::VerdictKind::Fails | crate::verdict::VerdictKind::Errs
            ),
            findings: verdict.findings.iter().map(Found::of).collect(),
        }
    }
}

impl Found {
    fn of(finding: &Finding) -> Found {
        let is_unreached = finding.finding == FindingKind::Unreached;
        let told = |which| if is_unreached { "(not sent)".to_owned() } else { side(finding, which) };
        Found {
            kind: finding.finding.word(),
            fails: finding.finding.fails(),
            step: finding.step.0.clone(),
            at: clean(&finding.at),
            divergence: finding.divergence.clone(),
            reference: told(Which::Reference),
            candidate: told(Which::Candidate),
            note: clean(finding.note.as_deref().unwrap_or_default()),
        }
    }
}

/// An exchange on both sides, as the page unpacks it.
#[derive(Serialize)]
struct Step {
    step: String,
    part: String,
    request: String,
    /// Normalised: the reference's, the candidate's.
    views: [Option<String>; 2],
    /// As it went over the wire.
    raw: [Option<String>; 2],
    /// To repeat it.
    curl: [Option<String>; 2],
}

fn steps(played: &Played) -> Vec<Step> {
    let sides = [&played.reference, &played.candidate];
    let recordings = [&played.reference_recording, &played.candidate_recording];
    let Some(snapshot) = sides.iter().find_map(|side| side.as_ref()) else { return Vec::new() };
    let mut steps = Vec::new();
    for step in &snapshot.steps {
        for part in &step.parts {
            let view = |side: &Option<Snapshot>| view(side.as_ref()?, &step.id, &part.name);
            let exchange = |recording: &Option<Recording>| {
                let recording = recording.as_ref()?;
                let its = recording.steps.iter().find(|each| each.id == step.id)?;
                let exchange = its.exchanges.iter().find(|each| each.part == part.name)?;
                Some((raw::told(exchange), clean(&curl::command(&exchange.sent, recording))))
            };
            let [reference, candidate] = recordings.map(exchange).map(Option::unzip);
            steps.push(Step {
                step: step.id.0.clone(),
                part: part.name.clone(),
                request: clean(&part.request),
                views: sides.map(view),
                raw: [reference.0, candidate.0],
                curl: [reference.1, candidate.1],
            });
        }
    }
    steps
}

fn view(snapshot: &Snapshot, step: &StepId, part: &str) -> Option<String> {
    let tree = &snapshot.step(step)?.part(part)?.tree;
    Some(raw::shortened(&clean(&serde_json::to_string_pretty(tree).unwrap_or_default())))
}

/// JSON, compressed, as text.
fn packed(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory does not fail; an empty block shows as one without exchanges.
    let bytes = packer.write_all(&json).and_then(|()| packer.finish()).unwrap_or_default();
    STANDARD.encode(bytes)
}
