//! What is remembered of a linked customer between runs: the shadow of each field (both sides' values when they last agreed, as they were
//! reported), what was written and not read again yet, how often, and what a person is being asked. Bounded per field.
//!
//! Stored as text, as the shadow of the link's member on the CRM's side. Nothing is decided here: `decide` reads it, and the engine adds
//! what became of a write through [`after_write`].

use super::decide::MOST_WRITES;
use super::field::{FIELDS, Field, Shape};
use super::normal::same;
use super::policy::Side;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_model::document::Document;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Writes of a field that are remembered.
const TRAIL: usize = 8;
/// So long a write may stay unread before it is looked at afresh.
const LONGEST_PENDING: TimeDelta = TimeDelta::hours(1);
/// What is older doesn't count as flipping.
pub(crate) const DAY: TimeDelta = TimeDelta::hours(24);

/// What is remembered of a customer, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(default)]
    pub(crate) merge: BTreeMap<String, Memory>,
}

/// What is remembered of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Both values when they last agreed, or were first seen; none before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agreed: Option<Pair>,
    /// What was written last and not read again yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<Sent>,
    /// What the far side made of our last write, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rewritten: Option<Rewritten>,
    /// The last writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) trail: Vec<Written>,
    /// The pair that a person was told of, and since when: an answer from before is about something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Asked>,
}

/// Both sides' values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) source: Document,
    pub(crate) ledger: Document,
}

impl Pair {
    pub(crate) fn of(&self, side: Side) -> &Document {
        match side {
            Side::Source => &self.source,
            Side::Ledger => &self.ledger,
        }
    }

    /// The pair with `value` on `side` and `other` on the other one.
    pub(crate) fn on(side: Side, value: Document, other: Document) -> Self {
        match side {
            Side::Source => Self {
                source: value,
                ledger: other,
            },
            Side::Ledger => Self {
                source: other,
                ledger: value,
            },
        }
    }

    pub(crate) fn is(&self, shape: Shape, other: &Self) -> bool {
        same(shape, &self.source, &other.source) && same(shape, &self.ledger, &other.ledger)
    }
}

/// A write that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Where to.
    pub(crate) to: Side,
    /// What.
    pub(crate) value: Document,
    /// The other side's value that it was made of.
    pub(crate) from: Document,
    /// The target's version before it.
    pub(crate) version: String,
    pub(crate) at: DateTime<Utc>,
}

impl Sent {
    /// Whether it may still come to be read again as it was written.
    pub(crate) fn is_pending(&self, now: DateTime<Utc>) -> bool {
        now - self.at < LONGEST_PENDING
    }
}

/// A write that the far side replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rewritten {
    pub(crate) to: Side,
    /// What was written.
    pub(crate) value: Document,
    /// A person has been asked; nothing is written until something changes.
    #[serde(default)]
    pub(crate) stuck: bool,
}

/// One entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) to: Side,
    pub(crate) value: Document,
    pub(crate) at: DateTime<Utc>,
}

/// What a person is being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) pair: Pair,
    pub(crate) since: DateTime<Utc>,
    /// Since when an item shows it, by the reason that it is shown under.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) shown: BTreeMap<String, DateTime<Utc>>,
}

impl Asked {
    /// Since when it is shown under a reason. What was remembered before reasons were counts from when it was asked.
    pub(crate) fn shown_since(&self, reason: &str) -> DateTime<Utc> {
        let otherwise = if self.shown.is_empty() {
            self.since
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        self.shown.get(reason).copied().unwrap_or(otherwise)
    }
}

impl Memory {
    /// How often this value was written to this side within a day.
    pub(crate) fn times(
        &self,
        shape: Shape,
        to: Side,
        value: &Document,
        now: DateTime<Utc>,
    ) -> usize {
        let recent = self.trail.iter().filter(|written| {
            written.to == to && now - written.at < DAY && same(shape, &written.value, value)
        });
        recent.count()
    }

