//! What passes between host and plugins, as in `wit/`, in host types. The sandbox converts; nobody else knows WIT.

use crate::failure::{Failure, Problem};
use serde::{Deserialize, Serialize};

/// `schema.description`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The provider profile the connector was written for.
    pub provider: String,
    /// What it knows.
    pub objects: Vec<ObjectDescription>,
}

/// `schema.object`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDescription {
    /// Its name.
    pub name: String,
    /// Its described fields.
    pub fields: Vec<FieldDescription>,
    /// Whether further fields can be asked for.
    pub open: bool,
    /// Natural keys.
    pub natural_keys: Vec<String>,
    /// Most operations in one request; 0 if it can't be written.
    pub batch_size: u32,
    /// Natural keys whose uniqueness the far side enforces.
    pub unique_keys: Vec<String>,
    /// Whether it has a feed.
    pub feed: bool,
}

/// `schema.field`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDescription {
    /// The path.
    pub path: String,
    /// `text`, `decimal`, `date`, `instant`, `boolean`, `id`, `list`, `structure`.
    pub kind: String,
    /// Most characters.
    pub max_length: Option<u32>,
    /// Whether a create must carry it.
    pub required: bool,
    /// Whether it is money.
    pub money: bool,
}

/// `types.item`: one record as the far side reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The object.
    pub object: String,
    /// The far side's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Whether it exists.
    pub presence: Presence,
    /// The record, canonical JSON without number tokens.
    pub doc: String,
}

/// `types.presence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It exists.
    Present,
    /// Deleted there.
    Deleted,
    /// Archived there.
    Archived,
    /// Merged into this id.
    MergedInto(String),
}

/// `feed.request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRequest {
    /// The object.
    pub object: String,
    /// The cursor to go on from.
    pub cursor: Option<String>,
    /// Most items wanted.
    pub limit: u32,
    /// Extra paths.
    pub fields: Vec<String>,
}

/// `feed.page`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// The next cursor.
    pub next: Option<String>,
    /// Nothing more now.
    pub complete: bool,
}

/// `lookup.criteria`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    /// The object.
    pub object: String,
    /// A natural key.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
    /// Ids of parents that the search may be narrowed to.
    pub parents: Vec<String>,
    /// Changed at or after, RFC 3339 UTC.
    pub changed_since: Option<String>,
    /// Extra paths.
    pub fields: Vec<String>,
}

/// `lookup.found`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The items.
    pub items: Vec<Item>,
    /// Whether a missing one is proven absent.
    pub complete: bool,
}

/// `counts.pace`: how often counting is worth its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// In each run.
    EachRun,
    /// In the first run of the organisation's day.
    Daily,
}

/// `counts.countable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countable {
    /// The object.
    pub object: String,
    /// How often.
    pub pace: Pace,
}

/// `counts.tally`: how many records of an object the connection's user can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The object.
    pub object: String,
    /// The count, or why there is none.
    pub records: Result<u64, Problem>,
}

/// `setup.organisation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationFound {
    /// The far side's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Sandbox or demo company.
    pub test: bool,
    /// For ledgers, `organisation` of the vocabulary.
    pub doc: String,
}

/// `writes.action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes a record.
    Create,
    /// Changes a record.
    Update,
}

/// `writes.operation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The host's id.
    pub id: String,
    /// What to do.
    pub action: Action,
    /// The object.
    pub object: String,
    /// The far id, for updates.
    pub target: Option<String>,
    /// The fields, references resolved, canonical JSON without number tokens.
    pub doc: String,
}

/// `writes.method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE, only where the provider's profile names the path for it.
    Delete,
}

impl Method {
    /// As HTTP spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// `writes.write-request`: what is journalled and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// The service.
    pub service: String,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query.
    pub query: Vec<(String, String)>,
    /// Headers without credentials and key.
    pub headers: Vec<(String, String)>,
    /// The body's type.
    pub content_type: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// The operations it carries.
    pub operations: Vec<String>,
}

/// `writes.answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// JSON without number tokens, or text.
    pub body: String,
    /// Whether the body is such JSON.
    pub json: bool,
}

/// `writes.outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The operation.
    pub operation: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// `writes.verdict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was written.
    Applied(Applied),
    /// It was not, or nobody knows.
    Failed(Failure),
}

/// `writes.applied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The far id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// As reported, canonical JSON.
    pub doc: String,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// `transform.description`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformDescription {
    /// Source object and the paths read.
    pub reads: Vec<(String, Vec<String>)>,
    /// Target object and the paths written.
    pub writes: Vec<(String, Vec<String>)>,
}

/// `transform.batch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformBatch {
    /// The operator's settings.
    pub settings: String,
    /// RFC 3339 UTC.
    pub as_of: String,
    /// `YYYY-MM-DD`.
    pub local_date: String,
    /// The records: object, id, canonical JSON.
    pub inputs: Vec<(String, String, String)>,
}

/// `transform.draft`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The kind.
    pub object: String,
    /// The wanted record, canonical JSON.
    pub doc: String,
}
