//! A plan in a file, for others to read and to approve: the whole plan, its id, and a digest that only this installation's key makes.
//!
//! Whoever changes the file can't make that digest, so a file that was edited is refused; what is carried out is read from the data
//! directory in any case, never from the file.

use crate::config::Config;
use crate::exit::UsageError;
use crate::private;
use anyhow::Context;
use footbridge_engine::Engine;
use footbridge_engine::saved::{FORMAT, SavedPlan};
use footbridge_sandbox::InstallationKey;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    /// For whoever opens it.
    note: String,
    /// The plan's id.
    id: String,
    /// The keyed digest over the plan.
    digest: String,
    /// The plan.
    footbridge_plan: SavedPlan,
}

/// Refuses a file that is there, before anything is read or kept.
pub(super) fn is_free(path: &Path) -> Result<(), UsageError> {
    // A link that leads nowhere is there too.
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) => Err(UsageError(format!(
            "{} is there already and was left as it is. Nothing was saved; name another file",
            path.display()
        ))),
    }
}

/// Writes a plan to a new file.
pub(super) fn write(config: &Config, path: &Path, plan: &SavedPlan) -> anyhow::Result<()> {
    let key = InstallationKey::open_or_create(&config.key_file())?;
    let file = PlanFile {
        note: "A plan of Footbridge, to be read. If anything in it is changed, it is refused."
            .to_owned(),
        id: plan.id()?,
        digest: key.digest_of_plan(&plan.canonical()?),
        footbridge_plan: plan.clone(),
    };
    let id = &file.id;
    let text = serde_json::to_string_pretty(&file)? + "\n";
    let mut made = private::create_new(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => UsageError(format!(
            "{} is there already and was left as it is. The plan is saved as {id}: `footbridge plan show {id}`",
            path.display()
        ))
        .into(),
        _ => anyhow::Error::from(error).context(format!(
            "{} can't be written. The plan is saved as {id}",
            path.display()
        )),
    })?;
    std::io::Write::write_all(&mut made, text.as_bytes())
        .with_context(|| format!("{} can't be written", path.display()))
}

/// The id that is meant: given as such, or by a file that proves to be as it was written here.
pub(super) fn id_of(config: &Config, engine: &Engine, given: &str) -> anyhow::Result<String> {
    let path = Path::new(given);
    let is_id = given.len() <= 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id && !path.exists() {
        return Ok(given.to_owned());
    }
    let wrong = |what: String| UsageError(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| {
        wrong(format!(
            "can't be read: {e}. Give the id of a saved plan as `footbridge plan list` shows it, or a file that `footbridge plan --out` wrote"
        ))
    })?;
    let file: PlanFile = serde_json::from_str(&text).map_err(|e| {
        wrong(format!(
            "is no whole plan file: {e}. Nothing was written. Was it cut short? Write it again with `footbridge plan --out`"
        ))
    })?;
    let plan = file.footbridge_plan;
    if plan.format != FORMAT {
        return Err(wrong(format!(
            "is written in form {}, and this version knows {FORMAT}. Nothing was written",
            plan.format
        ))
        .into());
    }
    engine.is_ours(&file.id, &plan)?;
    let key = InstallationKey::open_or_create(&config.key_file())?;
    let as_written = key.made_plan_digest(&plan.canonical()?, &file.digest);
    if !as_written || plan.id()? != file.id {
        return Err(wrong(
            "the plan in it was changed after it was written, so it is refused. Nothing was written. To leave something out, `footbridge plan approve` takes --only and --except"
                .to_owned(),
        )
        .into());
    }
    Ok(file.id)
}
