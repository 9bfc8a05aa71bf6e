//! The company as Xero knows it before the first sync: ledger, items, contacts, and invoices that began
//! there. None of these may be touched, and none doubled.
//!
//! It works out no totals: the simulator does, from the same lines. Next: `super::seed` loads them.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::blueprint::{Blueprint, CustomerIx, Deal, InXero, Outcome};
use super::crm::account_id;
use super::ids::xero as id;
use super::money::{cents, number};

/// Customers that exist in Xero only.
pub(crate) const BORN_IN_XERO: [&str; 12] = [
    "Parish Hall Committee",
    "Market Stall Cooperative",
    "Village Green Cricket Club",
    "Riverside Allotments",
    "Old Mill Tenants Association",
    "Station Café",
    "Bell Ringers Guild",
    "Harbour Master's Office",
    "Lock Keepers Union",
    "Canal Boat Weekly",
    "Town Band",
    "Weavers Museum",
];

/// The last day of the quarter before `as_of`'s: nothing may be posted on or before it.
pub(crate) fn lock_date(as_of: DateTime<Utc>) -> NaiveDate {
    let today = as_of.date_naive();
    let first_month = today.month0() / 3 * 3 + 1;
    NaiveDate::from_ymd_opt(today.year(), first_month, 1)
        .and_then(|first| first.pred_opt())
        .unwrap_or(today)
}

/// Collection and records of the firm's own organisation, in the order they are loaded.
pub(crate) fn records(book: &Blueprint, as_of: DateTime<Utc>) -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("Accounts", accounts()),
        ("Items", items(book)),
        ("Contacts", contacts(book, as_of)),
        ("Invoices", invoices(book, as_of)),
    ]
}

/// The subsidiary's organisation, which nothing may touch: its contacts are namesakes of the firm's customers.
pub(crate) fn subsidiary(
    book: &Blueprint,
    as_of: DateTime<Utc>,
) -> Vec<(&'static str, Vec<Value>)> {
    let stamp = long_ago(as_of, 0);
    let names = book
        .customers
        .iter()
        .take(3)
        .map(|customer| customer.who.name());
    let contacts: Vec<Value> = names
        .enumerate()
        .map(|(index, name)| json!({ "ContactID": id("subsidiary-contact", index), "Name": name, "UpdatedDateUTC": stamp }))
        .collect();
    let invoices = (0..contacts.len())
        .map(|index| {
            json!({
                "InvoiceID": id("subsidiary-invoice", index), "Type": "ACCREC", "Status": "AUTHORISED", "CurrencyCode": "AUD",
                "InvoiceNumber": format!("AU-{:04}", index + 1), "Contact": { "ContactID": id("subsidiary-contact", index) },
                "Date": day(as_of, 20), "DueDate": day(as_of, -10), "UpdatedDateUTC": stamp,
                "LineItems": [{ "Description": "Consulting", "Quantity": 1, "UnitAmount": number(cents(120_000)), "AccountCode": "200", "TaxType": "OUTPUT" }],
            })
        })
        .collect();
    vec![("Contacts", contacts), ("Invoices", invoices)]
}

fn day(as_of: DateTime<Utc>, days_before: i64) -> String {
    (as_of - Duration::days(days_before))
        .date_naive()
        .to_string()
}

/// A stamp well before go-live.
fn long_ago(as_of: DateTime<Utc>, step: usize) -> String {
    let minutes = i64::try_from(step).unwrap_or_default() % 5_000;
    (as_of - Duration::days(60) + Duration::minutes(minutes))
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string()
}

fn accounts() -> Vec<Value> {
    [
        ("200", "Sales", "SALES", "OUTPUT2"),
        ("210", "Sales of goods", "SALES", "OUTPUT2"),
        ("220", "Training income", "REVENUE", "EXEMPTOUTPUT"),
        ("230", "Plants and seeds", "SALES", "ZERORATEDOUTPUT"),
        ("260", "Other Revenue", "REVENUE", "OUTPUT2"),
    ]
    .map(|(code, name, kind, tax)| json!({ "Code": code, "Name": name, "Type": kind, "TaxType": tax }))
    .to_vec()
}

fn items(book: &Blueprint) -> Vec<Value> {
    let coded = book.products.iter().enumerate().filter_map(|(index, product)| {
        let (account, tax) = product.family.posting();
        let mut sales = json!({ "UnitPrice": number(product.pounds), "AccountCode": account });
        if let (Some(tax), Some(sales)) = (tax, sales.as_object_mut()) {
            sales.insert("TaxType".to_owned(), json!(tax));
        }
        product.code.as_ref().map(|code| {
            json!({ "ItemID": id("item", index), "Code": code, "Name": product.name, "IsSold": true, "SalesDetails": sales })
        })
    });
    coded.collect()
}

fn contact_id(customer: CustomerIx) -> String {
    id("contact", customer.0)
}

