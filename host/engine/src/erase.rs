//! Erasure: what is kept about one record so that people can look it up later is emptied of what it held, for somebody may ask for that:
//! values, titles and words of its history, words of the journal, bodies of the requests that carried it, old plans that name it, and the
//! record as last read if the CRM deleted it. What the way back shows of the record goes with it. That something was done to it, when, and
//! by which plugins stays.
//!
//! It never erases what is needed to go on: open requests, plans that may still be applied, links, records that are there.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::history::{Entry, Value};
use crate::mirror::{Changes, Novelty};
use crate::replay::Mode;
use crate::saved::State;
use crate::state::keys;
use crate::state::rows::{Decision, Event, Request, Standing};
use footbridge_model::id::{RecordKey, RequestId};
use footbridge_model::plugin::{Item, Presence};
use footbridge_model::request::RequestState;
use footbridge_model::shown::Shown;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// What stands where words stood.
const ERASED: &str = "(erased)";

/// What was erased, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Entries of its history.
    pub history: usize,
    /// Lines of the journal.
    pub journal: usize,
    /// Settled requests that carried it.
    pub requests: usize,
    /// Saved plans that name it and whose day is over.
    pub plans: usize,
    /// Decisions that need nothing more.
    pub decisions: usize,
    /// Records as last read that the CRM deleted.
    pub records: usize,
    /// Records of the way back that hang on it and of which something goes as well, by key, each with its title.
    pub hanging: BTreeMap<String, String>,
    /// Requests without an outcome: what they need stays.
    pub open_requests: Vec<RequestId>,
    /// Saved plans that may still be applied: they stay.
    pub open_plans: Vec<String>,
}

impl Erased {
    /// Whether nothing is known of the record.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Engine {
    /// Erases what is kept about the record with this id, at either side, or an invoice by its number. Doing it again is free.
    pub async fn erase(&self, id: &str, mode: Mode) -> Result<Erased, EngineError> {
        let mut erased = Erased::default();
        let mut records = self.records_called(id).await?;
        let hanging = self.hanging_ever(&records).await?;
        records.extend(hanging.iter().cloned());
        let entries = self.entries_about(&records).await?;
        let mut requests = BTreeSet::new();
        let mut changes = Changes::default();
        for (key, entry) in entries {
            requests.extend(entry.request.clone());
            records.extend([entry.record.clone(), entry.source.clone()]);
            let emptied = emptied(&entry);
            if emptied != entry {
                erased.history += 1;
                if hanging.contains(&entry.source) {
                    let key = entry.source.id.to_string();
                    erased.hanging.entry(key).or_insert(entry.title);
                }
                changes.put_at(key, &emptied)?;
            }
        }
        self.erase_journal(&records, &mut requests, &mut changes, &mut erased)
            .await?;
        self.erase_current(&records, &mut changes, &mut erased)
            .await?;
        self.note_open(&records, &mut erased).await?;
        // Bodies first: whoever repeats it after a crash still finds them by the rows.
        self.erase_requests(&requests, mode, &mut erased).await?;
        self.erase_plans(&records, mode, &mut erased).await?;
        if mode == Mode::Do {
            self.state.commit(changes.into_set()).await?;
        }
        Ok(erased)
    }

    async fn hanging_ever(
        &self,
        records: &BTreeSet<RecordKey>,
    ) -> Result<BTreeSet<RecordKey>, EngineError> {
        let Some(sides) = self.known_sides().await? else {
            return Ok(BTreeSet::new());
        };
        let mut hanging = self.hanging(&sides, records).await?;
        hanging.extend(self.ever_paid(&sides, &hanging).await?);
        Ok(hanging)
    }

    async fn erase_journal(
        &self,
        records: &BTreeSet<RecordKey>,
        requests: &mut BTreeSet<RequestId>,
        changes: &mut Changes,
        erased: &mut Erased,
    ) -> Result<(), EngineError> {
        let mut found: Vec<(Vec<u8>, Event)> = Vec::new();
        let each = |key: Vec<u8>, event: Event| {
            let about = event.subject.as_ref();
            if about.is_some_and(|subject| records.contains(subject)) {
                found.push((key, event));
            }
            ControlFlow::Continue(())
        };
        self.state.each(&keys::events().range(), each).await?;
        for (key, mut event) in found {
            requests.extend(event.request.clone());
            if event.text != ERASED {
                ERASED.clone_into(&mut event.text);
                erased.journal += 1;
                changes.put_at(key, &event)?;
            }
        }
        Ok(())
    }

