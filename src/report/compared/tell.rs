//! A comparison of two reports in words: for a terminal and as Markdown.

use std::io::{self, Write};

use super::{Case, Compared, Place};
use crate::report::console::{Ink, Which, clean, counted, paint, side};
use crate::report::markdown::{code, escaped};
use crate::verdict::Finding;

/// Lines of one kind that are shown; JSON has them all.
const SHOWN: usize = 40;

fn places(compared: &Compared) -> [(&'static str, &Vec<Place>, Ink); 3] {
    [
        ("newly diverging", &compared.newly_diverging, Ink::Bad),
        ("changed", &compared.changed, Ink::Strong),
        ("fixed", &compared.fixed, Ink::Good),
    ]
}

fn cases(compared: &Compared) -> [(&'static str, &Vec<Case>); 3] {
    [("could not be judged", &compared.errs), ("gone", &compared.gone), ("added", &compared.added)]
}

/// For a terminal.
pub fn text(compared: &Compared, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "earlier  {}\nlater    {}", clean(&compared.earlier), clean(&compared.later))?;
    for note in &compared.notes {
        writeln!(out, "note     {}", clean(note))?;
    }
    for (word, places, ink) in places(compared) {
        for place in places.iter().take(SHOWN) {
            writeln!(out, "\n{}  {}", paint(word, ink, colour), headline(place))?;
            for (when, finding) in [("earlier", &place.earlier), ("later", &place.later)] {
                writeln!(out, "      {when:7}  {}", sides(finding.as_ref()))?;
            }
        }
        more(places.len(), out)?;
    }
    for (word, cases) in cases(compared) {
        for case in cases.iter().take(SHOWN) {
            let differences = counted(case.differences, "difference");
            writeln!(out, "{word}  {}  ({differences}; {})", clean(&case.case), clean(&case.why))?;
        }
        more(cases.len(), out)?;
    }
    writeln!(out, "\n{}", sum(compared))
}

fn more(count: usize, out: &mut dyn Write) -> io::Result<()> {
    if count > SHOWN {
        writeln!(out, "... and {} more; --format json has them all", count - SHOWN)?;
    }
    Ok(())
}

fn headline(place: &Place) -> String {
    let Some(finding) = place.later.as_ref().or(place.earlier.as_ref()) else { return place.case.clone() };
    let of = finding.divergence.as_ref().map(|id| format!("  of {id}")).unwrap_or_default();
    clean(&format!("{}  {}{}{of}", place.case, finding.step, finding.at))
}

/// `reference 201, candidate 200`, or that there was no difference.
fn sides(finding: Option<&Finding>) -> String {
    let Some(finding) = finding else { return "as the reference".to_owned() };
    let [reference, candidate] = [Which::Reference, Which::Candidate].map(|which| side(finding, which));
    format!("reference {reference}, candidate {candidate}")
}

/// The totals in a line.
fn sum(compared: &Compared) -> String {
    let Compared { newly_diverging, fixed, changed, unchanged, gone, added, errs, .. } = compared;
    format!(
        "{} newly diverging, {} fixed, {} changed, {unchanged} unchanged; {} gone, {} added, {} could not be judged",
        newly_diverging.len(),
        fixed.len(),
        changed.len(),
        counted(gone.len(), "case"),
        added.len(),
        errs.len()
    )
}

/// As Markdown, for a pull request or release notes.
pub fn markdown(compared: &Compared, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {} to {}\n", escaped(&compared.earlier), escaped(&compared.later))?;
    writeln!(out, "{}\n", sum(compared))?;
    for note in &compared.notes {
        writeln!(out, "> {}\n", escaped(note))?;
    }
    for (word, places, _) in places(compared) {
        if places.is_empty() {
            continue;
        }
        let (first, rest) = word.split_at(1);
        writeln!(out, "### {}{rest} ({})\n", first.to_uppercase(), places.len())?;
        writeln!(out, "| case | place | divergence | earlier | later |\n| --- | --- | --- | --- | --- |")?;
        for place in places.iter().take(SHOWN) {
            let Some(finding) = place.later.as_ref().or(place.earlier.as_ref()) else { continue };
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                code(&place.case),
                code(&format!("{}{}", finding.step, finding.at)),
                finding.divergence.as_deref().map(code).unwrap_or_default(),
                code(&sides(place.earlier.as_ref())),
                code(&sides(place.later.as_ref()))
            )?;
        }
        if places.len() > SHOWN {
            writeln!(out, "\n... and {} more.", places.len() - SHOWN)?;
        }
        writeln!(out)?;
    }
    for (word, cases) in cases(compared) {
        for case in cases.iter().take(SHOWN) {
            let differences = counted(case.differences, "difference");
            writeln!(out, "- {word}: {} ({differences}; {})", code(&case.case), escaped(&case.why))?;
        }
        more(cases.len(), out)?;
    }
    Ok(())
}
