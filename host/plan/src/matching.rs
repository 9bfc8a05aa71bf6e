//! When two names are the same name, and when they only look like it. The engine's indexes use the same two functions.
//!
//! Equal exact names may be adopted; equal loose names are shown to a person and never acted upon by themselves.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words at the end of a name that say what kind of firm it is, not which one.
const LEGAL_FORMS: [&str; 20] = [
    "ltd",
    "limited",
    "plc",
    "llc",
    "llp",
    "lp",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "gmbh",
    "ag",
    "kg",
    "sa",
    "sas",
    "sarl",
    "bv",
    "nv",
    "pty",
    "oy",
];

/// The name as ledgers compare it: case doesn't count, nor do spaces around it, nor how an accent is encoded.
pub fn exact_name(name: &str) -> String {
    name.trim()
        .nfc()
        .collect::<String>()
        .to_lowercase()
        .nfc()
        .collect()
}

/// What is left of a name when case, accents, spaces, punctuation and legal forms don't count and `&` is `and`.
/// A name of which nothing is left stands for itself.
pub fn loose_name(name: &str) -> String {
    let plain: String = name
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(c, '.' | '\'' | '\u{2019}'))
        .collect::<String>()
        .to_lowercase()
        .replace(['&', '+'], " and ");
    let spaced: String = plain
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    while words.len() > 1 && words.last().is_some_and(|w| LEGAL_FORMS.contains(w)) {
        words.pop();
    }
    if words.len() > 1 && words.first() == Some(&"the") {
        words.remove(0);
    }
    let loose = words.concat();
    if loose.is_empty() {
        exact_name(name)
    } else {
        loose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike() {
        for (a, b) in [
            ("Acme Ltd", "ACME LIMITED"),
            ("Acme", "Acme P.L.C."),
            ("Foot-Bridge GmbH", "footbridge"),
            ("Smith & Sons", "Smith and Sons Inc."),
            ("O'Neil Pty Ltd", "O\u{2019}Neil"),
            ("Caf\u{e9} Noir", "Cafe\u{301} noir"),
            ("The Old Mill", "Old  Mill"),
            ("\u{130}stanbul Foods", "istanbul foods"),
            ("\u{ff21}cme", "Acme"),
        ] {
            assert_eq!(loose_name(a), loose_name(b), "{a} / {b}");
        }
    }

    #[test]
    fn names_that_do_not() {
        for (a, b) in [
            ("Acme North", "Acme South"),
            ("Limited", "Ltd"),
            ("\u{1f680}", "\u{1f36d}"),
            ("Smith & Co (Leeds)", "Smith & Co (York)"),
        ] {
            assert_ne!(loose_name(a), loose_name(b), "{a} / {b}");
        }
    }

    #[test]
    fn exact_names_forgive_case_alone() {
        assert_eq!(exact_name(" ACME Ltd "), exact_name("acme ltd"));
        assert_eq!(exact_name("Caf\u{e9}"), exact_name("CAFE\u{301}"));
        assert_ne!(exact_name("Acme  Ltd"), exact_name("Acme Ltd"));
        assert_ne!(exact_name("Acme Ltd."), exact_name("Acme Ltd"));
    }
}
