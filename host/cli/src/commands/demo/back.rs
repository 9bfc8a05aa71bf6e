//! The way back, counted: what Xero holds of payments and receivable documents against what Salesforce shows of them.
//!
//! Both sides from the simulators' own records; nothing here asks the product. Next: `tally`.

use super::tally::{decimal, text};
use super::world::World;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What came back.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Back {
    /// Payments and refunds in Xero on receivable documents; of those taken back the ones that Salesforce has seen.
    pub(crate) payments_expected: usize,
    /// Those whose record in Salesforce has their amount, status and document.
    pub(crate) payments_reflected: usize,
    /// Receivable documents in Xero, deleted ones aside.
    pub(crate) documents_expected: usize,
    /// Those whose record in Salesforce has their total, currency, and what is due or left.
    pub(crate) documents_reflected: usize,
    /// Customers and currencies whose balance in Salesforce isn't what Xero's documents come to.
    pub(crate) balance_mismatches: usize,
    /// Records in Salesforce of nothing that is in Xero, or twice of one thing.
    pub(crate) strangers: usize,
}

/// Xero's lists of receivable documents: name, id, kind in our keys, and the types that are a customer's.
const LISTS: [(&str, &str, &str, &[&str]); 4] = [
    ("Invoices", "InvoiceID", "invoice", &["ACCREC"]),
    (
        "CreditNotes",
        "CreditNoteID",
        "credit-note",
        &["ACCRECCREDIT"],
    ),
    (
        "Overpayments",
        "OverpaymentID",
        "overpayment",
        &["RECEIVE-OVERPAYMENT", "AROVERPAYMENT"],
    ),
    (
        "Prepayments",
        "PrepaymentID",
        "prepayment",
        &["RECEIVE-PREPAYMENT", "ARPREPAYMENT"],
    ),
];

/// `PaymentType`s of the receivable side and the kind of their document.
const PAYMENTS: [(&str, &str); 4] = [
    ("ACCRECPAYMENT", "invoice"),
    ("ARCREDITPAYMENT", "credit-note"),
    ("AROVERPAYMENTPAYMENT", "overpayment"),
    ("ARPREPAYMENTPAYMENT", "prepayment"),
];

impl Back {
    /// Counts.
    pub(crate) fn count(world: &World) -> Self {
        let organisation = world
            .xero
            .organisation_id(0)
            .map(|id| id.to_string().to_ascii_lowercase())
            .unwrap_or_default();
        let shown = |object: &str| -> BTreeMap<String, Vec<Value>> {
            let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for record in world.salesforce.dump(object) {
                if record.get("IsDeleted") != Some(&Value::Bool(true)) {
                    found
                        .entry(text(&record, "Key__c"))
                        .or_default()
                        .push(record);
                }
            }
            found
        };
        let documents = shown("Footbridge_Document__c");
        let payments = shown("Footbridge_Payment__c");
        let balances = shown("Footbridge_Balance__c");
        let mut back = Self::default();
        let mut known = Vec::new();
        let mut owed: BTreeMap<(String, String), Decimal> = BTreeMap::new();
        for document in receivable(world) {
            let key = format!("{organisation}/{}/{}", document.kind, document.id);
            if let Some(open) = document.open() {
                let of = owed
                    .entry((document.customer.clone(), document.currency.clone()))
                    .or_default();
                *of = of.saturating_add(open);
            }
            if !document.is_deleted {
                back.documents_expected += 1;
                back.documents_reflected += usize::from(
                    only(&documents, &key).is_some_and(|record| document.equals(record)),
                );
            }
            known.push(key);
        }
        let keys: BTreeMap<String, &str> = documents
            .iter()
            .flat_map(|(key, records)| {
                records
                    .iter()
                    .map(|record| (text(record, "Id"), key.as_str()))
            })
            .collect();
        for payment in world.xero.dump("Payments") {
            let kind = text(&payment, "PaymentType");
            let Some((_, kind)) = PAYMENTS.iter().find(|(theirs, _)| *theirs == kind) else {
                continue;
            };
            let key = format!("{organisation}/payment/{}", text(&payment, "PaymentID"));
            let record = only(&payments, &key);
            known.push(key);
            let taken_back = text(&payment, "Status") == "DELETED";
            if taken_back && record.is_none() {
                continue;
            }
            back.payments_expected += 1;
            let document = format!("{organisation}/{kind}/{}", document_of(&payment));
            let equals = record.is_some_and(|record| {
                decimal(record, "Amount__c") == decimal(&payment, "Amount")
                    && text(record, "Status__c") == if taken_back { "reversed" } else { "recorded" }
                    && keys.get(&text(record, "Document__c")) == Some(&document.as_str())
            });
            back.payments_reflected += usize::from(equals);
        }
        back.balance_mismatches = mismatches(&organisation, &owed, &balances);
        let allocation = format!("{organisation}/allocation/");
        back.strangers = documents
            .iter()
            .chain(
                payments
                    .iter()
                    .filter(|(key, _)| !key.starts_with(&allocation)),
            )
            .map(|(key, records)| {
                if known.contains(key) {
                    records.len() - 1
                } else {
                    records.len()
                }
            })
            .sum();
        back
    }

