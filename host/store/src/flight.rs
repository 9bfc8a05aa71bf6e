//! Which keys are being saved right now.
//!
//! Responsible for: holding a read back until what it saw is flushed. Never: blocks the writer.
//! Flow: `writer` calls `begin` before it changes anything and `end` after the flush; `local` reads first and asks
//! `landed` after: what it saw is then either flushed or of the batch that it waits for.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

#[derive(Debug, Default)]
struct Batch {
    number: u64,
    keys: Arc<BTreeSet<Vec<u8>>>,
}

#[derive(Debug)]
pub(crate) struct Flight {
    current: RwLock<Batch>,
    landed: watch::Sender<u64>,
}

impl Flight {
    pub(crate) fn new() -> Self {
        Self {
            current: RwLock::default(),
            landed: watch::Sender::new(0),
        }
    }

    pub(crate) fn begin(&self, keys: BTreeSet<Vec<u8>>) {
        let mut batch = self.current.write().unwrap_or_else(PoisonError::into_inner);
        batch.number += 1;
        batch.keys = Arc::new(keys);
    }

    pub(crate) fn end(&self) {
        let mut batch = self.current.write().unwrap_or_else(PoisonError::into_inner);
        batch.keys = Arc::default();
        self.landed.send_replace(batch.number);
    }

    /// Waits until no key from `start` up to `end` that was being saved when this was called still is.
    pub(crate) async fn landed(&self, start: &[u8], end: &[u8]) {
        let (number, keys) = {
            let batch = self.current.read().unwrap_or_else(PoisonError::into_inner);
            (batch.number, Arc::clone(&batch.keys))
        };
        if keys
            .range::<[u8], _>((Included(start), Excluded(end)))
            .next()
            .is_some()
        {
            // The sender lives in self: it can't be gone.
            let _ = self
                .landed
                .subscribe()
                .wait_for(|landed| *landed >= number)
                .await;
        }
    }
}
