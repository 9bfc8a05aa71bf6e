//! TOML with places: every entry knows its line and its key path, so that problems can name both.
//!
//! It knows nothing of mappings.

use footbridge_sdk::failure::{Code, problem_at};
use footbridge_sdk::mapping::Problem;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::suggest::{listed, nearest};

/// The text and where its lines begin.
pub(super) struct Text<'a> {
    source: &'a str,
    line_starts: Vec<usize>,
}

/// A value in the text.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    text: &'a Text<'a>,
    /// Its own key; empty for the whole text and for elements of lists.
    pub(super) key: String,
    /// Keys from the top, with dots.
    pub(super) path: String,
    /// Where the key stands, or the value where there is no key.
    at: usize,
    start: usize,
    value: DeValue<'a>,
}

impl<'a> Text<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let breaks = source
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            source,
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start <= at)
            .max(1)
    }

    pub(super) fn parse(&'a self) -> Result<Entry<'a>, Problem> {
        match DeTable::parse(self.source) {
            Ok(table) => {
                let value = DeValue::Table(table.into_inner());
                Ok(Entry {
                    text: self,
                    key: String::new(),
                    path: String::new(),
                    at: 0,
                    start: 0,
                    value,
                })
            }
            Err(error) => {
                let line = self.line(error.span().map_or(0, |span| span.start));
                Err(problem_at(
                    Code::Settings,
                    "",
                    format!(
                        "Line {line}: this is not TOML: {}.",
                        error.message().trim_end_matches('.')
                    ),
                ))
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// A problem at this entry. The message goes on after "Line 3, map.from: ".
    pub(super) fn problem(&self, code: Code, message: &str) -> Problem {
        self.problem_below(0, code, message)
    }

    /// A problem some lines below the beginning of this entry's value.
    pub(super) fn problem_below(&self, lines: usize, code: Code, message: &str) -> Problem {
        let quoted = self.text.source.get(self.start..).unwrap_or_default();
        // A break right behind opening triple quotes is no part of the text.
        let skipped = usize::from(
            ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"]
                .iter()
                .any(|open| quoted.starts_with(open)),
        );
        let line = if lines + skipped == 0 || code == Code::MissingField {
            self.text.line(self.at)
        } else {
            self.text.line(self.start) + lines + skipped
        };
        let place = if self.path.is_empty() {
            String::new()
        } else {
            format!(", {}", self.path)
        };
        problem_at(code, &self.path, format!("Line {line}{place}: {message}."))
    }

    /// A name that is not among the accepted ones.
    pub(super) fn unknown<'n>(
        &self,
        code: Code,
        what: &str,
        found: &str,
        accepted: impl Iterator<Item = &'n str> + Clone,
    ) -> Problem {
        let message = format!(
            "there is no {what} \"{found}\"{}; accepted: {}",
            nearest(found, accepted.clone()),
            listed(accepted)
        );
        self.problem(code, &message)
    }

    fn wrong_type(&self, wanted: &str) -> Problem {
        let found = match &self.value {
            DeValue::String(text) => format!("the text \"{text}\""),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the binary floating-point number {number}"),
            DeValue::Boolean(flag) => format!("{flag}"),
            DeValue::Datetime(date) => format!("the date {date}"),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.problem(
            Code::InvalidValue,
            &format!("found {found}; accepted: {wanted}"),
        )
    }

    fn child(&self, key: &Spanned<DeString<'a>>, value: &Spanned<DeValue<'a>>) -> Self {
        let name = key.get_ref().to_string();
        let path = if self.path.is_empty() {
            name.clone()
        } else {
            format!("{}.{name}", self.path)
        };
        Self {
            text: self.text,
            key: name,
            path,
            at: key.span().start,
            start: value.span().start,
            value: value.get_ref().clone(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let DeValue::Table(table) = &self.value else {
            return None;
        };
        table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(name, value)| self.child(name, value))
    }

    /// The entries of a table, in the order of the text.
    pub(super) fn children(&self, wanted: &str) -> Result<Vec<Self>, Problem> {
        let DeValue::Table(table) = &self.value else {
            return Err(self.wrong_type(wanted));
        };
        let mut children: Vec<Self> = table
            .iter()
            .map(|(key, value)| self.child(key, value))
            .collect();
        children.sort_by_key(|child| child.at);
        Ok(children)
    }

    pub(super) fn children_or(&self, wanted: &str, problems: &mut Vec<Problem>) -> Vec<Self> {
        self.children(wanted).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        })
    }

    /// The tables of a list.
    pub(super) fn tables(&self, wanted: &str) -> Result<Vec<Self>, Problem> {
        let DeValue::Array(array) = &self.value else {
            return Err(self.wrong_type(wanted));
        };
        let elements = array.iter().map(|value| Self {
            text: self.text,
            key: String::new(),
            path: self.path.clone(),
            at: value.span().start,
            start: value.span().start,
            value: value.get_ref().clone(),
        });
        elements
            .map(|element| {
                if matches!(element.value, DeValue::Table(_)) {
                    Ok(element)
                } else {
                    Err(element.wrong_type(wanted))
                }
            })
            .collect()
    }

    pub(super) fn text(&self, wanted: &str) -> Result<&str, Problem> {
        match &self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type(wanted)),
        }
    }

    /// The text under a key that must be there.
    pub(super) fn needed_text(
        &self,
        key: &str,
        what: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<String> {
        match self.get(key) {
            None => {
                problems.push(self.problem(
                    Code::MissingField,
                    &format!("the key \"{key}\" is not there; it names {what}"),
                ));
                None
            }
            Some(entry) => match entry.text(what) {
                Ok(text) => Some(text.to_owned()),
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            },
        }
    }

    /// Reports keys that are not accepted.
    pub(super) fn known_keys(&self, accepted: &[&str], what: &str, problems: &mut Vec<Problem>) {
        let Ok(children) = self.children("") else {
            return;
        };
        for child in children {
            if !accepted.contains(&child.key.as_str()) {
                problems.push(child.unknown(
                    Code::UnknownField,
                    &format!("key of {what}"),
                    &child.key,
                    accepted.iter().copied(),
                ));
            }
        }
    }
}
