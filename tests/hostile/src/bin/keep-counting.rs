//! A connector that counts in its storage until the process is killed: each count is printed once it is durable.
//!
//! Arguments: a folder. For the test that what a plugin keeps survives SIGKILL whole.

use chrono::DateTime;
use footbridge_engine::storage::PluginStorage;
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{
    Broker, BrokerOptions, Compiler, Connection, InstallationKey, Limits, Provider, Sandbox,
    SandboxOptions, Secret, SecretSource, SystemClock,
};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    let key = InstallationKey::open_or_create(&data.join("key"))?;
    let sandbox = Sandbox::new(SandboxOptions {
        data: data.clone(),
        key: key.clone(),
        limits: Limits::default(),
        compiler: Compiler::Here,
    })?;
    let installed = match sandbox.installed("hostile") {
        Ok(installed) => installed,
        Err(_) => {
            let bytes = std::fs::read(footbridge_hostile::CONNECTOR)?;
            sandbox
                .install("hostile", bytes, DateTime::UNIX_EPOCH)
                .await?
        }
    };
    let secret = SecretSource::Given(Secret::new("a-secret"));
    let broker = Broker::new(
        vec![Connection::new("xero", Provider::Xero, "app", secret)],
        BrokerOptions {
            key,
            tokens: None,
            clock: Arc::new(SystemClock),
            audit: None,
        },
    )?;
    let store = footbridge_store::open(&data.join("store"), footbridge_store::Backend::Sled)?;
    let storage = PluginStorage::new(store);
    let connection = ConnectionId::new("xero");
    let connector = sandbox.connector(&installed, &broker, &connection, Some(&storage))?;
    let mut out = std::io::stdout();
    loop {
        let count = vec!["count".to_owned()];
        let found = connector.fetch("keep", count, Vec::new()).await?;
        for item in found.items {
            writeln!(out, "{}", item.doc.trim_matches('"'))?;
            out.flush()?;
        }
    }
}
