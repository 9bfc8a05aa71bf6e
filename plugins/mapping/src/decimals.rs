//! Exact arithmetic on decimal strings: what can't be represented exactly is refused, never rounded in silence.
//!
//! Rounding happens only where an expression asks for it by name. 28 significant digits; no binary floats.

use rust_decimal::{Decimal, RoundingStrategy};

/// The most places behind the point.
pub(crate) const MOST_PLACES: u32 = 28;

/// How halves are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    HalfUp,
    HalfEven,
}

impl Rounding {
    pub(crate) const NAMES: [&str; 2] = ["half-up", "half-even"];

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "half-up" => Ok(Self::HalfUp),
            "half-even" => Ok(Self::HalfEven),
            _ => Err(format!(
                "\"{name}\" is no way to round; accepted: {}",
                Self::NAMES.join(", ")
            )),
        }
    }
}

/// Reads a decimal string: an optional minus, digits, an optional fraction. Nothing else: no plus, no exponent, no
/// separators.
pub(crate) fn parse(text: &str) -> Result<Decimal, String> {
    let refuse = || format!("\"{text}\" is no decimal such as 12.50");
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return Err(refuse());
    }
    Decimal::from_str_exact(text).map_err(|_| {
        format!("\"{text}\" has more digits than the {MOST_PLACES} that are kept exactly")
    })
}

pub(crate) fn add(a: Decimal, b: Decimal) -> Result<Decimal, String> {
    let scale = a.scale().max(b.scale());
    let sum = lifted(a, scale)
        .zip(lifted(b, scale))
        .and_then(|(a, b)| a.checked_add(b));
    exactly(sum, scale).ok_or_else(|| too_long(&format!("{a} + {b}")))
}

pub(crate) fn sub(a: Decimal, b: Decimal) -> Result<Decimal, String> {
    let scale = a.scale().max(b.scale());
    let difference = lifted(a, scale)
        .zip(lifted(b, scale))
        .and_then(|(a, b)| a.checked_sub(b));
    exactly(difference, scale).ok_or_else(|| too_long(&format!("{a} - {b}")))
}

pub(crate) fn mul(a: Decimal, b: Decimal) -> Result<Decimal, String> {
    let product = a.mantissa().checked_mul(b.mantissa());
    exactly(product, a.scale() + b.scale()).ok_or_else(|| too_long(&format!("{a} * {b}")))
}

/// The digits as a whole number, as if there were so many places.
fn lifted(a: Decimal, scale: u32) -> Option<i128> {
    10_i128
        .checked_pow(scale - a.scale())
        .and_then(|factor| a.mantissa().checked_mul(factor))
}

fn exactly(mantissa: Option<i128>, scale: u32) -> Option<Decimal> {
    mantissa.and_then(|mantissa| Decimal::try_from_i128_with_scale(mantissa, scale).ok())
}

/// `a / b` to so many places, rounded once. Long division on integers: dividing first and rounding the result would
/// round twice.
pub(crate) fn div(
    a: Decimal,
    b: Decimal,
    places: u32,
    rounding: Rounding,
) -> Result<Decimal, String> {
    if b.is_zero() {
        return Err(format!("{a} can't be divided by zero"));
    }
    let refuse = || too_long(&format!("{a} / {b} to {places} places"));
    if places > MOST_PLACES {
        return Err(refuse());
    }
    let (mut above, mut below) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let power = |exponent: u32| 10_u128.checked_pow(exponent);
    let up = places + b.scale();
    if up >= a.scale() {
        above = power(up - a.scale())
            .and_then(|factor| above.checked_mul(factor))
            .ok_or_else(refuse)?;
    } else {
        below = power(a.scale() - up)
            .and_then(|factor| below.checked_mul(factor))
            .ok_or_else(refuse)?;
    }
    let (quotient, rest) = (above / below, above % below);
    let half = rest.cmp(&(below - rest));
    let away = match rounding {
        Rounding::HalfUp => half.is_ge(),
        Rounding::HalfEven => half.is_gt() || (half.is_eq() && quotient % 2 == 1),
    };
    let magnitude = i128::try_from(quotient + u128::from(away)).map_err(|_| refuse())?;
    let signed = if a.is_sign_negative() == b.is_sign_negative() {
        magnitude
    } else {
        -magnitude
    };
    Decimal::try_from_i128_with_scale(signed, places).map_err(|_| refuse())
}

