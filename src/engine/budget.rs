//! How many containers a run may make on an engine that is not of this machine. Counts only; who
//! makes them asks first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of containers; clones spend from the same.
#[derive(Clone, Debug)]
pub struct Budget {
    all: usize,
    left: Arc<AtomicUsize>,
}

impl Budget {
    /// So many.
    pub fn of(all: usize) -> Budget {
        Budget { all, left: Arc::new(AtomicUsize::new(all)) }
    }

    /// How many there were at first.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Takes so many, if there are that many left.
    pub fn spend(&self, count: usize) -> bool {
        let less = |left: usize| left.checked_sub(count);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Why nothing more is made, for people.
    pub fn used_up(&self) -> String {
        format!("the budget of containers ({}) is used up; `budget` of engines.toml gives more", self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_spent_for_all() {
        let budget = Budget::of(3);
        let other = budget.clone();
        assert!(budget.spend(2) && other.spend(0) && !other.spend(2) && other.spend(1) && !budget.spend(1));
    }
}
