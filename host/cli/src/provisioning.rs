//! The composition root of provisioning: one connection's connector, lent what setting up needs, with journal and broker.
//!
//! [`provision`] makes everything without a question, for the demo and the scenarios; people go through `commands::provision`.

use crate::compose::{self, Asked, Surroundings};
use crate::config::Config;
use crate::exit::UsageError;
use crate::lending;
use anyhow::Context;
use footbridge_engine::provision::{Provisioning, ProvisioningParts};
use footbridge_model::provision::{Findings, Wish};
use footbridge_sandbox::{Connection, Sandbox};
use footbridge_store::Bodies;
use std::sync::Arc;

/// Makes everything that the connection's far side lacks, without a question. `connection`: not needed if only one can be set up.
///
/// # Errors
/// What the far side refused, or that something is left that can't be done from here.
pub async fn provision(
    config: &Config,
    connection: Option<&str>,
    surroundings: &Surroundings,
) -> anyhow::Result<Findings> {
    let (provisioning, _) = open(config, connection, surroundings)?;
    let shown = provisioning.survey(Wish::Present).await?;
    let made = provisioning
        .carry_out(Wish::Present, &shown.parts, &|_| {})
        .await?;
    anyhow::ensure!(
        made.is_done(),
        "something is left that provisioning can't do: {:?}",
        made.parts
            .iter()
            .filter(|part| part.is_open())
            .map(|part| part.name.as_str())
            .collect::<Vec<_>>()
    );
    Ok(made)
}

/// Opens everything that provisioning a connection needs. Nothing is read from or written to the far side yet.
pub(crate) fn open(
    config: &Config,
    connection: Option<&str>,
    surroundings: &Surroundings,
) -> anyhow::Result<(Provisioning, Connection)> {
    let (parts, connection) = parts(config, connection, surroundings)?;
    Ok((Provisioning::new(parts), connection))
}

/// What a provisioning is made of, not yet put together. Tests put something between.
///
/// # Errors
/// No such connection, or data directory or plugin can't be used.
pub fn parts(
    config: &Config,
    connection: Option<&str>,
    Surroundings { sandbox, clock }: &Surroundings,
) -> anyhow::Result<(ProvisioningParts, Connection)> {
    let connection = chosen(config, connection, sandbox)?;
    let store = compose::store(config)?;
    let bodies = Bodies::open(&config.data_dir()).context("the bodies of the data directory")?;
    let lent = lending::setting_up(sandbox, connection)?;
    let broker = compose::broker_for(config, vec![lent], clock, &Asked::ToWork)?;
    let installed = sandbox.installed(lending::plugin_of(connection))?;
    let parts = ProvisioningParts {
        store,
        bodies: Arc::new(bodies),
        clock: Arc::clone(clock),
        connector: sandbox.provisioner(&installed, &broker, &connection.name)?,
        outbound: broker,
        connection: connection.name.clone(),
        pinned: connection.organisation.clone(),
    };
    Ok((parts, connection.clone()))
}

/// The connection that is meant: one whose connector can set its far side up.
fn chosen<'c>(
    config: &'c Config,
    name: Option<&str>,
    sandbox: &Sandbox,
) -> anyhow::Result<&'c Connection> {
    let can = |connection: &Connection| {
        sandbox
            .installed(lending::plugin_of(connection))
            .is_ok_and(|installed| installed.has("provision"))
    };
    if let Some(name) = name {
        let connection = config.connections.get(name).ok_or_else(|| {
            let names: Vec<&str> = config.connections.keys().map(String::as_str).collect();
            UsageError(format!(
                "there is no connection {name:?}. Connections are: {}",
                names.join(", ")
            ))
        })?;
        if !can(connection) {
            return Err(UsageError(format!(
                "the connection {name:?} has nothing to set up: its plugin {:?} does not know how, or is not installed",
                lending::plugin_of(connection)
            ))
            .into());
        }
        return Ok(connection);
    }
    let all: Vec<&Connection> = config
        .connections
        .values()
        .filter(|connection| can(connection))
        .collect();
    match all.as_slice() {
        [one] => Ok(one),
        [] => Err(UsageError("no connection has anything to set up".to_owned()).into()),
        several => {
            let names: Vec<String> = several.iter().map(|c| c.name.to_string()).collect();
            Err(UsageError(format!(
                "which connection? Name one of: {}",
                names.join(", ")
            ))
            .into())
        }
    }
}
