//! The verdict of a round, counted in the simulators: exactly one invoice per billable deal, none for others, no contact twice, the
//! deals show their invoices, and what was there before is as it was.
//!
//! It knows what the company's author intends and nothing of what the program says it did.

use crate::world::World;
use footbridge_simulators::company::Outcome;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::str::FromStr;

/// What was there before the first start.
pub struct Before {
    contacts: BTreeMap<String, Value>,
    invoices: BTreeMap<String, Value>,
    subsidiary: [Vec<Value>; 2],
}

impl Before {
    /// Remembers both organisations.
    pub fn of(world: &World) -> Self {
        Self {
            contacts: by_id(world.xero.dump("Contacts"), "ContactID"),
            invoices: by_id(world.xero.dump("Invoices"), "InvoiceID"),
            subsidiary: subsidiary(world),
        }
    }
}

fn subsidiary(world: &World) -> [Vec<Value>; 2] {
    ["Contacts", "Invoices"].map(|collection| world.xero.dump_of(1, collection))
}

fn by_id(records: Vec<Value>, field: &str) -> BTreeMap<String, Value> {
    records
        .into_iter()
        .map(|record| (text(&record, field), record))
        .collect()
}

/// The counts. Everything but `expected` and `found` must be 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deals that must have an invoice.
    pub expected: usize,
    /// Invoices made.
    pub found: usize,
    /// Invoices beyond the first of a deal, and contacts beyond the first of a customer.
    pub duplicates: usize,
    /// Billable deals without an invoice.
    pub lost: usize,
    /// Invoices of deals that must have none, or of no deal.
    pub unexpected: usize,
    /// Invoices whose net total isn't the deal's.
    pub wrong_totals: usize,
    /// Deals that don't show their invoice, or show one they must not.
    pub wrong_write_backs: usize,
    /// Records that were there before and changed.
    pub touched: usize,
}

impl Counts {
    /// Nothing twice, nothing lost, nothing wrong.
    pub fn is_right(&self) -> bool {
        let right = Self {
            expected: self.expected,
            found: self.expected,
            ..Self::default()
        };
        *self == right
    }

    /// Counts both simulators.
    pub fn of(world: &World, before: &Before) -> Self {
        let created: Vec<Value> = world
            .xero
            .dump("Invoices")
            .into_iter()
            .filter(|invoice| !before.invoices.contains_key(&text(invoice, "InvoiceID")))
            .collect();
        let deals = by_id(world.salesforce.dump("Opportunity"), "Id");
        let mut counts = Self {
            found: created.len(),
            touched: touched(world, before),
            ..Self::default()
        };
        counts.count_contacts(world, before, &created);
        let billable: BTreeSet<&str> = world
            .company
            .won
            .iter()
            .filter(|deal| deal.outcome == Outcome::Billed)
            .map(|deal| deal.id.as_str())
            .collect();
        counts.expected = billable.len();
        let mut of_no_deal = created.len();
        for (id, deal) in &deals {
            let of_deal: Vec<&Value> = created
                .iter()
                .filter(|invoice| text(invoice, "Url").contains(id.as_str()))
                .collect();
            of_no_deal = of_no_deal.saturating_sub(of_deal.len());
            match (billable.contains(id.as_str()), of_deal.as_slice()) {
                (true, []) => counts.lost += 1,
                (true, [first, others @ ..]) => {
                    counts.duplicates += others.len();
                    counts.wrong_totals +=
                        usize::from(decimal(first, "SubTotal") != first_part(deal));
                    counts.wrong_write_backs +=
                        usize::from(others.is_empty() && !shows(deal, first));
                }
                (false, others) => {
                    counts.unexpected += others.len();
                    counts.wrong_write_backs +=
                        usize::from(!text(deal, "Xero_Invoice_Id__c").is_empty());
                }
            }
        }
        counts.unexpected += of_no_deal;
        counts
    }

    /// A new contact that shares its customer with another, or that no invoice needed, was made twice.
    fn count_contacts(&mut self, world: &World, before: &Before, created: &[Value]) {
        let billed: BTreeSet<String> = created
            .iter()
            .filter_map(|invoice| invoice.pointer("/Contact/ContactID"))
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let contacts = world.xero.dump("Contacts");
        let mut per_number: BTreeMap<String, usize> = BTreeMap::new();
        for contact in &contacts {
            let number = text(contact, "ContactNumber");
            if !number.is_empty() {
                *per_number.entry(number).or_default() += 1;
            }
            let id = text(contact, "ContactID");
            let is_new = !before.contacts.contains_key(&id);
            self.duplicates += usize::from(is_new && !billed.contains(&id));
        }
        self.duplicates += per_number
            .values()
            .map(|n| n.saturating_sub(1))
            .sum::<usize>();
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.expected += other.expected;
        self.found += other.found;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.unexpected += other.unexpected;
        self.wrong_totals += other.wrong_totals;
        self.wrong_write_backs += other.wrong_write_backs;
        self.touched += other.touched;
    }
}

