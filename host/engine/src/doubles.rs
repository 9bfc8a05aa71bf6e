//! Doubles: a second invoice turned up under a key that was billed here. A person's copy in the ledger, or another Footbridge?
//!
//! Two copies of a data directory that run at the same minute bill the same deals, each with an invoice of its own, and each knows the
//! keys as its own: nothing but the second invoice tells. The ledger's "copy" takes the link along, so one double alone may be a
//! person's, and is only an item (`key-stands-twice`). It is taken for another Footbridge's, and the flow is held, where
//!
//! * two different keys come to stand twice within a day, or
//! * the deal shows the second invoice: what was made here wrote another id there, and nobody copies that far.
//!
//! Whoever copies two invoices in a day has to say go once. Each double counts once: what a person said go to is forgotten.
//! Never: reads a far side, holds a deal (the planner does). `feed` notes doubles, `sync` has them judged once both sides were read.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::{Changes, Mirrored, is_gone, our_key};
use crate::state::keys::{self, Side};
use crate::state::rows::Double;
use chrono::TimeDelta;
use footbridge_model::link::Link;
use std::collections::BTreeSet;

/// Two keys that come to stand twice so close together are no coincidence.
const TOGETHER: TimeDelta = TimeDelta::days(1);

impl Engine {
    /// Adds to the changes that an invoice turned up under a key of ours, which is linked with another one.
    pub(crate) fn note_double(
        &self,
        invoice: &str,
        key: &str,
        deal: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let row = Double {
            at: self.clock.now(),
            key: key.to_owned(),
            deal: deal.to_owned(),
            invoice: invoice.to_owned(),
        };
        changes.put(&keys::double(self.flow.name.as_str(), invoice), &row)
    }

    /// Holds the flow if the doubles that are known are another Footbridge's.
    pub(crate) async fn judge_doubles(&self, sides: &Sides) -> Result<(), EngineError> {
        let range = keys::doubles(self.flow.name.as_str()).range();
        let rows = self.state.all::<Double>(&range).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut changes = Changes::default();
        let mut standing = Vec::new();
        for (row, double) in rows {
            if self.still_stands(&sides.ledger, &double).await? {
                standing.push((row, double));
            } else {
                changes.delete(&row);
            }
        }
        let is_recent = |double: &Double| now.signed_duration_since(double.at) < TOGETHER;
        let recent: BTreeSet<String> = standing
            .iter()
            .filter(|(_, double)| is_recent(double))
            .map(|(_, double)| double.key.clone())
            .collect();
        for (row, double) in standing {
            let is_recent = is_recent(&double);
            if (is_recent && recent.len() > 1) || self.deal_shows(&sides.source, &double).await? {
                self.note_stranger(&double.invoice, &mut changes).await?;
                changes.delete(&row);
            } else if !is_recent {
                // Looked at in the reading that brought it and in every one since.
                changes.delete(&row);
            }
        }
        self.state.commit(changes.into_set()).await
    }

    /// Adds to the changes that the doubles that are known count for nothing any more.
    pub(crate) async fn forget_doubles(&self, changes: &mut Changes) -> Result<(), EngineError> {
        let range = keys::doubles(self.flow.name.as_str()).range();
        for row in self.state.keys(&range).await? {
            changes.delete(&row);
        }
        Ok(())
    }

    /// Whether a double still is one: it lives, carries the key, and nobody said that it is the deal's.
    async fn still_stands(&self, ledger: &Side, double: &Double) -> Result<bool, EngineError> {
        let found = self
            .state
            .mirrored(ledger, "invoice", &double.invoice)
            .await?;
        let Some(Mirrored { presence, doc, .. }) = found else {
            return Ok(false);
        };
        let carries = doc.text("url").and_then(our_key) == Some(double.key.as_str());
        if is_gone(&presence, &doc) || !carries {
            return Ok(false);
        }
        let link = self.state.link(&double.key).await?;
        Ok(link.is_some_and(|link| is_of_another(&link, ledger, &double.invoice)))
    }

    /// Whether the deal shows this invoice.
    async fn deal_shows(&self, source: &Side, double: &Double) -> Result<bool, EngineError> {
        let Some(policy) = self.flow.policy.write_back.as_ref() else {
            return Ok(false);
        };
        let object = self.flow.policy.deal.object.as_str();
        let Some(deal) = self.state.mirrored(source, object, &double.deal).await? else {
            return Ok(false);
        };
        let shows = |field: &Option<String>, value: &str| {
            let field = field.as_deref();
            field.is_some_and(|field| deal.doc.text(field) == Some(value))
        };
        let link = format!("{}{}", policy.invoice_url, double.invoice);
        Ok(shows(&policy.id, &double.invoice) || shows(&policy.link, &link))
    }
}

/// Whether a link knows an invoice of the ledger, and not this one.
pub(crate) fn is_of_another(link: &Link, ledger: &Side, invoice: &str) -> bool {
    let mut ids = link
        .members
        .iter()
        .map(|member| &member.record)
        .filter(|record| record.connection == ledger.0 && record.object.as_str() == "invoice")
        .map(|record| record.id.as_str())
        .peekable();
    ids.peek().is_some() && ids.all(|id| id != invoice)
}
