//! Native code on disk: kept privately, and loaded only if this installation made exactly these bytes.
//!
//! Native code is a program. So a file is read into memory once, its keyed hash is compared, and only those bytes are
//! loaded. The key lies elsewhere (`seal.rs`). A file that doesn't fit is compiled anew, never trusted.

use crate::engine::{PluginKind, fingerprint};
use crate::seal::{InstallationKey, private_folder, write_private};
use footbridge_model::id::PluginDigest;
use std::path::PathBuf;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Length of the keyed hash at the head of a file, in bytes.
const HASH: usize = 32;

/// The folder of native code.
pub(crate) struct NativeCache {
    folder: PathBuf,
    key: InstallationKey,
}

impl NativeCache {
    pub(crate) fn open(folder: PathBuf, key: InstallationKey) -> std::io::Result<Self> {
        private_folder(&folder)?;
        Ok(Self { folder, key })
    }

    /// Keeps what was compiled.
    pub(crate) fn put(
        &self,
        digest: &PluginDigest,
        kind: PluginKind,
        engine: &Engine,
        native: &[u8],
    ) -> std::io::Result<()> {
        let name = name(digest, kind, engine);
        let mut file = self.key.hash_of_code(&name, native).as_bytes().to_vec();
        file.extend_from_slice(native);
        write_private(&self.folder.join(&name), &file)
    }

    /// The component, if its native code is here, ours and unchanged.
    pub(crate) fn get(
        &self,
        digest: &PluginDigest,
        kind: PluginKind,
        engine: &Engine,
    ) -> Option<Component> {
        let name = name(digest, kind, engine);
        let file = std::fs::read(self.folder.join(&name)).ok()?;
        let (hash, native) = file.split_at_checked(HASH)?;
        let hash = blake3::Hash::from_slice(hash).ok()?;
        // Compared in constant time.
        if self.key.hash_of_code(&name, native) != hash {
            tracing::warn!(
                file = name,
                "native code was changed or made with another key; it is compiled anew"
            );
            return None;
        }
        load(engine, native)
            .inspect_err(|error| {
                tracing::warn!(file = name, %error, "native code can't be loaded; it is compiled anew");
            })
            .ok()
    }

    /// Loads what was compiled a moment ago, without the detour over the disk.
    pub(crate) fn fresh(engine: &Engine, native: &[u8]) -> wasmtime::Result<Component> {
        load(engine, native)
    }
}

#[expect(
    unsafe_code,
    reason = "deserialize runs what it is given: both callers give it native code that this host's own compiler made, fresh or proven unchanged by a keyed hash"
)]
fn load(engine: &Engine, native: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `native` came from `Engine::precompile_component` of this host with the same configuration (see above).
    unsafe { Component::deserialize(engine, native) }
}

fn name(digest: &PluginDigest, kind: PluginKind, engine: &Engine) -> String {
    format!("{digest}-{kind}-{}.native", fingerprint(engine))
}
