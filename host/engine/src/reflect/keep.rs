//! Keep: what documents count for is stored, with the rows that find it again: by customer, by due date, by turn of the sweep.
//!
//! A projection of the ledger's records alone: it is right whether the CRM took anything or not. A balance whose part changed is due.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::Stood;
use footbridge_model::receivable::DocumentId;
use footbridge_plan::reflect::{Counts, Standing};
use footbridge_store::Key;
use std::collections::BTreeMap;

impl Engine {
    /// Stores the standings of a round.
    pub(crate) async fn keep_standings(
        &self,
        sides: &Sides,
        standings: &BTreeMap<DocumentId, Option<Standing>>,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for (id, standing) in standings {
            self.keep_standing(sides, id, standing.as_ref(), &mut changes)
                .await?;
        }
        self.state.commit(changes.into_set()).await
    }

    async fn keep_standing(
        &self,
        sides: &Sides,
        id: &DocumentId,
        standing: Option<&Standing>,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let side = &sides.ledger;
        let row = keys::stood(side, id);
        let before = self.state.get::<Stood>(&row).await?.map(|(stood, _)| stood);
        let old = before.as_ref().map(|stood| &stood.standing);
        if old == standing {
            return Ok(());
        }
        for key in old.into_iter().flat_map(|old| self.rows_of(sides, old)) {
            changes.delete(&key);
        }
        for key in standing
            .into_iter()
            .flat_map(|new| self.rows_of(sides, new))
        {
            changes.put(&key, &())?;
        }
        for part in [old, standing].into_iter().flatten() {
            self.put_balance_due(&part.customer, &part.currency, &side.1, changes)?;
        }
        let swept = before.as_ref().and_then(|stood| stood.sweep_from);
        let sweep_from = match standing {
            // What can't be told may have been read in the middle of a change: it is read again like an open one.
            Some(standing) if standing.is_open() || standing.counts == Counts::Unknown => {
                Some(swept.unwrap_or_else(|| self.first_sweep(id)))
            }
            _ => None,
        };
        if swept != sweep_from {
            if let Some(swept) = swept {
                let key = keys::sweep(side, swept).text(id.kind.as_str()).text(&id.id);
                changes.delete(&key);
            }
            self.put_sweep(sides, id, sweep_from, changes)?;
        }
        match standing {
            Some(standing) => {
                let stood = Stood {
                    standing: standing.clone(),
                    sweep_from,
                };
                changes.put(&row, &stood)
            }
            None => {
                changes.delete(&row);
                Ok(())
            }
        }
    }

    fn rows_of(&self, sides: &Sides, standing: &Standing) -> Vec<Key> {
        let side = &sides.ledger;
        let document = &standing.document;
        let counted = keys::counted(side, &standing.customer)
            .text(&standing.currency)
            .text(document.kind.as_str())
            .text(&document.id);
        let due = standing.falls_due().map(|date| {
            keys::falls_due(side, date)
                .text(&standing.customer)
                .text(&standing.currency)
                .text(&document.id)
        });
        std::iter::once(counted).chain(due).collect()
    }
}
