//! `footbridge-crash`: the long run of the crash proof. Prints one table; exit code 1 if anything is wrong.
//!
//! It only reads its arguments; the library does the rest.

use anyhow::{Context, bail};
use footbridge_crash::auditor::Auditor;
use footbridge_crash::programme::Programme;
use footbridge_crash::round::Ground;
use footbridge_crash::{binary, table};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

const USAGE: &str = "usage: footbridge-crash [--rounds N] [--faults N] [--enospc N] [--torn N] [--seed S] [--at-once N] [--audit-every N] [--only TEXT]

Kills footbridge at every point of its journal, in N rounds at random moments (100), and N times under each fault (1), and counts in the
simulators what became of it. --enospc N: N rounds on a disk that gets full (a tmpfs: needs root). --torn N: N rounds in which each kill is a
power cut that tears what was not synced (Linux). --audit-every 1 asks the auditor about every round. --only plays the rows whose name contains TEXT.";

fn arguments() -> anyhow::Result<Programme> {
    let mut programme = Programme {
        rounds: 100,
        faults: 1,
        enospc: 0,
        torn: 0,
        seed: 1,
        at_once: 6,
        audit_every: 1,
        only: String::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given
            .next()
            .with_context(|| format!("{name} needs a value\n{USAGE}"))?;
        let number = || {
            value
                .parse()
                .with_context(|| format!("{name} cannot be {value:?}"))
        };
        match name.as_str() {
            "--rounds" => programme.rounds = number()?,
            "--faults" => programme.faults = number()?,
            "--enospc" => programme.enospc = number()?,
            "--torn" => programme.torn = number()?,
            "--seed" => {
                programme.seed = value
                    .parse()
                    .with_context(|| format!("{name} cannot be {value:?}"))?
            }
            "--at-once" => programme.at_once = number()?,
            "--audit-every" => programme.audit_every = number()?,
            "--only" => programme.only = value,
            _ => bail!("unknown option {name}\n{USAGE}"),
        }
    }
    Ok(programme)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let mut programme = arguments()?;
    let program = binary::footbridge()?;
    let auditor = Auditor::prepare().await?;
    let power = programme.power()?;
    let ground = Arc::new(Ground::prepare(program, auditor, power).await?);
    let began = Instant::now();
    let all = programme
        .play(ground, |gone| {
            for wrong in &gone.wrong {
                println!("WRONG: {}: {wrong}", gone.label);
            }
        })
        .await?;
    println!("{}", table::table(&all));
    println!("seed {}, {} s", programme.seed, began.elapsed().as_secs());
    let mistakes = table::mistakes(&all);
    print!("{mistakes}");
    Ok(match mistakes.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
