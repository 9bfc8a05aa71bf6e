//! Replay: records are read again from the far side, whatever the lists of changes told, and come up in the next run once more.
//!
//! It plans and writes nothing: what is applied already is looked at and left as it is. Memory is bounded by a batch. Next: `gather`.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::record_key;
use crate::mirror::{Changes, last_text};
use crate::state::keys;
use crate::state::rows::{Decision, Record, Reread};
use chrono::{DateTime, Utc};
use footbridge_model::document::Document;
use footbridge_model::id::RecordKey;
use footbridge_model::receivable::{BALANCE, DOCUMENT, Keyed, PAYMENT, is_receivable, keyed};
use std::collections::{BTreeMap, BTreeSet};

/// Records in one step: read again and brought back together.
const BATCH: usize = 200;

/// Which records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One, whether anything is known of it or not.
    One(String),
    /// All for which every given condition holds.
    Matching(Conditions),
}

/// Conditions on what was decided last and on the record as last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// It stands under this reason.
    pub reason: Option<String>,
    /// Decided at or after.
    pub since: Option<DateTime<Utc>>,
    /// Decided before.
    pub until: Option<DateTime<Utc>>,
    /// Fields, dotted, with just this value.
    pub holds: Vec<(String, String)>,
}

/// Whether it is done or only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is asked and nothing changes.
    Dry,
    /// Do it.
    Do,
}

/// A record that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its id, or its key.
    pub id: String,
    /// What people call it, where that is known.
    pub title: String,
    /// The reason that it stands under, if anything was decided.
    pub reason: Option<String>,
}

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// Records that the next run looks at.
    pub looked_at: usize,
    /// Records, theirs and those that they refer to, of which the far sides reported something new.
    pub changed: usize,
    /// Records that the far side doesn't show; they are left as they are.
    pub not_shown: usize,
    /// Customers that are linked with nothing in the ledger: there is nothing to follow until they are.
    pub not_linked: usize,
    /// Fields of the conditions that none of the records looked through has.
    #[serde(skip)]
    pub unknown_fields: Vec<String>,
}

/// A replay as it goes on.
struct Run<'a> {
    sides: Sides,
    mode: Mode,
    each: &'a mut (dyn FnMut(&Looked) + Send),
    deals: Vec<String>,
    /// Customers, by object.
    customers: BTreeMap<String, Vec<String>>,
    /// Fields of the conditions that no record has had so far.
    unknown: BTreeSet<String>,
    /// Records looked through for them.
    looked_through: usize,
    done: Replayed,
}

impl Engine {
    /// Brings records back to be looked at by the next run. `each` is told of every one.
    pub async fn replay(
        &self,
        selection: &Selection,
        mode: Mode,
        each: &mut (dyn FnMut(&Looked) + Send),
    ) -> Result<Replayed, EngineError> {
        let sides = match (mode, self.known_sides().await?) {
            (Mode::Dry, Some(sides)) => sides,
            _ => self.sides().await?,
        };
        let mut run = Run {
            sides,
            mode,
            each,
            deals: Vec::new(),
            customers: BTreeMap::new(),
            unknown: BTreeSet::new(),
            looked_through: 0,
            done: Replayed::default(),
        };
        if let Selection::Matching(of) = selection {
            run.unknown = of.holds.iter().map(|(field, _)| field.clone()).collect();
        }
        match selection {
            Selection::One(id) => self.replay_one(&mut run, id).await?,
            Selection::Matching(of) if of.reason.is_none() && of.is_timeless() => {
                self.replay_records(&mut run, of).await?;
            }
            Selection::Matching(of) => self.replay_decided(&mut run, of).await?,
        }
        self.flush(&mut run).await?;
        self.flush_customers(&mut run).await?;
        if run.looked_through > 0 {
            run.done.unknown_fields = run.unknown.into_iter().collect();
        }
        Ok(run.done)
    }

