//! Epochs: a store that was restored or copied knows things of the far sides that may no longer be so (design invariant 10).
//!
//! Responsible for: nothing being written in a new epoch, or beside another installation, before a person says go, and for
//! requests of an earlier epoch counting as sent, whatever their rows say. Never: reads or writes a far side.
//! That nothing is made before it was looked up follows from `feed`: a cursor of another epoch counts for nothing, so both
//! sides are read from the beginning before anything is planned. `sync` asks here first, `recover` before it sends again.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gather::MOST_PARTS;
use crate::mirror::Changes;
use crate::state::keys::{self, Side};
use crate::state::rows::{Happened, Pin, Request, Stranger};
use chrono::{DateTime, Utc};
use footbridge_model::id::{OrganisationId, RecordId, RecordKey};
use footbridge_model::plan::billing_key;
use footbridge_store::Origin;
use serde::Serialize;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// So many of a stranger's invoices are remembered by their ids.
const MOST_NAMED: usize = 20;

/// Why a flow is held until a person says go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Held {
    /// The data directory was restored from a backup.
    Restored {
        /// When the backup was begun.
        taken_at: DateTime<Utc>,
        /// When it was restored.
        at: DateTime<Utc>,
    },
    /// The data directory is a copy of another.
    Copied {
        /// When that was noticed.
        at: DateTime<Utc>,
    },
    /// Somebody else makes invoices with our keys in the same ledger.
    AnotherAtWork {
        /// Since when we know.
        at: DateTime<Utc>,
        /// Invoices that we know of, the first ones by their ids.
        invoices: Vec<String>,
        /// How many there are.
        count: usize,
    },
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = |at: &DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        match self {
            Self::Restored { taken_at, at } => write!(
                f,
                "this data directory was restored on {} from a backup of {}. What was done since then isn't in it; the next run reads both sides from the beginning, \
                 links what it finds there, and makes nothing that is there. First make sure that no other Footbridge works on these organisations any more",
                day(at),
                day(taken_at)
            ),
            Self::Copied { at } => write!(
                f,
                "this data directory is a copy of another one, noticed on {}. Two of them at work would bill the same deals twice. Go on in one only: in the other, remove it or \
                 leave it held. The next run here reads both sides from the beginning and makes nothing that is there",
                day(at)
            ),
            Self::AnotherAtWork {
                at,
                invoices,
                count,
            } => write!(
                f,
                "another Footbridge, or a copy of this data directory, makes invoices for the same deals: {count} that were not made here turned up since {} ({}). \
                 Two at work at the same time can bill a deal twice. Stop the other one for good, or leave this one held",
                day(at),
                invoices.join(", ")
            ),
        }
    }
}

