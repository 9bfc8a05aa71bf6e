//! What all cases share: the plugins, installed once. Compiling them takes seconds, so their native code outlives a test run.

use anyhow::Context;
use footbridge::compose::install_bundled;
use footbridge_sandbox::{Compiler, InstallationKey, Limits, Sandbox, SandboxOptions};
use std::fs::File;
use std::path::Path;

/// The plugins, ready.
pub struct Setting {
    pub(crate) sandbox: Sandbox,
}

impl Setting {
    /// Installs the plugins that come along into `folder`, or finds them there.
    ///
    /// # Errors
    /// The folder can't be used, or a plugin can't be installed.
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock().context("another test run holds the plugins")?;
        let sandbox = Sandbox::new(SandboxOptions {
            data: folder.join("data"),
            key: InstallationKey::open_or_create(&folder.join("key"))?,
            limits: Limits::default(),
            compiler: Compiler::Here,
        })?;
        install_bundled(&sandbox).await?;
        Ok(Self { sandbox })
    }

    /// The sandbox with the plugins, for tests that bring their own world.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}
