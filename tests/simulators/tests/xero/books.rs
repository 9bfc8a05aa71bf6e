//! What would hurt the books: sums to the cent, locks, payments, allocations, and reads that must not miss or repeat anything.
//!
//! From the published rules (ASSUMPTIONS.md names the source of each), each asserted by itself.

use footbridge_simulators::xero::{BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET, Country};
use serde_json::{Value, json};

use super::support::{Xero, authorised, but};

fn line(unit: &str, more: Value) -> Value {
    let line =
        json!({"Description": "x", "Quantity": "1", "UnitAmount": unit, "AccountCode": "200"});
    but(&line, more)
}

fn figures(document: &Value, fields: &[&str]) -> Vec<String> {
    fields
        .iter()
        .map(|field| document[*field].to_string().replace('"', ""))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn invoice(xero: &Xero, contact: &str, members: Value) -> Value {
    let answer = xero
        .put("Invoices", but(&authorised(contact), members))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["Invoices"][0].clone()
}

async fn read(xero: &Xero, collection: &str, id: &Value) -> Value {
    let answer = xero
        .get(&format!("{collection}/{}", id.as_str().unwrap()))
        .await;
    answer.body[collection][0].clone()
}

#[tokio::test]
async fn tax_is_rounded_half_up_and_per_line() {
    // Xero's staff: 2.165 is 2.17.
    let australian =
        Xero::with(|options| options.organisations[0].country = Country::Australia).await;
    let contact = australian.contact("A").await;
    let lines = json!({"LineItems": [line("21.65", json!({}))]});
    let made = invoice(&australian, &contact, lines).await;
    assert_eq!(
        figures(&made, &["SubTotal", "TotalTax", "Total"]),
        ["21.65", "2.17", "23.82"]
    );
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let five = json!({"TaxType": "RROUTPUT"});
    let lines = json!({"LineItems": [line("0.50", five.clone()), line("0.50", five.clone()), line("0.90", five)]});
    let made = invoice(&xero, &contact, lines).await;
    // 0.025, 0.025 and 0.045 at 5 %: 0.03 + 0.03 + 0.05.
    assert_eq!(
        figures(&made, &["SubTotal", "TotalTax", "Total"]),
        ["1.90", "0.11", "2.01"]
    );
}

#[tokio::test]
async fn tax_within_a_price_and_tax_that_is_given() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let inclusive =
        json!({"LineAmountTypes": "Inclusive", "LineItems": [line("120.00", json!({}))]});
    let made = invoice(&xero, &contact, inclusive).await;
    assert_eq!(
        figures(&made, &["SubTotal", "TotalTax", "Total"]),
        ["100.00", "20.00", "120.00"]
    );
    let given = json!({"LineItems": [line("100.00", json!({"TaxAmount": "19.99"}))]});
    let made = invoice(&xero, &contact, given).await;
    assert_eq!(figures(&made, &["TotalTax", "Total"]), ["19.99", "119.99"]);
    let nothing = json!({"LineItems": [line("0.00", json!({}))]});
    let made = invoice(&xero, &contact, nothing).await;
    assert_eq!(figures(&made, &["Total", "Status"]), ["0.00", "PAID"]);
}

#[tokio::test]
async fn both_lock_dates_lock_and_archived_accounts_take_nothing() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    xero.simulator
        .load("Organisation", json!({"EndOfYearLockDate": "2026-09-13"}))
        .unwrap();
    let locked = but(&authorised(&contact), json!({"Date": "2026-09-13"}));
    assert_eq!(
        xero.put("Invoices", locked).await.messages(),
        [
            "The document date cannot be before the end of year lock date, currently set at 13/09/2026"
        ]
    );
    invoice(&xero, &contact, json!({})).await;
    xero.simulator
        .load(
            "Accounts",
            json!({"Code": "299", "Name": "Old sales", "Type": "REVENUE", "Status": "ARCHIVED"}),
        )
        .unwrap();
    let old = but(
        &authorised(&contact),
        json!({"LineItems": [line("1", json!({"AccountCode": "299"}))]}),
    );
    let refused = xero.put("Invoices", old).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test]
async fn foreign_money_is_divided_by_the_rate() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let made = invoice(
        &xero,
        &contact,
        json!({"CurrencyCode": "EUR", "CurrencyRate": "1.25"}),
    )
    .await;
    assert_eq!(
        figures(&made, &["Total", "CurrencyRate"]),
        ["120.00", "1.250000"]
    );
    let payment = json!({"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": 120});
    let paid = xero.put("Payments", payment).await.body["Payments"][0].clone();
    // Foreign units per unit of the base currency: 120 euros are 96 pounds.
    assert_eq!(
        figures(&paid, &["Amount", "BankAmount"]),
        ["120.00", "96.00"]
    );
}

