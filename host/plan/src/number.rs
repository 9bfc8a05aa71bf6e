//! Whose number an invoice gets: the ledger's own sequence, a field of the deal, or a counter (domain rule 2).
//!
//! A number from a field is never altered to make it unique: one that is taken holds the deal.

use crate::explain::{Stop, invoice as say};
use crate::index::Index;
use crate::input::Source;
use crate::policy::NumberMode;
use std::collections::BTreeMap;

/// Hands out numbers in the order of the plan.
pub(crate) struct Numbers {
    next: u64,
    /// How many deals want a number, in mode `field`.
    wanted: BTreeMap<String, usize>,
}

impl Numbers {
    /// `deals`: each of which the first part is to be billed.
    pub(crate) fn new<'a>(index: &Index<'_>, deals: impl Iterator<Item = &'a Source>) -> Self {
        let mut wanted = BTreeMap::new();
        if let NumberMode::Field(path) = &index.input.policy.billing.number {
            for deal in deals {
                if let Some(number) = field(deal, path) {
                    *wanted.entry(number.to_owned()).or_insert(0) += 1;
                }
            }
        }
        Self {
            next: index.input.next_number,
            wanted,
        }
    }

    /// The counter's next value.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The number of an invoice that is sure to be planned otherwise; `None` leaves it to the ledger.
    pub(crate) fn give(
        &mut self,
        index: &Index<'_>,
        deal: &Source,
        part: u32,
    ) -> Result<Option<String>, Stop> {
        let number = match &index.input.policy.billing.number {
            NumberMode::Ledger => return Ok(None),
            NumberMode::Field(path) => {
                if part > 1 {
                    return Err(say::number_for_one_part(path));
                }
                let number = field(deal, path).ok_or_else(|| say::number_missing(path))?;
                if self.wanted.get(number).is_some_and(|count| *count > 1) {
                    return Err(say::number_twice(number));
                }
                number.to_owned()
            }
            NumberMode::Counter {
                prefix,
                first,
                digits,
            } => {
                // A number that the ledger holds already is part of the sequence: the next one is ours.
                let written =
                    |value: u64| format!("{prefix}{value:0width$}", width = usize::from(*digits));
                let mut value = self.next.max(*first);
                while index.number_seen(&written(value)) {
                    value = value.saturating_add(1);
                }
                self.next = value.saturating_add(1);
                return Ok(Some(written(value)));
            }
        };
        if index.number_seen(&number) {
            return Err(say::number_taken(&number));
        }
        Ok(Some(number))
    }
}

fn field<'a>(deal: &'a Source, path: &str) -> Option<&'a str> {
    deal.doc
        .text(path)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}
