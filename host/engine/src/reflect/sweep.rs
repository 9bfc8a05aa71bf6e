//! Sweep: every open document is read again within the days that the flow says, whatever the feeds say: some changes don't bump a
//! stamp. Each has a second of its own from which it is due, so that runs share the work; it comes last, from what quota is left.
//!
//! It only notes what `reread` then reads.

use super::learn::last_two;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Reread, Stood};
use footbridge_model::plan::key as digest;
use footbridge_model::receivable::{DocumentId, DocumentKind};

/// Most documents in one run.
const MOST: usize = 2_000;
/// Seconds of a day, less a tenth, which is left for runs that are far apart.
const SECONDS: u64 = 86_400 / 10 * 9;

impl Engine {
    /// Notes the documents whose turn it is. Returns how many.
    pub(crate) async fn sweep(&self, sides: &Sides) -> Result<usize, EngineError> {
        let side = &sides.ledger;
        let now = self.seconds();
        let all = keys::sweeps(side);
        let until = footbridge_store::KeyRange::between(&all, keys::sweep(side, now));
        let due = self.state.some::<()>(&until, None, MOST).await?;
        let mut changes = Changes::default();
        for (key, ()) in &due {
            changes.delete(key);
            let Some((kind, id)) = last_two(key) else {
                continue;
            };
            let Some(kind) = DocumentKind::named(&kind) else {
                continue;
            };
            let id = DocumentId::new(kind, id);
            let Some((stood, _)) = self.state.get::<Stood>(&keys::stood(side, &id)).await? else {
                continue;
            };
            let next = now.saturating_add(self.span());
            self.put_sweep(sides, &id, Some(next), &mut changes)?;
            let stood = Stood {
                sweep_from: Some(next),
                ..stood
            };
            changes.put(&keys::stood(side, &id), &stood)?;
            let forced = Reread {
                forced: true,
                not_shown: false,
            };
            self.put_reread(side, kind.as_str(), &id.id, forced, &mut changes)?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(due.len())
    }

    /// When a document that is open for the first time is to be looked at: somewhere within the span, by its id.
    pub(crate) fn first_sweep(&self, id: &DocumentId) -> u64 {
        let chance = digest(&["sweep", &id.id]);
        let chance = u64::from_str_radix(chance.get(..8).unwrap_or("0"), 16).unwrap_or(0);
        let within = chance.checked_rem(self.span().max(1)).unwrap_or_default();
        self.seconds().saturating_add(within)
    }

    pub(crate) fn put_sweep(
        &self,
        sides: &Sides,
        id: &DocumentId,
        from: Option<u64>,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        match from {
            Some(from) => {
                let key = keys::sweep(&sides.ledger, from)
                    .text(id.kind.as_str())
                    .text(&id.id);
                changes.put(&key, &())
            }
            None => Ok(()),
        }
    }

    fn span(&self) -> u64 {
        let days = self
            .flow
            .reflect
            .as_ref()
            .map_or(7, |reflect| reflect.sweep_days);
        u64::from(days).saturating_mul(SECONDS)
    }

    fn seconds(&self) -> u64 {
        u64::try_from(self.clock.now().timestamp()).unwrap_or(0)
    }
}
