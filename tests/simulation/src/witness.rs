//! The witness: what people did, so that the properties know what may have changed. It reads the simulators and is told of the steps; it knows
//! nothing of what Footbridge keeps or decides.

use crate::records::{Records, cents, decimal, text};
use crate::schedule::Side;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A deal as far as its invoices show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DealVersion {
    pub(crate) currency: String,
    pub(crate) net: Decimal,
    pub(crate) plan: String,
    pub(crate) reference: String,
}

impl DealVersion {
    /// The nets that its invoices may have: the whole, or its parts.
    pub(crate) fn nets(&self) -> Vec<Decimal> {
        let Some((first, _)) = self.plan.split_once(',') else {
            return vec![self.net];
        };
        let share = first.trim().parse().unwrap_or(Decimal::ONE_HUNDRED);
        let places = if self.currency == "JPY" { 0 } else { 2 };
        let first = (self.net * share / Decimal::ONE_HUNDRED)
            .round_dp_with_strategy(places, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        vec![first, self.net - first]
    }
}

/// What people last gave a value of a customer on each side, since both sides were one at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    pub(crate) in_salesforce: Option<String>,
    pub(crate) in_xero: Option<String>,
}

/// Everything that is remembered of a story.
#[derive(Debug, Default)]
pub struct Witness {
    /// Deals that were first won after go-live.
    pub(crate) won: BTreeSet<String>,
    /// Deals that were first won before it: nothing is ever billed of them, though they be won again.
    pub(crate) history: BTreeSet<String>,
    /// How each deal was when the program began to run, oldest first.
    pub(crate) versions: BTreeMap<String, Vec<DealVersion>>,
    /// Invoices that someone edited in Xero.
    pub(crate) edited_invoices: BTreeSet<String>,
    /// Accounts of which someone emptied something, or contacts.
    pub(crate) emptied: BTreeSet<String>,
    /// Acts that touched an account's records, by account id.
    pub(crate) touches: BTreeMap<String, usize>,
    /// Acts that may touch anything: bulk edits, days, troubles.
    pub(crate) for_all: usize,
    /// Which account a contact stands for.
    families: BTreeMap<String, String>,
    /// Names that each account and each contact had at the beginning of a run, since the last quiet.
    pub(crate) names: BTreeMap<String, BTreeSet<String>>,
    /// Writes of the program to each record.
    pub(crate) writes: BTreeMap<(String, String), usize>,
    /// By account and by the value's name in Salesforce.
    pub(crate) edits: BTreeMap<(String, &'static str), Edits>,
    /// Accounts into which another was merged: they may have met its contact, as different as it was.
    pub(crate) heirs: BTreeSet<String>,
    /// Accounts of which it isn't sure what the program held an edit against: they were edited before they first stood at rest beside a
    /// contact which Xero had before.
    pub(crate) unsure: BTreeSet<String>,
    /// Accounts that stood at rest beside their contact: the program has compared the two.
    pub(crate) compared: BTreeSet<String>,
    /// When the program last ran.
    last_run: Option<DateTime<Utc>>,
}

impl Witness {
    /// Someone did something to what belongs to an account or contact.
    pub(crate) fn touched(&mut self, id: &str) {
        *self.touches.entry(id.to_owned()).or_default() += 1;
    }

    /// Acts that may have touched the records of a family.
    pub(crate) fn acts_on(&self, family: &str) -> usize {
        let own = |id: &str| self.touches.get(id).copied().unwrap_or_default();
        let contacts = self.families.iter().filter(|(_, of)| *of == family);
        own(family) + contacts.map(|(contact, _)| own(contact)).sum::<usize>() + self.for_all
    }

    /// The account that a contact stands for, or the contact itself.
    pub(crate) fn family<'a>(&'a self, contact: &'a str) -> &'a str {
        self.families.get(contact).map_or(contact, String::as_str)
    }

    /// Someone gave a value of a customer that Xero had before: until the program has compared the two, it finds them as they are then.
    pub(crate) fn edited_if_compared(&mut self, account: &str, side: Side, field: &str, to: &str) {
        if self.compared.contains(account) {
            self.edited(account, side, field, to);
        } else {
            self.unsure.insert(account.to_owned());
        }
    }

