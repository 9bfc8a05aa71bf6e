//! The owner's word stands: at rest, where changes of customers are followed, both sides call a customer the same and give it the same
//! town, unless the product says of that customer that something waits or stays different.

use super::Rested;
use crate::records::text;
use crate::schedule::Customers;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const NAME: &str = "both sides agree about a customer";

pub(crate) fn asked(world: &World, rested: &Rested) -> Vec<String> {
    let mut says = Vec::new();
    if world.setup.customers == Customers::Once {
        return says;
    }
    // What differed when a pair was first seen stays different until somebody says otherwise.
    let known = &world.setup.known_in_xero;
    let met: BTreeSet<&str> = (known.iter())
        .filter_map(|at| world.accounts.get(*at).map(String::as_str))
        .collect();
    for (id, account) in rested.records.live("Account") {
        if met.contains(id) {
            continue;
        }
        let contacts: Vec<&Value> = rested
            .records
            .of("Contacts")
            .filter(|(contact, _)| world.witness.family(contact) == id)
            .map(|(_, contact)| contact)
            .collect();
        let [contact] = contacts.as_slice() else {
            continue;
        };
        let told = rested
            .decisions
            .iter()
            .any(|decision| decision.subject.record.id.as_str() == id);
        if told || text(contact, "ContactStatus") != "ACTIVE" {
            continue;
        }
        let town = postal(contact).map(|address| text(address, "City"));
        let pairs = [
            ("name", text(account, "Name"), text(contact, "Name")),
            (
                "town",
                text(account, "BillingCity"),
                town.unwrap_or_default(),
            ),
        ];
        for (what, ours, theirs) in pairs {
            if ours != theirs {
                says.push(format!(
                    "the {what} of {id} is {ours:?} in Salesforce and {theirs:?} in Xero, and nothing is said of it"
                ));
            }
        }
    }
    says
}

fn postal(contact: &Value) -> Option<&Value> {
    let mut all = contact.get("Addresses")?.as_array()?.iter();
    all.find(|address| text(address, "AddressType") == "POBOX")
}
