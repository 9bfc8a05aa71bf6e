//! Retention: the bodies of requests that were settled long ago are erased, theirs and what was answered. The rows stay, with the digests:
//! that something was sent, when, and what came of it is never forgotten.
//!
//! What an open request needs is never erased, whoever else has the same bytes.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::state::keys;
use crate::state::rows::Request;
use chrono::{DateTime, Utc};
use footbridge_model::request::RequestState;
use footbridge_store::key::{Segment, segments};
use serde::Serialize;
use std::collections::BTreeSet;

/// Rows in one step.
const STEP: usize = 500;

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Requests that lost bodies.
    pub requests: usize,
    /// Bodies: of requests, of their operations, of answers.
    pub bodies: usize,
}

impl Engine {
    /// Erases the bodies of this flow's requests that were settled and last sent before an instant. Doing it again is free.
    pub async fn forget_bodies(&self, before: DateTime<Utc>) -> Result<Forgotten, EngineError> {
        let needed = self.needed_bodies().await?;
        let range = keys::requests().range();
        let mut forgotten = Forgotten::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self
                .state
                .some::<Request>(&range, after.as_deref(), STEP)
                .await?;
            let full = rows.len() == STEP;
            for (key, request) in rows {
                after = Some(key);
                let old = request.state == RequestState::Settled && request.last_sent_at < before;
                if !old || request.flow != self.flow.name {
                    continue;
                }
                let mut erased = 0;
                for digest in bodies(&request).filter(|digest| !needed.contains(*digest)) {
                    erased += usize::from(self.state.erase_body(digest).await?);
                }
                forgotten.bodies += erased;
                forgotten.requests += usize::from(erased > 0);
            }
            if !full {
                return Ok(forgotten);
            }
        }
    }

    /// Bodies that requests without an outcome need, of all flows.
    async fn needed_bodies(&self) -> Result<BTreeSet<String>, EngineError> {
        let mut needed = BTreeSet::new();
        for key in self.state.keys(&keys::opens().range()).await? {
            let Some(Segment::Text(id)) = segments(&key).and_then(|mut s| s.pop()) else {
                continue;
            };
            let row = self.state.get::<Request>(&keys::request(&id)).await?;
            if let Some((request, _)) = row {
                needed.extend(bodies(&request).map(str::to_owned));
            }
        }
        Ok(needed)
    }
}

fn bodies(request: &Request) -> impl Iterator<Item = &str> {
    [
        Some(&request.body),
        Some(&request.ops),
        request.answer.as_ref(),
    ]
    .into_iter()
    .flatten()
    .map(String::as_str)
}
