//! What a package is and asks for, in one report: for `plugin inspect`, for the question before an installation, for the
//! watched folder. Nothing runs and nothing is compiled.
//!
//! Texts in it come from a stranger: renderers make them harmless. Next: `install.rs` installs what is [`Report::installable`].

use super::agree::disagreements;
use super::follow::Publisher;
use super::manifest::{Declared, Manifest};
use super::package::Package;
use super::powers::Powers;
use super::signature::{PublicKey, Signature};
use crate::check::{CheckError, look};
use crate::engine::PluginKind;
use crate::limits::Limits;
use footbridge_model::id::PluginDigest;
use serde::Serialize;
use std::collections::BTreeMap;

/// A package, looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// SHA-256 of the component.
    pub digest: PluginDigest,
    /// SHA-256 of the manifest.
    pub manifest_digest: Option<String>,
    /// What a yes is about, to be given to `plugin install --digest`: component and manifest together.
    pub approval: Option<String>,
    /// The component's size in bytes.
    pub size: usize,
    /// What it is.
    pub kind: PluginKind,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it imports, and what comes of each.
    pub imports: Vec<Imported>,
    /// Its manifest, if there is one that can be read.
    pub manifest: Option<Manifest>,
    /// The names of the powers that it asks for.
    pub asks: Vec<String>,
    /// Who signed it.
    pub signature: Signed,
    /// The limits that it would meet.
    pub limits: BTreeMap<&'static str, u64>,
    /// Why it can't be installed, each with what to do. Empty if it can.
    pub problems: Vec<String>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// With its version.
    pub name: String,
    /// What comes of it.
    #[serde(flatten)]
    pub lent: Lent,
}

/// What comes of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Lent {
    /// There for everyone, and inert.
    Baseline,
    /// Lent to its kind.
    Granted,
    /// Lent where the operator grants the power of that name.
    WithPower {
        /// Its name.
        power: String,
    },
    /// Not lent.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// Who signed a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Signed {
    /// Nobody.
    Not,
    /// Someone, over just this.
    Valid {
        /// Whose key.
        key: PublicKey,
        /// Whether it is the key that the operator pinned for this id.
        pinned: Pinned,
    },
    /// There is a signature, and it is not of this.
    Invalid {
        /// What is wrong.
        why: String,
    },
}

/// How a key stands to the one that the operator pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pinned {
    /// It is that one.
    Yes,
    /// Another one is pinned.
    AnotherKey,
    /// None is pinned for this id.
    No,
}

impl Report {
    /// Looks at a package. `publishers` are the keys that the operator pinned, by the ids of plugins.
    ///
    /// # Errors
    /// The file is no component of ours at all.
    pub fn of(
        package: &Package,
        limits: &Limits,
        publishers: &BTreeMap<String, Publisher>,
    ) -> Result<Self, CheckError> {
        let look = look(&package.component, limits)?;
        let mut problems: Vec<String> = look
            .imports
            .iter()
            .filter_map(|import| import.refused.as_ref().map(ToString::to_string))
            .collect();
        let manifest = match package.manifest.as_deref().map(Manifest::read) {
            None => {
                problems.push(
                    "there is no manifest beside it, so nothing can be granted. Put its plugin.toml there, or name it with --manifest (docs/plugins.md says what stands in one)"
                        .to_owned(),
                );
                None
            }
            Some(Err(error)) => {
                problems.push(format!("its manifest can't be used: {error}"));
                None
            }
            Some(Ok(manifest)) => Some(manifest),
        };
        if let Some(manifest) = &manifest {
            let found = disagreements(manifest, &look);
            problems.extend(found.iter().map(ToString::to_string));
            problems.extend(too_much(manifest, limits));
        }
        let signature = signed(package, manifest.as_ref(), publishers);
        if let Signed::Invalid { why } = &signature {
            problems.push(format!("its signature: {why}"));
        }
        let imports = look.imports.into_iter().map(|import| Imported {
            lent: match (import.refused, import.baseline, import.face) {
                (Some(why), _, _) => Lent::Refused {
                    why: why.to_string(),
                },
                (None, true, _) => Lent::Baseline,
                (None, false, None) => Lent::Granted,
                (None, false, Some(face)) => Lent::WithPower {
                    power: format!("face {face}"),
                },
            },
            name: import.name,
        });
        Ok(Self {
            imports: imports.collect(),
            digest: look.digest,
            manifest_digest: package.manifest_digest(),
            approval: package.approval(),
            size: look.size,
            limits: limits_of(look.kind, limits),
            kind: look.kind,
            exports: look.exports,
            asks: manifest
                .as_ref()
                .map(|manifest| manifest.asks().names())
                .unwrap_or_default(),
            manifest,
            signature,
            problems,
        })
    }

    /// What it would be installed with; `None` if it can't be.
    pub fn installable(&self) -> Option<Declared> {
        if !self.problems.is_empty() {
            return None;
        }
        Some(Declared {
            manifest: self.manifest.clone()?,
            manifest_digest: self.manifest_digest.clone()?,
            signed_by: match &self.signature {
                Signed::Valid { key, .. } => Some(key.clone()),
                _ => None,
            },
        })
    }
}

/// What a manifest asks beyond its profile and the host's limits.
fn too_much(manifest: &Manifest, limits: &Limits) -> Vec<String> {
    let mut problems = Vec::new();
    let asks = manifest.asks();
    if let (Some(provider), Powers::Connector { .. }) = (manifest.provider(), &asks)
        && let Some(rule) = asks.beyond_profile(provider)
    {
        problems.push(format!(
            "it asks for {rule:?}, which the profile {} doesn't offer. Take it out of the manifest",
            manifest.profile.as_deref().unwrap_or_default()
        ));
    }
    if manifest.storage.is_some_and(|bytes| bytes > limits.storage) {
        problems.push(format!(
            "it asks for more storage than the limit of {} bytes",
            limits.storage
        ));
    }
    problems
}

fn signed(
    package: &Package,
    manifest: Option<&Manifest>,
    publishers: &BTreeMap<String, Publisher>,
) -> Signed {
    let Some(text) = &package.signature else {
        return Signed::Not;
    };
    let manifest_digest = package.manifest_digest().unwrap_or_default();
    let read = Signature::read(text).and_then(|signature| {
        signature
            .verify(&package.digest(), &manifest_digest)
            .map(|()| signature)
    });
    match read {
        Ok(signature) => {
            let publisher = manifest.and_then(|manifest| publishers.get(&manifest.id));
            Signed::Valid {
                pinned: match publisher {
                    None => Pinned::No,
                    Some(publisher) if publisher.key == signature.key => Pinned::Yes,
                    Some(_) => Pinned::AnotherKey,
                },
                key: signature.key,
            }
        }
        Err(error) => Signed::Invalid {
            why: error.to_string(),
        },
    }
}

fn limits_of(kind: PluginKind, limits: &Limits) -> BTreeMap<&'static str, u64> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut shown = BTreeMap::from([
        ("memory_bytes", count(limits.memory)),
        ("wall_seconds", limits.wall.as_secs()),
        ("answer_bytes", count(limits.answer_bytes)),
        ("log_bytes", count(limits.log_total)),
    ]);
    match kind {
        PluginKind::Connector => {
            shown.insert("cpu_seconds", limits.connector_cpu.as_secs());
            shown.insert("requests", u64::from(limits.requests));
            shown.insert("storage_bytes", limits.storage);
        }
        PluginKind::Transform => {
            shown.insert("fuel_of_a_batch", limits.fuel.batch);
            shown.insert("fuel_of_a_record", limits.fuel.input);
        }
    }
    shown
}
