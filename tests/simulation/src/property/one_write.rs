//! One write: never two unresolved writes on one target, never two invoices under one billing key nor two customers for one account, never an
//! invoice of a deal that wasn't won, or was won before go-live.

use crate::records::{BALANCE, DOCUMENT, PAYMENT, Records, text};
use crate::world::World;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "one write, one effect";

pub(crate) fn asked(world: &World, records: &Records) -> Vec<String> {
    let mut says = world.observer.seen();
    for (object, field) in [
        ("Invoices", "Url"),
        ("Contacts", "ContactNumber"),
        (DOCUMENT, "Key__c"),
        (PAYMENT, "Key__c"),
        (BALANCE, "Key__c"),
    ] {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (_, record) in records.live(object) {
            *seen.entry(text(record, field)).or_default() += 1;
        }
        for (key, count) in seen {
            if count > 1 && !key.is_empty() {
                says.push(format!("{count} {object} have the {field} {key}"));
            }
        }
    }
    for (id, invoice) in records.of("Invoices") {
        let url = text(invoice, "Url");
        if url.is_empty() {
            continue;
        }
        let won = world
            .witness
            .won
            .iter()
            .any(|deal| url.contains(deal.as_str()));
        if !won {
            says.push(format!(
                "invoice {} ({id}) is of {url}, and no deal there was won after go-live",
                text(invoice, "InvoiceNumber")
            ));
        }
    }
    says
}
