//! What the far side refused for good: a record that several deals need, and that nobody's decision row speaks of, is not offered again
//! in the same form on the same day, nor is what a deal that waits for a person is to show. Otherwise each run would send it once more, and be refused once more.
//!
//! It decides nothing about deals; those wait and name what their record was refused for. Next: `execute` asks before it packs.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use chrono::NaiveDate;
use footbridge_model::id::RequestId;
use footbridge_model::plan::{Op, key};
use footbridge_model::receivable::is_receivable;
use serde::{Deserialize, Serialize};

/// `refused`: the last refusal of an operation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// Digest of what was offered.
    doc: String,
    /// The UTC day: the next day it is offered again, for rules of the far side change unseen.
    on: NaiveDate,
    /// In the far side's words.
    pub(crate) message: String,
    /// The request that was answered so. Not in rows of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestId>,
}

impl Engine {
    /// Whether an operation would be offered again in each run: nothing is decided about its record by itself (it is neither a deal nor
    /// one of the way back), or what is decided is a question that brings its deal up again.
    async fn may_be_refused_again(&self, op: &Op) -> Result<bool, EngineError> {
        let deal = self.flow.policy.deal.object.as_str();
        if op.subject.record.object.as_str() != deal {
            return Ok(!is_receivable(op.object.as_str()));
        }
        Ok(self.shows_what_stands(op) && self.asked_beside(op).await?.is_some())
    }

    /// In words, what isn't done where an operation is refused.
    pub(crate) fn left_undone<'a>(&self, op: &'a Op) -> &'a str {
        match op.object.as_str() == self.flow.policy.deal.object {
            true => "The invoice stands, and the deal doesn't show it.",
            false => &op.why,
        }
    }

    /// Notes a refusal, in the commit that settles it.
    pub(crate) async fn note_refusal(
        &self,
        changes: &mut Changes,
        op: &Op,
        request: &RequestId,
        message: String,
    ) -> Result<(), EngineError> {
        if !self.may_be_refused_again(op).await? {
            return Ok(());
        }
        let row = Refused {
            doc: digest(op),
            on: self.clock.now().date_naive(),
            message,
            request: Some(request.clone()),
        };
        changes.put(&keys::refused(self.flow.name.as_str(), &op.id), &row)
    }

    /// Why an operation isn't worth sending today, if it was refused as it is.
    pub(crate) async fn refused_today(&self, op: &Op) -> Result<Option<Refused>, EngineError> {
        if !self.may_be_refused_again(op).await? {
            return Ok(None);
        }
        let key = keys::refused(self.flow.name.as_str(), &op.id);
        let known = self.state.get::<Refused>(&key).await?;
        let today = self.clock.now().date_naive();
        Ok(known
            .map(|(row, _)| row)
            .filter(|row| row.on == today && row.doc == digest(op)))
    }

    /// A person wants everything tried again.
    pub(crate) async fn forget_refusals(&self, changes: &mut Changes) -> Result<(), EngineError> {
        let range = keys::refusals(self.flow.name.as_str()).range();
        for row in self.state.keys(&range).await? {
            changes.delete(&row);
        }
        Ok(())
    }
}

fn digest(op: &Op) -> String {
    key(&[&op.doc.canonical()])
}
