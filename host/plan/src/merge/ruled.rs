//! What people decided about a customer as a whole: that nothing is to be done, or which customer of the ledger takes the place of one
//! that is gone. What they decided about single fields is `decide`'s.
//!
//! It obeys only what is about the reason, the records and the versions that were shown. Next: `relink` and `plan` ask.

use super::plan::MergeInput;
use crate::explain::{Stop, ruled as words};
use crate::input::Source;
use footbridge_model::plan::reason;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::ShownRecord;

/// Reasons whose item says that the linked customer is gone.
const OF_THE_GONE: [&str; 2] = [reason::CUSTOMER_MERGED, reason::CUSTOMER_GONE];

/// Who takes the place of a customer that is gone, as a person said who saw just that one gone.
pub(super) fn heir<'a>(
    input: &'a MergeInput<'_>,
    source: &Source,
    gone: &ShownRecord,
) -> Option<&'a Ruling> {
    let links = all(input, source).filter(|ruling| {
        let then = ruling.shown.standing.as_ref();
        matches!(ruling.choice, Choice::LinkTo { .. })
            && OF_THE_GONE.contains(&ruling.reason.as_str())
            && then.is_some_and(|then| then.id == gone.id)
    });
    links.max_by_key(|ruling| ruling.at)
}

/// What is to be noted after what a person decided: the same, or that it is ignored.
pub(super) fn obeyed(input: &MergeInput<'_>, source: &Source, stop: Stop) -> Stop {
    let (Stop::Skip(said) | Stop::Hold(said)) = &stop;
    let now = said.shown.standing.as_ref();
    match ignoring(input, source, said.reason, now) {
        Some(ruling) => words::ignored(ruling, "record", Some(&said.message)),
        None => stop,
    }
}

/// Why nothing is written of a customer: the far side refused it as it is, and a person wants no more of that.
pub(super) fn refused_and_ignored(
    input: &MergeInput<'_>,
    source: &Source,
    now: &ShownRecord,
) -> Option<Stop> {
    let ruling = ignoring(input, source, reason::REJECTED, Some(now))?;
    Some(words::ignored(ruling, "record", None))
}

/// Once is until one of the two records changes.
fn ignoring<'a>(
    input: &'a MergeInput<'_>,
    source: &Source,
    reason: &str,
    now: Option<&ShownRecord>,
) -> Option<&'a Ruling> {
    let seen = |record: &ShownRecord| (record.id.clone(), record.version.clone());
    let counts = |ruling: &&Ruling| match ruling.choice {
        Choice::IgnoreAlways => true,
        Choice::IgnoreOnce => {
            let then = ruling.shown.standing.as_ref();
            let same = match (then, now) {
                (Some(then), Some(now)) => seen(then) == seen(now),
                _ => true,
            };
            same && ruling.counts_at(&source.version)
        }
        _ => false,
    };
    all(input, source)
        .filter(|ruling| ruling.reason == reason)
        .find(counts)
}

fn all<'a>(input: &'a MergeInput<'_>, source: &Source) -> impl Iterator<Item = &'a Ruling> {
    let record = source.record.clone();
    let its = input.rulings.iter();
    its.filter(move |((of, _), _)| *of == record)
        .flat_map(|(_, rulings)| rulings)
}
