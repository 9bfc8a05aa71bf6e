//! What people are told about a write whose effect isn't known: the one home of these words, for plans, items and summaries.
//!
//! Whether it is answered at all is not said here: an answer that says nothing (a gateway's error) leaves the same doubt.

use crate::request::RequestState;

/// Why nothing follows yet from a write that was sent.
pub const NOT_KNOWN: &str = "nobody knows yet whether it took effect";
/// The same of several, as summaries tell it.
pub const COUNTED: &str = "nobody knows yet whether they took effect. Every sync looks them up, and nothing is made twice; `footbridge items` says whether one needs your word";

/// A write of `what` stands in the way of another one.
pub fn stands_in_the_way(what: &str) -> String {
    format!(
        "An earlier write of {what} has no outcome yet: {NOT_KNOWN}. Every sync looks it up; until it is known nothing more is written there."
    )
}

/// A write that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// What it was to do, and why.
    pub what: &'a str,
    /// To whom.
    pub connection: &'a str,
    /// When its first byte left.
    pub at: chrono::DateTime<chrono::Utc>,
    /// What was seen of it.
    pub seen: &'a str,
    /// The request that carried it.
    pub request: &'a str,
}

impl Sent<'_> {
    /// What its item says: what to do before what it was to do, which may be long and is cut where room is short.
    pub fn told(&self, state: RequestState) -> String {
        let Self {
            what,
            connection,
            seen,
            request,
            ..
        } = self;
        let at = self.at.format("%Y-%m-%d %H:%M:%S UTC");
        let (what, seen) = (what.trim_end_matches('.'), seen.trim_end_matches('.'));
        let known = format!("Sent to {connection} at {at}, and {NOT_KNOWN} ({seen}).");
        let next = match state {
            RequestState::NeedsPerson => format!(
                "{connection} doesn't show it, but it may still turn up: every sync looks again. If you looked there yourself and \
                 are sure that it isn't there, `footbridge items release {request}` lets it be made again"
            ),
            _ => format!(
                "Every sync looks it up in {connection}; until it is known nothing more is written there"
            ),
        };
        format!("{known} {next}. It was to do this: {what}.")
    }
}

impl RequestState {
    /// How a request stands, after its name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Started => {
                "is being sent, or a run ended while it was; the next sync looks it up"
            }
            Self::Answered => "was answered; the next sync reads the answer",
            Self::InDoubt => {
                "was sent, and nobody knows yet whether it took effect; every sync looks it up"
            }
            Self::NeedsPerson => {
                "was sent, can't be found at the far side, and waits for your word"
            }
            Self::Settled => "is finished, and what came of it is known",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_is_told_in_the_same_words_until_a_person_is_asked() {
        let sent = Sent {
            what: "Deal \"A\" is won.",
            connection: "xero",
            at: chrono::DateTime::UNIX_EPOCH,
            seen: "the answer, status 502, says nothing",
            request: "ab12",
        };
        let known = "Sent to xero at 1970-01-01 00:00:00 UTC, and nobody knows yet whether it took effect (the answer, status 502, says nothing). ";
        let (waits, asks) = (
            sent.told(RequestState::InDoubt),
            sent.told(RequestState::NeedsPerson),
        );
        assert!(
            waits.starts_with(known) && asks.starts_with(known),
            "{waits}\n{asks}"
        );
        assert!(!waits.contains("release"), "{waits}");
        assert!(asks.contains("`footbridge items release ab12`"), "{asks}");
        for text in [waits, asks] {
            assert!(
                text.ends_with("It was to do this: Deal \"A\" is won."),
                "{text}"
            );
            assert!(!text.contains("answered"), "it may have been: {text}");
        }
    }
}
