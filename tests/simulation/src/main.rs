//! `footbridge-simulation`: plays many seeds, or replays one step by step. README.md has the words.

use anyhow::{Context, bail};
use footbridge_scenarios::Setting;
use footbridge_simulation::{Report, Schedule, Wanted, generate, many, play};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
footbridge-simulation [--schedules N] [--seed N] [--threads N] [--shrink PLAYS] [--json] [--keep FOLDER]
footbridge-simulation --replay SEED
footbridge-simulation --schedule FILE
  --schedules  how many seeds are played, from --seed on: 2000, 1
  --shrink     most plays to make one failure small: 200
  --keep       writes each failure's schedule there, to be played with --schedule";

struct Asked {
    wanted: Wanted,
    json: bool,
    keep: Option<PathBuf>,
    one: Option<Schedule>,
}

fn asked() -> anyhow::Result<Asked> {
    let mut asked = Asked {
        wanted: Wanted {
            seed: 1,
            schedules: 2_000,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            shrink: 200,
        },
        json: false,
        keep: None,
        one: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--help" {
            println!("{USAGE}");
            std::process::exit(0);
        }
        if word == "--json" {
            asked.json = true;
            continue;
        }
        let value = words
            .next()
            .with_context(|| format!("{word} wants a value\n{USAGE}"))?;
        match word.as_str() {
            "--schedules" => asked.wanted.schedules = value.parse()?,
            "--seed" => asked.wanted.seed = value.parse()?,
            "--threads" => asked.wanted.threads = value.parse()?,
            "--shrink" => asked.wanted.shrink = value.parse()?,
            "--keep" => asked.keep = Some(PathBuf::from(value)),
            "--replay" => asked.one = Some(generate(value.parse()?)),
            "--schedule" => {
                let text = std::fs::read_to_string(&value).with_context(|| value.clone())?;
                asked.one = Some(serde_json::from_str(&text).with_context(|| value.clone())?);
            }
            _ => bail!("{word} is not known\n{USAGE}"),
        }
    }
    Ok(asked)
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = asked()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Beside the program, so that the plugins are compiled once.
    let program = std::env::current_exe()?;
    let plugins = program.with_file_name("simulation-plugins");
    let setting = runtime.block_on(Setting::open(&plugins))?;
    if let Some(schedule) = &asked.one {
        return replay(&runtime, schedule, &setting);
    }
    let json = asked.json;
    let report = many(asked.wanted, &setting, &|seed, how| {
        if !json || how != "holds" {
            eprintln!("seed {seed}: {how}");
        }
    });
    if let Some(folder) = &asked.keep {
        std::fs::create_dir_all(folder)?;
        for failed in &report.failed {
            let file = folder.join(format!("seed-{}.json", failed.seed));
            std::fs::write(file, serde_json::to_string_pretty(&failed.schedule)?)?;
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        told(&report);
    }
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn replay(
    runtime: &tokio::runtime::Runtime,
    schedule: &Schedule,
    setting: &Setting,
) -> anyhow::Result<ExitCode> {
    let outcome = runtime.block_on(play(schedule, setting))?;
    for line in &outcome.story {
        println!("{line}");
    }
    println!("digest {}", outcome.digest);
    let Some(broken) = outcome.broken else {
        println!("every property holds");
        return Ok(ExitCode::SUCCESS);
    };
    println!("BROKEN: {}", broken.property);
    for what in broken.says {
        println!("  {what}");
    }
    Ok(ExitCode::FAILURE)
}

fn told(report: &Report) {
    for failed in &report.failed {
        println!(
            "\nseed {}: {}, made small in {} plays",
            failed.seed, failed.broken.property, failed.plays
        );
        for line in &failed.story {
            println!("  {line}");
        }
        for what in &failed.broken.says {
            println!("  {what}");
        }
    }
    for what in &report.unplayable {
        println!("{what}");
    }
    println!("{} schedules in {} s", report.schedules, report.seconds);
    println!("{:#?}", report.tally);
    for (property, count) in &report.broken {
        println!("{count:>6}  broke \"{property}\"");
    }
}
