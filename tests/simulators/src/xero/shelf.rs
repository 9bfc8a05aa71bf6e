//! The records of one kind: by id, with unique keys, the version before the last write (lists lag),
//! and an undo log so that a refused call leaves nothing behind.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::guid::Guid;

/// What a shelf needs to know of a record.
pub(crate) trait Shelved: Clone {
    fn id(&self) -> Guid;
    fn updated(&self) -> DateTime<Utc>;
    /// Texts by which the record can be found, unique among those that carry one. Case is folded.
    fn keys(&self) -> Vec<Key>;
}

/// A unique key: which field, and its text in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(&'static str, String);

impl Key {
    pub(crate) fn new(field: &'static str, text: &str) -> Self {
        Self(field, text.trim().to_lowercase())
    }
}

#[derive(Clone, Debug)]
struct Stored<T> {
    current: T,
    written: DateTime<Utc>,
    before: Option<T>,
}

#[derive(Clone, Debug)]
pub(crate) struct Shelf<T> {
    records: BTreeMap<Guid, Stored<T>>,
    keys: HashMap<Key, Guid>,
    undo: Vec<(Guid, Option<Stored<T>>)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            keys: HashMap::new(),
            undo: Vec::new(),
        }
    }
}

impl<T: Shelved> Shelf<T> {
    pub(crate) fn get(&self, id: Guid) -> Option<&T> {
        self.records.get(&id).map(|stored| &stored.current)
    }

    pub(crate) fn by_key(&self, key: &Key) -> Option<&T> {
        self.keys.get(key).and_then(|id| self.get(*id))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.records.values().map(|stored| &stored.current)
    }

    /// What a list shows to a reader who sees writes only up to `visible`.
    pub(crate) fn listed(&self, visible: DateTime<Utc>) -> impl Iterator<Item = &T> {
        self.records.values().filter_map(move |stored| {
            if stored.written <= visible {
                Some(&stored.current)
            } else {
                stored.before.as_ref()
            }
        })
    }

    /// Writes a record at `now`; `visible` as in [`Self::listed`].
    pub(crate) fn put(&mut self, record: T, now: DateTime<Utc>, visible: DateTime<Utc>) {
        let id = record.id();
        let old = self.records.remove(&id);
        let before = old.as_ref().and_then(|old| {
            if old.written <= visible {
                Some(old.current.clone())
            } else {
                old.before.clone()
            }
        });
        if let Some(old) = &old {
            self.forget(&old.current);
        }
        for key in record.keys() {
            self.keys.insert(key, id);
        }
        self.undo.push((id, old));
        self.records.insert(
            id,
            Stored {
                current: record,
                written: now,
                before,
            },
        );
    }

    pub(crate) fn commit(&mut self) {
        self.undo.clear();
    }

    pub(crate) fn roll_back(&mut self) {
        while let Some((id, old)) = self.undo.pop() {
            if let Some(now) = self.records.remove(&id) {
                self.forget(&now.current);
            }
            if let Some(old) = old {
                for key in old.current.keys() {
                    self.keys.insert(key, id);
                }
                self.records.insert(id, old);
            }
        }
    }

    fn forget(&mut self, record: &T) {
        for key in record.keys() {
            if self.keys.get(&key) == Some(&record.id()) {
                self.keys.remove(&key);
            }
        }
    }
}
