//! The sandbox of one data directory: where plugins are installed, and made into the engine's connectors and transforms.
//!
//! It holds the engines, the registry and the native code; it knows no provider and sends nothing (`broker/`). Next:
//! `install.rs`, `connector.rs`, `transform.rs`.

use crate::broker::Broker;
use crate::cache::NativeCache;
use crate::check::{CheckError, Inspection, face_of, inspect};
use crate::compile::Compiler;
use crate::connection::Face;
use crate::connector::SandboxedConnector;
use crate::engine::{GuestRuns, PluginKind, Ticker, engine};
use crate::grants::{Book, Grant, GrantedTo, Powers};
use crate::limits::Limits;
use crate::registry::{Installed, Registry, RegistryError};
use crate::seal::InstallationKey;
use crate::state::State;
use crate::transform::SandboxedTransform;
use crate::turns::{Spent, Turn, Turns};
use crate::{host, wasi, wasi_http};
use footbridge_engine::ports::{Connector, Transform};
use footbridge_engine::provision::Provisioner;
use footbridge_engine::storage::PluginStorage;
use footbridge_model::id::ConnectionId;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

/// What a sandbox needs.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The data directory; `plugins` and `native` are made in it.
    pub data: PathBuf,
    /// The key over native code, from a file outside the data directory.
    pub key: InstallationKey,
    /// The limits.
    pub limits: Limits,
    /// Where compilations run.
    pub compiler: Compiler,
}

/// Why there is no sandbox, or no connector or transform from it.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The folder of native code.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// wasmtime can't work here.
    #[error("the WebAssembly engine can't start on this machine: {0}")]
    Engine(String),
    /// The plugin is of the other kind.
    #[error("plugin {name} is a {kind}. Name a plugin of the other kind here")]
    Kind {
        /// The plugin.
        name: String,
        /// What it is.
        kind: PluginKind,
    },
    /// No such connection.
    #[error("there is no connection {0}. Add it to the configuration")]
    Connection(ConnectionId),
    /// It asks in a way that it wasn't granted there.
    #[error(
        "plugin {name} asks through {face}, which it was not granted on connection {connection}. `footbridge plugin grant {name} --connection {connection}` shows what it asks for and takes your yes"
    )]
    Face {
        /// The plugin.
        name: String,
        /// How it asks.
        face: Face,
        /// Where.
        connection: ConnectionId,
    },
}

/// The sandbox. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) compiler: Compiler,
    pub(crate) registry: Registry,
    grants: Book,
    pub(crate) native: NativeCache,
    connectors: Engine,
    transforms: Engine,
    ticker: Ticker,
    turns: Arc<Turns>,
}

