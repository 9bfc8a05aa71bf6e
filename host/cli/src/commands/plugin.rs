//! `footbridge plugin inspect|install|list`: what a component is and asks for, before and after it is let in. Inspecting runs nothing.

use crate::args::Plugin;
use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{safe, table};
use anyhow::Context;
use chrono::Utc;
use footbridge_sandbox::{Inspection, Installed, PluginKind};
use std::path::Path;

pub(crate) async fn run(config: &Path, command: &Plugin, output: Output) -> anyhow::Result<Exit> {
    match command {
        Plugin::Inspect { file } => {
            let inspection =
                footbridge_sandbox::inspect(&read(file)?, &footbridge_sandbox::Limits::default())
                    .with_context(|| format!("{} can't be used as a plugin", file.display()))?;
            match output {
                Output::Json => print_json(&inspection)?,
                Output::Text => show(&words(&inspection))?,
            }
        }
        Plugin::Install { file, name } => {
            if footbridge_bundle::ALL.iter().any(|own| own.name == name) {
                return Err(UsageError(format!(
                    "{name:?} is the name of a plugin that comes along and would be put back at the next start. Choose another --name"
                ))
                .into());
            }
            let config = Config::read(config)?;
            let _lock = compose::store(&config)?;
            let sandbox = compose::sandbox(&config)?;
            let bytes = read(file)?;
            let installed = sandbox
                .install(name, bytes, Utc::now())
                .await
                .with_context(|| format!("{} was not installed", file.display()))?;
            match output {
                Output::Json => print_json(&installed)?,
                Output::Text => show(&format!(
                    "Installed {0} ({1}, {2}).\nNothing of it ran. {3}\n",
                    safe(&installed.name, 64),
                    installed.kind,
                    installed.digest,
                    how_to_use(&installed),
                ))?,
            }
        }
        Plugin::List => {
            let config = Config::read(config)?;
            let _lock = compose::store(&config)?;
            let sandbox = compose::sandbox(&config)?;
            compose::install_bundled(&sandbox).await?;
            let list = sandbox.list();
            match output {
                Output::Json => print_json(&list)?,
                Output::Text => show(&rows(&list))?,
            }
        }
    }
    Ok(Exit::Done)
}

/// A file of more than the limit is refused by its size, unread.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable =
        |e: std::io::Error| UsageError(format!("{} can't be read: {e}", file.display()));
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    let limit = footbridge_sandbox::Limits::default().component;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > limit {
        return Err(footbridge_sandbox::CheckError::TooLarge { size, limit })
            .with_context(|| format!("{} can't be used as a plugin", file.display()));
    }
    Ok(std::fs::read(file).map_err(unreadable)?)
}

fn how_to_use(installed: &Installed) -> String {
    match installed.kind {
        PluginKind::Transform => format!(
            "A flow uses it with transform = \"{}\" in footbridge.toml.",
            safe(&installed.name, 64)
        ),
        PluginKind::Connector => {
            "This version uses the connectors that come along; yours is kept and not used."
                .to_owned()
        }
    }
}

fn words(inspection: &Inspection) -> String {
    let list = |names: &[String]| {
        names
            .iter()
            .map(|name| format!("    {}\n", safe(name, 120)))
            .collect::<String>()
    };
    format!(
        "{}\n  digest   {}\n  size     {} bytes\n  exports\n{}  imports (all of them lent to this kind)\n{}Nothing of it was run.\n",
        inspection.kind,
        inspection.digest,
        inspection.size,
        list(&inspection.exports),
        list(&inspection.imports)
    )
}

fn rows(list: &[Installed]) -> String {
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|plugin| {
            vec![
                safe(&plugin.name, 64),
                plugin.kind.to_string(),
                plugin.digest.as_str().chars().take(16).collect(),
                format!("{} KiB", plugin.size.div_ceil(1024)),
                plugin.installed_at.format("%Y-%m-%d %H:%M UTC").to_string(),
                plugin.quarantined.as_deref().map_or_else(
                    || "ready".to_owned(),
                    |why| format!("quarantined: {}", safe(why, 60)),
                ),
            ]
        })
        .collect();
    table(
        &["name", "kind", "digest", "size", "installed", "state"],
        &rows,
    )
}
