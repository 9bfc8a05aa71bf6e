//! `footbridge plugin grant|revoke`: the operator's word on what an installed plugin may do, bound to the place and to the
//! digest of the version in use.
//!
//! A grant wider than the manifest or the profile is refused by the name of the power. Next: `lending.rs` reads it at each start.

use super::ask::Word;
use super::inspect::lines;
use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::lending::{bundled, fits, places_of};
use crate::render::safe;
use chrono::Utc;
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_sandbox::{Declared, Given, Grant, GrantedTo, PluginKind, Powers, Report, approval};
use std::path::Path;

pub(crate) async fn give(
    config: &Path,
    args: &args::PluginGrant,
    output: Output,
) -> anyhow::Result<Exit> {
    let name = &args.place.name;
    own_grants_come_along(name)?;
    let config = Config::read(config)?;
    let _lock = compose::store(&config)?;
    let sandbox = compose::sandbox(&config)?;
    let installed = sandbox.installed(name)?;
    let declared = installed.declared.as_ref().ok_or_else(|| {
        UsageError(format!(
            "the plugin {name:?} was installed without a manifest, so nothing can be granted. Install it again with its plugin.toml beside it"
        ))
    })?;
    let places = chosen(
        &config,
        installed.kind,
        name,
        &args.place.connection,
        &args.place.flow,
    )?;
    if places.is_empty() {
        return Err(UsageError(format!(
            "nothing in footbridge.toml uses the plugin {name:?}. Say where with --connection or --flow"
        ))
        .into());
    }
    for place in &places {
        if let GrantedTo::Connection(connection) = place
            && let Some(connection) = config.connections.get(connection.as_str())
        {
            fits(&installed, connection)?;
        }
    }
    let powers = wanted(declared, &args.only)?;
    let word = Word {
        yes: args.yes.into(),
        digest: args.digest.as_deref(),
        output,
    };
    let expected = approval(&installed.digest, &declared.manifest_digest);
    word.check(
        &format!("the plugin {name}"),
        installed.digest.as_str(),
        &expected,
    )?;
    let mut shown = format!(
        "{} ({}, {})\n",
        safe(name, 64),
        installed.kind,
        installed.digest
    );
    for place in &places {
        shown.push_str(&format!("  on {}\n", safe(&place.to_string(), 100)));
    }
    shown.push_str(&lines(&powers.names()));
    if !word.ask(&shown, "Grant it that?")? {
        show("Nothing was granted.\n")?;
        return Ok(Exit::Usage);
    }
    let grants: Vec<Grant> = places
        .into_iter()
        .map(|to| Grant {
            to,
            digest: installed.digest.clone(),
            powers: powers.clone(),
            given: Given::ByOperator,
            at: Utc::now(),
        })
        .collect();
    for grant in &grants {
        sandbox.give(grant.clone())?;
    }
    match output {
        Output::Json => print_json(&grants)?,
        Output::Text => {
            for grant in &grants {
                show(&format!(
                    "Granted on {}.\n",
                    safe(&grant.to.to_string(), 100)
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn revoke(
    config: &Path,
    args: &args::PluginPlace,
    output: Output,
) -> anyhow::Result<Exit> {
    let name = &args.name;
    own_grants_come_along(name)?;
    let config = Config::read(config)?;
    let _lock = compose::store(&config)?;
    let sandbox = compose::sandbox(&config)?;
    let installed = sandbox.installed(name)?;
    let versions: Vec<_> = sandbox
        .aside()
        .into_iter()
        .filter(|kept| kept.name == *name)
        .chain([installed])
        .map(|version| version.digest)
        .collect();
    let everywhere = args.connection.is_empty() && args.flow.is_empty();
    let there = |to: &GrantedTo| match to {
        GrantedTo::Connection(connection) => args
            .connection
            .iter()
            .any(|name| name == connection.as_str()),
        GrantedTo::Flow(flow) => args.flow.iter().any(|name| name == flow.as_str()),
    };
    let gone = sandbox
        .revoke(|grant| versions.contains(&grant.digest) && (everywhere || there(&grant.to)))?;
    match output {
        Output::Json => print_json(&serde_json::json!({"revoked": gone}))?,
        Output::Text if gone == 0 => show("It had no grant there.\n")?,
        Output::Text => show(&format!(
            "Revoked. {} can do nothing there from the next start on.\n",
            safe(name, 64)
        ))?,
    }
    Ok(Exit::Done)
}

fn own_grants_come_along(name: &str) -> Result<(), UsageError> {
    match bundled(name) {
        None => Ok(()),
        Some(_) => Err(UsageError(format!(
            "{name:?} comes along with Footbridge, and its grants come with the program. To narrow a connection, list what is allowed under its `grant` in footbridge.toml"
        ))),
    }
}

/// What is to be granted: all that the plugin asks for, or the part that is named.
pub(crate) fn wanted(declared: &Declared, only: &[String]) -> anyhow::Result<Powers> {
    let manifest = &declared.manifest;
    let asks = manifest.asks();
    if only.is_empty() {
        return Ok(asks);
    }
    let mut powers = asks.named(only)?;
    if let (
        Powers::Connector { calls_a_day, .. },
        Powers::Connector {
            calls_a_day: asked, ..
        },
    ) = (&mut powers, &asks)
    {
        *calls_a_day = calls_a_day.or(*asked);
    }
    if let Some(provider) = manifest.provider()
        && let Some(rule) = powers.beyond_profile(provider)
    {
        return Err(UsageError(format!(
            "{rule:?} is wider than what the profile {} offers, so nobody can grant it",
            manifest.profile.as_deref().unwrap_or_default()
        ))
        .into());
    }
    if let Some(rule) = powers.beyond(&asks) {
        return Err(UsageError(format!(
            "{rule:?} is wider than what the plugin asks for: {}",
            asks.names().join("; ")
        ))
        .into());
    }
    Ok(powers)
}

/// Where a package would be granted what it asks for.
pub(crate) fn places(
    config: &Config,
    report: &Report,
    name: &str,
    connections: &[String],
    flows: &[String],
) -> anyhow::Result<Vec<GrantedTo>> {
    let places = chosen(config, report.kind, name, connections, flows)?;
    let provider = report.manifest.as_ref().and_then(|m| m.provider());
    for place in &places {
        let GrantedTo::Connection(connection) = place else {
            continue;
        };
        let known = config.connections.get(connection.as_str());
        if known.is_some_and(|known| Some(known.provider) != provider) {
            return Err(UsageError(format!(
                "connection {connection} is not of the provider that the plugin is for. Name another --connection"
            ))
            .into());
        }
    }
    Ok(places)
}

/// The places that were named, else those where the configuration uses the plugin.
fn chosen(
    config: &Config,
    kind: PluginKind,
    name: &str,
    connections: &[String],
    flows: &[String],
) -> Result<Vec<GrantedTo>, UsageError> {
    let (wrong, fit) = match kind {
        PluginKind::Connector => (flows, "a connector is granted on a connection"),
        PluginKind::Transform => (connections, "a transform is granted in a flow"),
    };
    if let Some(wrong) = wrong.first() {
        return Err(UsageError(format!("{wrong:?} doesn't fit: {fit}")));
    }
    let unknown = |what: &str, name: &str| {
        UsageError(format!("there is no {what} {name:?} in footbridge.toml"))
    };
    let mut places = Vec::new();
    for connection in connections {
        if !config.connections.contains_key(connection) {
            return Err(unknown("connection", connection));
        }
        places.push(GrantedTo::Connection(ConnectionId::new(connection.clone())));
    }
    for flow in flows {
        if !config.flows.contains_key(flow) {
            return Err(unknown("flow", flow));
        }
        places.push(GrantedTo::Flow(FlowName::new(flow.clone())));
    }
    if places.is_empty() {
        places = places_of(config, name);
        places.retain(|place| {
            matches!(
                (place, kind),
                (GrantedTo::Connection(_), PluginKind::Connector)
                    | (GrantedTo::Flow(_), PluginKind::Transform)
            )
        });
    }
    Ok(places)
}
