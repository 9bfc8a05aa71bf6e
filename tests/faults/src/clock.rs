//! The host's clock: the simulators' own time, off by what a cell says. Waiting moves that time on and passes at once.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::Clock;
use footbridge_simulators::clock::SimClock;
use std::sync::{Mutex, PoisonError};

/// Simulated time as the host reads it.
#[derive(Debug)]
pub(crate) struct HostClock {
    far: SimClock,
    off: Mutex<TimeDelta>,
}

impl HostClock {
    pub(crate) fn new(far: SimClock) -> Self {
        Self {
            far,
            off: Mutex::new(TimeDelta::zero()),
        }
    }

    /// Shows another time from now on, by so much.
    pub(crate) fn step(&self, by: TimeDelta) {
        *self.off.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for HostClock {
    fn now(&self) -> DateTime<Utc> {
        self.far.now() + *self.off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        if let Ok(duration) = TimeDelta::from_std(duration) {
            self.far.advance(duration);
        }
        // What waits for that moment at the far side has its turn.
        for _ in 0..3 {
            tokio::time::sleep(std::time::Duration::from_millis(4)).await;
        }
    }
}
