//! Why the operator's rails hold something.

use super::Said;
use crate::money::shown;
use crate::rails::Pilot;
use footbridge_model::money::{canonical, decimal};
use footbridge_model::plan::reason;
use footbridge_model::shown::{Shown, Sum};
use rust_decimal::Decimal;

fn said(reason: &'static str, message: String) -> Said {
    Said {
        reason,
        message,
        shown: Box::default(),
    }
}

pub(crate) fn outside_pilot(pilot: &Pilot) -> Said {
    let what = match pilot {
        Pilot::Only(ids) => format!("lets {} through by id", named(ids.len())),
        Pilot::First(most) => format!("lets the first {most} through"),
        Pilot::Where(fields) => {
            let fields: Vec<String> = (fields.iter())
                .map(|(field, value)| format!("{field} is {value:?}"))
                .collect();
            format!("lets those through of which {}", fields.join(" and "))
        }
    };
    said(
        reason::OUTSIDE_PILOT,
        format!(
            "The flow's pilot {what}, and this is none of them. Nothing is written. It goes on once `pilot` in the flow's rails lets it through or is taken out."
        ),
    )
}

pub(crate) fn deal_not_visible() -> Said {
    said(
        reason::DEAL_NOT_VISIBLE,
        "The CRM doesn't show this deal any more and doesn't say that it is deleted either; nothing is billed for it. Look whether it is there, and whether the connection's user may see it.".to_owned(),
    )
}

fn named(n: usize) -> String {
    match n {
        1 => "one record".to_owned(),
        n => format!("{n} records"),
    }
}

/// `before`: what a yes was given to, where that was another sum.
pub(crate) fn needs_approval(
    total: &str,
    currency: &str,
    limit: Option<Decimal>,
    before: Option<&Sum>,
) -> Said {
    let above = match limit {
        Some(limit) => format!("more than the {} that go unasked", shown(limit, currency)),
        None => format!("and no limit is set for {currency}"),
    };
    let before = before.map_or_else(String::new, |sum| {
        format!(
            " The yes that was given was to {} {}; approve it again.",
            sum.total, sum.currency
        )
    });
    Said {
        reason: reason::NEEDS_APPROVAL,
        message: format!(
            "The invoice would come to {total} {currency}, {above}. It is made once you approve it: the item, or a plan that it stands in.{before}"
        ),
        shown: Box::new(Shown {
            sum: Some(sum(total, currency)),
            ..Shown::default()
        }),
    }
}

/// A sum as it is kept. What can't be read is equal to nothing but itself.
pub(crate) fn sum(total: &str, currency: &str) -> Sum {
    Sum {
        total: decimal(total).map_or_else(|_| total.to_owned(), canonical),
        currency: currency.to_owned(),
    }
}

pub(crate) fn over_the_cap(room: usize) -> Said {
    let room = match room {
        0 => "has written as much as it may".to_owned(),
        1 => "may write one more record".to_owned(),
        n => format!("may write {n} more records"),
    };
    said(
        reason::OVER_THE_CAP,
        format!("This run {room}, and others come first. The next run goes on here, oldest first."),
    )
}

pub(crate) fn without_its_parent() -> Said {
    said(
        reason::WAITS_FOR_ANOTHER,
        "It needs a record that isn't written in this run.".to_owned(),
    )
}
