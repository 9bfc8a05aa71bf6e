//! Billing in parts: `30,70` becomes two invoices whose sums are the deal to the cent, the remainder in the last (domain rule 5).
//!
//! Each line is split in proportion, so that every part is a coherent invoice, and over all parts each line comes back to
//! its own amount. Part 1 is due when the deal is won, later ones some days after.

use crate::dates;
use crate::deal::Basis;
use crate::draft::{DraftLine, InvoiceDraft};
use crate::explain::{Stop, deal as say, op};
use crate::input::{PlanInput, Source};
use crate::money;
use crate::totals::Factors;
use chrono::{DateTime, Days, NaiveDate, Utc};
use footbridge_model::money::{decimal, round_half_up};
use rust_decimal::Decimal;

/// Most parts of one deal.
pub(crate) const MOST: u32 = 24;

/// One part of a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// From 1.
    pub(crate) number: u32,
    /// Per cent of the deal.
    pub(crate) share: Decimal,
    /// What its invoice comes to, before or with tax as the deal's amount is.
    pub(crate) amount: Decimal,
    /// When it may be billed.
    pub(crate) due: Option<NaiveDate>,
    /// Its lines; they add up to the amount.
    pub(crate) lines: Vec<(DraftLine, Decimal)>,
}

impl Part {
    /// All of a deal that can't be billed: what it asks for, without lines.
    pub(crate) fn whole(amount: Decimal) -> Self {
        Self {
            number: 1,
            share: Decimal::ONE_HUNDRED,
            amount,
            due: None,
            lines: Vec::new(),
        }
    }
}

/// The parts of a deal, one if it has no billing plan.
pub(crate) fn of_deal(
    input: &PlanInput<'_>,
    deal: &Source,
    draft: &InvoiceDraft,
    basis: &Basis,
    currency: &str,
    first_won: DateTime<Utc>,
) -> Result<Vec<Part>, Stop> {
    let path = input.policy.deal.parts.as_deref();
    let text = path
        .and_then(|path| deal.doc.text(path))
        .unwrap_or_default();
    let shares = shares(text)?;
    if shares.len() == 1 {
        let lines = draft
            .lines
            .iter()
            .cloned()
            .zip(basis.line_amounts.iter().copied());
        return Ok(vec![Part {
            number: 1,
            share: Decimal::ONE_HUNDRED,
            amount: basis.amount,
            due: None,
            lines: lines.collect(),
        }]);
    }
    let due = due_dates(input, text, shares.len(), first_won)?;
    let places = money::places(currency);
    let amounts = split(basis.amount, &shares, places).ok_or_else(say::absurd)?;
    if amounts.iter().any(|amount| *amount < Decimal::ZERO) {
        return Err(say::plan_unreadable(
            text,
            "the amount is too small for so many parts",
        ));
    }
    let grid =
        split_lines(&basis.line_amounts, &shares, &amounts, places).ok_or_else(say::absurd)?;
    let count = shares.len();
    let parts = shares.iter().zip(amounts).zip(due).zip(grid).zip(1u32..);
    Ok(parts
        .map(|((((share, amount), due), row), number)| Part {
            number,
            share: *share,
            amount,
            due,
            lines: draft
                .lines
                .iter()
                .zip(row)
                .map(|(line, amount)| (part_line(line, amount, number, count, *share), amount))
                .collect(),
        })
        .collect())
}

fn part_line(
    line: &DraftLine,
    amount: Decimal,
    number: u32,
    count: usize,
    share: Decimal,
) -> DraftLine {
    DraftLine {
        description: op::part_description(&line.description, number, count, share),
        factors: Factors::new(Decimal::ONE, amount, None),
        ..line.clone()
    }
}

/// Reads per cents that add up to a hundred. Empty text is one part.
fn shares(text: &str) -> Result<Vec<Decimal>, Stop> {
    if text.trim().is_empty() {
        return Ok(vec![Decimal::ONE_HUNDRED]);
    }
    let unclear = |why: &str| say::plan_unreadable(text, why);
    let shares = text
        .split(',')
        .map(|part| decimal(part.trim().trim_end_matches('%')))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unclear(&error.to_string()))?;
    if shares.len() > MOST as usize {
        return Err(unclear("it has more than 24 parts"));
    }
    if shares.iter().any(|share| *share <= Decimal::ZERO) {
        return Err(unclear("a part is not more than zero"));
    }
    if money::sum(&shares) != Some(Decimal::ONE_HUNDRED) {
        return Err(unclear("its parts don't add up to 100"));
    }
    Ok(shares)
}

