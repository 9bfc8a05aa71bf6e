//! The row that says which store this is.
//!
//! Responsible for: format version, installation id, epoch and birth, written once. Never: business settings.
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
}

impl StoreMeta {
    pub(crate) fn fresh(now: SystemTime) -> Self {
        Self {
            format: FORMAT,
            installation: hex(&rand::random::<[u8; 16]>()),
            epoch: 1,
            // A clock before 1970 is no reason to refuse.
            created: now
                .duration_since(UNIX_EPOCH)
                .map_or(0, |age| age.as_secs()),
        }
    }
}
