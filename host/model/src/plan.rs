//! What a plan is: a complete, immutable value. The planner makes it, people read it, the executor follows it.

use crate::document::Document;
use crate::id::{ConnectionId, FlowName, ObjectName, OpId, OrganisationId, RecordId, RecordKey};
use crate::plugin::Action;
use crate::shown::Shown;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The instant of a plan, as an input (domain rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// The organisation's local date then.
    pub local_date: NaiveDate,
}

/// What would change, what waits, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The flow.
    pub flow: FlowName,
    /// When it was made; it expires at the organisation's midnight.
    pub as_of: AsOf,
    /// What would be written, parents before children.
    pub ops: Vec<Op>,
    /// What needs nothing, with the reason.
    pub skips: Vec<Note>,
    /// What waits for a person or for time, with the reason.
    pub holds: Vec<Note>,
    /// Records that exist in the ledger and become members of our links. Nothing is written for them.
    #[serde(default)]
    pub adoptions: Vec<Adoption>,
    /// The counter of number mode `counter` once every operation of this plan is sent; else as it was given.
    #[serde(default)]
    pub next_number: u64,
    /// What each invoice of `ops` comes to, in their order, for people: nothing is written from it.
    #[serde(default)]
    pub bills: Vec<Bill>,
}

/// What a planned invoice comes to, as the ledger will work it out (domain rule 6). Amounts are texts with the currency's places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The operation that makes it.
    pub op: OpId,
    /// Whom it bills.
    pub customer: String,
    /// ISO 4217.
    pub currency: String,
    /// Before tax.
    pub sub_total: String,
    /// The tax.
    pub total_tax: String,
    /// With tax.
    pub total: String,
    /// Its lines, in order.
    pub lines: Vec<BillLine>,
    /// Why it is made, in one short sentence. Empty in plans that were saved before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// One line of a [`Bill`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// What is billed.
    pub description: String,
    /// Quantity times price less discount.
    pub amount: String,
    /// The ledger's tax type.
    pub tax_type: String,
    /// Its rate in per cent.
    pub tax_rate: String,
    /// Who decided the tax type: `rule "EU"`, `item "A-1"`.
    pub tax_from: String,
}

/// A ledger record that is recognised as ours or as our customer: the link is made, the record isn't touched.
/// Operations of the same plan already rely on it, so it is stored before the first of them is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// The link that it joins.
    pub link: LinkIntent,
    /// The record.
    pub ledger_record: RecordKey,
    /// The version it was seen at.
    pub version: String,
    /// What it holds, where that is now what the link measures later changes by. None: pending, as for what was only recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
    /// What it is about.
    pub subject: Subject,
    /// Why it is the right one, in words.
    pub why: String,
}

/// A deal (and part of its billing), or another source record, that a note or an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The source record.
    pub record: RecordKey,
    /// Which part of its billing plan, from 1.
    pub part: u32,
    /// What people call it; text from outside.
    pub title: String,
}

impl Subject {
    /// What people call it, with its id: `"Acme" (Account 001...)`.
    pub fn called(&self) -> String {
        let (title, RecordKey { object, id, .. }) = (&self.title, &self.record);
        let part = match self.part {
            0 | 1 => String::new(),
            part => format!(", part {part}"),
        };
        match title.as_str() {
            "" => format!("{object} {id}{part}"),
            title => format!("\"{title}\" ({object} {id}{part})"),
        }
    }
}

/// A skip or a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it is about.
    pub subject: Subject,
    /// Kebab-case code from [`reason`].
    pub reason: String,
    /// What a bookkeeper reads: what was found, where, and what to do next.
    pub message: String,
    /// What of it a person's answer is held against.
    #[serde(default, skip_serializing_if = "Shown::is_empty")]
    pub shown: Shown,
}

/// One write, with all that it expects. The executor makes no choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Its id: the same inputs give the same id.
    pub id: OpId,
    /// Create or update.
    pub action: Action,
    /// Where to.
    pub connection: ConnectionId,
    /// Which organisation.
    pub organisation: OrganisationId,
    /// What.
    pub object: ObjectName,
    /// The far id, for an update.
    pub target: Option<RecordId>,
    /// What finds the record again without its id; at most one unresolved write exists per natural key.
    pub natural_key: NaturalKey,
    /// The wanted fields. `{"$op": "<op id>", "field": "id"}` stands for a field of what an earlier operation reports,
    /// with the text under `"prefix"`, if there is one, put before it.
    pub doc: Document,
    /// What the written fields hold, as the target last reported them: people are shown old and new, the history keeps both.
    /// None where there is no target yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Document>,
    /// Operations that must be applied before.
    pub after: Vec<OpId>,
    /// What the target must look like, else the operation is stale.
    pub expects: Expectation,
    /// The link that the outcome joins.
    pub link: LinkIntent,
    /// What it is about.
    pub subject: Subject,
    /// Why, in words.
    pub why: String,
}