#[tokio::test]
async fn payments_are_made_on_authorised_invoices_and_deleted_once() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let draft = invoice(&xero, &contact, json!({"Status": "DRAFT"})).await;
    let pay = |invoice: &Value| json!({"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": 50});
    assert_eq!(
        xero.put("Payments", pay(&draft)).await.messages(),
        ["Payments can only be made against Authorised documents"]
    );
    let open = invoice(&xero, &contact, json!({})).await;
    let payment = xero.put("Payments", pay(&open)).await.body["Payments"][0]["PaymentID"].clone();
    let path = format!("Payments/{}", text(&payment));
    assert_eq!(
        xero.post(&path, json!({"Status": "DELETED"})).await.status,
        200
    );
    assert_eq!(
        xero.post(&path, json!({"Status": "DELETED"})).await.status,
        400
    );
    let now = read(&xero, "Invoices", &open["InvoiceID"]).await;
    assert_eq!(
        figures(&now, &["AmountDue", "AmountPaid"]),
        ["120.00", "0.00"]
    );
}

#[tokio::test]
async fn an_allocation_is_held_to_the_credit_and_to_the_invoice() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let note = |amount: &str| {
        let line = line(amount, json!({"TaxType": "ZERORATEDOUTPUT"}));
        json!({"Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "Date": "2026-09-14", "LineItems": [line]})
    };
    let message = "Credit Note cannot be allocated as amount is greater than amount outstanding";
    // The invoice is of 120; a credit of 50, then one of 200.
    for (credit, amount) in [("50", 51), ("200", 121)] {
        let open = invoice(&xero, &contact, json!({})).await;
        let made = xero.put("CreditNotes", note(credit)).await.body["CreditNotes"][0].clone();
        let path = format!("CreditNotes/{}/Allocations", text(&made["CreditNoteID"]));
        let part = json!({"Allocations": [{"Invoice": {"InvoiceID": open["InvoiceID"]}, "Amount": amount, "Date": "2026-09-14"}]});
        assert_eq!(
            xero.put(&path, part).await.messages(),
            [message],
            "{credit}"
        );
    }
}

#[tokio::test]
async fn voiding_is_seen_by_whoever_reads_what_changed() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let made = invoice(&xero, &contact, json!({})).await;
    xero.simulator.clock().advance(chrono::Duration::minutes(2));
    let path = format!("Invoices/{}", text(&made["InvoiceID"]));
    xero.post(&path, json!({"Status": "VOIDED"})).await;
    let since = [("if-modified-since", "2026-09-14T09:31:00")];
    let changed = xero.call("GET", "Invoices?page=1", None, &since).await;
    assert_eq!(changed.body["Invoices"][0]["Status"], "VOIDED");
    assert_eq!(
        changed.body["Invoices"].as_array().unwrap().len(),
        1,
        "{}",
        changed.text
    );
}

#[tokio::test]
async fn what_changed_in_that_very_moment_is_not_later_than_it() {
    let xero = Xero::new().await;
    // On the full second.
    xero.simulator
        .clock()
        .advance(chrono::Duration::milliseconds(500));
    xero.contact("A").await;
    let at = |second: u32| format!("2026-09-14T09:30:{second:02}");
    for (second, found) in [(0, 1), (1, 0)] {
        let since = at(second);
        let read = xero
            .call(
                "GET",
                "Contacts",
                None,
                &[("if-modified-since", since.as_str())],
            )
            .await;
        assert_eq!(
            read.body["Contacts"].as_array().unwrap().len(),
            found,
            "{since}"
        );
    }
}

#[tokio::test]
async fn a_refused_call_uses_up_no_number_and_sixty_elements_are_no_refusal() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let bad = but(&authorised(&contact), json!({"DueDate": null}));
    let refused = xero
        .put("Invoices", json!({"Invoices": [authorised(&contact), bad]}))
        .await;
    assert_eq!(refused.status, 400);
    let next = invoice(&xero, &contact, json!({})).await;
    assert_eq!(next["InvoiceNumber"], "INV-0001");
    let many: Vec<Value> = (0..60)
        .map(|n| json!({"Name": format!("Customer {n}")}))
        .collect();
    let made = xero.put("Contacts", json!({"Contacts": many})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.body["Contacts"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn a_key_is_its_apps_own() {
    let xero = Xero::new().await;
    let mut other = xero.clone();
    let token = xero
        .log_in(BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET)
        .await;
    other.token = text(&token.body["access_token"]);
    let key = [("idempotency-key", "k1")];
    for (client, organisation) in [(&xero, 0), (&other, 1)] {
        let body = json!({"Contacts": [{"Name": "A"}]});
        let made = client.call("PUT", "Contacts", Some(&body), &key).await;
        assert_eq!(made.status, 200, "{}", made.text);
        assert_eq!(xero.simulator.dump_of(organisation, "Contacts").len(), 1);
    }
}
