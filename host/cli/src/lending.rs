//! Which plugin serves what, and what it may do there: manifest AND grant AND profile. Plugins that come along have their
//! grants from the program; every other needs the operator's.
//!
//! It holds no rule of its own: `footbridge_sandbox` compares powers, the broker and the engine enforce them.

use crate::config::{Config, Flow};
use crate::exit::UsageError;
use anyhow::Context;
use footbridge_bundle::Component;
use footbridge_engine::TransformGrant;
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_sandbox::{
    Connection, Face, GrantedTo, Installed, Powers, Provider, Purpose, Sandbox,
};

/// The plugin of that name that comes along.
pub(crate) fn bundled(name: &str) -> Option<&'static Component> {
    footbridge_bundle::ALL.iter().find(|own| own.name == name)
}

/// The name of the plugin that serves a connection: its own, else its provider's.
pub(crate) fn plugin_of(connection: &Connection) -> &str {
    match (&connection.plugin, connection.provider) {
        (Some(own), _) => own,
        (None, Provider::Xero) => footbridge_bundle::XERO.name,
        (None, Provider::Salesforce) => footbridge_bundle::SALESFORCE.name,
    }
}

/// Where the plugin of that name is used: connections and flows that name it.
pub(crate) fn places_of(config: &Config, name: &str) -> Vec<GrantedTo> {
    let connections = config.connections.values();
    let connections = connections.filter(|connection| plugin_of(connection) == name);
    let flows = config
        .flows
        .iter()
        .filter(|(_, flow)| flow.transform == name);
    connections
        .map(|connection| GrantedTo::Connection(connection.name.clone()))
        .chain(flows.map(|(flow, _)| GrantedTo::Flow(FlowName::new(flow.clone()))))
        .collect()
}

/// What a plugin may do there, the profile's narrowing aside.
pub(crate) fn powers(
    sandbox: &Sandbox,
    installed: &Installed,
    to: &GrantedTo,
) -> anyhow::Result<Powers> {
    let name = &installed.name;
    let Some(declared) = &installed.declared else {
        return Err(UsageError(format!(
            "the plugin {name:?} was installed without a manifest, so it has no grant. Install it again with its plugin.toml beside it"
        ))
        .into());
    };
    if bundled(name).is_some() {
        return Ok(declared.manifest.asks());
    }
    let granted = sandbox.powers(installed, to).ok_or_else(|| {
        let option = match to {
            GrantedTo::Connection(connection) => format!("--connection {connection}"),
            GrantedTo::Flow(flow) => format!("--flow {flow}"),
        };
        UsageError(format!(
            "the plugin {name:?} ({}) has no grant on {to}. `footbridge plugin grant {name} {option}` shows what it asks for and takes your yes",
            installed.digest
        ))
    })?;
    Ok(granted)
}

/// The flow's transform as the engine holds it to its grant.
pub(crate) fn transform_grant(
    sandbox: &Sandbox,
    installed: &Installed,
    flow: &str,
) -> anyhow::Result<TransformGrant> {
    let to = GrantedTo::Flow(FlowName::new(flow));
    match powers(sandbox, installed, &to)? {
        Powers::Transform { reads, writes } => Ok(TransformGrant {
            transform: installed.name.clone(),
            reads,
            writes,
        }),
        Powers::Connector { .. } => Err(UsageError(format!(
            "[flows.{flow}] transform = {:?} is a connector. Name a transform",
            installed.name
        ))
        .into()),
    }
}

/// All connections, each narrowed to what its plugin may do. Those that the flow doesn't use are lent nothing.
pub(crate) fn connections(
    config: &Config,
    sandbox: &Sandbox,
    flow: &Flow,
) -> anyhow::Result<Vec<Connection>> {
    let narrowed = config.connections.iter().map(|(name, connection)| {
        let mut connection = connection.clone();
        if [&flow.source, &flow.ledger].contains(&name) {
            narrow(sandbox, &mut connection)?;
        } else {
            connection.grant = Some(Vec::new());
        }
        Ok(connection)
    });
    narrowed.collect()
}

/// One connection, narrowed to what its plugin may do, for setting its far side up.
pub(crate) fn setting_up(sandbox: &Sandbox, connection: &Connection) -> anyhow::Result<Connection> {
    let mut connection = connection.clone();
    narrow(sandbox, &mut connection)?;
    connection.purpose = Purpose::SetUp;
    Ok(connection)
}

fn narrow(sandbox: &Sandbox, connection: &mut Connection) -> anyhow::Result<()> {
    let installed = sandbox
        .installed(plugin_of(connection))
        .with_context(|| format!("[connections.{}] can't be served", connection.name))?;
    let to = GrantedTo::Connection(ConnectionId::new(connection.name.as_str()));
    let lent = powers(sandbox, &installed, &to)?;
    fits(&installed, connection)?;
    let own = Powers::Connector {
        rules: connection.grant.clone().unwrap_or_default(),
        // A `grant` in the configuration narrows paths.
        faces: Face::ALL.into(),
        calls_a_day: connection.budget.day,
    };
    let effective = match connection.grant {
        Some(_) => lent.meet(&own),
        None => Some(lent),
    };
    if let Some(Powers::Connector {
        rules,
        faces,
        calls_a_day,
    }) = effective
    {
        connection.grant = Some(rules);
        connection.faces = faces;
        let days = [calls_a_day, connection.budget.day];
        connection.budget.day = days.into_iter().flatten().min();
    }
    Ok(())
}

/// Whether the plugin is for the connection's provider.
pub(crate) fn fits(installed: &Installed, connection: &Connection) -> Result<(), UsageError> {
    let declared = installed.declared.as_ref();
    let provider = declared.and_then(|declared| declared.manifest.provider());
    if provider == Some(connection.provider) {
        return Ok(());
    }
    Err(UsageError(format!(
        "[connections.{}] plugin = {:?} is not a connector for its provider {:?}. Name one that is, or take the line out",
        connection.name, installed.name, connection.provider
    )))
}
