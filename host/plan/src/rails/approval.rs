//! Approval: an invoice that is made, or changed, to more than the flow's limit waits for a person's yes to just that deal and
//! sum as they are now.

use super::{Approved, Bounds, Cuts};
use crate::explain::rails as say;
use crate::index::INVOICE;
use footbridge_model::id::OpId;
use footbridge_model::money::decimal;
use footbridge_model::plan::{Bill, Note, Op, Plan};
use footbridge_model::plugin::Action;
use std::collections::BTreeMap;

/// Takes out invoices that need a yes and have none. With [`Approved::ThePlan`] they stay and are returned instead.
pub(super) fn needed(plan: &Plan, bounds: &Bounds<'_>, cuts: &mut Cuts) -> Vec<(OpId, Note)> {
    let Some(above) = &bounds.rails.approval_above else {
        return Vec::new();
    };
    let bills: BTreeMap<&OpId, &Bill> = plan.bills.iter().map(|bill| (&bill.op, bill)).collect();
    let mut asks = Vec::new();
    for op in &plan.ops {
        if cuts.contains_key(&op.id) {
            continue;
        }
        let billed = bills.get(&op.id);
        let billed = billed.map(|bill| (bill.total.as_str(), bill.currency.as_str()));
        let Some((total, currency)) = billed.or_else(|| amended(op)) else {
            continue;
        };
        let limit = above.limit(currency);
        if is_within(total, limit) {
            continue;
        }
        let now = say::sum(total, currency);
        let place = (op.subject.record.clone(), op.subject.part);
        match bounds.approved {
            Approved::These(yes) => {
                let yes = yes.get(&place);
                if yes != Some(&now) {
                    let said = say::needs_approval(total, currency, limit, yes);
                    cuts.insert(op.id.clone(), Some(said));
                }
            }
            Approved::ThePlan => {
                let said = say::needs_approval(total, currency, limit, None);
                asks.push((
                    op.id.clone(),
                    Note {
                        subject: op.subject.clone(),
                        reason: said.reason.to_owned(),
                        message: said.message,
                        shown: *said.shown,
                    },
                ));
            }
        }
    }
    asks
}

/// What an invoice that exists would come to. A deletion comes to nothing, and a total that can't be predicted is told before tax.
fn amended(op: &Op) -> Option<(&str, &str)> {
    if op.object.as_str() != INVOICE || op.action != Action::Update {
        return None;
    }
    let total = op.doc.text("total").or_else(|| op.doc.text("sub_total"))?;
    let was = op.was.as_ref().and_then(|was| was.text("currency"));
    Some((total, op.doc.text("currency").or(was).unwrap_or_default()))
}

/// A total that can't be read is within no limit.
fn is_within(total: &str, limit: Option<rust_decimal::Decimal>) -> bool {
    match (decimal(total), limit) {
        (Ok(total), Some(limit)) => total <= limit,
        _ => false,
    }
}
