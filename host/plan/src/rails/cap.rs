//! The write cap: a run first finishes what earlier ones began, then goes through the records in order, oldest deal first, and stops where
//! it is full. Nobody overtakes.
//!
//! What belongs to one record (its customer, its invoices, what it shows of them) goes together where it can; a record that is larger than
//! the whole cap goes parents first, in as many runs as it takes.

use super::Cuts;
use crate::explain::rails as say;
use footbridge_model::id::{OpId, RecordKey};
use footbridge_model::plan::{Op, Plan};
use footbridge_model::plugin::Action;
use std::collections::{BTreeMap, BTreeSet};

/// Takes out what is more than there is room for.
pub(super) fn above(plan: &Plan, room: Option<usize>, cuts: &mut Cuts) {
    let Some(room) = room else { return };
    let open: Vec<&Op> = (plan.ops.iter())
        .filter(|op| !cuts.contains_key(&op.id))
        .collect();
    if open.len() <= room {
        return;
    }
    let by_id: BTreeMap<&OpId, &Op> = open.iter().map(|op| (&op.id, *op)).collect();
    let place: BTreeMap<&OpId, usize> = (open.iter().enumerate())
        .map(|(at, op)| (&op.id, at))
        .collect();
    let mut taken: BTreeSet<&OpId> = BTreeSet::new();
    let mut full = false;
    let mut own: BTreeMap<&RecordKey, Vec<&Op>> = BTreeMap::new();
    for op in &open {
        own.entry(&op.subject.record).or_default().push(op);
    }
    for record in records(&open) {
        if full {
            break;
        }
        let mut wanted: BTreeSet<usize> = BTreeSet::new();
        for op in own.get(record).into_iter().flatten() {
            with_parents(op, &by_id, &place, &mut wanted);
        }
        let wanted: Vec<&Op> = (wanted.iter())
            .filter_map(|at| open.get(*at).copied())
            .filter(|op| !taken.contains(&op.id))
            .collect();
        let left = room - taken.len();
        // A record that could go whole in a later run isn't begun in this one.
        let waits = wanted.len() > left && wanted.len() <= room;
        let now = if waits { 0 } else { left };
        full = wanted.len() > left;
        taken.extend(wanted.iter().take(now).map(|op| &op.id));
    }
    for op in open.iter().filter(|op| !taken.contains(&op.id)) {
        cuts.insert(op.id.clone(), Some(say::over_the_cap(room)));
    }
}

/// Records in the order of their turn. What others need (a customer) has no turn of its own: they bring it along.
fn records<'a>(open: &[&'a Op]) -> Vec<&'a RecordKey> {
    let record: BTreeMap<&OpId, &RecordKey> = (open.iter())
        .map(|op| (&op.id, &op.subject.record))
        .collect();
    let mut for_others: BTreeSet<&OpId> = BTreeSet::new();
    for op in open {
        let foreign = |id: &&OpId| record.get(id).is_some_and(|of| **of != op.subject.record);
        for_others.extend(op.after.iter().filter(foreign));
    }
    // Of what earlier runs made only the rest is left, and stands behind all that is to be made.
    let begins: BTreeSet<&RecordKey> = (open.iter())
        .filter(|op| op.action == Action::Create)
        .map(|op| &op.subject.record)
        .collect();
    let mut seen = BTreeSet::new();
    let mut records: Vec<&RecordKey> = (open.iter())
        .filter(|op| !for_others.contains(&op.id))
        .map(|op| &op.subject.record)
        .filter(|record| seen.insert(*record))
        .collect();
    records.sort_by_key(|record| begins.contains(record));
    records
}

fn with_parents<'a>(
    op: &'a Op,
    by_id: &BTreeMap<&'a OpId, &'a Op>,
    place: &BTreeMap<&'a OpId, usize>,
    wanted: &mut BTreeSet<usize>,
) {
    let Some(at) = place.get(&op.id) else { return };
    if wanted.insert(*at) {
        for parent in op.after.iter().filter_map(|id| by_id.get(id)) {
            with_parents(parent, by_id, place, wanted);
        }
    }
}
