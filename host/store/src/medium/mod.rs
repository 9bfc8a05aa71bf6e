//! What a backend must do for the store: read, read a range, write a batch durably.
//!
//! Responsible for: the internal trait and picking the backend. Never: frames, expectations or commit numbers.
//! Flow: `local` reads through it, `writer` alone writes through it.

mod redb;
mod sled;
mod slot;

use std::fmt;
use std::io;
use std::path::Path;

use thiserror::Error;

pub(crate) use slot::Slot;

use crate::OpenError;

/// Which embedded engine keeps the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// sled 0.34.7, the default.
    Sled,
    /// redb.
    Redb,
}

impl Backend {
    /// Every backend, for suites that must hold on all.
    pub const ALL: [Self; 2] = [Self::Sled, Self::Redb];

    /// Its name in configuration and on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }

    /// Refuses a data directory that holds rows of another backend.
    pub(crate) fn alone_in(self, dir: &Path) -> Result<(), OpenError> {
        let is_there = |other: &Self| *other != self && dir.join(other.name()).exists();
        match Self::ALL.into_iter().find(is_there) {
            None => Ok(()),
            Some(found) => Err(OpenError::OtherBackend {
                dir: dir.to_owned(),
                found,
                asked: self,
            }),
        }
    }

    /// Opens or creates the rows in `home`, a directory of this backend's own.
    pub(crate) fn open(self, home: &Path) -> Result<Box<dyn Medium>, MediumError> {
        match self {
            Self::Sled => Ok(Box::new(sled::Sled::open(home)?)),
            Self::Redb => Ok(Box::new(redb::Redb::open(home)?)),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Backend {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| format!("there is no store backend named {name}; use sled or redb"))
    }
}

/// A backend failed.
#[derive(Debug, Error)]
pub(crate) enum MediumError {
    /// The file system refused or the backend gave up.
    #[error("{0}")]
    Failed(String),
    /// There is no room on the disk; the files are as they were.
    #[error("{0}")]
    Full(String),
    /// The backend's own check of its files failed.
    #[error("{0}")]
    Damaged(String),
}

impl From<io::Error> for MediumError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::Full(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A stored key and its frame.
pub(crate) type RawRow = (Vec<u8>, Vec<u8>);

/// A change of a batch: the frame to store under a key, or `None` to remove it.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// One backend's files, opened.
pub(crate) trait Medium: Send + Sync {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MediumError>;

    /// Up to `limit` rows from `start` up to, not including, `end`, in key order.
    fn read_range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, MediumError>;

    /// All changes or none, on disk when it returns.
    fn write_durably(&self, changes: &[Change]) -> Result<(), MediumError>;
}
