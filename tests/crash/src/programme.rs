//! Which rounds there are: every journal point, random moments, every fault; drawn from one seed, played a few at a time.
//!
//! It decides what happens, never how it went.

use crate::disk;
use crate::power::Power;
use crate::round::{Begin, Demand, Gone, Ground, Judge, Round};
use crate::run::Kill;
use crate::strike::{self, Strike};
use crate::trouble::Trouble;
use anyhow::bail;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The row of rounds at random moments.
pub const RANDOM: &str = "random moments";
/// The row of rounds on a disk that gets full.
const FULL_DISK: &str = "full disk, then room";
/// The row of rounds with power cuts.
const POWER_CUT: &str = "power cut, unsynced writes torn";
/// Points that every request passes, in order.
const OF_A_REQUEST: [&str; 7] = [
    "before-intent",
    "intent-stored",
    "sending",
    "answer-received",
    "answer-stored",
    "before-settle",
    "settled",
];
/// Deals of a usual round: one request each for contacts, invoices and write-backs.
const FEW: usize = 50;
/// Deals of a round with several requests under way at once.
const MANY: usize = 150;

/// How much is played.
#[derive(Debug, Clone)]
pub struct Programme {
    /// Rounds with at least one kill at a random moment.
    pub rounds: usize,
    /// So often each fault and target.
    pub faults: usize,
    /// Rounds on a disk that gets full.
    pub enospc: usize,
    /// Rounds in which each kill is a power cut; a fifth as many again in which the disk then loses what it had confirmed.
    pub torn: usize,
    /// Everything is drawn from it.
    pub seed: u64,
    /// Rounds at the same time.
    pub at_once: usize,
    /// Every nth round is judged by the auditor too.
    pub audit_every: usize,
    /// Only rows whose name contains it.
    pub only: String,
}

impl Programme {
    /// What its troubles need. Full disks that can't be had here are left out, with a notice.
    ///
    /// # Errors
    /// The library that takes notes can't be built.
    pub fn power(&mut self) -> anyhow::Result<Option<Power>> {
        if self.enospc > 0
            && let Some(why) = disk::why_not()
        {
            eprintln!("SKIPPED: no full disk: a tmpfs can't be mounted here: {why}");
            self.enospc = 0;
        }
        if self.torn > 0 && !cfg!(target_os = "linux") {
            eprintln!("SKIPPED: no power cuts: what a program writes is noted on Linux alone");
            self.torn = 0;
        }
        (self.torn > 0).then(Power::prepare).transpose()
    }

    /// Plays everything. `tell` hears of each round.
    ///
    /// # Errors
    /// A round without any kill or fault doesn't work: there is nothing to prove.
    pub async fn play(
        &self,
        ground: Arc<Ground>,
        tell: impl Fn(&Gone),
    ) -> anyhow::Result<Vec<Gone>> {
        let mut dice = StdRng::seed_from_u64(self.seed);
        let mut all = Vec::new();
        let calm =
            [Begin::Installed, Begin::Nothing].map(|begin| self.round(&mut dice, "no kill", begin));
        for round in calm {
            let gone = round.play(&ground).await;
            tell(&gone);
            all.push(gone);
        }
        let [Some(usual), Some(first)] =
            [0, 1].map(|n: usize| all.get(n).and_then(|gone| gone.first_start))
        else {
            bail!("a round without a kill doesn't work: {all:?}");
        };
        let mut rounds = self.at_points(&mut dice);
        rounds.extend(self.with_faults(&mut dice, usual));
        rounds.extend(self.with_lost_ends(&mut dice));
        rounds.retain(|round| round.label.contains(&self.only));
        all.extend(self.play_all(&ground, rounds, &tell).await?);
        for (label, wanted) in [(FULL_DISK, self.enospc), (POWER_CUT, self.torn)] {
            if !label.contains(&self.only) {
                continue;
            }
            // What came to nothing (room enough, everything synced) is drawn again.
            let mut missing = wanted;
            for _ in 0..6 {
                let drawn = (0..missing)
                    .map(|n| self.in_trouble(&mut dice, label, n, usual))
                    .collect();
                let gone = self.play_all(&ground, drawn, &tell).await?;
                missing -= gone
                    .iter()
                    .filter(|gone| gone.troubled)
                    .count()
                    .min(missing);
                all.extend(gone);
            }
        }
        if RANDOM.contains(&self.only) {
            // A moment that came too late is drawn again.
            let mut missing = self.rounds;
            for _ in 0..6 {
                let drawn = (0..missing)
                    .map(|_| self.at_random(&mut dice, usual, first))
                    .collect();
                let gone = self.play_all(&ground, drawn, &tell).await?;
                missing -= gone
                    .iter()
                    .filter(|gone| gone.kills > 0)
                    .count()
                    .min(missing);
                all.extend(gone);
            }
        }
        Ok(all)
    }

