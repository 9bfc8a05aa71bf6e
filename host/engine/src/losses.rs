//! Losses: how many records went since the last run that went on. Many at once stop the flow until a person says that it is right.
//!
//! Absent is not deleted (domain rule 11), and a permission that was taken away looks like a mass deletion. Counted from what the
//! feed tells and, where all of an object is read again, from what it no longer lists; a quiet run reads one row for it. What is hidden
//! between two runs shows in the number of records alone: see `counted`. It deletes nothing.

use crate::counted::LEDGER;
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
#[derive(Debug)]
pub(crate) struct Losses {
    side: Side,
    row: Lost,
    /// Ids listed so far, where all is read again and something is known already.
    listed: Option<BTreeSet<String>>,
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
            listed: (known && engine.minds_losses(object)).then(BTreeSet::new),
        })
    }

    /// Whether what is known is compared with what is listed.
    pub(crate) fn is_compared(&self) -> bool {
        self.listed.is_some()
    }

    /// A record is listed.
    pub(crate) fn listed(&mut self, id: &str) {
        if let Some(listed) = &mut self.listed {
            listed.insert(id.to_owned());
        }
    }

    /// What a page tells of, kept in the commit of that page.
    pub(crate) fn put(&self, gone: &[String], changes: &mut Changes) -> Result<(), EngineError> {
        if gone.is_empty() {
            return Ok(());
        }
        let row = self.row.clone().with(gone);
        changes.put(&keys::losses(&self.side, &row.object), &row)
    }

    /// The page's commit stands.
    pub(crate) fn count(&mut self, gone: &[String]) {
        self.row = std::mem::take(&mut self.row).with(gone);
    }

    /// The same for the last page: with what is known and was not listed. In the commit that says that all was read: a crash between
    /// the two would forget it.
    pub(crate) async fn put_last(
        &self,
        engine: &Engine,
        gone: &[String],
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let Some(listed) = &self.listed else {
            return self.put(gone, changes);
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
        // A handful may be what was written a moment ago: lists show it a little later.
        if !is_a_drop(count, known) {
            return self.put(gone, changes);
        }
        let mut row = self.row.clone().with(gone);
        row.unlisted = count;
        row.known = known;
        row.examples.extend(unlisted);
        row.examples.truncate(EXAMPLES);
        changes.put(&keys::losses(&self.side, &row.object), &row)
    }
}

/// Whether so many that are missing of those known stop the flow.
pub(crate) fn is_a_drop(missing: u64, known: u64) -> bool {
    missing > HANDFUL && missing.saturating_mul(100) > known.saturating_mul(PER_CENT)
}

impl Lost {
    fn with(mut self, gone: &[String]) -> Self {
        self.gone += u64::try_from(gone.len()).unwrap_or(u64::MAX);
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(gone.iter().take(room).cloned());
        self
    }
}

impl Engine {
    /// Objects whose losses count: those that invoices are made from. Payments and credits come and go.
    pub(crate) fn minds_losses(&self, object: &str) -> bool {
        LEDGER.contains(&object)
            || self.flow.policy.deal.object == object
            || self
                .flow
                .customer_objects
                .iter()
                .any(|known| known == object)
    }

    /// Stops a run in which many records went, or many are no longer shown; a few are forgotten, for each record tells of itself.
    pub(crate) async fn mind_losses(&self, sides: &Sides) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        let mut lost = self.losses(sides, &mut changes).await?;
        lost.retain(|(_, row)| self.minds_losses(&row.object));
        let gone: u64 = lost.iter().map(|(_, row)| row.gone).sum();
        let today = self.as_of(&sides.organisation)?.local_date.to_string();
        let counted = self.count(sides, &today).await?;
        let fallen = counted.fallen();
        if gone <= HANDFUL && fallen.is_empty() && lost.iter().all(|(_, row)| row.unlisted == 0) {
            counted.go_on(self, &today, &mut changes)?;
            return self.state.commit(changes.into_set()).await;
        }
        let mut kept = Changes::default();
        counted.stop(&mut kept)?;
        self.state.commit(kept.into_set()).await?;
        let told = lost.iter().map(|(connection, row)| told(connection, row));
        Err(EngineError::Losses {
            flow: self.flow.name.to_string(),
            what: told.chain(fallen).collect::<Vec<_>>().join("; "),
        })
    }

    /// A person says that what went is right to be gone, and what is hidden to be hidden. It is forgotten; what goes from now on is counted
    /// anew.
    pub async fn accept_losses(&self) -> Result<usize, EngineError> {
        let sides = self.sides().await?;
        let mut changes = Changes::default();
        let lost = self.losses(&sides, &mut changes).await?;
        for (connection, row) in &lost {
            let text = format!("a person accepted: {}", told(connection, row));
            self.journal(&mut changes, Happened::Said, text, None, None)?;
        }
        let hidden = self.counted_before(&sides).await?.accept(&mut changes)?;
        for what in &hidden {
            let text = format!("a person accepted: {what}");
            self.journal(&mut changes, Happened::Said, text, None, None)?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(lost.len() + hidden.len())
    }

    /// All that is noted, by connection; the changes forget it.
    async fn losses(
        &self,
        sides: &Sides,
        changes: &mut Changes,
    ) -> Result<Vec<(String, Lost)>, EngineError> {
        let mut lost = Vec::new();
        for side in [&sides.source, &sides.ledger] {
            let range = keys::all_losses(side).range();
            for (key, row) in self.state.all::<Lost>(&range).await? {
                changes.delete(&key);
                lost.push((side.0.to_string(), row));
            }
        }
        Ok(lost)
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
