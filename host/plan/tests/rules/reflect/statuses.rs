//! The status of every document, as a table; and what keeps one from having any.

use super::{Books, holds, invoice_id, note_id, told};
use footbridge_model::receivable::{DocumentId, DocumentKind};
use serde_json::{Value, json};

#[test]
fn every_invoice_has_its_status() {
    let settled = |with: Value| {
        let mut doc = json!({"status": "paid", "amount_due": "0", "fully_paid_on": "2026-09-21"});
        doc.as_object_mut()
            .unwrap()
            .extend(with.as_object().unwrap().clone());
        doc
    };
    let credit = |kind: &str| json!([{"kind": kind, "id": "c", "amount": "120"}]);
    for (invoice, payment_to, status, days) in [
        (json!({"status": "draft"}), None, "draft", "-"),
        (json!({"status": "submitted"}), None, "draft", "-"),
        (json!({}), None, "awaiting-payment", "-"),
        // Long overdue, and that is no status.
        (
            json!({"due_date": "2020-01-01"}),
            None,
            "awaiting-payment",
            "-",
        ),
        (
            json!({"amount_due": "70", "amount_paid": "50"}),
            None,
            "part-paid",
            "-",
        ),
        (
            json!({"amount_due": "70", "amount_credited": "50"}),
            None,
            "part-paid",
            "-",
        ),
        // The customer will deduct: nothing was settled yet.
        (
            json!({"amount_due": "100", "amount_deducted": "20"}),
            None,
            "awaiting-payment",
            "-",
        ),
        (
            settled(json!({"amount_paid": "120"})),
            Some("090"),
            "paid",
            "20",
        ),
        (
            settled(json!({"amount_paid": "100", "amount_deducted": "20"})),
            Some("090"),
            "paid",
            "20",
        ),
        (
            settled(json!({"amount_paid": "20", "amount_credited": "100"})),
            Some("090"),
            "paid",
            "20",
        ),
        (
            settled(json!({"amount_credited": "120", "credits": credit("credit-note")})),
            None,
            "credited",
            "-",
        ),
        (
            settled(json!({"amount_credited": "120", "credits": null})),
            None,
            "credited",
            "-",
        ),
        (
            settled(json!({"amount_credited": "120", "credits": credit("prepayment")})),
            None,
            "paid",
            "20",
        ),
        (
            settled(json!({"amount_credited": "120", "credits": credit("overpayment")})),
            None,
            "paid",
            "20",
        ),
        (
            settled(json!({"amount_paid": "120"})),
            Some("409"),
            "written-off",
            "-",
        ),
        (
            settled(json!({"amount_paid": "0", "sub_total": "0", "total_tax": "0", "total": "0"})),
            None,
            "paid",
            "20",
        ),
        (
            json!({"status": "voided", "amount_due": "0"}),
            None,
            "voided",
            "-",
        ),
        (
            json!({"status": "deleted", "amount_due": "0"}),
            None,
            "deleted",
            "-",
        ),
    ] {
        let mut books = Books::new().invoice("1", json!({}));
        books.settle();
        books = books.invoice("1", invoice.clone());
        if let Some(account) = payment_to {
            let paid = invoice["amount_paid"].clone();
            books = books.payment(
                "p",
                invoice_id("1"),
                json!({"account": account, "amount": paid}),
            );
        }
        books.settle();
        let shown = books.document(&invoice_id("1"));
        assert_eq!(
            told(&shown, &["status", "days_to_pay"]),
            [status, days],
            "{invoice}"
        );
    }
}

#[test]
fn every_credit_has_its_status() {
    let allocated =
        |amount: &str| json!([{"id": "a", "invoice": "1", "amount": amount, "date": "2026-09-11"}]);
    let refunded = |amount: &str| json!([{"id": "r", "amount": amount, "date": "2026-09-11"}]);
    for (credit, status, left) in [
        (json!({"status": "draft"}), "draft", "60"),
        (json!({}), "credit-unallocated", "60"),
        (
            json!({"remaining_credit": "20", "allocations": allocated("40")}),
            "credit-unallocated",
            "20",
        ),
        (
            json!({"status": "paid", "remaining_credit": "0", "allocations": allocated("60")}),
            "credited",
            "0",
        ),
        (
            json!({"status": "paid", "remaining_credit": "0", "payments": refunded("60")}),
            "refunded",
            "0",
        ),
        (
            json!({"status": "paid", "remaining_credit": "0", "allocations": allocated("40"), "payments": refunded("20")}),
            "refunded",
            "0",
        ),
        // Refunds weren't read: what allocations don't explain went back.
        (
            json!({"status": "paid", "remaining_credit": "0", "payments": null}),
            "refunded",
            "0",
        ),
        (
            json!({"status": "voided", "remaining_credit": "0"}),
            "voided",
            "0",
        ),
        (
            json!({"status": "deleted", "remaining_credit": "0"}),
            "deleted",
            "0",
        ),
    ] {
        for kind in [
            DocumentKind::CreditNote,
            DocumentKind::Overpayment,
            DocumentKind::Prepayment,
        ] {
            let mut books = Books::new()
                .invoice("1", json!({}))
                .credit(kind, "c", json!({}));
            books.settle();
            books = books.credit(kind, "c", credit.clone());
            books.settle();
            let shown = books.document(&DocumentId::new(kind, "c"));
            assert_eq!(
                told(
                    &shown,
                    &["status", "remaining_credit", "amount_due", "amount_paid"]
                ),
                [status, left, "0", "-"],
                "{kind:?} {credit}"
            );
        }
    }
}

