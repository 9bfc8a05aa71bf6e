//! Counted: how many records each side shows its user, held against the last run that went on. Fewer, without deletions that tell why,
//! means that something was hidden, and no list of changes tells of that (domain rule 11).
//!
//! It asks, compares and keeps; a count that can't be had proves nothing. What is made meanwhile hides as many that went. To `losses`,
//! which says what comes of a fall.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::losses::is_a_drop;
use crate::mirror::{Changes, last_text};
use crate::ports::{CallError, Connector};
use crate::state::keys::{self, Side};
use crate::state::rows::{Fell, Happened, Visible};
use footbridge_model::plugin::{Item, Pace, Tally};
use footbridge_store::key::{Segment, segments};
use std::collections::{BTreeMap, BTreeSet};

/// What counting both sides gave.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    objects: Vec<Object>,
    /// Keys of rows that say what went; whoever goes on forgets them, for they are in the counts then.
    went: Vec<Vec<u8>>,
}

/// One object of a side.
#[derive(Debug)]
struct Object {
    side: Side,
    name: String,
    /// As it is kept.
    kept: Visible,
    /// So many of those that were counted were told to be gone since.
    went: u64,
    pace: Pace,
    found: Found,
}

/// What became of counting an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It wasn't due.
    Nothing,
    Seen(u64),
    /// Why not.
    Unknown(String),
}

impl Object {
    /// So many there should be.
    fn expected(&self) -> Option<u64> {
        self.kept.seen.map(|seen| seen.saturating_sub(self.went))
    }

    /// The fall that stops a run. One that was found stands until a count shows otherwise or a person says that it is right.
    fn fell(&self) -> Option<Fell> {
        match (&self.found, self.expected()) {
            (Found::Seen(to), Some(from)) => {
                let missing = from.saturating_sub(*to);
                is_a_drop(missing, from).then_some(Fell { from, to: *to })
            }
            (Found::Seen(_), None) => None,
            _ => self.kept.fell,
        }
    }

    /// The row once the run goes on.
    fn going_on(&self, today: &str) -> Visible {
        Visible {
            seen: match self.found {
                Found::Seen(seen) => Some(seen),
                _ => self.expected(),
            },
            day: match (self.pace, &self.found) {
                (Pace::EachRun, _) => None,
                (Pace::Daily, Found::Nothing) => self.kept.day.clone(),
                (Pace::Daily, _) => Some(today.to_owned()),
            },
            unknown: match &self.found {
                Found::Seen(_) => None,
                Found::Nothing => self.kept.unknown.clone(),
                Found::Unknown(why) => self.kept.unknown.clone().or_else(|| Some(why.clone())),
            },
            fell: None,
        }
    }

    fn put(&self, row: &Visible, changes: &mut Changes) -> Result<(), EngineError> {
        if *row == self.kept {
            return Ok(());
        }
        changes.put(&keys::visible(&self.side, &self.name), row)
    }

    fn told(&self, fell: Fell) -> String {
        let missing = fell.from.saturating_sub(fell.to);
        format!(
            "{}: of {} {missing} of {} no longer shown to the connection's user, and not told to be deleted",
            self.side.0, self.name, fell.from
        )
    }
}

impl Counted {
    /// What fell, in words.
    pub(crate) fn fallen(&self) -> Vec<String> {
        let fallen = self.objects.iter();
        fallen
            .filter_map(|object| object.fell().map(|fell| object.told(fell)))
            .collect()
    }

    /// The run stops: what fell is kept for a person's word, and nothing else, so that no crash forgets it.
    pub(crate) fn stop(&self, changes: &mut Changes) -> Result<(), EngineError> {
        for object in &self.objects {
            let row = Visible {
                fell: object.fell(),
                ..object.kept.clone()
            };
            object.put(&row, changes)?;
        }
        Ok(())
    }

    /// The run goes on: what was counted is what the next one is held against.
    pub(crate) fn go_on(
        &self,
        engine: &Engine,
        today: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let mut unknown: BTreeMap<(&Side, String), Vec<&str>> = BTreeMap::new();
        for object in &self.objects {
            let row = object.going_on(today);
            if let (Some(why), None) = (&row.unknown, &object.kept.unknown) {
                let same = unknown.entry((&object.side, why.clone())).or_default();
                same.push(&object.name);
            }
            object.put(&row, changes)?;
        }
        for ((side, why), objects) in unknown {
            let text = format!(
                "{}: records of {} can't be counted ({why}), so what is hidden from the connection's user is noticed only when all are read again",
                side.0,
                objects.join(", ")
            );
            tracing::info!("{text}");
            engine.journal(changes, Happened::Uncounted, text, None, None)?;
        }
        self.went.iter().for_each(|key| changes.delete(key));
        Ok(())
    }

