//! Installing: check the bytes, compile off the async threads, prove that everything it imports is there, store.
//!
//! Nothing of the plugin runs. The order matters: the index names a plugin only when its bytes and its native code
//! are on disk. Next: `registry.rs` keeps it.

use crate::cache::NativeCache;
use crate::check::{CheckError, inspect};
use crate::compile::CompileError;
use crate::connection::Face;
use crate::grants::Declared;
use crate::registry::{Installed, Place, RegistryError};
use crate::sandbox::{Sandbox, link};
use chrono::{DateTime, Utc};

/// Why a plugin isn't installed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file isn't one of ours.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It can't be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It imports a function that this host's interfaces don't have, or with another type.
    #[error(
        "the component doesn't fit this host: {0}. Build it against this host's contract and WASI 0.2"
    )]
    Link(String),
    /// It can't be stored.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Its native code can't be stored.
    #[error("native code can't be stored: {0}. Check the data directory's disk and rights")]
    Native(std::io::Error),
}

impl Sandbox {
    /// Installs a component under a name, instead of what had the name before (that version is kept). Runs nothing of it.
    ///
    /// # Errors
    /// An [`InstallError`] that names what is wrong and the way out.
    pub async fn install(
        &self,
        name: &str,
        bytes: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<Installed, InstallError> {
        self.install_as(name, bytes, None, Place::InUse, now).await
    }

    /// The same with what its author declared, in its place. It is granted nothing.
    ///
    /// # Errors
    /// An [`InstallError`] that names what is wrong and the way out.
    pub async fn install_as(
        &self,
        name: &str,
        bytes: Vec<u8>,
        declared: Option<Declared>,
        place: Place,
        now: DateTime<Utc>,
    ) -> Result<Installed, InstallError> {
        let inner = self.inner();
        let inspection = inspect(&bytes, &inner.limits)?;
        let (kind, digest) = (inspection.kind, inspection.digest.clone());
        let engine = inner.engine(kind);
        // Whether it fits, not what it is granted: that is looked at wherever it is used.
        let faces = Face::ALL.into();
        let misfit = |error: wasmtime::Error| InstallError::Link(format!("{error:#}"));
        match inner.native.get(&digest, kind, engine) {
            Some(component) => {
                link(kind, &component, &faces).map_err(misfit)?;
            }
            None => {
                let compiled = inner.compiler.compile(kind, bytes.clone(), &inner.limits);
                let native = compiled.await?;
                let component = NativeCache::fresh(engine, &native).map_err(misfit)?;
                link(kind, &component, &faces).map_err(misfit)?;
                inner
                    .native
                    .put(&digest, kind, engine, &native)
                    .map_err(InstallError::Native)?;
            }
        }
        let installed = inner
            .registry
            .add(name, inspection, &bytes, declared, place, now)?;
        tracing::info!(plugin = name, digest = %installed.digest, "installed");
        Ok(installed)
    }
}
