//! Proposals: what a customer could be called in the ledger where its own name is taken. Its name, and in brackets what tells it apart:
//! `Smith & Co (Leeds)`.
//!
//! It decides nothing: a person takes one, or another name. The engine looks up who has these names already, so that none is proposed
//! that is taken as well.

use crate::draft::filled;
use crate::matching::{exact_name, loose_name};
use footbridge_model::called::{CustomerName, LONGEST_NAME};
use footbridge_model::document::Document;
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation as _;

/// Longer things tell nobody apart at a glance.
const LONGEST_MARK: usize = 100;

/// Names that a customer with this draft and id could be given beside its own, the best first.
pub fn other_names(draft: &Document, id: &str) -> Vec<CustomerName> {
    let Some(name) = filled(draft, "name") else {
        return Vec::new();
    };
    let own = exact_name(&name);
    let mut seen = BTreeSet::from([own.clone()]);
    let mut names = Vec::new();
    for mark in marks(draft, id) {
        if own.ends_with(&exact_name(&format!("({mark})"))) {
            continue;
        }
        if let Some(other) = with(&name, &mark)
            && seen.insert(exact_name(other.as_str()))
        {
            names.push(other);
        }
    }
    names
}

/// What tells a customer apart from others of its name: where it is, the firm's own number of it, in the end the record's id.
fn marks(draft: &Document, id: &str) -> Vec<String> {
    let mut addresses: Vec<&Document> = draft.list("addresses").iter().collect();
    addresses.sort_by_key(|address| address.text("kind") != Some("billing"));
    let of_addresses = |part: &'static str| addresses.iter().map(move |one| filled(one, part));
    let mut all: Vec<Option<String>> = of_addresses("city").collect();
    all.push(filled(draft, "account_number"));
    for part in ["postal_code", "region", "country"] {
        all.extend(of_addresses(part));
    }
    all.push(Some(id.to_owned()));
    let all = all.into_iter().flatten();
    all.map(|mark| mark.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|mark| mark.chars().count() <= LONGEST_MARK)
        .collect()
}

/// The name with what tells it apart; what doesn't fit is cut off the name.
fn with(name: &str, mark: &str) -> Option<CustomerName> {
    let mark = format!(" ({mark})");
    let room = LONGEST_NAME.checked_sub(mark.chars().count())?;
    let name = cut(name.trim(), room).trim_end();
    CustomerName::new(&format!("{name}{mark}")).ok()
}

/// The longest beginning of a text with at most so many `char`s that ends between two of what people see as characters.
fn cut(text: &str, most: usize) -> &str {
    let mut room = most;
    let fits = |seen: &&str| match room.checked_sub(seen.chars().count()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let end: usize = text.graphemes(true).take_while(fits).map(str::len).sum();
    text.get(..end).unwrap_or_default()
}

/// Names that are known already, so that none of them is proposed, nor one that looks like it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    exact: BTreeSet<String>,
    loose: BTreeSet<String>,
}

impl Known {
    pub(crate) fn add(&mut self, name: &str) {
        self.exact.insert(exact_name(name));
        self.loose.insert(loose_name(name));
    }

    pub(crate) fn has(&self, name: &CustomerName) -> bool {
        self.exact.contains(&exact_name(name.as_str()))
            || self.loose.contains(&loose_name(name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(draft: &str) -> Vec<String> {
        let draft = Document::from_plugin(draft).unwrap();
        let names = other_names(&draft, "001A");
        names.into_iter().map(String::from).collect()
    }

    #[test]
    fn what_tells_a_customer_apart_stands_in_brackets() {
        for (draft, want) in [
            (r#"{"name":"Smith & Co"}"#, &["Smith & Co (001A)"][..]),
            (
                r#"{"name":" Smith & Co ","account_number":"4711"}"#,
                &["Smith & Co (4711)", "Smith & Co (001A)"],
            ),
            (
                r#"{"name":"Smith & Co","account_number":"4711","addresses":[{"kind":"delivery","city":"York"},{"kind":"billing","city":" West\n Leeds ","postal_code":"LS1","country":"GB"}]}"#,
                &[
                    "Smith & Co (West Leeds)",
                    "Smith & Co (York)",
                    "Smith & Co (4711)",
                    "Smith & Co (LS1)",
                    "Smith & Co (GB)",
                    "Smith & Co (001A)",
                ],
            ),
            // What its name says already tells nothing.
            (
                r#"{"name":"Smith (LEEDS)","addresses":[{"kind":"billing","city":"Leeds"}]}"#,
                &["Smith (LEEDS) (001A)"],
            ),
            (
                r#"{"name":"Smith","addresses":[{"kind":"billing","city":"Le\u0000eds"}]}"#,
                &["Smith (001A)"],
            ),
            (r#"{"name":" "}"#, &[]),
            (r#"{}"#, &[]),
        ] {
            assert_eq!(names(draft), want, "{draft}");
        }
    }

    #[test]
    fn the_name_is_cut_and_never_what_tells_it_apart() {
        let long = |name: &str| {
            let draft =
                format!(r#"{{"name":"{name}","addresses":[{{"kind":"billing","city":"Leeds"}}]}}"#);
            names(&draft).remove(0)
        };
        let room = LONGEST_NAME - " (Leeds)".len();
        let a = |n: usize| "a".repeat(n);
        for (name, kept) in [
            (a(room), a(room)),
            (a(room + 1), a(room)),
            // No space is left before the brackets.
            (format!("{} bc", a(room - 1)), a(room - 1)),
            ("\u{e9}".repeat(300), "\u{e9}".repeat(room)),
            // One character for people each, whatever it is made of.
            (format!("{}e\u{301}x", a(room - 1)), a(room - 1)),
            (
                format!("{}e\u{301}x", a(room - 2)),
                format!("{}e\u{301}", a(room - 2)),
            ),
            (
                format!("{}\u{1f469}\u{200d}\u{1f680}x", a(room - 2)),
                a(room - 2),
            ),
            (format!("{}\u{1f44d}\u{1f3fd}x", a(room - 1)), a(room - 1)),
            (
                format!("{}\u{1f1ec}\u{1f1e7}\u{1f1eb}\u{1f1f7}", a(room - 3)),
                format!("{}\u{1f1ec}\u{1f1e7}", a(room - 3)),
            ),
        ] {
            let whole = long(&name);
            assert_eq!(whole, format!("{kept} (Leeds)"), "{name}");
            assert!(whole.chars().count() <= LONGEST_NAME);
        }
        let town = "b".repeat(255);
        let draft = format!(r#"{{"name":"Smith","addresses":[{{"city":"{town}"}}]}}"#);
        assert_eq!(names(&draft), ["Smith (001A)"]);
    }

    #[test]
    fn what_looks_like_a_known_name_is_known() {
        let mut known = Known::default();
        known.add("Smith & Co (Leeds)");
        for (name, has) in [
            ("SMITH & Co (Leeds)", true),
            ("Smith and Co, Leeds Ltd", true),
            ("Smith & Co (York)", false),
        ] {
            assert_eq!(known.has(&CustomerName::new(name).unwrap()), has, "{name}");
        }
    }
}
