//! A sales invoice of Xero's as an `invoice` of the ledger vocabulary, and an invoice draft as Xero wants it.
//!
//! Never writes anything of the contact but its id (a partial contact inside an invoice deletes its persons), never
//! leaves Xero a choice that the draft made (type, tax per line, kind of amounts). From here to `batches` (out) and
//! `objects` (in).

use footbridge_sdk::connector::Problem;
use footbridge_sdk::decimal;
use footbridge_sdk::document::{Field, Structure, at, field};
use serde_json::{Value, json};

use crate::columns::{
    Column, Reading, Shape, both, only_known, reported, their_word, write as write_columns, wrong,
};
use crate::credit;

/// The plain columns of an invoice.
pub(crate) const COLUMNS: &[Column] = &[
    both("number", "InvoiceNumber", Shape::Text),
    both("reference", "Reference", Shape::Text),
    both("url", "Url", Shape::Text),
    both("date", "Date", Shape::Date),
    both("due_date", "DueDate", Shape::Date),
    both("currency", "CurrencyCode", Shape::Text),
    both("currency_rate", "CurrencyRate", Shape::Decimal),
    both("sent", "SentToContact", Shape::Flag),
    reported("sub_total", "SubTotal", Shape::Decimal),
    reported("total_tax", "TotalTax", Shape::Decimal),
    reported("total", "Total", Shape::Decimal),
    reported("amount_due", "AmountDue", Shape::Decimal),
    reported("amount_paid", "AmountPaid", Shape::Decimal),
    reported("amount_credited", "AmountCredited", Shape::Decimal),
    reported("amount_deducted", "CISDeduction", Shape::Decimal),
    reported("fully_paid_on", "FullyPaidOnDate", Shape::Date),
    reported("customer_name", "Contact.Name", Shape::Text),
];

/// The plain columns of a line.
pub(crate) const LINE: &[Column] = &[
    both("id", "LineItemID", Shape::Text),
    both("description", "Description", Shape::Text),
    both("quantity", "Quantity", Shape::Decimal),
    both("unit_amount", "UnitAmount", Shape::Decimal),
    both("discount_rate", "DiscountRate", Shape::Decimal),
    both("item", "ItemCode", Shape::Text),
    both("account", "AccountCode", Shape::Text),
    both("tax_type", "TaxType", Shape::Text),
    both("tax_amount", "TaxAmount", Shape::Decimal),
    both("line_amount", "LineAmount", Shape::Decimal),
];

/// Words for the status of invoices and credit notes.
pub(crate) const STATUS: &[(&str, &str)] = &[
    ("draft", "DRAFT"),
    ("submitted", "SUBMITTED"),
    ("authorised", "AUTHORISED"),
    ("paid", "PAID"),
    ("voided", "VOIDED"),
    ("deleted", "DELETED"),
];
const AMOUNTS: &[(&str, &str)] = &[
    ("exclusive", "Exclusive"),
    ("inclusive", "Inclusive"),
    ("no-tax", "NoTax"),
];
const KINDS: &[(&str, &str)] = &[("receivable", "ACCREC"), ("payable", "ACCPAY")];

/// Reads an invoice.
pub(crate) fn read(invoice: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(invoice, COLUMNS);
    reading.word(invoice, "status", "Status", STATUS);
    reading.word(invoice, "amounts", "LineAmountTypes", AMOUNTS);
    reading.word(invoice, "kind", "Type", KINDS);
    reading.id(invoice, "customer", "Contact.ContactID");
    // Xero leaves lines out of unpaged lists: then they weren't read.
    reading.list(invoice, "lines", "LineItems", |line, part| {
        part.columns(line, LINE);
    });
    credit::payments(&mut reading, invoice);
    credit::applied(&mut reading, invoice);
    reading.finish()
}

/// Whether an element is a sales invoice.
pub(crate) fn is_receivable(invoice: &Value) -> bool {
    at(invoice, "Type").text() == Some("ACCREC")
}

