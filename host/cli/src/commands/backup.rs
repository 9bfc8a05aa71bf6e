//! `footbridge backup`, `restore`, `compact`, `migrate`: the data directory as a whole. They read no record and talk to no far side.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose::{self, Asked};
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{count, safe, wrapped};
use anyhow::Context;
use chrono::DateTime;
use footbridge_store::{Backend, BackupError, Contents, Rewritten};
use std::path::Path;

/// Nothing here is quick, and all of it blocks.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> anyhow::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.context("the work broke off")??)
}

pub(crate) async fn backup(
    file: &Path,
    args: &args::Backup,
    output: Output,
) -> anyhow::Result<Exit> {
    let target = args.file.clone();
    let contents = if args.verify {
        apart(move || footbridge_store::contents(&target)).await?
    } else {
        let config = Config::read(file)?;
        let (dir, backend) = (config.data_dir(), compose::backend(&config));
        apart(move || footbridge_store::backup(&dir, backend, &target)).await?
    };
    match output {
        Output::Json => print_json(&contents)?,
        Output::Text => show(&words(args, &contents))?,
    }
    Ok(Exit::Done)
}

fn words(args: &args::Backup, held: &Contents) -> String {
    let name = safe(&args.file.display().to_string(), 300);
    let is = if args.verify {
        "is whole and sound"
    } else {
        "was written and read back"
    };
    let mut text = wrapped(&format!("{name} {is}."), 0);
    let taken = i64::try_from(held.taken_at).ok();
    let taken = taken.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let lines = [
        (
            "taken",
            taken
                .unwrap_or_default()
                .format("%Y-%m-%d %H:%M:%S UTC")
                .to_string(),
        ),
        (
            "installation",
            format!(
                "{}, epoch {}, commit {}",
                safe(&held.installation, 64),
                held.epoch,
                held.commit
            ),
        ),
        (
            "rows",
            format!(
                "{}, and {} changes made while it was taken",
                held.rows, held.changes
            ),
        ),
        ("bodies", held.bodies.to_string()),
        ("size", size(held.bytes)),
        ("store", safe(&held.backend, 20)),
    ];
    for (what, value) in lines {
        text.push_str(&format!("  {what:<14}{value}\n"));
    }
    for (kind, rows) in &held.kinds {
        text.push_str(&format!("    {rows:>10}  {}\n", safe(kind, 40)));
    }
    text.push_str(&wrapped(
        "No token, no key and no plugin is in it; docs/backup.md says what else to keep.",
        0,
    ));
    text
}

pub(crate) async fn restore(
    file: &Path,
    args: &args::Restore,
    output: Output,
) -> anyhow::Result<Exit> {
    let (backup, into) = (args.file.clone(), args.into.clone());
    let backend = args.store.as_deref().map(named).transpose()?;
    let restored = apart(move || footbridge_store::restore(&backup, &into, backend)).await?;
    match output {
        Output::Json => print_json(&restored)?,
        Output::Text => {
            let into = safe(&args.into.display().to_string(), 300);
            let text = format!(
                "Restored into {into}: {} rows and {} bodies, read back row by row. It is epoch {}.\n",
                restored.rows, restored.backup.bodies, restored.epoch
            );
            let set = to_set(file, &args.into, &restored.backend);
            let next = format!(
                "Every flow is held: nothing is written before you say go. {set}Connect again where a \
                 consent was given (`footbridge connect NAME`), look at `footbridge plan`, make sure that no other Footbridge works on these organisations, then `footbridge sync --go-on`. A stop (`footbridge stop`) is not in a backup: stop again what shall stay stopped."
            );
            show(&(wrapped(&text, 0) + &wrapped(&next, 0)))?;
        }
    }
    Ok(Exit::Done)
}

