//! Which cases run when: most side by side on workers, exclusive ones alone at the end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::run::cancel::Cancel;
use crate::scenario::{CaseId, Scenario};
use crate::version::Version;

/// A case that is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The API version.
    pub api: &'a Version,
}

impl Planned<'_> {
    /// The case.
    pub fn case(&self) -> CaseId {
        CaseId { scenario: self.scenario.id.clone(), api: self.api.clone() }
    }
}

/// Plays all cases on `jobs` workers, each with a runtime of its own, and hands every outcome to
/// `told` as it comes. `cancel` ends the run after the cases that are under way.
pub fn run_all<T: Send>(
    cases: &[Planned<'_>],
    jobs: usize,
    cancel: &Cancel,
    play: impl AsyncFn(&Planned<'_>, usize) -> T + Sync,
    mut told: impl FnMut(&Planned<'_>, T),
) {
    let numbered = cases.iter().copied().enumerate();
    let (alone, together): (Vec<_>, Vec<_>) = numbered.partition(|(_, planned)| planned.scenario.exclusive);
    for (queue, jobs) in [(together, jobs.max(1)), (alone, 1)] {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..jobs.min(queue.len()) {
                let sender = sender.clone();
                let (next, queue, play) = (&next, &queue, &play);
                scope.spawn(move || work(queue, next, cancel, play, &sender));
            }
            drop(sender);
            for (at, outcome) in receiver {
                let (_, planned) = &queue[at];
                told(planned, outcome);
            }
        });
    }
}

fn work<T>(
    queue: &[(usize, Planned<'_>)],
    next: &AtomicUsize,
    cancel: &Cancel,
    play: &impl AsyncFn(&Planned<'_>, usize) -> T,
    sender: &mpsc::Sender<(usize, T)>,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        // Without a runtime nothing can be asked here; the other workers take the cases.
        return;
    };
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some((number, planned)) = queue.get(at) else { return };
        if cancel.is_cancelled() {
            return;
        }
        // Background steps are spawned on the thread that plays the case.
        let local = tokio::task::LocalSet::new();
        let outcome = local.block_on(&runtime, play(planned, *number));
        if sender.send((at, outcome)).is_err() {
            return;
        }
    }
}
