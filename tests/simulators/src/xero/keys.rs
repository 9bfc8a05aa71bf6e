//! The Idempotency-Key store, and the order in which requests arrived.
//!
//! A key belongs to an application and is remembered for 6 minutes with its request and answer, errors
//! included. What happens to a second request while the first is still worked on is a switch: it needs
//! the arrival of each request, which a [`Ticket`] stands for until its answer is made.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::answer::Spelled;

const REMEMBERED: TimeDelta = TimeDelta::minutes(6);

/// Requests that have arrived and are not answered yet; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    inner: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// Key and kind of each open request by its number.
    requests: BTreeMap<u64, (Option<String>, Kind)>,
}

/// Whether a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

/// A request's place in the order of arrival; dropping it ends the request.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    arrivals: Arrivals,
}

impl Arrivals {
    /// Notes a request. `key` is the application's key, if one is used.
    pub(crate) fn arrive(&self, key: Option<String>, kind: Kind) -> Ticket {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.requests.insert(number, (key, kind));
        Ticket {
            number,
            arrivals: self.clone(),
        }
    }

    /// The number the next request will have.
    pub(crate) fn next(&self) -> u64 {
        self.lock().next
    }

    /// Whether an earlier request with the same key is still open.
    pub(crate) fn is_in_flight(&self, ticket: &Ticket) -> bool {
        let open = self.lock();
        let key = open
            .requests
            .get(&ticket.number)
            .and_then(|(key, _)| key.as_ref());
        key.is_some()
            && open
                .requests
                .range(..ticket.number)
                .any(|(_, (other, _))| other.as_ref() == key)
    }

    /// Whether an earlier write is still open.
    pub(crate) fn has_earlier_write(&self, ticket: &Ticket) -> bool {
        self.lock()
            .requests
            .range(..ticket.number)
            .any(|(_, (_, kind))| *kind == Kind::Write)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.arrivals.lock().requests.remove(&self.number);
    }
}

/// What the store knows about a request.
#[derive(Debug)]
pub(crate) enum Remembered {
    Nothing,
    Answer(Spelled),
    /// The key was used with another method, address or body.
    OtherRequest,
}

/// The answers kept under keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    kept: HashMap<(String, String), Kept>,
}

#[derive(Debug)]
struct Kept {
    request: [u8; 32],
    answer: Spelled,
    at: DateTime<Utc>,
    /// Requests that arrived before this number had begun before the answer was there.
    before: u64,
}

/// Stands for method, address and body of a request.
pub(crate) fn fingerprint(method: &str, address: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), address.as_bytes(), body] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl Keys {
    /// What is known for a key. `arrived` limits it to answers that were there when the request came.
    pub(crate) fn recall(
        &self,
        app: &str,
        key: &str,
        request: &[u8; 32],
        now: DateTime<Utc>,
        arrived: u64,
    ) -> Remembered {
        match self.kept.get(&(app.to_owned(), key.to_owned())) {
            Some(kept) if now - kept.at >= REMEMBERED || kept.before > arrived => {
                Remembered::Nothing
            }
            Some(kept) if kept.request != *request => Remembered::OtherRequest,
            Some(kept) => Remembered::Answer(kept.answer.clone()),
            None => Remembered::Nothing,
        }
    }

    /// Keeps an answer; `before` is the number of the next request to arrive.
    pub(crate) fn keep(
        &mut self,
        app: &str,
        key: &str,
        request: [u8; 32],
        answer: Spelled,
        now: DateTime<Utc>,
        before: u64,
    ) {
        self.kept.retain(|_, kept| now - kept.at < REMEMBERED);
        self.kept
            .entry((app.to_owned(), key.to_owned()))
            .or_insert(Kept {
                request,
                answer,
                at: now,
                before,
            });
    }
}
