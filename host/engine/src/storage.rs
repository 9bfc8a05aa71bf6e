//! What plugins keep: a small key-value store for each plugin on each connection and organisation.
//!
//! A call works on an [`Overlay`]: the store as it was when the call first touched it, and the call's own changes. What a
//! call kept becomes durable with the result that it gave, in one commit, or not at all; if somebody else wrote meanwhile
//! that commit is refused and the call is made again. It is a cache and a cursor's aid, and never proof of an effect: no
//! rule of the engine reads it. Next: `feed.rs` commits what reading changes kept together with the page and its cursor.

use crate::error::EngineError;
use crate::state::rows::Pin;
use crate::state::{decode, encode, keys};
use footbridge_model::id::ConnectionId;
use footbridge_store::key::{Segment, segments};
use footbridge_store::{CommitError, Key, Seq, Store, StoreError, WriteSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Longest key in bytes.
pub const LONGEST_KEY: usize = 512;
/// Longest value in bytes.
pub const LONGEST_VALUE: usize = 32 * 1024;
/// Most keys in one page of a list.
pub const MOST_KEYS: usize = 1_000;
/// The version of a stored value's form, its first byte.
const FORM: u8 = 1;

/// Why the storage gave no answer. The words are for the plugin's author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The change would go over the quota.
    #[error(
        "this would take {wanted} bytes of storage where {quota} are allowed. Delete what is no longer needed"
    )]
    Quota {
        /// With the change.
        wanted: u64,
        /// Allowed.
        quota: u64,
    },
    /// The key or value is out of bounds.
    #[error("{0}")]
    Invalid(String),
    /// The store could not be read.
    #[error("{0}")]
    Unavailable(String),
}

/// Why what a call kept did not become durable.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Somebody else changed the plugin's storage meanwhile: the call is to be made again.
    #[error("the plugin's storage was changed by someone else meanwhile; nothing was written")]
    Conflict,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The storage of all plugins of one data directory. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct PluginStorage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    /// One call at a time for each space.
    turns: Mutex<BTreeMap<Vec<u8>, Arc<tokio::sync::Mutex<()>>>>,
}

/// The row that every change of a space rewrites: what is used, and by its commit number the space's version.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Head {
    /// Bytes of all keys and values.
    used: u64,
}

impl PluginStorage {
    /// On the store of a data directory.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            turns: Mutex::default(),
        }))
    }

    /// Opens the space of a plugin on a connection, with the organisation that the connection is pinned to. Waits until no
    /// other call works in it.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn open(
        &self,
        plugin: &str,
        connection: &ConnectionId,
        quota: u64,
    ) -> Result<Overlay, EngineError> {
        let pin = keys::pin(connection);
        let organisation = match self.0.store.get(&pin).await? {
            Some(row) => decode::<Pin>(&pin, &row.value)?.organisation,
            None => String::new(),
        };
        let space = || {
            [plugin, connection.as_str(), &organisation]
                .into_iter()
                .fold(Key::new("kept"), Key::text)
        };
        let turn = self.turn(space()).lock_owned().await;
        let head = keys::kept_head(plugin, connection, &organisation);
        let (used, read) = match self.0.store.get(&head).await? {
            Some(row) => (decode::<Head>(&head, &row.value)?.used, Some(row.seq)),
            None => (0, None),
        };
        Ok(Overlay {
            store: Arc::clone(&self.0.store),
            space: space(),
            head,
            read,
            used,
            quota,
            changed: BTreeMap::new(),
            turn,
        })
    }

    /// Makes what a call kept durable by itself, for calls whose result needs no commit of the engine.
    ///
    /// # Errors
    /// [`KeepError::Conflict`]: make the call again.
    pub async fn commit(&self, kept: Kept) -> Result<(), KeepError> {
        let Some(overlay) = kept.0 else {
            return Ok(());
        };
        if overlay.changed.is_empty() {
            let now = self.0.store.get(&overlay.head).await;
            let seq = now.map_err(EngineError::from)?.map(|row| row.seq);
            return if seq == overlay.read {
                Ok(())
            } else {
                Err(KeepError::Conflict)
            };
        }
        let set = overlay.add_to(WriteSet::new())?;
        match self.0.store.commit(set).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(KeepError::Conflict),
            Err(other) => Err(EngineError::from(other).into()),
        }
    }

    fn turn(&self, space: Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(space.into()).or_default())
    }
}

