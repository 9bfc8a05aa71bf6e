//! One field of a record in words: what is new, or old -> new. Of a list only the entries that differ, and of those only the parts.
//!
//! Entries are the same if their ids or kinds are; those that have neither, by their place. How text from outside is shown, whoever shows
//! it knows ([`Words`]). It decides nothing.

use crate::apart::apart;
use crate::document::Document;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

type Parts = BTreeMap<String, Document>;

/// How somebody shows what comes from outside.
pub trait Words {
    /// A text in at most so many characters.
    fn text(&self, text: &str, most: usize) -> String;
    /// What isn't known before another operation was carried out, or any other object.
    fn object(&self, value: &Document) -> String;
}

/// Longest value.
pub const VALUE: usize = 60;

/// Longest entry that is shown whole.
const ENTRY: usize = 160;
/// What an entry is known by.
const KEYS: [&str; 2] = ["id", "kind"];
/// Parts in the order in which people write them; others follow.
const ORDER: [&str; 14] = [
    "description",
    "attention",
    "line1",
    "line2",
    "line3",
    "line4",
    "city",
    "region",
    "postal_code",
    "country",
    "first_name",
    "last_name",
    "quantity",
    "unit_amount",
];

/// A field of a record that is created.
pub fn created(field: &str, value: &Document, words: &dyn Words) -> Vec<String> {
    match value {
        Document::List(entries) => (entries.iter().enumerate())
            .map(|(at, entry)| {
                format!(
                    "{}: {}",
                    called(field, at, entry, words),
                    whole(entry, words)
                )
            })
            .collect(),
        value => vec![format!(
            "{}: {}",
            words.text(field, 60),
            shown(value, words)
        )],
    }
}

/// A field of a record that is changed: nothing if it stays as it is.
pub fn changed(
    field: &str,
    old: Option<&Document>,
    new: &Document,
    words: &dyn Words,
) -> Vec<String> {
    match (old, new) {
        (Some(Document::List(old)), Document::List(new)) => listed(field, old, new, words),
        (None | Some(Document::Null), Document::List(new)) => listed(field, &[], new, words),
        (Some(Document::Object(old)), Document::Object(new)) if !new.contains_key("$op") => {
            parts(&words.text(field, 60), old, new, words)
        }
        _ => difference(&words.text(field, 60), field, (old, new), words)
            .into_iter()
            .collect(),
    }
}

fn listed(field: &str, old: &[Document], new: &[Document], words: &dyn Words) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, entry) in new.iter().enumerate() {
        let name = called(field, at, entry, words);
        match (same(entry, at, old), entry) {
            (Some(Document::Object(before)), Document::Object(now)) => {
                lines.extend(parts(&name, before, now, words));
            }
            (Some(before), now) => {
                lines.extend(difference(&name, field, (Some(before), now), words));
            }
            // It has an id over there; only how it was isn't known.
            (None, now) if now.at("id").is_some() => {
                lines.push(format!("{name}: {}", whole(now, words)));
            }
            (None, now) => lines.push(format!("{name} added: {}", whole(now, words))),
        }
    }
    let goes = |(at, entry): &(usize, &Document)| same(entry, *at, new).is_none();
    for (at, entry) in old.iter().enumerate().filter(goes) {
        let name = called(field, at, entry, words);
        lines.push(format!("{name} removed: {}", whole(entry, words)));
    }
    let keys = |all: &[Document]| {
        all.iter()
            .map(|entry| key(entry).map(str::to_owned))
            .collect()
    };
    let (before, now): (Vec<_>, Vec<_>) = (keys(old), keys(new));
    if lines.is_empty() && before != now {
        lines.push(format!("{}: in another order", words.text(field, 60)));
    }
    lines
}

/// The parts of an entry that differ. What the new one leaves out stays as it is.
fn parts(name: &str, old: &Parts, new: &Parts, words: &dyn Words) -> Vec<String> {
    (ordered(new).into_iter())
        .filter_map(|(part, value)| {
            let name = format!("{name} {}", in_words(part, words));
            difference(&name, part, (old.get(part), value), words)
        })
        .collect()
}

