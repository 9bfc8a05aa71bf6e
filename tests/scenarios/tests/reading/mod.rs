//! What the Xero connector reads of money that comes and goes, where Xero tells as little as it may.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use footbridge_model::plugin::{Item, Presence};
use footbridge_scenarios::{Ledger, Setting};
use footbridge_simulators::xero::{RefundDocument, Switches};
use serde_json::{Value, json};
use std::path::Path;

fn doc(item: &Item) -> Value {
    serde_json::from_str(&item.doc).unwrap()
}

fn only(items: &[Item]) -> &Item {
    assert_eq!(items.len(), 1, "{items:?}");
    items.first().unwrap()
}

/// A customer with one authorised invoice of 120.
fn invoice(ledger: &Ledger, name: &str) -> (String, String) {
    let contact = ledger
        .load("Contacts", "ContactID", json!({ "Name": name }))
        .unwrap();
    let invoice = ledger.load(
        "Invoices",
        "InvoiceID",
        json!({
            "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "Date": "2026-09-01", "DueDate": "2026-10-01",
            "LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "OUTPUT2"}],
        }),
    );
    (contact, invoice.unwrap())
}

fn payment(ledger: &Ledger, member: &str, id: &str, of: &str, amount: u32) -> String {
    let record = json!({member: {id: of}, "Account": {"Code": "090"}, "Date": "2026-09-10", "Amount": amount, "Reference": "by bank"});
    ledger.load("Payments", "PaymentID", record).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_xero_tells_of_money_is_read_in_few_calls() {
    let setting = Setting::open(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios"))
        .await
        .unwrap();
    for refund_document in [RefundDocument::AsInvoice, RefundDocument::ByKind] {
        let switches = Switches {
            refund_document,
            ..Switches::default()
        };
        let at = "2026-09-14T09:00:00Z".parse().unwrap();
        let ledger = Ledger::open(&setting, at, switches).await.unwrap();
        told_of_payments(&ledger).await;
        told_of_credits(&ledger).await;
    }
}

async fn told_of_payments(ledger: &Ledger) {
    let (contact, paid_one) = invoice(ledger, "Acme");
    ledger.later();
    // Each run reads the last minutes before the latest change again: this one keeps the other out of them.
    let (_, latest) = invoice(ledger, "Cold");
    ledger.later();
    let (items, invoices, _) = ledger.changes("invoice", None).await.unwrap();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| doc(item)["amount_due"] == "120"));
    let (items, payments, calls) = ledger.changes("payment", None).await.unwrap();
    assert_eq!((items.len(), calls), (0, 2));

    let paid = payment(ledger, "Invoice", "InvoiceID", &paid_one, 50);
    ledger.later();
    let (items, payments, calls) = ledger.changes("payment", payments).await.unwrap();
    let told = doc(only(&items));
    assert_eq!(calls, 2);
    assert_eq!(
        json!([
            told["document"],
            told["customer"],
            told["amount"],
            told["kind"],
            told["status"],
            told["account"]
        ]),
        json!([paid_one, contact, "50", "receipt", "authorised", "090"])
    );
    let (items, invoices, _) = ledger.changes("invoice", invoices).await.unwrap();
    assert_eq!(
        only(&items).id,
        latest,
        "a payment does not stamp its invoice"
    );
    let found = ledger.fetch("invoice", &[&paid_one]).await.unwrap();
    let told = doc(only(&found.items));
    assert_eq!(
        (&told["amount_due"], &told["amount_paid"]),
        (&json!("70"), &json!("50"))
    );
    assert_eq!(
        told["payments"],
        json!([{"amount": "50", "date": "2026-09-10", "id": paid}])
    );

    ledger
        .load(
            "Payments",
            "PaymentID",
            json!({"PaymentID": paid, "Status": "DELETED"}),
        )
        .unwrap();
    ledger.later();
    let (items, payments, calls) = ledger.changes("payment", payments).await.unwrap();
    assert_eq!(
        calls, 2,
        "reads by modification do not show it, the reading of deletions does"
    );
    assert_eq!(only(&items).presence, Presence::Deleted);
    assert_eq!(doc(only(&items))["status"], "deleted");
    assert_eq!(doc(only(&items))["amount"], "50");
    ledger.later();
    let (items, _, _) = ledger.changes("payment", payments).await.unwrap();
    assert_eq!(
        only(&items).id,
        paid,
        "seen again, which the host's mirror knows"
    );
    let (items, ..) = ledger.changes("invoice", invoices).await.unwrap();
    assert_eq!(only(&items).id, latest);
    let found = ledger.fetch("payment", &[&paid]).await.unwrap();
    assert_eq!(only(&found.items).presence, Presence::Deleted);
    let found = ledger.find("payment", "document", &paid_one).await.unwrap();
    assert_eq!(only(&found.items).id, paid);
}

