//! Amend: before invoices that exist are changed, they are read again by id, so that nobody's latest word is written over.
//!
//! Lists of changes may not tell that an invoice was sent or paid. One that isn't shown any more is taken out of what the planner
//! sees: it waits, and nothing is written. It decides nothing. Next: the planner, once more, if anything was different.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
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
    /// Reads the invoices again that a plan would change.
    pub(crate) async fn reread_amended(
        &self,
        sides: &Sides,
        plan: &Plan,
    ) -> Result<Reread, EngineError> {
        let ids: BTreeSet<String> = plan
            .ops
            .iter()
            .filter(|op| op.connection == sides.ledger.0 && op.action == Action::Update)
            .filter(|op| op.object.as_str() == "invoice")
            .filter_map(|op| Some(op.target.as_ref()?.to_string()))
            .collect();
        if ids.is_empty() {
            return Ok(Reread::AsPlanned);
        }
        let wanted: Vec<String> = ids.iter().cloned().collect();
        let found = self
            .by_id(&sides.ledger, self.ledger.as_ref(), "invoice", &wanted, &[])
            .await?;
        let mut changes = Changes::default();
        let mut missing = ids;
        let mut changed = false;
        for item in &found.items {
            missing.remove(&item.id);
            let novelty = self.learn(&sides.ledger, item, &mut changes).await?;
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
