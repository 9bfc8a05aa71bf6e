//! Xero's arithmetic: unit and line rounding, tax per line, totals. Decimals only, never a float.
//!
//! Source: "Rounding in Xero" and Xero staff (see ASSUMPTIONS.md): a line is rounded to 2 places, its
//! tax is rounded half-up to 2 places, then both are summed. Half-up is read as away from zero for
//! negative lines.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

/// How line amounts relate to tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum AmountTypes {
    /// Tax is added.
    #[default]
    Exclusive,
    /// Tax is within.
    Inclusive,
    /// There is none.
    NoTax,
}

impl AmountTypes {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Exclusive, Self::Inclusive, Self::NoTax]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exclusive => "Exclusive",
            Self::Inclusive => "Inclusive",
            Self::NoTax => "NoTax",
        }
    }
}

/// Decimal places of unit prices (`unitdp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum UnitPlaces {
    #[default]
    Two,
    Four,
}

impl UnitPlaces {
    pub(crate) fn round(self, unit: Decimal) -> Decimal {
        round(unit, self.count())
    }

    pub(crate) fn count(self) -> u32 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// A line's discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discount {
    None,
    /// Percent of quantity times unit price.
    Rate(Decimal),
    /// Money off the line.
    Amount(Decimal),
}

/// Half-up (away from zero) to `places`.
pub(crate) fn round(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// The line's amount: quantity times unit, less discount, 2 places. `None` on overflow.
pub(crate) fn line_amount(quantity: Decimal, unit: Decimal, discount: Discount) -> Option<Decimal> {
    let gross = quantity.checked_mul(unit)?;
    Some(match discount {
        Discount::None => round(gross, 2),
        Discount::Rate(percent) => {
            let kept = Decimal::ONE_HUNDRED.checked_sub(percent)?;
            round(
                gross.checked_mul(kept)?.checked_div(Decimal::ONE_HUNDRED)?,
                2,
            )
        }
        Discount::Amount(off) => round(gross.checked_sub(off)?, 2),
    })
}

/// The tax of a line of `amount` at `rate` percent, before it is rounded.
pub(crate) fn exact_tax(amount: Decimal, rate: Decimal, types: AmountTypes) -> Option<Decimal> {
    let share = match types {
        AmountTypes::NoTax => return Some(Decimal::ZERO),
        AmountTypes::Exclusive => Decimal::ONE_HUNDRED,
        AmountTypes::Inclusive => Decimal::ONE_HUNDRED.checked_add(rate)?,
    };
    amount.checked_mul(rate)?.checked_div(share)
}

/// The tax of a line of `amount` at `rate` percent.
pub(crate) fn line_tax(amount: Decimal, rate: Decimal, types: AmountTypes) -> Option<Decimal> {
    Some(round(exact_tax(amount, rate, types)?, 2))
}

/// Sums of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) sub_total: Decimal,
    pub(crate) total_tax: Decimal,
    pub(crate) total: Decimal,
}

/// The totals of lines given as (amount, tax).
pub(crate) fn totals(
    lines: impl Iterator<Item = (Decimal, Decimal)>,
    types: AmountTypes,
) -> Totals {
    let (amounts, tax) = lines.fold((Decimal::ZERO, Decimal::ZERO), |(a, t), (amount, tax)| {
        (a.saturating_add(amount), t.saturating_add(tax))
    });
    let (sub_total, total) = match types {
        AmountTypes::Exclusive | AmountTypes::NoTax => (amounts, amounts.saturating_add(tax)),
        AmountTypes::Inclusive => (amounts.saturating_sub(tax), amounts),
    };
    Totals {
        sub_total,
        total_tax: tax,
        total,
    }
}