    /// Everything is there, as it is in Xero, and nothing else.
    pub(crate) fn agrees(&self) -> bool {
        self.payments_expected > 0
            && self.payments_reflected == self.payments_expected
            && self.documents_reflected == self.documents_expected
            && self.balance_mismatches == 0
            && self.strangers == 0
    }
}

/// A customer's document in Xero.
struct Document {
    kind: &'static str,
    id: String,
    customer: String,
    currency: String,
    total: Option<Decimal>,
    /// Due on an invoice, left of a credit.
    left: Option<Decimal>,
    is_open: bool,
    is_deleted: bool,
}

impl Document {
    /// What it adds to its customer's balance.
    fn open(&self) -> Option<Decimal> {
        let left = self.left.filter(|left| self.is_open && !left.is_zero())?;
        Some(if self.kind == "invoice" { left } else { -left })
    }

    fn equals(&self, record: &Value) -> bool {
        let left = if self.kind == "invoice" {
            "Amount_Due__c"
        } else {
            "Remaining_Credit__c"
        };
        decimal(record, "Total__c") == self.total
            && decimal(record, left) == self.left
            && text(record, "Currency__c") == self.currency
            && text(record, "Kind__c") == self.kind
    }
}

fn receivable(world: &World) -> Vec<Document> {
    let mut found = Vec::new();
    for (list, id, kind, types) in LISTS {
        for record in world.xero.dump(list) {
            if !types.contains(&text(&record, "Type").as_str()) {
                continue;
            }
            let status = text(&record, "Status");
            let left = if kind == "invoice" {
                "AmountDue"
            } else {
                "RemainingCredit"
            };
            found.push(Document {
                kind,
                id: text(&record, id),
                customer: record
                    .get("Contact")
                    .map(|contact| text(contact, "ContactID"))
                    .unwrap_or_default(),
                currency: text(&record, "CurrencyCode"),
                total: decimal(&record, "Total"),
                left: decimal(&record, left),
                is_open: status == "AUTHORISED",
                is_deleted: status == "DELETED",
            });
        }
    }
    found
}

/// The id of the document of a payment, under whichever member it is shown.
fn document_of(payment: &Value) -> String {
    let members = [
        ("Invoice", "InvoiceID"),
        ("CreditNote", "CreditNoteID"),
        ("Overpayment", "OverpaymentID"),
        ("Prepayment", "PrepaymentID"),
    ];
    members
        .iter()
        .filter_map(|(member, id)| payment.get(member).map(|shown| text(shown, id)))
        .find(|id| !id.is_empty())
        .unwrap_or_default()
}

/// The record with that key, if there is just one.
fn only<'r>(records: &'r BTreeMap<String, Vec<Value>>, key: &str) -> Option<&'r Value> {
    match records.get(key).map(Vec::as_slice) {
        Some([one]) => Some(one),
        _ => None,
    }
}

fn mismatches(
    organisation: &str,
    owed: &BTreeMap<(String, String), Decimal>,
    shown: &BTreeMap<String, Vec<Value>>,
) -> usize {
    let wanted: BTreeMap<String, Decimal> = owed
        .iter()
        .map(|((customer, currency), open)| {
            (format!("{organisation}/{customer}/{currency}"), *open)
        })
        .collect();
    let missing_or_wrong = wanted.iter().filter(|(key, open)| {
        only(shown, key).and_then(|record| decimal(record, "Balance__c")) != Some(**open)
    });
    // Who owes nothing may have a record that says so.
    let more = shown.iter().filter(|(key, records)| {
        let nothing =
            |record: &Value| decimal(record, "Balance__c").is_some_and(|open| open.is_zero());
        let says_nothing = records.len() == 1 && records.iter().all(nothing);
        !says_nothing && !wanted.contains_key(*key)
    });
    missing_or_wrong.count() + more.count()
}
