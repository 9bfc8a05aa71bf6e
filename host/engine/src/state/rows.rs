//! Stored formats, version 1. A change comes with a migration and an old fixture.

use chrono::{DateTime, Utc};
use footbridge_model::failure::FailureKind;
use footbridge_model::id::{
    ConnectionId, FlowName, OpId, OrganisationId, RecordId, RecordKey, RequestId,
};
use footbridge_model::plan::{Op, Subject};
use footbridge_model::plugin::{Method, Presence};
use footbridge_model::request::RequestState;
use footbridge_model::shown::Shown;
use serde::{Deserialize, Serialize};

/// The version of every row here.
pub(crate) const FORMAT: u32 = 1;

/// A row with its format's version.
#[derive(Serialize, Deserialize)]
pub(crate) struct Versioned<T> {
    pub(crate) v: u32,
    pub(crate) row: T,
}

/// A text, small or kept as a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Text {
    Inline(String),
    /// The digest of a body.
    Body(String),
}

/// `pin`: which organisation a connection belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) organisation: String,
    pub(crate) name: String,
    pub(crate) test: bool,
    pub(crate) doc: String,
}

/// `cursor`: where reading goes on. One of another epoch counts for nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) epoch: u64,
    pub(crate) next: Option<String>,
    /// Everything there was had been read at least once in this epoch.
    pub(crate) complete: bool,
    /// All is being read again, and what is no longer listed counts as lost: cut short, it begins anew.
    #[serde(default)]
    pub(crate) again: bool,
    /// The paths that were asked for; other paths start over.
    pub(crate) fields: Vec<String>,
}

/// `losses`: records of an object that went since the last run that went on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// The object.
    pub(crate) object: String,
    /// Reported as deleted, archived, merged or voided.
    pub(crate) gone: u64,
    /// No longer listed when all was read again, of so many that were known.
    pub(crate) unlisted: u64,
    pub(crate) known: u64,
    /// Ids of the first ones.
    pub(crate) examples: Vec<String>,
}

/// `visible`: how many records of an object a side's user can see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visible {
    /// In the last run that went on; none before the first count.
    pub(crate) seen: Option<u64>,
    /// The organisation's day on which it was asked for last, where that is done once a day.
    pub(crate) day: Option<String>,
    /// Why there is no count any more, as it was noted in the journal.
    pub(crate) unknown: Option<String>,
    /// So many were missing, and no person has said yet that it is right.
    pub(crate) fell: Option<Fell>,
}

/// A count that fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fell {
    /// So many there should have been.
    pub(crate) from: u64,
    /// So many there were.
    pub(crate) to: u64,
}

/// `record`: as last reported.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: String,
    pub(crate) presence: Presence,
    pub(crate) doc: Text,
}

/// `due`: a changed source record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) version: String,
}

/// How a part of a source record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Needs nothing until it changes.
    Skipped,
    /// Waits for time or a person; looked at in every run.
    Waiting,
    /// The far side refused it; looked at again when it changes or a person says so.
    Refused,
    /// Written, by us.
    Applied,
}

impl Standing {
    /// For time, a person, or a change.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Waiting | Self::Refused)
    }
}

