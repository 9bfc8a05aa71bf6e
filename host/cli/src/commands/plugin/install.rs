//! `footbridge plugin install`: shows what a plugin is and asks for, takes a yes to just that, and lets it in.
//!
//! The files are read once; what was shown is what is installed. A version before stays in use until the new one was tried on
//! the recorded records (`rehearse`). Nothing else grants.

use super::ask::Word;
use super::grant;
use super::inspect::{about, lines, look};
use super::rehearse;
use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::lending::bundled;
use crate::render::safe;
use anyhow::Context;
use chrono::Utc;
use footbridge_model::id::PluginDigest;
use footbridge_sandbox::{
    Declared, Given, Grant, GrantedTo, Installed, Place, PluginKind, Release, Report, Sandbox,
    Stays, may_follow,
};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    installed: &'a Installed,
    grants: Vec<Grant>,
    in_use: bool,
    rehearsed: Option<&'a rehearse::Rehearsed>,
}

pub(crate) async fn run(
    config: &Path,
    args: &args::PluginInstall,
    output: Output,
) -> anyhow::Result<Exit> {
    let name = &args.name;
    if bundled(name).is_some() {
        return Err(UsageError(format!(
            "{name:?} is the name of a plugin that comes along and would be put back at the next start. Choose another --name"
        ))
        .into());
    }
    let config = Config::read(config)?;
    let store = compose::store(&config)?;
    let sandbox = compose::sandbox(&config)?;
    let not_installed = || format!("{} was not installed", args.file.display());
    let (package, report) = look(
        &args.file,
        args.manifest.as_deref(),
        &config.plugins.publishers,
    )
    .with_context(not_installed)?;
    let (Some(declared), Some(approval)) = (report.installable(), report.approval.clone()) else {
        return Err(UsageError(report.problems.join("\n"))).with_context(not_installed);
    };
    let word = Word {
        yes: args.yes.into(),
        digest: args.digest.as_deref(),
        output,
    };
    let file = args.file.display().to_string();
    word.check(&file, report.digest.as_str(), &approval)
        .with_context(not_installed)?;
    let places = grant::places(&config, &report, name, &args.connection, &args.flow)?;
    let powers = grant::wanted(&declared, &args.only)?;
    let before = sandbox.installed(name).ok();
    let moving = before
        .as_ref()
        .filter(|before| before.digest != report.digest)
        .map(|before| follows(&config, &sandbox, before, (&declared, &report.digest)));
    let follows = matches!(moving, Some(Ok(_))) && args.only.is_empty();
    if !follows {
        let shown = question(
            &file,
            name,
            &report,
            &powers.names(),
            &places,
            moving.as_ref(),
        );
        if !word.ask(&shown, "Install it and grant it that?")? {
            show("Nothing was installed.\n")?;
            return Ok(Exit::Usage);
        }
    }
    let place = match &before {
        Some(before) if before.digest != report.digest => Place::Aside,
        _ => Place::InUse,
    };
    let installed = sandbox
        .install_as(name, package.component, Some(declared), place, Utc::now())
        .await
        .with_context(not_installed)?;
    let grants: Vec<Grant> = match moving {
        Some(Ok(moved)) if follows => moved,
        _ => places
            .iter()
            .map(|to| Grant {
                to: to.clone(),
                digest: installed.digest.clone(),
                powers: powers.clone(),
                given: Given::ByOperator,
                at: Utc::now(),
            })
            .collect(),
    };
    for grant in &grants {
        sandbox.give(grant.clone())?;
    }
    let rehearsed = match place {
        Place::InUse => None,
        Place::Aside => {
            Some(rehearse::before_use(&config, &sandbox, store, &installed, word).await?)
        }
    };
    let in_use = rehearsed.as_ref().is_none_or(rehearse::Rehearsed::taken);
    match output {
        Output::Json => print_json(&Shown {
            installed: &installed,
            grants,
            in_use,
            rehearsed: rehearsed.as_ref(),
        })?,
        Output::Text => show(&done(&installed, &grants, in_use))?,
    }
    Ok(Exit::Done)
}

/// The grants that move to a new version without a question, or why they don't.
fn follows(
    config: &Config,
    sandbox: &Sandbox,
    before: &Installed,
    (new, digest): (&Declared, &PluginDigest),
) -> Result<Vec<Grant>, Stays> {
    let Some(old) = &before.declared else {
        return Err(Stays::OldNotSigned);
    };
    let publisher = config.plugins.publishers.get(&new.manifest.id);
    may_follow(release(old), release(new), publisher)?;
    let own = sandbox.grants().into_iter();
    let own = own.filter(|grant| grant.digest == before.digest);
    Ok(own
        .map(|grant| Grant {
            digest: digest.clone(),
            given: Given::FollowedFrom(before.digest.clone()),
            at: Utc::now(),
            ..grant
        })
        .collect())
}

fn release(declared: &Declared) -> Release<'_> {
    Release {
        manifest: &declared.manifest,
        signed_by: declared.signed_by.as_ref(),
    }
}

fn question(
    file: &str,
    name: &str,
    report: &Report,
    powers: &[String],
    places: &[GrantedTo],
    moving: Option<&Result<Vec<Grant>, Stays>>,
) -> String {
    let mut text = format!(
        "{} as {}\n{}",
        safe(file, 200),
        safe(name, 64),
        about(report)
    );
    match places {
        [] => text.push_str("  Nothing in footbridge.toml uses that name yet: it is granted nothing now; `footbridge plugin grant` does it later.\n"),
        places => {
            for to in places {
                text.push_str(&format!("  will be granted on {}\n{}", safe(&to.to_string(), 100), lines(powers)));
            }
        }
    }
    if let Some(Err(why)) = moving {
        text.push_str(&format!(
            "  You are asked because {}.\n",
            safe(&why.to_string(), 300)
        ));
    }
    text
}

fn done(installed: &Installed, grants: &[Grant], in_use: bool) -> String {
    let name = safe(&installed.name, 64);
    let mut text = format!(
        "Installed {name} ({}, {}).\n",
        installed.kind, installed.digest
    );
    for grant in grants {
        let how = match &grant.given {
            Given::ByOperator => "Granted",
            Given::FollowedFrom(_) => "Its grant moved along",
        };
        text.push_str(&format!("{how} on {}.\n", safe(&grant.to.to_string(), 100)));
    }
    if !in_use {
        text.push_str(&format!(
            "The version before stays in use. `footbridge plugin use {}` changes over.\n",
            installed
                .digest
                .as_str()
                .chars()
                .take(16)
                .collect::<String>()
        ));
    }
    if grants.is_empty() {
        text.push_str(&match installed.kind {
            PluginKind::Transform => format!(
                "A flow uses it with transform = \"{name}\" in footbridge.toml, once `footbridge plugin grant {name} --flow FLOW` has your yes.\n"
            ),
            PluginKind::Connector => format!(
                "A connection uses it with plugin = \"{name}\" in footbridge.toml, once `footbridge plugin grant {name} --connection CONNECTION` has your yes.\n"
            ),
        });
    }
    text
}
