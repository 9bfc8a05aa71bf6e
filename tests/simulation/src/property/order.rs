//! Order kept: what a run writes is the other side's last state when it ran, never an earlier one; at rest an invoice shows the deal as it was
//! edited last, or the deal waits for a person.

use super::Rested;
use crate::records::{Records, amount, text};
use crate::witness::version_of;
use crate::world::World;
use footbridge_engine::Standing;
use serde_json::Value;

pub(crate) const NAME: &str = "the last edit wins";

/// What a run moved.
pub(crate) fn moved(world: &World, before: &Records, after: &Records) -> Vec<String> {
    let mut says = Vec::new();
    for (object, id, old, new) in before.in_both(after) {
        if !["Account", "Contacts"].contains(&object) {
            continue;
        }
        let (was, is) = (text(old, "Name"), text(new, "Name"));
        if was == is {
            continue;
        }
        let others = counterparts(world, before, object, id);
        let known = |other: &String| {
            let names = world.witness.names.get(other);
            names.is_some_and(|names| names.contains(&is))
        };
        if !others.iter().any(known) {
            says.push(format!(
                "{object} {id} was called {was:?} and is {is:?} now, which nothing on the other side was called"
            ));
        }
    }
    for (id, invoice) in after.of("Invoices") {
        says.extend(never_so(world, id, invoice));
    }
    says
}

/// What stands on the other side for an account or contact.
fn counterparts(world: &World, records: &Records, object: &str, id: &str) -> Vec<String> {
    match object {
        "Contacts" => vec![world.witness.family(id).to_owned()],
        _ => records
            .of("Contacts")
            .filter(|(contact, _)| world.witness.family(contact) == id)
            .map(|(contact, _)| contact.to_owned())
            .collect(),
    }
}

/// The deal that an invoice is of.
fn deal_of(world: &World, invoice: &Value) -> Option<String> {
    let url = text(invoice, "Url");
    let mut deals = world.deals.iter();
    deals.find(|id| url.contains(id.as_str())).cloned()
}

/// An invoice that shows what its deal never was when the program looked.
fn never_so(world: &World, id: &str, invoice: &Value) -> Option<String> {
    if world.witness.edited_invoices.contains(id) {
        return None;
    }
    let deal = deal_of(world, invoice)?;
    let versions = world.witness.versions.get(&deal)?;
    let (net, currency) = (amount(invoice, "SubTotal"), text(invoice, "CurrencyCode"));
    let reference = text(invoice, "Reference");
    let so = versions.iter().any(|version| {
        version.nets().contains(&net)
            && version.currency == currency
            && version.reference == reference
    });
    (!so).then(|| {
        format!(
            "invoice {} is over {net} {currency} ({reference:?}); its deal {deal} was {versions:?}",
            text(invoice, "InvoiceNumber")
        )
    })
}

/// How the invoices stand to their deals at rest.
pub(crate) fn ended(world: &World, rested: &Rested) -> Vec<String> {
    let mut says = Vec::new();
    for (id, invoice) in rested.records.of("Invoices") {
        let gone = ["VOIDED", "DELETED"].contains(&text(invoice, "Status").as_str());
        let Some(deal) = deal_of(world, invoice).filter(|_| !gone) else {
            continue;
        };
        let Some(record) = rested.records.get("Opportunity", &deal) else {
            continue;
        };
        if text(record, "IsDeleted") == "true" || text(record, "IsWon") != "true" {
            continue;
        }
        let version = version_of(&rested.records, &deal, record);
        let as_it_is = version.nets().contains(&amount(invoice, "SubTotal"))
            && version.currency == text(invoice, "CurrencyCode");
        let waits = rested.decisions.iter().any(|decision| {
            decision.subject.record.id.as_str() == deal
                && matches!(decision.standing, Standing::Waiting | Standing::Refused)
        });
        if !as_it_is && !waits && !world.witness.edited_invoices.contains(id) {
            says.push(format!(
                "invoice {} is over {} and its deal {deal} is {version:?}, and nobody is told",
                text(invoice, "InvoiceNumber"),
                text(invoice, "SubTotal")
            ));
        }
    }
    says
}
