//! The totals that the ledger will arrive at, predicted: per line, half up to two places, then summed (domain rule 6).
//!
//! The arithmetic is the ledger's, not ours to choose: unit amounts to four places, quantities to four, discounts in per cent.

use crate::money;
use crate::policy::Amounts;
use footbridge_model::money::round_half_up;
use rust_decimal::Decimal;

/// Places of unit amounts and quantities that a ledger keeps.
const FINE: u32 = 4;
/// Places of line amounts, tax and totals.
const CENTS: u32 = 2;

/// What one line is multiplied from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Factors {
    /// How many, to four places.
    pub(crate) quantity: Decimal,
    /// Price of one, to four places.
    pub(crate) unit_amount: Decimal,
    /// Per cent taken off.
    pub(crate) discount_rate: Option<Decimal>,
}

impl Factors {
    /// Rounded to what the ledger keeps.
    pub(crate) fn new(quantity: Decimal, unit_amount: Decimal, discount: Option<Decimal>) -> Self {
        Self {
            quantity: round_half_up(quantity, FINE),
            unit_amount: round_half_up(unit_amount, FINE),
            discount_rate: discount,
        }
    }

    /// Quantity times unit amount less the discount, to the cent. `None` if it overflows.
    pub(crate) fn line_amount(&self) -> Option<Decimal> {
        let gross = self.quantity.checked_mul(self.unit_amount)?;
        let net = match self.discount_rate {
            Some(rate) => money::per_cent_of(gross, Decimal::ONE_HUNDRED.checked_sub(rate)?)?,
            None => gross,
        };
        Some(round_half_up(net, CENTS))
    }
}

/// Totals of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Before tax.
    pub(crate) sub_total: Decimal,
    /// The tax.
    pub(crate) total_tax: Decimal,
    /// With tax.
    pub(crate) total: Decimal,
}

/// Totals of lines given as line amount and tax rate in per cent. `None` if they overflow.
pub(crate) fn predict(amounts: Amounts, lines: &[(Decimal, Decimal)]) -> Option<Totals> {
    let mut sum = Decimal::ZERO;
    let mut total_tax = Decimal::ZERO;
    for (amount, rate) in lines {
        sum = sum.checked_add(*amount)?;
        total_tax = total_tax.checked_add(tax(amounts, *amount, *rate)?)?;
    }
    Some(match amounts {
        Amounts::Exclusive | Amounts::NoTax => Totals {
            sub_total: sum,
            total_tax,
            total: sum.checked_add(total_tax)?,
        },
        Amounts::Inclusive => Totals {
            sub_total: sum.checked_sub(total_tax)?,
            total_tax,
            total: sum,
        },
    })
}

fn tax(amounts: Amounts, line_amount: Decimal, rate: Decimal) -> Option<Decimal> {
    let exact = match amounts {
        Amounts::NoTax => Decimal::ZERO,
        Amounts::Exclusive => money::per_cent_of(line_amount, rate)?,
        Amounts::Inclusive => line_amount
            .checked_mul(rate)?
            .checked_div(Decimal::ONE_HUNDRED.checked_add(rate)?)?,
    };
    Some(round_half_up(exact, CENTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_model::money::{canonical, decimal};

    fn d(text: &str) -> Decimal {
        decimal(text).unwrap()
    }

    #[test]
    fn golden_totals() {
        use Amounts::{Exclusive, Inclusive, NoTax};
        for (amounts, lines, sub_total, tax, total) in [
            // The ledger's own example: 11.44 and not 11.45.
            (
                Exclusive,
                vec![("25.06", "15"), ("25.61", "15"), ("25.63", "15")],
                "76.3",
                "11.44",
                "87.74",
            ),
            // Recorded: 2 x 10.50 at 15 %.
            (Exclusive, vec![("21.00", "15")], "21", "3.15", "24.15"),
            // A half cent of tax goes up: 2.165 -> 2.17.
            (Exclusive, vec![("43.30", "5")], "43.3", "2.17", "45.47"),
            // Two half cents, rounded per line.
            (
                Exclusive,
                vec![("0.10", "5"), ("0.10", "5")],
                "0.2",
                "0.02",
                "0.22",
            ),
            // A discount line gets back its tax.
            (
                Exclusive,
                vec![("100", "20"), ("-10.10", "5")],
                "89.9",
                "19.49",
                "109.39",
            ),
            (
                Inclusive,
                vec![("120", "20"), ("10", "15")],
                "108.7",
                "21.3",
                "130",
            ),
            (Inclusive, vec![("100", "0")], "100", "0", "100"),
            (NoTax, vec![("99.99", "20")], "99.99", "0", "99.99"),
        ] {
            let lines: Vec<_> = lines.iter().map(|(a, r)| (d(a), d(r))).collect();
            let got = predict(amounts, &lines).unwrap();
            let got = [got.sub_total, got.total_tax, got.total].map(canonical);
            assert_eq!(got, [sub_total, tax, total], "{amounts:?} {lines:?}");
        }
    }

    #[test]
    fn golden_line_amounts() {
        for (quantity, unit, discount, want) in [
            ("2", "10.50", None, "21"),
            ("3", "0.3333", None, "1"),
            ("1", "2.165", None, "2.17"),
            ("1", "-2.165", None, "-2.17"),
            ("1", "0.33335", None, "0.33"),
            ("1000", "0.33335", None, "333.4"),
            ("1.5", "33.33", Some("10"), "45"),
            ("1", "100", Some("100"), "0"),
            ("0.33335", "1000", None, "333.4"),
        ] {
            let factors = Factors::new(d(quantity), d(unit), discount.map(d));
            assert_eq!(
                canonical(factors.line_amount().unwrap()),
                want,
                "{quantity} x {unit}"
            );
        }
    }

    #[test]
    fn an_overflow_has_no_totals() {
        let huge = Factors::new(Decimal::MAX, d("10"), None);
        assert_eq!(huge.line_amount(), None);
        assert_eq!(
            predict(Amounts::Exclusive, &[(Decimal::MAX, d("20"))]),
            None
        );
    }
}
