//! The columns that need a program of its own: stopped, killed, its disk full. The same story, the same verdict, in real time.
//!
//! Times of the in-doubt rule are scaled, their order is not. Where the machine doesn't let a disk be full, the cell says so.

use crate::cell::{Cell, Outcome, Played};
use crate::column::Column;
use crate::life::At;
use crate::person;
use crate::process::{Ended, PATIENCE, Running, is_stopped, signal, start};
use crate::row::{Chapter, Row};
use crate::verdict;
use crate::world::{Time, World};
use anyhow::{Context, bail};
use chrono::TimeDelta;
use footbridge_crash::binary;
use footbridge_sandbox::Sandbox;
use footbridge_simulators::faults::Fault;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A cell that isn't quiet by then has failed.
const DEADLINE: Duration = Duration::from_secs(180);
/// So often a cell is played anew that stopped at another request than its row's.
const MOST_TRIES: usize = 12;
/// Room of a disk that will be full.
const DISK: &str = "size=96m";
/// What the product says where a process has the data directory already.
const LOCKED: &str = "is in use by process";
/// Where a data directory was copied.
const COPIED: &str = "this data directory is a copy of another one";
/// Where somebody else turns out to bill the same deals.
const ANOTHER: &str = "another Footbridge, or a copy of this data directory";
/// Where the disk is full.
const NO_ROOM: &str = "os error 28";
/// The data directory beside the configuration.
const DATA: &str = "footbridge-data";

/// The program, its plugins installed once.
pub struct Machine {
    binary: PathBuf,
    prepared: tempfile::TempDir,
}

impl Machine {
    /// Builds the program where it isn't there, and lets it install its plugins.
    ///
    /// # Errors
    /// It can't be built or doesn't start.
    pub async fn prepare() -> anyhow::Result<Self> {
        let binary = binary::footbridge()?;
        let world = World::start(Time::Real).await?;
        let ended = start(&binary, &world.config(), &["status"], None)?
            .ended()
            .await?;
        if !ended.is_done() {
            bail!("`footbridge status` in an empty folder: {ended}");
        }
        Ok(Self {
            binary,
            prepared: world.folder,
        })
    }

    /// Plays a cell.
    pub async fn play(&self, row: &'static Row, column: Column, sandbox: &Sandbox) -> Played {
        let outcome = match column.cannot(row) {
            Some(why) => Outcome::Cannot(why),
            None => match self.played_there(row, column, sandbox).await {
                Ok(Told::Played(wrong, released)) if wrong.is_empty() => Outcome::Right {
                    waited_for: vec!["in-doubt".to_owned(); released.min(1)],
                },
                Ok(Told::Played(wrong, _)) => Outcome::Wrong(wrong),
                Ok(Told::NotHere(why)) => Outcome::Skipped(why),
                Err(error) => Outcome::Wrong(vec![format!("it can't be played: {error:#}")]),
            },
        };
        Played {
            row: row.name,
            column,
            outcome,
        }
    }

    /// Requests that need nothing of each other leave in any order: a cell that stopped at another one is played anew.
    async fn played_there(
        &self,
        row: &Row,
        column: Column,
        sandbox: &Sandbox,
    ) -> anyhow::Result<Told> {
        for _ in 0..MOST_TRIES {
            match self.played(row, column, sandbox).await {
                Err(error) if error.is::<Elsewhere>() => {}
                other => return other,
            }
        }
        self.played(row, column, sandbox).await
    }