impl Engine {
    /// Why nothing is written in this flow until a person says go; `None` if nothing stands in the way.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn held(&self) -> Result<Option<Held>, EngineError> {
        let flow = self.flow.name.as_str();
        let meta = self.state.store.meta();
        let resumed = self.state.get::<u64>(&keys::resumed(flow)).await?;
        // A first epoch began with nothing known: there is nothing to be careful about.
        if resumed.map_or(1, |(epoch, _)| epoch) < meta.epoch {
            let instant = |seconds: u64| {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
            };
            match meta.origin {
                Origin::Made => {}
                Origin::Restored { taken_at, at } => {
                    return Ok(Some(Held::Restored {
                        taken_at: instant(taken_at),
                        at: instant(at),
                    }));
                }
                Origin::Copied { at } => return Ok(Some(Held::Copied { at: instant(at) })),
            }
        }
        let stranger = self.state.get::<Stranger>(&keys::stranger(flow)).await?;
        Ok(stranger.map(|(stranger, _)| Held::AnotherAtWork {
            at: stranger.since,
            invoices: stranger.invoices,
            count: stranger.count,
        }))
    }

    /// A person says go: the flow is no longer held for what it is held for now, nor for what the next reading of this engine finds
    /// that others made before it. True if it was held.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn resume(&self) -> Result<bool, EngineError> {
        let Some(held) = self.held().await? else {
            return Ok(false);
        };
        let flow = self.flow.name.as_str();
        let mut changes = Changes::default();
        changes.put(&keys::resumed(flow), &self.state.store.meta().epoch)?;
        changes.delete(&keys::stranger(flow));
        self.forget_doubles(&mut changes).await?;
        let text = format!("a person said go, although {held}");
        self.journal(&mut changes, Happened::Resumed, text, None, None)?;
        self.state.commit(changes.into_set()).await?;
        self.said_go.store(true, Ordering::Relaxed);
        Ok(true)
    }

    /// Refuses where the flow is held.
    pub(crate) async fn may_write(&self) -> Result<(), EngineError> {
        match self.held().await? {
            None => Ok(()),
            Some(held) => Err(EngineError::Held {
                flow: self.flow.name.to_string(),
                held: Box::new(held),
            }),
        }
    }

    /// Whether a request is of an earlier epoch. What its row says was true when the backup or the copy was made; since then
    /// it may have been sent, sent again, answered and settled elsewhere.
    pub(crate) fn is_of_another_epoch(&self, request: &Request) -> bool {
        // Rows from before epochs were noted are of the first one.
        request.epoch.max(1) != self.state.store.meta().epoch
    }

    /// How long nobody can have sent a request any more: since it was sent last here, or since this epoch began.
    pub(crate) fn quiet_for(&self, request: &Request) -> Option<Duration> {
        let mut last = request.last_sent_at;
        if self.is_of_another_epoch(request)
            && let Some(began) = self.state.store.meta().origin.at()
            && let Ok(began) = i64::try_from(began)
        {
            last = last.max(DateTime::from_timestamp(began, 0).unwrap_or(last));
        }
        self.clock.now().signed_duration_since(last).to_std().ok()
    }

    /// An invoice with our key turned up that this installation, in this epoch, never sent, after everything that was there had
    /// been read: somebody else makes them. Of those under keys that were sent here, `doubles` tells which count.
    pub(crate) async fn note_stranger(
        &self,
        invoice: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if self.said_go.load(Ordering::Relaxed) {
            return Ok(());
        }
        let key = keys::stranger(self.flow.name.as_str());
        let known = match changes.pending(&key) {
            Some(pending) => Some(pending?),
            None => self.state.get::<Stranger>(&key).await?.map(|(row, _)| row),
        };
        let first = known.is_none();
        let mut stranger = known.unwrap_or_else(|| Stranger {
            since: self.clock.now(),
            invoices: Vec::new(),
            count: 0,
        });
        stranger.count += 1;
        if stranger.invoices.len() < MOST_NAMED {
            stranger.invoices.push(invoice.to_owned());
        }
        if first {
            let text = format!(
                "{} shows invoice {invoice}, which carries a key of this flow and was not made here",
                self.flow.ledger
            );
            self.journal(changes, Happened::Stranger, text, None, None)?;
        }
        changes.put(&key, &stranger)
    }

    /// The deal that an invoice with our key is of, and whether the mirror knows it: the link in the invoice opens the deal, and
    /// the key follows from the deal.
    pub(crate) async fn deal_behind(
        &self,
        ledger: &Side,
        url: &str,
        key: &str,
    ) -> Result<Option<Behind>, EngineError> {
        let Some(rest) = url.strip_prefix(self.flow.record_url.as_str()) else {
            return Ok(None);
        };
        let id = rest.split(['?', '&', '#']).next().unwrap_or_default();
        let pin = self.state.get::<Pin>(&keys::pin(&self.flow.source)).await?;
        let Some((pin, _)) = pin else { return Ok(None) };
        let source = (
            self.flow.source.clone(),
            OrganisationId::new(pin.organisation),
        );
        let object = self.flow.policy.deal.object.as_str();
        let deal = RecordKey {
            connection: source.0.clone(),
            organisation: source.1.clone(),
            object: footbridge_model::id::ObjectName::new(object),
            id: RecordId::new(id),
        };
        let ours = (1..=MOST_PARTS).any(|part| billing_key(&deal, &ledger.1, part) == key);
        let known = self
            .state
            .store
            .get(&keys::record(&source, object, id))
            .await?;
        Ok(ours.then(|| Behind {
            deal: id.to_owned(),
            known: known.is_some(),
        }))
    }
}

/// The deal that an invoice with our key is of.
pub(crate) struct Behind {
    pub(crate) deal: String,
    /// The mirror has it. Else the feed of deals brings it, if it is there at all.
    pub(crate) known: bool,
}
