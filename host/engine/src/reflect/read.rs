//! Read: what the way back needs beyond what the flow reads anyway: credits and payments of the ledger, and what the CRM shows.
//!
//! A CRM without the objects for it is no error of the flow: it says what to do, and everything stays noted until it is done.

use super::learn::CUSTOMER;
use crate::engine::{Back, Engine, Sides};
use crate::error::EngineError;
use crate::mirror::{Changes, last_text};
use crate::ports::CallError;
use crate::state::keys;
use crate::state::rows::{Due, Pin};
use footbridge_model::failure::FailureKind;
use footbridge_model::plan::{AsOf, key as digest};
use footbridge_model::plugin::{Item, Presence};
use footbridge_model::receivable::{DocumentId, DocumentKind, KEY, keyed};

/// Rows in one commit.
const STEP: usize = 1_000;

impl Engine {
    /// Reads what changed on both sides and notes what follows. `Some`: the CRM can't show anything yet, and why.
    pub(crate) async fn read_back_and_forth(
        &self,
        sides: &Sides,
        as_of: AsOf,
        back: &Back,
    ) -> Result<Option<String>, EngineError> {
        for object in &back.crm {
            match self
                .pull(&sides.source, self.source.as_ref(), object, &[])
                .await
            {
                Ok(_) => {}
                Err(error) if lacks_objects(&error) => {
                    return Ok(Some(self.unprovisioned(sides).await?));
                }
                Err(error) => return Err(error),
            }
        }
        self.forget_what_went(sides, back).await?;
        for object in &back.ledger {
            self.pull(&sides.ledger, self.ledger.as_ref(), object, &[])
                .await?;
        }
        self.begin(sides).await?;
        self.turn_the_day(sides, as_of).await?;
        self.spread_links(sides).await?;
        Ok(None)
    }

    async fn unprovisioned(&self, sides: &Sides) -> Result<String, EngineError> {
        let connection = &sides.source.0;
        let pin = self.state.get::<Pin>(&keys::pin(connection)).await?;
        let name = pin.map_or_else(|| sides.source.1.to_string(), |(pin, _)| pin.name);
        Ok(format!(
            "the {connection} of {name} has no Footbridge objects yet: run `footbridge provision`"
        ))
    }

    /// Where the CRM's objects were made anew, what stood in the old ones is gone with them, though no feed tells: it is shown again.
    async fn forget_what_went(&self, sides: &Sides, back: &Back) -> Result<(), EngineError> {
        let side = &sides.source;
        let own = keys::reflect_anew(self.flow.name.as_str());
        let made = self.state.get::<String>(&keys::made_anew(side)).await?;
        let known = self.state.get::<String>(&own).await?;
        let (made, known) = (made.map(|(at, _)| at), known.map(|(at, _)| at));
        let Some(made) = made.filter(|made| known.as_ref() != Some(made)) else {
            return Ok(());
        };
        for object in &back.crm {
            let all = self
                .state
                .keys(&keys::records(side, object).range())
                .await?;
            for chunk in all.chunks(STEP) {
                let mut changes = Changes::default();
                for id in chunk.iter().filter_map(|key| last_text(key)) {
                    self.forget_one(sides, object, &id, &mut changes).await?;
                }
                self.state.commit(changes.into_set()).await?;
            }
        }
        let mut changes = Changes::default();
        changes.put(&own, &made)?;
        self.state.commit(changes.into_set()).await
    }

    async fn forget_one(
        &self,
        sides: &Sides,
        object: &str,
        id: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let side = &sides.source;
        let Some(record) = self.state.mirrored(side, object, id).await? else {
            return Ok(());
        };
        let Some(key) = record.doc.text(KEY) else {
            return Ok(());
        };
        // What another ledger's flow showed there is that flow's to forget.
        let ours = keyed(object, key, &sides.ledger.1).is_some();
        if !ours || record.presence != Presence::Present {
            return Ok(());
        }
        changes.delete(&keys::sent(side, object, key));
        let gone = Item {
            object: object.to_owned(),
            id: id.to_owned(),
            version: record.version.clone(),
            presence: Presence::Deleted,
            doc: record.doc.canonical(),
        };
        self.learn(side, &gone, changes).await?;
        Ok(())
    }

    /// When the way back is switched on, or its rules change, every document is looked at once.
    async fn begin(&self, sides: &Sides) -> Result<(), EngineError> {
        let Some(reflect) = &self.flow.reflect else {
            return Ok(());
        };
        let policy = &reflect.policy;
        let accounts: Vec<&str> = policy
            .write_off_accounts
            .iter()
            .map(String::as_str)
            .collect();
        let links: Vec<String> = policy
            .links
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        let rules = digest(&[&digest(&accounts), &digest(&links)]);
        let row = keys::reflect_begun(self.flow.name.as_str());
        if self
            .state
            .get::<String>(&row)
            .await?
            .is_some_and(|(begun, _)| begun == rules)
        {
            return Ok(());
        }
        let side = &sides.ledger;
        for kind in DocumentKind::ALL {
            let all = self
                .state
                .keys(&keys::records(side, kind.as_str()).range())
                .await?;
            for chunk in all.chunks(STEP) {
                let mut changes = Changes::default();
                for id in chunk.iter().filter_map(|key| last_text(key)) {
                    self.put_document_due(&DocumentId::new(kind, id), &side.1, &mut changes)?;
                }
                self.state.commit(changes.into_set()).await?;
            }
        }
        let mut changes = Changes::default();
        changes.put(&row, &rules)?;
        self.state.commit(changes.into_set()).await
    }

    /// Customers that were linked: all that they have is looked at.
    async fn spread_links(&self, sides: &Sides) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let side = &sides.ledger;
        let dues = keys::dues(flow, CUSTOMER).range();
        for (key, _) in self.state.all::<Due>(&dues).await? {
            let Some(customer) = last_text(&key) else {
                continue;
            };
            let mut changes = Changes::default();
            for kind in DocumentKind::ALL {
                let found = self
                    .state
                    .by_index(side, kind.as_str(), "customer", &customer)
                    .await?;
                for id in found {
                    self.put_document_due(&DocumentId::new(kind, id), &side.1, &mut changes)?;
                }
            }
            for currency in self.currencies_of(side, &customer).await? {
                self.put_balance_due(&customer, &currency, &side.1, &mut changes)?;
            }
            changes.delete(&key);
            self.state.commit(changes.into_set()).await?;
        }
        Ok(())
    }
}

/// Whether the far side says that it has no such object, or not yet all its fields.
fn lacks_objects(error: &EngineError) -> bool {
    let EngineError::Call { source, .. } = error else {
        return false;
    };
    let CallError::Failure(failure) = source.as_ref() else {
        return false;
    };
    failure.kind == FailureKind::Misconfigured
        && ["unknown-object", "unknown-field", "not-provisioned"]
            .contains(&failure.problem.code.as_str())
}
