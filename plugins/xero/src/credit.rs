//! Credit notes, overpayments and prepayments of Xero's as the ledger vocabulary has them.
//!
//! Read only: the API has no way to make the last two, and credit notes are a person's business. Amounts are positive as
//! Xero shows them; what is voided or deleted has nothing remaining. From here to `objects`; `invoice` reads its lists of
//! settlements with the same functions.

use footbridge_sdk::document::{Field, Structure, at};
use serde_json::Value;
use std::collections::BTreeSet;

use crate::columns::{Column, Reading, Shape, reported};
use crate::invoice::STATUS;

/// The plain columns of all three.
pub(crate) const COLUMNS: &[Column] = &[
    reported("reference", "Reference", Shape::Text),
    reported("date", "Date", Shape::Date),
    reported("fully_paid_on", "FullyPaidOnDate", Shape::Date),
    reported("currency", "CurrencyCode", Shape::Text),
    reported("currency_rate", "CurrencyRate", Shape::Decimal),
    reported("sub_total", "SubTotal", Shape::Decimal),
    reported("total_tax", "TotalTax", Shape::Decimal),
    reported("total", "Total", Shape::Decimal),
    reported("remaining_credit", "RemainingCredit", Shape::Decimal),
    reported("customer_name", "Contact.Name", Shape::Text),
];

/// What only credit notes have.
pub(crate) const NUMBER: &[Column] = &[reported("number", "CreditNoteNumber", Shape::Text)];

/// Columns of an allocation or a payment within its document.
pub(crate) const SETTLED: &[Column] = &[
    reported("amount", "Amount", Shape::Decimal),
    reported("date", "Date", Shape::Date),
];

/// Receivable and payable types, in all spellings that Xero's specification has.
const KINDS: &[(&str, &str)] = &[
    ("receivable", "ACCRECCREDIT"),
    ("payable", "ACCPAYCREDIT"),
    ("receivable", "RECEIVE-OVERPAYMENT"),
    ("receivable", "AROVERPAYMENT"),
    ("payable", "SPEND-OVERPAYMENT"),
    ("payable", "APOVERPAYMENT"),
    ("receivable", "RECEIVE-PREPAYMENT"),
    ("receivable", "ARPREPAYMENT"),
    ("payable", "SPEND-PREPAYMENT"),
    ("payable", "APPREPAYMENT"),
];

/// Reads a credit note.
pub(crate) fn note(element: &Value) -> Structure {
    let mut reading = common(element);
    reading.columns(element, NUMBER);
    reading.finish()
}

/// Reads an overpayment or a prepayment.
pub(crate) fn advance(element: &Value) -> Structure {
    common(element).finish()
}

fn common(element: &Value) -> Reading {
    let mut reading = Reading::default();
    reading.columns(element, COLUMNS);
    reading.word(element, "kind", "Type", KINDS);
    reading.word(element, "status", "Status", STATUS);
    reading.id(element, "customer", "Contact.ContactID");
    if let Field::List(lines) = at(element, "LineItems") {
        let codes = lines
            .iter()
            .filter_map(|line| at(line, "AccountCode").text());
        let codes: BTreeSet<&str> = codes.collect();
        reading.put("accounts", Value::from_iter(codes));
    }
    reading.list(element, "allocations", "Allocations", |row, part| {
        part.id(row, "id", "AllocationID");
        part.id(row, "invoice", "Invoice.InvoiceID");
        part.needs("invoice");
        part.columns(row, SETTLED);
    });
    payments(&mut reading, element);
    reading
}

/// Reads the payments within a document: money received for an invoice, money back of a credit.
pub(crate) fn payments(reading: &mut Reading, document: &Value) {
    reading.list(document, "payments", "Payments", |row, part| {
        part.id(row, "id", "PaymentID");
        part.needs("id");
        part.columns(row, SETTLED);
    });
}

/// Whether a credit note is one to a customer.
pub(crate) fn is_receivable(element: &Value) -> bool {
    at(element, "Type").text() == Some("ACCRECCREDIT")
}

