//! `footbridge init`: a commented configuration and a mapping to start from. Nothing that exists is overwritten.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::exit::{Exit, UsageError};
use crate::template::{Fill, MAPPING, filled};
use anyhow::Context;
use serde_json::json;
use std::io::Write;
use std::path::Path;

pub(crate) fn run(args: &args::Init, output: Output) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.directory)
        .with_context(|| format!("{} can't be made", args.directory.display()))?;
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let config = filled(&Fill {
        salesforce_url: "https://your-domain.my.salesforce.com",
        salesforce_client: "the consumer key of your External Client App",
        salesforce_secret: "{ env = \"FOOTBRIDGE_SALESFORCE_SECRET\" }",
        xero_client: "the client id of your Xero custom connection",
        xero_secret: "{ env = \"FOOTBRIDGE_XERO_SECRET\" }",
        xero_urls: "# base-url = \"https://api.xero.com\"\n# token-url = \"https://identity.xero.com/connect/token\"",
        go_live: &now,
    });
    let files = [
        ("footbridge.toml", config.as_str()),
        ("lead-to-cash.toml", MAPPING),
    ];
    for (name, _) in files {
        let path = args.directory.join(name);
        if path.exists() {
            return Err(UsageError(format!(
                "{} is there already and was left as it is. Move it away, or use --directory with another folder",
                path.display()
            ))
            .into());
        }
    }
    for (name, text) in files {
        write_new(&args.directory.join(name), text)?;
    }
    match output {
        Output::Json => print_json(
            &json!({"written": ["footbridge.toml", "lead-to-cash.toml"], "directory": args.directory}),
        )?,
        Output::Text => {
            let (place, option) = if args.directory == Path::new(".") {
                ("this folder".to_owned(), String::new())
            } else {
                let folder = args.directory.display();
                (folder.to_string(), format!(" -c {folder}/footbridge.toml"))
            };
            show(&format!(
                "Wrote footbridge.toml and lead-to-cash.toml in {place}. Next\n\
                 \x20 1. fill in the two connections in footbridge.toml, and set FOOTBRIDGE_SALESFORCE_SECRET and FOOTBRIDGE_XERO_SECRET in the environment\n\
                 \x20 2. answer the billing questions in it; lead-to-cash.toml says which field goes where\n\
                 \x20 3. footbridge{option} doctor   checks everything that a sync needs\n\
                 \x20 4. footbridge{option} plan     shows what a first sync would do; it writes nothing\n\
                 \x20 5. footbridge{option} sync --go   says yes to that and does it; docs/plans.md has approvals, pilots and caps\n"
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("{} can't be written", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
