//! The rows of an open store, which can be exchanged for the same rows written anew while readers and the writer go on.
//!
//! Responsible for: nobody reading while the old are closed and the new are opened. Never: decides when; the writer does, between two
//! transactions. Flow: `swap` exchanges, `local` and `writer` read and write through it.

use std::sync::{PoisonError, RwLock};

use crate::medium::{Change, Medium, MediumError, RawRow};

/// `None` once an exchange failed half-way: the store stops then.
pub(crate) struct Slot(RwLock<Option<Box<dyn Medium>>>);

impl Slot {
    pub(crate) fn new(medium: Box<dyn Medium>) -> Self {
        Self(RwLock::new(Some(medium)))
    }

    /// Closes what is there and holds what `next` opens: the new rows, or the old ones again with why.
    pub(crate) fn exchange<E>(
        &self,
        next: impl FnOnce() -> Result<(Box<dyn Medium>, Result<(), E>), E>,
    ) -> Result<(), E> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: neither backend opens, nor may be moved, while it is open.
        *held = None;
        let (medium, exchanged) = next()?;
        *held = Some(medium);
        exchanged
    }

    /// An exchange failed.
    pub(crate) fn is_empty(&self) -> bool {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.is_none()
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&dyn Medium) -> Result<T, MediumError>,
    ) -> Result<T, MediumError> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match held.as_deref() {
            Some(medium) => work(medium),
            None => Err(MediumError::Failed(
                "its rows could not be opened again after they were written anew".to_owned(),
            )),
        }
    }
}

impl Medium for Slot {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MediumError> {
        self.with(|medium| medium.read(key))
    }

    fn read_range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, MediumError> {
        self.with(|medium| medium.read_range(start, end, limit))
    }

    fn write_durably(&self, changes: &[Change]) -> Result<(), MediumError> {
        self.with(|medium| medium.write_durably(changes))
    }
}