/// What a call kept, until it is committed or dropped. No other call of that plugin on that connection begins before.
#[derive(Debug, Default)]
pub struct Kept(Option<Overlay>);

impl Kept {
    /// Of a call that works with storage.
    pub fn of(overlay: Overlay) -> Self {
        Self(Some(overlay))
    }

    /// Adds the changes to a commit, with the expectation that nobody else changed the space. The returned guard is held
    /// until that commit is over.
    pub(crate) fn into_commit(
        self,
        set: WriteSet,
    ) -> Result<(WriteSet, Option<Turn>), EngineError> {
        match self.0 {
            None => Ok((set, None)),
            Some(overlay) => {
                let set = overlay.add_to(set)?;
                Ok((
                    set,
                    Some(Turn {
                        head: overlay.head.clone(),
                        _turn: overlay.turn,
                    }),
                ))
            }
        }
    }
}

/// A plugin's turn in its space.
#[derive(Debug)]
pub(crate) struct Turn {
    head: Key,
    _turn: OwnedMutexGuard<()>,
}

impl Turn {
    /// Whether a commit was refused because of this space.
    pub(crate) fn refused(&self, error: &EngineError) -> bool {
        matches!(error, EngineError::Commit(CommitError::Conflict { key }) if key.as_slice() == &*self.head)
    }
}

/// A space as one call sees it.
#[derive(Debug)]
pub struct Overlay {
    store: Arc<dyn Store>,
    space: Key,
    head: Key,
    /// The commit that wrote the head when the call began.
    read: Option<Seq>,
    used: u64,
    quota: u64,
    /// `None`: removed.
    changed: BTreeMap<String, Option<Vec<u8>>>,
    turn: OwnedMutexGuard<()>,
}

