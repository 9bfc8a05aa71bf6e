//! Sums that can't overflow unnoticed, and money as people read it. Rounding itself is in `footbridge_model::money`.

use rust_decimal::Decimal;

/// Adds up; `None` if the sum has more digits than any amount of money.
pub(crate) fn sum<'a>(values: impl IntoIterator<Item = &'a Decimal>) -> Option<Decimal> {
    values
        .into_iter()
        .try_fold(Decimal::ZERO, |total, value| total.checked_add(*value))
}

/// `value` times `per_cent` over a hundred, not rounded.
pub(crate) fn per_cent_of(value: Decimal, per_cent: Decimal) -> Option<Decimal> {
    value
        .checked_mul(per_cent)?
        .checked_div(Decimal::ONE_HUNDRED)
}

/// Places after the point in which a document of this currency is split (ISO 4217). Ledgers keep at most two.
pub(crate) fn places(currency: &str) -> u32 {
    const WHOLE: [&str; 16] = [
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
        "VUV", "XAF", "XOF",
    ];
    if WHOLE.contains(&currency) || currency == "XPF" {
        0
    } else {
        2
    }
}

/// `1200.50 GBP`: at least the currency's places, more where there are more.
pub(crate) fn shown(amount: Decimal, currency: &str) -> String {
    format!("{} {currency}", bare(amount, currency))
}

/// An amount as people read it, without the currency: `1200.50`.
pub fn bare(amount: Decimal, currency: &str) -> String {
    let plain = amount.normalize();
    let scale = plain.scale().max(places(currency));
    format!("{plain:.*}", scale as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_model::money::decimal;

    #[test]
    fn people_read_money_with_its_places() {
        for (amount, currency, text) in [
            ("1200.5", "GBP", "1200.50 GBP"),
            ("1000", "JPY", "1000 JPY"),
            ("-0.125", "EUR", "-0.125 EUR"),
            ("1000.10", "JPY", "1000.1 JPY"),
        ] {
            assert_eq!(shown(decimal(amount).unwrap(), currency), text);
        }
    }

    #[test]
    fn absurd_amounts_are_refused_not_wrapped() {
        assert_eq!(sum(&[Decimal::MAX, Decimal::ONE]), None);
        assert_eq!(per_cent_of(Decimal::MAX, Decimal::ONE_HUNDRED), None);
    }
}
