//! What people decided about deals of this round: looked up for the rules that obey it, and obeyed here where it is about any
//! reason at all.
//!
//! A decision that was made about an earlier version of the record doesn't count, nor a yes to something else than the item shows
//! now (another invoice, sum or customer), and the item says so. Next: `assess`, `customer`, `invoice` and `plan` ask.

use crate::assess::Assessed;
use crate::customer::{Party, Place, Reference};
use crate::deal;
use crate::existing::{self, Kept};
use crate::explain::{Said, Stop, invoice as say, op as why, ruled as words};
use crate::index::{INVOICE, Index};
use crate::input::Source;
use crate::invoice::ToBill;
use footbridge_model::called::CustomerName;
use footbridge_model::id::{ObjectName, RecordId};
use footbridge_model::plan::{Adoption, reason};
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::ShownCustomer;
use std::collections::{BTreeMap, BTreeSet};

/// Reasons whose item lies with the deal's customer: a link that answers one names a customer.
const OF_CUSTOMER: [&str; 4] = [
    reason::CUSTOMER_LOOKS_EXISTING,
    reason::CUSTOMER_NAME_CLASH,
    reason::CUSTOMER_MERGED,
    reason::CUSTOMER_GONE,
];

/// What was decided about a customer in items of its deals.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Word<'a> {
    /// It is this customer of the ledger.
    pub(crate) link: Option<&'a Ruling>,
    /// It is created under a name that this gives it.
    pub(crate) name: Option<&'a Ruling>,
    /// It only looks like the others that were shown.
    pub(crate) distinct: Option<&'a Ruling>,
}

impl Word<'_> {
    /// Who it is and what a new one is called can't both be; the later word counts.
    fn settle(&mut self) {
        if let (Some(link), Some(name)) = (self.link, self.name) {
            match link.at < name.at {
                true => self.link = None,
                false => self.name = None,
            }
        }
    }

    /// Whether it was said to be another one than this.
    pub(crate) fn is_not(&self, id: &str) -> bool {
        let shown = self.distinct.map(|ruling| &ruling.shown.alike);
        shown.is_some_and(|alike| alike.contains(&RecordId::from(id)))
    }
}

/// By customer.
pub(crate) type Words<'a> = BTreeMap<Reference, Word<'a>>;

/// What was decided in items of these deals about the customers that they had then. Of two decisions the later one counts.
pub(crate) fn of_customers<'a>(index: &Index<'a>, deals: &[Assessed<'a>]) -> Words<'a> {
    let mut words = Words::new();
    for to_bill in deals.iter().flat_map(|assessed| &assessed.to_bill) {
        let word = words.entry(to_bill.draft.customer.clone()).or_default();
        let then = Some(shown_customer(&to_bill.draft.customer));
        let rulings = counting(index, to_bill.deal, to_bill.part.number);
        for ruling in rulings.filter(|ruling| ruling.shown.customer == then) {
            match &ruling.choice {
                Choice::LinkTo { id }
                    if (OF_CUSTOMER.contains(&ruling.reason.as_str())
                        || (ruling.reason == reason::KEY_STANDS_TWICE
                            && !index.input.observed.invoices.contains_key(id.as_str())))
                        && word.link.is_none_or(|known| known.at <= ruling.at) =>
                {
                    word.link = Some(ruling);
                }
                Choice::CreateAs { .. }
                    if ruling.reason == reason::CUSTOMER_NAME_CLASH
                        && word.name.is_none_or(|known| known.at <= ruling.at) =>
                {
                    word.name = Some(ruling);
                }
                Choice::GoAhead
                    if ruling.reason == reason::CUSTOMER_LOOKS_EXISTING
                        && word.distinct.is_none_or(|known| known.at <= ruling.at) =>
                {
                    word.distinct = Some(ruling);
                }
                _ => {}
            }
        }
    }
    words.values_mut().for_each(Word::settle);
    words
}

/// A customer as items show it.
pub(crate) fn shown_customer((object, id): &Reference) -> ShownCustomer {
    ShownCustomer {
        object: ObjectName::new(object.clone()),
        id: RecordId::new(id.clone()),
    }
}

/// The ledger's id in a link.
pub(crate) fn linked_to(ruling: &Ruling) -> Option<&str> {
    match &ruling.choice {
        Choice::LinkTo { id } => Some(id.as_str()),
        _ => None,
    }
}

/// The name that a customer is to be created under in the ledger.
pub(crate) fn given_name(word: Word<'_>) -> Option<(&CustomerName, &Ruling)> {
    let ruling = word.name?;
    match &ruling.choice {
        Choice::CreateAs { name } => Some((name, ruling)),
        _ => None,
    }
}

/// Whether a person wants it done although an item warned of it.
pub(crate) fn goes_ahead(index: &Index<'_>, deal: &Source, part: u32, reason: &str) -> bool {
    counting(index, deal, part)
        .any(|ruling| ruling.reason == reason && ruling.choice == Choice::GoAhead)
}

/// The records that a person was shown who wants it done all the same.
pub(crate) fn cleared<'a>(
    index: &Index<'a>,
    deal: &Source,
    part: u32,
    reason: &str,
) -> Option<&'a BTreeSet<RecordId>> {
    counting(index, deal, part)
        .find(|ruling| ruling.reason == reason && ruling.choice == Choice::GoAhead)
        .map(|ruling| &ruling.shown.alike)
}

