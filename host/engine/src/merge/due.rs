//! Due: which customers are looked at. A linked one whose record changed on either side, one that waits, one that was just written or linked.
//!
//! It decides nothing. A run looks at so many, the next one goes on behind them; what nobody changed costs nothing.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::{Changes, last_text};
use crate::state::keys::{self, Side};
use crate::state::rows::{Decision, Due, Standing, Text};
use footbridge_model::id::RecordKey;
use footbridge_model::link::{Link, Role};
use footbridge_model::plugin::Item;
use std::collections::BTreeSet;

/// Customers that one run looks at.
const MOST: usize = 1000;
/// Links that are read at once when it begins.
const STEP: usize = 500;

impl Engine {
    /// Customers to look at, object and id.
    pub(super) async fn customers_to_look_at(
        &self,
        sides: &Sides,
    ) -> Result<Vec<(String, String)>, EngineError> {
        self.begin_merging(sides).await?;
        let flow = self.flow.name.as_str();
        let mut found = Vec::new();
        for object in &self.flow.customer_objects {
            let range = keys::dues(flow, object).range();
            let place = keys::merge_place(flow, object);
            let from = self.state.get::<String>(&place).await?.map(|(id, _)| id);
            let from = from.map(|id| keys::due(flow, object, &id).to_vec());
            let rows = self
                .state
                .some::<Due>(&range, from.as_deref(), MOST)
                .await?;
            let mut ids: Vec<String> = rows.iter().filter_map(|(key, _)| last_text(key)).collect();
            if ids.len() < MOST && from.is_some() {
                let first = self
                    .state
                    .some::<Due>(&range, None, MOST - ids.len())
                    .await?;
                ids.extend(first.iter().filter_map(|(key, _)| last_text(key)));
            }
            if ids.len() == MOST
                && let Some(last) = ids.last()
            {
                let mut changes = Changes::default();
                changes.put(&place, last)?;
                self.state.commit(changes.into_set()).await?;
            }
            ids.sort();
            ids.dedup();
            found.extend(ids.into_iter().map(|id| (object.clone(), id)));
        }
        Ok(found)
    }

    /// When it is switched on for an object, every linked customer of it is looked at once: from then on it is known what both sides
    /// held, and what changed while it was off is seen.
    async fn begin_merging(&self, sides: &Sides) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let mut new = BTreeSet::new();
        for object in &self.flow.customer_objects {
            let begun = keys::merge_begun(flow, object);
            if self.state.store.get(&begun).await?.is_none() {
                new.insert(object.as_str());
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self
                .state
                .some::<Text>(&keys::links().range(), after.as_deref(), STEP)
                .await?;
            let full = rows.len() == STEP;
            let mut changes = Changes::default();
            for (key, text) in rows {
                let text = self.state.read(&text).await?;
                let link: Link = serde_json::from_str(&text).map_err(|e| EngineError::Format {
                    key: footbridge_store::key::readable(&key),
                    why: e.to_string(),
                })?;
                self.put_customer_due(&sides.source, &link, &new, &mut changes)?;
                after = Some(key);
            }
            self.state.commit(changes.into_set()).await?;
            if !full {
                break;
            }
        }
        let mut changes = Changes::default();
        for object in new {
            changes.put(&keys::merge_begun(flow, object), &())?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// Objects whose changes are no longer followed are forgotten: nobody notes what changes meanwhile, so all of them are looked at when
    /// they are followed again.
    pub(crate) async fn end_merging(&self) -> Result<(), EngineError> {
        let range = keys::all_merge_begun(self.flow.name.as_str()).range();
        let mut changes = Changes::default();
        for key in self.state.keys(&range).await? {
            let object = last_text(&key).unwrap_or_default();
            if !self.merges(&object) {
                changes.delete(&key);
            }
        }
        self.state.commit(changes.into_set()).await
    }

    /// A changed record of either side brings the customer back that it is linked with.
    pub(crate) async fn note_customer_due(
        &self,
        side: &Side,
        item: &Item,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let ours = side.0 == self.flow.source && self.merges(&item.object);
        let theirs =
            side.0 == self.flow.ledger && item.object == "customer" && self.merging().is_some();
        if !ours && !theirs {
            return Ok(());
        }
        let record = crate::gather::record_key(side, &item.object, &item.id);
        for id in self.link_ids(&record).await? {
            let Some(link) = self.state.link(&id).await? else {
                continue;
            };
            if ours && link.role == Role::Customer {
                self.put_record_of_customer_due(&record, changes)?;
            } else {
                for member in self.records_of_crm(&link) {
                    self.put_record_of_customer_due(member, changes)?;
                }
            }
        }
        Ok(())
    }

    /// The CRM's records of these objects in a customers' link, if it is of this flow.
    fn put_customer_due(
        &self,
        source: &Side,
        link: &Link,
        objects: &BTreeSet<&str>,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        for record in self.records_of_crm(link) {
            if record.organisation == source.1 && objects.contains(record.object.as_str()) {
                self.put_record_of_customer_due(record, changes)?;
            }
        }
        Ok(())
    }

    fn records_of_crm<'a>(&self, link: &'a Link) -> impl Iterator<Item = &'a RecordKey> {
        let is_customers = link.role == Role::Customer;
        link.members
            .iter()
            .map(|member| &member.record)
            .filter(move |record| {
                is_customers
                    && record.connection == self.flow.source
                    && self.merges(record.object.as_str())
            })
    }

    /// A record of the CRM is looked at by the next customers' round. Nothing where changes of customers are not followed.
    pub(crate) fn put_record_of_customer_due(
        &self,
        record: &RecordKey,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if !self.merges(record.object.as_str()) {
            return Ok(());
        }
        let due = Due {
            version: "linked".to_owned(),
        };
        let key = keys::due(
            self.flow.name.as_str(),
            record.object.as_str(),
            record.id.as_str(),
        );
        changes.put(&key, &due)
    }

    /// Lets the next run look at a customer again, refused or not. False if nothing was decided about it.
    pub(crate) async fn look_at_customer_again(&self, id: &str) -> Result<bool, EngineError> {
        let flow = self.flow.name.as_str();
        let mut changes = Changes::default();
        let mut known = false;
        for object in self.flow.customer_objects.iter().filter(|o| self.merges(o)) {
            let range = keys::decisions_of(flow, object, id).range();
            for (key, decision) in self.state.all::<Decision>(&range).await? {
                known = true;
                if decision.standing == Standing::Refused {
                    changes.delete(&key);
                }
                self.withdraw(&decision.subject.record, &mut changes)
                    .await?;
                self.let_once_more(&mut changes, &decision.subject.record)
                    .await?;
                self.put_record_of_customer_due(&decision.subject.record, &mut changes)?;
            }
        }
        if known {
            self.forget_refusals(&mut changes).await?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(known)
    }
}