/// Writes an invoice draft. `target` is the invoice's id if it exists.
///
/// # Errors
/// A field that is unknown, of the wrong shape, or finer than Xero stores (4 places for quantity and unit amount).
pub(crate) fn write(doc: &Structure, target: Option<&str>) -> Result<Value, Problem> {
    only_known(
        doc,
        COLUMNS,
        &["customer", "status", "amounts", "kind", "lines"],
    )?;
    let mut invoice = Structure::new();
    if let Some(id) = target {
        invoice.insert("InvoiceID".to_owned(), json!(id));
    }
    if their_word(doc, "kind", KINDS)? == Some("ACCPAY") {
        return Err(wrong("kind", "only receivable invoices are written"));
    }
    invoice.insert("Type".to_owned(), json!("ACCREC"));
    write_columns(doc, COLUMNS, &mut invoice)?;
    for (ours, theirs, words) in [
        ("status", "Status", STATUS),
        ("amounts", "LineAmountTypes", AMOUNTS),
    ] {
        if let Some(word) = their_word(doc, ours, words)? {
            invoice.insert(theirs.to_owned(), json!(word));
        }
    }
    match doc.get("customer").map(field) {
        None => {}
        Some(Field::Text(id)) => {
            invoice.insert("Contact".to_owned(), json!({"ContactID": id}));
        }
        Some(_) => return Err(wrong("customer", "it is not the id of a Xero contact")),
    }
    match doc.get("lines").map(field) {
        None => {}
        Some(Field::List(list)) => {
            let lines = list.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            invoice.insert("LineItems".to_owned(), Value::Array(lines));
        }
        Some(_) => return Err(wrong("lines", "it is not a list")),
    }
    if target.is_none() {
        for needed in ["customer", "date", "due_date", "amounts", "status", "lines"] {
            if !doc.contains_key(needed) {
                return Err(wrong(needed, "a new invoice needs it"));
            }
        }
    }
    Ok(Value::Object(invoice))
}

