//! Why a backup can't be taken, read or restored, in words for the person who must act.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::{BodyError, Damaged, OpenError, StoreError};

/// A backup can't be taken, read or restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// No store of any kind in the directory.
    #[error("{} holds no store: nothing was kept there yet. Check `data` in the configuration", dir.display())]
    NothingThere {
        /// The data directory.
        dir: PathBuf,
    },
    /// There is no such backup.
    #[error("there is no backup {}. Check the path", file.display())]
    NoSuchFile {
        /// The file.
        file: PathBuf,
    },
    /// The file is there already.
    #[error("{} is there already and was left as it is. Name another file", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store can't be read.
    #[error("no backup was made: {0}")]
    Store(#[from] StoreError),
    /// A body can't be read.
    #[error("no backup was made: {0}")]
    Body(#[from] BodyError),
    /// A row is damaged.
    #[error("no backup was made: {0}")]
    Damaged(#[from] Damaged),
    /// The process that works in the directory could not do it.
    #[error("nothing was done; the process that works in the data directory says: {0}")]
    Refused(String),
    /// The process that took it on ended before it was done.
    #[error(
        "it was not done: the process that works in the data directory ended before. Ask again"
    )]
    BrokenOff,
    /// The file system refused.
    #[error("{} could not be used: {source}. Check that it exists, belongs to this user and has free space", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is no backup of Footbridge", file.display())]
    NotABackup {
        /// The file.
        file: PathBuf,
    },
    /// Written by a newer Footbridge.
    #[error("{} is a backup of format {found}; this version reads up to {known}. Use the Footbridge that made it", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// It ends too early.
    #[error("{} is cut short: it ends after {at} bytes without its last record. Nothing of it was used; take another backup", file.display())]
    CutShort {
        /// The file.
        file: PathBuf,
        /// Its length in bytes.
        at: u64,
    },
    /// Its content isn't what was written.
    #[error("{} is damaged near byte {at}: {reason}. Nothing of it was used; take another backup", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// Bytes before the record that is wrong.
        at: u64,
        /// What the check found.
        reason: String,
    },
    /// Restoring would overwrite something.
    #[error("{} is not empty and was left as it is. Restore into a folder that is empty or not there yet, or move this one away first", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder can't be put in place in one step.
    #[error("{} is a mount point, and a restored folder is put in place whole. Restore into a folder inside it, and set `data` to that", dir.display())]
    MountPoint {
        /// The folder.
        dir: PathBuf,
    },
    /// What was written doesn't read back as the backup says.
    #[error(
        "what was restored doesn't read back as the backup says: {0}. Nothing was put in place; check the disk"
    )]
    NotTheSame(String),
}
