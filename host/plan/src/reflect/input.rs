//! What the planner is given to show receivables in the CRM: gathered by the engine, nothing is looked up here.

use super::standing::Standing;
use crate::sent::Sent;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId};
use footbridge_model::ledger;
use footbridge_model::plan::AsOf;
use footbridge_model::receivable::DocumentId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The rules of a flow's way back, as the operator sets them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReflectPolicy {
    /// Codes of ledger accounts that stand for giving up: what is settled against them counts as written off.
    pub write_off_accounts: BTreeSet<String>,
    /// Opens a document in the ledger, by kind: the id is appended.
    pub links: BTreeMap<String, String>,
}

/// One round.
#[derive(Debug, Clone)]
pub struct ReflectInput<'a> {
    /// The flow's name.
    pub flow: FlowName,
    /// When; overdue is as of its local date.
    pub as_of: AsOf,
    /// The rules.
    pub policy: &'a ReflectPolicy,
    /// The ledger's firm.
    pub organisation: &'a ledger::Organisation,
    /// The CRM's connection and organisation.
    pub crm: (ConnectionId, OrganisationId),
    /// The ledger's connection and organisation.
    pub ledger: (ConnectionId, OrganisationId),
    /// Documents to look at.
    pub documents: Vec<Given>,
    /// Balances to look at.
    pub balances: Vec<GivenBalance>,
    /// Customers of the documents and balances, by the ledger's id.
    pub customers: BTreeMap<String, GivenCustomer>,
    /// What the CRM shows, by natural key: of every document, payment, allocation and balance here, and of invoices that credits
    /// here are set against.
    pub shown: BTreeMap<String, Shown>,
    /// Natural keys, (object, key), with a write that is not resolved.
    pub unresolved: BTreeSet<(String, String)>,
}

/// A document with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Given {
    /// Which one.
    pub id: DocumentId,
    /// As the ledger reported it; `None` where it isn't known, a problem where it can't be read.
    pub record: Option<Result<LedgerDocument, Problem>>,
    /// Its payments and refunds, reversed ones too, by the ledger's id.
    pub payments: BTreeMap<String, Result<ledger::Payment, Problem>>,
    /// Of an invoice: the credits set against it. Of a credit: nothing.
    pub credits: BTreeMap<DocumentId, ledger::Credit>,
    /// Of a credit: the invoices that it is set against, by the ledger's id.
    pub invoices: BTreeMap<String, ledger::Invoice>,
    /// The CRM's deal that an invoice of ours bills.
    pub deal: Option<String>,
    /// What it counted for when it was last looked at.
    pub before: Option<Standing>,
    /// The ledger, asked for it by its id, doesn't show it.
    pub not_visible: bool,
    /// Payments that the ledger, asked for them by id, doesn't show.
    pub payments_not_visible: BTreeSet<String>,
}

/// A document of the ledger.
#[derive(Debug, Clone)]
pub enum LedgerDocument {
    /// An invoice.
    Invoice(Box<ledger::Invoice>),
    /// A credit note, overpayment or prepayment.
    Credit(Box<ledger::Credit>),
}

/// A customer's balance in one currency, with what each of its documents counts for.
#[derive(Debug, Clone)]
pub struct GivenBalance {
    /// The ledger's id of the customer.
    pub customer: String,
    /// ISO 4217.
    pub currency: String,
    /// Of all documents of that customer in that currency.
    pub standings: Vec<Standing>,
}

/// A customer of the ledger.
#[derive(Debug, Clone, Default)]
pub struct GivenCustomer {
    /// Its name.
    pub name: Option<String>,
    /// CRM accounts that it is linked to.
    pub accounts: BTreeSet<String>,
}

/// A record of the CRM as last reported.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The CRM's id; `None` where there is no such record (any more).
    pub there: Option<There>,
    /// What was last written or refused.
    pub sent: Option<Sent>,
}

/// A record that exists.
#[derive(Debug, Clone)]
pub struct There {
    /// The CRM's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// As reported; fields that were written and not reported yet are as written.
    pub doc: Document,
}
