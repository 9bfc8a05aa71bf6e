//! Decimal amounts of the company and how they become JSON numbers.
//!
//! No binary float: a number's digits are those of its decimal. Rounding is half up, away from zero,
//! as both vendors round a line. Next: [`super::catalogue`] prices the products.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// `amount` with `places` decimals, half up.
pub(crate) fn half_up(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// Cents (or hundredths of any unit) as an amount.
pub(crate) fn cents(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2)
}

/// The amount as a JSON number with exactly its digits.
pub(crate) fn number(amount: Decimal) -> Value {
    // A decimal always prints as a JSON number.
    amount
        .to_string()
        .parse::<serde_json::Number>()
        .map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up_and_digits_stay() {
        assert_eq!(half_up(Decimal::new(125, 3), 2), cents(13));
        assert_eq!(half_up(Decimal::new(-125, 3), 2), cents(-13));
        assert_eq!(number(Decimal::new(1250, 4)).to_string(), "0.1250");
    }
}
