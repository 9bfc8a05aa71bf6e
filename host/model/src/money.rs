//! Exact decimals: amounts, quantities and rates. No binary float ever touches one.

use rust_decimal::{Decimal, RoundingStrategy};
use std::str::FromStr;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a decimal number of at most 28 digits")]
pub struct AmountError {
    /// What was found.
    pub text: String,
}

/// Reads a decimal string as documents carry it. Exponents are accepted and expanded.
pub fn decimal(text: &str) -> Result<Decimal, AmountError> {
    let trimmed = text.trim();
    Decimal::from_str(trimmed)
        .or_else(|_| Decimal::from_scientific(trimmed))
        .map_err(|_| AmountError {
            text: text.to_owned(),
        })
}

/// Half up, away from zero, to `places`: how ledgers round each line (Xero staff, "2.165 -> 2.17").
pub fn round_half_up(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// The shortest text that reads back as the same number: no trailing zeros, no exponent, no `-0`.
pub fn canonical(value: Decimal) -> String {
    let n = value.normalize();
    if n.is_zero() {
        "0".to_owned()
    } else {
        n.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_exactly() {
        for (from, to) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("2.5E-3", "0.0025"),
            (" 12.3400 ", "12.34"),
            (
                "79228162514264337593543950335",
                "79228162514264337593543950335",
            ),
        ] {
            assert_eq!(canonical(decimal(from).unwrap()), to, "{from}");
        }
        for bad in ["", "1,5", "NaN", "inf", "1.2.3", "0x10"] {
            assert!(decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (value, places, want) in [
            ("2.165", 2, "2.17"),
            ("2.164999", 2, "2.16"),
            ("-2.165", 2, "-2.17"),
            ("0.5", 0, "1"),
        ] {
            assert_eq!(
                canonical(round_half_up(decimal(value).unwrap(), places)),
                want,
                "{value}"
            );
        }
    }
}
