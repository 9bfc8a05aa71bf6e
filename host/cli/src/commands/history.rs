//! `footbridge history`: what was done to a record, by whom and why, as a story or for other programs. Reads only the data directory.

use crate::args;
use crate::commands::{Output, print_json, show, show_as_is};
use crate::compose::Composition;
use crate::config::Config;
use crate::csv;
use crate::exit::{Exit, UsageError};
use crate::private;
use crate::render::{safe, theirs, wrapped};
use anyhow::Context;
use footbridge_engine::{Deed, Entry, Value};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// The head of the table for other programs.
const HEAD: [&str; 17] = [
    "at",
    "deed",
    "object",
    "record",
    "field",
    "old",
    "new",
    "source_object",
    "source",
    "source_version",
    "title",
    "why",
    "decided_by",
    "request",
    "connector",
    "transform",
    "settings",
];

pub(crate) async fn run(
    config: &Config,
    args: &args::History,
    output: Output,
) -> anyhow::Result<Exit> {
    // Clap sees a `--json` only behind the command.
    if output == Output::Json && (args.csv || args.jsonl) {
        let form = if args.csv { "--csv" } else { "--jsonl" };
        return Err(UsageError(format!(
            "the argument '{form}' cannot be used with '--json': one form at a time"
        ))
        .into());
    }
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::look(config, name, flow).await?;
    let Some(mut entries) = composition.engine.history(&args.record).await? else {
        return Err(UsageError(format!(
            "nothing was done to {:?} that is known here. Name a record by its id at either side, or an invoice by its number",
            args.record
        ))
        .into());
    };
    entries.retain(|entry| args.since.is_none_or(|since| entry.at >= since));
    if let Some(field) = &args.field {
        for entry in &mut entries {
            entry.fields.retain(|change| change.field == *field);
        }
        entries.retain(|entry| !entry.fields.is_empty());
    }
    match (output, args.csv, args.jsonl) {
        (_, true, _) => show_as_is(&table(&entries))?,
        (_, _, true) => {
            let lines: Result<String, _> = entries.iter().map(|e| Form::JsonLines.of(e)).collect();
            show_as_is(&lines?)?;
        }
        (Output::Json, ..) => print_json(&entries)?,
        (Output::Text, ..) if entries.is_empty() => show("Nothing of that was done.\n")?,
        (Output::Text, ..) => show(&story(&entries))?,
    }
    Ok(Exit::Done)
}

