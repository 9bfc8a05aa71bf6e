//! The CRM's address: what the mapping makes, and over it the parts that have a place of their own in the CRM's record.
//!
//! It goes to the ledger whole. Back to the CRM only parts with a place can go, so an address that differs in another one doesn't go
//! there at all. Next: `values` gives both sides' values, `plan` asks what may go back.

use super::field::{ADDRESS_PARTS, Field, Shape};
use super::normal::{echo, is_empty, same};
use super::policy::{Back, CustomerPolicy, Side};
use super::state::{Memory, Pair};
use super::values::of_customer;
use footbridge_model::document::Document;
use std::collections::{BTreeMap, BTreeSet};

/// What the mapping makes, overlaid with the parts that have a place. A place that the record doesn't carry was not read, so that part
/// is left out, whatever the mapping makes of it.
pub(super) fn of_source(
    policy: &CustomerPolicy,
    field: Field,
    draft: &Document,
    record: &Document,
) -> Option<Document> {
    let mut parts = match of_customer(field, draft) {
        Some(Document::Object(parts)) => parts,
        _ => BTreeMap::new(),
    };
    for (part, place) in policy.places(field) {
        match record.at(place) {
            Some(value) => parts.insert(part.to_owned(), value.clone()),
            None => parts.remove(part),
        };
    }
    (!parts.is_empty()).then_some(Document::Object(parts))
}

/// The CRM's address with each part that it is known to have held and the mapping makes no longer: lists leave nulls out, so such a part
/// was emptied. A part that it never held, an entry that isn't there, and a part whose place was not read, stay missing.
///
/// Where the mapping makes no address any more and a part with a place still holds something, the rest may just not have been read: then
/// nothing of the address was.
pub(super) fn with_emptied(
    policy: &CustomerPolicy,
    field: Field,
    draft: &Document,
    source: Option<Document>,
    memory: Option<&Memory>,
) -> Option<Document> {
    let Some(Document::Object(mut parts)) = source else {
        return source;
    };
    let agreed = memory.and_then(|memory| memory.agreed.as_ref());
    let sent = memory.and_then(|memory| memory.sent.as_ref());
    let sent = sent.filter(|sent| sent.to == Side::Ledger);
    let held = [agreed.map(|pair| &pair.source), sent.map(|sent| &sent.from)];
    let held: Vec<&Document> = held.into_iter().flatten().collect();
    let made = matches!(of_customer(field, draft), Some(Document::Object(_)));
    let holds = |part: &str| {
        let mut values = held.iter().filter_map(|held| held.at(part));
        values.any(|value| !is_empty(value))
    };
    let unplaced = unplaced(policy, field);
    if !made && !parts.values().all(is_empty) && unplaced.iter().any(|part| holds(part)) {
        return None;
    }
    for part in unplaced {
        if held.iter().any(|held| held.at(part).is_some()) {
            parts.entry(part.to_owned()).or_insert(Document::Null);
        }
    }
    Some(Document::Object(parts))
}

/// Whether the ledger's value may be written to the CRM as the two stand now. Parts that the CRM's address doesn't speak of are nobody's to
/// compare, but an empty one is filled with a whole address only. `None` was not read; then what was held last tells whether its places
/// are all of it.
pub(super) fn back(
    policy: &CustomerPolicy,
    field: Field,
    ours: Option<&Document>,
    ledger: &Document,
    memory: &Memory,
) -> Back {
    let known = policy.rule(field).back;
    if field.shape != Shape::Address || known == Back::Nowhere {
        return known;
    }
    let agreed = memory.agreed.as_ref().map(|agreed| &agreed.source);
    let (ours, theirs) = match ours {
        Some(ours) => (Some(ours), of_customer(field, ledger)),
        None => (agreed, None),
    };
    let (ours, theirs) = (
        ours.unwrap_or(&Document::Null),
        theirs.unwrap_or(Document::Null),
    );
    let compared = |part: &&str| is_empty(ours) || ours.at(part).is_some();
    let mut unplaced = unplaced(policy, field).into_iter().filter(compared);
    if unplaced.all(|part| same(field.shape, &alone(ours, part), &alone(&theirs, part))) {
        Back::Whole
    } else {
        Back::NotWhole
    }
}

