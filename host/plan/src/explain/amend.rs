//! Sentences about invoices whose deals changed or were lost: what is done, what a person is asked, and what they can answer.

use super::Stop;
use crate::amend::Ask;
use crate::amend::{Bar, Posted, Touched};
use crate::money::shown;
use footbridge_model::plan::reason;
use rust_decimal::Decimal;

/// What an invoice comes to and would come to.
pub(crate) struct Difference<'a> {
    pub(crate) old: Option<Decimal>,
    pub(crate) new: Decimal,
    pub(crate) currency: &'a str,
    pub(crate) old_currency: Option<&'a str>,
    /// What would be written.
    pub(crate) fields: Vec<&'a str>,
}

impl Difference<'_> {
    fn before(&self) -> String {
        let currency = self.old_currency.unwrap_or(self.currency);
        self.old.map_or_else(
            || "an unknown amount".to_owned(),
            |old| shown(old, currency),
        )
    }

    fn after(&self) -> String {
        shown(self.new, self.currency)
    }

    /// What it would become; of a sum that stays, what else is different.
    fn becomes(&self) -> String {
        let (old, new) = (self.before(), self.after());
        let customer = self.fields.contains(&"customer");
        if old == new {
            return format!(
                "it would come to {new} as before, with a changed {}",
                self.fields.join(" and ")
            );
        }
        let too = if customer {
            ", and go to another customer"
        } else {
            ""
        };
        format!("it would be {new} instead of {old}{too}")
    }
}

/// Why an invoice is updated.
pub(crate) fn update(invoice: &str, change: &Difference<'_>, by: Option<&str>) -> String {
    let word = word_of(by);
    format!(
        "The deal changed after {invoice} was made{word}: {} becomes {} ({} written)",
        change.before(),
        change.after(),
        change.fields.join(", ")
    )
}

/// Why a draft is deleted.
pub(crate) fn deletion(invoice: &str, by: Option<&str>) -> String {
    format!(
        "The deal is no longer won{}: its draft, {invoice}, is deleted",
        word_of(by)
    )
}

fn word_of(by: Option<&str>) -> String {
    by.map_or_else(String::new, |by| format!(", and {by} said to go ahead"))
}

/// Why a link goes on from what the invoice holds now.
pub(crate) fn kept(invoice: &str, by: Option<&str>) -> String {
    match by {
        Some(by) => format!(
            "{by} decided that {invoice} stays as the ledger has it; nothing is written to it."
        ),
        None => format!(
            "The ledger's {invoice} says already what the deal says now; nothing is written to it."
        ),
    }
}

/// The invoice stays.
pub(crate) fn stays(invoice: &str, by: Option<&str>) -> Stop {
    Stop::skip(reason::UP_TO_DATE, kept(invoice, by))
}

/// The invoice of a lost deal stays.
pub(crate) fn lost_and_kept(invoice: &str, by: &str) -> Stop {
    Stop::skip(
        reason::DEAL_LOST,
        format!("The deal is no longer won, and {by} decided that {invoice} stays."),
    )
}

/// The invoice of a deleted deal stays.
pub(crate) fn deleted_and_kept(invoice: &str, by: &str) -> Stop {
    Stop::skip(
        reason::DEAL_DELETED,
        format!("The deal is deleted, and {by} decided that {invoice} stays."),
    )
}

/// The invoice can't be seen.
pub(crate) fn not_visible(invoice: &str) -> Stop {
    Stop::hold(
        reason::NOT_VISIBLE,
        format!(
            "The deal changed, but the ledger doesn't show {invoice} any more and doesn't say that it is gone either; nothing is written. Look whether it is there, and whether the connection may see it."
        ),
    )
}

/// The question, with what can be answered.
pub(crate) fn asks(ask: &Ask, invoice: &str, change: Option<&Difference<'_>>) -> Stop {
    let becomes = change.map_or_else(
        || "it would be what the deal says instead of what it says".to_owned(),
        Difference::becomes,
    );
    let message = match ask {
        Ask::Edited(touched) => format!(
            "The deal changed after {invoice} was made: {becomes}. But {}. Keep the ledger's, or take the deal's over it.",
            edited(touched)
        ),
        Ask::Approved => format!(
            "The deal changed after {invoice} was made: {becomes}. The invoice is approved, neither sent nor paid. Take the deal's, keep the ledger's, or put the deal back."
        ),
        Ask::NotOurs => format!(
            "The deal changed after {invoice} was linked with it: {becomes}. The invoice was not made by this flow and is left as it is. Correct it in the ledger, or keep it."
        ),
        Ask::Credit(bars) => credit(bars, invoice, change, &becomes),
        Ask::LostDraft(touched) => {
            let edited = match touched {
                Touched::No => String::new(),
                touched => format!(", and {}", edited(touched)),
            };
            format!(
                "The deal is no longer won, but its draft, {invoice}, exists{edited}. Take the deal's word to delete the draft, keep the ledger's to leave it, or win the deal again."
            )
        }
        Ask::LostStands(bars) => {
            let far = match bars.as_slice() {
                [] => String::new(),
                bars => format!(" and {}", because(bars)),
            };
            format!(
                "The deal is no longer won, but {invoice} exists for it{far}. It is left as it is: credit or void it in the ledger, keep it, or win the deal again."
            )
        }
    };
    Stop::hold(ask.reason(), message)
}

fn credit(bars: &[Bar], invoice: &str, change: Option<&Difference<'_>>, becomes: &str) -> String {
    let because = because(bars);
    let never =
        format!("The deal changed after {invoice} was made, which {because} and is never edited");
    let draft = bars.iter().any(|bar| {
        matches!(
            bar,
            Bar::Closed {
                posted: Posted::No,
                ..
            }
        )
    });
    if draft {
        format!(
            "{never}. It is still a draft: give it a later date in the ledger, or delete it there; {becomes}."
        )
    } else {
        let (old, new) = change.map_or_else(
            || ("what it says".to_owned(), "what the deal says".to_owned()),
            |change| (change.before(), change.after()),
        );
        let same = (old == new).then(|| format!("; {becomes}"));
        let same = same.unwrap_or_default();
        format!(
            "{never}{same}. Proposed: a draft credit note of {old} for {invoice}, and a new invoice of {new}. Make both by hand in the ledger, then keep the ledger's; or put the deal back."
        )
    }
}

fn edited(touched: &Touched) -> String {
    match touched {
        Touched::In(fields) => format!(
            "a person edited the invoice in the ledger ({})",
            fields.join(", ")
        ),
        Touched::Unknown | Touched::No => {
            "nobody can tell whether a person edited the invoice in the ledger".to_owned()
        }
    }
}

fn because(bars: &[Bar]) -> String {
    let words: Vec<String> = bars
        .iter()
        .map(|bar| match bar {
            Bar::Sent => "was sent".to_owned(),
            Bar::PartPaid => "is part-paid".to_owned(),
            Bar::Paid => "is paid".to_owned(),
            Bar::Credited => "is credited".to_owned(),
            Bar::Closed { name, until, .. } => format!("is dated on or before {name}, {until}"),
            Bar::NotReported(what) => format!("was reported without {what}"),
        })
        .collect();
    words.join(", ")
}