    async fn played(&self, row: &Row, column: Column, sandbox: &Sandbox) -> anyhow::Result<Told> {
        let mut round = Round {
            machine: self,
            cell: Cell {
                world: World::start(Time::Real).await?,
                sandbox,
                told: Vec::new(),
                sent: Vec::new(),
                wrong: Vec::new(),
                waited_for: Vec::new(),
            },
            disk: None,
            struck: false,
            copy_is_gone: false,
            released: 0,
        };
        if column == Column::FullDisk {
            match Disk::mount(&round.folder().join(DATA)) {
                Ok(disk) => round.disk = Some(disk),
                Err(error) => return Ok(Told::NotHere(format!("no small disk: {error:#}"))),
            }
        }
        // The plugins alone: with its rows it would be a copied store, which is held.
        let (prepared, data) = (self.prepared.path(), round.folder().join(DATA));
        std::fs::create_dir_all(&data)?;
        for name in ["plugins", "native"] {
            copy(&prepared.join(DATA).join(name), &data.join(name))?;
        }
        let key = "footbridge.key";
        copy(&prepared.join(key), &round.folder().join(key))?;
        if row.is_set_up() {
            round.strike(row, column, &["provision", "--yes"]).await?;
            round.provisioned().await?;
            round.cell.tell(Chapter::Won)?;
        } else {
            round.provisioned().await?;
            for &chapter in row.story() {
                round.cell.tell(chapter)?;
                if chapter == row.chapter {
                    round.strike(row, column, &["sync"]).await?;
                    break;
                }
                round.until_quiet().await?;
            }
        }
        if !round.struck {
            let wrong = "the fault never struck".to_owned();
            round.cell.wrong.push(wrong);
        }
        round.until_quiet().await?;
        let left = verdict::of(&round.cell.world, &round.cell.told);
        round.cell.wrong.extend(left);
        round.cell.world.clock.advance(TimeDelta::minutes(2));
        round.cell.world.reset_writes();
        // Only what the copy has to think was sent, for its row says so, and never arrived: nothing proves that it isn't under way.
        let stuck = column == Column::StoppedAndCopied && row.is_ours_to_keep_single();
        if round.released > usize::from(stuck) {
            let wrong = format!("{} requests had to be released", round.released);
            round.cell.wrong.push(wrong);
        }
        let last = round.run(&["sync"]).await?;
        if !last.is_quiet() {
            let wrong = format!("the last run was not quiet: {last}");
            round.cell.wrong.push(wrong);
        }
        if round.cell.world.writes() > 0 {
            let wrong = "a run with nothing to do wrote".to_owned();
            round.cell.wrong.push(wrong);
        }
        Ok(Told::Played(round.cell.wrong, round.released))
    }
}

/// It stopped at the request of another row.
#[derive(Debug)]
struct Elsewhere {
    writes: u64,
    own: u64,
}

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { writes, own } = self;
        write!(
            f,
            "it stopped at another request, after {writes} writes, {own} of them the row's"
        )
    }
}

impl std::error::Error for Elsewhere {}

enum Told {
    /// What was wrong, and how many requests a person released.
    Played(Vec<String>, usize),
    /// It can't be played on this machine.
    NotHere(String),
}

/// One cell as it goes on.
struct Round<'m> {
    machine: &'m Machine,
    cell: Cell<'m>,
    disk: Option<Disk>,
    /// The fault came about, and at a request of the row.
    struck: bool,
    /// Somebody took the copy of the data directory away.
    copy_is_gone: bool,
    /// Requests that a person said are not there.
    released: usize,
}

