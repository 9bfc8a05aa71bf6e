//! What can go wrong, in words for the person who must act.
//!
//! Responsible for: the errors of the trait. Never: decides to retry. Flow: the engine maps them to holds or an exit.

use std::path::PathBuf;
use std::time::SystemTime;

use thiserror::Error;

use crate::Moved;
use crate::key::readable;

/// A row or file whose check failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "the row {} is damaged: {reason}. The other rows are readable. Stop Footbridge, keep a copy of the data \
     directory, and restore the last backup, or remove this one row if its source can be read again",
    readable(key)
)]
pub struct Damaged {
    /// The row's key.
    pub key: Vec<u8>,
    /// What the check found.
    pub reason: String,
}

/// A read failed.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// A row's check failed.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// An earlier write could not be flushed, so nothing this process holds is certain any more.
    #[error(
        "the store stopped because an earlier write could not be flushed ({first}). Nothing unacknowledged was \
         sent. Check the disk, then start Footbridge again: it continues from what is on disk"
    )]
    Poisoned {
        /// The failure that poisoned it.
        first: String,
    },
    /// The directory is no longer where it was opened.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The disk or the backend failed on a read.
    #[error(
        "the store could not be read: {0}. Check the disk and its free space, then start Footbridge again"
    )]
    Io(String),
}

/// A commit was refused or failed.
#[derive(Clone, Debug, Error)]
pub enum CommitError {
    /// An expectation no longer holds. Nothing of the set was written: read again and decide anew.
    #[error(
        "{} was changed by someone else meanwhile; nothing was written",
        readable(key)
    )]
    Conflict {
        /// The expectation's key.
        key: Vec<u8>,
    },
    /// A key or value is over its limit; nothing was written.
    #[error(
        "{} has {len} bytes where {max} are allowed; keep large things as bodies",
        readable(key)
    )]
    TooLarge {
        /// The row's key.
        key: Vec<u8>,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The set writes or deletes one key twice; nothing was written.
    #[error("a write set names {} twice; nothing was written", readable(key))]
    NamedTwice {
        /// The key.
        key: Vec<u8>,
    },
    /// A row an expectation needs can't be read; nothing was written.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// An earlier write could not be flushed; nothing was written now.
    #[error(
        "nothing was written: the store stopped because an earlier write could not be flushed ({first}). Check the \
         disk, then start Footbridge again: it continues from what is on disk"
    )]
    Poisoned {
        /// The failure that poisoned it.
        first: String,
    },
    /// The directory is no longer where it was opened; nothing was written.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The flush of this very set failed: whether it is on disk shows after a restart. The store is poisoned.
    #[error(
        "a write could not be flushed ({0}); whether it is on disk shows after a restart. Check the disk and its \
         free space, then start Footbridge again"
    )]
    Io(String),
}

/// A lease was refused or lost.
#[derive(Clone, Debug, Error)]
pub enum LeaseError {
    /// Someone holds it.
    #[error("{name} is held by {holder}; wait until it gives it back or its time runs out")]
    Held {
        /// The lease.
        name: String,
        /// Who holds it.
        holder: String,
        /// When it runs out.
        until: SystemTime,
    },
    /// It was claimed by another or released since.
    #[error("{name} was lost to another holder; stop what was done under it and claim it again")]
    Lost {
        /// The lease.
        name: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] CommitError),
}

/// The store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the data directory {} is in use by process {pid}, such as a sync that is running. Wait until it has ended, then try again", dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other process, as it wrote itself down (`unknown` where it did not).
        pid: String,
    },
    /// The directory holds rows of another backend.
    #[error("the data directory {} holds a {found} store, but {asked} was asked for. Set `store = \"{found}\"` in the configuration", dir.display())]
    OtherBackend {
        /// The data directory.
        dir: PathBuf,
        /// What is there.
        found: crate::Backend,
        /// What was asked for.
        asked: crate::Backend,
    },
    /// Written by a newer Footbridge.
    #[error(
        "the data directory {} was written in format {found}; this version reads up to {known}. Nothing was \
         changed: start the newer Footbridge, or restore a backup made before the upgrade", dir.display()
    )]
    NewerFormat {
        /// The data directory.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The rows can't be opened.
    #[error(
        "the store in {} could not be opened: {reason}. Nothing was changed. Keep a copy of the directory, then \
         restore the last backup into an empty one", dir.display()
    )]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What was found.
        reason: String,
    },
    /// There is no room on the disk; what is there is whole. No reason to restore a backup.
    #[error(
        "the store in {} could not be opened: {reason}. Nothing of it is lost: make room on the disk, then start \
         Footbridge again", dir.display()
    )]
    Full {
        /// The data directory.
        dir: PathBuf,
        /// The refusal.
        reason: String,
    },
    /// There is no room on the disk for all rows a second time.
    #[error(
        "the rows in {} could not be written anew: {reason}. There must be room for all of them twice. Nothing was changed: make          room on the disk, then try again", dir.display()
    )]
    NoRoom {
        /// The data directory.
        dir: PathBuf,
        /// The refusal.
        reason: String,
    },
    /// The file system refused.
    #[error("{} could not be used: {source}. Check that it exists, belongs to this user and has free space", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: std::io::Error,
    },
}
