//! The operation that changes or deletes an invoice: only fields that differ, lines as a whole with their ids, old values beside new ones.
//!
//! Number, link, status, date and due date stay as they are; what the deal would give them today has nothing to do with the change.

use super::{Amended, ToAmend, intent, lines};
use crate::customer::{Party, Place};
use crate::explain::amend as say;
use crate::index::{ID, INVOICE, Index};
use crate::invoice::{ToBill, Worked, line_doc, op_field, text};
use footbridge_model::document::Document;
use footbridge_model::id::{ObjectName, OpId, RecordId};
use footbridge_model::ledger::InvoiceLine;
use footbridge_model::money::canonical;
use footbridge_model::plan::{Adoption, Expectation, NaturalKey, Op, key};
use footbridge_model::plugin::Action;
use footbridge_model::ruling::Ruling;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

type Fields = BTreeMap<String, Document>;

/// What is to be written.
pub(crate) struct Wanted {
    fields: Fields,
    was: Fields,
    /// What the ledger must come to; compared, never sent.
    totals: Fields,
}

impl Wanted {
    /// The invoice holds all of it.
    pub(crate) fn is_there_already(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names of the fields that change.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.fields
            .keys()
            .map(String::as_str)
            .filter(|name| *name != "amounts" || !self.fields.contains_key("lines"))
            .collect()
    }
}

/// What differs between an invoice and what its deal wants.
pub(crate) fn wanted(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    to_bill: &ToBill<'_>,
    party: &Party,
    worked: &Worked<'_>,
) -> Wanted {
    let now = &to_amend.standing.seen.value;
    let (mut fields, mut was) = (Fields::new(), Fields::new());
    let mut differs = |name: &str, wanted: Document, there: Option<&str>| {
        if !matches!(&wanted, Document::Text(wanted) if there == Some(wanted)) {
            fields.insert(name.to_owned(), wanted);
            if let Some(there) = there {
                was.insert(name.to_owned(), text(there));
            }
        }
    };
    let customer = match &party.place {
        Place::Linked(id) | Place::Adopted(id, _) => text(id),
        Place::New(op) => op_field(&op.id, "id", None),
    };
    differs("customer", customer, Some(now.customer.as_str()));
    differs("currency", text(&to_bill.currency), now.currency.as_deref());
    // Told even where it stays: amounts say nothing without it.
    let currency = now.currency.as_deref();
    // One that a person wrote there stays, unless the deal's own changed since.
    let known = to_amend.standing.reference.as_ref();
    let reference = to_bill.draft.reference.as_ref();
    if let Some(reference) = reference.filter(|now| known != Some(*now)) {
        differs("reference", text(reference), now.reference.as_deref());
    }
    let there = now.lines.as_deref().unwrap_or_default();
    let amounts = index.input.policy.billing.amounts.as_str();
    let same_lines = now.lines.is_some()
        && there.len() == worked.lines.len()
        && worked
            .lines
            .iter()
            .zip(there)
            .all(|(wanted, line)| lines::is_there(wanted, line))
        && now.amounts.as_deref() == Some(amounts);
    if !same_lines {
        // Together: unit prices mean something else under another kind of amounts.
        fields.insert("amounts".to_owned(), text(amounts));
        was.extend(
            now.amounts
                .as_deref()
                .map(|old| ("amounts".to_owned(), text(old))),
        );
        let pairs = lines::pair(&worked.lines, there);
        let rows = worked
            .lines
            .iter()
            .zip(pairs)
            .map(|(line, pair)| with_id(line_doc(line), pair.and_then(|at| there.get(at))));
        fields.insert("lines".to_owned(), Document::List(rows.collect()));
        if now.lines.is_some() {
            let old = there.iter().map(line_was).collect();
            was.insert("lines".to_owned(), Document::List(old));
        }
    }
    was.extend(currency.map(|currency| ("currency".to_owned(), text(currency))));
    let mut totals = Fields::from([(
        "sub_total".to_owned(),
        text(&canonical(worked.totals.sub_total)),
    )]);
    // Look-up taxes of the US can't be predicted.
    if index.input.organisation.country != "US" {
        totals.insert("total".to_owned(), text(&canonical(worked.totals.total)));
    }
    for (name, old) in [("sub_total", now.sub_total), ("total", now.total)] {
        was.extend(old.map(|old| (name.to_owned(), text(&canonical(old)))));
    }
    Wanted {
        fields,
        was,
        totals,
    }
}

