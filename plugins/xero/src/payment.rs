//! A payment of Xero's as a `payment` of the ledger vocabulary: money for an invoice, or money back of a credit.
//!
//! Read only, also where it is deleted: a payment that was taken back is kept and says so. Bank details are never read.
//! From here to `objects`.

use footbridge_sdk::document::{Structure, at};
use serde_json::{Value, json};

use crate::columns::{Column, Reading, Shape, reported};

/// The plain columns.
pub(crate) const COLUMNS: &[Column] = &[
    reported("date", "Date", Shape::Date),
    reported("amount", "Amount", Shape::Decimal),
    reported("bank_amount", "BankAmount", Shape::Decimal),
    reported("currency_rate", "CurrencyRate", Shape::Decimal),
    reported("reference", "Reference", Shape::Text),
    reported("reconciled", "IsReconciled", Shape::Flag),
    reported("account", "Account.Code", Shape::Text),
];

const STATUS: &[(&str, &str)] = &[("authorised", "AUTHORISED"), ("deleted", "DELETED")];

/// Which side a payment is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Receipt,
    Refund,
    Payable,
}

/// What `PaymentType` says: the kind of the document, and the side.
const TYPES: &[(&str, &str, Flow)] = &[
    ("ACCRECPAYMENT", "invoice", Flow::Receipt),
    ("ARCREDITPAYMENT", "credit-note", Flow::Refund),
    ("AROVERPAYMENTPAYMENT", "overpayment", Flow::Refund),
    ("ARPREPAYMENTPAYMENT", "prepayment", Flow::Refund),
    ("ACCPAYPAYMENT", "invoice", Flow::Payable),
    ("APCREDITPAYMENT", "credit-note", Flow::Payable),
    ("APOVERPAYMENTPAYMENT", "overpayment", Flow::Payable),
    ("APPREPAYMENTPAYMENT", "prepayment", Flow::Payable),
];

/// Where a payment may show its document. A refund's is shown under `Invoice` too, or under its own name.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("CreditNote", "CreditNoteID", "CreditNoteNumber"),
    ("Overpayment", "OverpaymentID", "OverpaymentNumber"),
    ("Prepayment", "PrepaymentID", "PrepaymentNumber"),
    ("Invoice", "InvoiceID", "InvoiceNumber"),
];

/// Reads a payment.
pub(crate) fn read(payment: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(payment, COLUMNS);
    reading.word(payment, "status", "Status", STATUS);
    reading.id(payment, "batch", "BatchPaymentID");
    if let Some(found) = at(payment, "PaymentType").text() {
        match TYPES.iter().find(|(theirs, ..)| *theirs == found) {
            Some((_, document, flow)) => {
                reading.put("document_kind", json!(document));
                reading.put("payable", json!(*flow == Flow::Payable));
                match flow {
                    Flow::Receipt => reading.put("kind", json!("receipt")),
                    Flow::Refund => reading.put("kind", json!("refund")),
                    Flow::Payable => {}
                }
            }
            None => reading.unreadable("kind", found),
        }
    }
    for (member, id, number) in MEMBERS {
        let of = |field: &str| format!("{member}.{field}");
        reading.id(payment, "document", &of(id));
        if !reading.doc.contains_key("document") {
            continue;
        }
        reading.id(payment, "customer", &of("Contact.ContactID"));
        for (ours, theirs) in [("document_number", *number), ("currency", "CurrencyCode")] {
            if let Some(text) = at(payment, &of(theirs)).text() {
                reading.put(ours, json!(text));
            }
        }
        break;
    }
    reading.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(kind: &str, more: &Value) -> Value {
        let mut element = json!({
            "PaymentID": "AB", "Date": "/Date(1789344000000+0000)/", "Amount": "120.00", "BankAmount": "102.56", "CurrencyRate": "1.170000",
            "Reference": "INV-1", "PaymentType": kind, "Status": "AUTHORISED", "IsReconciled": "true", "Account": {"AccountID": "AC", "Code": "090"},
        });
        element
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        element
    }

    #[test]
    fn a_receipt_is_read_with_its_document() {
        let element = payment(
            "ACCRECPAYMENT",
            &json!({
                "BatchPaymentID": "BA", "BatchPayment": {"BatchPaymentID": "BA"},
                "Invoice": {"InvoiceID": "F00D", "InvoiceNumber": "INV-1", "Type": "ACCREC", "CurrencyCode": "EUR", "Contact": {"ContactID": "C0FFEE", "Name": "Smith"}},
            }),
        );
        assert_eq!(
            Value::Object(read(&element)).to_string(),
            r#"{"account":"090","amount":"120","bank_amount":"102.56","batch":"ba","currency":"EUR","currency_rate":"1.17","customer":"c0ffee","date":"2026-09-14","document":"f00d","document_kind":"invoice","document_number":"INV-1","kind":"receipt","payable":false,"reconciled":true,"reference":"INV-1","status":"authorised"}"#
        );
    }

    #[test]
    fn a_refund_names_its_credit_wherever_it_is_shown() {
        let contact = json!({"ContactID": "C0FFEE"});
        let as_invoice = json!({"Invoice": {"InvoiceID": "CD", "InvoiceNumber": "CN-1", "Type": "ACCRECCREDIT", "Contact": contact}});
        let by_kind = json!({"CreditNote": {"CreditNoteID": "CD", "CreditNoteNumber": "CN-1", "Contact": contact}});
        let read_of = |more| Value::Object(read(&payment("ARCREDITPAYMENT", more)));
        let doc = read_of(&as_invoice);
        assert_eq!(doc, read_of(&by_kind));
        assert_eq!(
            (&doc["document"], &doc["document_kind"], &doc["kind"]),
            (&json!("cd"), &json!("credit-note"), &json!("refund"))
        );
        assert_eq!(doc["document_number"], "CN-1");
        let over = payment(
            "AROVERPAYMENTPAYMENT",
            &json!({"Overpayment": {"OverpaymentID": "EF", "CurrencyCode": "GBP"}}),
        );
        assert_eq!(read(&over)["document"], "ef");
        assert_eq!(read(&over)["currency"], "GBP");
    }

    #[test]
    fn the_payable_side_says_so_and_an_unknown_type_is_named() {
        let doc = read(&payment("APCREDITPAYMENT", &json!({})));
        assert_eq!((doc.get("kind"), &doc["payable"]), (None, &json!(true)));
        let doc = read(&payment("GIFT", &json!({})));
        assert_eq!((doc.get("kind"), doc.get("payable")), (None, None));
        assert_eq!(
            doc["unreadable"],
            json!([{"field": "kind", "value": "GIFT"}])
        );
    }

    #[test]
    fn a_deleted_one_is_still_read() {
        let element = payment("ACCRECPAYMENT", &json!({"Status": "DELETED"}));
        assert_eq!(
            (&read(&element)["status"], &read(&element)["amount"]),
            (&json!("deleted"), &json!("120"))
        );
    }
}
