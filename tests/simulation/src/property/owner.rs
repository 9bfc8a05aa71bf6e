//! The owner's word stands: at rest, where changes of customers are followed, both sides hold the same of a customer, unless the product
//! says of just that value that it waits or stays different. Nobody is asked about a change that only one side made, and where both sides
//! are one again, what they hold is what somebody last gave it.
//!
//! An address is one value in the product, so an edit of any of its parts is one of all; the parts are compared one by one. Those without a
//! place in Salesforce are followed like the others, but a change of one in Xero can't go back, nor can what changed with it: that is told.

use super::Rested;
use crate::records::text;
use crate::schedule::{Customers, Setup};
use crate::witness::{Edits, Witness};
use crate::world::World;
use footbridge_engine::Decision;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const NAME: &str = "both sides agree about a customer";

/// Reasons that are about single fields, which the message names; every other reason is about the customer.
const OF_FIELDS: [&str; 7] = [
    CONFLICT,
    "customer-change-needs-approval",
    "customer-change-not-owned",
    "customer-change-not-cleared",
    "customer-differs",
    "rewritten-over-there",
    "customer-name-clash",
];
const CONFLICT: &str = "customer-conflict";

/// A field as the product follows it.
struct Field {
    name: &'static str,
    /// How its messages call it.
    title: &'static str,
    /// Its values, as Salesforce calls them, each with the part of the field that it is.
    values: &'static [(&'static str, &'static str)],
}

const FIELDS: [Field; 3] = [
    Field {
        name: "name",
        title: "the name ",
        values: &[("Name", "")],
    },
    Field {
        name: "addresses.billing",
        title: "the billing address ",
        values: &[("BillingCity", ".city"), ("BillingStreet", ".line1")],
    },
    Field {
        name: "phones.main",
        title: "the phone ",
        values: &[("Phone", "")],
    },
];

impl Field {
    /// Its values that are followed: all that the mapping makes, and those that have a place of their own in Salesforce.
    fn followed(&self, setup: &Setup) -> Vec<&'static str> {
        let made = self.name != "phones.main" || setup.owners.contains_key(self.name);
        let values = self.values.iter().map(|(value, _)| *value);
        let followed = values.filter(|value| made || self.has_place(setup, value));
        followed.collect()
    }

    fn has_place(&self, setup: &Setup, value: &str) -> bool {
        let mut parts = self.values.iter().filter(|(of, _)| *of == value);
        parts.any(|(_, part)| setup.back.contains_key(&format!("{}{part}", self.name)))
    }

    /// What the ledger owns and the CRM has no place for goes nowhere, as docs/merge.md says.
    fn goes_nowhere(&self, setup: &Setup) -> bool {
        let owner = setup.owners.get(self.name).map(String::as_str);
        owner == Some("ledger") && !self.is_placed(setup)
    }

    fn is_placed(&self, setup: &Setup) -> bool {
        setup.back.keys().any(|key| key.starts_with(self.name))
    }
}

/// A customer that stands on both sides for itself alone.
struct Pair<'r> {
    id: &'r str,
    account: &'r Value,
    contact: &'r Value,
}

impl Pair<'_> {
    fn sides(&self, value: &str) -> (String, String) {
        let entry = |list: &str, kind: &str, wanted: &str, field: &str| {
            let all = self.contact.get(list).and_then(Value::as_array);
            let mut all = all.into_iter().flatten();
            let entry = all.find(|entry| text(entry, kind) == wanted);
            entry.map(|entry| text(entry, field)).unwrap_or_default()
        };
        let theirs = match value {
            "BillingCity" => entry("Addresses", "AddressType", "POBOX", "City"),
            "BillingStreet" => entry("Addresses", "AddressType", "POBOX", "AddressLine1"),
            "Phone" => entry("Phones", "PhoneType", "DEFAULT", "PhoneNumber"),
            field => text(self.contact, field),
        };
        (text(self.account, value), theirs)
    }

    fn is_one(&self, values: &[&str]) -> bool {
        let mut sides = values.iter().map(|value| self.sides(value));
        sides.all(|(ours, theirs)| ours == theirs)
    }
}

fn pairs<'r>(witness: &Witness, rested: &'r Rested) -> Vec<Pair<'r>> {
    let mut pairs = Vec::new();
    for (id, account) in rested.records.live("Account") {
        let contacts = rested.records.of("Contacts");
        let mut contacts = contacts.filter(|(contact, _)| witness.family(contact) == id);
        if let (Some((_, contact)), None) = (contacts.next(), contacts.next())
            && text(contact, "ContactStatus") == "ACTIVE"
        {
            pairs.push(Pair {
                id,
                account,
                contact,
            });
        }
    }
    pairs
}

