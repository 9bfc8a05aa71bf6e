//! `provision` of the contract in host types: how a far side stands to what we need of it.

use crate::failure::{Failure, Problem};
use crate::plugin::WriteRequest;
use serde::{Deserialize, Serialize};

/// What the far side shall be like afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Everything that we need is there.
    Present,
    /// Everything that we made is gone.
    Absent,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A kind of records.
    Object,
    /// A field of one.
    Field,
    /// The way to an object in the menu.
    Tab,
    /// A page layout of our own.
    Layout,
    /// Rights.
    PermissionSet,
    /// Rights given to a user.
    Assignment,
    /// A list view.
    ListView,
    /// A list of our records on somebody else's page.
    RelatedList,
    /// A folder of reports.
    ReportFolder,
    /// A report.
    Report,
}

impl PartKind {
    /// As people read it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Field => "field",
            Self::Tab => "tab",
            Self::Layout => "page layout",
            Self::PermissionSet => "permission set",
            Self::Assignment => "assignment",
            Self::ListView => "list view",
            Self::RelatedList => "related list",
            Self::ReportFolder => "report folder",
            Self::Report => "report",
        }
    }
}

/// One difference, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What differs.
    pub what: String,
    /// As it is.
    pub old: String,
    /// As it shall be.
    pub new: String,
}

/// How a part stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// As wished.
    Present,
    /// Will be made, or under the wish `Absent` be deleted.
    Missing,
    /// Will be changed so.
    Differs(Vec<Change>),
    /// Not ours to change, or not possible; the message says what a person does instead.
    Cannot(Problem),
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// The far side's name.
    pub name: String,
    /// For people.
    pub label: String,
    /// How it stands.
    pub state: PartState,
    /// What goes along with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Part {
    /// Whether something would be done about it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, PartState::Missing | PartState::Differs(_))
    }
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Every part.
    pub parts: Vec<Part>,
    /// What may be sent now; `operations` name the parts.
    pub next: Vec<WriteRequest>,
    /// A change that is under way already.
    pub under_way: Option<String>,
    /// Worth knowing before a yes.
    pub notes: Vec<String>,
}

impl Findings {
    /// Whether nothing is left to do that could be done.
    pub fn is_done(&self) -> bool {
        self.under_way.is_none() && !self.parts.iter().any(Part::is_open)
    }
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It took effect.
    Done,
    /// The far side works on it.
    UnderWay {
        /// Finds it again.
        handle: String,
        /// Steps done.
        done: u32,
        /// Steps in all.
        total: u32,
    },
    /// It had no effect.
    Failed(Vec<Failure>),
    /// Nobody knows; a look at how things stand tells.
    Unknown(String),
}
