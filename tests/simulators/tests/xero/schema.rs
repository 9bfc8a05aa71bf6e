//! Requests and answers of a broad exercise against the published OpenAPI, where its file is at hand
//! (beside the repository, or where `FOOTBRIDGE_XERO_SPEC` says); it is not part of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::foreign;
use super::support::{Xero, authorised, but};

fn spec() -> PathBuf {
    match std::env::var_os("FOOTBRIDGE_XERO_SPEC") {
        Some(path) => path.into(),
        None => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/xero_accounting.yaml")
        }
    }
}

#[tokio::test]
async fn requests_and_answers_agree_with_the_published_specification() {
    let spec = spec();
    if !spec.exists() {
        eprintln!(
            "SKIPPED: {} is not there; requests and answers were not checked against the published OpenAPI",
            spec.display()
        );
        return;
    }
    let python = match foreign::python() {
        Ok(python) => python,
        Err(reason) => return foreign::skip(&reason),
    };
    let xero = Xero::new().await;
    exercise(&xero).await;
    let log = xero.log.lock().unwrap().clone();
    let file =
        std::env::temp_dir().join(format!("footbridge-xero-log-{}.json", std::process::id()));
    std::fs::write(&file, Value::Array(log).to_string()).unwrap();
    let checked = foreign::run(
        Command::new(python)
            .arg(foreign::folder().join("xero_schema.py"))
            .args([&spec, &file]),
    );
    std::fs::remove_file(&file).unwrap();
    let output = checked.unwrap_or_else(|said| panic!("{said}"));
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

/// Every kind of request and answer the simulator has, refusals included.
async fn exercise(xero: &Xero) {
    let person = json!({"FirstName": "Debbie", "LastName": "G", "EmailAddress": "d@x.example", "IncludeInEmails": true});
    let full = json!({
        "Name": "Full", "ContactNumber": "001A", "AccountNumber": "A-1", "EmailAddress": "a@b.example", "FirstName": "Ann", "LastName": "Lee",
        "TaxNumber": "GB1", "DefaultCurrency": "EUR", "ContactPersons": [person], "PaymentTerms": {"Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"}},
        "Addresses": [{"AddressType": "POBOX", "AddressLine1": "1 High St", "City": "Leeds", "PostalCode": "LS1", "Country": "UK"}],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "123", "PhoneAreaCode": "0113", "PhoneCountryCode": "44"}],
    });
    let made = xero.put("Contacts", json!({"Contacts": [full]})).await;
    let contact = made.body["Contacts"][0]["ContactID"]
        .as_str()
        .unwrap()
        .to_owned();
    xero.put("Contacts", json!({"Contacts": [{"Name": "full"}]}))
        .await;
    xero.post(
        "Contacts?summarizeErrors=false",
        json!({"Contacts": [{"Name": "Two"}, {"Name": "FULL"}]}),
    )
    .await;
    xero.post(
        &format!("Contacts/{contact}"),
        json!({"Contacts": [{"LastName": "Leigh"}]}),
    )
    .await;
    for unit in ["12.3456", "-1"] {
        let item = json!({"Code": format!("W{unit}"), "Name": "Widget", "Description": "A widget", "SalesDetails": {"UnitPrice": 12.3456, "AccountCode": "200"}});
        xero.put("Items?unitdp=4", json!({"Items": [item]})).await;
    }
    xero.put("Items", json!({"Items": [{"Code": "W-1"}]})).await;
    let line = |members: Value| {
        but(
            &json!({"Description": "x", "Quantity": 1, "UnitAmount": 10.5, "AccountCode": "200"}),
            members,
        )
    };
    let rich = but(
        &authorised(&contact),
        json!({
            "Reference": "PO 1", "Url": "https://example.com/deal/1", "CurrencyCode": "USD", "LineAmountTypes": "Inclusive", "SentToContact": true,
            "LineItems": [
                line(json!({"DiscountRate": 10, "ItemCode": "W12.3456"})), line(json!({"DiscountAmount": 1})),
                line(json!({"TaxType": "RROUTPUT", "TaxAmount": 0.5, "Tracking": [{"Name": "Region", "Option": "North"}]})), {"Description": "Only text"},
            ],
        }),
    );
    let made = xero
        .put("Invoices?unitdp=4", json!({"Invoices": [rich]}))
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let invoice = xero.invoice(&contact).await;
    let id = invoice["InvoiceID"].as_str().unwrap();
    let bill = but(
        &authorised(&contact),
        json!({"Type": "ACCPAY", "InvoiceNumber": "B-1", "LineItems": [line(json!({"AccountCode": "400"}))]}),
    );
    xero.put("Invoices", json!({"Invoices": [bill]})).await;
    let bad = but(&authorised(&contact), json!({"Status": "PAID"}));
    xero.put("Invoices", json!({"Invoices": [bad]})).await;
    xero.post(
        "Invoices?summarizeErrors=false",
        json!({"Invoices": [bad, but(&authorised(&contact), json!({"Status": "DRAFT"}))]}),
    )
    .await;
    xero.post(
        &format!("Invoices/{id}"),
        json!({"Invoices": [{"Reference": "PO 2"}]}),
    )
    .await;
    let payment = json!({"Invoice": {"InvoiceID": id}, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": 20, "Reference": "part"});
    let paid = xero.put("Payments", json!({"Payments": [payment]})).await;
    let paid = paid.body["Payments"][0]["PaymentID"]
        .as_str()
        .unwrap()
        .to_owned();
    xero.put(
        "Payments",
        json!({"Payments": [but(&payment, json!({"Amount": 500}))]}),
    )
    .await;
    xero.put("TaxRates", json!({"TaxRates": [{"Name": "Odd", "ReportTaxType": "OUTPUT", "TaxComponents": [{"Name": "Odd", "Rate": 7.5}]}]})).await;
    xero.put(
        "Accounts",
        json!({"Code": "201", "Name": "More sales", "Type": "REVENUE"}),
    )
    .await;
    xero.put("Currencies", json!({"Code": "CAD"})).await;
    let note = json!({
        "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "LineItems": [line(json!({}))],
        "Allocations": [{"Amount": 5, "Invoice": {"InvoiceID": id}}],
    });
    xero.simulator.load("CreditNotes", note).unwrap();
    credits(xero, &contact, id).await;
    xero.simulator
        .load(
            "Organisation",
            json!({"PeriodLockDate": "2026-06-30", "EndOfYearLockDate": "2026-03-31"}),
        )
        .unwrap();
    for path in [
        "Organisation",
        "Organisation/Actions",
        "Currencies",
        "TaxRates",
        "Accounts",
        "Accounts?where=Type==%22REVENUE%22",
        "Items?unitdp=4",
        "Items/W12.3456",
        "Contacts",
        "Contacts?page=1&pageSize=1000&includeArchived=true",
        "Contacts?summaryOnly=true&page=1",
        "Contacts?searchTerm=full",
        "Contacts/001A",
        "Invoices",
        "Invoices?page=1&pageSize=1000&unitdp=4",
        "Invoices?summaryOnly=true&page=1",
        "Invoices?Statuses=PAID,AUTHORISED&createdByMyApp=true&order=Date%20DESC",
        "Payments",
        "Payments?page=1",
        "CreditNotes",
        "CreditNotes?page=1",
        "Overpayments?page=1&unitdp=4",
        "Overpayments",
        "Prepayments?page=1&pageSize=10",
        "Prepayments?order=Date%20DESC",
        "BankTransactions?page=1&unitdp=4",
        "BatchPayments",
        "Invoices?where=Nope==1",
        "Invoices/none",
    ] {
        xero.get(path).await;
    }
    xero.get(&format!("Invoices/{id}?unitdp=4")).await;
    xero.get(&format!("Invoices?IDs={id}")).await;
    xero.get(&format!("Contacts/{contact}")).await;
    xero.get(&format!("Payments/{paid}")).await;
    xero.post(&format!("Payments/{paid}"), json!({"Status": "DELETED"}))
        .await;
    xero.call(
        "GET",
        "Invoices?page=1",
        None,
        &[("if-modified-since", "2026-09-14T00:00:00")],
    )
    .await;
}

/// Everything about credit, refunds and batches.
async fn credits(xero: &Xero, contact: &str, invoice: &str) {
    let line = |tax: &str| json!({"Description": "Back", "Quantity": 1, "UnitAmount": 40, "AccountCode": "200", "TaxType": tax});
    let note = json!({
        "Type": "ACCRECCREDIT", "Contact": {"ContactID": contact}, "Date": "2026-09-14", "Reference": "Sorry", "LineItems": [line("OUTPUT2")],
    });
    let made = xero
        .put("CreditNotes?unitdp=4", json!({"CreditNotes": [note]}))
        .await;
    let credit = made.body["CreditNotes"][0]["CreditNoteID"]
        .as_str()
        .unwrap()
        .to_owned();
    xero.post(
        &format!("CreditNotes/{credit}"),
        json!({"CreditNotes": [{"Status": "AUTHORISED"}]}),
    )
    .await;
    xero.post(
        "CreditNotes?summarizeErrors=false",
        json!({"CreditNotes": [but(&note, json!({"Status": "PAID"}))]}),
    )
    .await;
    let allocation = |amount: u32| json!({"Allocations": [{"Invoice": {"InvoiceID": invoice}, "Amount": amount, "Date": "2026-09-14"}]});
    for (collection, id) in [("CreditNotes", credit.clone())]
        .into_iter()
        .chain(advances(xero, contact).await)
    {
        let path = format!("{collection}/{id}/Allocations");
        xero.put(&path, allocation(7)).await;
        xero.put(&path, allocation(900)).await;
        let own = collection.trim_end_matches('s');
        let refund = json!({own: {(format!("{own}ID")): id}, "Account": {"Code": "090"}, "Date": "2026-09-14", "Amount": 3});
        let paid = xero.put("Payments", json!({"Payments": [refund]})).await;
        assert_eq!(paid.status, 200, "{}", paid.text);
        let shown = xero.get(&format!("{collection}/{id}")).await;
        let allocated = shown.body[collection][0]["Allocations"][0]["AllocationID"]
            .as_str()
            .unwrap()
            .to_owned();
        xero.call("DELETE", &format!("{path}/{allocated}"), None, &[])
            .await;
        xero.put(&path, allocation(2)).await;
    }
    let batch = json!({"Account": {"Code": "090"}, "Date": "2026-09-14", "Reference": "Run", "Payments": [{"Invoice": {"InvoiceID": invoice}, "Amount": 5}]});
    let made = xero
        .put("BatchPayments", json!({"BatchPayments": [batch]}))
        .await;
    let id = made.body["BatchPayments"][0]["BatchPaymentID"]
        .as_str()
        .unwrap()
        .to_owned();
    let payment = made.body["BatchPayments"][0]["Payments"][0]["PaymentID"]
        .as_str()
        .unwrap()
        .to_owned();
    xero.get(&format!("Payments/{payment}")).await;
    xero.get(&format!("BatchPayments/{id}")).await;
    xero.post(&format!("BatchPayments/{id}"), json!({"Status": "DELETED"}))
        .await;
}

async fn advances(xero: &Xero, contact: &str) -> Vec<(&'static str, String)> {
    let mut made = Vec::new();
    for (kind, collection, member) in [
        ("RECEIVE-OVERPAYMENT", "Overpayments", "OverpaymentID"),
        ("RECEIVE-PREPAYMENT", "Prepayments", "PrepaymentID"),
    ] {
        let transaction = json!({
            "Type": kind, "Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "Date": "2026-09-14", "CurrencyCode": "EUR",
            "LineItems": [{"Description": "Money", "Quantity": 1, "UnitAmount": 30, "AccountCode": "200"}],
        });
        let answer = xero
            .put(
                "BankTransactions?unitdp=4",
                json!({"BankTransactions": [transaction]}),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = &answer.body["BankTransactions"][0];
        made.push((collection, answer[member].as_str().unwrap().to_owned()));
        let id = answer["BankTransactionID"].as_str().unwrap();
        xero.get(&format!("BankTransactions/{id}")).await;
    }
    made
}
