//! Approval: an invoice above the flow's limit waits for a person's yes to just that deal as it is now.

use super::{Approved, Bounds, Cuts};
use crate::explain::rails as say;
use footbridge_model::id::OpId;
use footbridge_model::money::decimal;
use footbridge_model::plan::{Bill, Note, Op, Plan};
use std::collections::BTreeMap;

/// Takes out invoices that need a yes and have none. With [`Approved::ThePlan`] they stay and are returned instead.
pub(super) fn needed(plan: &Plan, bounds: &Bounds<'_>, cuts: &mut Cuts) -> Vec<(OpId, Note)> {
    let Some(above) = &bounds.rails.approval_above else {
        return Vec::new();
    };
    let ops: BTreeMap<&OpId, &Op> = plan.ops.iter().map(|op| (&op.id, op)).collect();
    let mut asks = Vec::new();
    for bill in &plan.bills {
        if cuts.contains_key(&bill.op) {
            continue;
        }
        let limit = above.limit(&bill.currency);
        let Some(op) = ops.get(&bill.op).filter(|_| !is_within(bill, limit)) else {
            continue;
        };
        let said = say::needs_approval(&bill.total, &bill.currency, limit);
        match bounds.approved {
            Approved::These(yes) => {
                if !yes.contains(&(op.subject.record.clone(), op.subject.part)) {
                    cuts.insert(op.id.clone(), Some(said));
                }
            }
            Approved::ThePlan => asks.push((
                op.id.clone(),
                Note {
                    subject: op.subject.clone(),
                    reason: said.reason.to_owned(),
                    message: said.message,
                },
            )),
        }
    }
    asks
}

/// A total that can't be read is within no limit.
fn is_within(bill: &Bill, limit: Option<rust_decimal::Decimal>) -> bool {
    match (decimal(&bill.total), limit) {
        (Ok(total), Some(limit)) => total <= limit,
        _ => false,
    }
}
