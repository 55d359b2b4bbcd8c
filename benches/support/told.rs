//! What was measured, as a table with targets and as curves of cost by size.

use std::fmt::Write as _;
use std::path::Path;

/// What is told in the end.
#[derive(Default)]
pub struct Told {
    missed: Vec<String>,
    curves: Vec<Curve>,
}

struct Curve {
    title: String,
    of: &'static str,
    /// Size and seconds.
    points: Vec<(f64, f64)>,
}

impl Told {
    /// A figure without a target.
    pub fn figure(&mut self, what: &str, value: &str) {
        println!("{what:<62} {value:>14}");
    }

    /// A figure that must not be above a target.
    pub fn at_most(&mut self, what: &str, value: f64, unit: &str, target: f64) {
        let holds = value <= target;
        let word = if holds { "ok" } else { "MISSED" };
        println!("{what:<62} {:>14}  at most {target}{unit}: {word}", format!("{value:.2}{unit}"));
        if !holds {
            self.missed.push(format!("{what}: {value:.2}{unit}, at most {target}{unit}"));
        }
    }

    /// Cost by size. Where the size grows, the cost may grow by half more: then it is linear. What
    /// is spent before the first item counts for nothing.
    pub fn curve(&mut self, title: &str, of: &'static str, points: Vec<(f64, f64)>) {
        for (size, seconds) in &points {
            self.figure(&format!("{title}: {size} {of}"), &format!("{:.2} ms", seconds * 1000.0));
        }
        if let [.., (few, less), (many, more)] = points.as_slice() {
            self.at_most(
                &format!("{title}: growth of the cost by that of the size"),
                (more / less) / (many / few),
                "",
                1.5,
            );
        }
        self.curves.push(Curve { title: title.to_owned(), of, points });
    }

    /// Writes the curves to a page, and says what was missed.
    pub fn finish(self, page: &Path) -> std::io::Result<bool> {
        let charts: String = self.curves.iter().map(chart).collect();
        if !charts.is_empty() {
            let style = "body{font-family:sans-serif;margin:2em}svg{margin:1em}text{font-size:12px}";
            std::fs::create_dir_all(page.parent().unwrap_or(Path::new(".")))?;
            let html = format!(
                "<!doctype html><meta charset=utf-8><title>Cost by size</title><style>{style}</style>\
                <h1>Cost by size</h1><p>Both axes are logarithmic; the grey line is linear cost.</p>{charts}"
            );
            std::fs::write(page, html)?;
            println!("\ncost by size is plotted in {}", page.display());
        }
        self.missed.iter().for_each(|missed| println!("missed: {missed}"));
        Ok(self.missed.is_empty())
    }
}

/// One curve as SVG, with a line of linear cost through its last point.
fn chart(curve: &Curve) -> String {
    const WIDTH: f64 = 420.0;
    const HEIGHT: f64 = 300.0;
    const EDGE: f64 = 50.0;
    let logs = |of: fn(&(f64, f64)) -> f64| {
        let values: Vec<f64> = curve.points.iter().map(|point| of(point).log10()).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min).floor();
        (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil().max(low + 1.0))
    };
    let (sizes, times) = (logs(|point| point.0), logs(|point| point.1));
    let x = |size: f64| EDGE + (size.log10() - sizes.0) / (sizes.1 - sizes.0) * (WIDTH - 2.0 * EDGE);
    let y =
        |time: f64| HEIGHT - EDGE - (time.log10() - times.0) / (times.1 - times.0) * (HEIGHT - 2.0 * EDGE);
    let mut svg = format!(
        "<svg width={WIDTH} height={HEIGHT}><text x={EDGE} y=20>{} (s by {})</text>",
        curve.title, curve.of
    );
    let mut line = |points: &[(f64, f64)], colour: &str| {
        let points: String =
            points.iter().map(|(size, time)| format!("{:.1},{:.1} ", x(*size), y(*time))).collect();
        let _ = write!(svg, "<polyline points='{points}' fill=none stroke={colour} stroke-width=2 />");
    };
    if let [(first, _), .., (last, time)] = curve.points.as_slice() {
        line(&[(*first, time * first / last), (*last, *time)], "lightgrey");
    }
    line(&curve.points, "steelblue");
    for (size, time) in &curve.points {
        let (x, y) = (x(*size), y(*time));
        let _ = write!(
            svg,
            "<circle cx={x:.1} cy={y:.1} r=3 fill=steelblue /><text x={x:.1} y={:.1}>{time:.2e}</text>",
            y - 6.0
        );
        let _ =
            write!(svg, "<text x={x:.1} y={:.1} text-anchor=middle>{size:.0e}</text>", HEIGHT - EDGE + 20.0);
    }
    svg + "</svg>"
}
