//! Installed plugins: components by content under `plugins/<digest>.wasm`, and a small index of names.
//!
//! The index says what is installed and what is quarantined; it never grants anything. Files are read once, hashed,
//! and only those bytes are used. Next: `install.rs` adds, `sandbox.rs` runs.

use crate::check::{Inspection, digest};
use crate::engine::PluginKind;
use crate::grants::Declared;
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
    /// What its author declared; without it nothing is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declared>,
    /// Why it isn't run any more, if so: what it did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
}

impl Installed {
    /// Whether it exports an interface of the contract.
    pub fn has(&self, interface: &str) -> bool {
        let wanted = format!("footbridge:plugin/{interface}@");
        self.exports
            .iter()
            .any(|export| export.starts_with(&wanted))
    }
}

/// Whether a version is the one that its name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is run.
    InUse,
    /// It is kept beside the one that is run.
    Aside,
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
    /// No such version.
    #[error(
        "no version of an installed plugin has a digest that begins with {0:?}, or more than one has. `footbridge plugin list` shows them"
    )]
    Version(String),
    /// The name can't be used.
    #[error("{0:?} can't be a plugin's name: use up to 64 letters, digits, - and _")]
    Name(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    format: u32,
    plugins: Vec<Installed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aside: Vec<Installed>,
}

/// The registry of one data directory.
pub(crate) struct Registry {
    folder: PathBuf,
    state: Mutex<State>,
}

struct State {
    plugins: Vec<Installed>,
    /// Versions that are kept and not in use.
    aside: Vec<Installed>,
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
        let (plugins, aside) = match std::fs::read(&path) {
            Ok(bytes) => {
                let index: Index =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                if index.format != FORMAT {
                    return Err(damaged(format!("its format is {}", index.format)));
                }
                (index.plugins, index.aside)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
            Err(error) => return Err(at(&path)(error)),
        };
        Ok(Self {
            folder,
            state: Mutex::new(State {
                plugins,
                aside,
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

    /// Versions that are kept and not in use, by name.
    pub(crate) fn aside(&self) -> Vec<Installed> {
        self.state().aside.clone()
    }

    /// Stores a component and names it. The file is there before the index names it. The version that the name stood for is kept.
    pub(crate) fn add(
        &self,
        name: &str,
        inspection: Inspection,
        bytes: &[u8],
        declared: Option<Declared>,
        place: Place,
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
            declared,
            quarantined: None,
        };
        let path = self.component(&installed.digest);
        write_private(&path, bytes).map_err(at(&path))?;
        let mut state = self.state();
        let (plugins, aside) = arranged(&state, &installed, place);
        self.write(&plugins, &aside)?;
        state.plugins = plugins;
        state.aside = aside;
        state.strikes.remove(&installed.digest);
        Ok(installed)
    }

    /// A kept version, by the beginning of its digest.
    pub(crate) fn kept(&self, digest: &str) -> Result<Installed, RegistryError> {
        let state = self.state();
        let mut found = state
            .aside
            .iter()
            .filter(|plugin| plugin.digest.as_str().starts_with(digest));
        match (found.next(), found.next()) {
            (Some(one), None) if digest.len() >= 8 => Ok(one.clone()),
            _ => Err(RegistryError::Version(digest.to_owned())),
        }
    }

    /// Puts a kept version in use. The one that was in use is kept.
    pub(crate) fn switch(&self, digest: &str) -> Result<Installed, RegistryError> {
        let one = self.kept(digest)?;
        let mut state = self.state();
        let (plugins, aside) = arranged(&state, &one, Place::InUse);
        self.write(&plugins, &aside)?;
        state.plugins = plugins;
        state.aside = aside;
        Ok(one)
    }

    /// Forgets a plugin with all its versions, and then their files.
    pub(crate) fn remove(&self, name: &str) -> Result<Vec<Installed>, RegistryError> {
        let mut state = self.state();
        let is_it = |plugin: &&Installed| plugin.name == name;
        let all = state.plugins.iter().chain(&state.aside);
        let (gone, left): (Vec<&Installed>, Vec<&Installed>) = all.partition(is_it);
        if gone.is_empty() {
            return Err(RegistryError::Unknown(name.to_owned()));
        }
        let unused = gone
            .iter()
            .filter(|gone| !left.iter().any(|left| left.digest == gone.digest));
        let files: Vec<PathBuf> = unused.map(|gone| self.component(&gone.digest)).collect();
        let gone = gone.into_iter().cloned().collect();
        let keep = |list: &[Installed]| -> Vec<Installed> {
            list.iter()
                .filter(|plugin| !is_it(plugin))
                .cloned()
                .collect()
        };
        let (plugins, aside) = (keep(&state.plugins), keep(&state.aside));
        self.write(&plugins, &aside)?;
        state.plugins = plugins;
        state.aside = aside;
        for file in files {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(at(&file)(error));
                }
                _ => {}
            }
        }
        Ok(gone)
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
        if let Err(error) = self.write(&state.plugins, &state.aside) {
            tracing::error!(%error, "the quarantine could not be stored; it holds until the host ends");
        }
    }

    fn component(&self, digest: &PluginDigest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }

    fn write(&self, plugins: &[Installed], aside: &[Installed]) -> Result<(), RegistryError> {
        let path = self.folder.join("index.json");
        let index = Index {
            format: FORMAT,
            plugins: plugins.to_vec(),
            aside: aside.to_vec(),
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

/// What is in use and what is kept once a version has its place.
fn arranged(state: &State, version: &Installed, place: Place) -> (Vec<Installed>, Vec<Installed>) {
    let (mut plugins, mut aside) = (state.plugins.clone(), state.aside.clone());
    let named = |plugin: &Installed| plugin.name == version.name;
    let same = |plugin: &Installed| named(plugin) && plugin.digest == version.digest;
    aside.retain(|plugin| !same(plugin));
    if place == Place::Aside && plugins.iter().any(|plugin| named(plugin) && !same(plugin)) {
        aside.push(version.clone());
    } else {
        aside.extend(plugins.iter().filter(|p| named(p) && !same(p)).cloned());
        plugins.retain(|plugin| !named(plugin));
        plugins.push(version.clone());
    }
    let order = |a: &Installed, b: &Installed| {
        (&a.name, a.installed_at, &a.digest).cmp(&(&b.name, b.installed_at, &b.digest))
    };
    plugins.sort_by(order);
    aside.sort_by(order);
    (plugins, aside)
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
