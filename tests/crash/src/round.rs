//! A round: a fresh company and folder, the program started and killed, started again until it says that nothing is left to do,
//! then the verdict.
//!
//! What it believes of the program is only that: "nothing left". Everything else is counted elsewhere.

use crate::auditor::Auditor;
use crate::person;
use crate::power::Power;
use crate::run::{Ended, Kill, Program};
use crate::strike::Strike;
use crate::trouble::{Trouble, UnderWay};
use crate::verdict::{Before, Counts};
use crate::world::{LIST_LAG, World, write_empty};
use anyhow::{Context, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A round that isn't quiet by then has failed.
const DEADLINE: Duration = Duration::from_secs(400);

/// The exit code that says that the far side can't be reached or refused.
pub(crate) const FAR_SIDE: i32 = 4;

/// Between two starts that got nowhere.
const PAUSE: Duration = Duration::from_millis(500);

/// What all rounds share.
pub struct Ground {
    binary: PathBuf,
    prepared: TempDir,
    auditor: Option<Auditor>,
    power: Option<Power>,
}

impl Ground {
    /// `binary` is the program. Its plugins are installed once. Without `power` no power can be cut.
    ///
    /// # Errors
    /// The program doesn't start.
    pub async fn prepare(
        binary: PathBuf,
        auditor: Option<Auditor>,
        power: Option<Power>,
    ) -> anyhow::Result<Self> {
        let prepared = folder().context("a temporary folder can't be made")?;
        let config = write_empty(prepared.path())?;
        match Program::new(&binary, config).run(&["status"], None).await? {
            Ended::Done(_) => Ok(Self {
                binary,
                prepared,
                auditor,
                power,
            }),
            other => bail!("`footbridge status` in an empty folder: {other:?}"),
        }
    }
}

/// Where a round begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With the plugins installed and nothing synced.
    Installed,
    /// With no data directory at all.
    Nothing,
}

/// Which kills must take place for the round to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Every one.
    Each,
    /// None: a random moment may come too late.
    Any,
}

/// Who gives the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The counts, and the auditor where it can run.
    Both,
    /// The counts.
    Counts,
}

/// What happens in a round.
#[derive(Debug, Clone)]
pub struct Round {
    /// Its row in the table.
    pub label: String,
    /// Of the company.
    pub seed: u64,
    /// Won deals of the company.
    pub deals: usize,
    /// Where it begins.
    pub begin: Begin,
    /// One for each start, in order; later starts are not killed.
    pub kills: Vec<Kill>,
    /// Whether they must take place.
    pub demand: Demand,
    /// What goes wrong at the far side.
    pub strike: Option<Strike>,
    /// What goes wrong at our own side.
    pub trouble: Option<Trouble>,
    /// Who judges.
    pub judge: Judge,
}

/// How a round went.
#[derive(Debug, Clone)]
pub struct Gone {
    /// Its row.
    pub label: String,
    /// Kills that took place.
    pub kills: usize,
    /// Starts of the program.
    pub starts: usize,
    /// Requests that the person released.
    pub released: usize,
    /// What the simulators hold.
    pub counts: Counts,
    /// The auditor gave its verdict.
    pub audited: bool,
    /// The trouble came about: the disk was full, a power cut undid something.
    pub troubled: bool,
    /// How long the first start took, if it was not killed.
    pub first_start: Option<Duration>,
    /// What is wrong. Empty: nothing.
    pub wrong: Vec<String>,
}

impl Round {
    /// Plays it. Something wrong is in the result, with the folder that was kept.
    pub async fn play(&self, ground: &Ground) -> Gone {
        let mut gone = Gone {
            label: self.label.clone(),
            kills: 0,
            starts: 0,
            released: 0,
            counts: Counts::default(),
            audited: false,
            troubled: false,
            first_start: None,
            wrong: Vec::new(),
        };
        let folder = match folder() {
            Ok(folder) => folder,
            Err(error) => {
                gone.wrong.push(format!("no temporary folder: {error}"));
                return gone;
            }
        };
        if let Err(error) = self.play_in(folder.path(), ground, &mut gone).await {
            gone.wrong.push(format!("{error:#}"));
        }
        if !gone.wrong.is_empty() {
            let kills: Vec<String> = self.kills.iter().map(ToString::to_string).collect();
            gone.wrong.push(format!(
                "({}; company of {} deals, seed {}; killed {}; kept in {})",
                self.label,
                self.deals,
                self.seed,
                kills.join(", "),
                folder.keep().display()
            ));
        }
        gone
    }

