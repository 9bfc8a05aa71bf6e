//! The one rule by which a grant moves to another version of its plugin without a question.
//!
//! A pure function: it says yes, or the first reason why a person has to be asked. Next: `book.rs` notes what moved.

use super::manifest::Manifest;
use super::signature::PublicKey;
use serde::Deserialize;

/// What the operator decided about a publisher of a plugin: `[plugins.publishers."com.example.deals"]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Publisher {
    /// The pinned key.
    pub key: PublicKey,
    /// Whether grants move to new versions.
    #[serde(default)]
    pub updates: Updates,
}

/// What happens with a new version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Updates {
    /// A person is asked.
    #[default]
    Ask,
    /// Grants move along, if the version asks for no more.
    Follow,
}

/// A version of a plugin as far as the rule looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Whose valid signature it carries.
    pub signed_by: Option<&'a PublicKey>,
}

/// Why a grant stays where it is until a person says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stays {
    /// Another plugin.
    #[error("it is another plugin: its id is {0:?}")]
    AnotherPlugin(String),
    /// No key is pinned.
    #[error("no key is pinned for its id in footbridge.toml")]
    NotPinned,
    /// The operator didn't switch it on.
    #[error("footbridge.toml doesn't say updates = \"follow\" for its id")]
    SwitchedOff,
    /// The old version isn't signed by the pinned key.
    #[error("the version that has the grant is not signed by the pinned key")]
    OldNotSigned,
    /// The new version isn't signed by the pinned key.
    #[error("the new version is not signed by the pinned key")]
    NewNotSigned,
    /// Not a higher version.
    #[error("its version {new} is not higher than {old}")]
    NotHigher {
        /// The version that has the grant.
        old: String,
        /// The other.
        new: String,
    },
    /// It asks for more.
    #[error("it asks for more than the version before: {0}")]
    Larger(String),
}

/// Whether a grant that `old` has may move to `new` unasked: both signed by the pinned key, a higher version, nothing more
/// asked for, and switched on by the operator.
///
/// # Errors
/// The first reason why not.
pub fn may_follow(
    old: Release<'_>,
    new: Release<'_>,
    publisher: Option<&Publisher>,
) -> Result<(), Stays> {
    let (before, after) = (old.manifest, new.manifest);
    if before.id != after.id {
        return Err(Stays::AnotherPlugin(after.id.clone()));
    }
    let publisher = publisher.ok_or(Stays::NotPinned)?;
    if publisher.updates != Updates::Follow {
        return Err(Stays::SwitchedOff);
    }
    if old.signed_by != Some(&publisher.key) {
        return Err(Stays::OldNotSigned);
    }
    if new.signed_by != Some(&publisher.key) {
        return Err(Stays::NewNotSigned);
    }
    match (before.semver(), after.semver()) {
        // Build metadata makes no version higher.
        (Some(old), Some(new)) if new.cmp_precedence(&old).is_gt() => {}
        _ => {
            return Err(Stays::NotHigher {
                old: before.version.clone(),
                new: after.version.clone(),
            });
        }
    }
    if before.profile != after.profile {
        let profile = after.profile.as_deref().unwrap_or("none");
        return Err(Stays::Larger(format!("the profile {profile}")));
    }
    if after.storage.unwrap_or(0) > before.storage.unwrap_or(0) {
        let bytes = after.storage.unwrap_or(0);
        return Err(Stays::Larger(format!("storage of {bytes} bytes")));
    }
    if let Some(interface) = after.interfaces.difference(&before.interfaces).next() {
        return Err(Stays::Larger(format!("the interface {interface}")));
    }
    match after.asks().beyond(&before.asks()) {
        Some(power) => Err(Stays::Larger(power)),
        None => Ok(()),
    }
}