    /// One write more of everything than a day allows.
    fn once_more(&mut self, shape: Shape) {
        let mut newest_first: Vec<Written> = Vec::with_capacity(self.trail.len());
        for written in self.trail.drain(..).rev() {
            let same = |other: &&Written| {
                other.to == written.to && same(shape, &other.value, &written.value)
            };
            if newest_first.iter().filter(same).count() < MOST_WRITES - 1 {
                newest_first.push(written);
            }
        }
        newest_first.reverse();
        self.trail = newest_first;
        if let Some(rewritten) = &mut self.rewritten {
            rewritten.stuck = false;
        }
    }

    /// They agree as they are.
    pub(crate) fn agree(&mut self, pair: Pair) {
        self.agreed = Some(pair);
        self.sent = None;
        self.rewritten = None;
        self.asked = None;
    }

    /// Since when a person is asked about this pair.
    pub(crate) fn ask(&mut self, shape: Shape, pair: Pair, now: DateTime<Utc>) {
        if !self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.pair.is(shape, &pair))
        {
            self.asked = Some(Asked {
                pair,
                since: now,
                shown: BTreeMap::new(),
            });
        }
    }

    /// An item shows what is asked, under this reason.
    pub(crate) fn show(&mut self, reason: &str, now: DateTime<Utc>) {
        if let Some(asked) = &mut self.asked
            && !asked.shown.contains_key(reason)
        {
            asked.shown.insert(reason.to_owned(), now);
        }
    }
}

impl State {
    /// From the text in a link; what can't be read counts as never seen, so that nothing is overwritten because of it.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether something that was written has yet to be read again.
    pub(crate) fn is_pending(&self, now: DateTime<Utc>) -> bool {
        let mut sent = self.merge.values().filter_map(|field| field.sent.as_ref());
        sent.any(|sent| sent.is_pending(now))
    }

    pub(crate) fn of(&self, field: Field) -> Memory {
        self.merge.get(field.name).cloned().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, field: Field, memory: Memory) {
        if memory == Memory::default() {
            self.merge.remove(field.name);
        } else {
            self.merge.insert(field.name.to_owned(), memory);
        }
    }
}

/// What an update of a customer writes, in the words of the memory: it travels with the operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Writing {
    pub(crate) to: Side,
    /// The target's version that it expects.
    pub(crate) version: String,
    /// By field: what is written, and what it was made of.
    pub(crate) fields: BTreeMap<String, (Document, Document)>,
}

impl Writing {
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What is remembered once a person lets what is rewritten be written once more. `shadow` is the text in the link. None where nothing waits
/// for that.
pub fn once_more(shadow: &str) -> Option<String> {
    let mut state: State = serde_json::from_str(shadow).ok()?;
    let before = state.clone();
    for field in FIELDS {
        if let Some(memory) = state.merge.get_mut(field.name) {
            memory.once_more(field.shape);
        }
    }
    (state != before).then(|| state.text())
}

/// What is remembered once an update of a customer was applied: pending until it is read again. `shadow` is the text in the link,
/// `writing` the `source_shadow` of the operation. None where the operation is no such update.
pub fn after_write(shadow: Option<&str>, writing: &str, at: DateTime<Utc>) -> Option<String> {
    let writing: Writing = serde_json::from_str(writing).ok()?;
    let mut state = State::read(shadow);
    for (name, (value, from)) in writing.fields {
        let memory = state.merge.entry(name).or_default();
        memory.trail.retain(|written| at - written.at < DAY);
        memory.trail.push(Written {
            to: writing.to,
            value: value.clone(),
            at,
        });
        let surplus = memory.trail.len().saturating_sub(TRAIL);
        memory.trail.drain(..surplus);
        memory.sent = Some(Sent {
            to: writing.to,
            value,
            from,
            version: writing.version.clone(),
            at,
        });
        memory.rewritten = None;
    }
    Some(state.text())
}
