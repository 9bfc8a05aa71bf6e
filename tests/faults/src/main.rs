//! `footbridge-faults`: plays the fault matrix and prints its table; exit code 1 if anything is wrong.
//!
//! It only reads its arguments; the library does the rest.

use anyhow::{Context, bail};
use footbridge_crash::auditor::Auditor;
use footbridge_faults::{
    Ground, Machine, Matrix, Outcome, Played, kinds, mistakes, reasons, skipped, table,
};
use footbridge_scenarios::Setting;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

const USAGE: &str = "usage: footbridge-faults [--json] [--audit] [--kinds] [--row TEXT] [--column TEXT] [--at-once N]

Plays every kind of write under every fault and prints the table. --row and --column play the rows and faults whose name contains TEXT.
--json prints every cell, with the reason where it can't be. --audit plays one cell of each fault again for the auditor, and a cell that this
machine can't play is an error then.
--kinds prints what the registry says of each kind of write, and plays nothing.";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut matrix = Matrix {
        at_once: 4,
        ..Matrix::default()
    };
    let mut as_json = false;
    let mut audit = false;
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || {
            given
                .next()
                .with_context(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--json" => as_json = true,
            "--audit" => audit = true,
            "--row" => matrix.row = value()?,
            "--column" => matrix.column = value()?,
            "--at-once" => matrix.at_once = value()?.parse()?,
            "--kinds" => {
                print!("{}", kinds());
                return Ok(ExitCode::SUCCESS);
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => bail!("unknown option {name}\n{USAGE}"),
        }
    }
    let auditor = match audit {
        true => {
            let auditor = Auditor::prepare().await?;
            Some(auditor.context("--audit asks for the auditor's verdict, and it can't run here")?)
        }
        false => None,
    };
    let began = Instant::now();
    let setting = Setting::open(&plugins()?).await?;
    let tell = |played: &Played| {
        if let Outcome::Known(why) = &played.outcome {
            eprintln!("KNOWN: {} x {}: {why}", played.row, played.column.name());
        }
        if let Outcome::Wrong(wrong) = &played.outcome {
            eprintln!(
                "WRONG: {} x {}: {}",
                played.row,
                played.column.name(),
                wrong.join("; ")
            );
        }
    };
    let grounds = [Ground::Here, Ground::Program];
    let machine = match matrix.cells(&[Ground::Program]).is_empty() {
        true => None,
        false => Some(Arc::new(Machine::prepare().await?)),
    };
    let cells = matrix.cells(&grounds);
    let all = matrix
        .play(cells, setting.sandbox(), machine.as_ref(), tell)
        .await;
    let audited = match auditor {
        Some(auditor) => matrix.audited(setting.sandbox(), &auditor).await,
        None => Vec::new(),
    };
    let left_out = skipped(&all);
    for (why, n) in &left_out {
        eprintln!("NOTICE: {n} cells were skipped: {why}");
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&told(&all))?);
    } else {
        println!("{}", table(&all));
        for (why, cells) in reasons(&all) {
            println!("- {why} ({} cells)", cells.len());
        }
    }
    let mut wrong = mistakes(&all);
    let disagreed = mistakes(&audited);
    for one in &disagreed {
        eprintln!("AUDITED AND WRONG: {one}");
    }
    eprintln!(
        "{} cells, {} wrong; {} audited again, {} disagreed; {} s",
        all.len(),
        wrong.len(),
        audited.len(),
        disagreed.len(),
        began.elapsed().as_secs()
    );
    wrong.extend(disagreed);
    if audit {
        // A long proof is whole or none.
        wrong.extend(left_out.keys().map(|why| format!("skipped: {why}")));
    }
    Ok(match wrong.is_empty() && !all.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Where the plugins are installed between runs.
fn plugins() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own file can't be found")?;
    let target = own.parent().context("it lies nowhere")?;
    Ok(target.join("footbridge-faults-plugins"))
}

fn told(all: &[Played]) -> Vec<Value> {
    all.iter()
        .map(|played| {
            let (outcome, more) = match &played.outcome {
                Outcome::Right { waited_for } => ("right", json!(waited_for)),
                Outcome::Wrong(wrong) => ("wrong", json!(wrong)),
                Outcome::Known(why) => ("known", json!([why])),
                Outcome::Cannot(why) => ("cannot", json!([why])),
                Outcome::Skipped(why) => ("skipped", json!([why])),
            };
            json!({"write": played.row, "fault": played.column.name(), "outcome": outcome, "details": more})
        })
        .collect()
}
