//! The value of each field on each side, as far as it was read. A missing one stays missing: it was not read, so it says nothing.
//!
//! From the mapping's draft and the CRM's record on one side, from the ledger's document on the other. Next: `decide`.

use super::address;
use super::field::{FIELDS, Field, Shape};
use super::policy::CustomerPolicy;
use super::state::State;
use footbridge_model::document::Document;

/// The CRM's value: the field of its record that the operator named, else what the mapping makes of the record. An address is both, part
/// by part.
pub(crate) fn of_source(
    policy: &CustomerPolicy,
    field: Field,
    draft: &Document,
    record: &Document,
) -> Option<Document> {
    let places = policy.places(field);
    if places.is_empty() {
        return of_customer(field, draft);
    }
    if field.shape != Shape::Address {
        return places
            .first()
            .and_then(|(_, place)| record.at(place).cloned());
    }
    address::of_source(policy, field, draft, record)
}

/// The value in a document of the ledger vocabulary. An entry that a list doesn't have is empty; a list that isn't there was not read.
pub(crate) fn of_customer(field: Field, doc: &Document) -> Option<Document> {
    let Some((list, kind)) = field.entry() else {
        return doc.at(field.name).cloned();
    };
    let entries = match doc.at(list)? {
        Document::List(entries) => entries,
        Document::Null => return Some(Document::Null),
        _ => return None,
    };
    let entry = entries.iter().find(|entry| is_of_kind(field, entry, kind));
    let Some(entry) = entry else {
        return Some(Document::Null);
    };
    match field.shape {
        Shape::Phone => entry.at("number").cloned(),
        _ => Some(Document::Object(
            super::field::ADDRESS_PARTS
                .into_iter()
                .filter_map(|part| Some((part.to_owned(), entry.at(part)?.clone())))
                .collect(),
        )),
    }
}

/// A phone without a kind is the main one.
pub(crate) fn is_of_kind(field: Field, entry: &Document, kind: &str) -> bool {
    match entry.text("kind") {
        Some(found) => found == kind,
        None => field.name == "phones.main",
    }
}

/// The ledger's value, of an address only the parts that the CRM's has: others are not ours to compare. One that it leaves out is empty.
pub(crate) fn of_ledger(
    field: Field,
    doc: &Document,
    source: Option<&Document>,
) -> Option<Document> {
    let value = of_customer(field, doc)?;
    match (value, source) {
        (Document::Object(mut parts), Some(Document::Object(wanted))) => {
            let wanted = wanted.keys().map(|part| {
                let there = parts.remove(part).unwrap_or(Document::Null);
                (part.clone(), there)
            });
            Some(Document::Object(wanted.collect()))
        }
        (value, _) => Some(value),
    }
}

/// Whether the mapping's list has no such entry: it was emptied, or the mapping never makes one.
pub(crate) fn is_silent(policy: &CustomerPolicy, field: Field, source: Option<&Document>) -> bool {
    field.entry().is_some() && policy.places(field).is_empty() && source == Some(&Document::Null)
}

/// Every field with both its values. `state`: what is remembered of them.
pub(crate) fn both(
    policy: &CustomerPolicy,
    draft: &Document,
    record: &Document,
    ledger: &Document,
    state: &State,
) -> Vec<(Field, Option<Document>, Option<Document>)> {
    FIELDS
        .into_iter()
        .map(|field| {
            let source = of_source(policy, field, draft, record);
            let source = match field.shape {
                Shape::Address => {
                    let memory = state.merge.get(field.name);
                    address::with_emptied(policy, field, draft, source, memory)
                }
                _ => source,
            };
            let there = of_ledger(field, ledger, source.as_ref());
            (field, source, there)
        })
        .collect()
}
