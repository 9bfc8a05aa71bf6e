//! Sentences about deals: whether they are billed at all, and in which parts.

use super::{Stop, mapping, quoted};
use crate::dates::ZoneError;
use crate::money::shown;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use footbridge_model::plan::reason;
use rust_decimal::Decimal;

pub(crate) fn deleted() -> Stop {
    Stop::skip(
        reason::DEAL_DELETED,
        "The deal is deleted and was never invoiced; nothing is billed.",
    )
}

pub(crate) fn deleted_after_billing(invoice: &str) -> Stop {
    Stop::hold(
        reason::DEAL_DELETED,
        format!(
            "The deal is deleted, but {invoice} exists for it. Decide whether the invoice stands; it is left as it is."
        ),
    )
}

pub(crate) fn not_won() -> Stop {
    Stop::skip(reason::NOT_WON, "The deal is not won.")
}

pub(crate) fn won_unread(path: &str) -> Stop {
    mapping(format!(
        "The deal was read without {}, so nobody can tell whether it is won. Check that the field is readable.",
        quoted(path)
    ))
}

pub(crate) fn before_go_live(won: DateTime<Utc>, go_live: DateTime<Utc>) -> Stop {
    Stop::skip(
        reason::BEFORE_GO_LIVE,
        format!(
            "The deal was first won at {}, before this flow went live at {}. It is history and is not billed.",
            stamp(won),
            stamp(go_live)
        ),
    )
}

pub(crate) fn won_when(what: &str) -> Stop {
    mapping(format!(
        "Nobody can tell when the deal was won: {what}. Check the stages that count as won in the flow."
    ))
}

pub(crate) fn no_amount(path: &str, found: Option<&str>) -> Stop {
    let found = match found {
        Some(text) => format!("{}, which is no amount", quoted(text)),
        None => "nothing".to_owned(),
    };
    Stop::hold(
        reason::AMOUNT_DIFFERS,
        format!(
            "The deal's {} holds {found}. Enter the amount to bill.",
            quoted(path)
        ),
    )
}

pub(crate) fn zero() -> Stop {
    Stop::skip(
        reason::ZERO_AMOUNT,
        "The deal's amount is zero; there is nothing to bill.",
    )
}

pub(crate) fn negative(amount: Decimal, currency: &str) -> Stop {
    Stop::hold(
        reason::NEGATIVE_AMOUNT,
        format!(
            "The deal's amount is {}. Raise a credit note in the ledger by hand.",
            shown(amount, currency)
        ),
    )
}

pub(crate) fn no_lines() -> Stop {
    Stop::hold(
        reason::NO_LINES,
        "The deal has no lines. Add its products, or let the flow bill such deals as one line.",
    )
}

pub(crate) fn no_wording() -> Stop {
    Stop::hold(
        reason::NO_LINES,
        "The deal has no lines and the mapping made no line from its amount. Word that line in the mapping.",
    )
}

pub(crate) fn lines_lost() -> Stop {
    mapping("The deal has lines, but the mapping made none of them. Correct the mapping.")
}

pub(crate) fn line_total_unread(number: usize, path: &str) -> Stop {
    Stop::hold(
        reason::AMOUNT_DIFFERS,
        format!(
            "Line {number} of the deal has no readable {}. Correct the line.",
            quoted(path)
        ),
    )
}

pub(crate) fn lines_differ(amount: Decimal, lines: Decimal, currency: &str) -> Stop {
    Stop::hold(
        reason::AMOUNT_DIFFERS,
        format!(
            "The deal's amount is {}, its lines add up to {}. Correct one of them.",
            shown(amount, currency),
            shown(lines, currency)
        ),
    )
}

pub(crate) fn invoice_differs(
    amount: Decimal,
    invoice: Decimal,
    what: &str,
    currency: &str,
) -> Stop {
    Stop::hold(
        reason::AMOUNT_DIFFERS,
        format!(
            "The deal's amount is {}, the {what} of its invoice would be {}. Correct the deal's lines or the mapping.",
            shown(amount, currency),
            shown(invoice, currency)
        ),
    )
}

pub(crate) fn absurd() -> Stop {
    mapping(
        "An amount of the deal has more digits than any money. Correct its quantities and prices.",
    )
}

pub(crate) fn plan_unreadable(text: &str, why: &str) -> Stop {
    Stop::hold(
        reason::BILLING_PLAN_UNCLEAR,
        format!(
            "The billing plan {} can't be followed: {why}. Write per cents that add up to 100, for example 30,70.",
            quoted(text)
        ),
    )
}

pub(crate) fn no_days(text: &str, parts: usize, days: usize) -> Stop {
    Stop::hold(
        reason::BILLING_PLAN_UNCLEAR,
        format!(
            "The billing plan {} has {parts} parts, but the flow says only for {days} later part(s) after how many days they are due. Complete the flow's part-days.",
            quoted(text)
        ),
    )
}

pub(crate) fn no_zone(error: &ZoneError) -> Stop {
    Stop::hold(
        reason::BILLING_PLAN_UNCLEAR,
        format!("Nobody can tell when the later parts are due: {error}."),
    )
}

pub(crate) fn part_not_due(until: NaiveDate) -> Stop {
    Stop::skip(
        reason::PART_NOT_DUE,
        format!("This part of the deal is not due before {until}; it is billed then."),
    )
}

pub(crate) fn part_zero() -> Stop {
    Stop::skip(
        reason::ZERO_AMOUNT,
        "This part of the deal comes to zero; there is nothing to bill.",
    )
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