/// A value with its version; version 0 was written by this call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes.
    pub value: Vec<u8>,
    /// The commit that wrote it.
    pub version: u64,
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// In order of their bytes.
    pub keys: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Overlay {
    /// What stands under a key.
    ///
    /// # Errors
    /// A [`StorageError`].
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, StorageError> {
        check_key(key)?;
        if let Some(changed) = self.changed.get(key) {
            return Ok(changed.as_ref().map(|value| Entry {
                value: value.clone(),
                version: 0,
            }));
        }
        let row = self.store.get(&self.key(key)).await.map_err(unreadable)?;
        row.map(|row| match row.value.split_first() {
            Some((&FORM, value)) => Ok(Entry {
                value: value.to_vec(),
                version: row.seq.0,
            }),
            _ => Err(StorageError::Unavailable(format!(
                "the value under {key:?} was written by a newer Footbridge. Use that version"
            ))),
        })
        .transpose()
    }

    /// Writes a value.
    ///
    /// # Errors
    /// [`StorageError::Quota`], [`StorageError::Invalid`]; nothing changed then.
    pub async fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), StorageError> {
        if value.len() > LONGEST_VALUE {
            return Err(StorageError::Invalid(format!(
                "a value has {} bytes where {LONGEST_VALUE} are allowed",
                value.len()
            )));
        }
        let old = self.get(key).await?;
        let freed = old.map_or(0, |entry| weight(key, &entry.value));
        let wanted = self.used.saturating_sub(freed) + weight(key, &value);
        if wanted > self.quota {
            return Err(StorageError::Quota {
                wanted,
                quota: self.quota,
            });
        }
        self.used = wanted;
        self.changed.insert(key.to_owned(), Some(value));
        Ok(())
    }

    /// Removes a key.
    ///
    /// # Errors
    /// A [`StorageError`].
    pub async fn delete(&mut self, key: &str) -> Result<(), StorageError> {
        if let Some(entry) = self.get(key).await? {
            self.used = self.used.saturating_sub(weight(key, &entry.value));
            self.changed.insert(key.to_owned(), None);
        }
        Ok(())
    }

    /// Up to `limit` keys that begin with `prefix`, from `cursor` on.
    ///
    /// # Errors
    /// A [`StorageError`].
    pub async fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Keys, StorageError> {
        let limit = limit.clamp(1, MOST_KEYS);
        let mut keys = self.stored_keys().await?;
        for (key, change) in &self.changed {
            match change {
                Some(_) => keys.insert(key.clone(), ()),
                None => keys.remove(key),
            };
        }
        let mut found = keys.into_keys().filter(|key| {
            key.starts_with(prefix) && cursor.is_none_or(|from| key.as_str() >= from)
        });
        let page = found.by_ref().take(limit).collect();
        Ok(Keys {
            keys: page,
            next: found.next(),
        })
    }

    /// Writes the value if the entry still has this version; whether it did.
    ///
    /// # Errors
    /// A [`StorageError`].
    pub async fn compare_and_swap(
        &mut self,
        key: &str,
        version: Option<u64>,
        value: Vec<u8>,
    ) -> Result<bool, StorageError> {
        if self.get(key).await?.map(|entry| entry.version) != version {
            return Ok(false);
        }
        self.set(key, value).await?;
        Ok(true)
    }

    /// Adds to a number kept as decimal text; the sum.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if it is none, or the sum doesn't fit.
    pub async fn increment(&mut self, key: &str, by: i64) -> Result<i64, StorageError> {
        let number = match self.get(key).await? {
            None => 0,
            Some(entry) => std::str::from_utf8(&entry.value)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| StorageError::Invalid(format!("no number stands under {key:?}")))?,
        };
        let sum = i64::checked_add(number, by).ok_or_else(|| {
            StorageError::Invalid(format!("the number under {key:?} would not fit"))
        })?;
        self.set(key, sum.to_string().into_bytes()).await?;
        Ok(sum)
    }

    fn key(&self, key: &str) -> Key {
        self.space.clone().text(key)
    }

    async fn stored_keys(&self) -> Result<BTreeMap<String, ()>, StorageError> {
        const STEP: usize = 1_000;
        let range = self.space.range();
        let mut found = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.store.scan(&range, after.as_deref(), STEP).await;
            let rows = rows.map_err(unreadable)?;
            let full = rows.len() == STEP;
            after = rows.last().map(|(key, _)| key.clone());
            found.extend(
                rows.iter()
                    .filter_map(|(key, _)| match segments(key)?.pop()? {
                        Segment::Text(key) => Some((key, ())),
                        _ => None,
                    }),
            );
            if !full {
                return Ok(found);
            }
        }
    }

    /// The changes, the head, and the expectation that nobody else wrote.
    fn add_to(&self, set: WriteSet) -> Result<WriteSet, EngineError> {
        let set = set.as_read(&self.head, self.read);
        if self.changed.is_empty() {
            return Ok(set);
        }
        let set = set.put(&self.head, encode(&Head { used: self.used })?);
        Ok(self.changed.iter().fold(set, |set, (key, change)| {
            let key = self.key(key);
            match change {
                Some(value) => {
                    let mut row = Vec::with_capacity(value.len() + 1);
                    row.push(FORM);
                    row.extend_from_slice(value);
                    set.put(key, row)
                }
                None => set.delete(key),
            }
        }))
    }
}

fn weight(key: &str, value: &[u8]) -> u64 {
    u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX)
}

fn check_key(key: &str) -> Result<(), StorageError> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(StorageError::Invalid(format!(
            "a key has {} bytes where 1 to {LONGEST_KEY} are allowed",
            key.len()
        )));
    }
    Ok(())
}

fn unreadable(error: StoreError) -> StorageError {
    StorageError::Unavailable(error.to_string())
}
