//! Payments and refunds: recorded, reversed, and what they wait for.

use super::{Books, holds, invoice_id, note_id, told};
use footbridge_model::receivable::DocumentKind;
use serde_json::json;

fn paid() -> serde_json::Value {
    json!({"status": "paid", "amount_due": "0", "amount_paid": "120", "fully_paid_on": "2026-09-20"})
}

#[test]
fn a_payment_refers_to_its_document_and_comes_after_it() {
    let books = Books::new().invoice("1", paid()).payment(
        "p",
        invoice_id("1"),
        json!({"reference": "BACS", "batch": "b1"}),
    );
    let done = books.documents();
    let [document, payment] = done.plan.ops.as_slice() else {
        panic!("{:?}", done.plan.ops);
    };
    assert_eq!(payment.after, std::slice::from_ref(&document.id));
    let shown: serde_json::Value = serde_json::from_str(&payment.doc.canonical()).unwrap();
    assert_eq!(
        shown,
        json!({
            "key": "led-1/payment/p", "organisation": "led-1", "ledger_id": "p",
            "name": "Payment of 2026-09-20, 120.00 GBP", "document_key": "led-1/invoice/1", "account": "001ACME",
            "kind": "payment", "status": "recorded", "date": "2026-09-20", "amount": "120", "currency": "GBP",
            "currency_rate": "1", "base_amount": "120", "reference": "BACS", "batch": "b1", "reconciled": true,
        })
    );
}

#[test]
fn a_payment_that_is_taken_back_stays_as_reversed_and_opens_the_invoice() {
    let mut books = Books::new()
        .invoice("1", paid())
        .payment("p", invoice_id("1"), json!({}));
    books.settle();
    assert_eq!(
        told(
            &books.document(&invoice_id("1")),
            &["status", "fully_paid_on", "days_to_pay"]
        ),
        ["paid", "2026-09-20", "19"]
    );
    books =
        books
            .invoice("1", json!({}))
            .payment("p", invoice_id("1"), json!({"status": "deleted"}));
    let written: Vec<_> = books
        .documents()
        .plan
        .ops
        .iter()
        .map(|op| op.doc.canonical())
        .collect();
    assert_eq!(
        written,
        [
            r#"{"amount_due":"120","amount_paid":"0","base_amount_due":"120","days_to_pay":null,"fully_paid_on":null,"key":"led-1/invoice/1","status":"awaiting-payment"}"#,
            r#"{"key":"led-1/payment/p","status":"reversed"}"#,
        ]
    );
    books.settle();
    assert_eq!(books.settle(), 0);
    // One that came and went before anyone saw it is not worth a record.
    books = books.payment("q", invoice_id("1"), json!({"status": "deleted"}));
    assert_eq!(books.documents().plan.ops.len(), 0);
}

#[test]
fn refunds_are_told_from_payments() {
    for (kind, of, shown) in [
        (json!("receipt"), invoice_id("1"), "payment"),
        (json!(null), invoice_id("1"), "payment"),
        (json!("refund"), note_id("c"), "refund"),
        (json!(null), note_id("c"), "refund"),
    ] {
        let refund = json!({"status": "paid", "remaining_credit": "0", "payments": [{"id": "p", "amount": "60"}]});
        let mut books = Books::new()
            .invoice("1", paid())
            .credit(DocumentKind::CreditNote, "c", refund)
            .payment("p", of, json!({"kind": kind}));
        books.settle();
        assert_eq!(books.shows("led-1/payment/p")["kind"], shown);
    }
}

#[test]
fn what_a_payment_waits_for() {
    // Of a bill: ignored.
    let books =
        Books::new()
            .invoice("1", paid())
            .payment("p", invoice_id("1"), json!({"payable": true}));
    assert_eq!(books.documents().plan.ops.len(), 1);
    // The ledger doesn't show it any more and doesn't say that it is deleted: nothing is said of it.
    let mut books = Books::new()
        .invoice("1", paid())
        .payment("p", invoice_id("1"), json!({}));
    books.settle();
    books.not_visible.insert("p".to_owned());
    books = books.invoice("1", json!({}));
    let done = books.documents();
    assert_eq!(
        holds(&done),
        [("not-visible".to_owned(), "led-1/payment/p".to_owned())]
    );
    assert_eq!(done.plan.ops.len(), 1, "the invoice goes on");
    // The document itself can't be seen.
    books.not_visible = std::collections::BTreeSet::from(["1".to_owned()]);
    let done = books.documents();
    assert_eq!(
        holds(&done),
        [("not-visible".to_owned(), "led-1/invoice/1".to_owned())]
    );
    assert_eq!(done.plan.ops.len(), 0);
    // Another currency than the document's, no amount, an unreadable one.
    for (payment, reason) in [
        (json!({"currency": "USD"}), "amounts-dont-add-up"),
        (json!({"amount": null}), "not-reported"),
        (json!({"amount": "much"}), "not-reported"),
    ] {
        let books = Books::new()
            .invoice("1", paid())
            .payment("p", invoice_id("1"), payment);
        assert_eq!(holds(&books.documents())[0].0, reason);
        assert_eq!(books.documents().plan.ops.len(), 1);
    }
    // Its document was refused by the CRM.
    let mut books = Books::new().invoice("1", paid());
    books.settle();
    let shown = books.shown.get_mut("led-1/invoice/1").unwrap();
    shown.there = None;
    shown.sent.as_mut().unwrap().refused = true;
    books = books.payment("p", invoice_id("1"), json!({}));
    let done = books.documents();
    assert_eq!(
        holds(&done),
        [("waits-for-another".to_owned(), "led-1/payment/p".to_owned())]
    );
}

#[test]
fn payments_convert_at_the_documents_rate() {
    let yen = json!({
        "currency": "JPY", "currency_rate": "187.5", "sub_total": "12345", "total_tax": "2469", "total": "14814",
        "status": "paid", "amount_due": "0", "amount_paid": "14814",
    });
    let mut books = Books::new().invoice("1", yen).payment(
        "p",
        invoice_id("1"),
        json!({"amount": "14814", "currency": "JPY", "currency_rate": "200"}),
    );
    books.settle();
    let shown = books.shows("led-1/payment/p");
    assert_eq!(
        told(&shown, &["amount", "currency_rate", "base_amount", "name"]),
        [
            "14814",
            "187.5",
            "79.01",
            "Payment of 2026-09-20, 14814 JPY"
        ]
    );
}