    async fn play_in(&self, folder: &Path, ground: &Ground, gone: &mut Gone) -> anyhow::Result<()> {
        let world = World::start(self.deals, self.seed).await?;
        let config = world.write_files(folder)?;
        let data = folder.join("footbridge-data");
        let prepared = ground.prepared.path().join("footbridge-data");
        let mut trouble = match self.trouble {
            Some(trouble) => Some(UnderWay::begin(trouble, &data, &prepared)?),
            None => None,
        };
        if self.begin == Begin::Installed {
            // The plugins alone: with its rows it would be a copied store, which is held.
            std::fs::create_dir_all(&data)?;
            for name in ["plugins", "native"] {
                copy(&prepared.join(name), &data.join(name))?;
            }
            let key = "footbridge.key";
            copy(&ground.prepared.path().join(key), &folder.join(key))?;
        }
        let auditor = match self.judge {
            Judge::Both => ground.auditor.as_ref(),
            Judge::Counts => None,
        };
        if let Some(auditor) = auditor {
            auditor.snapshot(&world, folder).await?;
        }
        let before = Before::of(&world);
        if let Some(strike) = &self.strike {
            strike.inject(&world);
        }
        let mut program = Program::new(&ground.binary, config);
        if let Some(power) = trouble
            .as_ref()
            .and_then(|under| under.notes(ground.power.as_ref()))
        {
            program.note_with(power);
        }
        self.until_quiet(&mut program, &world, &mut trouble, gone)
            .await?;
        if self.demand == Demand::Each && gone.kills < self.kills.len() {
            gone.wrong.push(format!(
                "only {} of {} kills took place",
                gone.kills,
                self.kills.len()
            ));
        }
        let tail = self.strike.as_ref().map_or(Duration::ZERO, Strike::tail);
        tokio::time::sleep(tail + LIST_LAG).await;
        if self.strike.is_some() && struck(&world) == 0 {
            gone.wrong.push("the fault never struck".to_owned());
        }
        world.heal();
        world.reset_writes();
        let mut idle = program.run(&["sync"], None).await?;
        for _ in 0..5 {
            // A busy machine may let a read time out.
            if matches!(idle, Ended::Failed { code: FAR_SIDE, .. }) {
                idle = program.run(&["sync"], None).await?;
            }
        }
        if !matches!(&idle, Ended::Done(report) if is_quiet(report)) || world.writes() > 0 {
            gone.wrong.push(format!(
                "a run with nothing to do made {} writes: {idle:?}",
                world.writes()
            ));
        }
        gone.counts = Counts::of(&world, &before);
        if !gone.counts.is_right() {
            gone.wrong.push(format!("{:?}", gone.counts));
        }
        if let Some(auditor) = auditor {
            if let Some(findings) = auditor.verdict(&world, folder).await? {
                gone.wrong
                    .push(format!("the auditor disagrees: {findings}"));
            }
            gone.audited = true;
        }
        if let Some(under) = trouble {
            gone.wrong.extend(under.complaint());
            gone.wrong
                .extend(under.afterwards(&mut program, &world).await?);
            gone.troubled = match self.trouble {
                Some(Trouble::LostEnd { .. }) => true,
                _ => under.undone > 0 || !under.told.is_empty(),
            };
        }
        Ok(())
    }

    async fn until_quiet(
        &self,
        program: &mut Program,
        world: &World,
        trouble: &mut Option<UnderWay>,
        gone: &mut Gone,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut kills = self.kills.iter().peekable();
        let mut last = String::new();
        let mut in_doubt = 0;
        while began.elapsed() < DEADLINE {
            let start = Instant::now();
            gone.starts += 1;
            let ended = program.run(&["sync"], kills.peek().copied()).await?;
            if let (Ended::Failed { code, why }, Some(under)) = (&ended, trouble.as_mut())
                && under.failed(*code, why)?
            {
                continue;
            }
            if let Ended::Failed {
                code: FAR_SIDE,
                why,
            } = ended
            {
                // The far side is in trouble; a timer starts it again, and its kill is still to come.
                last = why;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let ordered = kills.next().is_some();
            match ended {
                Ended::Killed if !ordered => bail!("it died of a signal that nobody sent"),
                Ended::Killed => {
                    gone.kills += 1;
                    if let Some(under) = trouble.as_mut() {
                        under.killed(program)?;
                    }
                }
                Ended::Failed { code, why } => bail!("a start ended with exit code {code}: {why}"),
                Ended::Done(report) => {
                    if gone.starts == 1 {
                        gone.first_start = Some(start.elapsed());
                    }
                    if is_quiet(&report) {
                        return Ok(());
                    }
                    let doubts = count(&report, "in_doubt");
                    if doubts > 0 && doubts == in_doubt {
                        gone.released += person::decide(program, world).await?;
                        tokio::time::sleep(PAUSE).await;
                    }
                    in_doubt = doubts;
                    last = report.to_string();
                }
            }
        }
        bail!("not quiet after {} starts; the last: {last}", gone.starts)
    }
}

/// The program says that nothing is left to do: it wrote nothing, found nothing out, and nothing is in doubt.
fn is_quiet(report: &Value) -> bool {
    let applied = report.get("applied").and_then(Value::as_object);
    applied.is_some_and(serde_json::Map::is_empty)
        && ["adopted", "recovered", "failed", "postponed", "in_doubt"]
            .iter()
            .all(|name| count(report, name) == 0)
}

/// A count of the report; one that is missing counts as something left.
fn count(report: &Value, name: &str) -> u64 {
    report.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX)
}

fn folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("footbridge-crash-")
        .tempdir()
}

fn struck(world: &World) -> usize {
    world.xero.faults().fired().len() + world.salesforce.faults().fired().len()
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
