//! The machine's clock as the engine's `Clock`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use footbridge_engine::ports::Clock;
use std::time::Duration;

/// The machine's own time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
