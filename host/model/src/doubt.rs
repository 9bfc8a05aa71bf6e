//! What people are told about a write whose effect isn't known: the one home of these words, for plans, items and summaries.
//!
//! Whether it is answered at all is not said here: an answer that says nothing (a gateway's error) leaves the same doubt.

use crate::request::RequestState;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

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

/// How the outcome of writes that got no answer became known, as summaries tell it.
pub fn found_by(reading: usize, sending: usize) -> String {
    const READING: &str = "by reading what is there";
    const SENDING: &str = "by sending the same request again under its key";
    match (reading, sending) {
        (_, 0) => format!("the outcome was found {READING}"),
        (0, _) => format!("the outcome was found {SENDING}"),
        (reading, sending) => {
            format!("the outcome was found {READING} ({reading}) and {SENDING} ({sending})")
        }
    }
}

/// A write that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// What it was to do, and why.
    pub what: &'a str,
    /// To whom.
    pub connection: &'a str,
    /// When its first byte left.
    pub at: DateTime<Utc>,
    /// What was seen of it.
    pub seen: &'a str,
    /// The request that carried it.
    pub request: &'a str,
    /// When it may leave again, if ever.
    pub again: Option<Again>,
}

/// When a request may leave once more, as the same bytes under the same key. From the one instant on, and before the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// From when on.
    pub from: DateTime<Utc>,
    /// Not from then on.
    pub until: DateTime<Utc>,
    /// What becomes of it after that.
    pub later: Later,
}

/// What becomes of a request that isn't found once it can no longer be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Later {
    /// A person decides.
    Asks,
    /// Nothing of it can happen any more, or only once: it is planned again.
    PlannedAgain,
}

impl Again {
    /// The time that serves both, or the one that ends first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (from, until) = (self.from.max(other.from), self.until.min(other.until));
        let later = match (self.later, other.later) {
            (Later::PlannedAgain, Later::PlannedAgain) => Later::PlannedAgain,
            _ => Later::Asks,
        };
        if from < until {
            return Self { from, until, later };
        }
        if self.until <= other.until {
            self
        } else {
            other
        }
    }

    /// What an item says, after a semicolon or as a sentence without its full stop.
    pub fn told(&self) -> String {
        let later = match self.later {
            Later::Asks => "it waits for you",
            Later::PlannedAgain => "it is planned again",
        };
        format!(
            "a sync {} that doesn't find it sends the same request again under the same key, which can't make a second one. Not found after that, {later}",
            self.between()
        )
    }

    /// What the summary of a run says of all that is in doubt.
    pub fn told_of_all(&self) -> String {
        let later = match self.later {
            Later::Asks => "what isn't found waits for you",
            Later::PlannedAgain => "what isn't found is planned again",
        };
        format!(
            "A sync {} sends what it doesn't find again, as the same request under the same key, which can't make a second one. After that, {later}.",
            self.between()
        )
    }

    /// In whole seconds that lie within.
    fn between(&self) -> String {
        let from = self.from.trunc_subsecs(0);
        let from = match from < self.from {
            true => from + TimeDelta::seconds(1),
            false => from,
        };
        format!(
            "between {} and {} UTC",
            from.format("%H:%M:%S"),
            self.until.format("%H:%M:%S")
        )
    }
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
            _ => {
                let again = self.again.map(|again| again.told());
                let again = again.map_or_else(String::new, |again| format!("; {again}"));
                format!(
                    "Until it is known nothing more is written there. Every sync looks it up in {connection}{again}"
                )
            }
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

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    #[test]
    fn of_several_the_time_that_serves_all_is_told() {
        let again = |from: i64, until: i64| Again {
            from: at(from * 1000),
            until: at(until * 1000),
            later: Later::PlannedAgain,
        };
        let asks = Again {
            later: Later::Asks,
            ..again(130, 310)
        };
        for (one, other, both, what) in [
            (again(120, 300), again(130, 310), again(130, 300), "both"),
            (again(120, 300), again(400, 500), again(120, 300), "first"),
            (again(400, 500), again(120, 300), again(120, 300), "first"),
        ] {
            assert_eq!(one.and(other), both, "{what}");
        }
        let both = again(120, 300).and(asks);
        assert_eq!(both.later, Later::Asks);
        let told = "A sync between 00:02:10 and 00:05:00 UTC sends what it doesn't find again";
        assert!(
            both.told_of_all().starts_with(told),
            "{}",
            both.told_of_all()
        );
    }

    #[test]
    fn a_doubt_is_told_in_the_same_words_until_a_person_is_asked() {
        let sent = Sent {
            what: "Deal \"A\" is won.",
            connection: "xero",
            at: at(0),
            seen: "the answer, status 502, says nothing",
            request: "ab12",
            again: Some(Again {
                from: at(120_500),
                until: at(300_500),
                later: Later::Asks,
            }),
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
        assert!(
            waits.contains("between 00:02:01 and 00:05:00 UTC") && !asks.contains("between"),
            "{waits}\n{asks}"
        );
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
