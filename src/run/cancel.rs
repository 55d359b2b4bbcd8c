//! Ending a run early, so that it still cleans up.

use tokio::sync::watch;

/// Says that the run is to end; clones say the same.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Sender<bool>);

impl Default for Cancel {
    fn default() -> Cancel {
        Cancel(watch::Sender::new(false))
    }
}

impl Cancel {
    /// Ends the run: no further step is begun, and waiting stops.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run is to end.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once the run is to end.
    pub async fn cancelled(&self) {
        // The sender is alive as long as `self` is.
        let _ = self.0.subscribe().wait_for(|is| *is).await;
    }
}
