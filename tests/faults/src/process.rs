//! The program as a process of its own: started, stopped, seen to its end, and what it printed.
//!
//! It decides nothing. Next: `program` plays cells with it.

use crate::life::At;
use anyhow::{Context, bail};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A moment that has not come by then never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Starts it; it stops itself when it passes that point for the nth time.
pub(crate) fn start(
    binary: &Path,
    config: &Path,
    arguments: &[&str],
    stop: Option<(At, u32)>,
) -> anyhow::Result<Running> {
    // Two processes of one folder don't write into one file.
    static STARTS: AtomicUsize = AtomicUsize::new(0);
    let folder = config.parent().context("a file lies in a folder")?;
    let nth = STARTS.fetch_add(1, Ordering::Relaxed);
    let said = folder.join(format!("said-{nth}.out"));
    let mut command = Command::new(binary);
    command
        .arg("--config")
        .arg(config)
        .arg("--json")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(File::create(&said)?)
        .stderr(File::create(folder.join(format!("said-{nth}.err")))?)
        // Of its own: a group whose last parent goes while one of it is stopped is hung up, whole.
        .process_group(0)
        .kill_on_drop(true);
    if let Some((at, nth)) = stop {
        command.env("FOOTBRIDGE_STOP_AT", format!("{}:{nth}", at.name()));
    }
    let process = command
        .spawn()
        .with_context(|| format!("{} can't be started", binary.display()))?;
    Ok(Running { process, said })
}

/// The program at work.
pub(crate) struct Running {
    pub(crate) process: Child,
    said: PathBuf,
}

impl Running {
    /// Sees it end.
    pub(crate) async fn ended(mut self) -> anyhow::Result<Ended> {
        let waited = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = waited.context("the program is stuck")??;
        let said = std::fs::read_to_string(&self.said)?;
        Ok(Ended {
            code: status.code(),
            said: serde_json::from_str(&said).unwrap_or(Value::Null),
        })
    }
}

/// How it ended, and the JSON that it printed.
pub(crate) struct Ended {
    /// None: by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) said: Value,
}

impl Ended {
    pub(crate) fn is_done(&self) -> bool {
        self.code == Some(0)
    }

    /// It ended for this reason and no other.
    pub(crate) fn is_error(&self, kind: &str, words: &str) -> bool {
        let error = |path: &str| self.said.pointer(path).and_then(Value::as_str);
        let causes = self.said.pointer("/error/causes").and_then(Value::as_array);
        let causes = causes.into_iter().flatten().filter_map(Value::as_str);
        !self.is_done()
            && error("/error/kind") == Some(kind)
            && error("/error/message")
                .into_iter()
                .chain(causes)
                .any(|told| told.contains(words))
    }

    /// Operations that it says are in doubt.
    pub(crate) fn in_doubt(&self) -> u64 {
        let count = self.said.get("in_doubt").and_then(Value::as_u64);
        count.unwrap_or_default()
    }

    /// It says that nothing is left to do.
    pub(crate) fn is_quiet(&self) -> bool {
        let applied = self.said.get("applied").and_then(Value::as_object);
        self.is_done()
            && applied.is_some_and(serde_json::Map::is_empty)
            && ["adopted", "recovered", "failed", "postponed", "in_doubt"]
                .iter()
                .all(|name| self.said.get(name).and_then(Value::as_u64) == Some(0))
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {:?}, {}", self.code, self.said)
    }
}

/// Waits until the system shows the process as stopped.
pub(crate) async fn is_stopped(child: &Running) -> anyhow::Result<()> {
    let stat = format!("/proc/{}/stat", child.process.id().context("it has ended")?);
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(&stat).context("it ended instead of being stopped")?;
        let state = text
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        match state {
            Some('T') => return Ok(()),
            Some('Z') | None => bail!("it ended instead of being stopped"),
            _ if began.elapsed() > PATIENCE => bail!("it never came to that point"),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

pub(crate) async fn signal(child: &Running, which: &str) -> anyhow::Result<()> {
    let id = child.process.id().context("it has ended")?;
    let id = id.to_string();
    let sent = Command::new("kill").args([which, &id]).status().await?;
    anyhow::ensure!(sent.success(), "the signal {which} was not sent");
    Ok(())
}