/// Rounds to so many places; halves go away from zero or to the even neighbour. Shorter values keep their places.
pub(crate) fn round(a: Decimal, places: u32, rounding: Rounding) -> Decimal {
    let strategy = match rounding {
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    a.round_dp_with_strategy(places, strategy)
}

fn too_long(what: &str) -> String {
    format!("{what} has more digits than the {MOST_PLACES} that are kept exactly; round first")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dec(text: &str) -> Decimal {
        parse(text).unwrap()
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e3",
            "1_000",
            "1,000.00",
            " 1",
            "NaN",
            "١",
            "0.00000000000000000000000000001",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["0", "-0.5", "007", "79228162514264337593543950335"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn arithmetic() {
        assert_eq!(add(dec("0.1"), dec("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(sub(dec("1.00"), dec("0.1")).unwrap().to_string(), "0.90");
        assert_eq!(mul(dec("1.10"), dec("3")).unwrap().to_string(), "3.30");
        let cases = [
            ("1", "3", 2, "0.33", "0.33"),
            ("2", "3", 2, "0.67", "0.67"),
            ("0.125", "1", 2, "0.13", "0.12"),
            ("-0.125", "1", 2, "-0.13", "-0.12"),
            ("0.375", "1", 2, "0.38", "0.38"),
            ("100", "8", 0, "13", "12"),
            ("1", "0.5", 0, "2", "2"),
        ];
        for (a, b, places, half_up, half_even) in cases {
            let [up, even] = [Rounding::HalfUp, Rounding::HalfEven]
                .map(|mode| div(dec(a), dec(b), places, mode).unwrap());
            assert_eq!(
                (up.to_string(), even.to_string()),
                (half_up.to_owned(), half_even.to_owned()),
                "{a} / {b}"
            );
        }
        assert_eq!(round(dec("2.345"), 2, Rounding::HalfUp).to_string(), "2.35");
        assert_eq!(
            round(dec("2.345"), 2, Rounding::HalfEven).to_string(),
            "2.34"
        );
        assert_eq!(
            round(dec("-2.345"), 2, Rounding::HalfUp).to_string(),
            "-2.35"
        );
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        let long = dec("0.0000000000000000000000000001");
        assert!(mul(long, dec("0.1")).is_err());
        assert!(add(dec("79228162514264337593543950335"), dec("0.1")).is_err());
        assert!(add(dec("79228162514264337593543950335"), dec("1")).is_err());
        assert!(div(dec("1"), dec("0.00"), 2, Rounding::HalfUp).is_err());
    }

    proptest! {
        /// Sums and products agree with integer arithmetic on the mantissas.
        #[test]
        fn sums_and_products_are_exact(
            a in -1_000_000_000_000_i64..1_000_000_000_000, b in -1_000_000_000_000_i64..1_000_000_000_000,
            left in 0_u32..6, right in 0_u32..6,
        ) {
            let (x, y) = (Decimal::new(a, left), Decimal::new(b, right));
            let scale = left.max(right);
            let lift = |value: i64, from: u32| i128::from(value) * 10_i128.pow(scale - from);
            prop_assert_eq!(add(x, y).unwrap(), Decimal::from_i128_with_scale(lift(a, left) + lift(b, right), scale));
            prop_assert_eq!(sub(x, y).unwrap(), Decimal::from_i128_with_scale(lift(a, left) - lift(b, right), scale));
            prop_assert_eq!(mul(x, y).unwrap(), Decimal::from_i128_with_scale(i128::from(a) * i128::from(b), left + right));
        }

        /// A quotient is off by at most half of the last place, and an exact half went where the mode says.
        #[test]
        fn quotients_are_rounded_once(
            a in -1_000_000_000_i64..1_000_000_000, b in prop_oneof![-100_000_i64..-1, 1_i64..100_000],
            left in 0_u32..4, right in 0_u32..4, places in 0_u32..5, even in any::<bool>(),
        ) {
            let mode = if even { Rounding::HalfEven } else { Rounding::HalfUp };
            let quotient = div(Decimal::new(a, left), Decimal::new(b, right), places, mode).unwrap();
            // 2 * |a * 10^x - q * b * 10^y| <= |b * 10^y|, all at one scale.
            let above = i128::from(a) * 10_i128.pow(right + places);
            let below = i128::from(b) * 10_i128.pow(left);
            let off = above - quotient.mantissa() * below;
            prop_assert!(2 * off.abs() <= below.abs());
            if 2 * off.abs() == below.abs() {
                if even { prop_assert_eq!(quotient.mantissa() % 2, 0) }
                else { prop_assert!(quotient.mantissa().abs() * below.abs() > above.abs()) }
            }
        }

        #[test]
        fn what_was_read_is_written(text in "-?(0|[1-9][0-9]{0,15})(\\.[0-9]{1,8})?") {
            let shown = dec(&text).to_string();
            if dec(&text).is_zero() { prop_assert_eq!(shown.trim_start_matches('-'), text.trim_start_matches('-')) }
            else { prop_assert_eq!(shown, text) }
        }
    }
}