/// The invoice that a person linked a part with.
pub(crate) fn invoice<'a>(index: &Index<'a>, deal: &Source, part: u32) -> Option<&'a Ruling> {
    counting(index, deal, part)
        .filter(|ruling| {
            linked_to(ruling).is_some_and(|id| index.input.observed.invoices.contains_key(id))
                && !OF_CUSTOMER.contains(&ruling.reason.as_str())
        })
        .max_by_key(|ruling| ruling.at)
}

/// The linked invoice as what stands for the part from now on: adopted, and nothing is written to it.
pub(crate) fn adopt(
    index: &Index<'_>,
    to_bill: &ToBill<'_>,
    party: &Party,
    ruling: &Ruling,
) -> Result<Kept, Stop> {
    let (deal, part) = (to_bill.deal, to_bill.part.number);
    let id = linked_to(ruling).unwrap_or_default();
    let Some(seen) = index.input.observed.invoices.get(id) else {
        return Err(say::nothing_stands());
    };
    let name = existing::named(index, id);
    existing::alive(index, id, seen)?;
    let again = |why: &str| words::cant_link(ruling, &name, why);
    if seen.value.kind.as_deref() == Some("payable") {
        return Err(again("it is a bill that the firm received"));
    }
    let payer = match &party.place {
        Place::Linked(id) | Place::Adopted(id, _) => Some(id.as_str()),
        Place::New(_) => None,
    };
    if payer != Some(seen.value.customer.as_str()) {
        return Err(again("it is another customer's"));
    }
    if index.invoice_of_other(id, &deal.record) {
        return Err(again("it is linked with another deal"));
    }
    let link = existing::intent(deal, index.billing_key(deal, part), &to_bill.billed());
    let adoption = Adoption {
        link: link.clone(),
        ledger_record: index.ledger_record(INVOICE, id),
        version: seen.version.clone(),
        shadow: None,
        subject: deal::subject(index.input, deal, part),
        why: why::linked_by_person(&name, ruling),
    };
    Ok(Kept {
        id: id.to_owned(),
        name,
        link,
        adoption: Some(adoption),
    })
}

/// Why a part is not billed although nothing else keeps it: a person wants nothing done.
pub(crate) fn nothing_is_to_be_done(index: &Index<'_>, deal: &Source, part: u32) -> Option<Stop> {
    let ruling = counting(index, deal, part).find(|ruling| ignores(ruling))?;
    Some(words::ignored(ruling, "deal", None))
}

/// A note as it stands after what a person decided: ignored, or with a word about a decision that no longer counts.
pub(crate) fn obeyed(index: &Index<'_>, deal: &Source, part: u32, stop: Stop) -> Stop {
    let Stop::Hold(said) = stop else {
        return stop;
    };
    let ignored = counting(index, deal, part).find(|ruling| match ruling.choice {
        Choice::IgnoreOnce => ruling.reason == said.reason,
        Choice::IgnoreAlways => {
            ruling.reason == said.reason || is_only_unbilled(index, deal, part, said.reason)
        }
        _ => false,
    });
    if let Some(ruling) = ignored {
        return words::ignored(ruling, "deal", Some(&said.message));
    }
    let mut answers = all(index, deal, part).iter();
    let outdated = answers.find_map(|ruling| match ruling {
        _ if ruling.reason != said.reason => None,
        _ if !ruling.counts_at(&deal.version) => Some(words::outdated(ruling)),
        _ if !ignores(ruling) && !ruling.shown.covers(&said.shown) => {
            Some(words::not_shown(ruling))
        }
        _ => None,
    });
    match outdated {
        Some(outdated) => Stop::Hold(Said {
            message: format!("{} {outdated}", said.message),
            ..said
        }),
        None => Stop::Hold(said),
    }
}

/// Whether a problem is only in the way of an invoice. Whoever ignores a deal for good says that it shall not be billed, so nothing is
/// lost with it; an invoice that stands, or is on its way, has problems that nobody has seen yet.
fn is_only_unbilled(index: &Index<'_>, deal: &Source, part: u32, reason: &str) -> bool {
    let stands = existing::standing(index, deal, part);
    matches!(stands, existing::Standing::Nothing) && reason != reason::UNRESOLVED_WRITE
}

fn ignores(ruling: &Ruling) -> bool {
    matches!(ruling.choice, Choice::IgnoreOnce | Choice::IgnoreAlways)
}

fn all<'a>(index: &Index<'a>, deal: &Source, part: u32) -> &'a [Ruling] {
    index
        .input
        .rulings
        .get(&(deal.record.clone(), part))
        .map_or(&[], Vec::as_slice)
}

fn counting<'a>(index: &Index<'a>, deal: &Source, part: u32) -> impl Iterator<Item = &'a Ruling> {
    let version = deal.version.clone();
    all(index, deal, part)
        .iter()
        .filter(move |ruling| ruling.counts_at(&version))
}