async fn told_of_credits(ledger: &Ledger) {
    let (contact, invoice) = invoice(ledger, "Bold");
    let note = ledger.load(
        "CreditNotes",
        "CreditNoteID",
        json!({
            "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "Date": "2026-09-05",
            "LineItems": [{"Description": "Back", "Quantity": 1, "UnitAmount": 30, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}],
        }),
    );
    let note = note.unwrap();
    for (kind, id) in [
        ("RECEIVE-OVERPAYMENT", "OverpaymentID"),
        ("RECEIVE-PREPAYMENT", "PrepaymentID"),
    ] {
        let made = ledger.xero.load(
            "BankTransactions",
            json!({
                "Type": kind, "Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "Date": "2026-09-06", "Reference": "too early",
                "LineItems": [{"Description": "Money", "Quantity": 1, "UnitAmount": 40, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}],
            }),
        );
        assert!(made.unwrap()[id].is_string());
    }
    ledger
        .xero
        .allocate(
            &note,
            json!({"Invoice": {"InvoiceID": invoice}, "Amount": 20, "Date": "2026-09-07"}),
        )
        .unwrap();
    let refund = payment(ledger, "CreditNote", "CreditNoteID", &note, 10);
    ledger.later();

    let (items, _, calls) = ledger.changes("credit-note", None).await.unwrap();
    let told = doc(only(&items));
    assert_eq!(calls, 1);
    assert_eq!(
        json!([
            told["kind"],
            told["status"],
            told["total"],
            told["remaining_credit"],
            told["customer"],
            told["accounts"]
        ]),
        json!(["receivable", "paid", "30", "0", contact, ["200"]])
    );
    assert_eq!(told["allocations"][0]["invoice"], json!(invoice));
    assert_eq!(told["allocations"][0]["amount"], "20");
    assert!(told["allocations"][0]["id"].is_string());
    assert_eq!(
        told["payments"],
        json!([{"amount": "10", "date": "2026-09-10", "id": refund}])
    );
    for object in ["overpayment", "prepayment"] {
        let (items, _, calls) = ledger.changes(object, None).await.unwrap();
        let told = doc(only(&items));
        assert_eq!(
            (&told["remaining_credit"], &told["reference"], calls),
            (&json!("40"), &json!("too early"), 1)
        );
        let found = ledger.find(object, "customer", &contact).await.unwrap();
        assert_eq!((only(&found.items), found.complete), (only(&items), true));
        let found = ledger.fetch(object, &[&only(&items).id]).await.unwrap();
        assert_eq!(only(&found.items), only(&items));
    }
    let found = ledger.fetch("payment", &[&refund]).await.unwrap();
    let told = doc(only(&found.items));
    assert_eq!(
        json!([
            told["document"],
            told["document_kind"],
            told["kind"],
            told["document_number"]
        ]),
        json!([note, "credit-note", "refund", "CN-0001"])
    );
    let found = ledger.fetch("invoice", &[&invoice]).await.unwrap();
    let told = doc(only(&found.items));
    assert_eq!(
        told["credits"],
        json!([{"amount": "20", "id": note, "kind": "credit-note"}])
    );
    assert_eq!(
        (&told["amount_credited"], &told["amount_due"]),
        (&json!("20"), &json!("100"))
    );
}
