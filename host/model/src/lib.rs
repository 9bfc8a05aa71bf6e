//! The nouns of the flow: what a change, a draft, a plan, a request and an outcome are.
//!
//! Nothing here does IO, knows a vendor, or is async. Read the modules in order: that is the order of the flow.
//! The planner (`host/plan`) turns these into plans, the engine (`host/engine`) makes plans happen.

pub mod apart;
pub mod called;
pub mod document;
pub mod doubt;
pub mod entries;
pub mod failure;
pub mod id;
pub mod ledger;
pub mod link;
pub mod money;
pub mod plan;
pub mod plugin;
pub mod provision;
pub mod receivable;
pub mod remedy;
pub mod request;
pub mod ruling;
pub mod shown;
pub mod write_kind;

pub use called::CustomerName;
pub use document::{Document, DocumentError};
pub use failure::{Failure, FailureKind, Problem};
pub use id::{
    ConnectionId, FlowName, ObjectName, OpId, OrganisationId, PluginDigest, RecordId, RecordKey,
    RequestId,
};
