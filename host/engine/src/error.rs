//! What can stop a run, as opposed to one record: each names the thing and the way out.

use crate::ports::{CallError, TransformError};
use footbridge_model::request::IllegalTransition;
use footbridge_store::{BodyError, CommitError, LeaseError, StoreError};

/// Why a run, or a part of it, could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store could not be read.
    #[error("the data directory can't be read: {0}")]
    Store(#[from] StoreError),
    /// The store refused a commit.
    #[error("the data directory refused a change: {0}")]
    Commit(#[from] CommitError),
    /// A body could not be kept or read.
    #[error("the data directory's bodies: {0}")]
    Body(#[from] BodyError),
    /// Another run of the same flow is going on.
    #[error("flow {flow} is already running: {source}. Wait for it, or stop the other process")]
    Busy {
        /// The flow.
        flow: String,
        /// Who holds the lease.
        source: LeaseError,
    },
    /// A person stopped the flow.
    #[error("flow {flow} is stopped and nothing was written: {why}")]
    Stopped {
        /// The flow.
        flow: String,
        /// Who stopped it, when and what for.
        why: String,
    },
    /// The flow has never written, and nobody said yes to its first run.
    #[error(
        "flow {flow} has never written. Run `footbridge plan` and read what it would do; then `footbridge sync --go` does it, or save the plan, approve it and apply it (`footbridge plan --save`). `first-run = \"write\"` in [flows.{flow}.rails] never asks"
    )]
    FirstRun {
        /// The flow.
        flow: String,
    },
    /// A saved plan can't be used as asked.
    #[error(transparent)]
    Plan(#[from] crate::saved::PlanRefusal),
    /// Nothing is written before a person says go.
    #[error(
        "flow {flow} is held and nothing was written: {held}. Then go on with `footbridge sync --go-on`"
    )]
    Held {
        /// The flow.
        flow: String,
        /// Why.
        held: Box<crate::epoch::Held>,
    },
    /// A row that this version doesn't understand.
    #[error(
        "row {key} of the data directory can't be understood: {why}. Was it written by a newer Footbridge? Use that version, or restore a backup"
    )]
    Format {
        /// Which row.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A call into a plugin failed in a way that stops the flow.
    #[error("{connection}, {doing}: {source}")]
    Call {
        /// The connection.
        connection: String,
        /// What was being done.
        doing: String,
        /// What happened.
        source: Box<CallError>,
    },
    /// The transform can't be used.
    #[error("flow {flow}: {source}")]
    Transform {
        /// The flow.
        flow: String,
        /// What is wrong.
        source: Box<TransformError>,
    },
    /// The connection answers for another organisation than the one it is pinned to.
    #[error(
        "{connection} answers for organisation {found:?}, but it is pinned to {pinned:?}. Nothing was written. Check the connection's credential, or make a new data directory for the other organisation"
    )]
    WrongOrganisation {
        /// The connection.
        connection: String,
        /// What it answered.
        found: String,
        /// What it should be.
        pinned: String,
    },
    /// A sandbox or demo company became a live organisation, or the other way round.
    #[error(
        "{connection} answers for {name:?} as {is}, but it was {was} before. Nothing was written. If that is meant, make a new data directory: links and numbers of the one are wrong for the other"
    )]
    OrganisationTurned {
        /// The connection.
        connection: String,
        /// What it is called.
        name: String,
        /// What it was.
        was: &'static str,
        /// What it is.
        is: &'static str,
    },
    /// Many records went at once.
    #[error(
        "flow {flow} stopped, and nothing was written: {what}. If that is right, `footbridge sync --accept-drop` goes on. If not, look whether somebody deleted them or took away the connection's right to see them, and bring them back first"
    )]
    Losses {
        /// The flow.
        flow: String,
        /// What went, by connection and object.
        what: String,
    },
    /// A field that the flow needs can't be read any more.
    #[error(
        "flow {flow} stopped, and nothing was written: {what}. Give the user access to it, or take it out there"
    )]
    FieldGone {
        /// The flow.
        flow: String,
        /// Which field of what, and where the flow names it.
        what: String,
        /// What the far side said.
        source: Box<CallError>,
    },
    /// One side is a sandbox or demo company, the other is live.
    #[error(
        "flow {flow} joins {test} with {live}, and nothing was written. If that is meant, type the live organisation's name into the configuration: [flows.{flow}] mixed = {name:?}"
    )]
    Mixed {
        /// The flow.
        flow: String,
        /// The sandbox or demo company, in words.
        test: String,
        /// The live organisation, in words.
        live: String,
        /// The live organisation's name.
        name: String,
    },
    /// The connection reaches no organisation or several.
    #[error(
        "{connection} reaches {count} organisations; set `organisation = \"...\"` for it to one of: {names}"
    )]
    Organisations {
        /// The connection.
        connection: String,
        /// How many.
        count: usize,
        /// Which.
        names: String,
    },
    /// A record doesn't fit the vocabulary.
    #[error(
        "{connection} reported {object} {id} in a form that can't be used: {why}. Nothing was written for it; report this to the connector's author"
    )]
    Record {
        /// The connection.
        connection: String,
        /// The object.
        object: String,
        /// Which record.
        id: String,
        /// What is wrong.
        why: String,
    },
    /// The way back can't be used with these connectors.
    #[error(
        "flow {flow} can't show receivables in the CRM: {connection} knows no {missing}. Use a connector that does, or take [flows.{flow}.reflect] out"
    )]
    NoReceivables {
        /// The flow.
        flow: String,
        /// The connection.
        connection: String,
        /// The kinds that it doesn't know.
        missing: String,
    },
    /// Setting a far side up came to a stop.
    #[error("{connection} is not set up: {what}")]
    Provision {
        /// The connection.
        connection: String,
        /// Why, and what to do.
        what: String,
        /// What the far side refused, if it did.
        failures: Vec<footbridge_model::Failure>,
    },
    /// The planner made a plan that breaks its own rules.
    #[error(
        "the plan breaks a rule of its own and was not carried out: {0}. This is a defect of Footbridge"
    )]
    Lint(String),
    /// A state machine was asked for a step that doesn't exist.
    #[error("{0}. This is a defect of Footbridge; nothing was sent")]
    Transition(#[from] IllegalTransition),
}

impl EngineError {
    /// A failed call, with what was being done.
    pub(crate) fn call(connection: &str, doing: impl Into<String>, source: CallError) -> Self {
        Self::Call {
            connection: connection.to_owned(),
            doing: doing.into(),
            source: Box::new(source),
        }
    }
}
