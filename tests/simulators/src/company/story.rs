//! What the demo tells: three deals to follow, and eight items to fix, each with its right answer.
//!
//! Texts only; whether it comes out like this is the product's doing. A small company has fewer items.

use super::blueprint::{Blueprint, Deal, Outcome, Reason};
use super::crm::deal_id;

/// A deal to follow from Salesforce to Xero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The opportunity's id.
    pub deal_id: String,
    /// The opportunity's name.
    pub name: String,
    /// What is worth watching.
    pub watch: &'static str,
}

/// A deal that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToFix {
    /// The opportunity's id.
    pub deal_id: String,
    /// The opportunity's name.
    pub name: String,
    /// The reason it waits under.
    pub reason: Reason,
    /// What happened.
    pub happened: &'static str,
    /// What a careful bookkeeper answers.
    pub right_answer: &'static str,
}

/// The story of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Three deals.
    pub follow: Vec<Followed>,
    /// Up to eight items.
    pub to_fix: Vec<ToFix>,
}

const FOLLOW: [(&str, &str); 3] = [
    (
        "Tidewater: new till points",
        "Two lines end in half a cent; the purchase order becomes the invoice's reference.",
    ),
    (
        "Hadrian: control room, 30 % deposit",
        "Only the deposit is billed now; the rest is due in 60 days.",
    ),
    (
        "Müller: line design",
        "A German firm with a VAT number: euros, reverse charge, no VAT.",
    ),
];

const TO_FIX: [(&str, &str, &str); 8] = [
    (
        "Smith & Co, Leeds: fitting",
        "Two accounts are called Smith & Co and neither has a contact in Xero, where names are unique.",
        "Create two contacts with the town in their names; rename nothing in Salesforce.",
    ),
    (
        "Orchard Street: maintenance",
        "The deal says 10.00 more than its lines add up to.",
        "Ask the seller; correct the lines or the amount in Salesforce, then it is billed.",
    ),
    (
        "Penrose: refund of deposit",
        "The deal is negative: it asks for a credit note, not an invoice.",
        "Raise a credit note in Xero against the deposit's invoice and dismiss the item.",
    ),
    (
        "Abacus Accountancy: call-out",
        "Someone raised an invoice of the same total for this customer in Xero by hand.",
        "Link the deal to that invoice; a second one would bill the customer twice.",
    ),
    (
        "Alder Print Ltd: commissioning",
        "Xero has a contact called Alder Print Limited.",
        "Link the account to that contact; it is the same firm.",
    ),
    (
        "Rosewood Care Homes: safety audit",
        "Xero has an archived contact of this name.",
        "Restore the archived contact in Xero and link it, or create one with the town in its name.",
    ),
    (
        "Cobden Mills: commissioning",
        "The linked contact was merged into Cobden Estates Group.",
        "Link the account to Cobden Estates Group if the group pays, otherwise to a new contact.",
    ),
    (
        "Fjordkraft Marin AS: advice",
        "The customer has a Norwegian tax number and no rule says how to tax Norway.",
        "Ask the accountant, add a rule for Norway, and let the deal be planned again.",
    ),
];

/// The story as far as the company is large enough for it.
pub(crate) fn tell(book: &Blueprint) -> Story {
    let find = |name: &str| {
        book.deals
            .iter()
            .enumerate()
            .find(|(_, deal): &(usize, &Deal)| deal.name == name)
    };
    let follow = FOLLOW.iter().filter_map(|(name, watch)| {
        find(name).map(|(index, deal)| Followed {
            deal_id: deal_id(index),
            name: deal.name.clone(),
            watch,
        })
    });
    let to_fix = TO_FIX.iter().filter_map(|(name, happened, right_answer)| {
        let (index, deal) = find(name)?;
        match deal.outcome {
            Outcome::Held(reason) => Some(ToFix {
                deal_id: deal_id(index),
                name: deal.name.clone(),
                reason,
                happened,
                right_answer,
            }),
            Outcome::Billed => None,
        }
    });
    Story {
        follow: follow.collect(),
        to_fix: to_fix.collect(),
    }
}
