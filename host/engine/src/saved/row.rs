//! What is kept of a saved plan beside the plan itself: who saved it, who said yes to what, and what became of each operation.
//!
//! Stored format, version 1; new fields must be readable from old rows.

use chrono::{DateTime, Utc};
use footbridge_model::id::OpId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who, as the operating system names them.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yes {
    /// Who and when.
    #[serde(flatten)]
    pub act: Act,
    /// To which operations.
    pub ops: BTreeSet<OpId>,
}

/// The store that a plan was made in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its installation.
    pub installation: String,
    /// Its epoch.
    pub epoch: u64,
}

/// Whether a plan was made in this installation and epoch: only then it can be carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Place {
    #[default]
    Here,
    Elsewhere,
}

/// A saved plan with what people did with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// Digest of the body that holds the plan.
    pub(crate) body: String,
    /// Who saved it.
    pub saved: Act,
    /// Where; not known of rows from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Origin>,
    /// Whether that is here, as it is read.
    #[serde(skip)]
    pub(crate) place: Place,
    /// It holds until then.
    pub expires: DateTime<Utc>,
    /// Operations in it.
    pub ops: usize,
    /// The last yes; a later one takes the place of an earlier one.
    #[serde(default)]
    pub yes: Option<Yes>,
    /// Those that it took the place of, oldest first.
    #[serde(default)]
    pub earlier: Vec<Yes>,
    /// Who took it back.
    #[serde(default)]
    pub withdrawn: Option<Act>,
    /// Each time it was carried out.
    #[serde(default)]
    pub applied: Vec<Act>,
    /// What became of its operations so far.
    #[serde(default)]
    pub fates: BTreeMap<OpId, OpFate>,
}

/// What became of an operation of a saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpFate {
    /// What.
    pub fate: Fate,
    /// Why, in words.
    pub why: String,
}

/// What can become of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was written by this plan.
    Applied,
    /// The far side says so already: by an earlier application, or because somebody else did it.
    Already,
    /// Nobody said yes to it, or to what it needs.
    NotApproved,
    /// What it was planned on is no longer so.
    Stale,
    /// A run writes no more than was written. The next application goes on with it.
    OverTheCap,
    /// The far side did not take it, or it was not sent.
    Failed,
    /// It was sent and its effect isn't known yet.
    InDoubt,
}

impl Fate {
    /// Whether applying the plan again has nothing to do for it.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Applied | Self::Already)
    }

    /// Whether it is at the far side, or may be.
    pub(crate) fn may_be_there(self) -> bool {
        self.is_done() || self == Self::InDoubt
    }
}

/// How a saved plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody said anything.
    Open,
    /// Somebody said yes.
    Approved,
    /// It was carried out, and something of what was approved is not written.
    PartlyApplied,
    /// All that was approved is written.
    Applied,
    /// Its day is over.
    Expired,
    /// It was taken back.
    Withdrawn,
    /// It was made before a backup was restored, or in the directory that this one is a copy of: it is never carried out.
    EarlierEpoch,
}

impl Kept {
    /// How it stands at an instant.
    pub fn state(&self, now: DateTime<Utc>) -> State {
        let done = |op: &OpId| self.fates.get(op).is_some_and(|fate| fate.fate.is_done());
        match &self.yes {
            _ if self.withdrawn.is_some() => State::Withdrawn,
            Some(yes) if !self.applied.is_empty() && yes.ops.iter().all(done) => State::Applied,
            _ if now >= self.expires => State::Expired,
            _ if self.place == Place::Elsewhere => State::EarlierEpoch,
            Some(_) if !self.applied.is_empty() => State::PartlyApplied,
            Some(_) => State::Approved,
            None => State::Open,
        }
    }
}
