//! Feed: hints become known changes. Pages are read, de-duplicated against the mirror, and committed with their cursor.
//!
//! It never decides what a change means; a changed deal gets a `due` row and `gather` picks it up. The rows and the cursor of a
//! page, and what the plugin kept while it read, become durable in one commit, so a crash repeats a page at worst.

use crate::doubles::is_of_another;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::losses::Losses;
use crate::mirror::{Changes, Novelty, is_gone, our_key};
use crate::ports::{CallError, Connector};
use crate::state::keys::{self, Side};
use crate::state::rows::{Cursor, Due, Ours};
use crate::storage::Kept;
use crate::watch::Point;
use footbridge_model::document::Document;
use footbridge_model::plugin::{FeedRequest, Found, Item, Page};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Most items wanted in a page.
const PAGE: u32 = 1000;
/// No feed has more pages than this in one run. A cursor that comes back goes in circles long before.
const MOST_PAGES: usize = 20_000;

/// Longest pause, in seconds, that a read is kept for; after a longer one the next run goes on from the cursor.
const LONGEST_PAUSE: u32 = 70;
/// So many pauses in a row.
const MOST_PAUSES: u32 = 5;
/// So many times a page is read again because somebody else changed what the plugin keeps.
const MOST_REPEATS: u32 = 10;

/// When a record turned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnedUp {
    /// While everything was read for the first time in this epoch, or it was known already.
    WithTheRest,
    /// It is new, and all that was there had been read before.
    Later,
}

/// What reading an object brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pulled {
    pub(crate) changed: usize,
    pub(crate) seen: usize,
}

impl Engine {
    /// Reads all that changed of an object since the last run.
    pub(crate) async fn pull(
        &self,
        side: &Side,
        connector: &dyn Connector,
        object: &str,
        fields: &[String],
    ) -> Result<Pulled, EngineError> {
        let key = keys::cursor(side, object);
        let epoch = self.state.store.meta().epoch;
        let mut cursor = match self.state.get::<Cursor>(&key).await? {
            Some((cursor, _))
                if cursor.epoch == epoch
                    && cursor.fields == fields
                    && (cursor.complete || !cursor.again) =>
            {
                cursor
            }
            _ => Cursor {
                epoch,
                next: None,
                complete: false,
                again: false,
                fields: fields.to_vec(),
            },
        };
        let all_was_read = cursor.complete;
        let mut pulled = Pulled::default();
        let mut lost = Losses::begin(self, side, object, cursor.next.is_none()).await?;
        cursor.again |= lost.is_compared();
        let mut given = BTreeSet::from([cursor.next.clone()]);
        let mut repeats = 0;
        let mut pages = 0;
        while pages < MOST_PAGES {
            pages += 1;
            let request = FeedRequest {
                object: object.to_owned(),
                cursor: cursor.next.clone(),
                limit: PAGE,
                fields: fields.to_vec(),
            };
            let (page, kept) = self
                .page(side, connector, request)
                .await
                .map_err(|error| self.field_gone(side, object, error))?;
            let mut changes = Changes::default();
            let mut seen = Pulled::default();
            let mut gone = Vec::new();
            for item in &page.items {
                let novelty = self.learn(side, item, &mut changes).await?;
                lost.listed(&item.id);
                match novelty {
                    Novelty::Seen => seen.seen += 1,
                    novelty => {
                        seen.changed += 1;
                        if novelty == Novelty::Gone {
                            gone.push(item.id.clone());
                        }
                        self.note_due(side, item, &mut changes)?;
                        let turned_up = match (all_was_read, novelty) {
                            (true, Novelty::New) => TurnedUp::Later,
                            _ => TurnedUp::WithTheRest,
                        };
                        self.note_ours(side, item, turned_up, &mut changes).await?;
                        self.note_customer_due(side, item, &mut changes).await?;
                    }
                }
            }
            let next = Cursor {
                next: page.next,
                complete: cursor.complete || page.complete,
                ..cursor.clone()
            };
            changes.put(&key, &next)?;
            if page.complete {
                lost.put_last(self, &gone, &mut changes).await?;
            } else {
                lost.put(&gone, &mut changes)?;
            }
            let (set, turn) = kept.into_commit(changes.into_set())?;
            match self.state.commit(set).await {
                // Somebody else changed the plugin's storage: it only read, so it reads again.
                Err(error) if turn.is_some_and(|turn| turn.refused(&error)) => {
                    repeats += 1;
                    if repeats > MOST_REPEATS {
                        return Err(error);
                    }
                    continue;
                }
                committed => committed?,
            }
            lost.count(&gone);
            cursor = next;
            pulled.seen += seen.seen;
            pulled.changed += seen.changed;
            let stuck = !page.complete && !given.insert(cursor.next.clone());
            self.watch.at(&Point::Pulled {
                connection: side.0.to_string(),
                object: object.to_owned(),
                records: page.items.len(),
            });
            if page.complete {
                return Ok(pulled);
            }
            if stuck {
                break;
            }
        }
        Err(EngineError::call(
            side.0.as_str(),
            format!("reading {object} records"),
            crate::ports::CallError::Plugin {
                plugin: side.0.to_string(),
                what: without_end(object, pages, pulled.seen + pulled.changed),
            },
        ))
    }

