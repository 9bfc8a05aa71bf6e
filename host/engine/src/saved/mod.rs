//! Saved plans: a plan is kept as it is, people approve it in whole or in part, and just that is carried out.
//!
//! The plan itself never changes: its id is a digest over it, the installation and the epoch. What people decided and what became of each
//! operation stands in a row beside it. In reading order: `row` (what is kept), `keep` (save, list, approve, withdraw), `apply` and
//! `check` (what of an approved plan still holds).

mod apply;
mod check;
mod keep;
mod row;

pub use apply::Applied;
pub use keep::{Approval, picked};
pub use row::{Act, Fate, Kept, OpFate, Origin, State, Yes};

use chrono::{DateTime, Utc};
use footbridge_model::plan::{Note, Plan, key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form below.
pub const FORMAT: u32 = 1;

/// A plan as it is kept and handed round: complete, and bound to where it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// The version of this form.
    pub format: u32,
    /// The installation that made it; no other carries it out.
    pub installation: String,
    /// The store's epoch; a restored one doesn't carry it out.
    pub epoch: u64,
    /// The ledger's firm.
    pub organisation: String,
    /// It holds until then: the midnight of the firm.
    pub expires: DateTime<Utc>,
    /// Everything it would do, the way back included.
    pub plan: Plan,
    /// What a run would let wait and this plan doesn't, once it is approved.
    pub asks: Vec<Note>,
    /// Write calls by connection.
    pub calls: BTreeMap<String, usize>,
}

impl SavedPlan {
    /// Its one text form: what is digested, kept and signed.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Its id, 32 hex digits.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn id(&self) -> Result<String, serde_json::Error> {
        Ok(key(&["saved plan", &self.canonical()?]))
    }
}

/// Why a saved plan can't be used as asked. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// No such plan.
    #[error("there is no saved plan {id:?} of flow {flow}; `footbridge plan list` shows them")]
    Unknown {
        /// What was asked for.
        id: String,
        /// In which flow.
        flow: String,
    },
    /// The beginning of an id stands for several.
    #[error("{id:?} begins the ids of several saved plans: {all}. Give more of it")]
    Ambiguous {
        /// What was given.
        id: String,
        /// Whose ids begin so.
        all: String,
    },
    /// It was made elsewhere.
    #[error(
        "plan {id} was made by installation {theirs} in epoch {their_epoch}, and this is {ours} in epoch {our_epoch}: links and numbers of the one mean nothing to the other. Nothing was written. Run `footbridge plan --save` here"
    )]
    Elsewhere {
        /// Which plan.
        id: String,
        /// Its installation.
        theirs: String,
        /// Its epoch.
        their_epoch: u64,
        /// This installation.
        ours: String,
        /// This epoch.
        our_epoch: u64,
    },
    /// Its day is over.
    #[error(
        "plan {id} expired at {at}, the midnight of the firm: dates and amounts of a new day may differ. Nothing was written. Run `footbridge plan --save` again"
    )]
    Expired {
        /// Which plan.
        id: String,
        /// When.
        at: String,
    },
    /// Somebody took it back.
    #[error(
        "plan {id} was withdrawn by {by}. Nothing was written. Run `footbridge plan --save` again"
    )]
    Withdrawn {
        /// Which plan.
        id: String,
        /// Who.
        by: String,
    },
    /// Nobody said yes to it.
    #[error(
        "plan {id} is not approved. Nothing was written. Read it with `footbridge plan show {id}`, then `footbridge plan approve {id}`"
    )]
    NotApproved {
        /// Which plan.
        id: String,
    },
    /// It has nothing to carry out.
    #[error("the plan would write nothing, so there is nothing to save")]
    Empty,
    /// Names that stand for nothing in it.
    #[error(
        "nothing in the plan is about {names}. Give the id of a record or of an operation as the plan shows it"
    )]
    NotInIt {
        /// What was given.
        names: String,
    },
    /// An approved operation isn't in the plan.
    #[error(
        "plan {id} was approved with operation {op}, which it doesn't have. Nothing was written. Approve it again"
    )]
    OpGone {
        /// Which plan.
        id: String,
        /// Which operation.
        op: String,
    },
    /// What is kept isn't what its id says.
    #[error(
        "plan {id} is not as it was saved: {why}. Nothing was written. Run `footbridge plan --save` again"
    )]
    Changed {
        /// Which plan.
        id: String,
        /// What is wrong.
        why: String,
    },
}
