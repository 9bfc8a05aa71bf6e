//! Awake: whether the process went on without a long pause since its run began. What it read before a pause (a machine that slept, a
//! process that was stopped) is old, and somebody else may have gone on meanwhile, from a copy: nothing more leaves in such a run.
//!
//! It goes by the machine's own clock, not by the flow's, which tests hold. Never: ends a run. `execute` and `carry` ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So often a run shows that it goes on.
const BEAT: Duration = Duration::from_secs(5);
/// A pause that is longer is one in which others may have acted.
pub(crate) const STOOD_STILL: Duration = Duration::from_secs(60);

/// When a run last showed that it goes on, and whether it ever paused.
#[derive(Debug, Default)]
pub(crate) struct Awake {
    last: AtomicU64,
    slept: AtomicBool,
}

impl Awake {
    /// A run begins: it has read nothing yet.
    pub(crate) fn begin(&self) {
        self.begin_at(seconds());
    }

    /// Whether the run paused since it began. Asking shows that it goes on.
    pub(crate) fn has_slept(&self) -> bool {
        self.has_slept_by(seconds())
    }

    /// Shows for as long as the run lasts that it goes on.
    pub(crate) async fn beats(self: Arc<Self>) {
        loop {
            tokio::time::sleep(BEAT).await;
            self.has_slept();
        }
    }

    fn begin_at(&self, now: u64) {
        self.last.store(now, Ordering::SeqCst);
        self.slept.store(false, Ordering::SeqCst);
    }

    fn has_slept_by(&self, now: u64) -> bool {
        let last = self.last.swap(now, Ordering::SeqCst);
        if now.saturating_sub(last) > STOOD_STILL.as_secs() {
            self.slept.store(true, Ordering::SeqCst);
        }
        self.slept.load(Ordering::SeqCst)
    }
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_remembered_until_another_run_begins() {
        let awake = Awake::default();
        awake.begin_at(1_000);
        assert!(!awake.has_slept_by(1_060));
        assert!(!awake.has_slept_by(1_120), "each question is a beat");
        assert!(awake.has_slept_by(1_181));
        assert!(awake.has_slept_by(1_182), "what was read stays old");
        awake.begin_at(1_300);
        assert!(!awake.has_slept_by(1_301));
        // A clock that goes back is no pause.
        assert!(!awake.has_slept_by(900));
    }
}
