//! `footbridge erase`: what is kept here about records so that people can look it up is emptied, after a yes. Nothing is sent anywhere.

use crate::args;
use crate::commands::plugin::ask::answer_or_yes;
use crate::commands::{Output, backup, print_json, show};
use crate::compose::{self, Composition};
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{count, safe, wrapped};
use anyhow::Context;
use footbridge_engine::{Engine, Erased, Mode};
use serde_json::{Map, Value, json};

pub(crate) async fn run(
    config: &Config,
    args: &args::Erase,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    if output == Output::Json && !args.yes && !args.dry_run {
        return Err(UsageError("JSON asks no questions: add --yes or --dry-run".to_owned()).into());
    }
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    let would = each(engine, &args.records, Mode::Dry).await?;
    let unknown = would.iter().find(|(_, erased)| erased.is_nothing());
    if let Some((id, _)) = unknown {
        return Err(UsageError(format!(
            "nothing is kept about {id:?} that could be erased. Name a record by its id at either side, or an invoice by its number"
        ))
        .into());
    }
    let words = told(&would);
    let yes = args.yes
        || (!args.dry_run
            && answer_or_yes(
                &format!("{words}It can't be brought back, and backups still hold it.\n"),
                "Erase it?",
                "nothing was erased",
            )?);
    if !yes {
        match output {
            Output::Json => print_json(&as_json(&would, Mode::Dry))?,
            Output::Text if args.dry_run => show(&format!("{words}Nothing was erased.\n"))?,
            Output::Text => show("Nothing was erased.\n")?,
        }
        return Ok(Exit::Done);
    }
    let erased = each(engine, &args.records, Mode::Do).await?;
    // What a row held stays in the free pages of the store's files until they are written anew; what is open here would only be asked to.
    drop(composition);
    let anew = backup::anew(config, compose::backend(config)).await;
    anew.context(LEFT)?;
    match output {
        Output::Json => print_json(&as_json(&erased, Mode::Do))?,
        Output::Text => show(&wrapped(
            "It is erased, and the rows were written anew, so that the files of the data directory don't hold it either. Backups made before still hold it, and so do Salesforce and Xero where the record is there.",
            0,
        ))?,
    }
    Ok(Exit::Done)
}

/// Told where the second step fails.
const LEFT: &str = "it is erased and no command shows it any more, but the files of the data directory may still hold it, for their rows could not be written anew. Put right what follows, then `footbridge compact`";

async fn each<'a>(
    engine: &Engine,
    records: &'a [String],
    mode: Mode,
) -> anyhow::Result<Vec<(&'a str, Erased)>> {
    let mut found = Vec::new();
    for id in records {
        found.push((id.as_str(), engine.erase(id, mode).await?));
    }
    Ok(found)
}

fn as_json(found: &[(&str, Erased)], mode: Mode) -> Value {
    let records: Map<String, Value> = found
        .iter()
        .map(|(id, erased)| ((*id).to_owned(), json!(erased)))
        .collect();
    json!({"erased": mode == Mode::Do, "records": records})
}

fn told(found: &[(&str, Erased)]) -> String {
    let mut text = String::new();
    for (id, erased) in found {
        let parts: Vec<String> = [
            (erased.history, "history row"),
            (erased.journal, "journal line"),
            (erased.requests, "settled request"),
            (erased.plans, "old plan"),
            (erased.decisions, "settled decision"),
            (erased.records, "deleted record"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| count(n, what))
        .collect();
        let parts = match parts.as_slice() {
            [] => "nothing more".to_owned(),
            parts => parts.join(", "),
        };
        let line = format!("{}: {parts}.", safe(id, 80));
        text.push_str(&wrapped(&line, 0));
        for (key, title) in &erased.hanging {
            let line = format!("With it: {} ({}).", safe(title, 80), safe(key, 160));
            text.push_str(&wrapped(&line, 2));
        }
        if !erased.open_requests.is_empty() {
            let line = format!(
                "{} without an outcome keep what they need; erase again when nothing is in doubt.",
                count(erased.open_requests.len(), "request")
            );
            text.push_str(&wrapped(&line, 2));
        }
        for plan in &erased.open_plans {
            let line = format!(
                "Plan {plan} may still be applied; `footbridge plan withdraw {plan}`, then erase again."
            );
            text.push_str(&wrapped(&line, 2));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_with_a_record_is_named() {
        let erased = Erased {
            history: 2,
            hanging: [(
                "org/payment/p".to_owned(),
                "Payment of 30.00 GBP".to_owned(),
            )]
            .into(),
            ..Erased::default()
        };
        let text = told(&[("INV-0042", erased)]);
        assert!(text.starts_with("INV-0042: 2 history rows.\n"), "{text}");
        assert!(
            text.contains("With it: Payment of 30.00 GBP (org/payment/p)."),
            "{text}"
        );
    }
}
