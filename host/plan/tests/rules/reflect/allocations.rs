//! Credits set against invoices, and taken off again.

use super::{Books, holds, note_id, told};
use footbridge_model::receivable::DocumentKind;
use serde_json::{Value, json};

fn invoice(credited: &str, due: &str) -> Value {
    json!({
        "amount_due": due, "amount_credited": credited,
        "credits": [{"kind": "credit-note", "id": "c", "amount": credited}],
    })
}

fn note(left: &str, allocations: Value) -> Value {
    json!({"remaining_credit": left, "allocations": allocations})
}

fn one(amount: &str) -> Value {
    json!([{"id": "a", "invoice": "1", "amount": amount, "date": "2026-09-12"}])
}

#[test]
fn an_allocation_belongs_to_its_invoice_and_names_its_credit() {
    let books = Books::new().invoice("1", invoice("40", "80")).credit(
        DocumentKind::CreditNote,
        "c",
        note("20", one("40")),
    );
    let done = books.documents();
    let allocation = done.plan.ops.last().unwrap();
    assert_eq!(
        allocation.after,
        [done.plan.ops[0].id.clone()],
        "after its invoice"
    );
    let shown: Value = serde_json::from_str(&allocation.doc.canonical()).unwrap();
    assert_eq!(
        shown,
        json!({
            "key": "led-1/allocation/a", "organisation": "led-1", "ledger_id": "a", "kind": "allocation",
            "name": "Allocation of 2026-09-12, 40.00 GBP", "document_key": "led-1/invoice/1", "account": "001ACME",
            "status": "recorded", "date": "2026-09-12", "amount": "40", "currency": "GBP", "currency_rate": "1",
            "base_amount": "40", "reference": "Credit note CN-c",
        })
    );
}

#[test]
fn an_allocation_taken_off_is_reversed_once_the_amounts_say_so() {
    let mut books = Books::new().invoice("1", invoice("40", "80")).credit(
        DocumentKind::CreditNote,
        "c",
        note("20", one("40")),
    );
    books.settle();
    // The list is short, and the amounts still count it: nothing is said of it.
    let short = books
        .clone()
        .credit(DocumentKind::CreditNote, "c", note("20", json!([])));
    let done = short.documents();
    assert_eq!(
        holds(&done),
        [(
            "amounts-dont-add-up".to_owned(),
            "led-1/credit-note/c".to_owned()
        )]
    );
    assert_eq!(done.plan.ops.len(), 0);
    books =
        books
            .invoice("1", json!({}))
            .credit(DocumentKind::CreditNote, "c", note("60", json!([])));
    books.settle();
    assert_eq!(books.shows("led-1/allocation/a")["status"], "reversed");
    assert_eq!(
        told(
            &books.document(&note_id("c")),
            &["status", "remaining_credit"]
        ),
        ["credit-unallocated", "60"]
    );
    assert_eq!(books.settle(), 0);
    // Voided as a whole.
    books = books.credit(
        DocumentKind::CreditNote,
        "c",
        json!({"status": "voided", "remaining_credit": "0"}),
    );
    books.settle();
    assert_eq!(books.document(&note_id("c"))["status"], "voided");
}

#[test]
fn an_allocation_that_cant_be_told_waits_alone() {
    for (allocations, reason) in [
        (
            json!([{"id": "a", "invoice": "ghost", "amount": "40"}]),
            "waits-for-another",
        ),
        (json!([{"invoice": "1", "amount": "40"}]), "not-reported"),
    ] {
        let done = Books::new()
            .invoice("1", invoice("40", "80"))
            .credit(DocumentKind::CreditNote, "c", note("20", allocations))
            .documents();
        assert_eq!(holds(&done)[0].0, reason);
        assert_eq!(done.plan.ops.len(), 2, "both documents go on");
    }
}
