//! Sentences about what people decided.

use super::Stop;
use footbridge_model::plan::reason;
use footbridge_model::remedy::TABLE;
use footbridge_model::ruling::{Choice, Ruling};

/// Nothing is done because a person wants it so, about this `what`; `item`: what it would wait for.
pub(crate) fn ignored(ruling: &Ruling, what: &str, item: Option<&str>) -> Stop {
    let how_long = match ruling.choice {
        Choice::IgnoreAlways => "for good".to_owned(),
        _ => format!("until the {what} changes"),
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

/// A decision that was about something else than the item shows now.
pub(crate) fn not_shown(ruling: &Ruling) -> String {
    let (by, day) = (&ruling.by, day(ruling));
    if ruling.shown.is_empty() {
        return format!(
            "What {by} decided on {day} doesn't say what this item showed then, so decide again."
        );
    }
    format!(
        "What {by} decided on {day} was about what this item showed then; it shows something else now, so decide again."
    )
}

/// The record that a person named can't be it.
pub(crate) fn cant_link(ruling: &Ruling, record: &str, why: &str) -> Stop {
    let said = format!(
        "{} linked it with {record} on {}, but {why}. Name another one.",
        ruling.by,
        day(ruling)
    );
    let mut known = TABLE.iter().map(|(known, _)| *known);
    let same = known.find(|known| *known == ruling.reason);
    Stop::hold(same.unwrap_or(reason::LOOKS_ALREADY_INVOICED), said)
}

pub(crate) fn day(ruling: &Ruling) -> String {
    ruling.at.format("%Y-%m-%d").to_string()
}