fn contacts(book: &Blueprint, as_of: DateTime<Utc>) -> Vec<Value> {
    let mut contacts: Vec<Value> = BORN_IN_XERO
        .iter()
        .enumerate()
        .map(|(index, name)| json!({ "ContactID": id("native-contact", index), "Name": name, "IsCustomer": true }))
        .collect();
    for (index, customer) in book.customers.iter().enumerate() {
        let customer_ix = CustomerIx(index);
        let (own, account, name) = (
            contact_id(customer_ix),
            account_id(customer_ix),
            customer.who.name(),
        );
        match &customer.in_xero {
            InXero::Nowhere => {}
            InXero::Linked(tax_type) => {
                let mut contact =
                    json!({ "ContactID": own, "Name": name, "ContactNumber": account });
                if let (Some(tax_type), Some(fields)) = (tax_type, contact.as_object_mut()) {
                    fields.insert("AccountsReceivableTaxType".to_owned(), json!(tax_type));
                }
                contacts.push(contact);
            }
            InXero::SameName => contacts.push(json!({ "ContactID": own, "Name": name })),
            InXero::Lookalike(known) => contacts.push(json!({ "ContactID": own, "Name": known })),
            InXero::ArchivedNamesake => contacts
                .push(json!({ "ContactID": own, "Name": name, "ContactStatus": "ARCHIVED" })),
            InXero::MergedInto(winner) => {
                let winner_id = id("merge-winner", index);
                contacts.push(json!({ "ContactID": winner_id, "Name": winner }));
                contacts.push(json!({
                    "ContactID": own, "Name": name, "ContactNumber": account, "ContactStatus": "ARCHIVED", "MergedToContactID": winner_id,
                }));
            }
        }
    }
    for (index, contact) in contacts.iter_mut().enumerate() {
        if let Some(fields) = contact.as_object_mut() {
            fields.insert("UpdatedDateUTC".to_owned(), json!(long_ago(as_of, index)));
        }
    }
    contacts
}

/// Invoices raised by hand for won deals, then others, to 12 % of what there will be.
fn invoices(book: &Blueprint, as_of: DateTime<Utc>) -> Vec<Value> {
    let billed = book
        .deals
        .iter()
        .filter(|deal| deal.is_won() && deal.outcome == Outcome::Billed)
        .count();
    let wanted = (billed * 12 + 44) / 88;
    let mut invoices: Vec<Value> = book
        .hand_raised
        .iter()
        .filter_map(|(index, days)| {
            book.deals
                .get(*index)
                .map(|deal| hand_raised(book, deal, *index, as_of, *days))
        })
        .collect();
    for index in 0..wanted.saturating_sub(invoices.len()).max(2) {
        invoices.push(native(index, as_of));
    }
    for (index, invoice) in invoices.iter_mut().enumerate() {
        if let Some(fields) = invoice.as_object_mut() {
            fields.insert(
                "InvoiceNumber".to_owned(),
                json!(format!("INV-{:04}", 1_001 + index)),
            );
            fields.insert("UpdatedDateUTC".to_owned(), json!(long_ago(as_of, index)));
        }
    }
    invoices
}

/// Someone typed the deal's invoice into Xero: the same contact, the same lines, no link.
fn hand_raised(
    book: &Blueprint,
    deal: &Deal,
    index: usize,
    as_of: DateTime<Utc>,
    days: i64,
) -> Value {
    let lines: Vec<Value> = deal
        .lines
        .iter()
        .filter_map(|line| book.products.get(line.product).map(|product| (line, product)))
        .map(|(line, product)| {
            let (account, tax) = product.family.posting();
            json!({
                "Description": product.name, "Quantity": number(line.quantity), "UnitAmount": number(line.unit_price),
                "AccountCode": account, "TaxType": tax,
            })
        })
        .collect();
    json!({
        "InvoiceID": id("hand-raised", index), "Type": "ACCREC", "Status": "AUTHORISED", "CurrencyCode": deal.currency.code(),
        "Contact": { "ContactID": contact_id(deal.customer) }, "Date": day(as_of, days), "DueDate": day(as_of, days - 30),
        "Reference": "as agreed by phone", "LineItems": lines,
    })
}

/// An invoice that began in Xero, over the last eighteen months.
fn native(index: usize, as_of: DateTime<Utc>) -> Value {
    let step = i64::try_from(index).unwrap_or_default();
    let days = 5 + (step * 37) % 540;
    let status = match index % 6 {
        0 => "DRAFT",
        5 => "VOIDED",
        _ => "AUTHORISED",
    };
    let amount: Decimal = cents(4_317 + (step * 7_919) % 350_000);
    json!({
        "InvoiceID": id("native-invoice", index), "Type": "ACCREC", "Status": status, "CurrencyCode": "GBP",
        "Contact": { "ContactID": id("native-contact", index % BORN_IN_XERO.len()) },
        "Date": day(as_of, days), "DueDate": day(as_of, days - 30),
        "LineItems": [
            { "Description": "Counter sale", "Quantity": 1, "UnitAmount": number(amount), "AccountCode": "260", "TaxType": "OUTPUT2" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_the_day_before_the_quarter() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(
            lock_date(at("2026-11-22T20:00:00Z")).to_string(),
            "2026-09-30"
        );
        assert_eq!(
            lock_date(at("2026-01-01T00:30:00Z")).to_string(),
            "2025-12-31"
        );
        assert_eq!(
            lock_date(at("2026-06-30T23:30:00Z")).to_string(),
            "2026-03-31"
        );
    }
}