/// Old invoices as a whole; of old contacts what a bookkeeper set; the subsidiary as a whole.
fn touched(world: &World, before: &Before) -> usize {
    let invoices = by_id(world.xero.dump("Invoices"), "InvoiceID");
    let contacts = by_id(world.xero.dump("Contacts"), "ContactID");
    let changed_invoices = before
        .invoices
        .iter()
        .filter(|(id, old)| invoices.get(*id) != Some(*old))
        .count();
    let set = |contact: Option<&Value>| {
        contact.map(|contact| {
            ["Name", "ContactNumber", "ContactStatus", "TaxNumber"].map(|f| text(contact, f))
        })
    };
    let changed_contacts = before
        .contacts
        .iter()
        .filter(|(id, old)| set(contacts.get(*id)) != set(Some(old)))
        .count();
    changed_invoices + changed_contacts + usize::from(subsidiary(world) != before.subsidiary)
}

fn shows(deal: &Value, invoice: &Value) -> bool {
    let id = text(invoice, "InvoiceID");
    text(deal, "Xero_Invoice_Id__c") == id
        && text(deal, "Xero_Invoice_Number__c") == text(invoice, "InvoiceNumber")
        && text(deal, "Xero_Invoice_Link__c").contains(&id)
}

/// The net amount of the deal's first invoice: all of it, or the first per cent of its billing plan, half up.
fn first_part(deal: &Value) -> Option<Decimal> {
    let amount = decimal(deal, "Amount")?;
    let plan = text(deal, "Billing_Plan__c");
    let first = plan.split(',').next().map_or("", str::trim);
    if first.is_empty() {
        return Some(amount);
    }
    let part = amount
        .checked_mul(Decimal::from_str(first).ok()?)?
        .checked_div(Decimal::ONE_HUNDRED)?;
    Some(part.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

fn text(record: &Value, field: &str) -> String {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn decimal(record: &Value, field: &str) -> Option<Decimal> {
    let value = record.get(field)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Decimal::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_simulators::company::DealNote;
    use serde_json::json;

    #[tokio::test]
    async fn what_is_missing_doubled_wrong_or_touched_is_counted() {
        let world = World::start(30, 1).await.unwrap();
        let before = Before::of(&world);
        let billed = world.company.billed();
        let nothing = Counts::of(&world, &before);
        let missing = Counts {
            expected: billed,
            lost: billed,
            ..Counts::default()
        };
        assert_eq!(nothing, missing);
        let deal = |wanted: fn(&DealNote) -> bool| {
            let found = world.company.won.iter().find(|deal| wanted(deal));
            found.unwrap().id.clone()
        };
        let billable = deal(|deal| deal.outcome == Outcome::Billed);
        let held = deal(|deal| deal.outcome != Outcome::Billed);
        let contact = world.xero.dump("Contacts").remove(0);
        for id in [&billable, &billable, &held] {
            let invoice = json!({
                "Type": "ACCREC", "Status": "AUTHORISED", "Url": format!("https://crm.test/{id}#1"),
                "Contact": {"ContactID": contact["ContactID"]}, "Date": "2026-01-05", "DueDate": "2026-02-05",
                "LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 0.01, "AccountCode": "200"}],
            });
            world.xero.load("Invoices", invoice).unwrap();
        }
        let unneeded = json!({"Name": "Nobody asked for it"});
        world.xero.load("Contacts", unneeded).unwrap();
        let counts = Counts::of(&world, &before);
        let expected = Counts {
            expected: billed,
            found: 3,
            // An invoice and a contact.
            duplicates: 2,
            lost: billed - 1,
            unexpected: 1,
            wrong_totals: 1,
            wrong_write_backs: 0,
            touched: 0,
        };
        assert_eq!(counts, expected);
        assert!(!counts.is_right());
        let renamed = json!({"Name": "Renamed", "ContactID": contact["ContactID"]});
        world.xero.load("Contacts", renamed).unwrap();
        assert_eq!(Counts::of(&world, &before).touched, 1);
    }
}
