//! Close: what hangs on something that is taken out goes too, and what only served it. Numbers of our own counter close up.

use super::Cuts;
use crate::explain::rails as say;
use crate::policy::NumberMode;
use footbridge_model::document::Document;
use footbridge_model::id::OpId;
use footbridge_model::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// What the numbers of invoices are called in their documents.
const NUMBER: &str = "number";

/// Takes out the children of what is taken out, then parents that nothing needs any more.
pub(super) fn over(plan: &Plan, cuts: &mut Cuts) {
    if cuts.is_empty() {
        return;
    }
    for op in &plan.ops {
        if cuts.contains_key(&op.id) {
            continue;
        }
        let parent = op.after.iter().find_map(|id| cuts.get(id));
        if let Some(parent) = parent {
            let said = parent.clone().unwrap_or_else(say::without_its_parent);
            cuts.insert(op.id.clone(), Some(said));
        }
    }
    // Children come after their parents, so from the end each one's children are known.
    let mut children: BTreeMap<&OpId, (usize, usize)> = BTreeMap::new();
    let mut idle: BTreeSet<&OpId> = BTreeSet::new();
    for op in plan.ops.iter().rev() {
        let (all, gone) = children.get(&op.id).copied().unwrap_or_default();
        if all > 0 && all == gone && !cuts.contains_key(&op.id) {
            idle.insert(&op.id);
        }
        let goes = cuts.contains_key(&op.id) || idle.contains(&op.id);
        for parent in &op.after {
            let count = children.entry(parent).or_default();
            count.0 += 1;
            count.1 += usize::from(goes);
        }
    }
    // A deal's own invoice is wanted for itself; a customer only for what it is billed.
    let billed: BTreeSet<&OpId> = plan.bills.iter().map(|bill| &bill.op).collect();
    for id in idle.difference(&billed) {
        cuts.insert((*id).clone(), None);
    }
}

/// The counter's numbers go to the invoices that are left, in order, so that the sequence has no gap where one waits.
pub(super) fn numbers(plan: &mut Plan, mode: &NumberMode, cuts: &Cuts, all: &[String]) {
    let NumberMode::Counter { prefix, .. } = mode else {
        return;
    };
    if cuts.is_empty() {
        return;
    }
    let invoices: BTreeSet<&OpId> = plan.bills.iter().map(|bill| &bill.op).collect();
    let mut free = all.iter();
    for op in plan.ops.iter_mut().filter(|op| invoices.contains(&op.id)) {
        let Document::Object(fields) = &mut op.doc else {
            continue;
        };
        if let Some(Document::Text(number)) = fields.get_mut(NUMBER)
            && let Some(next) = free.next()
        {
            number.clone_from(next);
        }
    }
    let next = free.next().and_then(|number| number.strip_prefix(prefix));
    if let Some(next) = next.and_then(|digits| digits.parse().ok()) {
        plan.next_number = next;
    }
}

/// The numbers of a plan's invoices, in order.
pub(super) fn given(plan: &Plan) -> Vec<String> {
    let invoices = plan
        .bills
        .iter()
        .map(|bill| &bill.op)
        .collect::<BTreeSet<_>>();
    let numbered = plan.ops.iter().filter(|op| invoices.contains(&op.id));
    numbered
        .filter_map(|op| op.doc.text(NUMBER).map(str::to_owned))
        .collect()
}