fn line(row: &Value) -> Result<Value, Problem> {
    let Field::Structure(row) = field(row) else {
        return Err(wrong("lines", "an entry is not a structure"));
    };
    only_known(row, LINE, &[])?;
    for exact in ["quantity", "unit_amount"] {
        if let Some(Field::Text(text)) = row.get(exact).map(field)
            && decimal::places(text).is_ok_and(|places| places > 4)
        {
            return Err(wrong(
                exact,
                &format!("{text} has more than the 4 places that Xero stores"),
            ));
        }
    }
    let mut element = Structure::new();
    write_columns(row, LINE, &mut element)?;
    // An empty id or code would name something: left out instead.
    for optional in ["LineItemID", "ItemCode"] {
        if element.get(optional).map(field) == Some(Field::Empty) {
            element.remove(optional);
        }
    }
    Ok(Value::Object(element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::document::parse;
    use proptest::prelude::*;

    const DRAFT: &str = r#"{"amounts":"exclusive","currency":"GBP","customer":"c0ffee","date":"2026-09-14","due_date":"2026-10-14","lines":[{"account":"200","description":"Bolt","quantity":"2","tax_type":"OUTPUT2","unit_amount":"10.5025"}],"reference":"PO 7","status":"draft","total":"24.15","url":"https://example.com/006#1"}"#;

    #[test]
    fn a_draft_leaves_nothing_to_chance() {
        let invoice = write(&parse(DRAFT).unwrap(), None).unwrap();
        assert_eq!(
            invoice.to_string(),
            r#"{"Contact":{"ContactID":"c0ffee"},"CurrencyCode":"GBP","Date":"2026-09-14","DueDate":"2026-10-14","LineAmountTypes":"Exclusive","LineItems":[{"AccountCode":"200","Description":"Bolt","Quantity":2,"TaxType":"OUTPUT2","UnitAmount":10.5025}],"Reference":"PO 7","Status":"DRAFT","Type":"ACCREC","Url":"https://example.com/006#1"}"#
        );
    }

    #[test]
    fn an_invoice_is_read_with_totals_and_line_ids() {
        let invoice = json!({
            "InvoiceID": "AB", "Type": "ACCREC", "Status": "AUTHORISED", "LineAmountTypes": "Exclusive",
            "InvoiceNumber": "INV-1", "Contact": {"ContactID": "C0FFEE", "Name": "Smith"},
            "Date": "/Date(1789344000000+0000)/", "SubTotal": "21.00", "TotalTax": "3.15", "Total": "24.15",
            "CISDeduction": "4.20", "FullyPaidOnDate": "/Date(1789430400000+0000)/", "Payments": [{"PaymentID": "P1", "Amount": "14.95"}],
            "CreditNotes": [], "Prepayments": [], "Overpayments": [{"OverpaymentID": "O1", "AppliedAmount": "5.00"}],
            "LineItems": [{"LineItemID": "L1", "Quantity": "2.0000", "UnitAmount": "10.50", "LineAmount": "21.00"}],
        });
        assert_eq!(
            Value::Object(read(&invoice)).to_string(),
            r#"{"amount_deducted":"4.2","amounts":"exclusive","credits":[{"amount":"5","id":"o1","kind":"overpayment"}],"customer":"c0ffee","customer_name":"Smith","date":"2026-09-14","fully_paid_on":"2026-09-15","kind":"receivable","lines":[{"id":"L1","line_amount":"21","quantity":"2","unit_amount":"10.5"}],"number":"INV-1","payments":[{"amount":"14.95","id":"p1"}],"status":"authorised","sub_total":"21","total":"24.15","total_tax":"3.15"}"#
        );
    }

    #[test]
    fn an_unreadable_date_is_named_and_lists_not_read_are_left_out() {
        let doc = read(&json!({"InvoiceID": "AB", "DueDate": "soon"}));
        assert_eq!(
            Value::Object(doc).to_string(),
            r#"{"unreadable":[{"field":"due_date","value":"soon"}]}"#
        );
    }

    #[test]
    fn refusals_name_the_field() {
        for (change, field) in [
            (r#""customer": {"$ref": {}}"#, "customer"),
            (r#""kind": "payable""#, "kind"),
            (r#""status": "open""#, "status"),
            (r#""lines": [{"quantity": "0.12345"}]"#, "quantity"),
            (r#""lines": [{"unit_amount": "1.5 GBP"}]"#, "unit_amount"),
            (r#""contact_name": "x""#, "contact_name"),
        ] {
            let mut doc = parse(DRAFT).unwrap();
            doc.extend(parse(&format!("{{{change}}}")).unwrap());
            assert_eq!(
                write(&doc, None).unwrap_err().field.as_deref(),
                Some(field),
                "{change}"
            );
        }
        let mut doc = parse(DRAFT).unwrap();
        doc.remove("due_date");
        assert_eq!(
            write(&doc, None).unwrap_err().field.as_deref(),
            Some("due_date")
        );
        assert!(
            write(&doc, Some("ab")).is_ok(),
            "an update need not carry it"
        );
    }

    proptest! {
        #[test]
        fn amounts_reach_xero_digit_for_digit(whole in 0_u64..10_000_000_000, fraction in 0_u32..10_000) {
            let amount = format!("{whole}.{fraction:04}");
            let mut doc = parse(DRAFT).unwrap();
            doc.extend(parse(&format!(r#"{{"lines":[{{"unit_amount":"{amount}"}}]}}"#)).unwrap());
            let invoice = write(&doc, None).unwrap();
            let token = invoice["LineItems"][0]["UnitAmount"].to_string();
            prop_assert_eq!(decimal::plain(&token).unwrap(), decimal::plain(&amount).unwrap());
        }
    }
}
