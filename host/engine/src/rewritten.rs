//! Rewritten: how often the same was written to a deal that day is kept with its link, so that the planner sees where something over there
//! changes it back; and a person's `items retry` lets what waits for that be written once more.
//!
//! It decides nothing. Records of the way back are counted in `reflect`, customers in their links. Next: `gather`, and the planner.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys::{self, Side};
use footbridge_model::id::RecordKey;
use footbridge_model::link::{Link, Role};
use footbridge_model::plan::Op;
use footbridge_plan::merge::once_more;
use footbridge_plan::sent::Sent;
use std::collections::BTreeMap;

impl Engine {
    /// What was last written to deals, by the link whose invoice they show.
    pub(crate) async fn sent_to_deals(
        &self,
        sides: &Sides,
        links: &[Link],
    ) -> Result<BTreeMap<String, Sent>, EngineError> {
        let mut found = BTreeMap::new();
        if self.flow.policy.write_back.is_none() {
            return Ok(found);
        }
        for link in links.iter().filter(|link| link.role == Role::Billing) {
            let sent = self.sent_to_deal(&sides.source, &link.id).await?;
            found.extend(sent.map(|sent| (link.id.clone(), sent)));
        }
        Ok(found)
    }

    /// Adds to the changes that a deal took what was written back to it.
    pub(crate) async fn note_sent_to_deal(
        &self,
        changes: &mut Changes,
        side: &Side,
        op: &Op,
    ) -> Result<(), EngineError> {
        let before = self.sent_to_deal(side, &op.link.id).await?;
        let wanted = Sent::over(before.as_ref(), &op.doc);
        let day = self.clock.now().date_naive();
        let sent = Sent::next(before.as_ref(), wanted, day, false);
        changes.put(&keys::sent(side, op.object.as_str(), &op.link.id), &sent)
    }

    /// Adds to the changes that what waits because something over there rewrites it is written once more: to a deal or a customer.
    pub(crate) async fn let_once_more(
        &self,
        changes: &mut Changes,
        record: &RecordKey,
    ) -> Result<(), EngineError> {
        let side = (record.connection.clone(), record.organisation.clone());
        for id in self.link_ids(record).await? {
            let Some(mut link) = self.state.link(&id).await? else {
                continue;
            };
            if link.role == Role::Billing {
                let sent = self.sent_to_deal(&side, &id).await?;
                if let Some(again) = sent.and_then(|sent| sent.once_more()) {
                    changes.put(&keys::sent(&side, record.object.as_str(), &id), &again)?;
                }
                continue;
            }
            let mut members = link.members.iter_mut();
            let own = members.find(|member| member.record == *record);
            let again = own.and_then(|member| {
                let shadow = once_more(member.shadow.as_deref()?)?;
                member.shadow = Some(shadow);
                Some(())
            });
            if again.is_some() {
                self.state.put_link(changes, &link).await?;
            }
        }
        Ok(())
    }

    async fn sent_to_deal(&self, side: &Side, link: &str) -> Result<Option<Sent>, EngineError> {
        let key = keys::sent(side, &self.flow.policy.deal.object, link);
        Ok(self.state.get::<Sent>(&key).await?.map(|(sent, _)| sent))
    }
}
