//! What an unlinked customer's name makes of it: the ledger's customer of just that name, a new one, or a question.
//!
//! Where the name is taken a person may give another one for the ledger alone. That word is about the name and about those who have it,
//! as they were shown; it never adopts and renames nothing. Next: `customer` makes operations of it, `rivals` looks at the newcomers.

use crate::customer::usable;
use crate::explain::{Stop, customer as say};
use crate::index::Index;
use crate::input::Source;
use crate::matching::{exact_name, loose_name};
use crate::ruled::{self, Word};
use footbridge_model::called::CustomerName;
use footbridge_model::id::RecordId;
use footbridge_model::ruling::Ruling;
use footbridge_model::shown::ShownName;
use std::collections::BTreeSet;

/// What is found by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ByName<'a> {
    /// The one customer of the ledger that may be adopted for it.
    Adopted(&'a str),
    /// Nobody; a new one may be called so.
    Free,
    /// A new one is called as a person says.
    Given(&'a CustomerName, &'a Ruling),
}

/// The one customer that may be adopted for its name, or what a new one is called; an error if the name is held or looks known.
pub(crate) fn by_name<'a>(
    index: &Index<'a>,
    source: &Source,
    name: &str,
    word: Word<'a>,
) -> Result<ByName<'a>, Stop> {
    let holders = index.customers_named(&exact_name(name));
    if let Some((given, ruling)) = given(name, holders, word) {
        return under_another(index, name, (given, ruling), word);
    }
    let customers = &index.input.observed.customers;
    let held = |id: &str, why: &str| Err(taken(index, name, [], say::name_held(name, id, why)));
    match holders {
        [] => {}
        [id] => {
            let Some(seen) = customers.get(*id) else {
                return Ok(ByName::Free);
            };
            let numbered = seen.value.number.as_deref().is_some_and(|n| !n.is_empty());
            return if usable(seen, name, id).is_err() {
                held(id, "it is archived or merged")
            } else if numbered {
                held(id, "it carries another number")
            } else if index.taken_by_other(id, &source.record) {
                held(id, "it is linked with another record")
            } else {
                Ok(ByName::Adopted(id))
            };
        }
        [id, ..] => return held(id, "another one is called the same"),
    }
    looks_known(index, name, word, &[])?;
    Ok(ByName::Free)
}

/// The name that a person gave to this customer, as long as it is the one that they saw, and so is everybody who has its name.
pub(crate) fn given<'a>(
    name: &str,
    holders: &[&str],
    word: Word<'a>,
) -> Option<(&'a CustomerName, &'a Ruling)> {
    let (given, ruling) = ruled::given_name(word)?;
    let shown = &ruling.shown;
    let same = shown.name.as_ref().is_some_and(|then| then.taken == name);
    let known = |id: &&str| shown.alike.contains(&RecordId::from(*id));
    (same && holders.iter().all(known)).then_some((given, ruling))
}

/// A new customer is to be called otherwise than in the source.
fn under_another<'a>(
    index: &Index<'a>,
    name: &str,
    (given, ruling): (&'a CustomerName, &'a Ruling),
    word: Word<'a>,
) -> Result<ByName<'a>, Stop> {
    let exact = exact_name(given.as_str());
    if let [id, ..] = index.customers_named(&exact) {
        let stop = say::given_name_held(name, given, ruling, id);
        return Err(taken(index, name, [], stop));
    }
    if exact == exact_name(name) {
        return Err(taken(index, name, [], say::given_name_same(given, ruling)));
    }
    // That its name is taken says nothing of those whose name only looks like it.
    let shown: Vec<&str> = (ruling.shown.alike.iter().map(RecordId::as_str)).collect();
    looks_known(index, name, word, &shown)?;
    looks_known(index, given.as_str(), word, &shown)?;
    Ok(ByName::Given(given, ruling))
}

/// An error if somebody in the ledger has nearly this name, and isn't known to be another one.
fn looks_known(index: &Index<'_>, name: &str, word: Word<'_>, others: &[&str]) -> Result<(), Stop> {
    let customers = &index.input.observed.customers;
    let all = index.customers_like(&loose_name(name)).iter().copied();
    // Each with what it is called.
    let alike: Vec<(&str, &str)> = all
        .filter(|id| !others.contains(id))
        .map(|id| {
            (
                customers
                    .get(id)
                    .map_or(id, |seen| seen.value.name.as_str()),
                id,
            )
        })
        .collect();
    if alike.iter().all(|(_, id)| word.is_not(id)) {
        return Ok(());
    }
    let stop = say::looks_existing(name, &alike);
    let ids = alike.iter().map(|(_, id)| RecordId::from(*id)).collect();
    Err(stop.showing(|shown| shown.alike = ids))
}

/// The same, showing that a name is taken, and by whom: those of the ledger, and these.
pub(crate) fn taken<'n>(
    index: &Index<'_>,
    name: &str,
    others: impl IntoIterator<Item = &'n str>,
    stop: Stop,
) -> Stop {
    let holders = index.customers_named(&exact_name(name)).iter().copied();
    let alike: BTreeSet<RecordId> = holders.map(RecordId::from).collect();
    let others = others.into_iter().map(RecordId::from);
    let alike = alike.into_iter().chain(others).collect();
    stop.showing(|shown| {
        shown.alike = alike;
        shown.name = Some(ShownName {
            taken: name.to_owned(),
            proposed: None,
        });
    })
}