fn difference(
    name: &str,
    part: &str,
    (old, new): (Option<&Document>, &Document),
    words: &dyn Words,
) -> Option<String> {
    if old == Some(new) || (old.is_none_or(is_empty) && is_empty(new)) {
        return None;
    }
    let (old, new) = match (old, new) {
        (Some(Document::Text(old)), Document::Text(new)) if !old.is_empty() && !new.is_empty() => {
            let (old, new) = apart(&amount(part, old), &amount(part, new), VALUE);
            (words.text(&old, VALUE), words.text(&new, VALUE))
        }
        (old, new) => {
            let old = old.map_or_else(|| "(empty)".to_owned(), |old| value(part, old, words));
            (old, value(part, new, words))
        }
    };
    Some(format!("{name}: {old} -> {new}"))
}

fn is_empty(value: &Document) -> bool {
    match value {
        Document::Null => true,
        Document::Text(text) => text.is_empty(),
        Document::List(entries) => entries.is_empty(),
        Document::Bool(_) | Document::Object(_) => false,
    }
}

/// The entry of the other list that is the same one.
fn same<'a>(entry: &Document, at: usize, others: &'a [Document]) -> Option<&'a Document> {
    match key(entry) {
        Some(known) => others.iter().find(|other| key(other) == Some(known)),
        None => others.get(at).filter(|other| key(other).is_none()),
    }
}

fn key(entry: &Document) -> Option<&str> {
    KEYS.iter().find_map(|name| entry.text(name))
}

/// What an entry is called: `line 2`, `billing address`.
fn called(field: &str, at: usize, entry: &Document, words: &dyn Words) -> String {
    let one = match field {
        "lines" => "line".to_owned(),
        "addresses" => "address".to_owned(),
        "phones" => "phone".to_owned(),
        "persons" => "person".to_owned(),
        other => format!("{} entry", words.text(other, 60)),
    };
    match entry.text("kind") {
        Some(kind) => format!("{} {one}", words.text(kind, 40)),
        None => format!("{one} {}", at.saturating_add(1)),
    }
}

/// An entry with all that it says.
fn whole(entry: &Document, words: &dyn Words) -> String {
    let Document::Object(all) = entry else {
        return shown(entry, words);
    };
    let said: Vec<String> = (ordered(all).into_iter())
        .filter(|(_, value)| !is_empty(value))
        .map(|(part, is)| match (plain(part), value(part, is, words)) {
            (true, text) => text,
            (false, text) => format!("{} {text}", in_words(part, words)),
        })
        .collect();
    match said.is_empty() {
        true => "(empty)".to_owned(),
        false => words.text(&said.join(", "), ENTRY),
    }
}

/// Whether a part is understood without its name.
fn plain(part: &str) -> bool {
    ORDER.contains(&part) && !["quantity", "unit_amount"].contains(&part) || part == "number"
}

/// Parts without what the entry is known by.
fn ordered(all: &Parts) -> Vec<(&str, &Document)> {
    let place = |part: &str| ORDER.iter().position(|known| *known == part);
    let mut parts: Vec<(&str, &Document)> = (all.iter())
        .map(|(part, value)| (part.as_str(), value))
        .filter(|(part, _)| !KEYS.contains(part))
        .collect();
    parts.sort_by_key(|(part, _)| place(part).unwrap_or(ORDER.len()));
    parts
}

fn in_words(part: &str, words: &dyn Words) -> String {
    match part {
        "unit_amount" => "unit price".to_owned(),
        part => words.text(&part.replace('_', " "), 60),
    }
}

fn value(part: &str, value: &Document, words: &dyn Words) -> String {
    match value {
        Document::Text(text) if !text.is_empty() => {
            shown(&Document::Text(amount(part, text)), words)
        }
        value => shown(value, words),
    }
}

/// An amount of money has two decimals at least.
fn amount(part: &str, text: &str) -> String {
    match text.parse::<Decimal>() {
        Ok(amount) if part.ends_with("_amount") && amount.scale() < 2 => format!("{amount:.2}"),
        _ => text.to_owned(),
    }
}

