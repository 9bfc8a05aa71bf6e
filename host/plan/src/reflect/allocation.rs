//! Allocation: what the CRM should say of a credit that was set against an invoice. One that was taken off stays, as reversed.
//!
//! It is only taken as gone where the credit's own amounts say that the ledger's list is whole; an absence alone proves nothing.

use super::amounts::ToBase;
use super::document::{self, Told};
use super::input::{Given, ReflectInput};
use super::payment;
use super::write::{Fields, Wanted, document_subject};
use crate::explain::{Stop, reflect as say};
use crate::money::shown;
use footbridge_model::ledger::{Allocation, Credit};
use footbridge_model::receivable::{
    DocumentId, DocumentKind, PAYMENT, PaymentKind, PaymentStatus, allocation_key,
};
use std::collections::BTreeSet;

/// An allocation and the invoice that its record belongs to.
pub(crate) struct Allocated {
    pub(crate) wanted: Wanted,
    /// The natural key of the invoice's record.
    pub(crate) parent: String,
}

/// What an allocation of a credit should say.
pub(crate) fn tell(
    input: &ReflectInput<'_>,
    given: &Given,
    credit: &Told,
    id: &str,
    allocation: &Allocation,
) -> Result<Allocated, Stop> {
    let called = format!("Allocation {id} of {}", credit.wanted.title);
    let amount = allocation
        .amount
        .ok_or_else(|| say::not_reported(&called, "amount"))?;
    let document = DocumentId::new(DocumentKind::Invoice, &allocation.invoice);
    let invoice = given.invoices.get(&allocation.invoice).ok_or_else(|| {
        say::invoice_unknown(&called, &allocation.invoice)
            .showing(|shown| shown.waits_for = Some(document_subject(input, &document)))
    })?;
    let invoice_name = document::name(
        DocumentKind::Invoice,
        invoice.number.as_deref(),
        invoice.date.as_deref(),
    );
    let base = &input.organisation.base_currency;
    let to_base = ToBase::of(&credit.currency, base, invoice.currency_rate)
        .ok_or_else(|| say::no_rate(&invoice_name, &credit.currency))?;
    let parent = document.key(&input.ledger.1);
    let key = allocation_key(&input.ledger.1, id);
    let name = payment::name(
        PaymentKind::Allocation,
        allocation.date.as_deref(),
        &shown(amount, &credit.currency),
    );
    let mut fields = Fields::default();
    fields.text("key", &key);
    fields.text("organisation", input.ledger.1.as_str());
    fields.text("ledger_id", id);
    fields.text("name", &name);
    fields.text("document_key", &parent);
    fields.maybe("account", credit.account.as_deref());
    fields.text("kind", PaymentKind::Allocation.as_str());
    fields.text("status", PaymentStatus::Recorded.as_str());
    fields.maybe("date", allocation.date.as_deref());
    fields.amount("amount", amount);
    fields.text("currency", &credit.currency);
    fields.amount("currency_rate", to_base.rate);
    let converted = to_base.convert(amount);
    fields.amount(
        "base_amount",
        converted.ok_or_else(|| say::too_large(&called))?,
    );
    fields.text("reference", &credit.wanted.title);
    Ok(Allocated {
        wanted: Wanted {
            object: PAYMENT,
            key,
            why: say::allocation(&name, &credit.wanted.title, &invoice_name),
            title: name,
            source: (given.id.kind.as_str(), given.id.id.clone()),
            fields,
        },
        parent,
    })
}

/// Allocations that were seen on the credit once, are shown in the CRM as recorded, and are no longer on it.
///
/// The credit was told, so its amounts add up with the allocations that it lists: the list is whole.
pub(crate) fn gone(
    input: &ReflectInput<'_>,
    given: &Given,
    credit: &Told,
    document: &Credit,
) -> Vec<Wanted> {
    let listed: BTreeSet<&str> = document
        .allocations
        .iter()
        .flatten()
        .filter_map(|allocation| allocation.id.as_deref())
        .collect();
    let before = given.before.iter().flat_map(|before| &before.allocations);
    before
        .filter(|id| !listed.contains(id.as_str()))
        .filter_map(|id| {
            let key = allocation_key(&input.ledger.1, id);
            let there = input.shown.get(&key)?.there.as_ref()?;
            let name = there.doc.text("name").unwrap_or("Allocation").to_owned();
            let mut fields = Fields::default();
            fields.text("key", &key);
            fields.text("status", PaymentStatus::Reversed.as_str());
            Some(Wanted {
                object: PAYMENT,
                key,
                why: say::allocation_gone(&name, &credit.wanted.title),
                title: name,
                source: (given.id.kind.as_str(), given.id.id.clone()),
                fields,
            })
        })
        .collect()
}
