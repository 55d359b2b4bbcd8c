//! What is told while a run goes on: a bar on a terminal; elsewhere, now and then, a line on
//! standard error of what is being waited for. Nothing of it is a result.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::case::{Seat, Source};
use crate::engine::waiting::Waiting;
use crate::report::console::clean;

/// How often a terminal is told, and how often anything else.
const TICKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];
/// A wait that is shorter is nothing to be told of.
const LONG: Duration = Duration::from_secs(5);

/// The progress of a run.
pub struct Progress {
    bar: ProgressBar,
    done: Arc<AtomicUsize>,
    stop: mpsc::Sender<()>,
    teller: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to tell of so many cases. Where neither seat is live there is nothing to wait for.
    pub fn of(cases: usize, seats: &[&Seat]) -> Progress {
        let waits: Vec<(String, Waiting)> = seats.iter().filter_map(|seat| waiting(seat)).collect();
        let is_shown = !waits.is_empty() && std::io::stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cases, {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        let done = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = mpsc::channel();
        let teller = (!waits.is_empty()).then(|| {
            let (bar, done) = (bar.clone(), Arc::clone(&done));
            let tick = TICKS[usize::from(!is_shown)];
            std::thread::spawn(move || {
                while stopped.recv_timeout(tick) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let Some(wait) = longest(&waits) else { continue };
                    if is_shown {
                        bar.set_message(wait);
                        continue;
                    }
                    let line = format!("{} of {cases} cases done; {wait}", done.load(Ordering::Relaxed));
                    // If nobody listens, there is nobody to be told that.
                    drop(writeln!(std::io::stderr(), "{line}"));
                }
            })
        });
        Progress { bar, done, stop, teller }
    }

    /// One more case is done.
    pub fn done(&self, case: String) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.bar.set_message(case);
        self.bar.inc(1);
    }

    /// A line above the bar, on a terminal only.
    pub fn println(&self, line: String) {
        self.bar.println(line);
    }

    /// Ends the telling.
    pub fn end(self) {
        drop(self.stop);
        if let Some(teller) = self.teller {
            let _ = teller.join();
        }
        self.bar.finish_and_clear();
    }
}

fn waiting(seat: &Seat) -> Option<(String, Waiting)> {
    match &seat.source {
        Source::Live { endpoint, .. } => Some((seat.name.clone(), endpoint.waiting.clone())),
        Source::Recorded(_) => None,
    }
}

/// The wait of all engines that is longest, in words, if it is long.
fn longest(waits: &[(String, Waiting)]) -> Option<String> {
    let all = waits.iter().filter_map(|(name, waiting)| Some((name, waiting.longest()?)));
    let (name, (what, time)) = all.max_by_key(|(_, (_, time))| *time)?;
    (time >= LONG).then(|| clean(&format!("waiting for {name}: {} s for {what}", time.as_secs())))
}