impl Sandbox {
    /// Opens the sandbox of a data directory. Nothing runs.
    ///
    /// # Errors
    /// A [`SandboxError`] that names the folder or file.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let SandboxOptions {
            data,
            key,
            limits,
            compiler,
        } = options;
        let failed = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let connectors = engine(PluginKind::Connector, &limits).map_err(failed)?;
        let transforms = engine(PluginKind::Transform, &limits).map_err(failed)?;
        let ticker = Ticker::start(vec![connectors.weak(), transforms.weak()])
            .map_err(|error| SandboxError::Engine(error.to_string()))?;
        let folder = data.join("native");
        let native =
            NativeCache::open(folder.clone(), key).map_err(|source| SandboxError::Folder {
                path: folder,
                source,
            })?;
        Ok(Self(Arc::new(Inner {
            registry: Registry::open(data.join("plugins"))?,
            grants: Book::open(data.join("plugins").join("grants.json"))?,
            native,
            limits,
            compiler,
            connectors,
            transforms,
            ticker,
            turns: Arc::new(Turns::of_this_machine()),
        })))
    }

    /// Everything that is installed, by name.
    pub fn list(&self) -> Vec<Installed> {
        self.0.registry.list()
    }

    /// One installed plugin.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`].
    pub fn installed(&self, name: &str) -> Result<Installed, RegistryError> {
        self.0.registry.get(name)
    }

    /// Versions that are kept and not in use.
    pub fn aside(&self) -> Vec<Installed> {
        self.0.registry.aside()
    }

    /// A version that is kept, by the beginning of its digest (8 digits or more).
    ///
    /// # Errors
    /// None, or several, have such a digest.
    pub fn kept(&self, digest: &str) -> Result<Installed, RegistryError> {
        self.0.registry.kept(digest)
    }

    /// Puts a kept version in use, by the beginning of its digest (8 digits or more). The one that was in use is kept.
    ///
    /// # Errors
    /// None, or several, have such a digest.
    pub fn switch(&self, digest: &str) -> Result<Installed, RegistryError> {
        self.0.registry.switch(digest)
    }

    /// Forgets a plugin with all its versions and their grants; says what is gone.
    ///
    /// # Errors
    /// There is none of that name, or a file can't be removed.
    pub fn remove(&self, name: &str) -> Result<Vec<Installed>, RegistryError> {
        let gone = self.0.registry.remove(name)?;
        let mut left = self.list();
        left.extend(self.aside());
        let unused = |grant: &Grant| {
            gone.iter().any(|gone| gone.digest == grant.digest)
                && !left.iter().any(|left| left.digest == grant.digest)
        };
        self.0.grants.revoke(unused)?;
        Ok(gone)
    }

    /// All grants that the operator gave.
    pub fn grants(&self) -> Vec<Grant> {
        self.0.grants.all()
    }

    /// Notes a grant, durably, in place of the one that this component had there.
    ///
    /// # Errors
    /// The file can't be written: nothing is granted.
    pub fn give(&self, grant: Grant) -> Result<(), RegistryError> {
        self.0.grants.give(grant)
    }

    /// Takes grants away, durably; says how many.
    ///
    /// # Errors
    /// The file can't be written: they stand.
    pub fn revoke(&self, is_it: impl Fn(&Grant) -> bool) -> Result<usize, RegistryError> {
        self.0.grants.revoke(is_it)
    }

    /// What an installed plugin may do there by its manifest and the operator's grant; the profile narrows it further. `None`
    /// without a manifest or a grant.
    pub fn powers(&self, installed: &Installed, to: &GrantedTo) -> Option<Powers> {
        let declared = installed.declared.as_ref()?;
        let grant = self.0.grants.of(to, &installed.digest)?;
        declared.manifest.asks().meet(&grant.powers)
    }

    /// Looks at a file without installing or running it.
    ///
    /// # Errors
    /// Why it couldn't be installed.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, CheckError> {
        inspect(bytes, &self.0.limits)
    }

    /// The plugin as a connector on a connection. It is loaded at the first call. Without `storage` it keeps nothing.
    ///
    /// # Errors
    /// It is no connector, or there is no such connection.
    pub fn connector(
        &self,
        installed: &Installed,
        broker: &Broker,
        connection: &ConnectionId,
        storage: Option<&PluginStorage>,
    ) -> Result<Arc<dyn Connector>, SandboxError> {
        Ok(self.sandboxed(installed, broker, connection, storage)?)
    }

    /// The plugin as what sets its far side up, on a connection.
    ///
    /// # Errors
    /// It is no connector, or there is no such connection.
    pub fn provisioner(
        &self,
        installed: &Installed,
        broker: &Broker,
        connection: &ConnectionId,
    ) -> Result<Arc<dyn Provisioner>, SandboxError> {
        Ok(self.sandboxed(installed, broker, connection, None)?)
    }

    fn sandboxed(
        &self,
        installed: &Installed,
        broker: &Broker,
        connection: &ConnectionId,
        storage: Option<&PluginStorage>,
    ) -> Result<Arc<SandboxedConnector>, SandboxError> {
        let line = broker
            .line(connection)
            .ok_or_else(|| SandboxError::Connection(connection.clone()))?;
        let granted = &line.connection.faces;
        let plugin = self.plugin(installed, PluginKind::Connector, granted)?;
        let mut asks = installed.imports.iter().filter_map(|name| face_of(name));
        if let Some(face) = asks.find(|face| !granted.contains(face)) {
            return Err(SandboxError::Face {
                name: installed.name.clone(),
                face,
                connection: connection.clone(),
            });
        }
        Ok(Arc::new(SandboxedConnector::new(
            plugin,
            line.clone(),
            storage.cloned(),
            connection.clone(),
        )))
    }

    /// The plugin as a transform. It is loaded at the first call.
    ///
    /// # Errors
    /// It is no transform.
    pub fn transform(&self, installed: &Installed) -> Result<Arc<dyn Transform>, SandboxError> {
        let plugin = self.plugin(installed, PluginKind::Transform, &BTreeSet::new())?;
        Ok(Arc::new(SandboxedTransform::new(plugin)))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn guest(&self) -> GuestRuns {
        self.0.ticker.guest()
    }

    pub(crate) fn turn(&self) -> Turn {
        Turn::new(self.0.turns.clone())
    }

    pub(crate) fn quarantine(&self, installed: &Installed) -> Option<String> {
        self.0.registry.quarantine(&installed.digest)
    }

    pub(crate) fn forgive(&self, installed: &Installed) {
        self.0.registry.forgive(&installed.digest);
    }

    pub(crate) fn strike(&self, installed: &Installed, what: &str) {
        tracing::warn!(plugin = installed.name, what, "a plugin misbehaved");
        let limit = self.0.limits.strikes;
        self.0.registry.strike(&installed.digest, what, limit);
    }

    fn plugin(
        &self,
        installed: &Installed,
        wanted: PluginKind,
        faces: &BTreeSet<Face>,
    ) -> Result<Arc<Plugin>, SandboxError> {
        if installed.kind != wanted {
            return Err(SandboxError::Kind {
                name: installed.name.clone(),
                kind: installed.kind,
            });
        }
        Ok(Arc::new(Plugin {
            sandbox: self.clone(),
            installed: installed.clone(),
            faces: faces.clone(),
            spent: Arc::default(),
            loaded: OnceCell::new(),
        }))
    }
}

