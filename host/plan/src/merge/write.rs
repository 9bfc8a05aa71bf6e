//! The operation that changes a customer on one side: only what differs, by its id, expecting the version that was read.
//!
//! A list of the ledger gets the one entry that changes; entries are found by their kind there. Never persons, never the number.

use super::field::Shape;
use super::field::{FIELDS, Field};
use super::normal::{is_empty, same};
use super::plan::{MergeInput, Pairing, subject};
use super::policy::Side;
use super::state::Writing;
use super::values::is_of_kind;
use crate::index::{CUSTOMER, ID};
use footbridge_model::document::Document;
use footbridge_model::id::{ObjectName, OpId, RecordId};
use footbridge_model::link::Role;
use footbridge_model::plan::{Expectation, LinkIntent, NaturalKey, Op, key};
use footbridge_model::plugin::Action;
use std::collections::BTreeMap;

type Fields = BTreeMap<String, Document>;

pub(super) fn op(
    input: &MergeInput<'_>,
    pairing: &Pairing<'_>,
    writing: &Writing,
    why: String,
) -> Op {
    let record = &pairing.source.record;
    let (connection, organisation, object, id) = match writing.to {
        Side::Ledger => (
            input.ledger.0.clone(),
            input.ledger.1.clone(),
            ObjectName::from(CUSTOMER),
            RecordId::from(pairing.id),
        ),
        Side::Source => (
            record.connection.clone(),
            record.organisation.clone(),
            record.object.clone(),
            record.id.clone(),
        ),
    };
    let (mut doc, mut was) = (Fields::new(), Fields::new());
    for field in FIELDS {
        let Some((value, _)) = writing.fields.get(field.name) else {
            continue;
        };
        match writing.to {
            Side::Ledger => to_ledger(pairing, field, value, &mut doc, &mut was),
            Side::Source => to_source(input, pairing, field, value, &mut doc, &mut was),
        }
    }
    let doc = Document::Object(doc);
    let version = writing.version.clone();
    Op {
        id: OpId::new(key(&[
            "op",
            organisation.as_str(),
            object.as_str(),
            id.as_str(),
            "update",
            &version,
            &doc.canonical(),
        ])),
        action: Action::Update,
        connection,
        organisation,
        natural_key: NaturalKey {
            field: ID.to_owned(),
            value: id.to_string(),
            parents: Vec::new(),
        },
        object,
        target: Some(id),
        doc,
        was: Some(Document::Object(was)),
        after: Vec::new(),
        expects: Expectation::Version(version),
        link: LinkIntent {
            id: pairing.link.id.clone(),
            role: Role::Customer,
            source: record.clone(),
            source_shadow: Some(writing.text()),
        },
        subject: subject(pairing.source, &pairing.title),
        why,
    }
}

fn to_ledger(
    pairing: &Pairing<'_>,
    field: Field,
    value: &Document,
    doc: &mut Fields,
    was: &mut Fields,
) {
    let there = &pairing.ledger.doc;
    let Some((list, kind)) = field.entry() else {
        doc.insert(field.name.to_owned(), value.clone());
        was.insert(
            field.name.to_owned(),
            there.at(field.name).cloned().unwrap_or(Document::Null),
        );
        return;
    };
    let known = there
        .list(list)
        .iter()
        .find(|entry| is_of_kind(field, entry, kind));
    let mut entry = match (known, field.shape) {
        // The rest of an address goes along as it is there.
        (Some(Document::Object(entry)), Shape::Address) => entry.clone(),
        _ => Fields::new(),
    };
    entry.insert("kind".to_owned(), Document::Text(kind.to_owned()));
    match (value, field.shape) {
        (Document::Object(parts), _) => entry.extend(parts.clone()),
        (value, Shape::Phone) => {
            entry.insert("number".to_owned(), value.clone());
        }
        (_, _) => entry
            .iter_mut()
            .filter(|(part, _)| *part != "kind")
            .for_each(|(_, part)| *part = Document::Null),
    }
    push(doc, list, Document::Object(entry));
    if let Some(known) = known {
        push(was, list, known.clone());
    }
}

fn push(fields: &mut Fields, list: &str, entry: Document) {
    let known = fields
        .entry(list.to_owned())
        .or_insert_with(|| Document::List(Vec::new()));
    if let Document::List(entries) = known {
        entries.push(entry);
    }
}

fn to_source(
    input: &MergeInput<'_>,
    pairing: &Pairing<'_>,
    field: Field,
    value: &Document,
    doc: &mut Fields,
    was: &mut Fields,
) {
    for (part, place) in input.policy.places(field) {
        let wanted = match (part, value) {
            ("", value) => value.clone(),
            (part, value) => value.at(part).cloned().unwrap_or(Document::Null),
        };
        let there = pairing.source.doc.at(place).cloned();
        let there = there.unwrap_or(Document::Null);
        // A part is compared as one: a country in another spelling stays as the CRM spells it.
        let alone = |value: &Document| match part {
            "" => value.clone(),
            part => Document::Object(Fields::from([(part.to_owned(), value.clone())])),
        };
        if same(field.shape, &alone(&wanted), &alone(&there)) {
            continue;
        }
        let wanted = if is_empty(&wanted) {
            Document::Null
        } else {
            wanted
        };
        doc.insert(place.to_owned(), wanted);
        was.insert(place.to_owned(), there);
    }
}
