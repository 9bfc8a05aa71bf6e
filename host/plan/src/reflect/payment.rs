//! Payment: what the CRM should say of money that came for a document or went back. One that is taken back stays, as reversed.
//!
//! Converted at the document's own rate, so that a document and its payments add up in the base currency as well as they can.

use super::document::Told;
use super::input::{Given, ReflectInput};
use super::write::{Fields, Wanted};
use crate::explain::{Stop, reflect as say};
use crate::money::shown;
use footbridge_model::ledger::Payment;
use footbridge_model::receivable::{
    DocumentKind, PAYMENT, PaymentKind, PaymentStatus, payment_key,
};

/// What a payment of a document should say; `None`: nothing, it isn't shown.
pub(crate) fn tell(
    input: &ReflectInput<'_>,
    given: &Given,
    document: &Told,
    id: &str,
    payment: &Payment,
) -> Result<Option<Wanted>, Stop> {
    if payment.payable == Some(true) {
        return Ok(None);
    }
    let key = payment_key(&input.ledger.1, id);
    let status = match payment.status.as_deref() {
        Some("deleted") => PaymentStatus::Reversed,
        _ => PaymentStatus::Recorded,
    };
    let there = input
        .shown
        .get(&key)
        .is_some_and(|shown| shown.there.is_some());
    if status == PaymentStatus::Reversed && !there {
        // It came and went before anyone saw it.
        return Ok(None);
    }
    let kind = match (payment.kind.as_deref(), given.id.kind) {
        (Some("refund"), _) => PaymentKind::Refund,
        (Some(_), _) | (None, DocumentKind::Invoice) => PaymentKind::Payment,
        (None, _) => PaymentKind::Refund,
    };
    let called = format!("{} {id}", kind.title());
    let amount = payment
        .amount
        .ok_or_else(|| say::not_reported(&called, "amount"))?;
    let currency = payment.currency.as_deref().unwrap_or(&document.currency);
    if currency != document.currency {
        return Err(say::other_currency(&called, currency, &document.currency));
    }
    let name = name(kind, payment.date.as_deref(), &shown(amount, currency));
    let mut fields = Fields::default();
    fields.text("key", &key);
    fields.text("organisation", input.ledger.1.as_str());
    fields.text("ledger_id", id);
    fields.text("name", &name);
    fields.text("document_key", &document.wanted.key);
    fields.maybe("account", document.account.as_deref());
    fields.text("kind", kind.as_str());
    fields.text("status", status.as_str());
    fields.maybe("date", payment.date.as_deref());
    fields.amount("amount", amount);
    fields.text("currency", currency);
    if let Some(to_base) = document.to_base {
        let base = to_base.convert(amount);
        fields.amount("currency_rate", to_base.rate);
        fields.amount("base_amount", base.ok_or_else(|| say::too_large(&called))?);
    }
    fields.maybe("reference", payment.reference.as_deref());
    fields.maybe("batch", payment.batch.as_deref());
    fields.flag("reconciled", payment.reconciled);
    Ok(Some(Wanted {
        object: PAYMENT,
        key,
        why: say::payment(&name, &document.wanted.title, status),
        title: name,
        source: ("payment", id.to_owned()),
        fields,
    }))
}

/// What people call it.
pub(crate) fn name(kind: PaymentKind, date: Option<&str>, amount: &str) -> String {
    match date {
        Some(date) => format!("{} of {date}, {amount}", kind.title()),
        None => format!("{}, {amount}", kind.title()),
    }
}