/// `decision`: what was decided last about one part of a source record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// How it stands.
    pub standing: Standing,
    /// What it is about.
    pub subject: Subject,
    /// Kebab-case code.
    pub reason: String,
    /// In words.
    pub message: String,
    /// Since when.
    pub at: DateTime<Utc>,
    /// The request that it comes from, where there was one: its answer is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// What a person's answer to it is held against.
    #[serde(default, skip_serializing_if = "Shown::is_empty")]
    pub shown: Shown,
    /// The write to the deal that goes on while this waits, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// A write to a deal that isn't the end of what the deal waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Which operation.
    pub op: OpId,
    /// What the deal waits for, in words.
    pub asked: String,
    /// Why the far side did not take it, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// `request`: the journalled unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The flow.
    pub flow: FlowName,
    /// Where to.
    pub connection: ConnectionId,
    /// Which organisation.
    pub organisation: OrganisationId,
    /// What the idempotency key is.
    pub key: String,
    /// The digest of the connector that prepared it.
    pub plugin: String,
    /// Where it stands.
    pub state: RequestState,
    /// Why it is in doubt, if it is.
    pub doubt: Option<Doubt>,
    /// First sent at, wall clock: durable before the first byte. Before that the intent's instant.
    pub started_at: DateTime<Utc>,
    /// Last sent at, wall clock: since then the far side may be working on it.
    pub last_sent_at: DateTime<Utc>,
    /// The latest instant at which this row was written. A clock that shows less has gone back.
    pub(crate) seen_at: DateTime<Utc>,
    /// The epoch that it was begun in. Rows from before it was noted say 0 and are of the first.
    #[serde(default)]
    pub(crate) epoch: u64,
    /// The clock went back since it was first sent, so that its age isn't known: it is never sent again.
    pub(crate) clock_went_back: bool,
    /// How often it was sent.
    pub sends: u32,
    /// The call, without its body.
    pub(crate) head: Head,
    /// Digest of the exact body.
    pub(crate) body: String,
    /// Digest of the operations (a JSON list) that it carries, in order.
    pub(crate) ops: String,
    /// Operations without a final outcome.
    pub open: Vec<OpId>,
    /// Digest of the answer, once there is one.
    pub(crate) answer: Option<String>,
}

/// A request without its body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) service: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: String,
    pub(crate) operations: Vec<String>,
}

/// Why a request is in doubt. Matters for what absence proves later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Doubt {
    /// What was seen.
    pub why: String,
    /// Whether the far side itself had finished with the request.
    pub ended: Ended,
}

impl Doubt {
    /// This doubt about a request that was in doubt before: an answer to the second sending says nothing about the end of the first.
    pub(crate) fn after(mut self, earlier: Option<&Doubt>) -> Self {
        if earlier.is_some_and(|doubt| doubt.ended == Ended::Unknown) {
            self.ended = Ended::Unknown;
        }
        self
    }
}

/// Whether the far side had finished with a request whose effect is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It answered, so nothing of it can happen later.
    Answered,
    /// It may still be running.
    Unknown,
}

/// `target`: the request that holds a natural key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) request: RequestId,
}

/// `ours`: the deal that a billing key was sent for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ours {
    pub(crate) deal: RecordId,
}

/// `stranger`: invoices with our keys that somebody else made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stranger {
    pub(crate) since: DateTime<Utc>,
    /// The first ones, by their ids.
    pub(crate) invoices: Vec<String>,
    pub(crate) count: usize,
}

/// `double`: an invoice that turned up under a key that was billed here with another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Double {
    /// When it turned up.
    pub(crate) at: DateTime<Utc>,
    pub(crate) key: String,
    pub(crate) deal: String,
    pub(crate) invoice: String,
}

/// `run`: the last run of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// What it did.
    pub report: crate::sync::RunReport,
}

/// `reread`: a record of the ledger that has to be read again by its id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reread {
    /// Whatever the mirror says.
    pub(crate) forced: bool,
    /// It was asked for, and the ledger didn't show it.
    pub(crate) not_shown: bool,
}

/// `stood`: what a document counts for, and from when it is worth a look, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stood {
    pub(crate) standing: footbridge_plan::reflect::Standing,
    pub(crate) sweep_from: Option<u64>,
}

/// `event`: one line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of thing happened.
    pub what: Happened,
    /// In words.
    pub text: String,
    /// The request, if it is about one.
    pub request: Option<RequestId>,
    /// The source record, if it is about one.
    pub subject: Option<RecordKey>,
}

/// What the journal tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// A request was about to be sent.
    Intent,
    /// It was answered.
    Answer,
    /// Its effect became unknown.
    Doubt,
    /// It was sent again under its key.
    Resent,
    /// An operation was applied.
    Applied,
    /// An operation was found at the far side and adopted.
    Adopted,
    /// An operation failed.
    Failed(FailureKind),
    /// Two existing records were linked.
    Linked,
    /// A person said go where a flow was held.
    Resumed,
    /// An invoice with our key turned up that was not made here.
    Stranger,
    /// A person decided about an item.
    Ruled,
    /// A person said so.
    Said,
    /// Records can't be counted, so what is hidden is not noticed.
    Uncounted,
}

/// `ops` body: the operations of a request.
pub(crate) type Ops = Vec<Op>;
