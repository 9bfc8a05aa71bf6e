//! The row that says which store this is.
//!
//! Responsible for: format version, installation id, epoch and how it began, written once an epoch. Never: business settings.
//! Flow: `local::open` reads or writes it before anything else; callers see it through [`crate::Store::meta`].

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::key::hex;

/// The format this program writes; it reads this and older ones.
pub const FORMAT: u32 = 1;

/// Which store this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreMeta {
    /// Version of the stored format.
    pub format: u32,
    /// 32 random hexadecimal digits, new for every store ever made.
    pub installation: String,
    /// Grows when the store is restored, copied or imported.
    pub epoch: u64,
    /// Seconds since 1970, UTC.
    pub created: u64,
    /// How this epoch began.
    #[serde(default)]
    pub origin: Origin,
}

/// How an epoch began. Only in the first one may anybody rely on what this store knows of the world beyond it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Origin {
    /// With an empty store.
    #[default]
    Made,
    /// With a backup.
    Restored {
        /// When the backup was begun, in seconds since 1970, UTC.
        taken_at: u64,
        /// When it was restored.
        at: u64,
    },
    /// With a data directory that isn't the one that was last worked in: a copy of it.
    Copied {
        /// When that was noticed, in seconds since 1970, UTC.
        at: u64,
    },
}

impl Origin {
    /// When the epoch began, in seconds since 1970, UTC; `None` for the first.
    #[must_use]
    pub fn at(&self) -> Option<u64> {
        match self {
            Self::Made => None,
            Self::Restored { at, .. } | Self::Copied { at } => Some(*at),
        }
    }
}

/// Seconds since 1970. A clock before that is no reason to refuse.
pub(crate) fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs())
}

impl StoreMeta {
    pub(crate) fn fresh(now: SystemTime) -> Self {
        Self {
            format: FORMAT,
            installation: hex(&rand::random::<[u8; 16]>()),
            epoch: 1,
            created: seconds(now),
            origin: Origin::Made,
        }
    }
}