pub(crate) fn asked(world: &World, rested: &Rested) -> Vec<String> {
    let mut says = Vec::new();
    if world.setup.customers == Customers::Once {
        return says;
    }
    for pair in pairs(&world.witness, rested) {
        let of_it: Vec<&Decision> = (rested.decisions.iter())
            .filter(|decision| decision.subject.record.id.as_str() == pair.id)
            .collect();
        for field in &FIELDS {
            let followed = field.followed(&world.setup);
            let edits = edits(&world.witness, pair.id, &followed);
            let on_both = edits.iter().any(|(_, edits)| edits.in_salesforce.is_some())
                && edits.iter().any(|(_, edits)| edits.in_xero.is_some());
            let heir = world.witness.heirs.contains(pair.id);
            let unsure = heir || world.witness.unsure.contains(pair.id);
            let told = |decision: &&&Decision| {
                !OF_FIELDS.contains(&decision.reason.as_str())
                    || decision.message.contains(field.title)
            };
            let told = of_it.iter().find(told);
            // What differed when a pair was first seen stays different until somebody says otherwise.
            let expected = heir
                || world.was_known(pair.id) && edits.is_empty()
                || field.goes_nowhere(&world.setup);
            for value in followed {
                let (ours, theirs) = pair.sides(value);
                let given = edits.iter().find(|(of, _)| *of == value);
                // Of what has no place of its own the mapping leaves out what is empty, and nothing of it is compared.
                let gave = given.is_some_and(|(_, edits)| edits.in_salesforce.is_some());
                if ours.is_empty() && !gave && !field.has_place(&world.setup, value) {
                    continue;
                }
                if ours != theirs && told.is_none() && !expected {
                    says.push(format!(
                        "{value} of {} is {ours:?} in Salesforce and {theirs:?} in Xero, and nothing is said of it",
                        pair.id
                    ));
                }
                if let Some((_, given)) = given
                    && ours == theirs
                    && !on_both
                    && !unsure
                    && !is_given(given, &ours)
                {
                    says.push(format!(
                        "{value} of {} is {ours:?} on both sides, and only one side gave it another: {given:?}",
                        pair.id
                    ));
                }
            }
            if let Some(asks) = told
                && asks.reason == CONFLICT
                && waits_for(asks, field)
                && !on_both
                && !unsure
            {
                says.push(format!(
                    "{} waits as changed on both sides, and only one did: {edits:?}. {}",
                    pair.id, asks.message
                ));
            }
        }
    }
    says
}

/// Whether a message asks whose value of this field counts.
fn waits_for(decision: &Decision, field: &Field) -> bool {
    let mut said = decision.message.split("; ");
    said.any(|said| said.contains(field.title) && said.contains("changed on both sides"))
}

fn is_given(edits: &Edits, value: &str) -> bool {
    [&edits.in_salesforce, &edits.in_xero]
        .into_iter()
        .any(|given| given.as_deref() == Some(value))
}

fn edits<'w>(
    witness: &'w Witness,
    account: &str,
    values: &[&'static str],
) -> Vec<(&'static str, &'w Edits)> {
    let all = witness.edits.iter();
    all.filter(|((of, value), _)| of == account && values.contains(value))
        .map(|((_, value), edits)| (*value, edits))
        .collect()
}

/// What both sides hold alike at rest has no history: what is edited from now on is held against it.
pub(crate) fn settled(world: &mut World, rested: &Rested) {
    let mut done = BTreeSet::new();
    let mut compared = BTreeSet::new();
    let ours = rested.records.of("Invoices");
    let ours = ours.filter(|(_, invoice)| !text(invoice, "Url").is_empty());
    let billed: BTreeSet<String> = ours
        .map(|(_, invoice)| text(invoice, "Contact.ContactID"))
        .collect();
    for pair in pairs(&world.witness, rested) {
        // Before it is billed a pair may not be linked.
        if billed.contains(&text(pair.contact, "ContactID")) {
            compared.insert(pair.id.to_owned());
        }
        for field in &FIELDS {
            if pair.is_one(&field.followed(&world.setup)) {
                done.extend(
                    field
                        .values
                        .iter()
                        .map(|(value, _)| (pair.id.to_owned(), *value)),
                );
            }
        }
    }
    world.witness.edits.retain(|key, _| !done.contains(key));
    world.witness.compared.extend(compared);
}
