//! A version of a plugin before it is put in use: a transform is tried on the recorded records of each flow that uses it, and
//! what it would draft otherwise is shown. Without a yes to that, the flow stays with the version before.
//!
//! Nothing is sent and nothing is stored but which version is in use. Also `footbridge plugin use`.

use super::ask::{Answer, Said, Word, answer};
use crate::commands::{Output, print_json, show};
use crate::compose::{self, Asked, Composition, Surroundings};
use crate::config::Config;
use crate::exit::Exit;
use crate::lending;
use crate::render::{count, safe};
use footbridge_engine::{DraftChange, Rehearsal};
use footbridge_sandbox::{Installed, PluginKind, Sandbox, SystemClock};
use footbridge_store::Store;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Most changes that are printed; JSON has them all.
const MOST_SHOWN: usize = 40;

/// What came of trying a version.
#[derive(Debug, Serialize)]
pub(crate) struct Rehearsed {
    /// Each flow that uses the plugin.
    flows: Vec<Tried>,
    /// Whether the version is in use now.
    in_use: bool,
}

#[derive(Debug, Serialize)]
struct Tried {
    flow: String,
    #[serde(flatten)]
    found: Option<Rehearsal>,
    /// Why it could not be tried.
    problem: Option<String>,
}

impl Rehearsed {
    pub(crate) fn taken(&self) -> bool {
        self.in_use
    }
}

/// Tries an installed version that is kept beside the one in use, and puts it in use if nothing would be drafted otherwise or
/// the operator says yes to what would. A digest given beforehand is no yes to what nobody has seen.
pub(crate) async fn before_use(
    config: &Config,
    sandbox: &Sandbox,
    store: Arc<dyn Store>,
    version: &Installed,
    word: Word<'_>,
) -> anyhow::Result<Rehearsed> {
    let flows = tried(config, sandbox, store, version).await?;
    let same = flows.iter().all(|tried| {
        tried
            .found
            .as_ref()
            .is_some_and(|found| found.changes.is_empty())
    });
    let shown = words(&flows);
    let in_use = if same {
        if word.output == Output::Text {
            show(&shown)?;
        }
        true
    } else if word.output == Output::Json {
        false
    } else if word.digest.is_some() || word.yes == Said::Yes {
        show(&shown)?;
        false
    } else {
        answer(&shown, "Use this version from now on?")? == Answer::Yes
    };
    if in_use {
        sandbox.switch(version.digest.as_str())?;
    }
    Ok(Rehearsed { flows, in_use })
}

/// `footbridge plugin use`: shows what would be drafted otherwise and changes over. The word is the command itself.
pub(crate) async fn switch(config: &Path, digest: &str, output: Output) -> anyhow::Result<Exit> {
    let config = Config::read(config)?;
    let store = compose::store(&config)?;
    let sandbox = compose::sandbox(&config)?;
    let version = sandbox.kept(&digest.to_ascii_lowercase())?;
    let flows = tried(&config, &sandbox, store, &version).await?;
    let version = sandbox.switch(version.digest.as_str())?;
    match output {
        Output::Json => print_json(&Rehearsed {
            flows,
            in_use: true,
        })?,
        Output::Text => show(&format!(
            "{}{} is now {}. The version before is kept.\n",
            words(&flows),
            safe(&version.name, 64),
            version.digest
        ))?,
    }
    Ok(Exit::Done)
}

/// A version on the recorded records of each flow that uses its plugin.
async fn tried(
    config: &Config,
    sandbox: &Sandbox,
    store: Arc<dyn Store>,
    version: &Installed,
) -> anyhow::Result<Vec<Tried>> {
    let mut flows = Vec::new();
    let uses = |transform: &str| transform == version.name && version.kind == PluginKind::Transform;
    for (name, flow) in config
        .flows
        .iter()
        .filter(|(_, flow)| uses(&flow.transform))
    {
        let surroundings = Surroundings {
            sandbox: sandbox.clone(),
            clock: Arc::new(SystemClock),
        };
        let open = Composition::assemble(
            config,
            (name, flow),
            (Arc::clone(&store), Asked::ToWork),
            &surroundings,
        );
        let tried = async {
            let granted = lending::transform_grant(sandbox, version, name)?;
            let other = sandbox.transform(version)?;
            Ok(open
                .await?
                .engine
                .rehearse(other.as_ref(), &granted)
                .await?)
        };
        let tried: anyhow::Result<Rehearsal> = tried.await;
        let (found, problem) = match tried {
            Ok(found) => (Some(found), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        flows.push(Tried {
            flow: name.clone(),
            found,
            problem,
        });
    }
    Ok(flows)
}

fn words(flows: &[Tried]) -> String {
    let mut text = String::new();
    for tried in flows {
        let flow = safe(&tried.flow, 64);
        match (&tried.found, &tried.problem) {
            (Some(found), _) if found.changes.is_empty() => text.push_str(&format!(
                "Tried on {} of flow {flow}: it drafts the same.\n",
                count(found.records, "recorded record")
            )),
            (Some(found), _) => {
                text.push_str(&format!(
                    "Tried on {} of flow {flow}: {} would be drafted otherwise.\n",
                    count(found.records, "recorded record"),
                    count(found.changes.len(), "field")
                ));
                text.extend(found.changes.iter().take(MOST_SHOWN).map(change));
                if found.changes.len() > MOST_SHOWN {
                    text.push_str(&format!(
                        "  and {} more; --json has them all\n",
                        found.changes.len() - MOST_SHOWN
                    ));
                }
            }
            (None, problem) => text.push_str(&format!(
                "It could not be tried on flow {flow}: {}\n",
                safe(problem.as_deref().unwrap_or("no reason known"), 600)
            )),
        }
    }
    text
}

fn change(change: &DraftChange) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => format!("{:?}", safe(text, 80)),
        None => "nothing".to_owned(),
    };
    format!(
        "  {}  {}: {} -> {}\n",
        safe(&change.record, 60),
        safe(&change.field, 60),
        value(&change.old),
        value(&change.new)
    )
}
