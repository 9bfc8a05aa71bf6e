//! One flow with all that it works with. The steps are in files of their own; this one only holds them together.
//!
//! It makes no decision. `sync` says in which order the steps run.

use crate::awake::Awake;
use crate::check;
use crate::config::FlowConfig;
use crate::error::EngineError;
use crate::ports::{Clock, Connector, Outbound, Transform};
use crate::state::State;
use crate::state::keys::Side;
use crate::watch::Watch;
use footbridge_model::id::ConnectionId;
use footbridge_model::ledger::Organisation;
use footbridge_store::{Bodies, Store};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a flow works with.
pub struct Parts {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Bodies beside the rows.
    pub bodies: Arc<Bodies>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub watch: Arc<dyn Watch>,
    /// The CRM's connector.
    pub source: Arc<dyn Connector>,
    /// The ledger's connector.
    pub ledger: Arc<dyn Connector>,
    /// The mapping.
    pub transform: Arc<dyn Transform>,
    /// The way out for writes.
    pub outbound: Arc<dyn Outbound>,
}

/// Work that was begun. Boxed at the door, so that all behind it is compiled in this crate once, and not again in each that awaits it.
pub(crate) type Underway<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// One flow, ready to run.
pub struct Engine {
    pub(crate) flow: FlowConfig,
    pub(crate) state: State,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) source: Arc<dyn Connector>,
    pub(crate) ledger: Arc<dyn Connector>,
    pub(crate) transform: Arc<dyn Transform>,
    pub(crate) outbound: Arc<dyn Outbound>,
    /// Paths wanted of each source object, sorted.
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    /// Natural keys whose uniqueness the far side enforces, by object.
    pub(crate) unique: BTreeMap<String, Vec<String>>,
    /// What the way back reads, where it is switched on.
    pub(crate) back: Option<Back>,
    pub(crate) awake: Arc<Awake>,
    /// A person said go, and the run that follows has not read yet: what others made until then is what they spoke of.
    pub(crate) said_go: AtomicBool,
}

/// Objects that the way back reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Back {
    /// Of the ledger, beyond customers and invoices: credits, and payments last.
    pub(crate) ledger: Vec<String>,
    /// Of the CRM: those whose changes can be read.
    pub(crate) crm: Vec<String>,
}

/// Both sides of a flow with their organisations.
#[derive(Debug, Clone)]
pub(crate) struct Sides {
    pub(crate) source: Side,
    pub(crate) ledger: Side,
    pub(crate) organisation: Organisation,
    /// Set if one side is a sandbox or demo company and the other is live.
    pub(crate) mixed: Option<Mixed>,
}

/// A sandbox or demo company beside a live organisation: connection and name of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mixed {
    pub(crate) test: (ConnectionId, String),
    pub(crate) live: (ConnectionId, String),
}

impl Engine {
    /// Checks the mapping against both connectors and makes the flow ready. Nothing is read from or written to the far sides.
    pub async fn open(flow: FlowConfig, parts: Parts) -> Result<Self, EngineError> {
        let checked = check::settings(&flow, &parts).await?;
        Ok(Self {
            state: State {
                store: parts.store,
                bodies: parts.bodies,
            },
            clock: parts.clock,
            watch: parts.watch,
            source: parts.source,
            ledger: parts.ledger,
            transform: parts.transform,
            outbound: parts.outbound,
            fields: checked.fields,
            unique: checked.unique,
            back: checked.back,
            awake: Arc::default(),
            said_go: AtomicBool::new(false),
            flow,
        })
    }

    pub(crate) fn connector(&self, connection: &ConnectionId) -> &Arc<dyn Connector> {
        if *connection == self.flow.source {
            &self.source
        } else {
            &self.ledger
        }
    }

    pub(crate) fn fields_of(&self, object: &str) -> &[String] {
        self.fields.get(object).map_or(&[], Vec::as_slice)
    }
}