impl Inner {
    pub(crate) fn engine(&self, kind: PluginKind) -> &Engine {
        match kind {
            PluginKind::Connector => &self.connectors,
            PluginKind::Transform => &self.transforms,
        }
    }
}

/// An installed plugin in use.
pub(crate) struct Plugin {
    pub(crate) sandbox: Sandbox,
    pub(crate) installed: Installed,
    faces: BTreeSet<Face>,
    /// What it worked lately.
    pub(crate) spent: Arc<Spent>,
    loaded: OnceCell<InstancePre<State>>,
}

impl Plugin {
    /// Its code, linked: from the store of native code, or compiled anew where that has none of ours.
    pub(crate) async fn loaded(&self) -> Result<InstancePre<State>, String> {
        let loaded = self.loaded.get_or_try_init(|| self.load()).await;
        loaded.cloned()
    }

    /// Whether it has an interface of the contract.
    pub(crate) fn has(&self, interface: &str) -> bool {
        self.installed.has(interface)
    }

    /// Whether it asks for an interface of the contract.
    pub(crate) fn imports(&self, interface: &str) -> bool {
        let wanted = format!("footbridge:plugin/{interface}@");
        self.installed
            .imports
            .iter()
            .any(|import| import.starts_with(&wanted))
    }

    async fn load(&self) -> Result<InstancePre<State>, String> {
        let inner = self.sandbox.inner();
        let (kind, digest) = (self.installed.kind, &self.installed.digest);
        let engine = inner.engine(kind);
        let component = match inner.native.get(digest, kind, engine) {
            Some(component) => component,
            None => {
                let bytes = inner.registry.bytes(&self.installed);
                let bytes = bytes.map_err(|error| format!("can't be loaded: {error}"))?;
                let native = inner.compiler.compile(kind, bytes, &inner.limits).await;
                let native = native.map_err(|error| format!("can't be loaded: {error}"))?;
                if let Err(error) = inner.native.put(digest, kind, engine, &native) {
                    tracing::warn!(%error, "native code could not be stored; it is compiled again at the next start");
                }
                NativeCache::fresh(engine, &native)
                    .map_err(|error| format!("can't be loaded: {error:#}"))?
            }
        };
        link(kind, &component, &self.faces)
            .map_err(|error| format!("doesn't fit this host: {error:#}"))
    }
}

/// Links a component with exactly what its kind may have, and the faces of the broker that it was granted.
pub(crate) fn link(
    kind: PluginKind,
    component: &Component,
    faces: &BTreeSet<Face>,
) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::new(component.engine());
    wasi::link(&mut linker)?;
    host::link_types(&mut linker)?;
    if kind == PluginKind::Connector {
        host::link(&mut linker)?;
        if faces.contains(&Face::WasiHttp) {
            wasi_http::link(&mut linker)?;
        }
    }
    linker.instantiate_pre(component)
}