    async fn replay_one(&self, run: &mut Run<'_>, id: &str) -> Result<(), EngineError> {
        let known = match self.known(id).await? {
            crate::items::Known::Of(found) => found,
            _ => Vec::new(),
        };
        match known.first() {
            Some(decision) => self.bring_back(run, decision).await,
            None => {
                (run.each)(&Looked {
                    id: id.to_owned(),
                    title: id.to_owned(),
                    reason: None,
                });
                let organisation = run.sides.ledger.1.clone();
                let keys = [DOCUMENT, PAYMENT, BALANCE];
                let of = keys
                    .into_iter()
                    .find(|object| keyed(object, id, &organisation).is_some());
                if let Some(object) = of.filter(|_| self.back.is_some()) {
                    return self.way_back(run, object, id).await;
                }
                match self.customer_known(run, id).await? {
                    Some(object) => run.customers.entry(object).or_default().push(id.to_owned()),
                    None => run.deals.push(id.to_owned()),
                }
                Ok(())
            }
        }
    }

    /// The object of a customer whose changes are followed, if this is the id of one that was read.
    async fn customer_known(&self, run: &Run<'_>, id: &str) -> Result<Option<String>, EngineError> {
        for object in self.flow.customer_objects.iter().filter(|o| self.merges(o)) {
            let record = self.state.mirrored(&run.sides.source, object, id).await?;
            if record.is_some() {
                return Ok(Some(object.clone()));
            }
        }
        Ok(None)
    }

