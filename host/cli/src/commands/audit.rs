//! `footbridge audit`: every request that left or was refused, from the data directory alone.
//!
//! What plugins asked for is shown as they wrote it, made harmless. Next: `render.rs`.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{safe, table};
use footbridge_sandbox::{AuditRecord, Verdict};

pub(crate) fn run(config: &Config, args: &args::Audit, output: Output) -> anyhow::Result<Exit> {
    let records = compose::audit(config).last(args.last, |record| {
        !args.refused || record.verdict != Verdict::Answered
    })?;
    match output {
        Output::Json => print_json(&records)?,
        Output::Text if records.is_empty() => {
            show("No request was made yet that this command could show.\n")?;
        }
        Output::Text => show(&words(&records))?,
    }
    Ok(Exit::Done)
}

fn words(records: &[AuditRecord]) -> String {
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let what = match (record.status, &record.why) {
                (Some(status), _) => format!("{status}, {} bytes", record.bytes_in),
                (None, Some(why)) => format!("{}: {}", record.verdict, safe(why, 300)),
                (None, None) => record.verdict.to_string(),
            };
            vec![
                record.at.format("%Y-%m-%d %H:%M:%S").to_string(),
                safe(&record.connection, 40),
                safe(&record.by, 40),
                safe(&record.method, 8),
                format!("{} {}", safe(&record.service, 20), safe(&record.path, 60)),
                format!("{} ms", record.milliseconds),
                what,
            ]
        })
        .collect();
    let mut text = table(
        &[
            "when (UTC)",
            "connection",
            "who",
            "method",
            "what",
            "took",
            "became",
        ],
        &rows,
    );
    let findings = records.iter().filter(|r| r.secrets_found > 0).count();
    if findings > 0 {
        text.push_str(&format!(
            "{findings} of these answers repeated a credential, which was taken out. Find out who repeats it, and renew the credential.\n"
        ));
    }
    text
}
