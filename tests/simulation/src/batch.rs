//! Many stories at once: a thread each with a runtime of its own, the plugins shared. What failed is shrunk.
//!
//! Next: `main` prints the report.

use crate::generate::generate;
use crate::play::{Outcome, Tally, play};
use crate::property::{Broken, NAMES};
use crate::schedule::Schedule;
use crate::shrink::shrink;
use footbridge_scenarios::Setting;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What is to be played.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The first seed; those after it follow.
    pub seed: u64,
    /// How many.
    pub schedules: u64,
    /// Stories at once.
    pub threads: usize,
    /// Most plays to shrink one failure.
    pub shrink: usize,
}

/// A schedule that a property did not survive.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    /// Which seed.
    pub seed: u64,
    /// What it broke.
    pub broken: Broken,
    /// The schedule, as small as it became.
    pub schedule: Schedule,
    /// Its story.
    pub story: Vec<String>,
    /// Plays that it took to make it small.
    pub plays: usize,
}

/// What came of all.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Schedules that were played.
    pub schedules: u64,
    /// Wall clock.
    pub seconds: u64,
    /// What happened in them.
    pub tally: Tally,
    /// Broken properties by name, nought included.
    pub broken: BTreeMap<String, usize>,
    /// Stories that could not be played at all.
    pub unplayable: Vec<String>,
    /// What failed.
    pub failed: Vec<Failed>,
}

impl Report {
    /// Nothing failed.
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && self.unplayable.is_empty()
    }
}

/// Plays the schedules of consecutive seeds. `told` hears of each as it ends.
pub fn many(wanted: Wanted, setting: &Setting, told: &(dyn Fn(u64, &str) + Sync)) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let report = Mutex::new(Report {
        broken: NAMES.iter().map(|name| ((*name).to_owned(), 0)).collect(),
        ..Report::default()
    });
    std::thread::scope(|threads| {
        for _ in 0..wanted.threads.max(1) {
            threads.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= wanted.schedules {
                        return;
                    }
                    let seed = wanted.seed.wrapping_add(number);
                    let ended = one(seed, wanted.shrink, setting);
                    let mut report = crate::life::locked(&report);
                    report.schedules += 1;
                    match ended {
                        Ok((outcome, failed)) => {
                            report.tally += outcome.tally;
                            told(seed, failed.as_ref().map_or("holds", |f| f.broken.property));
                            if let Some(failed) = failed {
                                let name = failed.broken.property.to_owned();
                                *report.broken.entry(name).or_default() += 1;
                                report.failed.push(failed);
                            }
                        }
                        Err(error) => {
                            told(seed, "can't be played");
                            report.unplayable.push(format!("seed {seed}: {error:#}"));
                        }
                    }
                }
            });
        }
    });
    let mut report = report
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    report.failed.sort_by_key(|failed| failed.seed);
    report.seconds = began.elapsed().as_secs();
    report
}

fn one(seed: u64, most: usize, setting: &Setting) -> anyhow::Result<(Outcome, Option<Failed>)> {
    let schedule = generate(seed);
    let outcome = alone(play(&schedule, setting))?;
    let Some(broken) = outcome.broken.clone() else {
        return Ok((outcome, None));
    };
    let property = broken.property;
    let judge = |schedule: Schedule| async move {
        let outcome = play(&schedule, setting).await;
        Ok(outcome.is_ok_and(|outcome| {
            outcome
                .broken
                .is_some_and(|broken| broken.property == property)
        }))
    };
    let (small, plays) = alone(shrink(&schedule, most, judge))?;
    let again = alone(play(&small, setting))?;
    let failed = Failed {
        seed,
        broken: again.broken.unwrap_or(broken),
        schedule: small,
        story: again.story,
        plays,
    };
    Ok((outcome, Some(failed)))
}

/// A runtime of one thread for one story: nothing runs beside it.
pub(crate) fn alone<T>(story: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(story)
}