#[test]
fn a_draft_that_was_deleted_before_anyone_saw_it_is_not_shown() {
    let mut books = Books::new().invoice("1", json!({"status": "deleted", "amount_due": "0"}));
    assert_eq!(books.settle(), 0, "nor a balance with nothing in it");
}

#[test]
fn giving_up_by_a_credit_note_is_told_from_crediting() {
    let invoice = json!({
        "status": "paid", "amount_due": "0", "amount_credited": "120", "fully_paid_on": "2026-09-21",
        "credits": [{"kind": "credit-note", "id": "c", "amount": "120"}],
    });
    for (accounts, status) in [
        (json!(["409"]), "written-off"),
        (json!(["409", "200"]), "credited"),
        (json!([]), "credited"),
        (json!(null), "credited"),
    ] {
        let note = json!({
            "status": "paid", "total": "120", "remaining_credit": "0", "accounts": accounts,
            "allocations": [{"id": "a", "invoice": "1", "amount": "120"}],
        });
        let mut books =
            Books::new()
                .invoice("1", invoice.clone())
                .credit(DocumentKind::CreditNote, "c", note);
        books.settle();
        assert_eq!(
            books.document(&invoice_id("1"))["status"],
            status,
            "{accounts}"
        );
        assert_eq!(books.document(&note_id("c"))["status"], "credited");
    }
}

#[test]
fn what_cant_be_told_waits_with_its_reason_and_the_rest_goes_on() {
    for (invoice, reason) in [
        (json!({"amount_due": "119"}), "amounts-dont-add-up"),
        (
            json!({"amount_due": "140", "amount_paid": "-20"}),
            "amounts-dont-add-up",
        ),
        (json!({"status": "paid"}), "amounts-dont-add-up"),
        (json!({"amount_due": null}), "not-reported"),
        (json!({"amount_credited": null}), "not-reported"),
        (json!({"total": null}), "not-reported"),
        (json!({"status": null}), "not-reported"),
        (json!({"status": "wondering"}), "not-reported"),
        (json!({"currency": null}), "not-reported"),
        (json!({"currency": "USD", "currency_rate": null}), "no-rate"),
        (json!({"currency": "USD", "currency_rate": "0"}), "no-rate"),
        (json!({"total": "no number"}), "not-reported"),
    ] {
        let books = Books::new()
            .invoice("1", invoice.clone())
            .invoice("2", json!({}));
        let done = books.documents();
        let key = "led-1/invoice/1".to_owned();
        assert_eq!(holds(&done), [(reason.to_owned(), key)], "{invoice}");
        let written: Vec<_> = done
            .plan
            .ops
            .iter()
            .map(|op| op.natural_key.value.as_str())
            .collect();
        assert_eq!(written, ["led-1/invoice/2"], "{invoice}");
    }
    for (credit, reason) in [
        (json!({"remaining_credit": "50"}), "amounts-dont-add-up"),
        (
            json!({"status": "paid", "remaining_credit": "60"}),
            "amounts-dont-add-up",
        ),
        (json!({"allocations": null}), "not-reported"),
        (json!({"remaining_credit": null}), "not-reported"),
        (json!({"total": null}), "not-reported"),
    ] {
        let done = Books::new()
            .credit(DocumentKind::CreditNote, "c", credit.clone())
            .documents();
        assert_eq!(holds(&done)[0].0, reason, "{credit}");
        assert_eq!(done.plan.ops.len(), 0, "{credit}");
    }
}

#[test]
fn the_payable_side_is_nobodys_business() {
    let done = Books::new()
        .invoice("bill", json!({"kind": "payable"}))
        .credit(DocumentKind::CreditNote, "c", json!({"kind": "payable"}))
        .documents();
    assert_eq!((done.plan.ops.len(), done.plan.holds.len()), (0, 0));
    assert!(done.standings.values().all(Option::is_none));
}

