//! Amounts: whether a document's amounts add up, and what they are in the base currency at the document's own rate (domain rule 13).
//!
//! Nothing is ever converted at another rate: revaluation and realised gains belong to the ledger.

use crate::explain::{Stop, reflect as say};
use crate::money::{places, sum};
use footbridge_model::ledger::{Credit, Invoice};
use footbridge_model::money::round_half_up;
use rust_decimal::Decimal;

/// What became of an invoice's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) total: Decimal,
    pub(crate) due: Decimal,
    pub(crate) paid: Decimal,
    pub(crate) credited: Decimal,
}

/// An invoice's amounts, which must add up: due + paid + credited + deducted = total.
pub(crate) fn of_invoice(name: &str, invoice: &Invoice) -> Result<Owed, Stop> {
    let known =
        |amount: Option<Decimal>, what: &str| amount.ok_or_else(|| say::not_reported(name, what));
    let owed = Owed {
        total: known(invoice.total, "total")?,
        due: known(invoice.amount_due, "amount due")?,
        paid: known(invoice.amount_paid, "amount paid")?,
        credited: known(invoice.amount_credited, "amount credited")?,
    };
    let deducted = invoice.amount_deducted.unwrap_or_default();
    let parts = [owed.due, owed.paid, owed.credited, deducted];
    let negative = parts.iter().any(|part| *part < Decimal::ZERO);
    if negative || sum(&parts) != Some(owed.total) {
        return Err(say::invoice_differs(name, parts, owed.total));
    }
    Ok(owed)
}

/// What became of a credit's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) left: Decimal,
    /// Paid out.
    pub(crate) refunded: Decimal,
}

/// A credit's amounts, which must add up: left + allocated + refunded = total.
pub(crate) fn of_credit(name: &str, credit: &Credit) -> Result<Used, Stop> {
    let known =
        |amount: Option<Decimal>, what: &str| amount.ok_or_else(|| say::not_reported(name, what));
    let total = known(credit.total, "total")?;
    let left = known(credit.remaining_credit, "remaining credit")?;
    let allocations = credit
        .allocations
        .as_ref()
        .ok_or_else(|| say::not_reported(name, "list of allocations"))?;
    let mut each = Vec::with_capacity(allocations.len());
    for allocation in allocations {
        each.push(known(allocation.amount, "amount of an allocation")?);
    }
    let differs = || say::credit_differs(name, total, left);
    let allocated = sum(&each).ok_or_else(differs)?;
    let rest = total
        .checked_sub(left)
        .and_then(|used| used.checked_sub(allocated))
        .ok_or_else(differs)?;
    let refunded = match &credit.payments {
        None => rest,
        Some(payments) => {
            let mut each = Vec::with_capacity(payments.len());
            for payment in payments {
                each.push(known(payment.amount, "amount of a refund")?);
            }
            sum(&each).ok_or_else(differs)?
        }
    };
    if refunded != rest || left < Decimal::ZERO || rest < Decimal::ZERO {
        return Err(differs());
    }
    Ok(Used { left, refunded })
}

/// How to get from a document's currency to the organisation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToBase {
    /// Units of the document's currency for one of the base currency.
    pub(crate) rate: Decimal,
    places: u32,
}

impl ToBase {
    /// By the document's own rate; `None` where the ledger didn't report one that can be used.
    pub(crate) fn of(currency: &str, base: &str, rate: Option<Decimal>) -> Option<Self> {
        let rate = if currency == base {
            Some(Decimal::ONE)
        } else {
            rate.filter(|rate| *rate > Decimal::ZERO)
        };
        Some(Self {
            rate: rate?,
            places: places(base),
        })
    }

    /// Half up to the base currency's places. `None` where it has more digits than any amount of money.
    pub(crate) fn convert(self, amount: Decimal) -> Option<Decimal> {
        Some(round_half_up(amount.checked_div(self.rate)?, self.places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_model::money::{canonical, decimal};

    fn d(text: &str) -> Decimal {
        decimal(text).unwrap()
    }

    #[test]
    fn at_the_documents_own_rate_half_up() {
        for (amount, currency, base, rate, want) in [
            ("100", "GBP", "GBP", None, "100"),
            ("100", "GBP", "GBP", Some("7"), "100"),
            ("14814", "JPY", "GBP", Some("187.5"), "79.01"),
            ("1", "JPY", "GBP", Some("200"), "0.01"),
            ("0.99", "JPY", "GBP", Some("200"), "0"),
            ("10.01", "USD", "GBP", Some("2"), "5.01"),
            ("-10.01", "USD", "GBP", Some("2"), "-5.01"),
            ("12.34", "KWD", "GBP", Some("0.39"), "31.64"),
            ("10", "GBP", "KWD", Some("2.55"), "3.92"),
            ("10", "GBP", "JPY", Some("0.0053"), "1887"),
        ] {
            let to = ToBase::of(currency, base, rate.map(d)).unwrap();
            assert_eq!(
                canonical(to.convert(d(amount)).unwrap()),
                want,
                "{amount} {currency} at {rate:?}"
            );
        }
        assert_eq!(ToBase::of("JPY", "GBP", None), None);
        assert_eq!(ToBase::of("JPY", "GBP", Some(Decimal::ZERO)), None);
        let tiny = ToBase::of("JPY", "GBP", Some(d("0.000001"))).unwrap();
        assert_eq!(tiny.convert(Decimal::MAX), None);
    }
}
