//! The proof before a connection counts: is the API on, which edition, may it do what the flows need, is there room, who consented
//! and what stops when they leave.
//!
//! Reads only, a handful of calls; a finding is a line for people with what to do about it. One file a provider. Next:
//! `footbridge connect` shows it and keeps the connection only if nothing is in the way.

pub(crate) mod salesforce;
pub(crate) mod xero;

use crate::oauth::vault::Consent;
use serde::Serialize;

/// What the flows of a connection need of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Objects that are read, by the provider's names.
    pub reads: Vec<String>,
    /// Fields that are written: object and field.
    pub writes: Vec<(String, String)>,
    /// Invoices are approved, not left as drafts.
    pub approves: Approves,
}

/// Whether flows approve what they bill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Approves {
    /// They do.
    #[default]
    Yes,
    /// They leave drafts.
    No,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Line by line.
    pub lines: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found.
    #[serde(flatten)]
    pub found: Found,
}

/// What was found about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "found")]
pub enum Found {
    /// It is as it must be.
    Well {
        /// In words.
        words: String,
    },
    /// It works, and somebody should know.
    Note {
        /// In words.
        words: String,
    },
    /// It is in the way.
    Problem {
        /// In words.
        words: String,
        /// What helps.
        to_do: String,
    },
}

impl Preflight {
    /// Whether nothing is in the way.
    pub fn passed(&self) -> bool {
        !self
            .lines
            .iter()
            .any(|line| matches!(line.found, Found::Problem { .. }))
    }

    pub(crate) fn well(&mut self, what: &str, words: impl Into<String>) {
        let words = words.into();
        self.add(what, Found::Well { words });
    }

    pub(crate) fn note(&mut self, what: &str, words: impl Into<String>) {
        let words = words.into();
        self.add(what, Found::Note { words });
    }

    pub(crate) fn problem(
        &mut self,
        what: &str,
        words: impl Into<String>,
        to_do: impl Into<String>,
    ) {
        let (words, to_do) = (words.into(), to_do.into());
        self.add(what, Found::Problem { words, to_do });
    }

    fn add(&mut self, what: &str, found: Found) {
        self.lines.push(Finding {
            what: what.to_owned(),
            found,
        });
    }

    /// Who consented and what stops when they leave.
    pub(crate) fn consented(&mut self, consent: Option<&Consent>, stops: &str) {
        if let Some(consent) = consent {
            let who = consent
                .who
                .as_deref()
                .unwrap_or("somebody who is not named");
            self.well("consented by", format!("{who}. {stops}"));
        }
    }
}

/// A member's text.
pub(crate) fn text<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    value
        .get(name)
        .and_then(serde_json::Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A member's yes or no.
pub(crate) fn flag(value: &serde_json::Value, name: &str) -> Option<bool> {
    value.get(name).and_then(serde_json::Value::as_bool)
}

/// A whole number, which the host has as text.
pub(crate) fn whole(value: &serde_json::Value, name: &str) -> Option<u64> {
    text(value, name)?.parse().ok()
}
