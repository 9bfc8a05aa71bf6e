//! What the engine needs from outside, as it wants it: connectors, transforms, the way out for writes, and time.
//!
//! `host/sandbox` implements these with components and the broker; the engine's tests with plain Rust.

use crate::storage::Kept;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use footbridge_model::failure::{Failure, Problem};
use footbridge_model::id::{ConnectionId, FlowName, PluginDigest};
use footbridge_model::plugin::{
    Answer, Countable, Criteria, Description, Draft, FeedRequest, Found, Operation,
    OrganisationFound, Outcome, Page, Tally, TransformBatch, TransformDescription, WriteRequest,
};

/// Why a call into a plugin gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin said what went wrong, typed.
    #[error("{}", .0.problem.message)]
    Failure(Failure),
    /// The plugin trapped, ran into a limit, or answered nonsense. The host stays up; the plugin gets a strike.
    #[error("plugin {plugin} {what}")]
    Plugin {
        /// Its name.
        plugin: String,
        /// What it did: `trapped: unreachable`, `used more than 500 ms of CPU`, `answered for an operation that wasn't asked`.
        what: String,
    },
}

/// One connector on one connection.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The digest of the component, noted in the journal.
    fn digest(&self) -> PluginDigest;
    /// What it knows.
    async fn describe(&self) -> Result<Description, CallError>;
    /// Organisations behind the connection.
    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError>;
    /// One page of changes, with what the plugin kept in its storage while it read: to be committed with the page.
    async fn read_changes(&self, request: FeedRequest) -> Result<(Page, Kept), CallError>;
    /// Records by id.
    async fn fetch(
        &self,
        object: &str,
        ids: Vec<String>,
        fields: Vec<String>,
    ) -> Result<Found, CallError>;
    /// Records by natural key.
    async fn find(&self, criteria: Criteria) -> Result<Found, CallError>;
    /// Objects whose records it can count. Nothing: it counts none.
    async fn countable(&self) -> Result<Vec<Countable>, CallError> {
        Ok(Vec::new())
    }
    /// How many records of these the connection's user can see. The implementation has checked one tally per object.
    async fn count(&self, _objects: Vec<String>) -> Result<Vec<Tally>, CallError> {
        Ok(Vec::new())
    }
    /// Packs operations into requests. The implementation has checked that every id stands in exactly one request.
    async fn prepare(&self, operations: Vec<Operation>) -> Result<Vec<WriteRequest>, CallError>;
    /// Reads an answer. The implementation has checked one outcome per operation; anything else is [`CallError::Plugin`].
    async fn interpret(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Vec<Outcome>, CallError>;
}

/// One transform with its settings.
#[async_trait]
pub trait Transform: Send + Sync {
    /// The digest of the component.
    fn digest(&self) -> PluginDigest;
    /// What it reads and writes under these settings.
    async fn describe(&self, settings: &str) -> Result<TransformDescription, TransformError>;
    /// One result per input, in order.
    async fn apply(
        &self,
        batch: TransformBatch,
    ) -> Result<Vec<Result<Vec<Draft>, Problem>>, CallError>;
}

/// Why a transform can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// Its settings are wrong; each problem names line and key.
    #[error("the mapping is wrong:{}", told(.0))]
    Settings(Vec<Problem>),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Each problem on a line of its own, with the field where the message doesn't name it.
fn told(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| match &problem.field {
        Some(field) if !problem.message.contains(field.as_str()) => {
            format!("\n  {field}: {}", problem.message)
        }
        _ => format!("\n  {}", problem.message),
    });
    lines.collect()
}

/// How a write went, as far as the wire tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The far side answered.
    Answered(Answer),
    /// Refused before the first byte left: by grant, address, budget or no connection. It had no effect.
    NotSent {
        /// Why, for people.
        why: String,
        /// Seconds until it is worth trying again, if only time is missing.
        retry_after_seconds: Option<u32>,
    },
    /// Bytes left and no whole answer came back: the effect is unknown.
    Lost {
        /// What was seen: a time-out, a cut connection.
        why: String,
    },
}

/// What is left of a connection's allowance, as far as the far side itself has said. None: not said yet, or without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct CallsLeft {
    /// Calls of this minute.
    pub minute: Option<u32>,
    /// Calls of this day.
    pub day: Option<u32>,
}

/// The way out for writes: the broker attaches credential and key, checks grant and address, keeps the budget.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Sends exactly these bytes under this idempotency key. Survives the caller: the answer is delivered or lost, never half.
    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent;

    /// Why this flow may send nothing more: who stopped it, and what for. Asked before each request's first byte, so it must be quick.
    fn stopped(&self, _flow: &FlowName) -> Option<String> {
        None
    }

    /// What is left of a connection's allowance, for people.
    fn left(&self, _connection: &ConnectionId) -> CallsLeft {
        CallsLeft::default()
    }
}

/// Time, so that tests can hold it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall clock.
    fn now(&self) -> DateTime<Utc>;
    /// Waits.
    async fn sleep(&self, duration: std::time::Duration);
}
