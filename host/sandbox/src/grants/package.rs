//! A plugin as it lies in files: component, manifest, signature. Each is read once, and only what was read is used.
//!
//! It judges nothing. Next: `report.rs` says what the package is, `install.rs` installs those bytes.

use super::manifest;
use super::signature::{hex, statement};
use crate::check::digest;
use crate::limits::Limits;
use footbridge_model::id::PluginDigest;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest signature file, in bytes.
const MAX_SIGNATURE: usize = 4 * 1024;

/// What was read of a plugin's files.
#[derive(Debug, Clone)]
pub struct Package {
    /// The component.
    pub component: Vec<u8>,
    /// The manifest's text, if there is one.
    pub manifest: Option<String>,
    /// The signature's text, if there is one.
    pub signature: Option<String>,
}

/// Why a plugin's files can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file.
    #[error("{} can't be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is too large.
    #[error("{} is larger than the limit of {limit} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// It isn't text.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// No plain file.
    #[error("{} is a link or no file at all. Put the file itself there", path.display())]
    NotPlain {
        /// Which.
        path: PathBuf,
    },
    /// Somebody is writing it.
    #[error("{} changed while it was read. Look again when it is complete", path.display())]
    Changing {
        /// Which.
        path: PathBuf,
    },
}

/// Whether links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// For a file that the operator names.
    Follow,
    /// For what somebody put into a folder.
    Refuse,
}

impl Package {
    /// Reads a component, with the manifest that stands beside it (`mine.toml` for `mine.wasm`, else `plugin.toml`) or is
    /// named, and its signature (`mine.wasm.sig`).
    ///
    /// # Errors
    /// A file can't be read or is too large.
    pub fn read(
        component: &Path,
        manifest: Option<&Path>,
        limits: &Limits,
    ) -> Result<Self, PackageError> {
        Self::read_from(component, manifest, limits, Links::Follow)
    }

    pub(crate) fn read_from(
        component: &Path,
        manifest: Option<&Path>,
        limits: &Limits,
        links: Links,
    ) -> Result<Self, PackageError> {
        let bytes = read(component, limits.component, links)?;
        let manifest = match manifest {
            Some(path) => Some(text(path, manifest::MAX_BYTES, links)?),
            None => {
                let own = component.with_extension("toml");
                let own = optional(text(&own, manifest::MAX_BYTES, links))?;
                match own {
                    Some(own) => Some(own),
                    None => {
                        let general = component.with_file_name("plugin.toml");
                        optional(text(&general, manifest::MAX_BYTES, links))?
                    }
                }
            }
        };
        let mut name = component.as_os_str().to_owned();
        name.push(".sig");
        let signature = optional(text(Path::new(&name), MAX_SIGNATURE, links))?;
        Ok(Self {
            component: bytes,
            manifest,
            signature,
        })
    }

    /// SHA-256 of the component.
    pub fn digest(&self) -> PluginDigest {
        digest(&self.component)
    }

    /// SHA-256 of the manifest's file.
    pub fn manifest_digest(&self) -> Option<String> {
        let text = self.manifest.as_ref()?;
        Some(hex(&Sha256::digest(text)))
    }

    /// What a yes is about: component and manifest together. `None` without a manifest.
    pub fn approval(&self) -> Option<String> {
        Some(approval(&self.digest(), &self.manifest_digest()?))
    }
}

/// What a yes is about: a component and a manifest by their digests.
pub fn approval(component: &PluginDigest, manifest: &str) -> String {
    hex(&Sha256::digest(statement(component, manifest)))
}

fn optional<T>(read: Result<T, PackageError>) -> Result<Option<T>, PackageError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(PackageError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn text(path: &Path, limit: usize, links: Links) -> Result<String, PackageError> {
    String::from_utf8(read(path, limit, links)?).map_err(|_| PackageError::NotText {
        path: path.to_owned(),
    })
}

/// A plain file whole, never more than the limit of it.
fn read(path: &Path, limit: usize, links: Links) -> Result<Vec<u8>, PackageError> {
    let failed = |source| PackageError::File {
        path: path.to_owned(),
        source,
    };
    let not_plain = || PackageError::NotPlain {
        path: path.to_owned(),
    };
    let too_large = || PackageError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    // Opening a pipe would wait for its writer, so what isn't a file is refused before.
    let before = match links {
        Links::Follow => std::fs::metadata(path),
        Links::Refuse => std::fs::symlink_metadata(path),
    };
    let before = before.map_err(failed)?;
    if !before.is_file() {
        return Err(not_plain());
    }
    if before.len() > limit as u64 {
        return Err(too_large());
    }
    let file = File::open(path).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if !opened.is_file() || !is_same(&before, &opened) {
        return Err(PackageError::Changing {
            path: path.to_owned(),
        });
    }
    let mut bytes = Vec::new();
    (&file)
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > limit {
        return Err(too_large());
    }
    let after = file.metadata().map_err(failed)?;
    if !is_same(&opened, &after) || after.len() != bytes.len() as u64 {
        return Err(PackageError::Changing {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// The same file in the same state: what was looked at is what was opened, and nobody wrote meanwhile.
fn is_same(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (a.dev(), a.ino()) != (b.dev(), b.ino()) {
            return false;
        }
    }
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}
