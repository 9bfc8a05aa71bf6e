//! How a connection's tokens stand, and the one function that changes it: [`Standing::next`]. Pure; no clock, no file, no network.
//!
//! The rule of a refresh: that it begins is durable before its first byte leaves, and the new pair is durable before anybody uses
//! it. Whatever comes late or twice is measured by the number of its attempt, so it can never replace a newer pair. Next:
//! `keeper.rs` acts on it, `vault.rs` keeps it.

use super::vault::{in_the_clear, maybe_in_the_clear};
use crate::secret::Secret;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A token set as the provider gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// For the API.
    #[serde(with = "in_the_clear")]
    pub(crate) access: Secret,
    /// For the next one; none where tokens are fetched without a person.
    #[serde(with = "maybe_in_the_clear")]
    pub(crate) refresh: Option<Secret>,
    /// `instance_url`, where the provider gives one.
    pub(crate) instance: Option<String>,
    /// `None`: the provider doesn't say; a 401 will.
    pub(crate) expires: Option<DateTime<Utc>>,
    /// When it was given.
    pub(crate) given: DateTime<Utc>,
}

/// What the provider does with a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rotation {
    /// Not seen yet; it counts as replaced.
    #[default]
    Unknown,
    /// It stays good.
    Kept,
    /// It was replaced by another.
    Replaced,
}

/// How a connection's tokens stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub(crate) enum Standing {
    /// Never connected, or disconnected.
    Nothing,
    /// To be used.
    Ready {
        /// The set.
        tokens: Tokens,
        /// What happens to its refresh token.
        rotation: Rotation,
        /// The number of the last attempt to renew: none is used twice.
        last: u64,
    },
    /// A refresh has begun and isn't answered: it may have left.
    Refreshing {
        /// The set before it.
        tokens: Tokens,
        /// What happens to its refresh token.
        rotation: Rotation,
        /// The number of the attempt.
        attempt: u64,
        /// When the first attempt with this set began.
        since: DateTime<Utc>,
        /// How many there were with this set.
        tries: u32,
    },
    /// A person must connect again.
    Over {
        /// Why.
        why: End,
        /// Since when.
        at: DateTime<Utc>,
    },
}

/// Why a consent is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub(crate) enum End {
    /// The provider refused the refresh token.
    Refused {
        /// Its words.
        said: String,
    },
    /// The same, after a refresh whose answer was lost: the provider replaced the token, and nobody has the new one.
    RefusedInDoubt {
        /// Its words.
        said: String,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A set came by consent, or by client credentials or an assertion.
    Given(Tokens),
    /// A refresh begins.
    Started { attempt: u64, at: DateTime<Utc> },
    /// It was answered. `replaced` is the new refresh token, if there is one.
    Answered { attempt: u64, tokens: Tokens },
    /// Certainly nothing of it left, or the far side did not carry it out.
    NotCarriedOut { attempt: u64 },
    /// The provider refused the refresh token.
    Refused {
        attempt: u64,
        said: String,
        at: DateTime<Utc>,
    },
}

/// The step doesn't fit: it comes late, twice, or from nowhere. What stands is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a step that doesn't fit how the tokens stand; it was not taken")]
pub(crate) struct Misfit;

impl Standing {
    /// What becomes of it.
    pub(crate) fn next(&self, step: Step) -> Result<Self, Misfit> {
        match (self, step) {
            (_, Step::Given(tokens)) => Ok(Self::Ready {
                tokens,
                rotation: Rotation::Unknown,
                last: self.last_attempt(),
            }),
            (
                Self::Ready {
                    tokens,
                    rotation,
                    last,
                },
                Step::Started { attempt, at },
            ) if attempt > *last => Ok(Self::Refreshing {
                tokens: tokens.clone(),
                rotation: *rotation,
                attempt,
                since: at,
                tries: 1,
            }),
            (
                Self::Refreshing {
                    tokens,
                    rotation,
                    attempt: before,
                    since,
                    tries,
                },
                Step::Started { attempt, .. },
            ) if attempt > *before => Ok(Self::Refreshing {
                tokens: tokens.clone(),
                rotation: *rotation,
                attempt,
                since: *since,
                tries: tries.saturating_add(1),
            }),
            (
                Self::Refreshing {
                    tokens: old,
                    attempt: this,
                    ..
                },
                Step::Answered { attempt, tokens },
            ) if attempt == *this => {
                let replaced = tokens.refresh.is_some() && tokens.refresh != old.refresh;
                Ok(Self::Ready {
                    rotation: if replaced {
                        Rotation::Replaced
                    } else {
                        Rotation::Kept
                    },
                    last: attempt,
                    tokens: Tokens {
                        refresh: tokens.refresh.or_else(|| old.refresh.clone()),
                        instance: tokens.instance.or_else(|| old.instance.clone()),
                        ..tokens
                    },
                })
            }
            (
                Self::Refreshing {
                    tokens,
                    rotation,
                    attempt: this,
                    tries: 1,
                    ..
                },
                Step::NotCarriedOut { attempt },
            ) if attempt == *this => Ok(Self::Ready {
                tokens: tokens.clone(),
                rotation: *rotation,
                last: attempt,
            }),
            // An earlier attempt is still in doubt; only this one doesn't count.
            (
                Self::Refreshing {
                    tokens,
                    rotation,
                    attempt: this,
                    since,
                    tries,
                },
                Step::NotCarriedOut { attempt },
            ) if attempt == *this => Ok(Self::Refreshing {
                tokens: tokens.clone(),
                rotation: *rotation,
                attempt: *this,
                since: *since,
                tries: tries.saturating_sub(1),
            }),
            (
                Self::Refreshing {
                    attempt: this,
                    tries,
                    ..
                },
                Step::Refused { attempt, said, at },
            ) if attempt == *this => Ok(Self::Over {
                why: match tries {
                    1 => End::Refused { said },
                    _ => End::RefusedInDoubt { said },
                },
                at,
            }),
            _ => Err(Misfit),
        }
    }

    /// The set that may be used for the API. While a refresh is open that is none: the old access token may have ended with it.
    pub(crate) fn usable(&self) -> Option<&Tokens> {
        match self {
            Self::Ready { tokens, .. } => Some(tokens),
            Self::Nothing | Self::Refreshing { .. } | Self::Over { .. } => None,
        }
    }

    /// The set that is there, used or not.
    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        match self {
            Self::Ready { tokens, .. } | Self::Refreshing { tokens, .. } => Some(tokens),
            Self::Nothing | Self::Over { .. } => None,
        }
    }

    /// The number for the next attempt.
    pub(crate) fn next_attempt(&self) -> u64 {
        self.last_attempt().saturating_add(1)
    }

    fn last_attempt(&self) -> u64 {
        match self {
            Self::Refreshing { attempt, .. } => *attempt,
            Self::Ready { last, .. } => *last,
            Self::Nothing | Self::Over { .. } => 0,
        }
    }
}
