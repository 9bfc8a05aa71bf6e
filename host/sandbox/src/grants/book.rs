//! The operator's grants, durable: who may do what, bound to a connection or flow and to the digest of the component.
//!
//! Written whole or not at all, before anything acts on it. It decides nothing: `Powers::meet` narrows, the broker and the
//! engine enforce. Next: the composition root asks for the effective powers of each plugin.

use super::powers::Powers;
use crate::registry::RegistryError;
use crate::seal::write_private;
use chrono::{DateTime, Utc};
use footbridge_model::id::{ConnectionId, FlowName, PluginDigest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The version of the file.
const FORMAT: u32 = 1;

/// Where a grant holds: connectors on a connection, transforms in a flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantedTo {
    /// On this connection.
    Connection(ConnectionId),
    /// In this flow.
    Flow(FlowName),
}

impl std::fmt::Display for GrantedTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(connection) => write!(f, "connection {connection}"),
            Self::Flow(flow) => write!(f, "flow {flow}"),
        }
    }
}

/// How a grant came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// The operator said yes.
    ByOperator,
    /// It moved along from a version before, by the operator's standing word.
    FollowedFrom(PluginDigest),
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grant {
    /// Where it holds.
    pub to: GrantedTo,
    /// Of which component.
    pub digest: PluginDigest,
    /// What it allows, as far as manifest and profile do.
    pub powers: Powers,
    /// How it came to be.
    pub given: Given,
    /// When.
    pub at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    grants: Vec<Grant>,
}

/// All grants of a data directory.
pub(crate) struct Book {
    path: PathBuf,
    grants: Mutex<Vec<Grant>>,
}

impl Book {
    pub(crate) fn open(path: PathBuf) -> Result<Self, RegistryError> {
        let damaged = |what: String| RegistryError::Damaged {
            path: path.clone(),
            what,
        };
        let grants = match std::fs::read(&path) {
            Ok(bytes) => {
                let file: File =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                if file.format != FORMAT {
                    return Err(damaged(format!("its format is {}", file.format)));
                }
                file.grants
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(RegistryError::File { path, source }),
        };
        Ok(Self {
            path,
            grants: Mutex::new(grants),
        })
    }

    pub(crate) fn all(&self) -> Vec<Grant> {
        self.with(|grants| grants.clone())
    }

    pub(crate) fn of(&self, to: &GrantedTo, digest: &PluginDigest) -> Option<Grant> {
        self.with(|grants| {
            let found = grants.iter().find(|g| g.to == *to && g.digest == *digest);
            found.cloned()
        })
    }

    /// Notes a grant in place of the one that the same component had there.
    pub(crate) fn give(&self, grant: Grant) -> Result<(), RegistryError> {
        self.change(|grants| {
            grants.retain(|known| known.to != grant.to || known.digest != grant.digest);
            grants.push(grant);
        })
    }

    /// Takes grants away; says how many.
    pub(crate) fn revoke(&self, is_it: impl Fn(&Grant) -> bool) -> Result<usize, RegistryError> {
        let before = self.with(|grants| grants.iter().filter(|grant| is_it(grant)).count());
        if before > 0 {
            self.change(|grants| grants.retain(|grant| !is_it(grant)))?;
        }
        Ok(before)
    }

    fn with<T>(&self, look: impl FnOnce(&Vec<Grant>) -> T) -> T {
        look(&self.grants.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Grant>)) -> Result<(), RegistryError> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = grants.clone();
        change(&mut changed);
        let failed = |source: std::io::Error| RegistryError::File {
            path: self.path.clone(),
            source,
        };
        let file = File {
            format: FORMAT,
            grants: changed,
        };
        let bytes = serde_json::to_vec_pretty(&file).map_err(|error| failed(error.into()))?;
        write_private(&self.path, &bytes).map_err(failed)?;
        *grants = file.grants;
        Ok(())
    }
}
