//! `footbridge plugin staged`: what lies in the watched folder. It is looked at, never granted anything, never run.

use super::inspect::problems;
use crate::commands::{Output, print_json, show};
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{count, safe, wrapped};
use crate::typed;
use anyhow::Context;
use footbridge_sandbox::{Limits, Staged, staged};
use std::path::Path;

pub(crate) fn run(config: &Path, output: Output) -> anyhow::Result<Exit> {
    let config = Config::read(config)?;
    let found = look(&config)?;
    match output {
        Output::Json => print_json(&found)?,
        Output::Text => show(&words(&config, &found))?,
    }
    Ok(Exit::Done)
}

fn look(config: &Config) -> anyhow::Result<Vec<Staged>> {
    let folder = config.inbox();
    staged(&folder, &Limits::default(), &config.plugins.publishers)
        .with_context(|| format!("the folder {} can't be read", folder.display()))
}

/// A word on what waits in the folder, for other commands; `None` if nothing does.
pub(crate) fn waiting(config: &Config) -> anyhow::Result<Option<String>> {
    let found = look(config)?;
    Ok((!found.is_empty()).then(|| {
        format!(
            "{} in {}; `footbridge plugin staged` shows what they are. Nothing of them runs",
            count(found.len(), "file"),
            config.inbox().display()
        )
    }))
}

fn words(config: &Config, found: &[Staged]) -> String {
    let folder = safe(&config.inbox().display().to_string(), 200);
    if found.is_empty() {
        return format!("Nothing lies in {folder}.\n");
    }
    let mut text = String::new();
    for one in found {
        let file = safe(&one.file.display().to_string(), 200);
        match (&one.report, &one.refused) {
            (Some(report), _) => {
                let known = report.manifest.as_ref();
                let who = known.map_or_else(
                    || report.kind.to_string(),
                    |m| {
                        format!(
                            "{} {} {}",
                            report.kind,
                            safe(&m.id, 100),
                            safe(&m.version, 60)
                        )
                    },
                );
                text.push_str(&format!("staged   {file}\n  {who}, {}\n", report.digest));
                if report.problems.is_empty() {
                    text.push_str(&format!(
                        "  `footbridge plugin install {} --name NAME` shows what it asks for and takes your yes.\n",
                        typed::quoted(&file)
                    ));
                } else {
                    text.push_str(&problems(report));
                }
            }
            (None, why) => {
                text.push_str(&format!("refused  {file}\n"));
                let why = why.as_deref().unwrap_or("no reason known");
                text.push_str(&wrapped(&safe(why, 400), 2));
            }
        }
    }
    text.push_str("Nothing of it was granted anything or run.\n");
    text
}
