//! `plugin.toml`: what a plugin says it is and asks for. Its schema for editors is `schemas/plugin.schema.json`.
//!
//! It is an author's word, checked against the component (`agree.rs`) and never enough for anything: the operator grants.

use super::pattern;
use super::powers::{Powers, is_object, is_path};
use super::signature::PublicKey;
use crate::connection::{Access, Face, GrantRule, Provider};
use footbridge_engine::granted::Fields;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form.
const FORMAT: u32 = 1;
/// Largest manifest, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// Most paths or fields that one manifest may list.
const MAX_POWERS: usize = 500;

/// A plugin's manifest, `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The version of this form: 1.
    pub format: u32,
    /// Who it is, the same in all its versions: lower-case letters, digits, `.` and `-`, such as `com.example.deals`.
    pub id: String,
    /// Its version by semver, such as `1.4.0`.
    pub version: String,
    /// The interfaces of the contract that it exports, such as `schema`, `feed`, `transform`.
    pub interfaces: BTreeSet<String>,
    /// Connectors: the provider profile that it is for, `xero` or `salesforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Connectors that import keyvalue: the bytes that it wants to keep on a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<u64>,
    /// Connectors: the requests a day that it needs at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_a_day: Option<u32>,
    /// Connectors that import wasi:http: `["wasi-http"]`. It opens no path; the services say what may be read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub faces: BTreeSet<Face>,
    /// Connectors: what it asks of each service of the profile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServicePaths>,
    /// Transforms: the source fields that it reads, by object. `*` stands for every object, or every field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, BTreeSet<String>>,
    /// Transforms: the fields that it writes, by target object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writes: BTreeMap<String, BTreeSet<String>>,
}

/// Paths of one service, below the service's own path. `*` stands for one segment, `**` at the end for any rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServicePaths {
    /// Read with GET, by the plugin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Written with POST, PUT or PATCH, by the host for the plugin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
}

/// What an installed plugin was installed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Declared {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's file.
    pub manifest_digest: String,
    /// Whose valid signature it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<PublicKey>,
}

/// Why a manifest can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Too large.
    #[error("it is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not TOML, or another key or type than the form has.
    #[error("{0}")]
    Toml(String),
    /// A value out of bounds.
    #[error("{key} = {found:?} can't be used: {accepted}")]
    Value {
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
}

impl Manifest {
    /// Reads and checks a manifest by itself.
    ///
    /// # Errors
    /// The first thing that is wrong: line or key, what was found, what is accepted.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let manifest: Self = toml::from_str(text)
            .map_err(|error| ManifestError::Toml(error.to_string().trim_end().to_owned()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// What it asks for.
    pub fn asks(&self) -> Powers {
        if self.is_transform() {
            return Powers::Transform {
                reads: Fields::new(self.reads.clone()),
                writes: Fields::new(self.writes.clone()),
            };
        }
        let rules = self.services.iter().flat_map(|(service, paths)| {
            let rule = move |access, path: &String| GrantRule {
                service: service.clone(),
                access,
                path: path.clone(),
            };
            let reads = paths.read.iter().map(move |path| rule(Access::Read, path));
            reads.chain(
                paths
                    .write
                    .iter()
                    .map(move |path| rule(Access::Write, path)),
            )
        });
        Powers::Connector {
            rules: rules.collect(),
            faces: self.faces.clone(),
            calls_a_day: self.calls_a_day,
        }
    }

    /// The provider that it is for.
    pub fn provider(&self) -> Option<Provider> {
        self.profile.as_deref().and_then(Provider::named)
    }

    /// Its version, to compare. One that isn't semver was never accepted.
    pub(crate) fn semver(&self) -> Option<Version> {
        Version::parse(&self.version).ok()
    }

    pub(crate) fn is_transform(&self) -> bool {
        self.interfaces.contains("transform")
    }

    fn check(&self) -> Result<(), ManifestError> {
        let wrong = |key: &str, found: &str, accepted| {
            Err(ManifestError::Value {
                key: key.to_owned(),
                found: found.chars().take(200).collect(),
                accepted,
            })
        };
        if self.format != FORMAT {
            return wrong(
                "format",
                &self.format.to_string(),
                "this host reads format 1",
            );
        }
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let fits = (3..=100).contains(&self.id.len())
            && self.id.chars().all(plain)
            && self.id.starts_with(|c: char| c.is_ascii_lowercase());
        if !fits {
            return wrong(
                "id",
                &self.id,
                "use 3 to 100 lower-case letters, digits, . and -, a letter first, such as com.example.deals",
            );
        }
        if self.semver().is_none() {
            return wrong(
                "version",
                &self.version,
                "write it by semver, such as 1.4.0",
            );
        }
        if let Some(profile) = &self.profile
            && self.provider().is_none()
        {
            return wrong(
                "profile",
                profile,
                "this host has the profiles xero and salesforce",
            );
        }
        let mut count = 0usize;
        for (service, paths) in &self.services {
            for path in paths.read.iter().chain(&paths.write) {
                count += 1;
                if !pattern::is_valid(path) {
                    return wrong(
                        &format!("services.{service}"),
                        path,
                        "a path begins with /, its segments are plain, * for one segment or ** at the end",
                    );
                }
            }
        }
        for (key, fields) in [("reads", &self.reads), ("writes", &self.writes)] {
            for (object, paths) in fields {
                if !is_object(object) {
                    return wrong(key, object, "name an object, or * for every one");
                }
                if let Some(path) = paths.iter().find(|path| !is_path(path)) {
                    return wrong(
                        &format!("{key}.{object}"),
                        path,
                        "a field is a path such as Account.Name or lines[].quantity, or * for every one",
                    );
                }
                count += paths.len();
            }
        }
        if count > MAX_POWERS {
            return wrong(
                "services",
                &count.to_string(),
                "at most 500 paths and fields; use patterns",
            );
        }
        Ok(())
    }
}
