//! When two values are one: spelled otherwise by another side, or what is left of ours after a far side took it in.
//!
//! `same` decides whether anything changed or differs; `echo` forgives more and is asked only about what we wrote ourselves. Neither
//! ever changes a value that is written.

use super::country;
use super::field::{ADDRESS_PARTS, Shape};
use footbridge_model::document::Document;
use unicode_normalization::UnicodeNormalization;

/// Digits that two spellings of a number share at least: below it, one number may end like another.
const LEAST_DIGITS: usize = 7;

/// Whether a value holds nothing: null, empty, blank, or a structure of such.
pub(crate) fn is_empty(value: &Document) -> bool {
    match value {
        Document::Null => true,
        Document::Bool(_) => false,
        Document::Text(text) => text.trim().is_empty(),
        Document::List(items) => items.iter().all(is_empty),
        Document::Object(fields) => fields.values().all(is_empty),
    }
}

/// Whether both say the same, however each side spells it.
pub(crate) fn same(shape: Shape, a: &Document, b: &Document) -> bool {
    match (is_empty(a), is_empty(b)) {
        (true, true) => return true,
        (true, false) | (false, true) => return false,
        (false, false) => {}
    }
    match shape {
        Shape::Address => {
            ADDRESS_PARTS
                .into_iter()
                .all(|part| match (a.text(part), b.text(part)) {
                    (a, b) if part == "country" => country::code(text(a)) == country::code(text(b)),
                    (a, b) => plain(text(a)) == plain(text(b)),
                })
        }
        Shape::Text => plain(whole(a)) == plain(whole(b)),
        Shape::Email => plain(whole(a)).to_lowercase() == plain(whole(b)).to_lowercase(),
        Shape::Code => code(whole(a)) == code(whole(b)),
        Shape::Phone => same_number(whole(a), whole(b)),
    }
}

/// Whether `there` is what a far side made of `ours`: case, inner spaces and line ends don't count.
pub(crate) fn echo(shape: Shape, ours: &Document, there: &Document) -> bool {
    if same(shape, ours, there) {
        return true;
    }
    match shape {
        Shape::Address => ADDRESS_PARTS.into_iter().all(|part| {
            part == "country"
                && country::code(text(ours.text(part))) == country::code(text(there.text(part)))
                || folded(text(ours.text(part))) == folded(text(there.text(part)))
        }),
        _ if is_empty(there) => false,
        _ => folded(whole(ours)) == folded(whole(there)),
    }
}

fn text(text: Option<&str>) -> &str {
    text.unwrap_or_default()
}

fn whole(value: &Document) -> &str {
    match value {
        Document::Text(text) => text,
        _ => "",
    }
}

fn plain(text: &str) -> String {
    text.trim().replace("\r\n", "\n").nfc().collect()
}

fn folded(text: &str) -> String {
    let words: Vec<String> = text
        .nfc()
        .collect::<String>()
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    words.join(" ")
}

fn code(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Digits alone count; a number with its country's code is the one without it and with a leading nought. An extension that was
/// spelled out counts as part of the number.
fn same_number(a: &str, b: &str) -> bool {
    let (plain_a, plain_b) = (digits(a), digits(b));
    if plain_a == plain_b && !plain_a.is_empty() {
        return true;
    }
    if plain_a.is_empty() || plain_b.is_empty() {
        return plain(a) == plain(b);
    }
    let international =
        |text: &str| text.trim_start().starts_with('+') || text.trim_start().starts_with("00");
    let national = |digits: &str| digits.trim_start_matches('0').to_owned();
    let (longer, shorter) = match (international(a), international(b)) {
        (true, false) => (plain_a, national(&plain_b)),
        (false, true) => (plain_b, national(&plain_a)),
        (true, true) => return national(&plain_a) == national(&plain_b),
        (false, false) => return false,
    };
    let code = longer.len().saturating_sub(shorter.len());
    shorter.len() >= LEAST_DIGITS && longer.ends_with(&shorter) && (1..=5).contains(&code)
}

fn digits(text: &str) -> String {
    // "+44 (0)113": the nought in brackets is only dialled at home.
    let text = text.replace("(0)", "");
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> Document {
        Document::Text(text.to_owned())
    }

    fn address(text: &str) -> Document {
        Document::from_plugin(text).unwrap()
    }

    #[test]
    fn one_value_in_two_spellings() {
        for (shape, a, b) in [
            (Shape::Text, " Acme Ltd ", "Acme Ltd"),
            (Shape::Text, "Caf\u{e9}", "Cafe\u{301}"),
            (Shape::Text, "a\r\nb", "a\nb"),
            (Shape::Email, "AP@Acme.example", "ap@acme.example "),
            (Shape::Code, "GB 123-456.789", "gb123456789"),
            (Shape::Phone, "0113 496 0000", "01134960000"),
            (Shape::Phone, "+44 113 496 0000", "0113 496 0000"),
            (Shape::Phone, "+44 (0)113 496 0000", "0113-496-0000"),
            (Shape::Phone, "0044 113 4960000", "+441134960000"),
            (Shape::Phone, "ask Jo", " ask Jo"),
        ] {
            assert!(same(shape, &t(a), &t(b)), "{a} / {b}");
            assert!(same(shape, &t(b), &t(a)), "{b} / {a}");
        }
    }

    #[test]
    fn two_values() {
        for (shape, a, b) in [
            (Shape::Text, "Acme", "ACME"),
            (Shape::Text, "Acme  Ltd", "Acme Ltd"),
            (Shape::Email, "ap@acme.example", "ap@acme.test"),
            (Shape::Code, "GB123", "GB124"),
            (Shape::Phone, "0113 496 0000", "0113 496 0001"),
            (Shape::Phone, "0000", "+44 113 496 0000"),
            (Shape::Phone, "ask Jo", "0113 496 0000"),
            (Shape::Text, "", "x"),
        ] {
            assert!(!same(shape, &t(a), &t(b)), "{a} / {b}");
        }
    }

    #[test]
    fn null_and_empty_hold_the_same_nothing() {
        for empty in [
            t(""),
            t("  "),
            Document::Null,
            address(r#"{"city":"","line1":null}"#),
        ] {
            assert!(is_empty(&empty));
            assert!(same(Shape::Text, &empty, &Document::Null));
            assert!(same(Shape::Address, &empty, &t("")));
        }
    }

    #[test]
    fn addresses_are_compared_part_by_part_and_countries_by_any_name() {
        let ours = address(r#"{"city":"Leeds","country":"GB","line2":null}"#);
        for there in [
            r#"{"city":"Leeds ","country":"United Kingdom"}"#,
            r#"{"city":"Leeds","country":"england","line2":""}"#,
        ] {
            assert!(same(Shape::Address, &ours, &address(there)), "{there}");
        }
        for there in [
            r#"{"city":"Leeds","country":"IE"}"#,
            r#"{"city":"Leeds","country":"GB","line2":"Unit 4"}"#,
        ] {
            assert!(!same(Shape::Address, &ours, &address(there)), "{there}");
        }
    }

    #[test]
    fn what_a_far_side_made_of_ours() {
        assert!(echo(Shape::Text, &t("Acme  Ltd"), &t("ACME LTD")));
        assert!(echo(
            Shape::Address,
            &address(r#"{"city":"leeds","country":"GB"}"#),
            &address(r#"{"city":"LEEDS","country":"United Kingdom"}"#)
        ));
        assert!(!echo(Shape::Text, &t("Acme"), &t("Acme (checked)")));
        assert!(!echo(Shape::Text, &t("Acme"), &Document::Null));
    }
}
