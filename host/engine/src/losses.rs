//! Losses: how many records went since the last run that went on. Many at once stop the flow until a person says that it is right.
//!
//! Absent is not deleted (domain rule 11), and a permission that was taken away looks like a mass deletion. Counted from what the
//! feed tells and, where all of an object is read again, from what it no longer lists; a quiet run reads one row for it. It deletes nothing.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::{Changes, last_text};
use crate::state::keys::{self, Side};
use crate::state::rows::{Happened, Lost, Record};
use footbridge_model::plugin::Presence;
use std::collections::BTreeSet;

/// So many may go in one run without a question.
const HANDFUL: u64 = 5;
/// Of a hundred known records more than so many no longer listed stop the flow.
const PER_CENT: u64 = 5;
/// So many ids are told.
const EXAMPLES: usize = 5;

/// What a feed counts while it reads an object.
#[derive(Debug, Clone)]
pub(crate) struct Losses {
    side: Side,
    row: Lost,
    changed: Changed,
    /// Ids listed so far, where all is read again and something is known already.
    listed: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

impl Losses {
    /// Before the first page. `from_the_start`: all of the object is read again.
    pub(crate) async fn begin(
        engine: &Engine,
        side: &Side,
        object: &str,
        from_the_start: bool,
    ) -> Result<Self, EngineError> {
        let row = match engine
            .state
            .get::<Lost>(&keys::losses(side, object))
            .await?
        {
            Some((row, _)) => row,
            None => Lost {
                object: object.to_owned(),
                ..Lost::default()
            },
        };
        let range = keys::records(side, object).range();
        let known = from_the_start && !engine.state.store.scan(&range, None, 1).await?.is_empty();
        Ok(Self {
            side: side.clone(),
            row,
            changed: Changed::No,
            listed: (known && engine.minds_losses(object)).then(BTreeSet::new),
        })
    }

    /// A record is listed.
    pub(crate) fn listed(&mut self, id: &str) {
        if let Some(listed) = &mut self.listed {
            listed.insert(id.to_owned());
        }
    }

    /// The same with these gone.
    pub(crate) fn with(&self, gone: Vec<String>) -> Self {
        let mut next = self.clone();
        if !gone.is_empty() {
            next.changed = Changed::Yes;
            next.row.gone += u64::try_from(gone.len()).unwrap_or(u64::MAX);
            next.row.examples.extend(gone);
            next.row.examples.truncate(EXAMPLES);
        }
        next
    }

    /// Kept in the commit of the page that told of them.
    pub(crate) fn put(&self, changes: &mut Changes) -> Result<(), EngineError> {
        match self.changed {
            Changed::Yes => changes.put(&keys::losses(&self.side, &self.row.object), &self.row),
            Changed::No => Ok(()),
        }
    }

    /// After the last page: what is known and was not listed.
    pub(crate) async fn end(mut self, engine: &Engine) -> Result<(), EngineError> {
        let Some(listed) = self.listed.take() else {
            return Ok(());
        };
        let range = keys::records(&self.side, &self.row.object).range();
        let mut unlisted = Vec::new();
        let mut known = 0;
        for (key, record) in engine.state.all::<Record>(&range).await? {
            let Some(id) = last_text(&key).filter(|_| record.presence == Presence::Present) else {
                continue;
            };
            known += 1;
            if !listed.contains(&id) {
                unlisted.push(id);
            }
        }
        let count = u64::try_from(unlisted.len()).unwrap_or(u64::MAX);
        if count <= HANDFUL || count.saturating_mul(100) <= known * PER_CENT {
            return Ok(());
        }
        self.row.unlisted = count;
        self.row.known = known;
        self.row.examples.extend(unlisted);
        self.row.examples.truncate(EXAMPLES);
        self.changed = Changed::Yes;
        let mut changes = Changes::default();
        self.put(&mut changes)?;
        engine.state.commit(changes.into_set()).await
    }
}

impl Engine {
    /// Objects whose losses count: those that invoices are made from. Payments and credits come and go.
    pub(crate) fn minds_losses(&self, object: &str) -> bool {
        ["account", "tax-rate", "item", "customer", "invoice"].contains(&object)
            || self.flow.policy.deal.object == object
            || self
                .flow
                .customer_objects
                .iter()
                .any(|known| known == object)
    }

    /// Stops a run in which many records went; a few are forgotten, for each record tells of itself.
    pub(crate) async fn mind_losses(&self, sides: &Sides) -> Result<(), EngineError> {
        let mut lost = Vec::new();
        let mut changes = Changes::default();
        for side in [&sides.source, &sides.ledger] {
            for (key, row) in self
                .state
                .all::<Lost>(&keys::all_losses(side).range())
                .await?
            {
                changes.delete(&key);
                if self.minds_losses(&row.object) {
                    lost.push((side.0.to_string(), row));
                }
            }
        }
        let gone: u64 = lost.iter().map(|(_, row)| row.gone).sum();
        if gone <= HANDFUL && lost.iter().all(|(_, row)| row.unlisted == 0) {
            return self.state.commit(changes.into_set()).await;
        }
        let told = lost.iter().map(|(connection, row)| told(connection, row));
        Err(EngineError::Losses {
            flow: self.flow.name.to_string(),
            what: told.collect::<Vec<_>>().join("; "),
        })
    }

    /// A person says that what went is right to be gone. It is forgotten; what goes from now on is counted anew.
    pub async fn accept_losses(&self) -> Result<usize, EngineError> {
        let sides = self.sides().await?;
        let mut changes = Changes::default();
        let mut accepted = 0;
        for side in [&sides.source, &sides.ledger] {
            for (key, row) in self
                .state
                .all::<Lost>(&keys::all_losses(side).range())
                .await?
            {
                changes.delete(&key);
                let text = format!("a person accepted: {}", told(side.0.as_str(), &row));
                self.journal(&mut changes, Happened::Said, text, None, None)?;
                accepted += 1;
            }
        }
        self.state.commit(changes.into_set()).await?;
        Ok(accepted)
    }
}

fn told(connection: &str, row: &Lost) -> String {
    let mut parts = Vec::new();
    if row.gone > 0 {
        parts.push(format!("{} deleted, archived or voided", row.gone));
    }
    if row.unlisted > 0 {
        parts.push(format!(
            "{} of {} no longer listed",
            row.unlisted, row.known
        ));
    }
    format!(
        "{connection}: of {} {} (such as {})",
        row.object,
        parts.join(" and "),
        row.examples.join(", ")
    )
}
