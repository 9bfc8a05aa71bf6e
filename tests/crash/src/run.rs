//! One start of the program: its words go to files in the round's folder, and it ends by itself or is killed.
//!
//! It decides nothing; `round` does.

use crate::power::Power;
use anyhow::{Context, bail};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// No start may take longer; one that does is stuck. A first start compiles the plugins, on a busy machine for minutes.
const STUCK: Duration = Duration::from_secs(300);

/// How a start is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kill {
    /// By itself, with SIGKILL, when it passes a point of its journal for the nth time.
    AtPoint(&'static str, u32),
    /// From outside, with SIGKILL, after a time.
    After(Duration),
}

impl std::fmt::Display for Kill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtPoint(point, nth) => write!(f, "{point}:{nth}"),
            Self::After(delay) => write!(f, "after {} ms", delay.as_millis()),
        }
    }
}

/// How a start ended.
#[derive(Debug)]
pub enum Ended {
    /// By a signal.
    Killed,
    /// With exit code 0, and what it printed.
    Done(Value),
    /// With another exit code.
    Failed {
        /// The exit code.
        code: i32,
        /// The error it printed, or the end of what it said.
        why: String,
    },
}

/// The program with its configuration.
pub struct Program {
    binary: PathBuf,
    config: PathBuf,
    starts: usize,
    power: Option<Power>,
}

impl Program {
    /// `binary` with the configuration `config`; what it says is kept beside that.
    pub fn new(binary: &Path, config: PathBuf) -> Self {
        Self {
            binary: binary.to_owned(),
            config,
            starts: 0,
            power: None,
        }
    }

    /// Has all its starts noted by that library.
    pub fn note_with(&mut self, power: Power) {
        self.power = Some(power);
    }

    /// Where the last start's notes are.
    pub fn notes(&self) -> PathBuf {
        let folder = self.config.parent().unwrap_or(Path::new("."));
        folder.join(format!("start-{:02}.notes", self.starts))
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        let folder = self.config.parent().unwrap_or(Path::new("."));
        folder.join("footbridge-data")
    }

    /// Starts it with `--json` and sees it end.
    ///
    /// # Errors
    /// It can't be started, it is stuck, or it says it is done and prints no JSON.
    pub async fn run(&mut self, arguments: &[&str], kill: Option<&Kill>) -> anyhow::Result<Ended> {
        self.starts += 1;
        let folder = self.config.parent().unwrap_or(Path::new("."));
        let said = folder.join(format!("start-{:02}.out", self.starts));
        let complained = folder.join(format!("start-{:02}.err", self.starts));
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(&self.config)
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(File::create(&complained)?)
            .env_remove("FOOTBRIDGE_DIE_AT")
            .kill_on_drop(true);
        if let Some(power) = &self.power {
            command.envs(power.environment(&self.data(), &self.notes()));
        }
        if let Some(Kill::AtPoint(point, nth)) = kill {
            command.env("FOOTBRIDGE_DIE_AT", format!("{point}:{nth}"));
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("{} can't be started", self.binary.display()))?;
        let patience = match kill {
            Some(Kill::After(delay)) => *delay,
            _ => STUCK,
        };
        let status = match tokio::time::timeout(patience, child.wait()).await {
            Ok(status) => status?,
            Err(_) => {
                child.kill().await?;
                if patience == STUCK {
                    bail!("`footbridge {}` is stuck", arguments.join(" "));
                }
                child.wait().await?
            }
        };
        match status.code() {
            None => Ok(Ended::Killed),
            Some(0) => {
                let text = std::fs::read_to_string(&said)?;
                let value = serde_json::from_str(&text).with_context(|| {
                    format!("`footbridge {}` printed no JSON", arguments.join(" "))
                })?;
                Ok(Ended::Done(value))
            }
            Some(code) => {
                let out = std::fs::read_to_string(&said)?;
                let error = serde_json::from_str::<Value>(&out).ok();
                let message = error
                    .as_ref()
                    .and_then(|error| error.pointer("/error/message")?.as_str());
                let text = std::fs::read_to_string(&complained)?;
                let last = text.trim().lines().last().unwrap_or_default();
                Ok(Ended::Failed {
                    code,
                    why: message.unwrap_or(last).to_owned(),
                })
            }
        }
    }
}
