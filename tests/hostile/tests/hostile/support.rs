//! A sandbox in a folder of its own, and the hostile guests installed.

use chrono::{DateTime, Utc};
use footbridge_engine::ports::{CallError, Connector, Transform};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{FeedRequest, Page};
use footbridge_sandbox::{
    Broker, Compiler, InstallationKey, Installed, Limits, Sandbox, SandboxOptions,
};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// A sandbox with everything around it.
pub(crate) struct Bench {
    pub(crate) data: TempDir,
    pub(crate) key: InstallationKey,
    pub(crate) sandbox: Sandbox,
}

/// Limits that are met soon.
pub(crate) fn tight() -> Limits {
    Limits {
        connector_cpu: Duration::from_millis(300),
        wall: Duration::from_secs(2),
        memory: 128 << 20,
        requests: 3,
        strikes: 1_000,
        ..Limits::default()
    }
}

impl Bench {
    pub(crate) fn new(limits: Limits) -> Outcome<Self> {
        let data = tempfile::tempdir()?;
        let key = InstallationKey::random();
        let sandbox = Sandbox::new(options(&data, &key, limits))?;
        Ok(Self { data, key, sandbox })
    }

    /// The same data directory, opened again by another process as it were.
    pub(crate) fn reopened(&self, key: &InstallationKey) -> Outcome<Sandbox> {
        Ok(Sandbox::new(options(&self.data, key, tight()))?)
    }

    pub(crate) async fn install(&self, name: &str, path: &str) -> Outcome<Installed> {
        Ok(self
            .sandbox
            .install(name, std::fs::read(path)?, now())
            .await?)
    }

    pub(crate) async fn connector(&self) -> Outcome<Arc<dyn Connector>> {
        let installed = self
            .install("hostile", footbridge_hostile::CONNECTOR)
            .await?;
        let broker = broker().await?;
        Ok(self
            .sandbox
            .connector(&installed, &broker, &ConnectionId::new("xero"), None)?)
    }

    pub(crate) async fn transform(&self) -> Outcome<Arc<dyn Transform>> {
        let installed = self
            .install("hostile", footbridge_hostile::TRANSFORM)
            .await?;
        Ok(self.sandbox.transform(&installed)?)
    }
}

fn options(data: &TempDir, key: &InstallationKey, limits: Limits) -> SandboxOptions {
    SandboxOptions {
        data: data.path().to_owned(),
        key: key.clone(),
        limits,
        compiler: Compiler::Here,
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

/// A broker with two connections to the API of `far.rs`.
pub(crate) async fn broker() -> Outcome<Arc<Broker>> {
    Ok(crate::far::far(Vec::new()).await?.broker)
}

/// Asks the hostile connector to do something while it reads changes.
pub(crate) async fn ask(connector: &Arc<dyn Connector>, deed: &str) -> Result<Page, CallError> {
    ask_at(connector, deed, None).await
}

pub(crate) async fn ask_at(
    connector: &Arc<dyn Connector>,
    deed: &str,
    cursor: Option<&str>,
) -> Result<Page, CallError> {
    let request = FeedRequest {
        object: deed.to_owned(),
        cursor: cursor.map(str::to_owned),
        limit: 1,
        fields: Vec::new(),
    };
    let (page, _) = connector.read_changes(request).await?;
    Ok(page)
}

/// What the host says the plugin did.
pub(crate) fn blamed<T>(outcome: Result<T, CallError>) -> String {
    match outcome {
        Err(error @ CallError::Plugin { .. }) => error.to_string(),
        Err(CallError::Failure(failure)) => format!("not blamed: {failure:?}"),
        Ok(_) => "not blamed: it went well".to_owned(),
    }
}
