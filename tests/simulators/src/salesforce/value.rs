//! The value of one field, and how it is printed and compared.
//!
//! Amounts are exact decimals; no floating point anywhere. Parsing what a client sends is
//! [`super::check`]'s part, because it depends on the field.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, SecondsFormat, Timelike, Utc};
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::options::NumberStyle;

/// A field's value; ids are texts in their 18-character form.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) enum FieldValue {
    #[default]
    Null,
    Text(String),
    /// Printed as an integer.
    Whole(Decimal),
    /// Printed as a decimal: `1200.0`.
    Number(Decimal),
    Flag(bool),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
}

impl FieldValue {
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) | Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Flag(true))
    }

    pub(crate) fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Date(date) => Some(*date),
            _ => None,
        }
    }

    pub(crate) fn as_instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Instant(instant) => Some(*instant),
            _ => None,
        }
    }

    /// As the REST API prints it.
    pub(crate) fn to_json(&self, style: NumberStyle) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::Whole(number) => Value::Number(Number::from_string_unchecked(
                number.trunc().normalize().to_string(),
            )),
            Self::Number(number) => {
                Value::Number(Number::from_string_unchecked(decimal_text(*number, style)))
            }
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Date(date) => Value::String(date.format("%Y-%m-%d").to_string()),
            Self::Instant(instant) => Value::String(instant_text(*instant)),
        }
    }

    /// The key this value has in an index: texts without regard to case.
    pub(crate) fn index_key(&self) -> Option<String> {
        match self {
            Self::Null | Self::Flag(_) => None,
            Self::Text(text) => Some(text.to_lowercase()),
            Self::Whole(number) | Self::Number(number) => Some(number.normalize().to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Instant(instant) => Some(instant.to_rfc3339_opts(SecondsFormat::Secs, true)),
        }
    }

    /// Order of two values of one field, texts without regard to case; `None` where either is null.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
            (Self::Flag(a), Self::Flag(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Instant(a), Self::Instant(b)) => Some(a.cmp(b)),
            (a, b) => Some(a.as_number()?.cmp(&b.as_number()?)),
        }
    }
}

/// `2026-09-14T09:29:59.000+0000`: the API prints instants to the second.
pub(crate) fn instant_text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// The instant without its fraction of a second.
pub(crate) fn to_second(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.with_nanosecond(0).unwrap_or(instant)
}

/// A decimal as the API prints it: shortest digits with at least one decimal; in the `Java` style ten
/// million and more (and less than a thousandth) in scientific notation, as `Double.toString` does.
pub(crate) fn decimal_text(number: Decimal, style: NumberStyle) -> String {
    let number = number.normalize();
    let plain = if number.scale() == 0 {
        format!("{number}.0")
    } else {
        number.to_string()
    };
    if style == NumberStyle::Plain || number.is_zero() {
        return plain;
    }
    let size = number.abs();
    if size < Decimal::new(10_000_000, 0) && size >= Decimal::new(1, 3) {
        return plain;
    }
    let digits = number.mantissa().unsigned_abs().to_string();
    let exponent = i64::try_from(digits.len()).unwrap_or(0) - 1 - i64::from(number.scale());
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let rest = if rest.is_empty() { "0" } else { rest };
    let sign = if number.is_sign_negative() { "-" } else { "" };
    format!("{sign}{first}.{rest}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_printed_as_java_does() {
        for (given, java, plain) in [
            ("1200", "1200.0", "1200.0"),
            ("1234.50", "1234.5", "1234.5"),
            ("-0.05", "-0.05", "-0.05"),
            ("0", "0.0", "0.0"),
            ("9999999.99", "9999999.99", "9999999.99"),
            ("10000000", "1.0E7", "10000000.0"),
            ("-12345678.91", "-1.234567891E7", "-12345678.91"),
            ("0.0001", "1.0E-4", "0.0001"),
        ] {
            let number: Decimal = given.parse().unwrap();
            assert_eq!(decimal_text(number, NumberStyle::Java), java);
            assert_eq!(decimal_text(number, NumberStyle::Plain), plain);
            let back = Decimal::from_scientific(&decimal_text(number, NumberStyle::Java))
                .or_else(|_| decimal_text(number, NumberStyle::Java).parse());
            assert_eq!(back.unwrap(), number, "{given} must round-trip");
        }
    }
}