    /// Someone gave a customer's value on a side; fields that are not compared are nobody's business.
    pub(crate) fn edited(&mut self, account: &str, side: Side, field: &str, to: &str) {
        let value = match field {
            "Name" => "Name",
            "BillingCity" | "City" => "BillingCity",
            "BillingStreet" | "AddressLine1" => "BillingStreet",
            "Phone" | "PhoneNumber" => "Phone",
            _ => return,
        };
        let edits = self.edits.entry((account.to_owned(), value)).or_default();
        let last = match side {
            Side::Salesforce => &mut edits.in_salesforce,
            Side::Xero => &mut edits.in_xero,
        };
        *last = Some(to.to_owned());
    }

    /// Accounts become one: what touched one touched the other.
    pub(crate) fn merged(&mut self, into: &str, from: &str) {
        let moved = self.touches.get(from).copied().unwrap_or_default();
        *self.touches.entry(into.to_owned()).or_default() += moved;
        let children: Vec<String> = self
            .families
            .iter()
            .filter(|(_, of)| *of == from)
            .map(|(contact, _)| contact.clone())
            .collect();
        for contact in children {
            self.families.insert(contact, into.to_owned());
        }
        self.heirs.insert(into.to_owned());
        self.for_all += 1;
    }

    /// The program is about to run.
    pub(crate) fn before_run(&mut self, records: &Records, now: DateTime<Utc>) {
        for (id, deal) in records.live("Opportunity") {
            let version = version_of(records, id, deal);
            let known = self.versions.entry(id.to_owned()).or_default();
            if known.last() != Some(&version) {
                known.push(version);
            }
        }
        self.meet(records);
        for (object, name) in [("Account", "Name"), ("Contacts", "Name")] {
            for (id, record) in records.of(object) {
                let names = self.names.entry(id.to_owned()).or_default();
                names.insert(text(record, name));
            }
        }
        if self
            .last_run
            .is_none_or(|last| last.date_naive() != now.date_naive())
        {
            // A new day moves what is overdue, and what is due to be billed.
            self.for_all += 1;
        }
        self.last_run = Some(now);
    }

    /// The program ran.
    pub(crate) fn after_run(&mut self, before: &Records, after: &Records) {
        self.meet(after);
        for (object, id) in after.written_since(before) {
            let key = (object.to_owned(), id.to_owned());
            *self.writes.entry(key).or_default() += 1;
        }
    }

    /// Which account each contact stands for: its number says it, or its name once did.
    fn meet(&mut self, records: &Records) {
        for (id, contact) in records.of("Contacts") {
            if self.families.contains_key(id) {
                continue;
            }
            let number = text(contact, "ContactNumber");
            let name = text(contact, "Name");
            let account = if records.get("Account", &number).is_some() {
                Some(number)
            } else {
                let mut accounts = records.of("Account");
                let found = accounts.find(|(_, account)| text(account, "Name") == name);
                found.map(|(id, _)| id.to_owned())
            };
            if let Some(account) = account {
                self.families.insert(id.to_owned(), account);
            }
        }
    }

    /// Forgets what only matters until both sides are at rest.
    pub(crate) fn rests(&mut self) {
        self.names.clear();
        self.emptied.clear();
    }
}

/// A deal as it is now.
pub(crate) fn version_of(records: &Records, id: &str, deal: &Value) -> DealVersion {
    let lines: Vec<&Value> = records
        .live("OpportunityLineItem")
        .filter(|(_, line)| text(line, "OpportunityId") == id)
        .map(|(_, line)| line)
        .collect();
    let net = if lines.is_empty() {
        decimal(deal, "Amount").unwrap_or_default()
    } else {
        let of_line = |line: &&Value| {
            let quantity = decimal(line, "Quantity").unwrap_or_default();
            cents(quantity * decimal(line, "UnitPrice").unwrap_or_default())
        };
        lines.iter().map(of_line).sum()
    };
    let order = text(deal, "PO_Number__c");
    DealVersion {
        currency: text(deal, "CurrencyIsoCode"),
        net,
        plan: text(deal, "Billing_Plan__c"),
        reference: if order.is_empty() {
            text(deal, "Name")
        } else {
            order
        },
    }
}
