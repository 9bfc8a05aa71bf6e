//! The credential's parts, each alone: states under every order of steps, records on disk, answers, callbacks, assertions.
//!
//! `worthless-key.pem` opens nothing anywhere: it was made for these tests.

mod keeping;
mod standings;
mod words;

use super::standing::Tokens;
use crate::secret::Secret;
use chrono::{DateTime, Utc};

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

pub(super) fn tokens(access: &str, refresh: Option<&str>, given: i64) -> Tokens {
    Tokens {
        access: Secret::new(access),
        refresh: refresh.map(Secret::new),
        instance: None,
        expires: Some(at(given + 1_800)),
        given: at(given),
    }
}
