//! The receivables vocabulary in Salesforce: which object each kind is, which field each word, what is worked out by formulas.
//!
//! One table serves queries, writes, the schema and `provision`, so that what is set up is just what is written. Amounts are
//! plain numbers, never currency fields: a Salesforce with one currency would give them its own. From here to `target` (reads),
//! `upserts` (writes), `schema`, `provision`.

mod balance;
mod document;
mod payment;

use footbridge_sdk::connector::schema::FieldType;

pub(crate) use balance::BALANCE;
pub(crate) use document::DOCUMENT;
pub(crate) use payment::PAYMENT;

/// The three kinds, parents first.
pub(crate) const ALL: [&Kind; 3] = [&DOCUMENT, &PAYMENT, &BALANCE];

/// The field that finds a record from outside: unique, an external id.
pub(crate) const KEY: &str = "Key__c";

/// One kind of the vocabulary.
pub(crate) struct Kind {
    /// The host's name.
    pub(crate) word: &'static str,
    /// Salesforce's name.
    pub(crate) object: &'static str,
    /// What people read.
    pub(crate) label: &'static str,
    /// What people read of several.
    pub(crate) plural: &'static str,
    /// What people read of the name field.
    pub(crate) name_label: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) formulas: &'static [Formula],
}

/// One word and its field.
pub(crate) struct Field {
    pub(crate) word: &'static str,
    /// Salesforce's name; a lookup's own name, not its relationship's.
    pub(crate) name: &'static str,
    /// What people read.
    pub(crate) label: &'static str,
    pub(crate) shape: Shape,
    /// Whether a create must carry it.
    pub(crate) needed: Needed,
}

/// Whether a create must carry a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    Always,
    IfKnown,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The record's name: text of 80.
    Name,
    /// The key of [`KEY`].
    Key,
    /// Text of so many characters.
    Text(usize),
    /// A web address.
    Link,
    /// One of these: value and what people read.
    Choice(&'static [(&'static str, &'static str)]),
    /// An amount of money, two places.
    Amount,
    /// A rate of exchange, eight places.
    Rate,
    /// A number with so many places that is no amount.
    Count(u32),
    /// A day.
    Date,
    /// True or false.
    Flag,
    /// A record of this object; the list of these on it is called so.
    Lookup {
        to: &'static str,
        children: &'static str,
    },
    /// A record of another kind, named by its key.
    ByKey {
        to: &'static str,
        children: &'static str,
    },
}

/// A field that Salesforce works out whenever it is read.
pub(crate) struct Formula {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) result: Outcome,
    pub(crate) text: &'static str,
}

/// What a formula gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Flag,
    Whole,
    Text,
}

impl Kind {
    /// The field of a word.
    pub(crate) fn field(&self, word: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.word == word)
    }
}

impl Field {
    /// What a query reads.
    pub(crate) fn path(&self) -> String {
        match self.shape {
            Shape::ByKey { .. } => format!("{}.{KEY}", self.relationship()),
            _ => self.name.to_owned(),
        }
    }

    /// The name under which a lookup's record is reached.
    pub(crate) fn relationship(&self) -> String {
        format!("{}__r", self.name.trim_end_matches("__c"))
    }

    /// The type as the schema tells it.
    pub(crate) fn field_type(&self) -> FieldType {
        match self.shape {
            Shape::Name | Shape::Key | Shape::Text(_) | Shape::Link | Shape::Choice(_) => {
                FieldType::Text
            }
            Shape::ByKey { .. } => FieldType::Text,
            Shape::Amount | Shape::Rate | Shape::Count(_) => FieldType::Decimal,
            Shape::Date => FieldType::Date,
            Shape::Flag => FieldType::Boolean,
            Shape::Lookup { .. } => FieldType::Id,
        }
    }

    /// Most characters of a text.
    pub(crate) fn max_length(&self) -> Option<usize> {
        match self.shape {
            Shape::Name => Some(80),
            Shape::Key | Shape::Link | Shape::ByKey { .. } => Some(255),
            Shape::Text(length) => Some(length),
            _ => None,
        }
    }
}

/// The kind of this name.
pub(crate) fn named(word: &str) -> Option<&'static Kind> {
    ALL.into_iter().find(|kind| kind.word == word)
}

/// The kind that lives in this object.
pub(crate) fn of_object(object: &str) -> Option<&'static Kind> {
    ALL.into_iter().find(|kind| kind.object == object)
}

const fn needed(
    word: &'static str,
    name: &'static str,
    label: &'static str,
    shape: Shape,
) -> Field {
    Field {
        word,
        name,
        label,
        shape,
        needed: Needed::Always,
    }
}

const fn known(word: &'static str, name: &'static str, label: &'static str, shape: Shape) -> Field {
    Field {
        word,
        name,
        label,
        shape,
        needed: Needed::IfKnown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_what_salesforce_takes_and_stand_once() {
        for kind in ALL {
            let names: Vec<&str> = kind
                .fields
                .iter()
                .map(|field| field.name)
                .chain(kind.formulas.iter().map(|formula| formula.name))
                .collect();
            let distinct: BTreeSet<String> =
                names.iter().map(|name| name.to_ascii_lowercase()).collect();
            assert_eq!(distinct.len(), names.len(), "{}", kind.word);
            for name in names {
                let stem = name.trim_end_matches("__c");
                assert!(name == "Name" || name.ends_with("__c"), "{name}");
                assert!(stem.len() <= 40 && !stem.contains("__"), "{name}");
            }
            let labels = kind.fields.iter().map(|field| field.label);
            for label in labels.chain(kind.formulas.iter().map(|formula| formula.label)) {
                assert!((1..=40).contains(&label.chars().count()), "{label}");
            }
            let words: BTreeSet<&str> = kind.fields.iter().map(|field| field.word).collect();
            assert_eq!(words.len(), kind.fields.len());
            assert!(kind.field("key").is_some_and(|key| key.name == KEY));
            assert!(kind.field("name").is_some_and(|name| name.name == "Name"));
        }
    }

    #[test]
    fn formulas_only_name_fields_that_are_there() {
        for kind in ALL {
            let there: BTreeSet<&str> = kind
                .fields
                .iter()
                .map(|field| field.name)
                .chain(kind.formulas.iter().map(|formula| formula.name))
                .collect();
            for formula in kind.formulas {
                let named = formula
                    .text
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .filter(|word| word.ends_with("__c"));
                for name in named {
                    assert!(there.contains(name), "{} names {name}", formula.name);
                    assert_ne!(name, formula.name);
                }
            }
        }
    }
}
