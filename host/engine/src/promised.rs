//! Promised: an invoice that a person linked with a deal, and that no sync has linked yet. Whoever names it for another deal hears of it
//! at once, not from the sync, which can obey one of the two only.
//!
//! It decides nothing. What is linked already is found by its link; `items` asks both.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::items::Refusal;
use crate::state::keys;
use footbridge_model::id::RecordId;
use footbridge_model::plan::billing_key;
use footbridge_model::ruling::{Choice, Ruling};
use std::ops::ControlFlow;

impl Engine {
    /// Whether the invoice that a ruling names is to become another deal's, or another part's.
    pub(crate) async fn promised(
        &self,
        sides: &Sides,
        ruling: &Ruling,
        id: &RecordId,
    ) -> Result<Option<Refusal>, EngineError> {
        let invoice = self.state.mirrored(&sides.ledger, "invoice", id.as_str());
        if invoice.await?.is_none() {
            return Ok(None);
        }
        let mut others = Vec::new();
        let range = keys::rulings(self.flow.name.as_str()).range();
        let each = |_, all: Vec<Ruling>| {
            let link = standing_link(all).filter(|other| {
                let same = other.record == ruling.record && other.part == ruling.part;
                !same && names(other, id)
            });
            others.extend(link);
            ControlFlow::Continue(())
        };
        self.state.each(&range, each).await?;
        for other in others {
            // Used: it is linked, with this invoice or, since, with another one.
            let key = billing_key(&other.record, &sides.ledger.1, other.part);
            let link = self.state.link(&key).await?;
            let mut members = link.iter().flat_map(|link| &link.members);
            if members.any(|member| member.record.connection == sides.ledger.0) {
                continue;
            }
            let (object, of) = (other.record.object.as_str(), other.record.id.as_str());
            return Ok(Some(Refusal::Promised {
                record: self.named(&sides.ledger, "invoice", id.as_str()).await?,
                other: self.named(&sides.source, object, of).await?,
                id: of.to_owned(),
                by: other.by.clone(),
                on: other.at.format("%Y-%m-%d").to_string(),
            }));
        }
        Ok(None)
    }
}

/// The last word on which record it is, unless a later one says that nothing is to be done.
fn standing_link(all: Vec<Ruling>) -> Option<Ruling> {
    let speaks = |ruling: &Ruling| {
        matches!(
            ruling.choice,
            Choice::LinkTo { .. } | Choice::IgnoreOnce | Choice::IgnoreAlways
        )
    };
    let last = all.into_iter().filter(speaks);
    let last = last.max_by_key(|ruling| ruling.at)?;
    matches!(last.choice, Choice::LinkTo { .. }).then_some(last)
}

fn names(ruling: &Ruling, invoice: &RecordId) -> bool {
    matches!(&ruling.choice, Choice::LinkTo { id } if id == invoice)
}
