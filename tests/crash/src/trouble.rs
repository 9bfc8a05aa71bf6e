//! What goes wrong at our own side in a round, besides kills: a full disk, power cuts, a disk that forgets what it confirmed.
//!
//! It makes the trouble and judges what the program says of it; what became of the invoices is judged as in every other round.

use crate::disk::SmallDisk;
use crate::power::{self, Power};
use crate::round::FAR_SIDE;
use crate::run::{Ended, Program};
use crate::world::World;
use anyhow::bail;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::path::Path;

/// Which trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk of the data directory has so many KiB left, until somebody makes room.
    FullDisk {
        /// KiB.
        spare: u64,
    },
    /// Each kill is a power cut: what was not synced has arrived, or not, or in part.
    PowerCut {
        /// What arrives is drawn from it.
        seed: u64,
    },
    /// After a clean end the disk has lost its last syncs.
    LostEnd {
        /// How many.
        flushes: usize,
    },
}

/// How often the program finds the disk full before somebody makes room.
const FOUND_FULL: usize = 3;
/// Room enough, in KiB.
const ROOM: u64 = 256 * 1024;
/// A page of a tmpfs in KiB.
const PAGE: u64 = 4;

/// A trouble under way.
pub(crate) struct UnderWay {
    trouble: Trouble,
    disk: Option<SmallDisk>,
    dice: StdRng,
    /// What the program said of the full disk.
    pub(crate) told: Vec<String>,
    /// Writes that a power cut undid.
    pub(crate) undone: usize,
    freed: bool,
}

impl UnderWay {
    /// Makes the disk of `data` small, before `prepared` is copied there.
    pub(crate) fn begin(trouble: Trouble, data: &Path, prepared: &Path) -> anyhow::Result<Self> {
        let disk = match trouble {
            Trouble::FullDisk { spare } => Some(SmallDisk::mount(data, takes(prepared)? + spare)?),
            Trouble::PowerCut { .. } | Trouble::LostEnd { .. } => None,
        };
        let seed = match trouble {
            Trouble::PowerCut { seed } => seed,
            Trouble::FullDisk { .. } | Trouble::LostEnd { .. } => 0,
        };
        Ok(Self {
            trouble,
            disk,
            dice: StdRng::seed_from_u64(seed),
            told: Vec::new(),
            undone: 0,
            freed: false,
        })
    }

    /// Whether starts must be noted.
    pub(crate) fn notes(&self, power: Option<&Power>) -> Option<Power> {
        match self.trouble {
            Trouble::FullDisk { .. } => None,
            Trouble::PowerCut { .. } | Trouble::LostEnd { .. } => power.cloned(),
        }
    }

    /// What follows a kill.
    pub(crate) fn killed(&mut self, program: &Program) -> anyhow::Result<()> {
        if !matches!(self.trouble, Trouble::PowerCut { .. }) || !program.data().exists() {
            return Ok(());
        }
        let cut = power::cut(&program.data(), &program.notes(), &mut self.dice)?;
        self.undone += cut.undone;
        Ok(())
    }

    /// A start that failed: whether that is what a full disk does. Room is made after a few. A far side that can't be reached is none
    /// of the disk's doing, unless it is said to be.
    pub(crate) fn failed(&mut self, code: i32, why: &str) -> anyhow::Result<bool> {
        if code == FAR_SIDE && !names_the_disk(why) {
            return Ok(false);
        }
        let Some(disk) = self.disk.as_ref().filter(|_| !self.freed) else {
            return Ok(false);
        };
        self.told.push(why.to_owned());
        if self.told.len() >= FOUND_FULL {
            self.freed = true;
            disk.grow(ROOM)?;
        }
        Ok(true)
    }

    /// What is wrong with what was told of a full disk.
    pub(crate) fn complaint(&self) -> Option<String> {
        // To restore a backup is no answer to it.
        let wrong = |why: &&String| !names_the_disk(why) || why.contains("backup");
        let wrong: Vec<&String> = self.told.iter().filter(wrong).collect();
        (!wrong.is_empty()).then(|| format!("what was told of a full disk: {wrong:?}"))
    }

    /// After everything: the disk loses its end, and the program must refuse to go on, in words, without a write.
    pub(crate) async fn afterwards(
        &self,
        program: &mut Program,
        world: &World,
    ) -> anyhow::Result<Option<String>> {
        let Trouble::LostEnd { flushes } = self.trouble else {
            return Ok(None);
        };
        let lost = power::lose_the_end(&program.data(), &program.notes(), flushes)?;
        world.reset_writes();
        for _ in 0..2 {
            match program.run(&["sync"], None).await? {
                Ended::Failed { why, .. }
                    if ["lost", "damage"].iter().any(|word| why.contains(word)) => {}
                other => return Ok(Some(format!("{lost} writes were lost, and: {other:?}"))),
            }
        }
        if world.writes() > 0 {
            bail!("it refused its data directory, and wrote to the far side");
        }
        Ok(None)
    }
}

fn names_the_disk(why: &str) -> bool {
    let why = why.to_lowercase();
    let names = ["no space", "disk", "full"];
    names.iter().any(|word| why.contains(word))
}

/// What a folder takes on a tmpfs, in KiB.
fn takes(folder: &Path) -> anyhow::Result<u64> {
    let mut kib = PAGE;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        kib += match entry.metadata()? {
            data if data.is_dir() => takes(&entry.path())?,
            data => data.len().div_ceil(PAGE * 1024) * PAGE,
        };
    }
    Ok(kib)
}
