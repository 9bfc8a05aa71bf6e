//! Timing in turns: what is compared runs alternately in one process, so that a busy machine slows all of it alike.
//!
//! Whole numbers only: nanoseconds, and ratios in hundredths.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// One attempt at something, which says itself how long the part that counts took.
pub(crate) type Attempt<'a> =
    Box<dyn FnMut() -> Pin<Box<dyn Future<Output = anyhow::Result<Duration>> + 'a>> + 'a>;

/// Makes an attempt out of something asynchronous.
pub(crate) fn attempt<'a, F>(mut what: impl FnMut() -> F + 'a) -> Attempt<'a>
where
    F: Future<Output = anyhow::Result<Duration>> + 'a,
{
    Box::new(move || Box::pin(what()))
}

/// How the attempts at one thing are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) samples: usize,
    pub(crate) median: Duration,
    pub(crate) p95: Duration,
    pub(crate) p99: Duration,
}

impl Spread {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let last = times.len().saturating_sub(1);
            let place = (times.len() * percent / 100).min(last);
            times.get(place).copied().unwrap_or_default()
        };
        Self {
            samples: times.len(),
            median: at(50),
            p95: at(95),
            p99: at(99),
        }
    }

    /// The same for each of several things that one attempt did.
    pub(crate) fn each(self, things: u32) -> Self {
        let each = |time: Duration| time.checked_div(things).unwrap_or(time);
        Self {
            median: each(self.median),
            p95: each(self.p95),
            p99: each(self.p99),
            ..self
        }
    }

    /// How many a second, at the median.
    pub(crate) fn per_second(self) -> u64 {
        per_second(1, self.median)
    }
}

/// So many in that time, as a rate.
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    let nanos = time.as_nanos().max(1);
    u64::try_from(u128::from(count) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// How many hundredths of `of` something is.
pub(crate) fn hundredths(time: Duration, of: Duration) -> u64 {
    let hundredths = (time.as_nanos() * 100 + of.as_nanos() / 2) / of.as_nanos().max(1);
    u64::try_from(hundredths).unwrap_or(u64::MAX)
}

/// Attempts at all things, `rounds` each, in turns; each round another one begins. The first rounds warm up and don't count.
pub(crate) async fn in_turns(
    rounds: usize,
    mut things: Vec<Attempt<'_>>,
) -> anyhow::Result<Vec<Spread>> {
    let warm = rounds.div_ceil(10);
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(rounds); things.len()];
    let count = things.len();
    for round in 0..warm + rounds {
        for turn in 0..count {
            let which = (round + turn) % count;
            let Some(thing) = things.get_mut(which) else {
                continue;
            };
            let took = thing().await?;
            if round >= warm
                && let Some(times) = times.get_mut(which)
            {
                times.push(took);
            }
        }
    }
    Ok(times.into_iter().map(Spread::of).collect())
}
