//! Money that comes and goes: payments and refunds, credit notes, overpayments, prepayments, batches.

use serde_json::{Value, json};

use super::support::{Xero, authorised, but};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn read(xero: &Xero, collection: &str, id: &str) -> Value {
    let answer = xero.get(&format!("{collection}/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body[collection][0].clone()
}

fn figures(document: &Value, fields: &[&str]) -> Vec<String> {
    fields
        .iter()
        .map(|field| document[*field].to_string().replace('"', ""))
        .collect()
}

async fn note(xero: &Xero, contact: &str, amount: u32, more: Value) -> Value {
    let note = but(
        &json!({
            "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "Date": "2026-09-14",
            "LineItems": [{"Description": "Back", "Quantity": 1, "UnitAmount": amount, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}],
        }),
        more,
    );
    let made = xero
        .put("CreditNotes", json!({ "CreditNotes": [note] }))
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.body["CreditNotes"][0].clone()
}

async fn advance(xero: &Xero, contact: &str, kind: &str, amount: u32) -> String {
    let line = json!({"Description": "Money", "Quantity": 1, "UnitAmount": amount, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"});
    let made = xero
        .put(
            "BankTransactions",
            json!({"BankTransactions": [{
                "Type": kind, "Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "Date": "2026-09-14",
                "Reference": "too much", "LineItems": [line],
            }]}),
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = &made.body["BankTransactions"][0];
    let id = if kind.ends_with("OVERPAYMENT") {
        "OverpaymentID"
    } else {
        "PrepaymentID"
    };
    text(&made[id])
}

fn allocation(invoice: &Value, amount: u32) -> Value {
    json!({"Allocations": [{"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount, "Date": "2026-09-14"}]})
}

#[tokio::test]
async fn a_credit_note_is_written_allocated_and_taken_back() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let invoice = xero.invoice(&contact).await;
    let id = text(&invoice["InvoiceID"]);
    let draft = note(&xero, &contact, 120, json!({"Status": "DRAFT"})).await;
    let credit = text(&draft["CreditNoteID"]);
    let path = format!("CreditNotes/{credit}/Allocations");
    assert_eq!(
        xero.put(&path, allocation(&invoice, 20)).await.messages(),
        ["Credit Notes can only be allocated between Authorised documents"]
    );
    let approved = xero
        .post(
            &format!("CreditNotes/{credit}"),
            json!({"Status": "AUTHORISED"}),
        )
        .await;
    assert_eq!(
        approved.body["CreditNotes"][0]["CreditNoteNumber"],
        "CN-0001"
    );

    let made = xero.put(&path, allocation(&invoice, 20)).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(
        made.body["Allocations"][0]["Invoice"]["InvoiceID"],
        id.as_str()
    );
    let fields = ["Status", "AmountDue", "AmountPaid", "AmountCredited"];
    let now = read(&xero, "Invoices", &id).await;
    assert_eq!(
        figures(&now, &fields),
        ["AUTHORISED", "100.00", "0.00", "20.00"]
    );
    assert_eq!(now["CreditNotes"][0]["AppliedAmount"].to_string(), "20.00");
    assert_eq!(
        xero.post(
            &format!("CreditNotes/{credit}"),
            json!({"Status": "VOIDED"})
        )
        .await
        .messages(),
        ["This document cannot be edited as it has a payment or credit note allocated to it."]
    );
    assert_eq!(
        xero.put(&path, allocation(&invoice, 101)).await.messages(),
        ["Credit Note cannot be allocated as amount is greater than amount outstanding"]
    );
    xero.put(&path, allocation(&invoice, 100)).await;
    let now = read(&xero, "Invoices", &id).await;
    assert_eq!(figures(&now, &fields), ["PAID", "0.00", "0.00", "120.00"]);
    assert_eq!(now["FullyPaidOnDate"], "/Date(1789344000000+0000)/");
    let whole = read(&xero, "CreditNotes", &credit).await;
    assert_eq!(
        figures(&whole, &["Status", "RemainingCredit"]),
        ["PAID", "0.00"]
    );
    assert!(
        xero.put(&path, allocation(&invoice, 1))
            .await
            .messages()
            .contains(
                &"The invoice you are trying to allocate to has already been paid off".to_owned()
            )
    );

    let last = text(&whole["Allocations"][1]["AllocationID"]);
    let gone = xero
        .call("DELETE", &format!("{path}/{last}"), None, &[])
        .await;
    assert_eq!((gone.status, &gone.body["IsDeleted"]), (200, &json!(true)));
    let now = read(&xero, "Invoices", &id).await;
    assert_eq!(
        figures(&now, &fields),
        ["AUTHORISED", "100.00", "0.00", "20.00"]
    );
    assert_eq!(now.get("FullyPaidOnDate"), None);
    let again = xero
        .call("DELETE", &format!("{path}/{last}"), None, &[])
        .await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn allocations_stay_within_contact_kind_and_currency() {
    let xero = Xero::new().await;
    let (a, b) = (xero.contact("A").await, xero.contact("B").await);
    let credit = note(&xero, &a, 50, json!({})).await;
    let path = format!("CreditNotes/{}/Allocations", text(&credit["CreditNoteID"]));
    let other = xero.invoice(&b).await;
    assert_eq!(
        xero.put(&path, allocation(&other, 10)).await.messages(),
        ["Credit Note cannot be allocated to an invoice of another contact"]
    );
    let euros = xero
        .put(
            "Invoices",
            but(&authorised(&a), json!({"CurrencyCode": "EUR"})),
        )
        .await
        .body["Invoices"][0]
        .clone();
    assert_eq!(
        xero.put(&path, allocation(&euros, 10)).await.messages(),
        ["Credit Note cannot be allocated to an invoice in another currency"]
    );
    let bill = but(
        &authorised(&a),
        json!({"Type": "ACCPAY", "InvoiceNumber": "B-1", "LineItems": [{"Description": "Paper", "Quantity": 1, "UnitAmount": 50, "AccountCode": "400"}]}),
    );
    let bill = xero.put("Invoices", bill).await.body["Invoices"][0].clone();
    assert_eq!(
        xero.put(&path, allocation(&bill, 10)).await.messages(),
        ["Credit Note cannot be allocated to an incorrect invoice type"]
    );
    assert_eq!(
        read(&xero, "CreditNotes", &text(&credit["CreditNoteID"])).await["RemainingCredit"]
            .to_string(),
        "50.00",
        "refused allocations leave nothing behind"
    );
}

#[tokio::test]
async fn overpayments_and_prepayments_are_born_of_the_bank() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let invoice = xero.invoice(&contact).await;
    assert_eq!(
        xero.put("Overpayments", json!({"Overpayments": [{}]}))
            .await
            .status,
        405
    );
    for (kind, collection, lines) in [
        ("RECEIVE-OVERPAYMENT", "Overpayments", "610"),
        ("RECEIVE-PREPAYMENT", "Prepayments", "200"),
    ] {
        let id = advance(&xero, &contact, kind, 30).await;
        let made = read(&xero, collection, &id).await;
        assert_eq!(
            figures(&made, &["Type", "Status", "Total", "RemainingCredit"]),
            [kind, "AUTHORISED", "30.00", "30.00"]
        );
        assert_eq!(made["LineItems"][0]["AccountCode"], lines);
        let path = format!("{collection}/{id}/Allocations");
        assert_eq!(xero.put(&path, allocation(&invoice, 10)).await.status, 200);
        let listed = xero.get(&format!("{collection}?page=1")).await;
        let listed = &listed.body[collection][0];
        assert_eq!(figures(listed, &["RemainingCredit"]), ["20.00"]);
        assert_eq!(figures(&listed["Allocations"][0], &["Amount"]), ["10.00"]);
    }
    let now = read(&xero, "Invoices", &text(&invoice["InvoiceID"])).await;
    assert_eq!(
        figures(&now, &["AmountDue", "AmountCredited"]),
        ["100.00", "20.00"]
    );
    assert_eq!(now["Overpayments"].as_array().unwrap().len(), 1);
    assert_eq!(now["Prepayments"].as_array().unwrap().len(), 1);
    let unused = advance(&xero, &contact, "RECEIVE-OVERPAYMENT", 5).await;
    let bank = xero
        .get(&format!(
            "BankTransactions?where=OverpaymentID%3D%3DGuid(%22{unused}%22)"
        ))
        .await;
    let bank = text(&bank.body["BankTransactions"][0]["BankTransactionID"]);
    xero.post(
        &format!("BankTransactions/{bank}"),
        json!({"Status": "DELETED"}),
    )
    .await;
    let voided = read(&xero, "Overpayments", &unused).await;
    assert_eq!(
        figures(&voided, &["Status", "Total", "RemainingCredit"]),
        ["VOIDED", "5.00", "0.00"]
    );
    let used = xero
        .get("BankTransactions?where=Type%3D%3D%22RECEIVE-PREPAYMENT%22")
        .await;
    let used = text(&used.body["BankTransactions"][0]["BankTransactionID"]);
    assert_eq!(
        xero.post(
            &format!("BankTransactions/{used}"),
            json!({"Status": "DELETED"})
        )
        .await
        .status,
        400
    );
}

#[tokio::test]
async fn refunds_are_payments_that_name_the_credit_under_invoice() {
    for (switch, member) in [("as-invoice", "Invoice"), ("by-kind", "")] {
        let xero = Xero::with(|options| {
            options.switches.set("refund-document", switch).unwrap();
        })
        .await;
        let contact = xero.contact("A").await;
        let credit = note(&xero, &contact, 50, json!({})).await;
        let over = advance(&xero, &contact, "RECEIVE-OVERPAYMENT", 20).await;
        let pre = advance(&xero, &contact, "RECEIVE-PREPAYMENT", 20).await;
        for (own, named, kind, shown) in [
            (
                "CreditNote",
                json!({"CreditNoteID": credit["CreditNoteID"]}),
                "ARCREDITPAYMENT",
                "ACCRECCREDIT",
            ),
            (
                "Overpayment",
                json!({"OverpaymentID": over}),
                "AROVERPAYMENTPAYMENT",
                "AROVERPAYMENT",
            ),
            (
                "Prepayment",
                json!({"PrepaymentID": pre}),
                "ARPREPAYMENTPAYMENT",
                "ARPREPAYMENT",
            ),
        ] {
            let refund =
                json!({own: named, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": 20});
            let paid = xero.put("Payments", json!({"Payments": [refund]})).await;
            assert_eq!(paid.status, 200, "{}", paid.text);
            let paid = &paid.body["Payments"][0];
            assert_eq!(paid["PaymentType"], kind);
            let member = if member.is_empty() { own } else { member };
            assert!(paid[member].is_object(), "{paid}");
            if member == "Invoice" {
                assert_eq!(paid["Invoice"]["Type"], shown);
                let id = named.as_object().unwrap().values().next().unwrap();
                assert_eq!(&paid["Invoice"]["InvoiceID"], id);
            }
        }
        let over = read(&xero, "Overpayments", &over).await;
        assert_eq!(
            figures(&over, &["Status", "RemainingCredit"]),
            ["PAID", "0.00"]
        );
        let id = text(&credit["CreditNoteID"]);
        let part = read(&xero, "CreditNotes", &id).await;
        assert_eq!(
            figures(&part, &["Status", "RemainingCredit"]),
            ["AUTHORISED", "30.00"]
        );
        assert_eq!(figures(&part["Payments"][0], &["Amount"]), ["20.00"]);
        let too_much =
            json!({"CreditNote": {"CreditNoteID": id}, "Account": {"Code": "090"}, "Amount": 31});
        assert_eq!(
            xero.put("Payments", too_much).await.messages(),
            ["Payment amount exceeds the amount outstanding on this document"]
        );
    }
}

#[tokio::test]
async fn a_batch_is_deleted_as_a_whole_only() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let (one, two) = (xero.invoice(&contact).await, xero.invoice(&contact).await);
    let pay = |invoice: &Value, amount: u32| json!({"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount});
    let batch = json!({"Account": {"Code": "090"}, "Date": "2026-09-14", "Reference": "Run 7", "Payments": [pay(&one, 120), pay(&two, 20)]});
    let made = xero
        .put("BatchPayments", json!({ "BatchPayments": [batch] }))
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.body["BatchPayments"][0].clone();
    assert_eq!(
        figures(&made, &["Type", "Status", "TotalAmount"]),
        ["RECBATCH", "AUTHORISED", "140.00"]
    );
    let payment = text(&made["Payments"][0]["PaymentID"]);
    let shown = read(&xero, "Payments", &payment).await;
    assert_eq!(shown["BatchPaymentID"], made["BatchPaymentID"]);
    assert_eq!(
        xero.post(&format!("Payments/{payment}"), json!({"Status": "DELETED"}))
            .await
            .messages(),
        ["Payments within a batch cannot be deleted."]
    );
    let id = text(&made["BatchPaymentID"]);
    let gone = xero
        .post(
            "BatchPayments",
            json!({"BatchPaymentID": id, "Status": "DELETED"}),
        )
        .await;
    assert_eq!(gone.body["BatchPayments"][0]["Status"], "DELETED");
    assert_eq!(read(&xero, "Payments", &payment).await["Status"], "DELETED");
    for invoice in [one, two] {
        let now = read(&xero, "Invoices", &text(&invoice["InvoiceID"])).await;
        assert_eq!(
            figures(&now, &["Status", "AmountDue"]),
            ["AUTHORISED", "120.00"]
        );
    }
    let bad = json!({"Account": {"Code": "090"}, "Payments": [pay(&made, 1)]});
    assert_eq!(xero.put("BatchPayments", bad).await.status, 400);
}

#[tokio::test]
async fn what_is_due_under_the_construction_industry_scheme() {
    let xero = Xero::new().await;
    xero.simulator
        .load("Organisation", json!({"CISRate": 20}))
        .unwrap();
    xero.simulator
        .load(
            "Accounts",
            json!({"Code": "270", "Name": "CIS labour income", "Type": "REVENUE", "SystemAccount": "CISLABOURINCOME"}),
        )
        .unwrap();
    let contact = xero.contact("Contractor").await;
    let lines = json!([
        {"Description": "Labour", "Quantity": 1, "UnitAmount": 100, "AccountCode": "270"},
        {"Description": "Bricks", "Quantity": 1, "UnitAmount": 50, "AccountCode": "200"},
    ]);
    let made = xero
        .put(
            "Invoices",
            but(&authorised(&contact), json!({"LineItems": lines})),
        )
        .await
        .body["Invoices"][0]
        .clone();
    assert_eq!(
        figures(&made, &["Total", "CISDeduction", "CISRate", "AmountDue"]),
        ["180.00", "20.00", "20.00", "160.00"]
    );
    let pay = |amount: &str| json!({"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": amount});
    assert_eq!(xero.put("Payments", pay("160.01")).await.status, 400);
    xero.put("Payments", pay("160")).await;
    let paid = read(&xero, "Invoices", &text(&made["InvoiceID"])).await;
    assert_eq!(
        figures(&paid, &["Status", "AmountDue", "AmountPaid"]),
        ["PAID", "0.00", "160.00"]
    );
    let id = xero.simulator.organisation_id(0).unwrap();
    let settings = xero.get(&format!("Organisation/{id}/CISSettings")).await;
    assert_eq!(
        settings.body["CISSettings"][0]["CISSubContractorEnabled"],
        true
    );
}

#[tokio::test]
async fn stamps_move_as_the_switches_say() {
    for (document, credit) in [("kept", "bumped"), ("bumped", "kept")] {
        let xero = Xero::with(|options| {
            options.switches.set("payment-stamp", document).unwrap();
            options.switches.set("credit-stamp", credit).unwrap();
        })
        .await;
        let contact = xero.contact("A").await;
        let invoice = xero.invoice(&contact).await;
        let note = note(&xero, &contact, 50, json!({})).await;
        xero.simulator.clock().advance(chrono::Duration::minutes(5));
        let id = text(&note["CreditNoteID"]);
        xero.put(
            &format!("CreditNotes/{id}/Allocations"),
            allocation(&invoice, 10),
        )
        .await;
        let since = [("if-modified-since", "2026-09-14T09:32:00")];
        for (collection, switch) in [("Invoices", document), ("CreditNotes", credit)] {
            let read = xero.call("GET", collection, None, &since).await;
            let seen = !read.body[collection].as_array().unwrap().is_empty();
            assert_eq!(seen, switch == "bumped", "{collection}");
        }
    }
}

#[tokio::test]
async fn balances_are_raw_amounts() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    xero.invoice(&contact).await;
    xero.put(
        "Invoices",
        but(&authorised(&contact), json!({"CurrencyCode": "EUR"})),
    )
    .await;
    let shown = read(&xero, "Contacts", &contact).await;
    assert_eq!(
        shown["Balances"]["AccountsReceivable"]["Outstanding"].to_string(),
        "240.00"
    );
}
