//! `footbridge plugin list|remove`: what is installed, which versions are kept, and what each was granted.

use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::lending::{bundled, places_of};
use crate::render::{safe, table};
use footbridge_sandbox::{Grant, Installed};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    installed: Installed,
    /// Whether this version is the one that the name stands for.
    in_use: bool,
    /// Whether it came with the program, and its grants with it.
    comes_along: bool,
    grants: Vec<Grant>,
}

pub(crate) async fn run(config: &Path, output: Output) -> anyhow::Result<Exit> {
    let config = Config::read(config)?;
    let _lock = compose::store(&config)?;
    let sandbox = compose::sandbox(&config)?;
    compose::install_bundled(&sandbox).await?;
    let grants = sandbox.grants();
    let in_use = sandbox
        .list()
        .into_iter()
        .map(|installed| (installed, true));
    let aside = sandbox
        .aside()
        .into_iter()
        .map(|installed| (installed, false));
    let mut list: Vec<Listed> = in_use
        .chain(aside)
        .map(|(installed, in_use)| Listed {
            grants: grants
                .iter()
                .filter(|grant| grant.digest == installed.digest)
                .cloned()
                .collect(),
            comes_along: bundled(&installed.name).is_some(),
            in_use,
            installed,
        })
        .collect();
    list.sort_by(|a, b| (&a.installed.name, b.in_use).cmp(&(&b.installed.name, a.in_use)));
    match output {
        Output::Json => print_json(&list)?,
        Output::Text => show(&rows(&list))?,
    }
    Ok(Exit::Done)
}

pub(crate) fn remove(config: &Path, name: &str, output: Output) -> anyhow::Result<Exit> {
    if bundled(name).is_some() {
        return Err(UsageError(format!(
            "{name:?} comes along with Footbridge and would be put back at the next start"
        ))
        .into());
    }
    let config = Config::read(config)?;
    if let Some(place) = places_of(&config, name).first() {
        return Err(UsageError(format!(
            "{place} still uses the plugin {name:?}. Change it in footbridge.toml first"
        ))
        .into());
    }
    let _lock = compose::store(&config)?;
    let gone = compose::sandbox(&config)?.remove(name)?;
    match output {
        Output::Json => print_json(&gone)?,
        Output::Text => show(&format!("Removed {} with its grants.\n", safe(name, 64)))?,
    }
    Ok(Exit::Done)
}

fn rows(list: &[Listed]) -> String {
    let row = |listed: &Listed| {
        let plugin = &listed.installed;
        let version = plugin
            .declared
            .as_ref()
            .map(|d| d.manifest.version.as_str());
        let state = match (&plugin.quarantined, listed.in_use) {
            (Some(why), _) => format!("quarantined: {}", safe(why, 60)),
            (None, true) => "in use".to_owned(),
            (None, false) => "kept".to_owned(),
        };
        let places: Vec<String> = listed
            .grants
            .iter()
            .map(|grant| safe(&grant.to.to_string(), 60))
            .collect();
        vec![
            safe(&plugin.name, 64),
            plugin.kind.to_string(),
            safe(version.unwrap_or("-"), 24),
            plugin.digest.as_str().chars().take(16).collect(),
            format!("{} KiB", plugin.size.div_ceil(1024)),
            plugin.installed_at.format("%Y-%m-%d %H:%M UTC").to_string(),
            state,
            match (listed.comes_along, places.is_empty()) {
                (true, _) => "come with Footbridge".to_owned(),
                (false, true) => "none".to_owned(),
                (false, false) => places.join(", "),
            },
        ]
    };
    let rows: Vec<Vec<String>> = list.iter().map(row).collect();
    table(
        &[
            "name",
            "kind",
            "version",
            "digest",
            "size",
            "installed",
            "state",
            "grants",
        ],
        &rows,
    )
}
