//! Still there: deals that waited before this run read anything are read again by id before the ledger is written for them.
//!
//! A list of changes tells of neither a record that was purged nor one that may no longer be seen, and days may lie between the run that
//! read a deal and the one that bills it. What isn't shown waits: absent is not deleted (domain rule 11). It decides nothing. Next: the
//! planner and the rails, once more, if anything was different.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use footbridge_model::id::RecordId;
use footbridge_model::plan::Plan;
use std::collections::BTreeSet;

/// Deals in one call.
const BATCH: usize = 200;

/// What reading again showed.
pub(crate) enum StillThere {
    /// All stand as the plan took them for.
    AsPlanned,
    /// Some are otherwise; these aren't shown at all.
    Otherwise(BTreeSet<RecordId>),
}

impl Engine {
    /// Reads those of the deals again that a plan writes to the ledger for. `earlier`: deals that waited before anything was read.
    pub(crate) async fn still_there(
        &self,
        sides: &Sides,
        plan: &Plan,
        earlier: &BTreeSet<String>,
    ) -> Result<StillThere, EngineError> {
        let object = self.flow.policy.deal.object.clone();
        let billed = plan.ops.iter().filter(|op| {
            op.connection == sides.ledger.0 && op.subject.record.object.as_str() == object
        });
        let mut asked: BTreeSet<RecordId> = billed
            .map(|op| op.subject.record.id.clone())
            .filter(|id| earlier.contains(id.as_str()))
            .collect();
        let ids: Vec<String> = asked.iter().map(RecordId::to_string).collect();
        let fields = self.fields_of(&object).to_vec();
        let mut changed = false;
        for ids in ids.chunks(BATCH) {
            let found = self
                .by_id(&sides.source, self.source.as_ref(), &object, ids, &fields)
                .await?;
            let mut changes = Changes::default();
            for item in &found.items {
                asked.remove(&RecordId::new(&item.id));
                let novelty = self.learn(&sides.source, item, &mut changes).await?;
                changed |= !novelty.is_known();
            }
            self.state.commit(changes.into_set()).await?;
        }
        Ok(if changed || !asked.is_empty() {
            StillThere::Otherwise(asked)
        } else {
            StillThere::AsPlanned
        })
    }
}