    /// A person says that what fell is right: what there was then is what the next run is held against.
    ///
    /// # Returns
    /// What was accepted, in words.
    pub(crate) fn accept(&self, changes: &mut Changes) -> Result<Vec<String>, EngineError> {
        let mut accepted = Vec::new();
        for object in &self.objects {
            let fell = object.kept.fell;
            accepted.extend(fell.map(|fell| object.told(fell)));
            let row = Visible {
                seen: fell.map(|fell| fell.to).or_else(|| object.expected()),
                fell: None,
                ..object.kept.clone()
            };
            object.put(&row, changes)?;
        }
        self.went.iter().for_each(|key| changes.delete(key));
        Ok(accepted)
    }
}

impl Engine {
    /// A record was there and is told to be gone, by whatever read: its object's count falls by one, and that is no drop.
    pub(crate) fn note_went(
        &self,
        side: &Side,
        item: &Item,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if self.minds_losses(&item.object) {
            changes.put(&keys::went(side, &item.object, &item.id), &())?;
        }
        Ok(())
    }

    /// What is kept of both sides, without a look at them.
    pub(crate) async fn counted_before(&self, sides: &Sides) -> Result<Counted, EngineError> {
        let mut counted = Counted::default();
        for side in [&sides.source, &sides.ledger] {
            let mut went: BTreeMap<String, u64> = BTreeMap::new();
            for key in self.state.keys(&keys::all_went(side).range()).await? {
                if let Some(object) = object_of(&key) {
                    *went.entry(object).or_default() += 1;
                }
                counted.went.push(key);
            }
            let mut kept: BTreeMap<String, Visible> = BTreeMap::new();
            let range = keys::all_visible(side).range();
            for (key, row) in self.state.all::<Visible>(&range).await? {
                kept.extend(last_text(&key).map(|object| (object, row)));
            }
            let read = self.read_of(side).into_iter();
            for name in read.filter(|object| self.minds_losses(object)) {
                counted.objects.push(Object {
                    side: side.clone(),
                    went: went.get(&name).copied().unwrap_or(0),
                    kept: kept.remove(&name).unwrap_or_default(),
                    pace: Pace::EachRun,
                    found: Found::Nothing,
                    name,
                });
            }
        }
        Ok(counted)
    }

    /// Counts what is due on both sides.
    pub(crate) async fn count(&self, sides: &Sides, today: &str) -> Result<Counted, EngineError> {
        let mut counted = self.counted_before(sides).await?;
        for side in [&sides.source, &sides.ledger] {
            let connector = self.connector(&side.0);
            let objects = counted.objects.iter_mut();
            let mut objects: Vec<&mut Object> =
                objects.filter(|object| object.side == *side).collect();
            count_side(connector.as_ref(), &mut objects, today).await;
        }
        Ok(counted)
    }

    /// Objects that each run reads of a side.
    fn read_of(&self, side: &Side) -> BTreeSet<String> {
        if side.0 == self.flow.source {
            let deal = &self.flow.policy.deal.object;
            let read = self.flow.customer_objects.iter().chain([deal]);
            return read.cloned().collect();
        }
        LEDGER.iter().map(|object| (*object).to_owned()).collect()
    }
}

/// What each run reads of a ledger.
pub(crate) const LEDGER: [&str; 5] = ["account", "tax-rate", "item", "customer", "invoice"];

/// Asks a connector. Whatever goes wrong, the objects have no count then, and the run goes on.
async fn count_side(connector: &dyn Connector, objects: &mut [&mut Object], today: &str) {
    let offered = match connector.countable().await {
        Ok(offered) => offered,
        Err(error) => return unknown(objects, &error.to_string()),
    };
    if offered.is_empty() {
        return unknown(objects, "its plugin doesn't count");
    }
    let mut due = Vec::new();
    for object in objects.iter_mut() {
        let Some(offer) = offered.iter().find(|offer| offer.object == object.name) else {
            continue;
        };
        object.pace = offer.pace;
        let once_today = offer.pace == Pace::Daily && object.kept.day.as_deref() == Some(today);
        // What fell may have been put right since.
        if !once_today || object.kept.fell.is_some() {
            due.push(object.name.clone());
        }
    }
    if due.is_empty() {
        return;
    }
    let tallies = connector.count(due.clone()).await;
    for object in objects
        .iter_mut()
        .filter(|object| due.contains(&object.name))
    {
        object.found = found(&object.name, &tallies);
    }
}

fn found(object: &str, tallies: &Result<Vec<Tally>, CallError>) -> Found {
    match tallies {
        Err(error) => Found::Unknown(error.to_string()),
        Ok(tallies) => match tallies.iter().find(|tally| tally.object == object) {
            Some(Tally {
                records: Ok(seen), ..
            }) => Found::Seen(*seen),
            Some(Tally {
                records: Err(problem),
                ..
            }) => Found::Unknown(problem.message.clone()),
            None => Found::Unknown("its plugin gave no count of them".to_owned()),
        },
    }
}

fn unknown(objects: &mut [&mut Object], why: &str) {
    for object in objects {
        object.found = Found::Unknown(why.to_owned());
    }
}

/// The object in the key of a record that went.
fn object_of(key: &[u8]) -> Option<String> {
    let mut segments = segments(key)?;
    segments.pop()?;
    match segments.pop()? {
        Segment::Text(object) => Some(object),
        _ => None,
    }
}