/// A natural key: a field of the object and its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NaturalKey {
    /// As in `schema.object.natural-keys`: `url`, `number`, `id`.
    pub field: String,
    /// The value.
    pub value: String,
    /// Far ids of parents that a read-back may be narrowed to; a reference to an operation is left out.
    #[serde(default)]
    pub parents: Vec<String>,
}

/// What an operation expects of its target at the moment it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// No record with the natural key exists.
    Absent,
    /// The mirror still holds this version of the target.
    Version(String),
}

/// Which link the outcome joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkIntent {
    /// The link's id.
    pub id: String,
    /// The role.
    pub role: crate::link::Role,
    /// The source record, which becomes a member as well.
    pub source: RecordKey,
    /// What was billed, as the planner compares it later: kept, as it is, as the shadow of the source member.
    /// None: that shadow stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_shadow: Option<String>,
}

/// Why a deal has no operation. The codes are part of the product: pages, filters and the demo use them.
pub mod reason {
    /// It became won before the flow went live.
    pub const BEFORE_GO_LIVE: &str = "before-go-live";
    /// Nothing to bill.
    pub const ZERO_AMOUNT: &str = "zero-amount";
    /// Needs a credit note.
    pub const NEGATIVE_AMOUNT: &str = "negative-amount";
    /// The deal's amount isn't the sum of its lines.
    pub const AMOUNT_DIFFERS: &str = "amount-differs";
    /// The deal has no lines and the flow says hold.
    pub const NO_LINES: &str = "no-lines";
    /// An invoice that we didn't make has its customer and total.
    pub const LOOKS_ALREADY_INVOICED: &str = "looks-already-invoiced";
    /// A customer of nearly the same name exists.
    pub const CUSTOMER_LOOKS_EXISTING: &str = "customer-looks-existing";
    /// Another record holds the customer's name.
    pub const CUSTOMER_NAME_CLASH: &str = "customer-name-clash";
    /// The customer was merged away.
    pub const CUSTOMER_MERGED: &str = "customer-merged";
    /// The customer is deleted or archived.
    pub const CUSTOMER_GONE: &str = "customer-gone";
    /// The customer's source record can't be seen.
    pub const CUSTOMER_NOT_VISIBLE: &str = "customer-not-visible";
    /// A field of a customer was changed on both sides.
    pub const CUSTOMER_CONFLICT: &str = "customer-conflict";
    /// A changed invoice e-mail or tax number waits for a person's yes.
    pub const CUSTOMER_NEEDS_APPROVAL: &str = "customer-change-needs-approval";
    /// A field of a customer was changed on the side that doesn't own it.
    pub const CUSTOMER_NOT_OWNED: &str = "customer-change-not-owned";
    /// A field of a customer was emptied, and emptying isn't carried over.
    pub const CUSTOMER_NOT_CLEARED: &str = "customer-change-not-cleared";
    /// The two sides of a customer differed when they were first compared.
    pub const CUSTOMER_DIFFERS: &str = "customer-differs";
    /// A customer is linked with several records of the other side.
    pub const CUSTOMER_LINKED_TWICE: &str = "customer-linked-twice";
    /// Left as it is, as a person decided.
    pub const IGNORED: &str = "ignored";
    /// A tax number of another country and no rule for it.
    pub const FOREIGN_TAX_NUMBER: &str = "foreign-tax-number";
    /// The ledger doesn't have the currency.
    pub const CURRENCY_NOT_SUBSCRIBED: &str = "currency-not-subscribed";
    /// The tax type doesn't exist, isn't for sales, or doesn't fit the account.
    pub const TAX_TYPE_UNFIT: &str = "tax-type-unfit";
    /// The invoice would be dated so far ahead that the date is likely a slip.
    pub const DATE_FAR_AHEAD: &str = "date-far-ahead";
    /// The date lies in a locked or filed period.
    pub const LOCKED_PERIOD: &str = "locked-period";
    /// A line without an account.
    pub const NO_ACCOUNT: &str = "no-account";
    /// The item's code isn't in the ledger.
    pub const ITEM_NOT_FOUND: &str = "item-not-found";
    /// A later part of the billing plan.
    pub const PART_NOT_DUE: &str = "part-not-due";
    /// The billing plan can't be read or doesn't sum up.
    pub const BILLING_PLAN_UNCLEAR: &str = "billing-plan-unclear";
    /// The mapping couldn't handle the record.
    pub const MAPPING_PROBLEM: &str = "mapping-problem";
    /// The transform wrote what it was not granted.
    pub const NOT_GRANTED: &str = "not-granted";
    /// A write to the same record isn't resolved yet.
    pub const UNRESOLVED_WRITE: &str = "unresolved-write";
    /// The deal changed after it was invoiced.
    pub const CHANGED_AFTER_INVOICING: &str = "changed-after-invoicing";
    /// The deal changed, and a person edited its invoice in the ledger.
    pub const INVOICE_EDITED: &str = "invoice-edited";
    /// The deal changed, and its invoice went too far to be edited: a credit note and a new invoice are proposed.
    pub const NEEDS_CREDIT_NOTE: &str = "needs-credit-note";
    /// The deal is no longer won, and an invoice exists for it.
    pub const DEAL_LOST: &str = "deal-lost";
    /// Two records in the ledger carry our key.
    pub const KEY_STANDS_TWICE: &str = "key-stands-twice";
    /// Not won.
    pub const NOT_WON: &str = "not-won";
    /// Billed and unchanged.
    pub const UP_TO_DATE: &str = "up-to-date";
    /// The far side refused it.
    pub const REJECTED: &str = "rejected";
    /// Its effect is unknown.
    pub const IN_DOUBT: &str = "in-doubt";
    /// The ledger made the invoice with other totals than were planned.
    pub const TOTAL_DIFFERS: &str = "total-differs";
    /// The number field is empty. or can't number this invoice.
    pub const NUMBER_MISSING: &str = "number-missing";
    /// Another invoice or deal has the number.
    pub const NUMBER_TAKEN: &str = "number-taken";
    /// The CRM no longer shows the deal, and doesn't say that it is deleted.
    pub const DEAL_NOT_VISIBLE: &str = "deal-not-visible";
    /// The deal is deleted in the source.
    pub const DEAL_DELETED: &str = "deal-deleted";
    /// The invoice was voided or deleted in the ledger.
    pub const INVOICE_VOIDED: &str = "invoice-voided";
    /// A receivable document's amounts don't add up to its total.
    pub const AMOUNTS_DONT_ADD_UP: &str = "amounts-dont-add-up";
    /// What a record needs to say was not reported by the ledger, or can't be read.
    pub const NOT_REPORTED: &str = "not-reported";
    /// A document in a foreign currency without its rate.
    pub const NO_RATE: &str = "no-rate";
    /// The ledger no longer shows a record, and doesn't say that it is gone.
    pub const NOT_VISIBLE: &str = "not-visible";
    /// It needs a record that isn't there yet.
    pub const WAITS_FOR_ANOTHER: &str = "waits-for-another";
    /// The flow's pilot leaves it out.
    pub const OUTSIDE_PILOT: &str = "outside-pilot";
    /// A run writes no more than the flow lets it; the next one goes on here.
    pub const OVER_THE_CAP: &str = "over-the-cap";
    /// The invoice is larger than the flow makes unasked.
    pub const NEEDS_APPROVAL: &str = "needs-approval";
    /// Something in the CRM changes what is written there.
    pub const REWRITTEN: &str = "rewritten-over-there";
    /// It could not be written now, for a reason that passes.
    pub const TRY_AGAIN: &str = "try-again";
}

/// The link id of one part of a deal's billing: the same for ever, whatever happens to the deal.
pub fn billing_key(deal: &RecordKey, ledger: &OrganisationId, part: u32) -> String {
    key(&[
        "billing",
        &deal.organisation.to_string(),
        deal.object.as_str(),
        deal.id.as_str(),
        ledger.as_str(),
        &part.to_string(),
    ])
}

/// The link id of a customer.
pub fn customer_key(source: &RecordKey, ledger: &OrganisationId) -> String {
    key(&[
        "customer",
        &source.organisation.to_string(),
        source.object.as_str(),
        source.id.as_str(),
        ledger.as_str(),
    ])
}

/// 32 hex digits of a digest over length-prefixed parts.
pub fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect()
}
