//! What can go wrong with one record or one call, in few kinds; the engine acts on each kind.

use serde::{Deserialize, Serialize};

/// The kinds of `types.failure-kind` in `wit/types.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Try again later.
    Retry,
    /// The credential was refused.
    AuthExpired,
    /// Refused for what the record contains.
    Rejected,
    /// The far side holds something else than expected.
    Conflict,
    /// Deleted or merged away.
    Gone,
    /// Can't be seen; never treated as deleted.
    NotVisible,
    /// Only a person can decide.
    NeedsPerson,
    /// The effect is unknown.
    InDoubt,
    /// A quota is used up.
    Quota,
    /// Set up wrongly.
    Misconfigured,
}

/// What went wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Kebab-case code from `wit/README.md`.
    pub code: String,
    /// What happened, to which thing, what to do next.
    pub message: String,
    /// The field or path that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// For support only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
}

impl Problem {
    /// A problem with a code and a message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            field: None,
            extra: None,
        }
    }

    /// What happened, with the field that it is about.
    pub fn told(&self) -> String {
        match &self.field {
            Some(field) => format!("{} (field {field})", self.message),
            None => self.message.clone(),
        }
    }
}

/// A typed failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the engine does about it.
    pub kind: FailureKind,
    /// What people read.
    pub problem: Problem,
    /// Seconds, only as the far side stated them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

impl Failure {
    /// A failure without a stated wait.
    pub fn new(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            problem: Problem::new(code, message),
            retry_after_seconds: None,
        }
    }
}
