//! Shown: what a write's outcome says about a record of the CRM. The record enters the mirror as written, with what the CRM reported
//! of it over that; the feed brings the rest, and what the organisation made of it (domain rule 10).
//!
//! What was written is kept beside it: a field that the CRM doesn't report is what was written, and the same written three times in a
//! day shows that something over there changes it back.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys::{self, Side};
use footbridge_model::document::Document;
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::plan::Op;
use footbridge_model::plugin::{Applied, Item, Presence};
use footbridge_plan::sent::Sent;

impl Engine {
    /// The CRM took it.
    pub(crate) async fn is_shown(
        &self,
        changes: &mut Changes,
        side: &Side,
        op: &Op,
        applied: &Applied,
    ) -> Result<(), EngineError> {
        let object = op.object.as_str();
        let known = match &op.target {
            Some(target) => self.state.mirrored(side, object, target.as_str()).await?,
            None => None,
        };
        let reported = Document::from_plugin(&applied.doc).unwrap_or(Document::Null);
        let mut fields = std::collections::BTreeMap::new();
        for doc in [
            known.map(|known| known.doc),
            Some(op.doc.clone()),
            Some(reported),
        ] {
            if let Some(Document::Object(more)) = doc {
                fields.extend(more);
            }
        }
        let item = Item {
            object: object.to_owned(),
            id: applied.id.clone(),
            version: applied
                .version
                .clone()
                .unwrap_or_else(|| format!("written by {}", op.id)),
            presence: Presence::Present,
            doc: Document::Object(fields).canonical(),
        };
        self.state.mirror(side, &item, changes).await?;
        self.note_sent(changes, side, op, false).await?;
        let flow = self.flow.name.as_str();
        changes.delete(&keys::decision(flow, &op.subject.record, op.subject.part));
        Ok(())
    }

    /// The CRM did not take it, and won't as it is.
    pub(crate) async fn is_refused(
        &self,
        changes: &mut Changes,
        side: &Side,
        op: &Op,
        failure: &Failure,
    ) -> Result<(), EngineError> {
        match failure.kind {
            FailureKind::Rejected | FailureKind::NeedsPerson => {
                self.note_sent(changes, side, op, true).await
            }
            _ => Ok(()),
        }
    }

    async fn note_sent(
        &self,
        changes: &mut Changes,
        side: &Side,
        op: &Op,
        refused: bool,
    ) -> Result<(), EngineError> {
        let Some(wanted) = op.link.source_shadow.clone() else {
            return Ok(());
        };
        let key = keys::sent(side, op.object.as_str(), &op.natural_key.value);
        let day = self.clock.now().date_naive();
        let before = self.state.get::<Sent>(&key).await?.map(|(sent, _)| sent);
        let sent = Sent::next(before.as_ref(), wanted, day, refused);
        changes.put(&key, &sent)
    }
}
