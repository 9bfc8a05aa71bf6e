//! Over another: a deal that came to show an invoice since it was read is not written over.
//!
//! Another Footbridge may have billed the same deal in the same minute, and its invoice's id is what tells the two apart (`doubles`). So
//! deals are read again by id just before they are written, and one that shows another id than when it was planned is left to the next
//! run. What is read here stays out of the mirror: the feed has to bring it, with its deal becoming due. It decides nothing else.

use crate::engine::{Engine, Sides};
use footbridge_model::document::Document;
use footbridge_model::id::{OpId, RecordId};
use footbridge_model::plan::Op;
use std::collections::{BTreeMap, BTreeSet};

/// Deals in one call.
const BATCH: usize = 200;

impl Engine {
    /// Those of the operations that would write over an invoice's id which nobody knew of when they were planned.
    pub(crate) async fn over_another(&self, sides: &Sides, ops: &[Op]) -> BTreeSet<OpId> {
        let mut over = BTreeSet::new();
        let policy = self.flow.policy.write_back.as_ref();
        let Some(field) = policy.and_then(|policy| policy.id.as_deref()) else {
            return over;
        };
        let object = self.flow.policy.deal.object.as_str();
        let shows: BTreeMap<&RecordId, &Op> = ops
            .iter()
            .filter(|op| op.connection == sides.source.0 && op.object.as_str() == object)
            .filter(|op| op.doc.at(field).is_some())
            .filter_map(|op| Some((op.target.as_ref()?, op)))
            .collect();
        let ids: Vec<String> = shows.keys().map(ToString::to_string).collect();
        let fields = self.fields_of(object);
        for ids in ids.chunks(BATCH) {
            let read = self.by_id(&sides.source, self.source.as_ref(), object, ids, fields);
            let found = match read.await {
                Ok(found) => found,
                Err(error) => {
                    // Unread is not written over. The next run reads it, or says why it can't.
                    tracing::warn!(%error, "deals could not be read again before they are written");
                    let unread = ids.iter().filter_map(|id| shows.get(&RecordId::new(id)));
                    over.extend(unread.map(|op| op.id.clone()));
                    continue;
                }
            };
            for item in &found.items {
                let Some(op) = shows.get(&RecordId::new(&item.id)) else {
                    continue;
                };
                let Ok(doc) = Document::from_plugin(&item.doc) else {
                    continue;
                };
                let was = op.was.as_ref().and_then(|was| was.text(field));
                let now = doc.text(field).filter(|id| !id.is_empty());
                if now.is_some() && now != was && now != op.doc.text(field) {
                    over.insert(op.id.clone());
                }
            }
        }
        over
    }
}
