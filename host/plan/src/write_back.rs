//! Shows a deal its invoice: id, number and link, written to the deal in the source (domain rule 10).
//!
//! A deal in parts shows the latest billed one. What the deal says already is never written again, and a field that wasn't
//! read is no field that differs. Where something over there changes back what is written, a person is asked.

use crate::deal;
use crate::existing::Kept;
use crate::explain::{Stop, invoice as say, op as why};
use crate::index::{ID, Index};
use crate::input::Source;
use crate::invoice::{op_field, text};
use crate::ruled;
use crate::sent::Sent;
use footbridge_model::document::Document;
use footbridge_model::id::OpId;
use footbridge_model::plan::{Expectation, LinkIntent, NaturalKey, Op, key, reason};
use footbridge_model::plugin::Action;
use std::collections::BTreeMap;

/// Whether the source record has a write that isn't resolved.
pub(crate) fn unresolved(index: &Index<'_>, deal: &Source) -> bool {
    index.unresolved(deal.record.object.as_str(), ID, deal.record.id.as_str())
}

/// After an invoice operation.
pub(crate) fn of_new(index: &Index<'_>, deal: &Source, invoice: &Op) -> Option<Op> {
    let part = invoice.subject.part;
    let link = invoice.link.clone();
    let invoice = &invoice.id;
    let policy = index.input.policy.write_back.as_ref()?;
    let values = [
        (&policy.id, op_field(invoice, "id", None)),
        (&policy.number, op_field(invoice, "number", None)),
        (
            &policy.link,
            op_field(invoice, "id", Some(&policy.invoice_url)),
        ),
    ];
    let fields = values
        .into_iter()
        .filter_map(|(field, value)| Some((field.clone()?, value)))
        .collect();
    operation(
        index,
        deal,
        part,
        fields,
        vec![invoice.clone()],
        link,
        why::write_back_new(),
    )
}

/// For an invoice that exists, where the deal says something else.
pub(crate) fn of_kept(
    index: &Index<'_>,
    deal: &Source,
    part: u32,
    kept: &Kept,
) -> Result<Option<Op>, Stop> {
    let Some(policy) = index.input.policy.write_back.as_ref() else {
        return Ok(None);
    };
    let invoice = kept.id.as_str();
    let seen = index.input.observed.invoices.get(invoice);
    let number = seen
        .and_then(|seen| seen.value.number.clone())
        .filter(|number| !number.is_empty());
    let values = [
        (&policy.id, Some(invoice.to_owned())),
        (&policy.number, number),
        (
            &policy.link,
            Some(format!("{}{invoice}", policy.invoice_url)),
        ),
    ];
    let fields: BTreeMap<String, Document> = values
        .into_iter()
        .filter_map(|(field, value)| Some((field.clone()?, value?)))
        .filter(|(field, value)| match deal.doc.at(field) {
            None => false,
            Some(Document::Text(stored)) => stored != value,
            Some(_) => true,
        })
        .map(|(field, value)| (field, text(&value)))
        .collect();
    if fields.is_empty() {
        return Ok(None);
    }
    if unresolved(index, deal) {
        return Err(say::unresolved());
    }
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    if is_rewritten(index, kept, &fields)
        && !ruled::goes_ahead(index, deal, part, reason::REWRITTEN)
    {
        return Err(say::rewritten(&kept.name, &names));
    }
    let why = why::write_back_missing(&kept.name, &names);
    Ok(operation(
        index,
        deal,
        part,
        fields,
        Vec::new(),
        kept.link.clone(),
        why,
    ))
}

/// Whether just this was written so often today that something over there changes it back.
fn is_rewritten(index: &Index<'_>, kept: &Kept, fields: &BTreeMap<String, Document>) -> bool {
    let today = index.input.as_of.instant.date_naive();
    let sent = index.input.sent.get(&kept.link.id);
    sent.filter(|sent| sent.is_rewritten(today))
        .is_some_and(|sent| {
            Sent::over(Some(sent), &Document::Object(fields.clone())) == sent.wanted
        })
}

fn operation(
    index: &Index<'_>,
    deal: &Source,
    part: u32,
    fields: BTreeMap<String, Document>,
    after: Vec<OpId>,
    link: LinkIntent,
    why: String,
) -> Option<Op> {
    if fields.is_empty() {
        return None;
    }
    let (connection, organisation) = index.input.source.clone();
    let object = deal.record.object.clone();
    let id = deal.record.id.clone();
    let was = fields
        .keys()
        .filter_map(|field| Some((field.clone(), deal.doc.at(field)?.clone())))
        .collect();
    Some(Op {
        id: OpId::new(key(&[
            "op",
            organisation.as_str(),
            object.as_str(),
            id.as_str(),
            "update",
            &deal.version,
        ])),
        action: Action::Update,
        connection,
        organisation,
        object,
        target: Some(id.clone()),
        natural_key: NaturalKey {
            field: ID.to_owned(),
            value: id.to_string(),
            parents: Vec::new(),
        },
        doc: Document::Object(fields),
        was: Some(Document::Object(was)),
        after,
        expects: Expectation::Version(deal.version.clone()),
        link,
        subject: deal::subject(index.input, deal, part),
        why,
    })
}
