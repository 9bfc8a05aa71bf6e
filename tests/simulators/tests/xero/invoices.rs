//! Invoices: sums, numbers, lines, statuses, locks, payments.

use serde_json::{Value, json};

use super::support::{Xero, authorised, but};

fn line(unit: &str) -> Value {
    json!({"Description": "x", "Quantity": "1", "UnitAmount": unit, "AccountCode": "200"})
}

async fn refusal(xero: &Xero, invoice: Value) -> Vec<String> {
    let answer = xero.put("Invoices", invoice).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    answer.messages()
}

#[tokio::test]
async fn the_recorded_invoice_comes_out_to_the_cent() {
    let xero = Xero::with(|options| {
        options.organisations[0].country = footbridge_simulators::xero::Country::NewZealand
    })
    .await;
    let contact = xero.contact("A").await;
    let invoice = but(
        &authorised(&contact),
        json!({"LineItems": [{"Description": "Hours", "Quantity": 2, "UnitAmount": 10.5, "AccountCode": "200", "TaxType": "OUTPUT2"}]}),
    );
    let made = xero.put("Invoices", invoice).await.body["Invoices"][0].clone();
    let figures = ["SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid"]
        .map(|field| made[field].to_string());
    assert_eq!(figures, ["21.00", "3.15", "24.15", "24.15", "0.00"]);
    assert_eq!(made["InvoiceNumber"], "INV-0001");
    assert_eq!(made["Date"], "/Date(1789344000000+0000)/");
    assert_eq!(made["DateString"], "2026-09-14T00:00:00");
    assert_eq!(made["UpdatedDateUTC"], "/Date(1789378200500+0000)/");
    assert_eq!(made["UpdatedDateUTCString"], "2026-09-14T09:30:00Z");
    let vector = but(
        &authorised(&contact),
        json!({"LineItems": [line("25.06"), line("25.61"), line("25.63")]}),
    );
    let made = xero.put("Invoices", vector).await.body["Invoices"][0].clone();
    assert_eq!(
        ["SubTotal", "TotalTax", "Total"].map(|field| made[field].to_string()),
        ["76.30", "11.44", "87.74"]
    );
}

#[tokio::test]
async fn four_places_only_on_request() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let invoice = but(
        &authorised(&contact),
        json!({"LineItems": [{"Description": "x", "Quantity": 1000, "UnitAmount": 0.0149, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}]}),
    );
    let rounded = xero.put("Invoices", invoice.clone()).await.body["Invoices"][0].clone();
    assert_eq!(
        (
            rounded["Total"].to_string(),
            rounded["LineItems"][0]["UnitAmount"].to_string()
        ),
        ("10.00".into(), "0.01".into())
    );
    let exact = xero.put("Invoices?unitdp=4", invoice).await.body["Invoices"][0].clone();
    assert_eq!(
        (
            exact["Total"].to_string(),
            exact["LineItems"][0]["UnitAmount"].to_string()
        ),
        ("14.90".into(), "0.0149".into())
    );
}