    /// Decisions that need nothing more, and the record as last read where the CRM deleted it.
    async fn erase_current(
        &self,
        records: &BTreeSet<RecordKey>,
        changes: &mut Changes,
        erased: &mut Erased,
    ) -> Result<(), EngineError> {
        for record in records {
            let (object, id) = (record.object.as_str(), record.id.as_str());
            let range = keys::decisions_of(self.flow.name.as_str(), object, id).range();
            for (key, mut decision) in self.state.all::<Decision>(&range).await? {
                let settled = matches!(decision.standing, Standing::Applied | Standing::Skipped)
                    && decision.subject.record == *record;
                if settled && decision.message != ERASED {
                    ERASED.clone_into(&mut decision.message);
                    ERASED.clone_into(&mut decision.subject.title);
                    decision.shown = Shown::default();
                    erased.decisions += 1;
                    if decision.standing == Standing::Applied {
                        let part = decision.subject.part;
                        self.forget_names(record, part, changes).await?;
                    }
                    changes.put_at(key, &decision)?;
                }
            }
            if record.connection != self.flow.source {
                continue;
            }
            let side = (record.connection.clone(), record.organisation.clone());
            let Some(known) = self.state.mirrored(&side, object, id).await? else {
                continue;
            };
            if known.presence != Presence::Deleted {
                continue;
            }
            let nothing = Item {
                object: object.to_owned(),
                id: id.to_owned(),
                version: known.version,
                presence: known.presence,
                doc: "{}".to_owned(),
            };
            if self.state.mirror(&side, &nothing, changes).await? != Novelty::Seen {
                erased.records += 1;
            }
        }
        Ok(())
    }

    /// Requests about these records that have no outcome yet.
    async fn note_open(
        &self,
        records: &BTreeSet<RecordKey>,
        erased: &mut Erased,
    ) -> Result<(), EngineError> {
        for request in self.open_requests().await? {
            let ops = self.ops(&request).await?;
            if ops.iter().any(|op| records.contains(&op.subject.record)) {
                erased.open_requests.push(request.id);
            }
        }
        Ok(())
    }

    async fn erase_requests(
        &self,
        requests: &BTreeSet<RequestId>,
        mode: Mode,
        erased: &mut Erased,
    ) -> Result<(), EngineError> {
        let needed = self.needed_bodies().await?;
        for id in requests {
            let row = self
                .state
                .get::<Request>(&keys::request(id.as_str()))
                .await?;
            let Some((request, _)) = row else {
                continue;
            };
            if request.state != RequestState::Settled {
                continue;
            }
            let found = match mode {
                Mode::Do => self.forget_request(&request, &needed).await?,
                Mode::Dry => self.kept_of(&request).await?,
            };
            erased.requests += usize::from(found > 0);
        }
        Ok(())
    }

    async fn erase_plans(
        &self,
        records: &BTreeSet<RecordKey>,
        mode: Mode,
        erased: &mut Erased,
    ) -> Result<(), EngineError> {
        for kept in self.saved_plans().await? {
            let (_, saved) = self.saved_plan(&kept.id).await?;
            let plan = &saved.plan;
            let notes = plan.skips.iter().chain(&plan.holds).chain(&saved.asks);
            let mut named = (plan.ops.iter())
                .flat_map(|op| std::iter::once(&op.subject.record.id).chain(&op.target))
                .chain(notes.map(|note| &note.subject.record.id));
            if !named.any(|id| records.iter().any(|record| record.id == *id)) {
                continue;
            }
            match kept.state(self.clock.now()) {
                State::Open | State::Approved | State::PartlyApplied => {
                    erased.open_plans.push(kept.id);
                }
                State::Applied | State::Expired | State::EarlierEpoch | State::Withdrawn => {
                    erased.plans += 1;
                    if mode == Mode::Do {
                        self.forget_plan(&kept).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// An entry without what it held.
fn emptied(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    ERASED.clone_into(&mut entry.title);
    ERASED.clone_into(&mut entry.why);
    for change in &mut entry.fields {
        change.old = change.old.as_ref().map(|_| Value::Erased);
        change.new = Value::Erased;
    }
    entry
}
