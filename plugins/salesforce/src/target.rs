//! What a read is about: an object in Salesforce's own names, or a kind of the receivables vocabulary that lives in one.
//!
//! Never reads anything itself. `feed` and `lookup` ask it for the query, and give it the records to be put into the host's words.

use footbridge_sdk::connector::{Failure, FailureKind, Item};
use footbridge_sdk::failure::{Code, failing, problem_at};

use crate::objects::{self, Object};
use crate::receivables::{self, Kind};
use crate::soql::{Select, is_name};
use crate::vocabulary;

/// What the host asked for.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// In Salesforce's own names.
    Own(&'static Object),
    /// In the host's words.
    Kind(&'static Kind),
}

impl Target {
    /// By the name that the host uses.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        match receivables::named(name) {
            Some(kind) => Ok(Self::Kind(kind)),
            None => objects::named(name).map(Self::Own),
        }
    }

    /// The name that the host uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own(object) => object.name,
            Self::Kind(kind) => kind.word,
        }
    }

    /// The query's fields, with the extra ones that the host wants.
    pub(crate) fn select(self, extra: &[String]) -> Result<Select, Failure> {
        match self {
            Self::Own(object) => Select::of(object, extra),
            Self::Kind(kind) => {
                for word in extra {
                    known(kind, word)?;
                }
                let paths = kind.fields.iter().map(receivables::Field::path);
                let always = ["Id", "IsDeleted", "SystemModstamp"].map(str::to_owned);
                Ok(Select::plain(kind.object, always.into_iter().chain(paths)))
            }
        }
    }

    /// The field to search by.
    pub(crate) fn key(self, key: &str) -> Result<String, Failure> {
        match self {
            Self::Own(_) if key.split('.').all(is_name) => Ok(key.to_owned()),
            Self::Own(_) => Err(failing(
                FailureKind::Misconfigured,
                problem_at(
                    Code::UnknownField,
                    key,
                    format!("\"{key}\" is not a field to search by."),
                ),
            )),
            Self::Kind(kind) => known(kind, key).map(receivables::Field::path),
        }
    }

    /// Whether Salesforce itself keeps the field unique, so that a deleted record gave its value free.
    pub(crate) fn keeps_unique(self, key: &str) -> bool {
        matches!(self, Self::Kind(_)) && key == "key"
    }

    /// Records as the host is told them.
    pub(crate) fn told(self, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
        match self {
            Self::Own(_) => Ok(items),
            Self::Kind(kind) => items
                .into_iter()
                .map(|item| vocabulary::item(kind, item))
                .collect(),
        }
    }
}

fn known(kind: &'static Kind, word: &str) -> Result<&'static receivables::Field, Failure> {
    kind.field(word).ok_or_else(|| {
        failing(
            FailureKind::Misconfigured,
            problem_at(
                Code::UnknownField,
                word,
                format!("\"{word}\" is no field of a {}.", kind.word),
            ),
        )
    })
}