#[tokio::test]
async fn bad_invoices_are_refused_with_xeros_words() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let good = authorised(&contact);
    let with_line = |members: Value| but(&good, json!({"LineItems": [but(&line("10"), members)]}));
    let cases = [
        (
            but(&good, json!({"Contact": null})),
            "A Contact must be specified for this type of transaction",
        ),
        (
            but(&good, json!({"Contact": {"EmailAddress": "a@b.example"}})),
            "The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber",
        ),
        (
            but(&good, json!({"LineItems": []})),
            "One or more line items must be specified",
        ),
        (
            but(&good, json!({"Status": "PAID"})),
            "Invoice not of valid status for creation",
        ),
        (
            but(&good, json!({"CurrencyCode": "CHF"})),
            "Organisation is not subscribed to currency CHF",
        ),
        (
            but(&good, json!({"Url": "javascript:alert(1)"})),
            "Url must be a valid absolute http or https address",
        ),
        (
            but(&good, json!({"DueDate": null})),
            "Due Date cannot be empty",
        ),
        (
            with_line(json!({"AccountCode": "999"})),
            "Account code '999' is not a valid code for this document.",
        ),
        (
            with_line(json!({"AccountCode": "090"})),
            "Account code '090' is not a valid code for this document.",
        ),
        (
            with_line(json!({"AccountCode": null})),
            "Account code must be specified",
        ),
        (
            with_line(json!({"TaxType": "INPUT2"})),
            "The TaxType code 'INPUT2' does not exist or cannot be used for this type of transaction.",
        ),
        (
            with_line(json!({"TaxType": "NOPE"})),
            "The TaxType code 'NOPE' does not exist or cannot be used for this type of transaction.",
        ),
        (
            with_line(json!({"Description": ""})),
            "Description must be supplied for each line item",
        ),
        (
            with_line(json!({"ItemCode": "NOPE"})),
            "Item code 'NOPE' is not valid",
        ),
        (
            with_line(json!({"LineAmount": 11})),
            "The line total 11.00 does not match the expected line total 10.00",
        ),
        (
            with_line(json!({"UnitAmount": -10})),
            "The invoice total cannot be negative",
        ),
        (
            with_line(json!({"Tracking": [{"Name": "Region", "Option": "East"}]})),
            "The tracking category 'Region' has no option 'East'",
        ),
        (
            but(
                &with_line(json!({"DiscountRate": 5})),
                json!({"Type": "ACCPAY"}),
            ),
            "Discounts are not supported on this type of document",
        ),
    ];
    for (invoice, message) in cases {
        let messages = refusal(&xero, invoice).await;
        assert!(
            messages.contains(&message.to_owned()),
            "{message}: {messages:?}"
        );
    }
    assert!(xero.simulator.dump("Invoices").is_empty());
    let next = xero.invoice(&contact).await;
    assert_eq!(
        next["InvoiceNumber"], "INV-0001",
        "refusals use up no number"
    );
}

#[tokio::test]
async fn receivable_numbers_are_unique_and_found_again() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let numbered = |number: &str| but(&authorised(&contact), json!({"InvoiceNumber": number}));
    assert_eq!(xero.put("Invoices", numbered("INV-0002")).await.status, 200);
    assert_eq!(
        refusal(&xero, numbered("inv-0002")).await,
        ["Invoice # must be unique."]
    );
    let batch = xero
        .put(
            "Invoices?summarizeErrors=false",
            json!({"Invoices": [numbered("X-1"), numbered("X-1")]}),
        )
        .await;
    assert_eq!(
        batch.body["Invoices"][1]["ValidationErrors"][0]["Message"],
        "Invoice # must be unique."
    );
    assert_eq!(batch.body["Invoices"][1]["HasErrors"], true);
    let numbers: Vec<Value> = [xero.invoice(&contact).await, xero.invoice(&contact).await]
        .iter()
        .map(|invoice| invoice["InvoiceNumber"].clone())
        .collect();
    assert_eq!(
        numbers,
        ["INV-0001", "INV-0003"],
        "the sequence passes over numbers that are taken"
    );
    assert_eq!(
        xero.get("Invoices/X-1").await.body["Invoices"][0]["InvoiceNumber"],
        "X-1"
    );
    let updated = xero
        .post(
            "Invoices",
            json!({"Invoices": [but(&numbered("X-1"), json!({"Reference": "PO 7"}))]}),
        )
        .await;
    assert_eq!(updated.body["Invoices"][0]["Reference"], "PO 7");
    assert_eq!(
        xero.simulator.dump("Invoices").len(),
        4,
        "POST found it by its number"
    );
    let bill = but(
        &numbered("X-1"),
        json!({"Type": "ACCPAY", "Reference": "PO 8", "LineItems": [but(&line("5"), json!({"AccountCode": "400"}))]}),
    );
    let bill = xero.put("Invoices", bill).await;
    assert_eq!(
        (bill.status, &bill.body["Invoices"][0]["Reference"]),
        (200, &json!(""))
    );
}

