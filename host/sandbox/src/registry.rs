//! Installed plugins: components by content under `plugins/<digest>.wasm`, and a small index of names.
//!
//! The index says what is installed and what is quarantined; it never grants anything. Files are read once, hashed,
//! and only those bytes are used. Next: `install.rs` adds, `sandbox.rs` runs.

use crate::check::{Inspection, digest};
use crate::engine::PluginKind;
use crate::seal::{private_folder, write_private};
use chrono::{DateTime, Utc};
use footbridge_model::id::PluginDigest;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The version of the index file.
const FORMAT: u32 = 1;

/// One installed plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Installed {
    /// The operator's name for it; one plugin per name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: PluginDigest,
    /// What it is.
    pub kind: PluginKind,
    /// Its size in bytes.
    pub size: usize,
    /// What it imports, sorted.
    pub imports: Vec<String>,
    /// What it exports, sorted.
    pub exports: Vec<String>,
    /// When it was installed.
    pub installed_at: DateTime<Utc>,
    /// Why it isn't run any more, if so: what it did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
}

/// Why the registry can't do something.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The index is damaged.
    #[error("{} is damaged ({what}). Move it away and install the plugins again; nothing else is lost", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A stored component isn't what its name says.
    #[error("{} is not the component that was installed. Install the plugin {name} again", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// The plugin.
        name: String,
    },
    /// No such plugin.
    #[error("no plugin named {0:?} is installed. `footbridge plugin list` shows what is")]
    Unknown(String),
    /// The name can't be used.
    #[error("{0:?} can't be a plugin's name: use up to 64 letters, digits, - and _")]
    Name(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    format: u32,
    plugins: Vec<Installed>,
}

/// The registry of one data directory.
pub(crate) struct Registry {
    folder: PathBuf,
    state: Mutex<State>,
}

struct State {
    plugins: Vec<Installed>,
    /// Faults in a row, by digest.
    strikes: HashMap<PluginDigest, u32>,
}

impl Registry {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, RegistryError> {
        private_folder(&folder).map_err(at(&folder))?;
        let path = folder.join("index.json");
        let damaged = |what: String| RegistryError::Damaged {
            path: path.clone(),
            what,
        };
        let plugins = match std::fs::read(&path) {
            Ok(bytes) => {
                let index: Index =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                if index.format != FORMAT {
                    return Err(damaged(format!("its format is {}", index.format)));
                }
                index.plugins
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(at(&path)(error)),
        };
        Ok(Self {
            folder,
            state: Mutex::new(State {
                plugins,
                strikes: HashMap::new(),
            }),
        })
    }

    pub(crate) fn list(&self) -> Vec<Installed> {
        self.state().plugins.clone()
    }

    pub(crate) fn get(&self, name: &str) -> Result<Installed, RegistryError> {
        let state = self.state();
        let found = state.plugins.iter().find(|plugin| plugin.name == name);
        found
            .cloned()
            .ok_or_else(|| RegistryError::Unknown(name.to_owned()))
    }

    /// Stores a component and names it. The file is there before the index names it.
    pub(crate) fn add(
        &self,
        name: &str,
        inspection: Inspection,
        bytes: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Installed, RegistryError> {
        check_name(name)?;
        let installed = Installed {
            name: name.to_owned(),
            digest: inspection.digest,
            kind: inspection.kind,
            size: inspection.size,
            imports: inspection.imports,
            exports: inspection.exports,
            installed_at: now,
            quarantined: None,
        };
        let path = self.component(&installed.digest);
        write_private(&path, bytes).map_err(at(&path))?;
        let mut state = self.state();
        let mut plugins = state.plugins.clone();
        plugins.retain(|plugin| plugin.name != name);
        plugins.push(installed.clone());
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        self.write(&plugins)?;
        state.plugins = plugins;
        state.strikes.remove(&installed.digest);
        Ok(installed)
    }

    /// The component's bytes, proven to be what was installed.
    pub(crate) fn bytes(&self, installed: &Installed) -> Result<Vec<u8>, RegistryError> {
        let path = self.component(&installed.digest);
        let bytes = std::fs::read(&path).map_err(at(&path))?;
        if digest(&bytes) != installed.digest {
            return Err(RegistryError::Changed {
                path,
                name: installed.name.clone(),
            });
        }
        Ok(bytes)
    }

    /// Why the plugin must not run, if so.
    pub(crate) fn quarantine(&self, digest: &PluginDigest) -> Option<String> {
        let state = self.state();
        let found = state.plugins.iter().find(|plugin| plugin.digest == *digest);
        found.and_then(|plugin| plugin.quarantined.clone())
    }

    /// A call went well: what it did before is forgiven.
    pub(crate) fn forgive(&self, digest: &PluginDigest) {
        self.state().strikes.remove(digest);
    }

    /// The plugin did something that plugins don't; after `limit` times in a row it is quarantined.
    pub(crate) fn strike(&self, digest: &PluginDigest, what: &str, limit: u32) {
        let mut state = self.state();
        let strikes = state.strikes.entry(digest.clone()).or_default();
        *strikes += 1;
        if *strikes < limit {
            return;
        }
        state.strikes.remove(digest);
        for plugin in &mut state.plugins {
            if plugin.digest == *digest {
                tracing::error!(
                    plugin = plugin.name,
                    what,
                    "the plugin is quarantined: it did this {limit} times in a row. Install a repaired version"
                );
                plugin.quarantined = Some(what.to_owned());
            }
        }
        if let Err(error) = self.write(&state.plugins) {
            tracing::error!(%error, "the quarantine could not be stored; it holds until the host ends");
        }
    }

    fn component(&self, digest: &PluginDigest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }

    fn write(&self, plugins: &[Installed]) -> Result<(), RegistryError> {
        let path = self.folder.join("index.json");
        let index = Index {
            format: FORMAT,
            plugins: plugins.to_vec(),
        };
        let bytes = serde_json::to_vec_pretty(&index).map_err(|error| RegistryError::File {
            path: path.clone(),
            source: error.into(),
        })?;
        write_private(&path, &bytes).map_err(at(&path))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> RegistryError + '_ {
    move |source| RegistryError::File {
        path: path.to_owned(),
        source,
    }
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    let fits = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits {
        Ok(())
    } else {
        Err(RegistryError::Name(name.to_owned()))
    }
}