#[test]
fn a_document_says_what_the_vocabulary_says() {
    let mut books = Books::new().invoice("1", json!({"reference": "PO 7", "customer": "acme"}));
    books.deals.insert(invoice_id("1"), "006DEAL".to_owned());
    let done = books.documents();
    let shown: Value = serde_json::from_str(&done.plan.ops[0].doc.canonical()).unwrap();
    assert_eq!(
        shown,
        json!({
            "key": "led-1/invoice/1", "organisation": "led-1", "organisation_name": "Books", "kind": "invoice",
            "ledger_id": "1", "name": "Invoice INV-1", "number": "INV-1", "reference": "PO 7", "account": "001ACME",
            "deal": "006DEAL", "customer": "acme", "status": "awaiting-payment", "date": "2026-09-01",
            "due_date": "2026-10-01", "currency": "GBP", "currency_rate": "1", "base_currency": "GBP",
            "sub_total": "100", "total_tax": "20", "total": "120", "amount_due": "120", "amount_paid": "0",
            "amount_credited": "0", "base_total": "120", "base_amount_due": "120", "url": "https://books/1",
        })
    );
    books.apply(&done);
    // A stranger's document is shown without an account, and gains it once it is linked.
    books = books.invoice("2", json!({"customer": "stranger"}));
    books.settle();
    assert_eq!(books.document(&invoice_id("2"))["account"], json!(null));
    let account = std::collections::BTreeSet::from(["001NEW".to_owned()]);
    books
        .customers
        .entry("stranger".to_owned())
        .or_default()
        .accounts = account;
    let done = books.documents();
    let written: Vec<_> = done.plan.ops.iter().map(|op| op.doc.canonical()).collect();
    assert_eq!(written, [r#"{"account":"001NEW","key":"led-1/invoice/2"}"#]);
    // Two accounts of one customer: nobody can tell which.
    let acme = books.customers.get_mut("acme").unwrap();
    acme.accounts.insert("001OTHER".to_owned());
    assert_eq!(
        books
            .clone()
            .invoice("3", json!({}))
            .documents()
            .plan
            .ops
            .iter()
            .filter(|op| op.doc.text("account") == Some("001ACME"))
            .count(),
        0
    );
}

#[test]
fn amounts_in_yen_and_dinar_at_the_documents_rate() {
    for (currency, rate, base, base_total) in [
        ("JPY", "187.5", "GBP", "79.01"),
        ("KWD", "0.39", "GBP", "37984.62"),
        ("GBP", "1", "GBP", "14814"),
        ("USD", "0.0067", "JPY", "2211045"),
    ] {
        let mut books = Books::new();
        books.base = base;
        let total = json!({
            "currency": currency, "currency_rate": rate, "sub_total": "12345", "total_tax": "2469",
            "total": "14814", "amount_due": "14814",
        });
        books = books.invoice("1", total);
        books.settle();
        let shown = books.document(&invoice_id("1"));
        assert_eq!(
            told(
                &shown,
                &[
                    "total",
                    "currency",
                    "base_total",
                    "base_amount_due",
                    "base_currency"
                ]
            ),
            ["14814", currency, base_total, base_total, base],
        );
    }
}

#[test]
fn what_the_crm_changes_back_three_times_in_a_day_waits() {
    let mut books = Books::new().invoice("1", json!({}));
    let key = "led-1/invoice/1";
    for n in 1..=3 {
        assert_eq!(books.documents().plan.ops.len(), 1, "time {n}");
        books.settle();
        let there = books.shown.get_mut(key).unwrap().there.as_mut().unwrap();
        let text = there
            .doc
            .canonical()
            .replace("awaiting-payment", "by a trigger");
        there.doc = footbridge_model::document::Document::from_plugin(&text).unwrap();
    }
    let done = books.documents();
    assert_eq!(done.plan.ops.len(), 0);
    assert_eq!(
        holds(&done),
        [("rewritten-over-there".to_owned(), key.to_owned())]
    );
    assert!(
        done.plan.holds[0].message.contains("\"status\""),
        "{:?}",
        done.plan.holds
    );
    // Tomorrow, or with something else to say, it is written again.
    books.shown.get_mut(key).unwrap().sent.as_mut().unwrap().day = "2026-10-04".parse().unwrap();
    assert_eq!(books.documents().plan.ops.len(), 1);
}

#[test]
fn what_was_refused_or_is_unresolved_isnt_sent_again() {
    let mut books = Books::new().invoice("1", json!({}));
    let key = "led-1/invoice/1".to_owned();
    let op = books.documents().plan.ops.remove(0);
    books
        .unresolved
        .insert((op.object.to_string(), key.clone()));
    assert_eq!(
        holds(&books.documents()),
        [("unresolved-write".to_owned(), key.clone())]
    );
    books.unresolved.clear();
    books.settle();
    let shown = books.shown.get_mut(&key).unwrap();
    shown.there = None;
    shown.sent.as_mut().unwrap().refused = true;
    let done = books.documents();
    assert_eq!(
        (done.plan.ops.len(), done.plan.holds.len()),
        (0, 0),
        "refused, and nothing changed"
    );
    books = books.invoice("1", json!({"reference": "changed"}));
    assert_eq!(books.documents().plan.ops.len(), 1);
}
