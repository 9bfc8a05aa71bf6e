//! What a person decided about something that waits. The planner obeys a ruling; nobody else makes one.
//!
//! A ruling answers one item: it names the record, the reason that it answers, the version that the person saw and what the item
//! showed beside it, so that it says nothing about a later, different problem. Next: the engine stores it, the planner reads it
//! with its input.

use crate::called::CustomerName;
use crate::id::{RecordId, RecordKey};
use crate::shown::Shown;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One decision of a person about one record and part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The source record of the item.
    pub record: RecordKey,
    /// Its part, from 1.
    pub part: u32,
    /// The reason that the item waited for, from [`crate::plan::reason`].
    pub reason: String,
    /// What was chosen.
    pub choice: Choice,
    /// The source record's version that the person saw. Another version later: the ruling no longer counts,
    /// unless it is [`Choice::IgnoreAlways`] or [`Choice::LinkTo`].
    pub seen: String,
    /// What the item showed beside the record. Empty in rulings of before it was kept: a yes among them counts for nothing that
    /// had to be shown.
    #[serde(default, skip_serializing_if = "Shown::is_empty")]
    pub shown: Shown,
    /// Who, as the operating system names them.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The CRM's value wins, in one field or in all.
    TakeSource {
        /// The field, dotted; none: all.
        field: Option<String>,
    },
    /// The ledger's value wins, in one field or in all.
    TakeLedger {
        /// The field, dotted; none: all.
        field: Option<String>,
    },
    /// The record is this one of the ledger; the link is made and nothing is written.
    LinkTo {
        /// Its id in the ledger.
        id: RecordId,
    },
    /// The customer is created in the ledger under this name, for its own is taken there. Nothing that exists is renamed.
    CreateAs {
        /// The name.
        name: CustomerName,
    },
    /// Do it although the item warned of it.
    GoAhead,
    /// Nothing, until the record changes.
    IgnoreOnce,
    /// Nothing, for good.
    IgnoreAlways,
}

impl Choice {
    /// The one field that it speaks of, if it does.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::TakeSource { field } | Self::TakeLedger { field } => field.as_deref(),
            _ => None,
        }
    }
}

impl Ruling {
    /// Whether it still speaks of a record at this version. What else it has to have seen is the planner's to compare.
    pub fn counts_at(&self, version: &str) -> bool {
        match self.choice {
            Choice::IgnoreAlways | Choice::LinkTo { .. } => true,
            _ => self.seen == version,
        }
    }
}
