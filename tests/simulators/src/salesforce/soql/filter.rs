//! One bound condition against one record.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::ast::{Negation, Operator};
use super::bind::{BoundCondition, BoundPath};
use crate::salesforce::defect::Defect;
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

#[derive(Clone, Debug)]
pub(super) enum Test {
    Compare {
        operator: Operator,
        value: FieldValue,
    },
    /// From `start` up to but not including `end`.
    Days {
        operator: Operator,
        start: FieldValue,
        end: FieldValue,
    },
    Like(Pattern),
    In {
        keys: HashSet<String>,
        with_null: bool,
        negation: Negation,
    },
}

/// The value at the end of a path; null where a lookup on the way is empty.
pub(super) fn value_at<'a>(
    store: &'a Store,
    record: &'a Record,
    path: &BoundPath,
) -> Cow<'a, FieldValue> {
    let mut current = record;
    let mut object = path.object.as_str();
    for hop in &path.hops {
        match current
            .text(&hop.field)
            .and_then(|id| store.get(&hop.object, id))
        {
            Some(next) => {
                current = next;
                object = &hop.object;
            }
            None => return Cow::Owned(FieldValue::Null),
        }
    }
    store.value(object, current, &path.field)
}

/// Whether the record meets the condition. Sub-queries must have been replaced by their ids.
pub(super) fn meets(store: &Store, record: &Record, condition: &BoundCondition) -> bool {
    match condition {
        BoundCondition::All(all) => all.iter().all(|inner| meets(store, record, inner)),
        BoundCondition::Any(any) => any.iter().any(|inner| meets(store, record, inner)),
        BoundCondition::Not(inner) => !meets(store, record, inner),
        BoundCondition::Test { path, test } => {
            let value = value_at(store, record, path);
            match test {
                Test::Compare {
                    operator: Operator::Equal,
                    value: FieldValue::Text(wanted),
                } if store.has(Defect::TextByCase) => value.as_text() == Some(wanted),
                Test::Compare {
                    operator: Operator::Equal,
                    value: FieldValue::Null,
                } if store.has(Defect::NullEqualsNothing) => false,
                test => passes(&value, test),
            }
        }
        BoundCondition::InQuery { .. } => false,
    }
}

fn passes(value: &FieldValue, test: &Test) -> bool {
    match test {
        Test::Compare {
            operator,
            value: wanted,
        } => {
            let equal = match (value.is_null(), wanted.is_null()) {
                (true, true) => true,
                (false, false) => value.order(wanted) == Some(Ordering::Equal),
                _ => false,
            };
            match operator {
                Operator::Equal => equal,
                Operator::NotEqual => !equal,
                Operator::Like => false,
                Operator::Less => value.order(wanted) == Some(Ordering::Less),
                Operator::Greater => value.order(wanted) == Some(Ordering::Greater),
                Operator::LessOrEqual => value.order(wanted).is_some_and(Ordering::is_le),
                Operator::GreaterOrEqual => value.order(wanted).is_some_and(Ordering::is_ge),
            }
        }
        Test::Days {
            operator,
            start,
            end,
        } => {
            let Some((after_start, after_end)) = value.order(start).zip(value.order(end)) else {
                return *operator == Operator::NotEqual;
            };
            let inside = after_start.is_ge() && after_end.is_lt();
            match operator {
                Operator::Equal => inside,
                Operator::NotEqual => !inside,
                Operator::Less => after_start.is_lt(),
                Operator::LessOrEqual => after_end.is_lt(),
                Operator::Greater => after_end.is_ge(),
                Operator::GreaterOrEqual => after_start.is_ge(),
                Operator::Like => false,
            }
        }
        Test::Like(pattern) => value.as_text().is_some_and(|text| pattern.matches(text)),
        Test::In {
            keys,
            with_null,
            negation,
        } => {
            let found = value
                .index_key()
                .map_or(*with_null, |key| keys.contains(&key));
            found == (*negation == Negation::In)
        }
    }
}

/// A `LIKE` pattern: `%` any run, `_` one character, `\` escapes; without regard to case.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Run,
    One,
    Is(char),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                '%' => pieces.push(Piece::Run),
                '_' => pieces.push(Piece::One),
                '\\' => pieces.extend(
                    characters
                        .next()
                        .into_iter()
                        .flat_map(char::to_lowercase)
                        .map(Piece::Is),
                ),
                other => pieces.extend(other.to_lowercase().map(Piece::Is)),
            }
        }
        Self(pieces)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        // open[i]: the pieces so far match the first i characters.
        let mut open = vec![false; characters.len() + 1];
        if let Some(first) = open.first_mut() {
            *first = true;
        }
        for piece in &self.0 {
            let mut next = Vec::with_capacity(open.len());
            let mut before = false;
            let mut any_before = false;
            for (index, here) in open.iter().enumerate() {
                any_before |= *here;
                let character = index.checked_sub(1).and_then(|index| characters.get(index));
                next.push(match piece {
                    Piece::Run => any_before,
                    Piece::One => before && character.is_some(),
                    Piece::Is(wanted) => before && character == Some(wanted),
                });
                before = *here;
            }
            open = next;
        }
        open.last().copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn like_patterns() {
        for (pattern, text, expected) in [
            ("smith%", "Smith & Co", true),
            ("%co", "Smith & Co", true),
            ("%ith%", "Smith & Co", true),
            ("s_ith", "Smith", true),
            ("s_ith", "Sith", false),
            ("%", "", true),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
            ("a\\_b", "a_b", true),
            ("a\\_b", "axb", false),
            ("", "", true),
            ("a", "ab", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
