//! The pilot: which deals are let through while the rest waits.
//!
//! A deal is inside by its id, by its fields, or because it is one of the first. What else is written belongs to a deal: a customer goes
//! with the deals that need it, a receivable document with the deal that it bills or with what is shown of it already.

use super::{Bounds, Cuts, Pilot};
use crate::explain::rails as say;
use crate::input::Source;
use footbridge_model::document::Document;
use footbridge_model::id::{OpId, RecordId, RecordKey};
use footbridge_model::plan::{Op, Plan};
use footbridge_model::receivable::{KEY, is_receivable};
use std::collections::{BTreeMap, BTreeSet};

/// Takes out what is outside; returns the deals that come in by their number.
pub(super) fn outside(plan: &Plan, bounds: &Bounds<'_>, cuts: &mut Cuts) -> BTreeSet<RecordId> {
    let Some(pilot) = &bounds.rails.pilot else {
        return BTreeSet::new();
    };
    let deals: BTreeMap<&RecordKey, &Source> = (bounds.deals.iter())
        .map(|deal| (&deal.record, deal))
        .collect();
    let needed: BTreeSet<&OpId> = plan.ops.iter().flat_map(|op| &op.after).collect();
    let mut admitted = BTreeSet::new();
    let mut inside = BTreeSet::new();
    for op in &plan.ops {
        let record = &op.subject.record;
        let is_in = match deals.get(record) {
            Some(deal) => lets_in(pilot, deal, bounds.admitted, &mut admitted),
            None if is_receivable(op.object.as_str()) => belongs(op, pilot, bounds, &inside),
            // A record that others need goes or stays with them: `close` sees to that.
            None => needed.contains(&op.id) || named(pilot, &record.id),
        };
        if is_in {
            inside.insert(&op.id);
        } else {
            cuts.insert(op.id.clone(), Some(say::outside_pilot(pilot)));
        }
    }
    admitted
}

fn lets_in(
    pilot: &Pilot,
    deal: &Source,
    before: &BTreeSet<RecordId>,
    admitted: &mut BTreeSet<RecordId>,
) -> bool {
    let id = &deal.record.id;
    match pilot {
        Pilot::Only(_) => named(pilot, id),
        Pilot::Where(fields) => (fields.iter()).all(|(field, wanted)| says(deal, field, wanted)),
        Pilot::First(most) => {
            let known = before.contains(id) || admitted.contains(id);
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            if !known && before.len() + admitted.len() < most {
                return admitted.insert(id.clone());
            }
            known
        }
    }
}

fn says(deal: &Source, field: &str, wanted: &str) -> bool {
    match deal.doc.at(field) {
        Some(Document::Text(text)) => text == wanted,
        Some(Document::Bool(value)) => value.to_string() == wanted,
        _ => false,
    }
}

/// Whether a pilot names the record itself.
fn named(pilot: &Pilot, id: &RecordId) -> bool {
    match pilot {
        Pilot::Only(ids) => ids.iter().any(|given| same_id(given, id.as_str())),
        Pilot::First(_) | Pilot::Where(_) => false,
    }
}

/// An id as people have it: whole, or without the three characters that only check the case of the others.
pub fn same_id(given: &str, id: &str) -> bool {
    let short = given.len() == 15 && id.len() == 18 && id.starts_with(given);
    short || given == id
}

/// Whether a receivable record belongs to a deal of the pilot: by the deal that it names, by what it hangs on, or because it is shown.
fn belongs(op: &Op, pilot: &Pilot, bounds: &Bounds<'_>, inside: &BTreeSet<&OpId>) -> bool {
    let of_deal = op.doc.text("deal").is_some_and(|deal| match pilot {
        Pilot::First(_) => bounds.admitted.contains(&RecordId::from(deal)),
        Pilot::Only(_) => named(pilot, &RecordId::from(deal)),
        // Its fields aren't at hand here; it follows once it is shown, or when the pilot is over.
        Pilot::Where(_) => false,
    });
    let shown = |key: Option<&str>| key.is_some_and(|key| bounds.shown.contains(key));
    of_deal
        || op.target.is_some()
        || op.after.iter().any(|parent| inside.contains(parent))
        || shown(op.doc.text("document_key"))
        || shown(op.doc.text(KEY))
}