    /// One page.
    pub(crate) async fn page(
        &self,
        side: &Side,
        connector: &dyn Connector,
        request: FeedRequest,
    ) -> Result<(Page, Kept), EngineError> {
        let doing = format!("reading {} records", request.object);
        self.patiently(side, doing, || connector.read_changes(request.clone()))
            .await
    }

    /// Records by id, from the far side.
    pub(crate) async fn by_id(
        &self,
        side: &Side,
        connector: &dyn Connector,
        object: &str,
        ids: &[String],
        fields: &[String],
    ) -> Result<Found, EngineError> {
        let doing = format!("reading {object} records by id");
        self.patiently(side, doing, || {
            connector.fetch(object, ids.to_vec(), fields.to_vec())
        })
        .await
    }

    /// A read. Where the far side or a budget asks for a pause of about a minute, it is kept and the read made again.
    async fn patiently<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        side: &Side,
        doing: String,
        read: impl Fn() -> F,
    ) -> Result<T, EngineError> {
        let mut pauses = 0;
        loop {
            let error = match read().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = match &error {
                CallError::Failure(failure) => failure.retry_after_seconds,
                CallError::Plugin { .. } => None,
            };
            match pause {
                Some(seconds) if seconds <= LONGEST_PAUSE && pauses < MOST_PAUSES => {
                    pauses += 1;
                    self.watch.at(&Point::Waiting {
                        seconds: u64::from(seconds),
                        why: format!("{} asked for a pause", side.0),
                    });
                    self.clock
                        .sleep(Duration::from_secs(u64::from(seconds)))
                        .await;
                }
                _ => return Err(EngineError::call(side.0.as_str(), doing, error)),
            }
        }
    }

    /// Records by id that the feed hasn't brought: read and mirrored. Tells the ids that they have themselves.
    pub(crate) async fn fetch_missing(
        &self,
        side: &Side,
        connector: &dyn Connector,
        object: &str,
        ids: Vec<String>,
        fields: &[String],
    ) -> Result<Vec<String>, EngineError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.by_id(side, connector, object, &ids, fields).await?;
        let mut changes = Changes::default();
        for item in &found.items {
            self.learn(side, item, &mut changes).await?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(found.items.into_iter().map(|item| item.id).collect())
    }

    fn note_due(&self, side: &Side, item: &Item, changes: &mut Changes) -> Result<(), EngineError> {
        if side.0 != self.flow.source || item.object != self.flow.policy.deal.object {
            return Ok(());
        }
        self.put_due(&item.id, &item.version, changes)
    }

    /// A deal is to be looked at by the next planning round.
    pub(crate) fn put_due(
        &self,
        deal: &str,
        version: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let due = Due {
            version: version.to_owned(),
        };
        let object = &self.flow.policy.deal.object;
        changes.put(&keys::due(self.flow.name.as_str(), object, deal), &due)
    }

    /// An invoice with our key that no link knows, or that is gone, brings its deal back: it is adopted, or someone hears of it.
    async fn note_ours(
        &self,
        side: &Side,
        item: &Item,
        turned_up: TurnedUp,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if side.0 != self.flow.ledger || item.object != "invoice" {
            return Ok(());
        }
        let Ok(doc) = Document::from_plugin(&item.doc) else {
            return Ok(());
        };
        let Some(url) = doc.text("url") else {
            return Ok(());
        };
        let Some(key) = our_key(url) else {
            return Ok(());
        };
        if doc.text("kind") == Some("payable") {
            return Ok(());
        }
        let link = self.state.link(key).await?;
        let linked = link.as_ref().is_some_and(|link| {
            link.members.iter().any(|member| {
                member.record.connection == side.0 && member.record.id.as_str() == item.id
            })
        });
        let gone = is_gone(&item.presence, &doc);
        if linked && !gone {
            return Ok(());
        }
        let deal = match self.state.get::<Ours>(&keys::ours(key)).await? {
            Some((ours, _)) => {
                let other = link.is_some_and(|link| is_of_another(&link, side, &item.id));
                // After a person's go, what this reading brings was there before.
                let said_go = self.said_go.load(Ordering::Relaxed);
                if other && !gone && turned_up == TurnedUp::Later && !said_go {
                    self.note_double(&item.id, key, ours.deal.as_str(), changes)?;
                }
                Some(ours.deal.to_string())
            }
            // Made by another installation, or after the backup that this one was restored from.
            None => {
                let behind = self.deal_behind(side, url, key).await?;
                if behind.is_some() && turned_up == TurnedUp::Later {
                    self.note_stranger(&item.id, changes).await?;
                }
                behind
                    .filter(|behind| behind.known)
                    .map(|behind| behind.deal)
            }
        };
        match deal {
            Some(deal) => self.put_due(&deal, "seen in the ledger", changes),
            None => Ok(()),
        }
    }
}

/// What is wrong with a connector whose pages don't come to an end, and what to do.
fn without_end(object: &str, pages: usize, records: usize) -> String {
    let gave = format!("gives pages without end: {object}, pages: {pages}, records: {records}");
    let next = "What was read is kept, and the next `footbridge sync` reads on from there. If it says this again, `footbridge audit` shows what was asked last; tell the plugin's author";
    match pages < MOST_PAGES {
        true => format!("{gave}, the last of them leading back to an earlier one. {next}"),
        false => format!("{gave}, and there are more. {next}"),
    }
}