/// What the configuration doesn't say yet of what was restored. One that can't be read says nothing.
fn to_set(config: &Path, into: &Path, backend: &str) -> String {
    let config = Config::read(config).ok();
    let is_there = config.as_ref().is_some_and(|config| {
        let folders = (config.data_dir().canonicalize(), into.canonicalize());
        matches!(folders, (Ok(set), Ok(restored)) if set == restored)
    });
    let is_of_it = config
        .as_ref()
        .is_some_and(|config| compose::backend(config).name() == backend);
    let store = format!("`store = \"{backend}\"`");
    match (is_there, is_of_it) {
        (true, true) => String::new(),
        (true, false) => format!("Set {store} in footbridge.toml. "),
        (false, true) => "Set `data` in footbridge.toml to this folder. ".to_owned(),
        (false, false) => format!("Set `data` in footbridge.toml to this folder, and {store}. "),
    }
}

pub(crate) async fn compact(config: &Config, output: Output) -> anyhow::Result<Exit> {
    rewritten(config, compose::backend(config), output).await
}

pub(crate) async fn migrate(
    config: &Config,
    args: &args::Migrate,
    output: Output,
) -> anyhow::Result<Exit> {
    let to = named(&args.to)?;
    let exit = rewritten(config, to, output).await?;
    if output == Output::Text {
        show(&format!("Now set `store = \"{to}\"` in footbridge.toml.\n"))?;
    }
    Ok(exit)
}

async fn rewritten(config: &Config, to: Backend, output: Output) -> anyhow::Result<Exit> {
    let done = anew(config, to).await?;
    match output {
        Output::Json => print_json(&done)?,
        Output::Text => {
            let Rewritten {
                rows,
                before,
                after,
                backend,
            } = &done;
            show(&format!(
                "{rows} rows written anew on {backend} and read back: {} on disk before, {} after.\n",
                size(*before),
                size(*after)
            ))?;
        }
    }
    Ok(Exit::Done)
}

/// All rows, written into new files; the old ones go. Of the same kind also while a sync runs.
pub(crate) async fn anew(config: &Config, to: Backend) -> anyhow::Result<Rewritten> {
    let (dir, from) = (config.data_dir(), compose::backend(config));
    apart(move || match from == to {
        true => footbridge_store::compact(&dir, to),
        false => footbridge_store::rewrite(&dir, from, to),
    })
    .await
}

fn named(name: &str) -> Result<Backend, UsageError> {
    name.parse().map_err(UsageError)
}

/// On disk at most so many times what lives.
const MOST_TIMES: u64 = 4;
/// Below so many bytes to gain, nobody needs to hear of it: an empty store takes some too.
const WORTH_IT: u64 = 64_000_000;

/// What the rows take, and whether writing them anew is worth it. Reads every row and checks it.
pub(crate) async fn measured(config: &Config) -> anyhow::Result<(String, Asked)> {
    let (store, asked) = compose::to_look(config)?;
    let report = store.verify().await?;
    if let Some(first) = report.damaged.first() {
        let others = report.damaged.len().saturating_sub(1);
        return Err(anyhow::Error::from(first.clone()).context(format!(
            "{} and {others} more can't be read",
            count(1, "row")
        )));
    }
    let on_disk = store.size_on_disk().await?;
    Ok((told(report.rows, report.live_bytes, on_disk), asked))
}

fn told(rows: u64, live: u64, on_disk: u64) -> String {
    let text = format!(
        "{rows} rows, all readable; {} live, {} on disk",
        size(live),
        size(on_disk)
    );
    let overgrown =
        on_disk > live.saturating_mul(MOST_TIMES) && on_disk.saturating_sub(live) > WORTH_IT;
    match overgrown {
        true => format!(
            "{text}: over {MOST_TIMES} times as much. `footbridge compact` writes them anew"
        ),
        false => text,
    }
}

/// Bytes for people: 1 MB is 10^6 bytes.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_store_that_takes_over_four_times_what_lives_is_told() {
        let compact = |live, on_disk| told(9, live, on_disk).contains("footbridge compact");
        assert!(!compact(100_000_000, 400_000_000));
        assert!(compact(100_000_000, 400_000_001));
        assert!(!compact(1_000, 60_000_000), "a small store needs none");
        assert_eq!(
            told(9, 1_234, 5_000_000),
            "9 rows, all readable; 1234 bytes live, 5000 kB on disk"
        );
    }
}