/// Reads what was set against an invoice. Xero has one list for each kind: unless it gave all three, they weren't read.
pub(crate) fn applied(reading: &mut Reading, invoice: &Value) {
    const AMOUNT: &[Column] = &[reported("amount", "AppliedAmount", Shape::Decimal)];
    const LISTS: [(&str, &str, &str); 3] = [
        ("credit-note", "CreditNotes", "CreditNoteID"),
        ("overpayment", "Overpayments", "OverpaymentID"),
        ("prepayment", "Prepayments", "PrepaymentID"),
    ];
    let given = |list: &(&str, &str, &str)| matches!(at(invoice, list.1), Field::List(_));
    if !LISTS.iter().all(given) {
        return;
    }
    let mut all = Vec::new();
    for (kind, list, id) in LISTS {
        all.extend(reading.rows(invoice, "credits", list, |row, part| {
            part.put("kind", Value::from(kind));
            part.id(row, "id", id);
            part.needs("id");
            part.columns(row, AMOUNT);
        }));
    }
    reading.put("credits", Value::Array(all));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_credit_note_is_read_with_its_allocations_and_refunds() {
        let element = json!({
            "CreditNoteID": "AB", "ID": "AB", "Type": "ACCRECCREDIT", "Status": "PAID", "CreditNoteNumber": "CN-1", "Reference": "Returned",
            "Contact": {"ContactID": "C0FFEE", "Name": "Smith"}, "Date": "/Date(1789344000000+0000)/", "FullyPaidOnDate": "/Date(1789430400000+0000)/",
            "CurrencyCode": "EUR", "CurrencyRate": "1.170000", "SubTotal": "100.00", "TotalTax": "20.00", "Total": "120.00", "RemainingCredit": "0.00",
            "LineItems": [{"AccountCode": "409"}, {"AccountCode": "200"}, {"AccountCode": "409"}, {"AccountCode": null}],
            "Allocations": [{"AllocationID": "A1", "Amount": "100.00", "Date": "/Date(1789344000000+0000)/", "Invoice": {"InvoiceID": "F00D"}}],
            "Payments": [{"PaymentID": "P1", "Amount": "20.00", "Date": "/Date(1789430400000+0000)/"}],
        });
        assert_eq!(
            Value::Object(note(&element)).to_string(),
            r#"{"accounts":["200","409"],"allocations":[{"amount":"100","date":"2026-09-14","id":"a1","invoice":"f00d"}],"currency":"EUR","currency_rate":"1.17","customer":"c0ffee","customer_name":"Smith","date":"2026-09-14","fully_paid_on":"2026-09-15","kind":"receivable","number":"CN-1","payments":[{"amount":"20","date":"2026-09-15","id":"p1"}],"reference":"Returned","remaining_credit":"0","status":"paid","sub_total":"100","total":"120","total_tax":"20"}"#
        );
    }

    #[test]
    fn all_spellings_of_a_side_and_only_those() {
        for (spelling, kind) in [
            ("RECEIVE-OVERPAYMENT", "receivable"),
            ("AROVERPAYMENT", "receivable"),
            ("SPEND-PREPAYMENT", "payable"),
            ("ARPREPAYMENT", "receivable"),
        ] {
            assert_eq!(advance(&json!({"Type": spelling}))["kind"], kind);
        }
        let doc = advance(&json!({"Type": "GIFT", "Status": "AUTHORISED"}));
        assert_eq!(
            Value::Object(doc).to_string(),
            r#"{"status":"authorised","unreadable":[{"field":"kind","value":"GIFT"}]}"#
        );
    }

    #[test]
    fn lists_that_were_not_given_were_not_read_and_rows_without_an_id_are_named() {
        let doc = advance(&json!({"Status": "AUTHORISED", "Payments": []}));
        assert_eq!(doc.get("allocations"), None);
        assert_eq!(doc["payments"], json!([]));
        let doc = note(&json!({"Allocations": [{"Amount": "1,5", "Invoice": null}]}));
        assert_eq!(
            Value::Object(doc).to_string(),
            r#"{"allocations":[{}],"unreadable":[{"field":"allocations[].invoice","value":"missing"},{"field":"allocations[].amount","value":"1,5"}]}"#
        );
    }

    #[test]
    fn what_was_set_against_an_invoice_comes_from_three_lists() {
        let read = |element: &Value| {
            let mut reading = Reading::default();
            applied(&mut reading, element);
            Value::Object(reading.finish()).to_string()
        };
        let element = json!({
            "CreditNotes": [{"CreditNoteID": "AB", "AppliedAmount": "12.50", "Total": "99.00"}],
            "Prepayments": [{"PrepaymentID": "CD", "AppliedAmount": "1.00"}], "Overpayments": [],
        });
        assert_eq!(
            read(&element),
            r#"{"credits":[{"amount":"12.5","id":"ab","kind":"credit-note"},{"amount":"1","id":"cd","kind":"prepayment"}]}"#
        );
        assert_eq!(read(&json!({"CreditNotes": [], "Prepayments": []})), "{}");
    }
}
