//! The times of both sides as a plot: a point a case, on logarithmic axes, with a line where both
//! take as long.

use serde::Serialize;

use crate::report::CaseReport;
use crate::timing::median;

/// What the template draws.
#[derive(Serialize)]
pub struct Plot {
    points: Vec<Point>,
    ticks: Vec<Tick>,
    medians: [String; 2],
}

/// A case.
#[derive(Serialize)]
struct Point {
    number: usize,
    x: String,
    y: String,
    verdict: &'static str,
    told: String,
}

/// A line of the grid.
#[derive(Serialize)]
struct Tick {
    at: String,
    /// Measured from below.
    up: String,
    told: String,
}

/// The side of the square that is drawn on.
const SIZE: f64 = 420.0;

/// The plot of all cases that were timed on both sides; none when there is none.
pub fn of(verdicts: &[CaseReport]) -> Option<Plot> {
    let timed: Vec<(usize, &CaseReport, [f64; 2])> = verdicts
        .iter()
        .enumerate()
        .filter_map(|(number, verdict)| Some((number, verdict, verdict.millis?)))
        .filter(|(_, _, millis)| millis.iter().all(|millis| *millis > 0.0))
        .collect();
    let all = || timed.iter().flat_map(|(_, _, millis)| millis);
    let low = all().fold(f64::INFINITY, |low, millis| low.min(*millis)).log10().floor();
    let high = all().fold(0.0_f64, |high, millis| high.max(*millis)).log10().ceil().max(low + 1.0);
    if timed.is_empty() {
        return None;
    }
    let place = |millis: f64| (millis.log10() - low) / (high - low) * SIZE;
    let points = timed.iter().map(|(number, verdict, [reference, candidate])| Point {
        number: *number,
        x: format!("{:.1}", place(*reference)),
        y: format!("{:.1}", SIZE - place(*candidate)),
        verdict: verdict.verdict.word(),
        told: format!("{}: reference {reference:.0} ms, candidate {candidate:.0} ms", verdict.case()),
    });
    let mut ticks = Vec::new();
    let mut power = low;
    while power <= high {
        let millis = 10_f64.powf(power);
        let told = if millis < 1000.0 { format!("{millis} ms") } else { format!("{} s", millis / 1000.0) };
        let at = place(millis);
        ticks.push(Tick { at: format!("{at:.1}"), up: format!("{:.1}", SIZE - at), told });
        power += 1.0;
    }
    let medians = [0, 1].map(|side| {
        let times: Vec<f64> = timed.iter().map(|(_, _, millis)| millis[side]).collect();
        median(&times).map_or("-".to_owned(), |millis| format!("{millis:.0} ms"))
    });
    Some(Plot { points: points.collect(), ticks, medians })
}
