//! The storage that a connector is lent: `keyvalue` of the contract over one call's overlay.
//!
//! It decides nothing about what is kept or when that becomes durable: see the engine's `storage.rs`. Reading the store
//! is the host's work, not the guest's CPU time. Next: `connector.rs` takes what was kept when the call is over.

use crate::bindings::keyvalue::{Entry, Error, Host, Keys};
use crate::state::{Reach, State};
use footbridge_engine::storage::{Kept, Overlay, StorageError};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A call's overlay, shared between the call's store and the one who made the call.
#[derive(Clone)]
pub(crate) struct Space(Arc<Mutex<Option<Overlay>>>);

impl Space {
    pub(crate) fn new(overlay: Overlay) -> Self {
        Self(Arc::new(Mutex::new(Some(overlay))))
    }

    /// What the call kept. Whatever still runs of the call reaches nothing from now on.
    pub(crate) async fn kept(&self) -> Kept {
        match self.0.lock().await.take() {
            Some(overlay) => Kept::of(overlay),
            None => Kept::default(),
        }
    }
}

impl State {
    fn space(&self) -> Result<Space, Error> {
        let why = match &self.way.reach {
            Reach::Nothing | Reach::Pure(_) => "this call is pure and reaches nothing",
            Reach::Reads { space: None, .. } => "this plugin has no storage here",
            Reach::Reads {
                space: Some(space), ..
            } => return Ok(space.clone()),
        };
        Err(Error::Denied(why.to_owned()))
    }
}

/// One function of the contract: on the overlay, in a time that isn't the guest's.
macro_rules! on_overlay {
    ($state:ident, |$overlay:ident| $work:expr) => {{
        let space = match $state.space() {
            Ok(space) => space,
            Err(error) => return Ok(Err(error)),
        };
        let work = async {
            let mut held = space.0.lock().await;
            let $overlay = held
                .as_mut()
                .ok_or_else(|| Error::Denied("this call is over".to_owned()))?;
            $work.await.map_err(error)
        };
        Ok($state.way.meter.clone().uncharged(work).await)
    }};
}

impl Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, Error>> {
        on_overlay!(self, |overlay| async {
            let entry = overlay.get(&key).await?;
            Ok(entry.map(|entry| Entry {
                value: entry.value,
                version: entry.version,
            }))
        })
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        on_overlay!(self, |overlay| overlay.set(&key, value))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Error>> {
        on_overlay!(self, |overlay| overlay.delete(&key))
    }

    async fn list(
        &mut self,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Keys, Error>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        on_overlay!(self, |overlay| async {
            let page = overlay.list(&prefix, cursor.as_deref(), limit).await?;
            Ok(Keys {
                keys: page.keys,
                next: page.next,
            })
        })
    }

    async fn compare_and_swap(
        &mut self,
        key: String,
        version: Option<u64>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, Error>> {
        on_overlay!(self, |overlay| overlay
            .compare_and_swap(&key, version, value))
    }

    async fn increment(&mut self, key: String, by: i64) -> wasmtime::Result<Result<i64, Error>> {
        on_overlay!(self, |overlay| overlay.increment(&key, by))
    }
}

fn error(error: StorageError) -> Error {
    let words = error.to_string();
    match error {
        StorageError::Quota { .. } => Error::Quota(words),
        StorageError::Invalid(_) => Error::Invalid(words),
        StorageError::Unavailable(_) => Error::Unavailable(words),
    }
}
