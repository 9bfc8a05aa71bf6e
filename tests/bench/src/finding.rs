//! What a benchmark found, as people and scripts read it. It judges only against a goal that the design states.

use crate::measure::{Spread, hundredths};
use serde::Serialize;
use std::time::Duration;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The benchmark's name.
    pub benchmark: &'static str,
    /// What was measured.
    pub what: String,
    /// How often.
    pub samples: usize,
    /// Half of the attempts took no longer.
    pub median_ns: u64,
    /// 95 of 100 took no longer.
    pub p95_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// How many a second, where that is the figure.
    pub per_second: Option<u64>,
    /// What it is compared with, measured in turns with it.
    pub against: Option<Against>,
    /// The design's goal.
    pub goal: Option<Goal>,
    /// What else must be known to read it.
    pub note: String,
}

/// What a figure is compared with.
#[derive(Debug, Clone, Serialize)]
pub struct Against {
    /// What.
    pub what: String,
    /// Its median.
    pub median_ns: u64,
    /// The figure as hundredths of it: 150 is one and a half times as long.
    pub ratio_hundredths: u64,
}

/// A goal and whether it was met.
#[derive(Debug, Clone, Serialize)]
pub struct Goal {
    /// In words.
    pub words: &'static str,
    /// How it stands.
    pub verdict: Verdict,
}

/// How a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Reached.
    Met,
    /// Missed, within what the design bears.
    Missed,
    /// Missed by more than the design bears.
    Failed,
}

impl Finding {
    pub(crate) fn new(benchmark: &'static str, what: impl Into<String>, spread: Spread) -> Self {
        Self {
            benchmark,
            what: what.into(),
            samples: spread.samples,
            median_ns: nanos(spread.median),
            p95_ns: nanos(spread.p95),
            p99_ns: nanos(spread.p99),
            per_second: None,
            against: None,
            goal: None,
            note: String::new(),
        }
    }

    pub(crate) fn against(self, what: impl Into<String>, other: Spread) -> Self {
        let own = Duration::from_nanos(self.median_ns);
        Self {
            against: Some(Against {
                what: what.into(),
                median_ns: nanos(other.median),
                ratio_hundredths: hundredths(own, other.median),
            }),
            ..self
        }
    }

    pub(crate) fn rate(self, per_second: u64) -> Self {
        Self {
            per_second: Some(per_second),
            ..self
        }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    pub(crate) fn goal(self, words: &'static str, verdict: Verdict) -> Self {
        Self {
            goal: Some(Goal { words, verdict }),
            ..self
        }
    }

    /// With the goal that the median is below a time.
    pub(crate) fn below(self, words: &'static str, most: Duration) -> Self {
        let verdict = if self.median_ns < nanos(most) {
            Verdict::Met
        } else {
            Verdict::Missed
        };
        self.goal(words, verdict)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
