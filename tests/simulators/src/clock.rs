//! The simulators' clock: every stamp, expiry, window and "today" of a simulator is read from here.
//!
//! A clock is the machine's own or a frozen instant, plus what a test added with [`SimClock::advance`]
//! and a deliberate error set with [`SimClock::skew`]. Nothing in a simulator may ask the operating
//! system for the time elsewhere. Next: [`crate::faults`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// A shared clock; clones show the same time.
#[derive(Clone, Debug)]
pub struct SimClock {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    base: Base,
    advanced: Duration,
    skewed: Duration,
}

#[derive(Debug)]
enum Base {
    System,
    Frozen(DateTime<Utc>),
}

impl SimClock {
    /// Follows the machine's clock.
    pub fn system() -> Self {
        Self::with(Base::System)
    }

    /// Stands still at `instant` until advanced.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self::with(Base::Frozen(instant))
    }

    /// The simulated instant, skew included.
    pub fn now(&self) -> DateTime<Utc> {
        let inner = self.lock();
        let base = match inner.base {
            Base::System => system_now(),
            Base::Frozen(instant) => instant,
        };
        base + inner.advanced + inner.skewed
    }

    /// Moves the clock on by `by`; a negative duration moves it back.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.lock();
        inner.advanced += by;
    }

    /// Makes the clock wrong by `by` from now on; zero makes it right again.
    pub fn skew(&self, by: Duration) {
        self.lock().skewed = by;
    }

    fn with(base: Base) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                base,
                advanced: Duration::zero(),
                skewed: Duration::zero(),
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let start = DateTime::from_timestamp(1_789_344_000, 0).unwrap();
        let clock = SimClock::at(start);
        let same = clock.clone();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::seconds(90));
        clock.skew(Duration::seconds(-30));
        assert_eq!(same.now(), start + Duration::seconds(60));
        clock.skew(Duration::zero());
        assert_eq!(same.now(), start + Duration::seconds(90));
    }
}