/// `footbridge export history`: all of it, into a file that must not be there yet.
pub(crate) async fn export(
    config: &Config,
    args: &args::ExportHistory,
    output: Output,
) -> anyhow::Result<Exit> {
    let (path, form) = match (&args.csv, &args.jsonl) {
        (Some(path), _) => (path, Form::Csv),
        (None, Some(path)) => (path, Form::JsonLines),
        (None, None) => {
            return Err(UsageError("name a file: --csv FILE or --jsonl FILE".to_owned()).into());
        }
    };
    if path.as_os_str() == "-" {
        return Err(UsageError(
            "an export is a file that only its owner can read, and - names none: name one, such as history.jsonl. `footbridge history RECORD --jsonl` prints what was done to one record".to_owned(),
        )
        .into());
    }
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::look(config, name, flow).await?;
    let shown = path.display();
    let file = private::create_new(path).map_err(|error| {
        UsageError(format!(
            "{shown} can't be made: {error}. Name a file that isn't there yet, in a folder that is"
        ))
    })?;
    let mut file = BufWriter::new(file);
    let mut written = match form {
        Form::Csv => file.write_all(csv::row(HEAD).as_bytes()),
        Form::JsonLines => Ok(()),
    };
    let mut count = 0usize;
    composition
        .engine
        .each_entry(|entry| {
            count += 1;
            written = form
                .of(&entry)
                .and_then(|text| file.write_all(text.as_bytes()));
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
        .await?;
    written
        .and_then(|()| file.flush())
        .and_then(|()| file.get_ref().sync_all())
        .with_context(|| format!("{shown} can't be written"))?;
    match output {
        Output::Json => print_json(&json!({"exported": count}))?,
        Output::Text => show(&format!("{count} changes are in {shown}.\n"))?,
    }
    Ok(Exit::Done)
}

/// How entries are written for other programs.
#[derive(Debug, Clone, Copy)]
enum Form {
    Csv,
    JsonLines,
}

impl Form {
    /// An entry with the end of its last line.
    fn of(self, entry: &Entry) -> std::io::Result<String> {
        Ok(match self {
            Self::Csv => rows(entry),
            Self::JsonLines => serde_json::to_string(entry)? + "\n",
        })
    }
}

fn table(entries: &[Entry]) -> String {
    let rows = entries.iter().map(rows);
    std::iter::once(csv::row(HEAD)).chain(rows).collect()
}

fn rows(entry: &Entry) -> String {
    let mut text = String::new();
    let deed = deed(entry.deed);
    let at = entry
        .at
        .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let request = entry
        .request
        .as_ref()
        .map_or("", |request| request.as_str());
    let mut line = |field: &str, old: &str, new: &str| {
        text.push_str(&csv::row([
            at.as_str(),
            deed,
            entry.record.object.as_str(),
            entry.record.id.as_str(),
            field,
            old,
            new,
            entry.source.object.as_str(),
            entry.source.id.as_str(),
            entry.source_version.as_deref().unwrap_or_default(),
            entry.title.as_str(),
            entry.why.as_str(),
            entry.decided_by.as_deref().unwrap_or_default(),
            request,
            entry.connector.as_str(),
            entry.transform.as_str(),
            entry.settings.as_str(),
        ]));
    };
    if entry.fields.is_empty() {
        line("", "", "");
    }
    for change in &entry.fields {
        let old = change.old.as_ref().map(plain).unwrap_or_default();
        line(&change.field, &old, &plain(&change.new));
    }
    text
}

fn story(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let head = format!(
            "{}  {} {} {}: {}",
            entry.at.format("%Y-%m-%d %H:%M"),
            safe(entry.record.object.as_str(), 40),
            safe(entry.record.id.as_str(), 80),
            deed(entry.deed),
            theirs(&entry.title, 60),
        );
        text.push_str(&wrapped(&head, 0));
        text.push_str(&wrapped(&safe(&entry.why, 600), 4));
        for change in &entry.fields {
            let line = match &change.old {
                Some(old) => format!(
                    "{}: {} -> {}",
                    safe(&change.field, 60),
                    shown(old),
                    shown(&change.new)
                ),
                None => format!("{}: {}", safe(&change.field, 60), shown(&change.new)),
            };
            text.push_str(&wrapped(&line, 6));
        }
        let by = match &entry.decided_by {
            Some(by) => format!("after {} decided about it; ", safe(by, 60)),
            None => String::new(),
        };
        let version = match &entry.source_version {
            Some(version) => format!(" at version {}", safe(version, 60)),
            None => String::new(),
        };
        let start = |digest: &str| safe(digest, 8).trim_end_matches('…').to_owned();
        let origin = format!(
            "{by}from {} {}{version}; mapping {}, its settings {}, connector {}",
            safe(entry.source.object.as_str(), 40),
            safe(entry.source.id.as_str(), 80),
            start(&entry.transform),
            start(&entry.settings),
            start(&entry.connector),
        );
        text.push_str(&wrapped(&origin, 4));
    }
    text
}

fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Created => "created",
        Deed::Updated => "updated",
        Deed::Linked => "linked",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Empty => "(empty)".to_owned(),
        Value::Text(text) => theirs(text, 160),
        Value::Digest { .. } | Value::Erased => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => text.clone(),
        Value::Erased => "(erased)".to_owned(),
        Value::Digest { sha256, bytes } => format!("({bytes} bytes, SHA-256 {sha256})"),
    }
}
