//! No echo: the program writes a record no more often than people did something that could concern it.

use super::Rested;
use crate::records::{BALANCE, DOCUMENT, PAYMENT, Records, text};
use crate::world::World;

pub(crate) const NAME: &str = "no echo";

pub(crate) fn asked(world: &World, rested: &Rested) -> Vec<String> {
    let mut says = Vec::new();
    for ((object, id), writes) in &world.witness.writes {
        let family = family(world, &rested.records, object, id);
        // One write makes it, one shows what came of that.
        let most = 2 + world.witness.acts_on(&family);
        if *writes > most {
            says.push(format!(
                "{object} {id} was written {writes} times, and at most {most} acts and troubles concern it"
            ));
        }
    }
    says
}

/// The account that a record belongs to, or what stands for it.
fn family(world: &World, records: &Records, object: &str, id: &str) -> String {
    let Some(record) = records.get(object, id) else {
        return String::new();
    };
    let contact = match object {
        "Account" => return id.to_owned(),
        "Opportunity" => return text(record, "AccountId"),
        "OpportunityLineItem" => {
            return family(
                world,
                records,
                "Opportunity",
                &text(record, "OpportunityId"),
            );
        }
        "Contacts" => id.to_owned(),
        DOCUMENT | BALANCE => text(record, "Customer__c"),
        PAYMENT => {
            let document = records.get(DOCUMENT, &text(record, "Document__c"));
            document
                .map(|one| text(one, "Customer__c"))
                .unwrap_or_default()
        }
        "Payments" => {
            let invoice = records.get("Invoices", &text(record, "Invoice.InvoiceID"));
            invoice
                .map(|one| text(one, "Contact.ContactID"))
                .unwrap_or_default()
        }
        _ => text(record, "Contact.ContactID"),
    };
    world.witness.family(&contact).to_owned()
}