/// Readies what is remembered of an address of which only parts have a place.
///
/// Pairs that were stored when only those parts were followed know nothing of the others. One that is the same on both sides now is taken
/// in; one that a side lacks counts as the other's change, for it overwrites nothing; where both hold another one, the address is as if it
/// were first seen, and nothing of it is overwritten.
pub(super) fn ready(
    policy: &CustomerPolicy,
    field: Field,
    ours: Option<&Document>,
    theirs: Option<&Document>,
    memory: &mut Memory,
) {
    let is_partly = field.shape == Shape::Address && !policy.places(field).is_empty();
    let (Some(ours), Some(theirs), true) = (ours, theirs, is_partly) else {
        return;
    };
    take_edit(policy, field, ours, memory);
    let mut pairs: Vec<(&mut Document, &mut Document)> = Vec::new();
    if let Some(agreed) = &mut memory.agreed {
        pairs.push((&mut agreed.source, &mut agreed.ledger));
    }
    if let Some(sent) = &mut memory.sent {
        pairs.push(match sent.to {
            Side::Ledger => (&mut sent.from, &mut sent.value),
            Side::Source => (&mut sent.value, &mut sent.from),
        });
    }
    let unplaced = unplaced(policy, field);
    let mut met = Vec::new();
    for (was_ours, was_theirs) in pairs {
        met.push(meet(&unplaced, (ours, theirs), (was_ours, was_theirs)));
    }
    if met.contains(&Met::First) {
        (memory.agreed, memory.sent, memory.rewritten) = (None, None, None);
    }
}

#[derive(PartialEq, Eq)]
enum Met {
    /// A part that nobody knew, and that both sides hold otherwise.
    First,
    Known,
}

/// Parts of both sides that a remembered pair doesn't know.
fn meet(
    unplaced: &[&str],
    now: (&Document, &Document),
    (was_ours, was_theirs): (&mut Document, &mut Document),
) -> Met {
    let (Document::Object(ours), Document::Object(theirs)) = (was_ours, was_theirs) else {
        return Met::Known;
    };
    // Whoever knows a part without a place was stored since.
    if unplaced.iter().any(|part| ours.contains_key(*part)) {
        return Met::Known;
    }
    let mut met = Met::Known;
    for part in ADDRESS_PARTS {
        if now.0.at(part).is_none() || ours.contains_key(part) || theirs.contains_key(part) {
            continue;
        }
        let (here, there) = (alone(now.0, part), alone(now.1, part));
        if same(Shape::Address, &here, &there) {
            ours.insert(part.to_owned(), part_of(now.0, part));
            theirs.insert(part.to_owned(), part_of(now.1, part));
        } else if !is_empty(&here) && !is_empty(&there) {
            met = Met::First;
        }
    }
    met
}

/// What was written to the CRM stands there, and a part without a place, which we never write, is another now: somebody's change.
fn take_edit(policy: &CustomerPolicy, field: Field, ours: &Document, memory: &mut Memory) {
    let Some(sent) = memory.sent.as_ref().filter(|sent| sent.to == Side::Source) else {
        return;
    };
    let unplaced = unplaced(policy, field);
    let (mut arrived, mut edited) = (true, false);
    for part in ADDRESS_PARTS {
        let (wrote, there) = (alone(&sent.value, part), alone(ours, part));
        if unplaced.contains(&part) {
            edited |= sent.value.at(part).is_some() && !same(field.shape, &wrote, &there);
        } else {
            arrived &= echo(field.shape, &wrote, &there);
        }
    }
    if arrived && edited {
        let (value, from) = (sent.value.clone(), sent.from.clone());
        memory.agree(Pair::on(Side::Source, value, from));
    }
}

/// Whether the ledger's address holds more than the CRM's speaks of, of what belongs to a street or its people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    More,
}

/// Parts that the CRM's address leaves out belong to the street that the ledger holds them with.
const BESIDE_A_STREET: [&str; 3] = ["line3", "line4", "attention"];
const STREET: [&str; 2] = ["line1", "line2"];

pub(super) fn beside(field: Field, ours: Option<&Document>, ledger: &Document) -> Beside {
    let (Shape::Address, Some(ours @ Document::Object(_))) = (field.shape, ours) else {
        return Beside::Nothing;
    };
    let theirs = of_customer(field, ledger).unwrap_or(Document::Null);
    let more = |part: &&str| {
        ours.at(part).is_none() && theirs.at(part).is_some_and(|value| !is_empty(value))
    };
    match BESIDE_A_STREET.iter().any(more) {
        true => Beside::More,
        false => Beside::Nothing,
    }
}

/// Whether the ledger would get another street in the place of the one that it holds.
pub(super) fn moves(ours: &Document, theirs: &Document) -> bool {
    let other = |part: &&str| {
        ours.at(part).is_some() && !same(Shape::Address, &alone(ours, part), &alone(theirs, part))
    };
    !is_empty(theirs) && STREET.iter().any(other)
}

fn unplaced(policy: &CustomerPolicy, field: Field) -> Vec<&'static str> {
    let placed: BTreeSet<&str> = policy.places(field).iter().map(|(part, _)| *part).collect();
    let all = ADDRESS_PARTS.into_iter();
    all.filter(|part| !placed.contains(part)).collect()
}

fn part_of(address: &Document, part: &str) -> Document {
    address.at(part).cloned().unwrap_or(Document::Null)
}

/// An address of one part: parts are compared each as its kind is.
fn alone(address: &Document, part: &str) -> Document {
    Document::Object(BTreeMap::from([(part.to_owned(), part_of(address, part))]))
}
