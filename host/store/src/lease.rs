//! Leases: who may work on a thing now.
//!
//! Responsible for: the lease's shape and the table of terms of an embedded store. Never: the rows (see `writer`).
//! Flow: [`crate::Store::claim`], then [`crate::WriteSet::under`] on every write set made under it.
//!
//! A claim is a commit; its number is the fence, so fences grow with the store. The term lives in memory: the
//! directory's lock proves that every holder of an earlier process is gone.

use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

/// Grows with every claim in a store; a write set under an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A claim that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is leased.
    pub name: String,
    /// Who holds it, for people.
    pub holder: String,
    /// Its fence.
    pub fence: Fence,
    /// When it runs out unless renewed.
    pub until: SystemTime,
}

/// The leases of this process, by name. Entries run out; they are replaced by the next claim.
#[derive(Debug, Default)]
pub(crate) struct Terms(HashMap<String, Lease>);

impl Terms {
    /// The lease that bars a claim at `now`.
    pub(crate) fn barring(&self, name: &str, now: SystemTime) -> Option<&Lease> {
        self.0.get(name).filter(|lease| lease.until > now)
    }

    /// Whether `lease` is still the current one.
    pub(crate) fn is_current(&self, name: &str, fence: Fence) -> bool {
        self.0
            .get(name)
            .is_some_and(|current| current.fence == fence)
    }

    pub(crate) fn set(&mut self, lease: Lease) {
        self.0.insert(lease.name.clone(), lease);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}
