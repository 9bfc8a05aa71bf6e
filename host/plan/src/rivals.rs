//! Rivals: customers of one round that need a record in the ledger each, and would get the same name there or nearly the same.
//!
//! None is preferred; each waits until a person tells them apart. Whoever was given a name by a person makes way for those who keep
//! their own. Next: `customer` holds who has a rival.

use crate::customer::Reference;
use crate::explain::{Stop, customer as say};
use crate::index::Index;
use crate::matching::{exact_name, loose_name};
use crate::naming::taken;
use crate::ruled::{self, Word};
use footbridge_model::id::RecordId;
use std::collections::BTreeMap;

/// Somebody who gets a record in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    pub(crate) reference: Reference,
    /// As the source calls it.
    pub(crate) own: String,
    /// What a person has it called in the ledger, where that is something else.
    pub(crate) given: Option<String>,
}

impl Newcomer {
    /// As the ledger will call it.
    fn name(&self) -> &str {
        self.given.as_deref().unwrap_or(&self.own)
    }

    /// Whether this one has to make way for the other one.
    fn yields_to(&self, other: &Newcomer) -> bool {
        other.reference != self.reference && (self.given.is_some() || other.given.is_none())
    }

    fn id(&self) -> &str {
        &self.reference.1
    }
}

/// Newcomers by their names, so that each finds its rivals without being held against all others.
pub(crate) struct Names<'a> {
    exact: BTreeMap<String, Vec<&'a Newcomer>>,
    loose: BTreeMap<String, Vec<&'a Newcomer>>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(newcomers: &'a [Newcomer]) -> Self {
        let mut names = Self {
            exact: BTreeMap::new(),
            loose: BTreeMap::new(),
        };
        for newcomer in newcomers {
            let (exact, loose) = (exact_name(newcomer.name()), loose_name(newcomer.name()));
            names.exact.entry(exact).or_default().push(newcomer);
            names.loose.entry(loose).or_default().push(newcomer);
        }
        names
    }

    /// Another newcomer of the same or nearly the same name.
    pub(crate) fn rival(
        &self,
        index: &Index<'_>,
        newcomer: &Newcomer,
        word: Word<'_>,
    ) -> Option<Stop> {
        let same = self.exact.get(&exact_name(newcomer.name()));
        let same: Vec<&Newcomer> = (same.into_iter().flatten().copied())
            .filter(|other| newcomer.yields_to(other))
            .collect();
        if !same.is_empty() {
            let stop = match (&newcomer.given, ruled::given_name(word)) {
                (Some(_), Some((given, ruling))) => {
                    say::given_name_twice(&newcomer.own, given, ruling)
                }
                _ => say::namesakes(&newcomer.own),
            };
            let others = same.iter().map(|other| other.id());
            return Some(taken(index, &newcomer.own, others, stop));
        }
        self.alike(newcomer, newcomer.name(), word).or_else(|| {
            // Another name makes nobody unlike those whom its own one looks like.
            let own = newcomer.given.as_ref().map(|_| newcomer.own.as_str());
            own.and_then(|own| self.alike(newcomer, own, word))
        })
    }

    /// Newcomers whose name looks like this one of a newcomer, unless a person told them apart.
    fn alike(&self, newcomer: &Newcomer, name: &str, word: Word<'_>) -> Option<Stop> {
        let exact = exact_name(name);
        let alike = self.loose.get(&loose_name(name))?.iter();
        let others: BTreeMap<&str, &str> = alike
            .filter(|other| newcomer.yields_to(other) && exact_name(other.name()) != exact)
            .map(|other| (other.id(), other.name()))
            .collect();
        if others.keys().all(|id| word.is_not(id)) {
            return None;
        }
        let mut names: Vec<&str> = others.values().copied().collect();
        names.sort_unstable();
        let stop = say::looks_like_other(name, &names);
        Some(
            stop.showing(|shown| {
                shown.alike = others.keys().map(|id| RecordId::from(*id)).collect()
            }),
        )
    }
}
