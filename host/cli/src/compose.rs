//! The composition root: data directory, sandbox, broker and engine put together for one flow, in this order. Nothing else knows all of them.

use crate::config::{Config, Flow, StoreKind};
use crate::lending;
use crate::progress::Progress;
use crate::switch::{Switch, Switched};
use anyhow::Context;
use chrono::Utc;
use footbridge_engine::ports::Clock;
use footbridge_engine::storage::PluginStorage;
use footbridge_engine::watch::Unwatched;
use footbridge_engine::{Engine, EngineError, FlowConfig, Parts};
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{
    AuditLog, Broker, BrokerOptions, COMPILE_COMMAND, Compiler, Connection, InstallationKey,
    Limits, Package, Place, Report, Sandbox, SandboxOptions, SystemClock,
};
use footbridge_store::{Backend, Bodies, Looked, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Once};

/// The hidden first argument under which this program compiles a plugin in a process of its own.
pub(crate) const COMPILE: &str = COMPILE_COMMAND;

/// A flow, ready to run.
pub struct Composition {
    /// What runs it.
    pub engine: Arc<Engine>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) broker: Arc<Broker>,
}

/// What a flow runs in. A process has one; tests share one among many data directories and bring their own clock.
pub struct Surroundings {
    /// Where its plugins are installed.
    pub sandbox: Sandbox,
    /// Whose time it goes by.
    pub clock: Arc<dyn Clock>,
}

impl Composition {
    /// Opens everything that a flow needs. Nothing is read from or written to the far sides yet.
    pub(crate) async fn open(config: &Config, name: &str, flow: &Flow) -> anyhow::Result<Self> {
        Self::over(config, (name, flow), (store(config)?, Asked::ToWork)).await
    }

    /// The same for a command that only reads: where the data directory can't be written it is answered from a copy of the rows.
    pub(crate) async fn look(config: &Config, name: &str, flow: &Flow) -> anyhow::Result<Self> {
        let (store, asked) = to_look(config)?;
        Self::over(config, (name, flow), (store, asked)).await
    }

    async fn over(
        config: &Config,
        flow: (&str, &Flow),
        (store, asked): (Arc<dyn Store>, Asked),
    ) -> anyhow::Result<Self> {
        let sandbox = sandbox(config)?;
        install_bundled(&sandbox).await?;
        let clock = Arc::new(SystemClock);
        let surroundings = Surroundings { sandbox, clock };
        Self::assemble(config, flow, (store, asked), &surroundings).await
    }

    /// The same in surroundings that are there already.
    ///
    /// # Errors
    /// What is wrong with configuration, data directory, plugins or mapping.
    pub async fn open_in(config: &Config, surroundings: &Surroundings) -> anyhow::Result<Self> {
        let flow = config.flow(None)?;
        let store = (store(config)?, Asked::ToWork);
        Self::assemble(config, flow, store, surroundings).await
    }

    pub(crate) async fn assemble(
        config: &Config,
        flow: (&str, &Flow),
        store: (Arc<dyn Store>, Asked),
        surroundings: &Surroundings,
    ) -> anyhow::Result<Self> {
        let progress = Arc::new(Progress::new());
        let mut kit = Kit::gather(config, flow, store, surroundings)?;
        kit.parts.watch = Arc::clone(&progress) as _;
        let opened = Engine::open(kit.flow, kit.parts).await;
        let engine = opened.map_err(|error| match &error {
            EngineError::Transform { .. } => {
                let file = config.mapping_file(flow.1);
                anyhow::Error::from(error).context(format!("{} can't be used", file.display()))
            }
            _ => error.into(),
        })?;
        Ok(Self {
            engine: Arc::new(engine),
            progress,
            broker: kit.broker,
        })
    }
}

/// What a flow's engine is made of, not put together yet: who tests bad days stands in between.
pub struct Kit {
    /// The flow's rules.
    pub flow: FlowConfig,
    /// Store, plugins and the way out. Nobody watches yet.
    pub parts: Parts,
    /// The way out again, for consents.
    pub broker: Arc<Broker>,
}

impl Kit {
    /// That of the configuration's only flow.
    ///
    /// # Errors
    /// What is wrong with configuration, data directory or plugins.
    pub fn open_in(config: &Config, surroundings: &Surroundings) -> anyhow::Result<Self> {
        let flow = config.flow(None)?;
        let store = (store(config)?, Asked::ToWork);
        Self::gather(config, flow, store, surroundings)
    }

