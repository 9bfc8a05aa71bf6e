//! The records of both simulators, as plain JSON: read whole, compared field by field. Nothing here knows Footbridge's own state.

use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::xero::XeroSimulator;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Objects of Salesforce that are looked at.
pub(crate) const SALESFORCE: [&str; 6] = [
    "Account",
    "Opportunity",
    "OpportunityLineItem",
    DOCUMENT,
    PAYMENT,
    BALANCE,
];
/// Collections of Xero, with the field of their id.
pub(crate) const XERO: [(&str, &str); 6] = [
    ("Contacts", "ContactID"),
    ("Invoices", "InvoiceID"),
    ("Payments", "PaymentID"),
    ("CreditNotes", "CreditNoteID"),
    ("Overpayments", "OverpaymentID"),
    ("Prepayments", "PrepaymentID"),
];

pub(crate) const DOCUMENT: &str = "Footbridge_Document__c";
pub(crate) const PAYMENT: &str = "Footbridge_Payment__c";
pub(crate) const BALANCE: &str = "Footbridge_Balance__c";

/// Everything there is, by object and id.
#[derive(Debug, Clone, Default)]
pub struct Records {
    all: BTreeMap<(String, String), Value>,
}

impl Records {
    /// Reads both simulators.
    pub(crate) fn read(xero: &XeroSimulator, salesforce: &SalesforceSimulator) -> Self {
        let mut all = BTreeMap::new();
        for object in SALESFORCE {
            for record in salesforce.dump(object) {
                all.insert((object.to_owned(), text(&record, "Id")), record);
            }
        }
        for (collection, id) in XERO {
            for record in xero.dump(collection) {
                all.insert((collection.to_owned(), text(&record, id)), record);
            }
        }
        Self { all }
    }

    /// All of an object, by id.
    pub(crate) fn of<'a>(&'a self, object: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.all.iter().filter(move |((of, _), _)| of == object);
        all.map(|((_, id), record)| (id.as_str(), record))
    }

    /// Those of Salesforce that are not in the bin.
    pub(crate) fn live<'a>(
        &'a self,
        object: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.of(object);
        all.filter(|(_, record)| record.get("IsDeleted") != Some(&Value::Bool(true)))
    }

    pub(crate) fn get(&self, object: &str, id: &str) -> Option<&Value> {
        self.all.get(&(object.to_owned(), id.to_owned()))
    }

    /// What is in both, as it was and is: object, id, before, after.
    pub(crate) fn in_both<'a>(
        &'a self,
        after: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Value, &'a Value)> {
        self.all.iter().filter_map(move |(key, before)| {
            let after = after.all.get(key)?;
            Some((key.0.as_str(), key.1.as_str(), before, after))
        })
    }

    /// Keys of what was made or changed since `before`, by each record's own stamp.
    pub(crate) fn written_since<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.all.iter().filter(|(key, now)| {
            let stamp = |record: &Value| {
                let of_salesforce = text(record, "SystemModstamp");
                let of_xero = text(record, "UpdatedDateUTC");
                format!("{of_salesforce}{of_xero}")
            };
            match before.all.get(*key) {
                None => true,
                // Two writes in one second bear one stamp.
                Some(old) => stamp(old) != stamp(now) || core(old) != core(now),
            }
        });
        all.map(|(key, _)| (key.0.as_str(), key.1.as_str()))
    }
}

/// What of a record is nobody's arithmetic: formulas and sums of others' records move by themselves.
fn core(record: &Value) -> Vec<(&String, &Value)> {
    const MOVING: [&str; 12] = [
        "Overdue__c",
        "Days_Overdue__c",
        "Age_Bucket__c",
        "Shown_Status__c",
        "Balances",
        "Payments",
        "CreditNotes",
        "Overpayments",
        "Prepayments",
        "IsCustomer",
        "HasOverdueActivity",
        "ExpectedRevenue",
    ];
    const SETTLED: [&str; 7] = [
        "AmountDue",
        "AmountPaid",
        "AmountCredited",
        "FullyPaidOnDate",
        "Status",
        "Allocations",
        "RemainingCredit",
    ];
    let fields = record.as_object().into_iter().flatten();
    let core = fields
        .filter(|(name, _)| !MOVING.contains(&name.as_str()) && !SETTLED.contains(&name.as_str()));
    core.collect()
}

/// A text of a record, a path with dots; empty where there is none.
pub(crate) fn text(record: &Value, path: &str) -> String {
    let value = path
        .split('.')
        .try_fold(record, |value, step| value.get(step));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// An amount of a record.
pub(crate) fn decimal(record: &Value, path: &str) -> Option<Decimal> {
    let text = text(record, path);
    Decimal::from_str(&text)
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

/// An amount, nought where there is none.
pub(crate) fn amount(record: &Value, path: &str) -> Decimal {
    decimal(record, path).unwrap_or_default()
}

/// Hundredths as the APIs write amounts.
pub(crate) fn money(hundredths: i64) -> String {
    Decimal::new(hundredths, 2).to_string()
}

/// Half-up to two places, away from nought.
pub(crate) fn cents(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}
