//! Retention: the bodies of requests that were settled long ago are erased, theirs and what was answered, and saved plans whose day is
//! long over. The rows of requests stay, with the digests: that something was sent, when, and what came of it is never forgotten.
//!
//! What an open request needs is never erased, whoever else has the same bytes. Erasing what is kept about one record: `erase`.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::saved::Kept;
use crate::state::keys;
use crate::state::rows::Request;
use chrono::{DateTime, TimeDelta, Utc};
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
    /// Saved plans.
    pub plans: usize,
}

impl Engine {
    /// Keeps bodies for so many days: once a day, erases what is older. `None`: it was done within a day.
    pub async fn keep_bodies_for(&self, days: u16) -> Result<Option<Forgotten>, EngineError> {
        let key = keys::forgot_bodies(self.flow.name.as_str());
        let now = self.clock.now();
        if let Some((last, _)) = self.state.get::<DateTime<Utc>>(&key).await? {
            // One from the future was written before the clock went back.
            if last <= now && now - last < TimeDelta::days(1) {
                return Ok(None);
            }
        }
        let forgotten = self
            .forget_bodies(now - TimeDelta::days(i64::from(days)))
            .await?;
        let mut changes = Changes::default();
        changes.put(&key, &now)?;
        self.state.commit(changes.into_set()).await?;
        Ok(Some(forgotten))
    }

    /// Erases the bodies of this flow's requests that were settled and last sent before an instant, and saved plans that expired before
    /// it. Doing it again is free.
    pub async fn forget_bodies(&self, before: DateTime<Utc>) -> Result<Forgotten, EngineError> {
        let needed = self.needed_bodies().await?;
        let range = keys::requests().range();
        let mut forgotten = Forgotten::default();
        for plan in self.saved_plans().await? {
            if plan.expires < before {
                self.forget_plan(&plan).await?;
                forgotten.plans += 1;
            }
        }
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
                let erased = self.forget_request(&request, &needed).await?;
                forgotten.bodies += erased;
                forgotten.requests += usize::from(erased > 0);
            }
            if !full {
                return Ok(forgotten);
            }
        }
    }

    /// Erases the bodies of a request but for those that are needed. How many there were.
    pub(crate) async fn forget_request(
        &self,
        request: &Request,
        needed: &BTreeSet<String>,
    ) -> Result<usize, EngineError> {
        let mut erased = 0;
        for digest in bodies(request).filter(|digest| !needed.contains(*digest)) {
            erased += usize::from(self.state.erase_body(digest).await?);
        }
        Ok(erased)
    }

    /// How many bodies of a request are still kept.
    pub(crate) async fn kept_of(&self, request: &Request) -> Result<usize, EngineError> {
        let mut kept = 0;
        for digest in bodies(request) {
            kept += usize::from(self.state.kept_body(digest).await?.is_some());
        }
        Ok(kept)
    }

    /// Removes a saved plan, the row before the body that it names.
    pub(crate) async fn forget_plan(&self, plan: &Kept) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        changes.delete(&keys::saved_plan(self.flow.name.as_str(), &plan.id));
        self.state.commit(changes.into_set()).await?;
        self.state.erase_body(&plan.body).await?;
        Ok(())
    }

    /// Bodies that requests without an outcome need, of all flows.
    pub(crate) async fn needed_bodies(&self) -> Result<BTreeSet<String>, EngineError> {
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