/// A JSON number with exactly `places` decimals.
pub(crate) fn number(value: Decimal, places: u32) -> Value {
    let text = format!("{:.*}", places as usize, round(value, places));
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// A decimal from a JSON number or a string that holds one; never through a float.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// Lines are (quantity, unit, discount %, rate); expected is (sub total, tax, total).
    fn document(
        lines: &[(&str, &str, &str, &str)],
        types: AmountTypes,
        units: UnitPlaces,
    ) -> [String; 3] {
        let figures = lines.iter().map(|(quantity, unit, percent, rate)| {
            let amount = line_amount(
                d(quantity),
                units.round(d(unit)),
                Discount::Rate(d(percent)),
            )
            .unwrap();
            (amount, line_tax(amount, d(rate), types).unwrap())
        });
        let sums = totals(figures, types);
        [sums.sub_total, sums.total_tax, sums.total].map(|sum| format!("{sum:.2}"))
    }

    #[test]
    fn documents_add_up_as_xero_adds_them() {
        use AmountTypes::{Exclusive, Inclusive, NoTax};
        use UnitPlaces::{Four, Two};
        type Case = (
            &'static str,
            &'static [(&'static str, &'static str, &'static str, &'static str)],
            AmountTypes,
            UnitPlaces,
            [&'static str; 3],
        );
        let cases: &[Case] = &[
            (
                "official vector: 11.44, not 11.45",
                &[
                    ("1", "25.06", "0", "15"),
                    ("1", "25.61", "0", "15"),
                    ("1", "25.63", "0", "15"),
                ],
                Exclusive,
                Two,
                ["76.30", "11.44", "87.74"],
            ),
            (
                "recorded: 2 x 10.50 at 15",
                &[("2", "10.50", "0", "15")],
                Exclusive,
                Two,
                ["21.00", "3.15", "24.15"],
            ),
            (
                "2.165 is 2.17",
                &[("1", "21.65", "0", "10")],
                Exclusive,
                Two,
                ["21.65", "2.17", "23.82"],
            ),
            (
                "half up, not half even",
                &[("1", "0.50", "0", "5")],
                Exclusive,
                Two,
                ["0.50", "0.03", "0.53"],
            ),
            (
                "unit rounded first",
                &[("1000", "0.0149", "0", "0")],
                Exclusive,
                Two,
                ["10.00", "0.00", "10.00"],
            ),
            (
                "unitdp=4 keeps four places",
                &[("1000", "0.0149", "0", "0")],
                Exclusive,
                Four,
                ["14.90", "0.00", "14.90"],
            ),
            (
                "tax within",
                &[("1", "100.00", "0", "20")],
                Inclusive,
                Two,
                ["83.33", "16.67", "100.00"],
            ),
            (
                "tax within, per line",
                &[("1", "0.99", "0", "20"), ("1", "0.99", "0", "20")],
                Inclusive,
                Two,
                ["1.64", "0.34", "1.98"],
            ),
            (
                "no tax whatever the rate",
                &[("3", "9.99", "0", "20")],
                NoTax,
                Two,
                ["29.97", "0.00", "29.97"],
            ),
            (
                "discount before tax",
                &[("3", "9.99", "33.33", "20")],
                Exclusive,
                Two,
                ["19.98", "4.00", "23.98"],
            ),
            (
                "a negative line mirrors its positive",
                &[("-1", "0.50", "0", "5"), ("1", "0.50", "0", "5")],
                Exclusive,
                Two,
                ["0.00", "0.00", "0.00"],
            ),
        ];
        for (name, lines, types, units, expected) in cases {
            assert_eq!(&document(lines, *types, *units), expected, "{name}");
        }
    }

    #[test]
    fn numbers_keep_their_places() {
        assert_eq!(number(d("40"), 2).to_string(), "40.00");
        assert_eq!(number(d("0.005"), 2).to_string(), "0.01");
        assert_eq!(decimal(&serde_json::json!("1.50")), Some(d("1.50")));
        assert_eq!(
            decimal(&serde_json::from_str("1e2").unwrap()),
            Some(d("100"))
        );
        assert_eq!(decimal(&Value::Bool(true)), None);
    }
}