/// A line of a known id: what was left out of it would stay as it is.
fn with_id(doc: Document, there: Option<&InvoiceLine>) -> Document {
    let Document::Object(mut fields) = doc else {
        return doc;
    };
    if let Some(line) = there {
        fields.extend(line.id.as_deref().map(|id| ("id".to_owned(), text(id))));
        let had_discount = line.discount_rate.is_some_and(|rate| !rate.is_zero());
        if had_discount && line.id.is_some() {
            fields
                .entry("discount_rate".to_owned())
                .or_insert_with(|| text("0"));
        }
    }
    Document::Object(fields)
}

fn line_was(line: &InvoiceLine) -> Document {
    let amount = |amount: Option<Decimal>| amount.map(canonical);
    let fields = [
        ("id", line.id.clone()),
        ("description", line.description.clone()),
        ("quantity", amount(line.quantity)),
        ("unit_amount", amount(line.unit_amount)),
        ("discount_rate", amount(line.discount_rate)),
        ("item", line.item.clone()),
        ("account", line.account.clone()),
        ("tax_type", line.tax_type.clone()),
    ];
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), text(&value?))));
    Document::Object(given.collect())
}

/// The update.
pub(crate) fn update(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    to_bill: &ToBill<'_>,
    wanted: Wanted,
    party: &Party,
    why: String,
) -> Op {
    let after = match &party.place {
        Place::New(op) if wanted.fields.contains_key("customer") => vec![op.id.clone()],
        _ => Vec::new(),
    };
    let mut doc = wanted.fields;
    doc.extend(wanted.totals);
    let billed = Some(to_bill.billed().shadow());
    operation(index, to_amend, (doc, wanted.was), after, billed, why)
}

/// The deletion.
pub(crate) fn deletion(index: &Index<'_>, to_amend: &ToAmend<'_>, why: String) -> Op {
    let doc = Fields::from([("status".to_owned(), text("deleted"))]);
    let status = to_amend.standing.seen.value.status.as_deref();
    let was = status.map(|status| ("status".to_owned(), text(status)));
    let was = was.into_iter().collect();
    operation(index, to_amend, (doc, was), Vec::new(), None, why)
}

fn operation(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    (doc, was): (Fields, Fields),
    after: Vec<OpId>,
    billed: Option<String>,
    why: String,
) -> Op {
    let (connection, organisation) = index.input.ledger.clone();
    let (id, version) = (to_amend.standing.id, &to_amend.standing.seen.version);
    Op {
        id: OpId::new(key(&[
            "op",
            organisation.as_str(),
            INVOICE,
            id,
            "update",
            version,
            &to_amend.deal.version,
        ])),
        action: Action::Update,
        connection,
        organisation,
        object: ObjectName::from(INVOICE),
        target: Some(RecordId::from(id)),
        natural_key: NaturalKey {
            field: ID.to_owned(),
            value: id.to_owned(),
            parents: Vec::new(),
        },
        doc: Document::Object(doc),
        was: Some(Document::Object(was)),
        after,
        expects: Expectation::Version(version.clone()),
        link: intent(to_amend, billed),
        subject: crate::deal::subject(index.input, to_amend.deal, to_amend.part),
        why,
    }
}

/// The invoice stays as it is, and later changes are measured by what it holds now.
pub(crate) fn kept(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    to_bill: &ToBill<'_>,
    ruling: Option<&Ruling>,
) -> Amended {
    let standing = &to_amend.standing;
    let by = ruling.map(|ruling| ruling.by.as_str());
    let adoption = Adoption {
        link: intent(to_amend, Some(to_bill.billed().shadow())),
        ledger_record: index.ledger_record(INVOICE, standing.id),
        version: standing.seen.version.clone(),
        shadow: standing.seen.value.shadow(),
        subject: crate::deal::subject(index.input, to_amend.deal, to_amend.part),
        why: say::kept(&standing.name, by),
    };
    Amended::Stays(Some(adoption), say::stays(&standing.name, by))
}
