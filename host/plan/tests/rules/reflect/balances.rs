//! Balances per customer and currency: invoices less what the customer has in hand, overdue as of the organisation's day.

use super::{Books, holds, invoice_id, told};
use footbridge_model::receivable::DocumentKind;
use serde_json::{Value, json};

const FIELDS: [&str; 8] = [
    "invoiced_due",
    "unallocated_credits",
    "balance",
    "base_balance",
    "overdue",
    "open_documents",
    "average_days_to_pay",
    "account",
];

fn paid(on: &str) -> Value {
    json!({"status": "paid", "amount_due": "0", "amount_paid": "120", "fully_paid_on": on})
}

#[test]
fn invoices_less_unallocated_credits_overpayments_and_prepayments() {
    let mut books = Books::new()
        .invoice("due", json!({"due_date": "2026-10-05"}))
        .invoice(
            "late",
            json!({"due_date": "2026-10-04", "amount_due": "70", "amount_paid": "50"}),
        )
        .invoice("draft", json!({"status": "draft"}))
        .invoice("void", json!({"status": "voided", "amount_due": "0"}))
        .invoice("paid", paid("2026-09-21"))
        .invoice("slow", paid("2026-10-02"))
        .credit(DocumentKind::CreditNote, "c", json!({}))
        .credit(
            DocumentKind::Overpayment,
            "o",
            json!({"total": "5", "remaining_credit": "5"}),
        )
        .credit(
            DocumentKind::Prepayment,
            "p",
            json!({"total": "7.5", "remaining_credit": "7.50"}),
        )
        .invoice("usd", json!({"currency": "USD", "currency_rate": "1.25"}));
    books.settle();
    assert_eq!(
        told(&books.balance("GBP"), &FIELDS),
        [
            "190", "72.5", "117.5", "117.5", "70", "5", "25.5", "001ACME"
        ]
    );
    assert_eq!(
        told(&books.balance("USD"), &FIELDS),
        ["120", "0", "120", "96", "120", "1", "-", "001ACME"]
    );
    assert_eq!(
        told(&books.balance("GBP"), &["name", "role", "base_currency"]),
        ["Acme Ltd GBP", "billing", "GBP"]
    );
}

#[test]
fn days_to_pay_leave_out_what_was_credited_or_given_up() {
    let credited = json!({
        "status": "paid", "amount_due": "0", "amount_credited": "120", "fully_paid_on": "2026-12-01",
        "credits": [{"kind": "credit-note", "id": "c", "amount": "120"}],
    });
    let mut books = Books::new()
        .invoice("1", paid("2026-09-11"))
        .invoice("credited", credited)
        .invoice("lost", paid("2026-12-01"))
        .payment("p", invoice_id("lost"), json!({"account": "409"}));
    books.settle();
    assert_eq!(books.balance("GBP")["average_days_to_pay"], "10");
}

#[test]
fn a_day_that_passes_changes_overdue_and_nothing_else() {
    let mut books = Books::new()
        .invoice("1", json!({"due_date": "2026-10-05"}))
        .invoice("2", json!({"due_date": "2026-11-05"}));
    books.settle();
    books.today = "2026-10-06";
    assert_eq!(books.documents().plan.ops.len(), 0);
    let done = books.balances();
    let written: Vec<_> = done.plan.ops.iter().map(|op| op.doc.canonical()).collect();
    assert_eq!(written, [r#"{"key":"led-1/acme/GBP","overdue":"120"}"#]);
}

#[test]
fn a_balance_waits_while_one_of_its_documents_cant_be_told() {
    let mut books = Books::new()
        .invoice("1", json!({}))
        .invoice("2", json!({"amount_due": "1"}));
    books.settle();
    let done = books.balances();
    assert_eq!(
        holds(&done),
        [("waits-for-another".to_owned(), "led-1/acme/GBP".to_owned())]
    );
    books = books.invoice("2", json!({}));
    books.settle();
    assert_eq!(books.balance("GBP")["balance"], "240");
    // One that can no longer be read at all still belongs to its customer.
    books = books.invoice("2", json!({"total": "much"}));
    let documents = books.documents();
    books.apply(&documents);
    assert_eq!(books.balances().plan.holds.len(), 1);
    // One that can no longer be seen counts for what it did.
    books = books.invoice("2", json!({}));
    books.settle();
    books.not_visible.insert("2".to_owned());
    let documents = books.documents();
    books.apply(&documents);
    assert_eq!(
        (
            books.balances().plan.ops.len(),
            books.balances().plan.holds.len()
        ),
        (0, 0)
    );
}

#[test]
fn in_yen_and_in_a_base_currency_without_cents() {
    let yen = json!({
        "currency": "JPY", "currency_rate": "187.5", "total": "14814", "amount_due": "14814", "due_date": "2026-12-01",
    });
    let mut books = Books::new().invoice("1", yen.clone()).invoice("2", yen);
    books.settle();
    assert_eq!(
        told(&books.balance("JPY"), &FIELDS)[..5],
        ["29628", "0", "29628", "158.02", "0"]
    );
    let mut books = Books::new().invoice("1", json!({"currency_rate": "0.0053"}));
    books.base = "JPY";
    books.settle();
    assert_eq!(
        told(&books.balance("GBP"), &FIELDS)[..4],
        ["120", "0", "120", "22642"]
    );
}
