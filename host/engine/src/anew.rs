//! Anew: a deal that was refused for a cause that the planner checks itself goes back to the planner. The books may have changed between
//! our read and our write; the planner then holds the deal under the cause's own name, and lets it go once the cause is gone.
//!
//! Where the planner sees nothing wrong the invoice is offered once more, as a new request. Refused for the same again, it waits for a
//! person, or until something that the cause may lie in changes: the deal, the organisation's settings, the customer's standing. From
//! `settle`; `gather` brings back what changed.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Pin, Record, Standing};
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::plan::{Note, Op, Subject, key, reason};
use footbridge_model::plugin::Action;
use footbridge_plan::policy::NumberMode;
use footbridge_store::Key;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A number or name that another record has, in the registry of `wit/README.md`.
const NOT_UNIQUE: &str = "not-unique";
/// Causes that the planner looks for in each plan.
const SEEN_BY_THE_PLANNER: [&str; 3] = ["locked-period", "archived", "wrong-currency"];
/// The names under which it holds a deal for one of them.
const HELD_FOR: [&str; 5] = [
    reason::LOCKED_PERIOD,
    reason::CUSTOMER_GONE,
    reason::CUSTOMER_MERGED,
    reason::CURRENCY_NOT_SUBSCRIBED,
    reason::NO_ACCOUNT,
];

/// `anew`: what a part of a deal was refused for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anew {
    deal: RecordKey,
    customer: Option<RecordKey>,
    /// Codes of the causes; each leads to one new try.
    causes: BTreeSet<String>,
    /// Digest of what the causes may lie in, as it was then.
    seen: String,
}

/// Who looks at a refusal next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The planner, in the next run.
    Planner,
    /// A person: the planner saw nothing in the way, and it was refused for the same again.
    PersonAfterAll,
    /// A person: the planner knows nothing of the cause.
    Person,
}

impl Next {
    /// For the end of what is told of the refusal.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Planner => {
                ". The next sync reads both sides again and, if nothing is in the way, offers it once more by itself"
            }
            Self::PersonAfterAll => {
                ". It was refused for that once more, though nothing that a sync reads is in the way: correct it there, then `footbridge items retry`"
            }
            Self::Person => "",
        }
    }
}

/// Whether a number of our counter was refused because another record has it.
pub(crate) fn is_taken(failure: &Failure) -> bool {
    failure.kind == FailureKind::Rejected && failure.problem.code == NOT_UNIQUE
}

impl Engine {
    /// Who looks at a refusal next; the planner at most once for each cause, as long as nothing changes.
    pub(crate) async fn after_refusal(
        &self,
        changes: &mut Changes,
        op: &Op,
        failure: &Failure,
    ) -> Result<Next, EngineError> {
        let Some(cause) = self.cause(op, failure) else {
            return Ok(Next::Person);
        };
        let customer = op.doc.text("customer");
        let customer = customer.or(op.natural_key.parents.first().map(String::as_str));
        let deal = op.subject.record.clone();
        let customer = customer.map(|id| RecordKey {
            connection: op.connection.clone(),
            organisation: op.organisation.clone(),
            object: ObjectName::from("customer"),
            id: RecordId::from(id),
        });
        let seen = self.may_be_why(&deal, customer.as_ref()).await?;
        let key = self.anew_key(&op.subject);
        let known = self.state.get::<Anew>(&key).await?;
        let known = known.map(|(row, _)| row).filter(|row| row.seen == seen);
        let mut causes = known.map(|row| row.causes).unwrap_or_default();
        if !causes.insert(cause.to_owned()) {
            return Ok(Next::PersonAfterAll);
        }
        let row = Anew {
            deal,
            customer,
            causes,
            seen,
        };
        changes.put(&key, &row)?;
        Ok(Next::Planner)
    }

    /// The cause of a refusal, if the planner can tell whether it still stands.
    fn cause<'a>(&self, op: &Op, failure: &'a Failure) -> Option<&'a str> {
        // A refusal of a whole request names no record.
        let is_definite = failure.kind == FailureKind::Rejected && failure.problem.extra.is_none();
        let of_a_deal = op.subject.record.object.as_str() == self.flow.policy.deal.object;
        if !is_definite || !of_a_deal || op.object.as_str() != "invoice" {
            return None;
        }
        let code = failure.problem.code.as_str();
        let counted = matches!(&self.flow.policy.billing.number, NumberMode::Counter { .. })
            && op.action == Action::Create;
        let is_known = SEEN_BY_THE_PLANNER.contains(&code) || (code == NOT_UNIQUE && counted);
        is_known.then_some(code)
    }

    /// Deals that were refused before something changed that the cause may lie in.
    pub(crate) async fn changed_since_refused(&self) -> Result<Vec<String>, EngineError> {
        let mut found = Vec::new();
        for row in self.all_anew().await? {
            if self.may_be_why(&row.deal, row.customer.as_ref()).await? != row.seen {
                found.push(row.deal.id.to_string());
            }
        }
        Ok(found)
    }

    /// All deals that were refused and aren't billed yet.
    pub(crate) async fn refused_before(&self) -> Result<Vec<String>, EngineError> {
        let rows = self.all_anew().await?;
        Ok(rows
            .into_iter()
            .map(|row| row.deal.id.to_string())
            .collect())
    }

    async fn all_anew(&self) -> Result<Vec<Anew>, EngineError> {
        let range = keys::all_anew(self.flow.name.as_str()).range();
        let rows = self.state.all::<Anew>(&range).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The planner needs nothing more of the deal, or has seen the cause itself: what was refused before counts no more.
    pub(crate) fn forget_causes(&self, changes: &mut Changes, note: &Note, standing: Standing) {
        if standing != Standing::Waiting || HELD_FOR.contains(&note.reason.as_str()) {
            changes.delete(&self.anew_key(&note.subject));
        }
    }

    pub(crate) fn anew_key(&self, subject: &Subject) -> Key {
        let flow = self.flow.name.as_str();
        keys::anew(flow, subject.record.id.as_str(), subject.part)
    }

    async fn may_be_why(
        &self,
        deal: &RecordKey,
        customer: Option<&RecordKey>,
    ) -> Result<String, EngineError> {
        let pin = self.state.get::<Pin>(&keys::pin(&self.flow.ledger)).await?;
        let settings = pin.map(|(pin, _)| pin.doc).unwrap_or_default();
        let side = |record: &RecordKey| (record.connection.clone(), record.organisation.clone());
        let row = keys::record(&side(deal), deal.object.as_str(), deal.id.as_str());
        let deal = self.state.get::<Record>(&row).await?;
        let version = deal.map(|(row, _)| row.version).unwrap_or_default();
        let mut standing = String::new();
        if let Some(customer) = customer {
            let (object, id) = (customer.object.as_str(), customer.id.as_str());
            // Not its version: it may change with each invoice.
            if let Some(record) = self.state.mirrored(&side(customer), object, id).await? {
                let status = record.doc.text("status").unwrap_or_default();
                standing = format!("{:?} {status}", record.presence);
            }
        }
        Ok(key(&[&settings, &version, &standing]))
    }
}