    fn round(&self, dice: &mut StdRng, label: &str, begin: Begin) -> Round {
        Round {
            label: label.to_owned(),
            seed: dice.random(),
            deals: FEW,
            begin,
            kills: Vec::new(),
            demand: Demand::Any,
            strike: None,
            trouble: None,
            judge: Judge::Counts,
        }
    }

    /// Every point, the first times it is passed and later ones, also while an earlier kill is being recovered from.
    fn at_points(&self, dice: &mut StdRng) -> Vec<Round> {
        let mut cases: Vec<(usize, Vec<(&'static str, u32)>)> = Vec::new();
        for nth in [1, 2, 7] {
            cases.push((FEW, vec![("pulled", nth)]));
        }
        cases.push((FEW, vec![("planned", 1)]));
        cases.push((FEW, vec![("planned", 1), ("planned", 1)]));
        for point in OF_A_REQUEST {
            for nth in [1, 2, 3] {
                cases.push((FEW, vec![(point, nth)]));
            }
            cases.push((MANY, vec![(point, 5)]));
        }
        for first in ["sending", "answer-received", "answer-stored"] {
            for nth in [1, 2, 3] {
                cases.push((FEW, vec![(first, nth), ("recovering", 1)]));
            }
        }
        cases.push((
            FEW,
            vec![
                ("answer-received", 2),
                ("recovering", 1),
                ("before-settle", 1),
            ],
        ));
        cases.push((
            FEW,
            vec![("answer-stored", 2), ("before-settle", 1), ("settled", 1)],
        ));
        let mut rounds: Vec<Round> = cases
            .into_iter()
            .map(|(deals, points)| Round {
                // The last one is what the case is about.
                label: points
                    .last()
                    .map_or_else(String::new, |(point, _)| (*point).to_owned()),
                deals,
                kills: points
                    .into_iter()
                    .map(|(point, nth)| Kill::AtPoint(point, nth))
                    .collect(),
                demand: Demand::Each,
                ..self.round(dice, "", Begin::Installed)
            })
            .collect();
        // A run waits only for what got no answer.
        for lost in strike::all()
            .into_iter()
            .filter(|s| s.name == "answer lost after commit")
        {
            let kills = vec![Kill::AtPoint("waiting", 1), Kill::AtPoint("recovering", 1)];
            rounds.push(Round {
                kills,
                demand: Demand::Each,
                strike: Some(lost),
                ..self.round(dice, "waiting", Begin::Installed)
            });
        }
        rounds
    }

    /// A full disk, now and then killed besides; or power cuts, by turns at points and at random moments.
    fn in_trouble(&self, dice: &mut StdRng, label: &str, n: usize, usual: Duration) -> Round {
        let (trouble, kills) = match label {
            FULL_DISK => {
                let spare = *[0, 8, 32, 64, 128, 256, 512, 768, 1_024]
                    .choose(dice)
                    .unwrap_or(&0);
                let kills = match n % 3 {
                    0 => vec![point(dice)],
                    _ => Vec::new(),
                };
                (Trouble::FullDisk { spare }, kills)
            }
            _ => {
                let kills = (0..dice.random_range(1..=3))
                    .map(|_| match dice.random_ratio(1, 2) {
                        true => Kill::AtPoint(
                            OF_A_REQUEST.choose(dice).copied().unwrap_or("sending"),
                            dice.random_range(1..=3),
                        ),
                        false => moment(dice, usual),
                    })
                    .collect();
                let seed = dice.random();
                (Trouble::PowerCut { seed }, kills)
            }
        };
        Round {
            kills,
            trouble: Some(trouble),
            ..self.round(dice, label, Begin::Installed)
        }
    }

    fn with_lost_ends(&self, dice: &mut StdRng) -> Vec<Round> {
        let lost = |n: usize| Trouble::LostEnd { flushes: 1 + n % 2 };
        (0..self.torn.div_ceil(5))
            .map(|n| Round {
                trouble: Some(lost(n)),
                ..self.round(dice, "end of the store lost: refused", Begin::Installed)
            })
            .collect()
    }

    /// Every fault on every kind of write, with a kill by turns at a random moment, at a point, and none.
    fn with_faults(&self, dice: &mut StdRng, usual: Duration) -> Vec<Round> {
        let strikes = strike::all();
        let mut rounds = Vec::new();
        for turn in 0..self.faults {
            for (n, strike) in strikes.iter().enumerate() {
                let kills = match (n + turn) % 4 {
                    0 => Vec::new(),
                    1 => vec![moment(dice, usual * 2)],
                    _ => vec![point(dice)],
                };
                rounds.push(Round {
                    kills,
                    strike: Some(Strike::clone(strike)),
                    ..self.round(
                        dice,
                        &format!("{}, {}", strike.name, strike.target.name()),
                        Begin::Installed,
                    )
                });
            }
        }
        rounds
    }

    /// One to three kills at random moments; sometimes during the very first start, which installs the plugins.
    fn at_random(&self, dice: &mut StdRng, usual: Duration, first: Duration) -> Round {
        let begin = match dice.random_ratio(1, 8) {
            true => Begin::Nothing,
            false => Begin::Installed,
        };
        let mut kills = Vec::new();
        for n in 0..dice.random_range(1..=3) {
            let within = match (begin, n) {
                (Begin::Nothing, 0) => first,
                _ => usual,
            };
            kills.push(moment(dice, within));
        }
        Round {
            deals: *[FEW, FEW, MANY].choose(dice).unwrap_or(&FEW),
            kills,
            ..self.round(dice, RANDOM, begin)
        }
    }

    async fn play_all(
        &self,
        ground: &Arc<Ground>,
        rounds: Vec<Round>,
        tell: &impl Fn(&Gone),
    ) -> anyhow::Result<Vec<Gone>> {
        let gate = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut playing = JoinSet::new();
        for (n, mut round) in rounds.into_iter().enumerate() {
            if n % self.audit_every.max(1) == 0 {
                round.judge = Judge::Both;
            }
            let (ground, gate) = (Arc::clone(ground), Arc::clone(&gate));
            playing.spawn(async move {
                let _turn = gate.acquire_owned().await;
                (n, round.play(&ground).await)
            });
        }
        let mut all = Vec::new();
        while let Some(gone) = playing.join_next().await {
            let gone = gone?;
            tell(&gone.1);
            all.push(gone);
        }
        all.sort_by_key(|(n, _)| *n);
        Ok(all.into_iter().map(|(_, gone)| gone).collect())
    }
}

/// A moment within that time.
fn moment(dice: &mut StdRng, within: Duration) -> Kill {
    let most = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
    Kill::After(Duration::from_millis(dice.random_range(0..most)))
}

/// A point that most starts with something to write pass.
fn point(dice: &mut StdRng) -> Kill {
    let points = [
        "sending",
        "answer-received",
        "before-settle",
        "settled",
        "recovering",
        "waiting",
    ];
    let point = points.choose(dice).copied().unwrap_or("sending");
    let most = match point {
        "recovering" | "waiting" => 1,
        _ => 3,
    };
    Kill::AtPoint(point, dice.random_range(1..=most))
}
