//! The tally: what is in the simulators after the syncs, counted from their records and nothing else.
//!
//! Only the names of the reasons under `held` come from the product; which deals may be held is for the company's author to say.

use super::Told;
use super::back::Back;
use super::world::{Calls, World};
use footbridge_engine::Standing;
use footbridge_simulators::company::Outcome;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// What the demo prints.
#[derive(Debug, Serialize)]
pub(crate) struct Tally {
    /// Won deals in Salesforce.
    pub(crate) deals: usize,
    /// Contacts in Xero that were not there before.
    pub(crate) contacts_created: usize,
    /// Invoices in Xero that were not there before.
    pub(crate) invoices_created: usize,
    /// Deals in Salesforce that show an invoice that exists.
    pub(crate) write_backs: usize,
    /// Won deals without an invoice, by the reason that `footbridge items` gives.
    pub(crate) held: BTreeMap<String, usize>,
    /// Invoices beyond the first with the same key.
    pub(crate) duplicates: usize,
    /// Won deals without an invoice that their author meant to be billed, or that nobody gave a reason for.
    pub(crate) lost: usize,
    /// Invoices whose net total isn't the deal's amount (or its first part).
    pub(crate) total_mismatches: usize,
    /// Operations whose effect isn't known.
    pub(crate) in_doubt: usize,
    /// Calls of the first sync.
    pub(crate) calls: Calls,
    /// Of the first sync. The plugins were compiled before, when Salesforce was set up.
    pub(crate) seconds: f64,
    /// What the second sync carried back, after the customers had paid.
    #[serde(flatten)]
    pub(crate) back: Back,
    /// Calls and seconds of the second sync.
    pub(crate) way_back: Way,
    /// Writes of a third sync, with nothing to do in either direction.
    pub(crate) idle_run: Idle,
}

/// What a sync took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Way {
    pub(crate) calls: Calls,
    pub(crate) seconds: f64,
}

/// Writes of the last sync.
#[derive(Debug, Serialize)]
pub(crate) struct Idle {
    pub(crate) xero_writes: u64,
    pub(crate) salesforce_writes: u64,
}

/// Ids that were in Xero before.
pub(crate) struct Before {
    contacts: BTreeSet<String>,
    invoices: BTreeSet<String>,
}

/// Remembers what is in Xero before the first sync.
pub(crate) fn before(world: &World) -> Before {
    Before {
        contacts: ids(&world.xero.dump("Contacts"), "ContactID"),
        invoices: ids(&world.xero.dump("Invoices"), "InvoiceID"),
    }
}

fn ids(records: &[Value], field: &str) -> BTreeSet<String> {
    records.iter().map(|record| text(record, field)).collect()
}

/// A text of a record, or nothing.
pub(crate) fn text(record: &Value, field: &str) -> String {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// An amount of a record.
pub(crate) fn decimal(record: &Value, field: &str) -> Option<Decimal> {
    let value = record.get(field)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Decimal::from_str(&text).ok()
}

impl Tally {
    /// Counts.
    pub(crate) fn count(
        world: &World,
        before: &Before,
        told: &Told,
        first: Way,
        way_back: Way,
        idle: Calls,
    ) -> Self {
        let created: Vec<Value> = world
            .xero
            .dump("Invoices")
            .into_iter()
            .filter(|invoice| !before.invoices.contains(&text(invoice, "InvoiceID")))
            .collect();
        let contacts = ids(&world.xero.dump("Contacts"), "ContactID");
        let deals: Vec<Value> = world
            .salesforce
            .dump("Opportunity")
            .into_iter()
            .filter(|deal| {
                deal.get("IsWon") == Some(&Value::Bool(true))
                    && deal.get("IsDeleted") != Some(&Value::Bool(true))
            })
            .collect();
        let mut by_key: BTreeMap<String, usize> = BTreeMap::new();
        for invoice in &created {
            *by_key.entry(text(invoice, "Url")).or_default() += 1;
        }
        let reasons: BTreeMap<&str, &str> = told
            .decisions
            .iter()
            .filter(|decision| decision.standing != Standing::Applied)
            .map(|decision| {
                (
                    decision.subject.record.id.as_str(),
                    decision.reason.as_str(),
                )
            })
            .collect();
        let meant: BTreeSet<&str> = world
            .company
            .won
            .iter()
            .filter(|deal| deal.outcome == Outcome::Billed)
            .map(|deal| deal.id.as_str())
            .collect();
        let existing = ids(&created, "InvoiceID");
        let mut tally = Self {
            deals: deals.len(),
            contacts_created: contacts.difference(&before.contacts).count(),
            invoices_created: created.len(),
            write_backs: deals
                .iter()
                .filter(|deal| existing.contains(&text(deal, "Xero_Invoice_Id__c")))
                .count(),
            held: BTreeMap::new(),
            duplicates: by_key.values().map(|n| n.saturating_sub(1)).sum(),
            lost: 0,
            total_mismatches: 0,
            in_doubt: told.report.in_doubt,
            calls: first.calls,
            seconds: first.seconds,
            back: Back::count(world),
            way_back,
            idle_run: Idle {
                xero_writes: idle.xero.write,
                salesforce_writes: idle.salesforce.write,
            },
        };
        for deal in &deals {
            let id = text(deal, "Id");
            let of_deal: Vec<&Value> = created
                .iter()
                .filter(|invoice| text(invoice, "Url").contains(&id))
                .collect();
            match (of_deal.as_slice(), reasons.get(id.as_str())) {
                ([], Some(reason)) if !meant.contains(id.as_str()) => {
                    *tally.held.entry((*reason).to_owned()).or_default() += 1;
                }
                ([], _) => tally.lost += 1,
                (invoices, _) => {
                    let due = first_part(deal);
                    tally.total_mismatches += invoices
                        .iter()
                        .filter(|invoice| decimal(invoice, "SubTotal") != due)
                        .count();
                }
            }
        }
        tally
    }

    /// Nothing twice, nothing lost, nothing wrong, all of it back in Salesforce, and nothing to do the last time.
    pub(crate) fn agrees(&self) -> bool {
        self.duplicates == 0
            && self.lost == 0
            && self.total_mismatches == 0
            && self.in_doubt == 0
            && self.back.agrees()
            && self.idle_run.xero_writes == 0
            && self.idle_run.salesforce_writes == 0
    }
}

/// The net amount that the deal's first invoice must have: all of it, or the first per cent of its billing plan, half up.
fn first_part(deal: &Value) -> Option<Decimal> {
    let amount = decimal(deal, "Amount")?;
    let plan = text(deal, "Billing_Plan__c");
    let Some(first) = plan
        .split(',')
        .next()
        .filter(|first| !first.trim().is_empty())
    else {
        return Some(amount);
    };
    let share = Decimal::from_str(first.trim()).ok()?;
    let part = amount
        .checked_mul(share)?
        .checked_div(Decimal::ONE_HUNDRED)?;
    Some(part.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero))
}
