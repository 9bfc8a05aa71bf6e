//! Amend: before invoices and customers that exist are changed, customers on either side, they are read again by id, so that nobody's latest word is written over.
//!
//! Lists of changes may not tell that an invoice was sent or paid, or that somebody edited a customer a moment ago. A record that isn't
//! shown any more is taken out of what the planner sees: it waits, and nothing is written. It decides nothing. Next: the planner, once
//! more, if anything was different.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys::Side;
use footbridge_model::plan::Plan;
use footbridge_model::plugin::Action;
use std::collections::BTreeSet;

/// What reading again showed.
pub(crate) enum Reread {
    /// All stand as the plan expects.
    AsPlanned,
    /// Some are otherwise; these aren't shown at all.
    Otherwise(BTreeSet<String>),
}

impl Engine {
    /// Reads a side's records of an object again that a plan would change, all in one call of the connector.
    pub(crate) async fn reread_amended(
        &self,
        side: &Side,
        plan: &Plan,
        object: &str,
    ) -> Result<Reread, EngineError> {
        let changes = plan.ops.iter().filter(|op| {
            let of_side = op.connection == side.0 && op.object.as_str() == object;
            of_side && op.action == Action::Update
        });
        let mut ids = BTreeSet::new();
        for op in changes {
            // What was refused today isn't sent, so how it stands there doesn't matter.
            if let Some(target) = &op.target
                && self.refused_today(op).await?.is_none()
            {
                ids.insert(target.to_string());
            }
        }
        if ids.is_empty() {
            return Ok(Reread::AsPlanned);
        }
        let wanted: Vec<String> = ids.iter().cloned().collect();
        let fields = if side.0 == self.flow.source {
            self.fields_of(object)
        } else {
            &[]
        };
        let connector = self.connector(&side.0).as_ref();
        let found = self.by_id(side, connector, object, &wanted, fields).await?;
        let mut changes = Changes::default();
        let mut missing = ids;
        let mut changed = false;
        for item in &found.items {
            missing.remove(&item.id);
            let novelty = self.learn(side, item, &mut changes).await?;
            changed |= !novelty.is_known();
        }
        self.state.commit(changes.into_set()).await?;
        Ok(if changed || !missing.is_empty() {
            Reread::Otherwise(missing)
        } else {
            Reread::AsPlanned
        })
    }
}
