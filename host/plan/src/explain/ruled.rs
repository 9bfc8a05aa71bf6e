//! Sentences about what people decided.

use super::Stop;
use footbridge_model::plan::reason;
use footbridge_model::ruling::{Choice, Ruling};

/// Nothing is done because a person wants it so; `item`: what it would wait for.
pub(crate) fn ignored(ruling: &Ruling, item: Option<&str>) -> Stop {
    let how_long = match ruling.choice {
        Choice::IgnoreAlways => "for good",
        _ => "until the deal changes",
    };
    let item = item.map_or_else(String::new, |item| format!(" It would wait: {item}"));
    Stop::skip(
        reason::IGNORED,
        format!(
            "{} decided on {} that nothing is to be done, {how_long} ({}).{item}",
            ruling.by,
            day(ruling),
            ruling.reason
        ),
    )
}

/// A decision that was about the record as it was before.
pub(crate) fn outdated(ruling: &Ruling) -> String {
    format!(
        "What {} decided on {} was about the deal as it was then; it has changed, so decide again.",
        ruling.by,
        day(ruling)
    )
}

/// The record that a person named can't be it.
pub(crate) fn cant_link(ruling: &Ruling, record: &str, why: &str) -> Stop {
    let said = format!(
        "{} linked it with {record} on {}, but {why}. Name another one.",
        ruling.by,
        day(ruling)
    );
    let known = [
        reason::LOOKS_ALREADY_INVOICED,
        reason::NUMBER_TAKEN,
        reason::KEY_STANDS_TWICE,
        reason::CUSTOMER_NAME_CLASH,
        reason::CUSTOMER_LOOKS_EXISTING,
        reason::CUSTOMER_MERGED,
        reason::CUSTOMER_GONE,
    ];
    let same = known.into_iter().find(|known| *known == ruling.reason);
    Stop::hold(same.unwrap_or(reason::LOOKS_ALREADY_INVOICED), said)
}

pub(crate) fn day(ruling: &Ruling) -> String {
    ruling.at.format("%Y-%m-%d").to_string()
}
