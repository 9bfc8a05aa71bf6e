//! Allocations: credit of a note, an overpayment or a prepayment set against an invoice, and taken back.
//!
//! An allocation has no reference and no key of its own; its endpoint is below its credit.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Writing};
use super::contacts;
use super::credits;
use super::dates;
use super::defect::Defect;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::{self, Status};
use super::money;
use super::payments;

/// Sets a part of the credit `of` against an invoice; returns the allocation's id.
pub(crate) fn allocate(
    book: &mut Book,
    writing: &Writing,
    of: Guid,
    element: &Element,
) -> Result<Guid, Refusals> {
    let Some(mut credit) = book.credits.get(of).cloned() else {
        return Err(Refusals::one(invoices::NOT_FOUND));
    };
    let words = credit.form.words();
    let named = element::object(element, "Invoice")
        .cloned()
        .unwrap_or_default();
    let invoice = match (
        element::guid(&named, "InvoiceID")?,
        element::filled(&named, "InvoiceNumber"),
    ) {
        (Some(id), _) => book.invoices.get(id),
        (None, Some(number)) => invoices::by_number(book, &number),
        (None, None) => None,
    };
    let Some(mut invoice) = invoice.cloned() else {
        return Err(Refusals::one("Invoice could not be found"));
    };
    let mut refusals = Refusals::default();
    let amount = element::decimal(element, "Amount")?
        .or(element::decimal(element, "AppliedAmount")?)
        .map(|amount| money::round(amount, 2))
        .unwrap_or_default();
    if invoice.status == Status::Paid {
        refusals.add("The invoice you are trying to allocate to has already been paid off");
    } else if credit.status != Status::Authorised || invoice.status != Status::Authorised {
        refusals.add(format!(
            "{words}s can only be allocated between Authorised documents"
        ));
    }
    if amount <= Decimal::ZERO {
        refusals.add("Allocation amount must be greater than zero");
    }
    let beyond_credit = amount > credit.remaining() && !book.has(Defect::AllocationBeyondCredit);
    let beyond_due = amount > invoice.due_amount() && !book.has(Defect::AllocationBeyondDue);
    if beyond_credit || beyond_due {
        refusals.add(format!(
            "{words} cannot be allocated as amount is greater than amount outstanding"
        ));
    }
    if credit.kind != invoice.kind {
        refusals.add(format!(
            "{words} cannot be allocated to an incorrect invoice type"
        ));
    }
    if credit.contact != invoice.contact && !book.has(Defect::AllocationAcrossContacts) {
        refusals.add(format!(
            "{words} cannot be allocated to an invoice of another contact"
        ));
    }
    if credit.currency != invoice.currency && !book.has(Defect::AllocationAcrossCurrencies) {
        refusals.add(format!(
            "{words} cannot be allocated to an invoice in another currency"
        ));
    }
    let date = element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now));
    invoices::check_lock(book, writing, date, &mut refusals);
    refusals.into_result(())?;

    let at = contacts::stamp_of(writing, element);
    if !book.has(Defect::AllocationNotCredited) {
        invoice.credited = invoice.credited.saturating_add(amount);
    }
    invoice.settle(date);
    payments::touch(book, writing, &mut invoice, at);
    let id = match element::guid(element, "AllocationID")? {
        Some(id) => id,
        None => book.new_id(),
    };
    credit.allocations.push(credits::Allocation {
        id,
        invoice: invoice.id,
        amount,
        date,
    });
    credit.settle(date);
    credits::touch(book, writing, &mut credit, at);
    Ok(id)
}

/// Takes an allocation back: the invoice is due again, the credit remains again.
pub(crate) fn remove(
    book: &mut Book,
    writing: &Writing,
    of: Guid,
    allocation: Guid,
) -> Option<Result<Map<String, Value>, Refusals>> {
    let mut credit = book.credits.get(of).cloned()?;
    let position = credit
        .allocations
        .iter()
        .position(|known| known.id == allocation)?;
    let gone = credit.allocations.remove(position);
    let mut refusals = Refusals::default();
    invoices::check_lock(book, writing, gone.date, &mut refusals);
    if let Err(refusals) = refusals.into_result(()) {
        return Some(Err(refusals));
    }
    if let Some(mut invoice) = book.invoices.get(gone.invoice).cloned() {
        if !book.has(Defect::AllocationTakenBackStays) {
            invoice.credited = invoice.credited.saturating_sub(gone.amount);
        }
        invoice.settle(gone.date);
        payments::touch(book, writing, &mut invoice, writing.now);
    }
    credit.settle(gone.date);
    credits::touch(book, writing, &mut credit, writing.now);
    let shown = json!({
        "AllocationID": gone.id.to_string(), "Amount": money::number(gone.amount, 2), "Date": dates::date(gone.date),
        "Invoice": {"InvoiceID": gone.invoice.to_string()}, "IsDeleted": true,
    });
    Some(Ok(shown.as_object().cloned().unwrap_or_default()))
}

/// An allocation as the answer to its creation shows it: the published example has no id there.
pub(crate) fn render_created(book: &Book, of: Guid, id: Guid) -> Map<String, Value> {
    let Some(credit) = book.credits.get(of) else {
        return Map::new();
    };
    let Some(made) = credit.allocations.iter().find(|known| known.id == id) else {
        return Map::new();
    };
    let own = json!({credit.form.id_member(): credit.id.to_string(), "ID": credit.id.to_string(), "LineItems": []});
    let value = json!({
        "Amount": money::number(made.amount, 2), "Date": dates::date(made.date),
        "Invoice": {"InvoiceID": made.invoice.to_string(), "Payments": [], "CreditNotes": [], "Prepayments": [], "Overpayments": [],
            "HasErrors": false, "IsDiscounted": false, "LineItems": [], "ValidationErrors": []},
        credit.form.member(): own, "ValidationErrors": [],
    });
    value.as_object().cloned().unwrap_or_default()
}
