//! The switch: a person stops a flow, or all of them, and nothing more is sent until a person lets it go on.
//!
//! It is a file in the data directory and not a row in the store, which a running sync holds locked: it must be thrown from another process
//! while that sync runs. The engine asks before each request's first byte. A switch that can't be read counts as thrown.

use crate::config::Config;
use anyhow::Context;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use footbridge_engine::ports::{CallsLeft, Outbound, Sent};
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_model::plugin::WriteRequest;
use footbridge_sandbox::Broker;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of the switches in the data directory.
const FOLDER: &str = "stops";
/// The file that stops all flows.
const ALL: &str = "all.json";

/// Who stopped something, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thrown {
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) why: String,
}

impl Thrown {
    fn words(&self, reach: Reach<'_>) -> String {
        let at = self.at.format("%Y-%m-%d %H:%M UTC");
        let why = self.why.trim().trim_end_matches('.');
        let back = match reach {
            Reach::Flow(_) => "footbridge go",
            Reach::All => "footbridge go --all",
        };
        format!(
            "{} stopped {} at {at} (`{back}` lets it go on): {why}",
            self.by,
            reach.words()
        )
    }
}

/// What a switch is thrown for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach<'a> {
    Flow(&'a str),
    All,
}

/// The switches of a data directory.
#[derive(Debug, Clone)]
pub(crate) struct Switch {
    folder: PathBuf,
}

impl Reach<'_> {
    fn words(self) -> &'static str {
        match self {
            Self::Flow(_) => "it",
            Self::All => "all flows",
        }
    }
}

impl Switch {
    pub(crate) fn of(config: &Config) -> Self {
        Self::in_data(&config.data_dir())
    }

    /// Those of a data directory.
    pub(crate) fn in_data(data: &Path) -> Self {
        Self {
            folder: data.join(FOLDER),
        }
    }

    /// Why a flow may write nothing, if it may not.
    pub(crate) fn why(&self, flow: &str) -> Option<String> {
        let own = self.read(Reach::Flow(flow));
        own.or_else(|| self.read(Reach::All))
    }

    /// Why no flow may write anything, if that is so.
    pub(crate) fn why_all(&self) -> Option<String> {
        self.read(Reach::All)
    }

    /// Throws a switch, durably. One that is thrown already is thrown anew.
    pub(crate) fn stop(&self, reach: Reach<'_>, thrown: &Thrown) -> anyhow::Result<()> {
        let path = self.path(reach);
        self.put(&path, thrown)
            .with_context(|| format!("the switch {} can't be thrown", path.display()))
    }

    /// Takes a switch back. False if it wasn't thrown.
    pub(crate) fn go(&self, reach: Reach<'_>) -> anyhow::Result<bool> {
        let path = self.path(reach);
        let gone = match fs::remove_file(&path) {
            Ok(()) => sync_folder(&self.folder).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        };
        gone.with_context(|| format!("the switch {} can't be taken back", path.display()))
    }

    fn read(&self, reach: Reach<'_>) -> Option<String> {
        let path = self.path(reach);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                return Some(format!(
                    "the switch {} can't be read: {error}",
                    path.display()
                ));
            }
        };
        Some(match serde_json::from_slice::<Thrown>(&text) {
            Ok(thrown) => thrown.words(reach),
            Err(_) => format!(
                "somebody stopped {} ({} says no more)",
                reach.words(),
                path.display()
            ),
        })
    }

    fn path(&self, reach: Reach<'_>) -> PathBuf {
        match reach {
            Reach::All => self.folder.join(ALL),
            // A flow may be called anything.
            Reach::Flow(name) => {
                let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
                self.folder.join(format!("flow-{hex}.json"))
            }
        }
    }

    /// Whole or not at all, durable when it returns.
    fn put(&self, path: &Path, thrown: &Thrown) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(thrown)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder(&self.folder)
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames are durable by themselves there, and folders can't be opened.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The way out with the switch before it.
pub(crate) struct Switched {
    pub(crate) broker: Arc<Broker>,
    pub(crate) switch: Switch,
}

#[async_trait]
impl Outbound for Switched {
    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent {
        self.broker.send(connection, request, key).await
    }

    fn stopped(&self, flow: &FlowName) -> Option<String> {
        self.switch.why(flow.as_str())
    }

    fn left(&self, connection: &ConnectionId) -> CallsLeft {
        Outbound::left(self.broker.as_ref(), connection)
    }
}
