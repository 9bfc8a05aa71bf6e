//! A sandbox in a folder of its own, a small API on loopback, and the hostile guests installed.

use axum::Router;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use footbridge_engine::ports::{CallError, Connector, Transform};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{FeedRequest, Page};
use footbridge_sandbox::{
    Broker, BrokerOptions, Compiler, Connection, InstallationKey, Installed, Limits, Provider,
    Sandbox, SandboxOptions, Secret, SecretSource, SystemClock,
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

/// A broker with one connection to an API that takes a second over `/Invoices/slow`.
pub(crate) async fn broker() -> Outcome<Arc<Broker>> {
    let app = Router::new().fallback(|uri: Uri| async move {
        if uri.path().ends_with("/slow") {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        r#"{"access_token":"access-token","expires_in":1800}"#
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let secret = SecretSource::Given(Secret::new("a-secret"));
    let connection = |name: &str| {
        let mut connection = Connection::new(name, Provider::Xero, "app", secret.clone());
        connection.token_url = Some(format!("{base}/connect/token"));
        connection.base_url = Some(base.clone());
        connection
    };
    let options = BrokerOptions {
        key: InstallationKey::random(),
        tokens: None,
        clock: Arc::new(SystemClock),
        audit: None,
    };
    Ok(Broker::new(
        vec![connection("xero"), connection("second")],
        options,
    )?)
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
