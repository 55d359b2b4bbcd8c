//! What an engine has not answered yet, for who tells people during a run. Judges nothing, and
//! waits for nothing itself.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What is being waited for on one engine; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<Mutex<Vec<Weak<Wait>>>>);

/// One thing that is being waited for, as long as this value lives.
#[derive(Debug)]
pub struct Wait {
    what: String,
    since: Instant,
}

impl Waiting {
    /// Begins to wait; the end of the value returned is the end of the wait.
    pub fn begin(&self, what: String) -> Arc<Wait> {
        let wait = Arc::new(Wait { what, since: Instant::now() });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|each| each.strong_count() > 0);
        all.push(Arc::downgrade(&wait));
        wait
    }

    /// What has been waited for longest, and how long.
    pub fn longest(&self) -> Option<(String, Duration)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.iter().find_map(Weak::upgrade)?;
        Some((first.what.clone(), first.since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_when_its_value_is_gone() {
        let waiting = Waiting::default();
        let (first, second) = (waiting.begin("one".to_owned()), waiting.clone().begin("two".to_owned()));
        let longest = || waiting.longest().map(|(what, _)| what);
        assert_eq!(longest().as_deref(), Some("one"));
        drop(first);
        assert_eq!(longest().as_deref(), Some("two"));
        drop(second);
        assert_eq!(longest(), None);
    }
}
