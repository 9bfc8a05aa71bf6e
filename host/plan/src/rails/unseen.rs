//! Unseen: a deal that the CRM no longer shows, and doesn't say is deleted, is not billed.

use super::{Bounds, Cuts};
use crate::explain::rails as say;
use footbridge_model::plan::Plan;

/// Takes out what is about deals that can't be seen.
pub(super) fn hidden(plan: &Plan, bounds: &Bounds<'_>, cuts: &mut Cuts) {
    for op in &plan.ops {
        if bounds.hidden.contains(&op.subject.record.id) {
            cuts.insert(op.id.clone(), Some(say::deal_not_visible()));
        }
    }
}