    fn gather(
        config: &Config,
        (name, flow): (&str, &Flow),
        (store, asked): (Arc<dyn Store>, Asked),
        Surroundings { sandbox, clock }: &Surroundings,
    ) -> anyhow::Result<Self> {
        let bodies =
            Bodies::open(&config.data_dir()).context("the bodies of the data directory")?;
        let broker = broker_for(
            config,
            lending::connections(config, sandbox, flow)?,
            clock,
            &asked,
        )?;
        let storage = PluginStorage::new(Arc::clone(&store));
        let connector = |connection: &str| -> anyhow::Result<_> {
            let known = config.connections.get(connection);
            let plugin = lending::plugin_of(known.context("the connection is missing")?);
            Ok(sandbox.connector(
                &sandbox.installed(plugin)?,
                &broker,
                &ConnectionId::new(connection),
                Some(&storage),
            )?)
        };
        let transform = sandbox.installed(&flow.transform)?;
        let granted = lending::transform_grant(sandbox, &transform, name)?;
        let parts = Parts {
            store,
            bodies: Arc::new(bodies),
            clock: Arc::clone(clock),
            watch: Arc::new(Unwatched),
            source: connector(&flow.source)?,
            ledger: connector(&flow.ledger)?,
            transform: sandbox.transform(&transform)?,
            outbound: Arc::new(Switched {
                broker: Arc::clone(&broker),
                switch: Switch::of(config),
            }),
        };
        let flow = config.engine_flow(name, flow, granted, |connection| {
            let held = broker.held(connection).ok()?;
            held.organisation.map(|chosen| chosen.id)
        })?;
        Ok(Self {
            flow,
            parts,
            broker,
        })
    }
}

/// The store. Its lock makes sure that nobody else works in the data directory, the plugins' folders included.
pub(crate) fn store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    Ok(footbridge_store::open(&config.data_dir(), backend(config))?)
}

/// What a flow is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Anything.
    ToWork,
    /// To look at what is there, in a data directory that can't be written: nothing is asked of a far side, for nothing could be
    /// recorded of it. Why it can't.
    ToLook(String),
}

/// The store for a command that only reads.
pub(crate) fn to_look(config: &Config) -> anyhow::Result<(Arc<dyn Store>, Asked)> {
    let (store, looked) = footbridge_store::look(&config.data_dir(), backend(config))?;
    Ok(match looked {
        Looked::Itself => (store, Asked::ToWork),
        Looked::AtCopy(why) => {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                tracing::warn!(
                    "what follows was read from a copy of the rows, for the data directory can't be written now: {why}"
                );
            });
            (store, Asked::ToLook(why))
        }
    })
}

/// The configured store.
pub(crate) fn backend(config: &Config) -> Backend {
    match config.store {
        StoreKind::Sled => Backend::Sled,
        StoreKind::Redb => Backend::Redb,
    }
}

/// The sandbox of the configuration's data directory.
pub(crate) fn sandbox(config: &Config) -> anyhow::Result<Sandbox> {
    let data = config.data_dir();
    std::fs::create_dir_all(&data)
        .with_context(|| format!("the data directory {} can't be made", data.display()))?;
    Ok(Sandbox::new(SandboxOptions {
        data,
        key: InstallationKey::open_or_create(&config.key_file())?,
        limits: Limits::default(),
        compiler: Compiler::Child(
            std::env::current_exe().context("this program's own file can't be found")?,
        ),
    })?)
}

/// The broker for all connections of the configuration.
pub(crate) fn broker(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<Broker>> {
    broker_for(
        config,
        config.connections.values().cloned().collect(),
        clock,
        &Asked::ToWork,
    )
}

pub(crate) fn broker_for(
    config: &Config,
    connections: Vec<Connection>,
    clock: &Arc<dyn Clock>,
    asked: &Asked,
) -> anyhow::Result<Arc<Broker>> {
    let audit = match asked {
        Asked::ToWork => Some(audit(config).sink()?),
        Asked::ToLook(_) => None,
    };
    Ok(Broker::new(
        connections,
        BrokerOptions {
            key: InstallationKey::open_or_create(&config.key_file())?,
            tokens: Some(config.data_dir().join("tokens")),
            clock: Arc::clone(clock),
            audit,
        },
    )?)
}

/// The record of every request that left or was refused.
pub(crate) fn audit(config: &Config) -> AuditLog {
    AuditLog::new(config.data_dir())
}

/// The plugins that come along are installed like any others, by digest; a new version of Footbridge brings new ones.
///
/// # Errors
/// A plugin can't be checked, compiled or stored.
pub async fn install_bundled(sandbox: &Sandbox) -> anyhow::Result<()> {
    for component in footbridge_bundle::ALL {
        let package = Package {
            component: component.bytes.to_vec(),
            manifest: Some(component.manifest.to_owned()),
            signature: None,
        };
        let report = Report::of(&package, &Limits::default(), &BTreeMap::new())?;
        let declared = report.installable().with_context(|| {
            format!(
                "{} comes along and can't be used: {:?}",
                component.name, report.problems
            )
        })?;
        let there = sandbox.installed(component.name).ok();
        let is_there = there.is_some_and(|installed| {
            installed.digest == report.digest && installed.declared.as_ref() == Some(&declared)
        });
        if !is_there {
            let (declared, now) = (Some(declared), Utc::now());
            sandbox
                .install_as(
                    component.name,
                    package.component,
                    declared,
                    Place::InUse,
                    now,
                )
                .await
                .with_context(|| {
                    format!("installing the plugin {} that comes along", component.name)
                })?;
        }
    }
    Ok(())
}