impl Round<'_> {
    fn folder(&self) -> PathBuf {
        self.cell.world.folder.path().to_owned()
    }

    fn start(&self, arguments: &[&str], stop: Option<(At, u32)>) -> anyhow::Result<Running> {
        start(
            &self.machine.binary,
            &self.cell.world.config(),
            arguments,
            stop,
        )
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        self.start(arguments, None)?.ended().await
    }

    async fn provisioned(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < DEADLINE {
            let ended = self.run(&["provision", "--yes"]).await?;
            if ended.is_done() {
                return Ok(());
            }
            last = ended.to_string();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bail!("not set up; the last: {last}")
    }

    async fn until_quiet(&mut self) -> anyhow::Result<()> {
        let config = self.cell.world.config();
        self.until_quiet_at(&config, false).await
    }

    /// Runs until nothing is left; the person decides what is still in doubt after another run, and lets go on what is held.
    async fn until_quiet_at(&mut self, config: &Path, go_on: bool) -> anyhow::Result<()> {
        let binary = self.machine.binary.as_path();
        let began = Instant::now();
        let (mut go_on, mut in_doubt) = (go_on, 0);
        let mut last = String::new();
        while began.elapsed() < DEADLINE {
            let work: &[&str] = match std::mem::take(&mut go_on) {
                true => &["sync", "--go-on"],
                false => &["sync"],
            };
            let ended = start(binary, config, work, None)?.ended().await?;
            if ended.is_quiet() {
                return Ok(());
            }
            if self.copy_is_gone && ended.is_error("failed", ANOTHER) {
                // It found out that the copy was at work. The person looked: the copy is no more.
                self.copy_is_gone = false;
                go_on = true;
            }
            if ended.in_doubt() > 0 && ended.in_doubt() == in_doubt {
                let items = start(binary, config, &["items", "--reason", "in-doubt"], None)?;
                let items = items.ended().await?.said;
                for request in person::would_release(&self.cell.world, &items) {
                    let word = &["items", "release", request.as_str()];
                    let taken = start(binary, config, word, None)?.ended().await?;
                    anyhow::ensure!(taken.is_done(), "a release was not taken: {taken}");
                    self.released += 1;
                }
            }
            in_doubt = ended.in_doubt();
            last = ended.to_string();
            self.cell.world.clock.advance(TimeDelta::minutes(1));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        bail!("not quiet; the last: {last}")
    }

    async fn strike(&mut self, row: &Row, column: Column, work: &[&str]) -> anyhow::Result<()> {
        match column {
            Column::Stopped => self.stopped(row, work).await,
            Column::StoppedAndCopied => self.stopped_and_copied(row, At::Sending, work).await,
            Column::AnsweredAndCopied => self.stopped_and_copied(row, At::AnswerStored, work).await,
            Column::Killed => self.killed(row, work).await,
            Column::FullDisk => self.full(row, work).await,
            _ => bail!("not for a program"),
        }
    }

    /// Starts the work and waits until it has stopped just before it sends the row's request, or once it has its answer. A set-up has no watcher that could stop
    /// it: it is stopped from here while its request is on its way, which is lost.
    async fn started_and_stopped(
        &self,
        row: &Row,
        at: At,
        work: &[&str],
    ) -> anyhow::Result<Running> {
        self.cell.world.reset_writes();
        if row.is_set_up() {
            let child = self
                .struck_by(row, Fault::TimeOutBefore { ms: 500 }, work)
                .await?;
            signal(&child, "-STOP").await?;
            is_stopped(&child).await?;
            return Ok(child);
        }
        let child = self.start(work, Some((at, row.nth)))?;
        is_stopped(&child).await?;
        let (writes, own) = (self.cell.world.writes(), row.arrived(&self.cell.world));
        let sent = u64::from(at != At::Sending);
        if writes + 1 != u64::from(row.nth) + sent || own != sent {
            return Err(Elsewhere { writes, own }.into());
        }
        Ok(child)
    }

    /// Stopped between intent and connection: nobody else gets into the data directory, and it goes on by itself.
    async fn stopped(&mut self, row: &Row, work: &[&str]) -> anyhow::Result<()> {
        let child = self.started_and_stopped(row, At::Sending, work).await?;
        let other = self.run(&["sync"]).await?;
        if !other.is_error("data-directory", LOCKED) {
            let wrong = format!("another process was not kept out of the data directory: {other}");
            self.cell.wrong.push(wrong);
        }
        signal(&child, "-CONT").await?;
        child.ended().await?;
        self.struck = row.arrived(&self.cell.world) > 0;
        Ok(())
    }

    /// Stopped there, and somebody started another one over a copy of the data directory; keys are forgotten until the first goes on.
    async fn stopped_and_copied(&mut self, row: &Row, at: At, work: &[&str]) -> anyhow::Result<()> {
        let child = self.started_and_stopped(row, at, work).await?;
        let began = Instant::now();
        let copied = self.folder().join("copy");
        std::fs::create_dir_all(&copied)?;
        for name in [
            DATA,
            "footbridge.key",
            "footbridge.toml",
            "lead-to-cash.toml",
        ] {
            copy(&self.folder().join(name), &copied.join(name))?;
        }
        let config = copied.join("footbridge.toml");
        let binary = &self.machine.binary;
        let again = |work: &[&str]| start(binary, &config, work, None);
        // A copy is held until a person says that nobody else works on these organisations; here they are wrong.
        let held = again(&["sync"])?.ended().await?;
        if !held.is_error("failed", COPIED) {
            let wrong = format!("a copied data directory was not held: {held}");
            self.cell.wrong.push(wrong);
        }
        if row.is_set_up() {
            // Setting up goes by looking, and nothing holds it.
            let ended = again(work)?.ended().await?;
            anyhow::ensure!(ended.is_done(), "the copy did not set up: {ended}");
        }
        self.until_quiet_at(&config, true)
            .await
            .context("the copy did not come to rest")?;
        // What it was about to write was written by the other one; or it had written it itself.
        self.struck = row.arrived(&self.cell.world) > 0;
        if !row.is_set_up() {
            let left = verdict::of(&self.cell.world, &self.cell.told);
            self.cell.wrong.extend(left);
        }
        // It slept for longer than anyone remembers keys, and long enough to notice.
        self.cell.world.clock.advance(TimeDelta::minutes(10));
        let asleep = Duration::from_secs(62).saturating_sub(began.elapsed());
        tokio::time::sleep(asleep).await;
        self.copy_is_gone = true;
        signal(&child, "-CONT").await?;
        child.ended().await?;
        Ok(())
    }

    /// Killed while the far side works on it, which then ends it.
    async fn killed(&mut self, row: &Row, work: &[&str]) -> anyhow::Result<()> {
        let fault = Fault::CommitDelayed {
            ms: 500,
            hold_ms: 1_900,
        };
        let mut child = self.struck_by(row, fault, work).await?;
        child.process.start_kill()?;
        // Ended by the signal: it had not ended before.
        self.struck = child.ended().await?.code.is_none();
        Ok(())
    }

    /// The disk is full when the answer comes.
    async fn full(&mut self, row: &Row, work: &[&str]) -> anyhow::Result<()> {
        let child = self
            .struck_by(row, Fault::SlowBody { ms: 1_200 }, work)
            .await?;
        let filler = self.folder().join(DATA).join("filler");
        fill(&filler)?;
        let ended = child.ended().await?;
        std::fs::remove_file(&filler)?;
        self.struck = !ended.is_done();
        if !ended.is_error("data-directory", NO_ROOM) {
            let wrong = format!("it did not say that the disk is full: {ended}");
            self.cell.wrong.push(wrong);
        }
        Ok(())
    }

    /// Starts the work and waits until the fault has struck the row.
    async fn struck_by(&self, row: &Row, fault: Fault, work: &[&str]) -> anyhow::Result<Running> {
        let faults = row.faults(&self.cell.world);
        faults.inject(row.struck_by(fault));
        let child = self.start(work, None)?;
        let began = Instant::now();
        while faults.fired().is_empty() {
            if began.elapsed() > PATIENCE {
                bail!("the fault never struck");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(child)
    }
}

/// A small disk of its own.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(place)?;
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK, "tmpfs"])
            .arg(place)
            .stderr(Stdio::null())
            .status()
            .context("mount can't be started")?;
        anyhow::ensure!(
            mounted.success(),
            "mounting needs more rights than there are"
        );
        Ok(Self(place.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> anyhow::Result<()> {
    let mut file = File::create(path)?;
    for size in [1 << 20, 1 << 12, 1] {
        let chunk = vec![7u8; size];
        while file.write_all(&chunk).is_ok() {}
    }
    Ok(())
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
