//! Sums: due + paid + credited = total for every invoice; where the way back is on, Salesforce shows what Xero has: each document's status and
//! amounts, each payment, and per customer and currency what is due, what credit is left, and the balance.

use super::Rested;
use crate::records::{BALANCE, DOCUMENT, PAYMENT, Records, amount, text};
use crate::schedule::Switch;
use crate::world::World;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "due, paid and credited make the total";

pub(crate) fn asked(world: &World, rested: &Rested) -> Vec<String> {
    let records = &rested.records;
    let mut says = Vec::new();
    for (_, invoice) in records.of("Invoices") {
        let parts = amount(invoice, "AmountDue")
            + amount(invoice, "AmountPaid")
            + amount(invoice, "AmountCredited");
        if !is_gone(invoice) && parts != amount(invoice, "Total") {
            says.push(format!(
                "invoice {} in Xero adds up to {parts} instead of {}",
                text(invoice, "InvoiceNumber"),
                text(invoice, "Total")
            ));
        }
    }
    if world.setup.way_back == Switch::Off {
        return says;
    }
    let waits = |key: &str| {
        let mut decisions = rested.decisions.iter();
        decisions.any(|decision| decision.subject.record.id.as_str() == key)
    };
    documents(records, &waits, &mut says);
    payments(records, &mut says);
    balances(records, &waits, &mut says);
    says
}

fn is_gone(document: &Value) -> bool {
    ["VOIDED", "DELETED"].contains(&text(document, "Status").as_str())
}

/// Xero's documents that are sales, with their ids.
fn sales(records: &Records) -> impl Iterator<Item = (&str, &Value, Counts)> {
    let invoices = records
        .of("Invoices")
        .filter(|(_, one)| text(one, "Type") == "ACCREC")
        .map(|(id, one)| (id, one, Counts::Due));
    let credits = ["CreditNotes", "Overpayments", "Prepayments"]
        .into_iter()
        .flat_map(|kind| records.of(kind))
        .map(|(id, one)| (id, one, Counts::Credit));
    invoices.chain(credits)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Due,
    Credit,
}

fn documents(records: &Records, waits: &impl Fn(&str) -> bool, says: &mut Vec<String>) {
    let mut shown: BTreeMap<String, &Value> = BTreeMap::new();
    for (_, document) in records.live(DOCUMENT) {
        shown.insert(text(document, "Ledger_Id__c"), document);
    }
    for (id, document, counts) in sales(records) {
        let status = text(document, "Status");
        let Some(there) = shown.get(id) else {
            if ["AUTHORISED", "PAID"].contains(&status.as_str()) {
                says.push(format!(
                    "{id} ({status}) of Xero is not shown in Salesforce"
                ));
            }
            continue;
        };
        if waits(&text(there, "Key__c")) {
            continue;
        }
        let name = text(there, "Name");
        let mut same = |field: &str, wanted: Decimal| {
            let found = amount(there, field);
            if found != wanted {
                says.push(format!("{name}: {field} is {found} and {wanted} in Xero"));
            }
        };
        match (counts, status.as_str()) {
            (Counts::Due, "AUTHORISED" | "PAID") => {
                same("Total__c", amount(document, "Total"));
                same("Amount_Due__c", amount(document, "AmountDue"));
                same("Amount_Paid__c", amount(document, "AmountPaid"));
                same("Amount_Credited__c", amount(document, "AmountCredited"));
            }
            (Counts::Credit, "AUTHORISED" | "PAID") => {
                same("Remaining_Credit__c", amount(document, "RemainingCredit"));
            }
            _ => {}
        }
        let wanted = match (counts, status.as_str()) {
            (_, "DRAFT") => "draft",
            (_, "VOIDED") => "voided",
            (_, "DELETED") => "deleted",
            (Counts::Due, "AUTHORISED")
                if amount(document, "AmountDue") == amount(document, "Total") =>
            {
                "awaiting-payment"
            }
            (Counts::Due, "AUTHORISED") => "part-paid",
            (Counts::Credit, "AUTHORISED") => "credit-unallocated",
            _ => continue,
        };
        if text(there, "Status__c") != wanted {
            says.push(format!(
                "{name} is shown as {:?} instead of {wanted:?}",
                text(there, "Status__c")
            ));
        }
    }
}

/// Payments on sales are shown, taken back or not.
fn payments(records: &Records, says: &mut Vec<String>) {
    let mut shown: BTreeMap<String, &Value> = BTreeMap::new();
    for (_, payment) in records.live(PAYMENT) {
        shown.insert(text(payment, "Ledger_Id__c"), payment);
    }
    for (id, payment) in records.of("Payments") {
        let deleted = text(payment, "Status") == "DELETED";
        match shown.get(id) {
            // One that was taken back before anybody saw it was never shown.
            None if deleted => {}
            None => says.push(format!("payment {id} of Xero is not shown in Salesforce")),
            Some(there) => {
                let wanted = if deleted { "reversed" } else { "recorded" };
                if text(there, "Status__c") != wanted
                    || amount(there, "Amount__c") != amount(payment, "Amount")
                {
                    says.push(format!(
                        "{} is {} over {} instead of {wanted} over {}",
                        text(there, "Name"),
                        text(there, "Status__c"),
                        text(there, "Amount__c"),
                        text(payment, "Amount")
                    ));
                }
            }
        }
    }
}

fn balances(records: &Records, waits: &impl Fn(&str) -> bool, says: &mut Vec<String>) {
    let mut wanted: BTreeMap<(String, String), (Decimal, Decimal)> = BTreeMap::new();
    for (_, document, counts) in sales(records) {
        if text(document, "Status") != "AUTHORISED" {
            continue;
        }
        let key = (
            text(document, "Contact.ContactID"),
            text(document, "CurrencyCode"),
        );
        let (due, credit) = wanted.entry(key).or_default();
        match counts {
            Counts::Due => *due += amount(document, "AmountDue"),
            Counts::Credit => *credit += amount(document, "RemainingCredit"),
        }
    }
    for (_, balance) in records.live(BALANCE) {
        let key = (text(balance, "Customer__c"), text(balance, "Currency__c"));
        let (due, credit) = wanted.remove(&key).unwrap_or_default();
        if waits(&text(balance, "Key__c")) {
            continue;
        }
        for (field, wanted) in [
            ("Invoiced_Due__c", due),
            ("Unallocated_Credits__c", credit),
            ("Balance__c", due - credit),
        ] {
            let found = amount(balance, field);
            if found != wanted {
                says.push(format!(
                    "balance {}: {field} is {found} and {wanted} in Xero",
                    text(balance, "Name")
                ));
            }
        }
    }
    for ((contact, currency), (due, credit)) in wanted {
        if due != credit {
            says.push(format!(
                "{contact} owes {due} {currency} and has {credit} in hand in Xero, and Salesforce shows no balance"
            ));
        }
    }
}