fn due_dates(
    input: &PlanInput<'_>,
    text: &str,
    count: usize,
    first_won: DateTime<Utc>,
) -> Result<Vec<Option<NaiveDate>>, Stop> {
    let days = &input.policy.deal.part_days;
    if days.len() + 1 < count {
        return Err(say::no_days(text, count, days.len()));
    }
    let won = dates::local_date(first_won, &input.organisation.time_zone)
        .map_err(|error| say::no_zone(&error))?;
    let later = days.iter().take(count - 1).map(|days| {
        won.checked_add_days(Days::new(u64::from(*days)))
            .map(Some)
            .ok_or_else(say::absurd)
    });
    std::iter::once(Ok(None)).chain(later).collect()
}

/// Each share rounded half up, the last part what is left.
fn split(amount: Decimal, shares: &[Decimal], places: u32) -> Option<Vec<Decimal>> {
    let mut left = amount;
    let mut amounts = Vec::with_capacity(shares.len());
    for (n, share) in shares.iter().enumerate() {
        let part = if n + 1 == shares.len() {
            left
        } else {
            round_half_up(money::per_cent_of(amount, *share)?, places)
        };
        left = left.checked_sub(part)?;
        amounts.push(part);
    }
    Some(amounts)
}

/// The amount of each line in each part: rows add up to the parts, columns to the lines. What rounding leaves over in a
/// part goes to its largest line.
fn split_lines(
    lines: &[Decimal],
    shares: &[Decimal],
    parts: &[Decimal],
    places: u32,
) -> Option<Vec<Vec<Decimal>>> {
    let largest = lines
        .iter()
        .enumerate()
        .max_by_key(|(_, amount)| amount.abs())?
        .0;
    let mut left = lines.to_vec();
    let mut grid = Vec::with_capacity(parts.len());
    for (n, (share, part)) in shares.iter().zip(parts).enumerate() {
        let mut row = if n + 1 == parts.len() {
            left.clone()
        } else {
            lines
                .iter()
                .map(|line| Some(round_half_up(money::per_cent_of(*line, *share)?, places)))
                .collect::<Option<Vec<_>>>()?
        };
        let over = part.checked_sub(money::sum(&row)?)?;
        if let Some(amount) = row.get_mut(largest) {
            *amount = amount.checked_add(over)?;
        }
        for (rest, taken) in left.iter_mut().zip(&row) {
            *rest = rest.checked_sub(*taken)?;
        }
        grid.push(row);
    }
    Some(grid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        decimal(text).unwrap()
    }

    #[test]
    fn per_cents_must_be_a_hundred() {
        for (text, count) in [
            ("", 1),
            (" ", 1),
            ("100", 1),
            ("30,70", 2),
            ("30 %, 70%", 2),
            ("33.33,33.33,33.34", 3),
        ] {
            assert_eq!(shares(text).unwrap().len(), count, "{text}");
        }
        for bad in [
            "30,60",
            "30;70",
            "120,-20",
            "0,100",
            "30,70,",
            "a third",
            &"4,".repeat(25),
        ] {
            assert!(shares(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_remainder_is_in_the_last_part() {
        for (amount, plan, places, want) in [
            ("100", "30,70", 2, vec!["30", "70"]),
            ("99.99", "30,70", 2, vec!["30.00", "69.99"]),
            ("0.01", "50,50", 2, vec!["0.01", "0"]),
            ("1000", "33.33,33.33,33.34", 0, vec!["333", "333", "334"]),
        ] {
            let want: Vec<_> = want.into_iter().map(d).collect();
            assert_eq!(
                split(d(amount), &shares(plan).unwrap(), places).unwrap(),
                want,
                "{amount} {plan}"
            );
        }
    }

    proptest! {
        #[test]
        fn rows_are_parts_and_columns_are_lines(
            cents in prop::collection::vec(-50_000i64..500_000, 1..12),
            cut in prop::collection::vec(1u32..99, 0..5),
            places in prop_oneof![Just(0u32), Just(2)],
        ) {
            let lines: Vec<_> = cents.iter().map(|c| Decimal::new(*c, places)).collect();
            let mut cuts: Vec<u32> = cut.into_iter().chain([0, 100]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let shares: Vec<_> = cuts.windows(2).map(|w| Decimal::from(w[1] - w[0])).collect();
            let amount = money::sum(&lines).unwrap();
            let parts = split(amount, &shares, places).unwrap();
            prop_assert_eq!(money::sum(&parts).unwrap(), amount);
            let grid = split_lines(&lines, &shares, &parts, places).unwrap();
            for (row, part) in grid.iter().zip(&parts) {
                prop_assert_eq!(money::sum(row).unwrap(), *part);
                prop_assert!(row.iter().all(|amount| amount.scale() <= places));
            }
            for (column, line) in lines.iter().enumerate() {
                let taken: Vec<_> = grid.iter().map(|row| row[column]).collect();
                prop_assert_eq!(money::sum(&taken).unwrap(), *line);
            }
        }
    }
}
