//! A report for people: totals, what is fixed, each finding with both values, the step and a
//! `curl` to repeat it. Text of an engine never reaches a terminal with control characters.

use std::io::{self, Write};

use serde_json::Value;

use super::{CaseReport, Counts, Report, Totals};
use crate::scenario::CaseId;
use crate::verdict::{Finding, FindingKind, VerdictKind};

/// How to write for this terminal, and what else to tell.
pub struct Style<'a> {
    /// Whether to use colour.
    pub colour: bool,
    /// Also list known findings.
    pub verbose: bool,
    /// The `curl` pair of a step, if one is known.
    pub curl: &'a dyn Fn(&CaseId, &Finding) -> Vec<String>,
}

/// Findings of one cause that are shown in full; the rest is counted.
const SHOWN: usize = 5;

/// Writes the report.
pub fn write(report: &Report, style: &Style<'_>, out: &mut dyn Write) -> io::Result<()> {
    for verdict in &report.verdicts {
        write_case(verdict, style, out)?;
    }
    for fixed in &report.fixed {
        let how = if fixed.partly { "partly fixed" } else { "fixed" };
        let places = counted(fixed.places, "place");
        let word = paint("fixed", Ink::Good, style.colour);
        writeln!(
            out,
            "{word}  {} is {how} in {places}: write it down with `divergence accept`",
            fixed.divergence
        )?;
    }
    write_reasons(report, out)?;
    let Totals { cases, conforms, diverges, fails, errs, skipped } = report.totals;
    writeln!(
        out,
        "\n{}: {conforms} conform, {diverges} diverge as written, {}, {}, {skipped} skipped",
        counted(cases, "case"),
        alarm(fails, "fail", style.colour),
        alarm(errs, "err", style.colour),
    )?;
    let Counts { known, new, drifted, fixed, unreached } = report.findings;
    writeln!(
        out,
        "{}: {known} known, {}, {}, {}, {unreached} unreached",
        counted(known + new + drifted + fixed + unreached, "finding"),
        alarm(new, "new", style.colour),
        alarm(drifted, "drifted", style.colour),
        alarm(fixed, "fixed", style.colour),
    )
}

fn write_case(verdict: &CaseReport, style: &Style<'_>, out: &mut dyn Write) -> io::Result<()> {
    let case = verdict.case();
    match verdict.verdict {
        VerdictKind::Conforms | VerdictKind::Skipped => return Ok(()),
        VerdictKind::Diverges if !style.verbose => return Ok(()),
        VerdictKind::Diverges => {
            writeln!(out, "\n{}  {case}", paint("diverges", Ink::Quiet, style.colour))?;
        }
        VerdictKind::Fails => writeln!(out, "\n{}  {case}", paint("fails", Ink::Bad, style.colour))?,
        VerdictKind::Errs => {
            let reason = clean(verdict.reason.as_deref().unwrap_or_default());
            return writeln!(out, "\n{}  {case}\n       {reason}", paint("errs", Ink::Bad, style.colour));
        }
    }
    let mut shown = 0;
    for finding in &verdict.findings {
        if !finding.finding.fails() && !style.verbose {
            continue;
        }
        shown += 1;
        if shown > SHOWN && !style.verbose {
            continue;
        }
        write_finding(&case, finding, style, out)?;
    }
    if shown > SHOWN && !style.verbose {
        writeln!(out, "  ... and {} more; `divergence show {case}` shows all", shown - SHOWN)?;
    }
    Ok(())
}

fn write_finding(case: &CaseId, finding: &Finding, style: &Style<'_>, out: &mut dyn Write) -> io::Result<()> {
    let ink = if finding.finding.fails() { Ink::Bad } else { Ink::Quiet };
    let word = paint(finding.finding.word(), ink, style.colour);
    let of = finding.divergence.as_ref().map(|id| format!("  of {id}")).unwrap_or_default();
    writeln!(out, "  {word}  {}{}{of}", finding.step, clean(&finding.at))?;
    if finding.finding == FindingKind::Unreached {
        let cause = finding.note.as_deref().unwrap_or_default();
        return writeln!(out, "      could not be sent: `{cause}` gave no value");
    }
    writeln!(out, "      reference  {}", side(finding, Which::Reference))?;
    writeln!(out, "      candidate  {}", side(finding, Which::Candidate))?;
    if let Some(note) = &finding.note {
        writeln!(out, "      {}", clean(note))?;
    }
    if finding.finding.fails() {
        for line in (style.curl)(case, finding) {
            writeln!(out, "      {}", clean(&line))?;
        }
    }
    Ok(())
}

/// What is said of cases beside their findings: why they were skipped, what was left out of them.
fn write_reasons(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut reasons: std::collections::BTreeMap<(&str, &str), usize> = std::collections::BTreeMap::new();
    for verdict in &report.verdicts {
        let word = match verdict.verdict {
            VerdictKind::Errs => continue,
            VerdictKind::Skipped => "skipped",
            VerdictKind::Conforms | VerdictKind::Diverges | VerdictKind::Fails => "note",
        };
        if let Some(reason) = &verdict.reason {
            *reasons.entry((word, reason)).or_default() += 1;
        }
    }
    for ((word, reason), count) in reasons {
        writeln!(out, "{word:7}  {}: {}", counted(count, "case"), clean(reason))?;
    }
    Ok(())
}

/// A side of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The reference.
    Reference,
    /// The candidate.
    Candidate,
}

/// One side's value for people, cut to a readable length.
pub fn side(finding: &Finding, which: Which) -> String {
    let (value, name) = match which {
        Which::Reference => (&finding.reference, "reference"),
        Which::Candidate => (&finding.candidate, "candidate"),
    };
    if finding.absent.iter().any(|side| side == name) {
        return "nothing".to_owned();
    }
    let text = value.as_ref().unwrap_or(&Value::Null).to_string();
    let mut letters = clean(&text).chars().collect::<Vec<_>>();
    if letters.len() > 300 {
        letters.truncate(300);
        letters.extend(" ...".chars());
    }
    letters.into_iter().collect()
}

/// A finding in one line.
pub fn one_line(finding: &Finding) -> String {
    let of = finding.divergence.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let Finding { step, at, .. } = finding;
    let [reference, candidate] = [Which::Reference, Which::Candidate].map(|which| side(finding, which));
    format!("{} {step}{at}{of}: reference {reference}, candidate {candidate}", finding.finding.word())
}

/// Text with control characters made visible, so that it cannot move a cursor or change colours.
pub fn clean(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\t' | '\n' => letter.to_string(),
        letter if letter.is_control() => letter.escape_unicode().to_string(),
        // Marks that reorder or hide text (Unicode bidirectional controls, zero width).
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
            letter.escape_unicode().to_string()
        }
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

/// What a word is painted for.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    /// Something to act on.
    Bad,
    /// Something to be glad of.
    Good,
    /// Something in the background.
    Quiet,
    /// Something to find again.
    Strong,
}

/// A word in colour, if colour is wanted.
pub fn paint(word: &str, ink: Ink, colour: bool) -> String {
    let code = match ink {
        Ink::Bad => "31;1",
        Ink::Good => "32",
        Ink::Quiet => "2",
        Ink::Strong => "1",
    };
    if colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
}

fn alarm(count: usize, word: &str, colour: bool) -> String {
    let text = format!("{count} {word}");
    if count > 0 { paint(&text, Ink::Bad, colour) } else { text }
}

/// `1 case`, `2 cases`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        assert_eq!(clean("a\x1b[31mb\u{9b}c\u{202e}d\ne"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}d\ne");
    }
}