fn shown(value: &Document, words: &dyn Words) -> String {
    match value {
        Document::Null => "(empty)".to_owned(),
        Document::Text(text) if text.is_empty() => "(empty)".to_owned(),
        Document::Text(text) => words.text(text, VALUE),
        Document::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Document::List(entries) => match entries.len() {
            1 => "1 entry".to_owned(),
            n => format!("{n} entries"),
        },
        Document::Object(_) => words.object(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Words for Plain {
        fn text(&self, text: &str, most: usize) -> String {
            text.chars().take(most).collect()
        }

        fn object(&self, value: &Document) -> String {
            value.canonical()
        }
    }

    fn told(field: &str, old: Option<&str>, new: &str) -> Vec<String> {
        let doc = |json: &str| Document::from_plugin(json).unwrap_or(Document::Null);
        changed(field, old.map(doc).as_ref(), &doc(new), &Plain)
    }

    #[test]
    fn of_a_list_only_what_differs_is_told() {
        let old = r#"[{"id":"a","description":"Bolt","quantity":"1","unit_amount":"3"},{"id":"b","description":"Nut","quantity":"2","unit_amount":"10"},{"id":"c","description":"Old","unit_amount":"7"}]"#;
        let new = r#"[{"id":"a","description":"Bolt","quantity":"1","unit_amount":"3"},{"id":"b","description":"Nut","quantity":"2","unit_amount":"12.5","account":"200"},{"description":"New","quantity":"4","unit_amount":"1.125"}]"#;
        assert_eq!(
            told("lines", Some(old), new),
            [
                "line 2 unit price: 10.00 -> 12.50",
                "line 2 account: (empty) -> 200",
                "line 3 added: New, quantity 4, unit price 1.125",
                "line 3 removed: Old, unit price 7.00",
            ]
        );
        assert!(told("lines", Some(old), old).is_empty());
        let turned = r#"[{"id":"b"},{"id":"a"},{"id":"c"}]"#;
        assert_eq!(
            told("lines", Some(old), turned),
            ["lines: in another order"]
        );
        // How they were isn't known.
        assert_eq!(
            told("lines", None, r#"[{"id":"a","description":"Bolt"}]"#),
            ["line 1: Bolt"]
        );
    }

    #[test]
    fn addresses_and_phones_are_called_by_their_kinds() {
        let leeds = r#"[{"kind":"billing","city":"Leeds","line1":"1 High St","line2":"Unit 4"}]"#;
        let york = r#"[{"kind":"billing","city":"York","line1":"1 High St","line2":null},{"kind":"delivery","city":"Ely","country":"GB","line1":"2 Low St"}]"#;
        assert_eq!(
            told("addresses", Some(leeds), york),
            [
                "billing address line2: Unit 4 -> (empty)",
                "billing address city: Leeds -> York",
                "delivery address added: 2 Low St, Ely, GB",
            ]
        );
        let phone = |number: &str| format!(r#"[{{"kind":"main","number":"{number}"}}]"#);
        assert_eq!(
            told("phones", Some(&phone("1")), &phone("2")),
            ["main phone number: 1 -> 2"]
        );
    }

    #[test]
    fn what_stays_is_no_news() {
        for (old, new) in [
            (Some("\"exclusive\""), "\"exclusive\""),
            (Some("null"), "\"\""),
            (None, "null"),
            (Some("[]"), "[]"),
            (Some(r#"["a","b"]"#), r#"["a","b"]"#),
        ] {
            assert!(told("amounts", old, new).is_empty(), "{old:?} {new}");
        }
        assert_eq!(told("amounts", Some("\"a\""), "\"b\""), ["amounts: a -> b"]);
        assert_eq!(
            told("tags", Some(r#"["a"]"#), r#"["b","c"]"#),
            ["tags entry 1: a -> b", "tags entry 2 added: c"]
        );
    }

    #[test]
    fn a_new_record_shows_its_entries() {
        let doc = r#"[{"kind":"billing","city":"Leeds","country":"GB","line1":"1 High St"}]"#;
        let doc = Document::from_plugin(doc).unwrap_or(Document::Null);
        assert_eq!(
            created("addresses", &doc, &Plain),
            ["billing address: 1 High St, Leeds, GB"]
        );
    }
}
