//! Why something is written or recognised: the sentences of operations and adoptions.

use super::quoted;
use crate::dates::InvoiceDates;
use crate::money::shown;
use crate::tax::LineTax;
use crate::totals::Totals;
use chrono::NaiveDate;
use footbridge_model::called::CustomerName;
use footbridge_model::money::canonical;
use footbridge_model::ruling::Ruling;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

pub(crate) fn new_customer(name: &str, number: &str) -> String {
    format!(
        "The ledger has no customer called {} and none with number {number}; it is created.",
        quoted(name)
    )
}

/// A person gave it another name than its own, which isn't free.
pub(crate) fn new_customer_as(name: &str, given: &CustomerName, ruling: &Ruling) -> String {
    format!(
        "The name {} isn't free in the ledger; {} decided on {} that the customer is created there as {}. Nothing else is renamed, in the ledger or in the source.",
        quoted(name),
        ruling.by,
        super::ruled::day(ruling),
        quoted(given.as_str())
    )
}

pub(crate) fn adopted_by_number(name: &str, number: &str) -> String {
    format!(
        "Customer {} is in the ledger with number {number}; they are linked. Nothing is written to it.",
        quoted(name)
    )
}

pub(crate) fn adopted_by_name(name: &str) -> String {
    format!(
        "The ledger has exactly one customer called {}, without a number of its own; they are linked. Nothing is written to it.",
        quoted(name)
    )
}

pub(crate) fn adopted_by_invoice(name: &str, invoice: &str) -> String {
    format!(
        "The ledger's {invoice} is that of a deal of customer {} and bills a customer of the same number or name; they are linked. Nothing is written to it.",
        quoted(name)
    )
}

pub(crate) fn adopted_invoice(invoice: &str) -> String {
    format!(
        "The ledger's {invoice} carries this deal's key and sum; they are linked. Nothing is written to it."
    )
}

/// A person said so; `record`: as in the middle of a sentence.
pub(crate) fn linked_by_person(record: &str, ruling: &Ruling) -> String {
    format!(
        "{} linked it with the ledger's {record} on {}. Nothing is written to it.",
        ruling.by,
        super::ruled::day(ruling)
    )
}

/// Why an invoice is made, on its own.
pub(crate) fn won(on: NaiveDate) -> String {
    format!("{}.", won_unbilled(on))
}

fn won_unbilled(on: NaiveDate) -> String {
    format!("The deal was won on {on} and is not billed")
}

/// What an invoice will come to and who decided its tax.
pub(crate) fn new_invoice(
    won: NaiveDate,
    customer: &str,
    totals: Totals,
    currency: &str,
    dates: InvoiceDates,
    taxes: &[LineTax],
    part: Option<(u32, Decimal)>,
) -> String {
    let mut winners: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (n, tax) in taxes.iter().enumerate() {
        winners
            .entry((&tax.tax_type, &tax.winner))
            .or_default()
            .push((n + 1).to_string());
    }
    let taxes: Vec<String> = winners
        .iter()
        .map(|((tax_type, winner), lines)| {
            format!(
                "{} on line {} from {winner}",
                quoted(tax_type),
                lines.join(", ")
            )
        })
        .collect();
    let part = part.map_or_else(String::new, |(number, share)| {
        format!("Part {number} of the deal, {} %. ", canonical(share))
    });
    format!(
        "{part}{}: {} plus {} tax, {} in all, to {}, dated {}, due {}. Tax: {}.",
        won_unbilled(won),
        shown(totals.sub_total, currency),
        shown(totals.total_tax, currency),
        shown(totals.total, currency),
        quoted(customer),
        dates.date,
        dates.due,
        taxes.join("; ")
    )
}

/// The text of a line of one part.
pub(crate) fn part_description(line: &str, number: u32, count: usize, share: Decimal) -> String {
    format!("{line} (part {number} of {count}, {} %)", canonical(share))
}

pub(crate) fn write_back_new() -> String {
    "The deal shows the invoice that is made for it.".to_owned()
}

pub(crate) fn write_back_missing(invoice: &str, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    format!(
        "The deal is billed with {invoice}, but {} on the deal doesn't say so.",
        fields.join(", ")
    )
}