    /// Over all that was decided; parts of a deal stand beside each other.
    async fn replay_decided(&self, run: &mut Run<'_>, of: &Conditions) -> Result<(), EngineError> {
        let range = keys::decisions(self.flow.name.as_str()).range();
        let mut after: Option<Vec<u8>> = None;
        let mut last: Option<RecordKey> = None;
        loop {
            let rows = self
                .state
                .some::<Decision>(&range, after.as_deref(), BATCH)
                .await?;
            let full = rows.len() == BATCH;
            for (key, decision) in rows {
                after = Some(key);
                let record = &decision.subject.record;
                let known = last.as_ref() == Some(record);
                if known || !of.decided(&decision) || !self.holds_now(run, of, record).await? {
                    continue;
                }
                last = Some(record.clone());
                self.bring_back(run, &decision).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Over all deals that were ever read.
    async fn replay_records(&self, run: &mut Run<'_>, of: &Conditions) -> Result<(), EngineError> {
        let object = self.flow.policy.deal.object.clone();
        let range = keys::records(&run.sides.source, &object).range();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self
                .state
                .some::<Record>(&range, after.as_deref(), BATCH)
                .await?;
            let full = rows.len() == BATCH;
            for (key, _) in rows {
                let id = last_text(&key);
                after = Some(key);
                let Some(id) = id else { continue };
                let record = record_key(&run.sides.source, &object, &id);
                if self.holds_now(run, of, &record).await? {
                    let decided = self.stands(&record).await?;
                    self.take_deal(run, &record, decided.as_ref()).await?;
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// How a deal stands: of several parts the first that waits, else the first.
    async fn stands(&self, record: &RecordKey) -> Result<Option<Decision>, EngineError> {
        let flow = self.flow.name.as_str();
        let range = keys::decisions_of(flow, record.object.as_str(), record.id.as_str()).range();
        let parts = self.state.all::<Decision>(&range).await?;
        let waits = |decision: &Decision| decision.standing.waits();
        let parts = parts.into_iter().map(|(_, decision)| decision);
        Ok(parts.min_by_key(|decision| !waits(decision)))
    }

    async fn holds_now(
        &self,
        run: &mut Run<'_>,
        of: &Conditions,
        record: &RecordKey,
    ) -> Result<bool, EngineError> {
        if of.holds.is_empty() {
            return Ok(true);
        }
        let (object, id) = (record.object.as_str(), record.id.as_str());
        let found = self.state.mirrored(&run.sides.source, object, id).await?;
        let Some(found) = found else {
            return Ok(false);
        };
        run.looked_through += 1;
        (run.unknown).retain(|field| found.doc.at(field).is_none());
        let mut all = of.holds.iter();
        Ok(all.all(|(field, value)| is(found.doc.at(field), value)))
    }

    async fn bring_back(&self, run: &mut Run<'_>, decision: &Decision) -> Result<(), EngineError> {
        let record = &decision.subject.record;
        if record.object.as_str() == self.flow.policy.deal.object {
            return self.take_deal(run, record, Some(decision)).await;
        }
        run.tell(record, Some(decision));
        if self.merges(record.object.as_str()) {
            let all = run.customers.entry(record.object.to_string()).or_default();
            all.push(record.id.to_string());
            if all.len() >= BATCH {
                self.flush_customers(run).await?;
            }
            return Ok(());
        }
        self.way_back(run, record.object.as_str(), record.id.as_str())
            .await
    }

    /// A record of the way back, by its key: its document is read again.
    async fn way_back(
        &self,
        run: &mut Run<'_>,
        object: &str,
        key: &str,
    ) -> Result<(), EngineError> {
        run.done.looked_at += 1;
        if run.mode == Mode::Dry || !is_receivable(object) {
            return Ok(());
        }
        let mut changes = Changes::default();
        if let Some(Keyed::Document(id)) = keyed(object, key, &run.sides.ledger.1) {
            let row = keys::reread(&run.sides.ledger, id.kind.as_str(), &id.id);
            let again = Reread {
                forced: true,
                not_shown: false,
            };
            changes.put(&row, &again)?;
        }
        self.put_record_due(object, key, &mut changes).await?;
        self.state.commit(changes.into_set()).await
    }

    async fn take_deal(
        &self,
        run: &mut Run<'_>,
        record: &RecordKey,
        decision: Option<&Decision>,
    ) -> Result<(), EngineError> {
        run.tell(record, decision);
        run.deals.push(record.id.to_string());
        if run.deals.len() >= BATCH {
            self.flush(run).await?;
        }
        Ok(())
    }

    /// The deals so far are read again, with what they refer to and what they are linked with, and are due.
    async fn flush(&self, run: &mut Run<'_>) -> Result<(), EngineError> {
        let ids = std::mem::take(&mut run.deals);
        if ids.is_empty() {
            return Ok(());
        }
        if run.mode == Mode::Dry {
            run.done.looked_at += ids.len();
            return Ok(());
        }
        let object = self.flow.policy.deal.object.clone();
        let shown = self
            .read_again(run, From::Source, &object, ids.clone())
            .await?;
        let as_of = self.as_of(&run.sides.organisation)?;
        let mut records = Vec::new();
        for id in &shown {
            let found = self.state.mirrored(&run.sides.source, &object, id).await?;
            records.extend(found);
        }
        let mut deals = self.drafts(as_of, &run.sides, &object, records).await?;
        let referred = self.referred_records(&run.sides, &mut deals).await?;
        let mut linked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for deal in &deals {
            self.linked_with(run, &deal.record, &mut linked).await?;
        }
        let mut by_object: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (object, id) in referred {
            let record = record_key(&run.sides.source, &object, &id);
            self.linked_with(run, &record, &mut linked).await?;
            by_object.entry(object).or_default().push(id);
        }
        for (object, ids) in by_object {
            self.read_again(run, From::Source, &object, ids).await?;
        }
        for (object, ids) in linked {
            let ids = ids.into_iter().collect();
            self.read_again(run, From::Ledger, &object, ids).await?;
        }
        let mut changes = Changes::default();
        for id in &shown {
            self.put_due(id, "replayed", &mut changes)?;
        }
        self.state.commit(changes.into_set()).await?;
        run.done.looked_at += shown.len();
        run.done.not_shown += ids.iter().filter(|id| !shown.contains(*id)).count();
        Ok(())
    }

    /// The customers so far are read again at both sides, and are due.
    async fn flush_customers(&self, run: &mut Run<'_>) -> Result<(), EngineError> {
        for (object, ids) in std::mem::take(&mut run.customers) {
            let shown = match run.mode {
                Mode::Dry => ids.iter().cloned().collect(),
                Mode::Do => {
                    self.read_again(run, From::Source, &object, ids.clone())
                        .await?
                }
            };
            let mut linked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let mut changes = Changes::default();
            for id in &shown {
                let record = record_key(&run.sides.source, &object, id);
                match self.linked_with(run, &record, &mut linked).await? {
                    true => run.done.looked_at += 1,
                    false => run.done.not_linked += 1,
                }
                self.put_record_of_customer_due(&record, &mut changes)?;
            }
            run.done.not_shown += ids.iter().filter(|id| !shown.contains(*id)).count();
            if run.mode == Mode::Dry {
                continue;
            }
            for (object, ids) in linked {
                let ids = ids.into_iter().collect();
                self.read_again(run, From::Ledger, &object, ids).await?;
            }
            self.state.commit(changes.into_set()).await?;
        }
        Ok(())
    }

    /// Adds the ledger records that a source record is linked with, by object; false if there are none.
    async fn linked_with(
        &self,
        run: &Run<'_>,
        record: &RecordKey,
        found: &mut BTreeMap<String, BTreeSet<String>>,
    ) -> Result<bool, EngineError> {
        let mut any = false;
        for link in self.link_ids(record).await? {
            let members = self.state.link(&link).await?.into_iter();
            let members = members.flat_map(|link| link.members).map(|m| m.record);
            for record in members.filter(|record| record.connection == run.sides.ledger.0) {
                let ids = found.entry(record.object.to_string()).or_default();
                ids.insert(record.id.to_string());
                any = true;
            }
        }
        Ok(any)
    }

    /// Reads records by id into the mirror; the ids of those that were shown.
    async fn read_again(
        &self,
        run: &mut Run<'_>,
        from: From,
        object: &str,
        ids: Vec<String>,
    ) -> Result<BTreeSet<String>, EngineError> {
        let (side, connector) = match from {
            From::Source => (&run.sides.source, &self.source),
            From::Ledger => (&run.sides.ledger, &self.ledger),
        };
        let fields = match from {
            From::Source => self.fields_of(object).to_vec(),
            From::Ledger => Vec::new(),
        };
        let mut shown = BTreeSet::new();
        for ids in ids.chunks(BATCH) {
            let found = self
                .by_id(side, connector.as_ref(), object, ids, &fields)
                .await?;
            let mut changes = Changes::default();
            for item in &found.items {
                shown.insert(item.id.clone());
                if self.learn(side, item, &mut changes).await? == crate::mirror::Novelty::Changed {
                    run.done.changed += 1;
                }
            }
            self.state.commit(changes.into_set()).await?;
        }
        Ok(shown)
    }
}

/// Which side is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Source,
    Ledger,
}

impl Run<'_> {
    fn tell(&mut self, record: &RecordKey, decision: Option<&Decision>) {
        let title = decision.map_or(record.id.as_str(), |d| d.subject.title.as_str());
        (self.each)(&Looked {
            id: record.id.to_string(),
            title: title.to_owned(),
            reason: decision.map(|decision| decision.reason.clone()),
        });
    }
}

impl Conditions {
    fn is_timeless(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    fn decided(&self, decision: &Decision) -> bool {
        let reason = self.reason.as_ref();
        reason.is_none_or(|reason| *reason == decision.reason)
            && self.since.is_none_or(|since| decision.at >= since)
            && self.until.is_none_or(|until| decision.at < until)
    }
}

/// Whether a field holds what is written; a missing one and null hold nothing.
fn is(found: Option<&Document>, value: &str) -> bool {
    match found {
        Some(Document::Text(text)) => text == value,
        Some(Document::Bool(yes)) => yes.to_string() == value,
        Some(Document::Null) => value.is_empty(),
        _ => false,
    }
}
