//! What waits for a person, found without reading all that was ever decided: an index beside the decisions.
//!
//! [`beside`] writes it in the commit of the decision itself, so that none can forget it. It is no truth of its own: what `status` counts
//! from the decisions is the same, which the simulation holds after every run.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::rows::{Decision, Standing};
use crate::state::{decode, encode, keys};
use footbridge_model::receivable::is_receivable;
use footbridge_store::Key;
use footbridge_store::key::{Segment, segments};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What waits for a person, or for its time, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unsettled {
    /// Deals and customers.
    pub records: BTreeMap<String, usize>,
    /// Records of the way back.
    pub way_back: BTreeMap<String, usize>,
}

/// `unsettled`: of a decision that waits or was refused. Also all that is read of a decision here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stands {
    standing: Standing,
    reason: String,
}

impl Stands {
    fn waits(&self) -> bool {
        self.standing.waits()
    }
}

/// The index row that goes with a change of a decision's row; `None` for any other row.
pub(crate) fn beside(key: &[u8], change: Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let rest = key.strip_prefix(&*Key::new(keys::DECISION))?;
    let index = [&*Key::new(keys::UNSETTLED), rest].concat();
    let stands = change.and_then(|row| decode::<Stands>(key, row).ok());
    let row = stands
        .filter(Stands::waits)
        .and_then(|stands| encode(&stands).ok());
    Some((index, row))
}

impl Engine {
    /// What waits, at a cost that follows it alone once a run has written the index.
    pub async fn unsettled(&self) -> Result<Unsettled, EngineError> {
        let flow = self.flow.name.as_str();
        let mut found = Unsettled::default();
        let indexed = self.state.get::<()>(&keys::unsettled_indexed(flow)).await?;
        let family = match indexed {
            Some(_) => keys::all_unsettled(flow),
            None => keys::decisions(flow),
        };
        let each = |key: Vec<u8>, stands: Stands| {
            let back = match segments(&key).unwrap_or_default().as_slice() {
                [_, _, Segment::Text(object), ..] => is_receivable(object),
                _ => false,
            };
            let counted = match back {
                true => &mut found.way_back,
                false => &mut found.records,
            };
            if stands.waits() {
                *counted.entry(stands.reason).or_default() += 1;
            }
            ControlFlow::Continue(())
        };
        self.state.each(&family.range(), each).await?;
        Ok(found)
    }

    /// Writes the index of decisions that were made before there was one, once.
    pub(crate) async fn index_unsettled(&self) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let done = keys::unsettled_indexed(flow);
        if self.state.get::<()>(&done).await?.is_some() {
            return Ok(());
        }
        let mut changes = Changes::default();
        let mut failed = None;
        let each = |key: Vec<u8>, decision: Decision| {
            // The same row again, for the index beside it.
            if decision.standing.waits()
                && let Err(error) = changes.put_at(key, &decision)
            {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        self.state
            .each(&keys::decisions(flow).range(), each)
            .await?;
        if let Some(error) = failed {
            return Err(error);
        }
        changes.put(&done, &())?;
        self.state.commit(changes.into_set()).await
    }
}
