//! An exchange as it went over the wire, as text that is safe to show: bytes that are no UTF-8 and
//! control characters are written out.

use crate::exchange::{Bytes, End, Exchange, Failure};
use crate::report::console::clean;

/// Bytes of a body that are shown.
const SHOWN: usize = 6000;

/// The request and the answer, one below the other.
pub fn told(exchange: &Exchange) -> String {
    let sent = &exchange.sent;
    let mut out = format!("{} {}\n{}", sent.method, sent.target, headers(&sent.headers));
    if !sent.body.0.is_empty() {
        out.push_str(&format!("\n{}\n", visible(&sent.body)));
    }
    out = clean(&out);
    out.push_str("\n----\n\n");
    if let Some(answer) = &exchange.answer {
        let head = format!("{} {}\n{}", answer.status, answer.reason, headers(&answer.headers));
        out.push_str(&clean(&head));
        out.push_str(&format!("\n{}\n", visible(&answer.body)));
        let end = answer.end.map(|end| match end {
            End::Closed => "the engine ended the stream",
            End::Enough => "read as far as the step asked",
            End::Deadline => "the time of the step was over",
        });
        out.extend(end.map(|end| format!("({end})\n")));
    }
    if let Some(printed) = &exchange.printed {
        let exit = printed.exit.map_or("ended".to_owned(), |exit| format!("exit code {exit}"));
        let [stdout, stderr] = [&printed.stdout, &printed.stderr].map(visible);
        out.push_str(&format!("{exit}\n\nstdout:\n{stdout}\nstderr:\n{stderr}\n"));
    }
    let failure = exchange.failure.map(|failure| match failure {
        Failure::Closed => "the connection was closed before the answer was whole",
        Failure::Reset => "the connection was reset",
        Failure::Timeout => "no answer in time",
        Failure::Malformed => "no HTTP, or larger than the limits",
    });
    out.extend(failure.map(|failure| format!("({failure})\n")));
    let times: Vec<String> =
        exchange.millis.iter().take(20).map(|millis| format!("{millis:.1} ms")).collect();
    out.push_str(&format!("({})\n", times.join(", ")));
    out
}

fn headers(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// Bytes as text: what is UTF-8 as it is, all else as `\xNN`.
fn visible(bytes: &Bytes) -> String {
    let shown = &bytes.0[..bytes.0.len().min(SHOWN)];
    let mut out = String::new();
    for chunk in shown.utf8_chunks() {
        out.push_str(&clean(chunk.valid()));
        out.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if bytes.0.len() > SHOWN {
        out.push_str(&format!("\n... {} more bytes", bytes.0.len() - SHOWN));
    }
    out
}

/// A long text cut to what a page shows.
pub fn shortened(text: &str) -> String {
    const LETTERS: usize = 12_000;
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}\n... cut", &text[..end]),
        None => text.to_owned(),
    }
}