#[tokio::test]
async fn lines_that_are_left_out_are_deleted() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let made = xero
        .put(
            "Invoices",
            but(
                &authorised(&contact),
                json!({"Status": "DRAFT", "LineItems": [line("1"), line("2")]}),
            ),
        )
        .await
        .body["Invoices"][0]
        .clone();
    let (id, kept) = (
        made["InvoiceID"].as_str().unwrap(),
        made["LineItems"][1]["LineItemID"].clone(),
    );
    let path = format!("Invoices/{id}");
    let untouched =
        xero.post(&path, json!({"Reference": "PO 1"})).await.body["Invoices"][0].clone();
    assert_eq!(untouched["LineItems"], made["LineItems"]);
    let changed = xero.post(&path, json!({"Invoices": [{"LineItems": [{"LineItemID": kept, "UnitAmount": 5}, line("7")]}]})).await.body["Invoices"][0].clone();
    assert_eq!(changed["LineItems"].as_array().unwrap().len(), 2);
    assert_eq!(changed["LineItems"][0]["LineItemID"], kept);
    assert_eq!(changed["SubTotal"].to_string(), "12.00");
    let unknown = xero.post(&path, json!({"LineItems": [{"LineItemID": "01234567-89ab-4def-8123-456789abcdef", "UnitAmount": 5}]})).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn statuses_move_only_as_documented() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let not_modifiable = "Invoice not of valid status for modification";
    let has_payment =
        "This document cannot be edited as it has a payment or credit note allocated to it.";
    let invoice = xero.invoice(&contact).await;
    let path = format!("Invoices/{}", invoice["InvoiceID"].as_str().unwrap());
    assert_eq!(
        xero.post(&path, json!({"Status": "DELETED"}))
            .await
            .messages(),
        [not_modifiable]
    );
    let pay = |amount: &str| json!({"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": amount});
    assert_eq!(
        xero.put("Payments", pay("120.01")).await.messages(),
        ["Payment amount exceeds the amount outstanding on this document"]
    );
    let part = xero.put("Payments", json!({"Payments": [pay("20")]})).await;
    assert_eq!(part.status, 200, "{}", part.text);
    assert_eq!(
        xero.post(&path, json!({"Status": "VOIDED"}))
            .await
            .messages(),
        [has_payment]
    );
    assert_eq!(
        xero.post(&path, json!({"Reference": "late"}))
            .await
            .messages(),
        [has_payment]
    );
    assert_eq!(
        xero.post(&path, json!({"DueDate": "2026-12-31"}))
            .await
            .status,
        200
    );
    let rest = xero.put("Payments", pay("100")).await.body["Payments"][0]["PaymentID"].clone();
    let paid = xero.get(&path).await.body["Invoices"][0].clone();
    assert_eq!(
        (
            &paid["Status"],
            paid["AmountPaid"].to_string(),
            &paid["FullyPaidOnDate"]
        ),
        (
            &json!("PAID"),
            "120.00".to_owned(),
            &json!("/Date(1789344000000+0000)/")
        )
    );
    assert_eq!(
        paid["UpdatedDateUTC"], invoice["UpdatedDateUTC"],
        "adverse default: a payment does not stamp the invoice"
    );
    let reversed = xero
        .post(
            &format!("Payments/{}", rest.as_str().unwrap()),
            json!({"Status": "DELETED"}),
        )
        .await;
    assert_eq!(reversed.body["Payments"][0]["Status"], "DELETED");
    assert_eq!(
        xero.get(&path).await.body["Invoices"][0]["Status"],
        "AUTHORISED"
    );
    let first = part.body["Payments"][0]["PaymentID"].as_str().unwrap();
    xero.post(&format!("Payments/{first}"), json!({"Status": "DELETED"}))
        .await;
    let voided = xero.post(&path, json!({"Status": "VOIDED"})).await.body["Invoices"][0].clone();
    assert_eq!(
        (
            &voided["Status"],
            voided["AmountDue"].to_string(),
            voided["Total"].to_string()
        ),
        (&json!("VOIDED"), "0.00".to_owned(), "120.00".to_owned())
    );
    assert_eq!(
        xero.post(&path, json!({"Status": "AUTHORISED"}))
            .await
            .messages(),
        [not_modifiable]
    );
    let recent = [("if-modified-since", "2026-09-14T00:00:00")];
    assert_eq!(
        xero.call("GET", "Payments", None, &recent).await.body["Payments"],
        json!([]),
        "adverse default: deleted payments are not read incrementally"
    );
    assert_eq!(
        xero.get("Payments").await.body["Payments"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn locked_periods_take_no_postings() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let old = xero.invoice(&contact).await;
    xero.simulator
        .load("Organisation", json!({"PeriodLockDate": "2026-09-14"}))
        .unwrap();
    let message =
        "The document date cannot be before the period lock date, currently set at 14/09/2026";
    assert_eq!(refusal(&xero, authorised(&contact)).await, [message]);
    assert_eq!(
        xero.put(
            "Invoices",
            but(&authorised(&contact), json!({"Date": "2026-09-15"}))
        )
        .await
        .status,
        200
    );
    assert_eq!(
        xero.put(
            "Invoices",
            but(&authorised(&contact), json!({"Status": "DRAFT"}))
        )
        .await
        .status,
        200
    );
    let path = format!("Invoices/{}", old["InvoiceID"].as_str().unwrap());
    assert_eq!(
        xero.post(&path, json!({"Status": "VOIDED"}))
            .await
            .messages(),
        [message]
    );
    let payment = json!({"Invoice": {"InvoiceID": old["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-09-01", "Amount": 1});
    assert_eq!(xero.put("Payments", payment).await.messages(), [message]);
}

#[tokio::test]
async fn a_missing_date_is_today_where_the_organisation_is() {
    let mut xero = Xero::with(|options| {
        options.organisations[0].country = footbridge_simulators::xero::Country::NewZealand
    })
    .await;
    let contact = xero.contact("A").await;
    xero.simulator
        .clock()
        .advance(chrono::Duration::minutes(150));
    xero.renew().await;
    let invoice = xero
        .put(
            "Invoices",
            but(&authorised(&contact), json!({"Date": null})),
        )
        .await
        .body["Invoices"][0]
        .clone();
    assert_eq!(invoice["DateString"], "2026-09-15T00:00:00");
}

#[tokio::test]
async fn items_currencies_and_credit_notes_work_in() {
    let xero = Xero::new().await;
    let contact = xero.contact("A").await;
    let item = json!({"Items": [{"Code": "W-1", "Name": "Widget", "Description": "A widget", "SalesDetails": {"UnitPrice": 12.3456, "AccountCode": "200", "TaxType": "RROUTPUT"}}]});
    assert_eq!(xero.put("Items?unitdp=4", item.clone()).await.status, 200);
    assert_eq!(
        xero.put("Items", item).await.messages(),
        ["Price List Item with Code 'W-1' already exists"]
    );
    let invoice = but(
        &authorised(&contact),
        json!({"CurrencyCode": "EUR", "LineItems": [{"ItemCode": "W-1", "Quantity": 3}]}),
    );
    let made = xero.put("Invoices?unitdp=4", invoice).await.body["Invoices"][0].clone();
    let shown =
        ["SubTotal", "TotalTax", "Total", "CurrencyRate"].map(|field| made[field].to_string());
    assert_eq!(shown, ["37.04", "1.85", "38.89", "1.170000"]);
    assert_eq!(made["LineItems"][0]["Description"], "A widget");
    let note = json!({
        "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "CurrencyCode": "EUR", "Contact": {"ContactID": contact},
        "LineItems": [{"Description": "Back", "Quantity": 1, "UnitAmount": 38.89, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}],
        "Allocations": [{"Amount": 38.89, "Invoice": {"InvoiceID": made["InvoiceID"]}}],
    });
    xero.simulator.load("CreditNotes", note).unwrap();
    let credited = xero
        .get(&format!("Invoices/{}", made["InvoiceID"].as_str().unwrap()))
        .await
        .body["Invoices"][0]
        .clone();
    let shown = ["Status", "AmountPaid", "AmountCredited", "AmountDue"]
        .map(|field| credited[field].to_string());
    assert_eq!(shown, ["\"PAID\"", "0.00", "38.89", "0.00"]);
    assert_eq!(
        xero.get("CreditNotes?page=1").await.body["CreditNotes"][0]["RemainingCredit"].to_string(),
        "0.00"
    );
}
