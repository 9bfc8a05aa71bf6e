//! A journalled write request: its states and the one function that moves between them.
//!
//! The request is the unit (design invariant 3): ordered operations, exact bytes, key, first-sent-at. What lies between
//! intent and outcome is in doubt and is shown as such.

use serde::{Deserialize, Serialize};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// The intent is durable; bytes may or may not have left.
    Started,
    /// The answer is durable, its meaning isn't.
    Answered,
    /// Nobody knows whether it took effect. Read-back decides.
    InDoubt,
    /// Reading back can't decide either; a person must.
    NeedsPerson,
    /// Every operation has its final outcome.
    Settled,
}

/// What happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestEvent {
    /// The answer was stored.
    Answer,
    /// No answer, or none that means anything.
    Lost,
    /// It is sent again, the same bytes under the same key.
    Resent,
    /// It was refused before the first byte left, and never sent before.
    NotSent,
    /// Every operation got its final outcome.
    Settled,
    /// Absence can't be proven well enough to send again.
    Unproven,
}

/// A transition that must not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a request that is {state:?} can't take {event:?}")]
pub struct IllegalTransition {
    /// Where it stood.
    pub state: RequestState,
    /// What was to happen.
    pub event: RequestEvent,
}

impl RequestState {
    /// The only way from one state to another.
    pub fn next(self, event: RequestEvent) -> Result<Self, IllegalTransition> {
        use RequestEvent as E;
        use RequestState as S;
        match (self, event) {
            (S::Started | S::InDoubt, E::Answer) => Ok(S::Answered),
            (S::Started | S::InDoubt | S::Answered, E::Lost) => Ok(S::InDoubt),
            (S::Started | S::InDoubt, E::Resent) => Ok(S::Started),
            (S::Started, E::NotSent) => Ok(S::Settled),
            (S::NeedsPerson, E::Resent) => Ok(S::Started),
            (S::Answered | S::InDoubt | S::NeedsPerson, E::Settled) => Ok(S::Settled),
            (S::InDoubt, E::Unproven) => Ok(S::NeedsPerson),
            (state, event) => Err(IllegalTransition { state, event }),
        }
    }

    /// Whether anything is still open.
    pub fn is_final(self) -> bool {
        self == RequestState::Settled
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestEvent as E, RequestState as S};

    #[test]
    fn only_these_transitions_exist() {
        let states = [
            S::Started,
            S::Answered,
            S::InDoubt,
            S::NeedsPerson,
            S::Settled,
        ];
        let events = [
            E::Answer,
            E::Lost,
            E::Resent,
            E::NotSent,
            E::Settled,
            E::Unproven,
        ];
        let mut legal = Vec::new();
        for state in states {
            for event in events {
                if let Ok(next) = state.next(event) {
                    legal.push((state, event, next));
                }
            }
        }
        assert_eq!(
            legal,
            [
                (S::Started, E::Answer, S::Answered),
                (S::Started, E::Lost, S::InDoubt),
                (S::Started, E::Resent, S::Started),
                (S::Started, E::NotSent, S::Settled),
                (S::Answered, E::Lost, S::InDoubt),
                (S::Answered, E::Settled, S::Settled),
                (S::InDoubt, E::Answer, S::Answered),
                (S::InDoubt, E::Lost, S::InDoubt),
                (S::InDoubt, E::Resent, S::Started),
                (S::InDoubt, E::Settled, S::Settled),
                (S::InDoubt, E::Unproven, S::NeedsPerson),
                (S::NeedsPerson, E::Resent, S::Started),
                (S::NeedsPerson, E::Settled, S::Settled),
            ]
        );
    }
}
