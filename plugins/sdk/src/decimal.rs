//! Decimal strings and the exact number tokens that some request bodies want.
//!
//! Never goes through a binary float: the digits that come in are the digits that go out.

use serde_json::{Number, Value};

/// Why a text is no decimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a decimal number such as -12.50")]
pub struct NotDecimal(String);

/// The plain form of a decimal string: no plus sign, no leading zeros, no trailing zeros behind the point, no minus on zero.
///
/// # Errors
/// If the text isn't an optional sign, digits and an optional fraction, or has over 40 characters.
pub fn plain(text: &str) -> Result<String, NotDecimal> {
    let refuse = || NotDecimal(text.chars().take(60).collect());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(refuse()),
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || text.len() > 40 || !all_digits(whole) || !all_digits(fraction) {
        return Err(refuse());
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    };
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && !(whole == "0" && fraction.is_empty()) {
        "-"
    } else {
        ""
    };
    Ok(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

/// How many places stand behind the point in plain form.
///
/// # Errors
/// As [`plain`].
pub fn places(text: &str) -> Result<usize, NotDecimal> {
    Ok(plain(text)?
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len()))
}

/// The decimal as a JSON number token with exactly its digits.
///
/// # Errors
/// As [`plain`].
pub fn number(text: &str) -> Result<Value, NotDecimal> {
    let plain = plain(text)?;
    serde_json::from_str::<Number>(&plain)
        .map(Value::Number)
        .map_err(|_| NotDecimal(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_forms() {
        let cases = [
            ("0", "0"),
            ("-0.00", "0"),
            ("007.50", "7.5"),
            ("-12.3400", "-12.34"),
            ("100", "100"),
            ("12345678901234567890.1234", "12345678901234567890.1234"),
        ];
        for (text, wanted) in cases {
            assert_eq!(plain(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn refused() {
        for text in [
            "", "-", ".5", "5.", "+1", "1e3", "1,000", " 1", "1 ", "NaN", "0x1", "1.2.3", "١",
        ] {
            assert!(plain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn number_tokens_keep_every_digit() {
        assert_eq!(
            number("12345678901234567890.1234").unwrap().to_string(),
            "12345678901234567890.1234"
        );
        assert_eq!(number("0.10").unwrap().to_string(), "0.1");
    }

    proptest! {
        #[test]
        fn a_token_reads_back_as_the_same_decimal(text in "-?[0-9]{1,18}(\\.[0-9]{1,8})?") {
            let token = number(&text).unwrap().to_string();
            prop_assert_eq!(plain(&token).unwrap(), plain(&text).unwrap());
        }
    }
}
