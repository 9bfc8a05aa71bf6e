//! What the planner is given: everything it may know, gathered by the engine. It never looks anything up.

use crate::policy::FlowPolicy;
use crate::sent::Sent;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId, RecordKey};
use footbridge_model::ledger;
use footbridge_model::link::Link;
use footbridge_model::plan::AsOf;
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::Ruling;
use std::collections::{BTreeMap, BTreeSet};

/// One planning round of one flow.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// The flow's name.
    pub flow: FlowName,
    /// When.
    pub as_of: AsOf,
    /// The flow's rules.
    pub policy: &'a FlowPolicy,
    /// The ledger's firm.
    pub organisation: &'a ledger::Organisation,
    /// The source connection and its organisation.
    pub source: (ConnectionId, OrganisationId),
    /// The ledger connection and its organisation.
    pub ledger: (ConnectionId, OrganisationId),
    /// The deals to look at: changed ones and waiting ones.
    pub deals: Vec<Source>,
    /// Records that the deals' drafts refer to, by (object, id).
    pub customers: BTreeMap<(String, String), Source>,
    /// What the ledger holds, as far as it can matter for these deals: candidates by number, by exact and by loose
    /// name for each customer; invoices of each linked or matched customer of the last days that the policy asks for,
    /// and invoices that carry one of our keys.
    pub observed: Observed,
    /// Links of the deals and customers.
    pub links: Vec<Link>,
    /// What people decided about items of these records, by record and part.
    pub rulings: BTreeMap<(RecordKey, u32), Vec<Ruling>>,
    /// Natural keys (object, field, value) with a write that is not resolved.
    pub unresolved: BTreeSet<(String, String, String)>,
    /// What was last written to the deals, by the link whose invoice they show.
    pub sent: BTreeMap<String, Sent>,
    /// Source records of these customers' names, (object, id), that are not among `customers` but need a ledger record
    /// of the same loose name as well.
    pub namesakes: Vec<Source>,
    /// The next value of the flow's own number counter, in number mode `counter`.
    pub next_number: u64,
    /// Opens a source record in the CRM: the id is appended. Part of our key in the ledger.
    pub record_url: String,
}

/// A source record with what the transform made of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Which record.
    pub record: RecordKey,
    /// Its version.
    pub version: String,
    /// Whether it exists.
    pub presence: Presence,
    /// As the source reported it.
    pub doc: Document,
    /// What the transform wants of the ledger: object and document, or why it can't say.
    pub drafts: Result<Vec<(String, Document)>, Problem>,
}

/// The ledger's side.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Candidate customers by id.
    pub customers: BTreeMap<String, Seen<ledger::Customer>>,
    /// Invoices by id.
    pub invoices: BTreeMap<String, Seen<ledger::Invoice>>,
    /// All items by code.
    pub items: BTreeMap<String, ledger::Item>,
    /// All accounts by code.
    pub accounts: BTreeMap<String, ledger::Account>,
    /// All tax rates by tax type.
    pub tax_rates: BTreeMap<String, ledger::TaxRate>,
}

/// A record as last reported.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// Its version.
    pub version: String,
    /// Whether it exists.
    pub presence: Presence,
    /// What was reported.
    pub value: T,
}
