//! How each customer pays: pure. The same seed, customer and invoice give the same habits and steps.
//!
//! 60 % of the customers pay within 7 days of the due date, 30 % within 8 to 40, 10 % are chronic. Most
//! invoices are paid in one go; the others try one rule each. Next: [`super::receipts`] books the steps.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use sha2::{Digest as _, Sha256};

/// How reliably a customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    /// Up to 7 days after the due date, often before it.
    Prompt,
    /// 8 to 40 days late.
    Late,
    /// 60 to 120 days late, and some never.
    Chronic,
}

/// What happens to an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Paid in one go; by batch where the customer pays so.
    Paid,
    /// In two parts.
    Part,
    /// Too much; the rest is refunded, set against another invoice, or stays.
    Over,
    /// The payment is taken back, and made again.
    Bounced,
    /// A quarter is credited, the rest paid.
    Credited,
    /// Credited in full.
    Returned,
    /// Paid; a credit note of goodwill stays unallocated.
    Goodwill,
    /// Paid, credited in full afterwards, and the money sent back.
    Refunded,
    /// Given up.
    WrittenOff,
    /// Half was paid in advance.
    Prepaid,
}

/// One thing to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A payment of what is due, or of that many percent of the total.
    Pay(Option<u32>),
    /// The payment of the step before is taken back.
    Bounce,
    /// That many percent of the total come in too much.
    Overpay(u32),
    /// What came in too much goes back, to another invoice, or stays.
    SettleOver,
    /// A credit note over that many percent, allocated.
    Credit(u32),
    /// A credit note over that many percent, not allocated.
    CreditLoose(u32),
    /// A credit note over the total, refunded.
    CreditAndRefund,
    /// What is due is given up.
    WriteOff,
    /// That many percent come before the invoice is due, and are set against it.
    Prepay(u32),
}

/// One step of an invoice's story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) on: NaiveDate,
    pub(crate) act: Act,
}

/// A number from a seed and a name, evenly spread.
pub(crate) fn chance(seed: u64, name: &str) -> u64 {
    let digest = Sha256::digest(format!("{seed}/{name}"));
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// An id from a seed and a name.
pub(crate) fn guid(seed: u64, name: &str) -> String {
    let digest = Sha256::digest(format!("{seed}:{name}"));
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// How a customer pays.
pub(crate) fn payer(seed: u64, contact: &str) -> Payer {
    match chance(seed, &format!("payer {contact}")) % 10 {
        0..6 => Payer::Prompt,
        6..9 => Payer::Late,
        _ => Payer::Chronic,
    }
}

/// Whether a customer pays all that is due in a week by one batch.
pub(crate) fn pays_in_batches(seed: u64, contact: &str) -> bool {
    chance(seed, &format!("batch {contact}")).is_multiple_of(6)
}

/// What happens to an invoice.
pub(crate) fn story(seed: u64, invoice: &str) -> Story {
    match chance(seed, &format!("story {invoice}")) % 100 {
        0..70 => Story::Paid,
        70..78 => Story::Part,
        78..82 => Story::Over,
        82..86 => Story::Bounced,
        86..89 => Story::Credited,
        89..91 => Story::Returned,
        91..93 => Story::Goodwill,
        93..95 => Story::Refunded,
        95..97 => Story::WrittenOff,
        _ => Story::Prepaid,
    }
}

/// The steps of an invoice that stands from `date` and is due on `due`, in order.
pub(crate) fn steps(
    seed: u64,
    contact: &str,
    invoice: &str,
    date: NaiveDate,
    due: NaiveDate,
) -> Vec<Step> {
    let roll = |what: &str, most: u64| chance(seed, &format!("{what} {invoice}")) % most;
    let after = |day: NaiveDate, days: u64| day.checked_add_days(Days::new(days)).unwrap_or(day);
    let paid_on = match payer(seed, contact) {
        Payer::Prompt => {
            let early = due.checked_sub_days(Days::new(7)).unwrap_or(due);
            after(early, roll("day", 15))
        }
        Payer::Late => after(due, 8 + roll("day", 33)),
        Payer::Chronic if roll("never", 3) == 0 => return Vec::new(),
        Payer::Chronic => after(due, 60 + roll("day", 61)),
    };
    let paid_on = paid_on.max(date);
    let step = |on: NaiveDate, act: Act| Step { on, act };
    match story(seed, invoice) {
        Story::Paid if pays_in_batches(seed, contact) => {
            vec![step(friday(paid_on), Act::Pay(None))]
        }
        Story::Paid => vec![step(paid_on, Act::Pay(None))],
        Story::Part => vec![
            step(paid_on, Act::Pay(Some(40))),
            step(after(paid_on, 21), Act::Pay(None)),
        ],
        Story::Over => vec![
            step(paid_on, Act::Pay(None)),
            step(paid_on, Act::Overpay(10)),
            step(after(paid_on, 14), Act::SettleOver),
        ],
        Story::Bounced => vec![
            step(paid_on, Act::Pay(None)),
            step(after(paid_on, 4), Act::Bounce),
            step(after(paid_on, 13), Act::Pay(None)),
        ],
        Story::Credited => vec![
            step(paid_on, Act::Credit(25)),
            step(after(paid_on, 2), Act::Pay(None)),
        ],
        Story::Returned => vec![step(paid_on, Act::Credit(100))],
        Story::Goodwill => vec![
            step(paid_on, Act::Pay(None)),
            step(after(paid_on, 5), Act::CreditLoose(5)),
        ],
        Story::Refunded => vec![
            step(paid_on, Act::Pay(None)),
            step(after(paid_on, 10), Act::CreditAndRefund),
        ],
        Story::WrittenOff => vec![step(after(due, 45), Act::WriteOff)],
        Story::Prepaid => vec![
            step(date, Act::Prepay(50)),
            step(paid_on.max(after(date, 1)), Act::Pay(None)),
        ],
    }
}

/// The Friday of a day's week, or the day after it at a weekend.
fn friday(day: NaiveDate) -> NaiveDate {
    let ahead =
        (Weekday::Fri.num_days_from_monday() + 7 - day.weekday().num_days_from_monday()) % 7;
    day.checked_add_days(Days::new(u64::from(ahead)))
        .unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_pay_as_skewed_as_they_are_said_to() {
        let mut seen = std::collections::BTreeMap::new();
        for contact in 0..2_000 {
            *seen.entry(payer(7, &contact.to_string())).or_insert(0) += 1;
        }
        assert!((1_100..1_300).contains(&seen[&Payer::Prompt]), "{seen:?}");
        assert!((140..260).contains(&seen[&Payer::Chronic]), "{seen:?}");
    }

    #[test]
    fn steps_are_in_order_and_never_before_the_invoice() {
        let date: NaiveDate = "2026-09-01".parse().unwrap();
        let due = date.checked_add_days(Days::new(3)).unwrap();
        let mut stories = std::collections::BTreeSet::new();
        for invoice in 0..500 {
            let name = invoice.to_string();
            let steps = steps(7, "a customer", &name, date, due);
            assert!(steps.is_sorted_by_key(|step| step.on), "{steps:?}");
            assert!(steps.iter().all(|step| step.on >= date), "{steps:?}");
            stories.insert(story(7, &name));
        }
        assert_eq!(stories.len(), 10, "every story is told");
    }

    #[test]
    fn batches_are_paid_on_fridays() {
        for day in ["2026-09-12", "2026-09-14", "2026-09-18"] {
            assert_eq!(friday(day.parse().unwrap()).to_string(), "2026-09-18");
        }
    }
}
