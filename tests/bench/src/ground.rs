//! What the benchmarks run in: a sandbox with the product's limits, the bundled plugins, the measuring guests, a broker.

use crate::server::{Server, serve};
use anyhow::Context;
use chrono::Utc;
use footbridge::compose::install_bundled;
use footbridge_engine::ports::{Connector, Transform};
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{
    AuditLog, Broker, BrokerOptions, Compiler, Connection, InstallationKey, Installed, Limits,
    PluginKind, Provider, Sandbox, SandboxOptions, Secret, SecretSource, SystemClock,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The name of the one connection.
const CONNECTION: &str = "salesforce";

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Enough for a figure.
    Usual,
    /// Enough to see that it runs.
    Tiny,
}

/// What all benchmarks share.
pub struct Ground {
    /// How many deals the flow syncs.
    pub deals: usize,
    pub(crate) sandbox: Sandbox,
    pub(crate) size: Size,
    /// Installed with `--component`.
    pub(crate) extra: Vec<Installed>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) server: Server,
    _data: TempDir,
}

/// A sandbox in that folder with the plugins that come along, everything at its default.
///
/// # Errors
/// The folder can't be used, or a plugin can't be installed.
pub async fn sandbox(folder: &Path) -> anyhow::Result<Sandbox> {
    let sandbox = Sandbox::new(SandboxOptions {
        data: folder.join("data"),
        key: InstallationKey::open_or_create(&folder.join("key"))?,
        limits: Limits::default(),
        compiler: Compiler::Here,
    })?;
    install_bundled(&sandbox).await?;
    Ok(sandbox)
}

impl Ground {
    /// Installs what the benchmarks need besides the bundled plugins.
    ///
    /// # Errors
    /// A component can't be read or installed, or no address is free.
    pub async fn new(
        sandbox: Sandbox,
        components: &[(String, PathBuf)],
        size: Size,
    ) -> anyhow::Result<Self> {
        for (name, path) in [
            ("bench-connector", env!("BENCH_CONNECTOR")),
            ("bench-transform", env!("BENCH_TRANSFORM")),
        ] {
            install(&sandbox, name, Path::new(path)).await?;
        }
        let mut extra = Vec::new();
        for (name, path) in components {
            extra.push(install(&sandbox, name, path).await?);
        }
        let data = tempfile::tempdir()?;
        let server = serve().await?;
        let broker = broker(&server, data.path())?;
        Ok(Self {
            deals: match size {
                Size::Usual => 1_000,
                Size::Tiny => 30,
            },
            sandbox,
            size,
            extra,
            broker,
            server,
            _data: data,
        })
    }

    /// So many rounds, or very few.
    pub(crate) fn rounds(&self, usual: usize) -> usize {
        match self.size {
            Size::Usual => usual,
            Size::Tiny => 2,
        }
    }

    pub(crate) fn connection(&self) -> ConnectionId {
        ConnectionId::new(CONNECTION)
    }

    /// An installed connector that was not loaded yet.
    pub(crate) fn connector(&self, name: &str) -> anyhow::Result<Arc<dyn Connector>> {
        let installed = self.sandbox.installed(name)?;
        let connection = self.connection();
        Ok(self
            .sandbox
            .connector(&installed, &self.broker, &connection, None)?)
    }

    /// An installed transform that was not loaded yet.
    pub(crate) fn transform(&self, name: &str) -> anyhow::Result<Arc<dyn Transform>> {
        Ok(self.sandbox.transform(&self.sandbox.installed(name)?)?)
    }

    /// Names of the plugins that are measured as they are: the bundled ones and those of the command line.
    pub(crate) fn plugins(&self) -> Vec<(String, PluginKind)> {
        let bundled = footbridge_bundle::ALL.iter().filter_map(|component| {
            let installed = self.sandbox.installed(component.name).ok()?;
            Some((installed.name, installed.kind))
        });
        let extra = self.extra.iter();
        bundled
            .chain(extra.map(|installed| (installed.name.clone(), installed.kind)))
            .collect()
    }
}

async fn install(sandbox: &Sandbox, name: &str, path: &Path) -> anyhow::Result<Installed> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let installed = sandbox.install(name, bytes, Utc::now()).await;
    installed.with_context(|| format!("installing {name}"))
}

/// With sealed tokens and an audit on disk, as the product has it.
fn broker(server: &Server, data: &Path) -> anyhow::Result<Arc<Broker>> {
    let secret = SecretSource::Given(Secret::new("a-client-secret"));
    let mut connection = Connection::new(CONNECTION, Provider::Salesforce, "an-app", secret);
    connection.base_url = Some(server.url.clone());
    Ok(Broker::new(
        vec![connection],
        BrokerOptions {
            key: InstallationKey::random(),
            tokens: Some(data.join("tokens")),
            clock: Arc::new(SystemClock),
            audit: Some(AuditLog::new(data).sink()?),
        },
    )?)
}
