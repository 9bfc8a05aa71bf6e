//! The one binary: reads the command line, dispatches, prints an error once. Composition is in `compose`.

mod args;
mod commands;
mod compose;
mod config;
mod exit;
mod progress;
mod render;

use args::{Cli, Command};
use clap::Parser;
use commands::Output;
use config::Config;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((compose::COMPILE, rest)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return footbridge_sandbox::compile_child(rest);
    }
    let cli = Cli::parse();
    let output = if cli.json { Output::Json } else { Output::Text };
    logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("footbridge: threads can't be started: {error}");
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(dispatch(&cli, output)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = exit::of(&error);
            report(&error, output);
            exit.into()
        }
    }
}

async fn dispatch(cli: &Cli, output: Output) -> anyhow::Result<Exit> {
    match &cli.command {
        Command::Demo(args) => commands::demo::run(args, output).await,
        Command::Init(args) => commands::init::run(args, output),
        Command::Plugin(args) => commands::plugin::run(&cli.config, args, output).await,
        Command::Doctor(args) => commands::doctor::run(&cli.config, args, output).await,
        Command::Plan(args) => commands::plan::run(&Config::read(&cli.config)?, args, output).await,
        Command::Sync(args) => commands::sync::run(&Config::read(&cli.config)?, args, output).await,
        Command::Status(args) => {
            commands::status::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Items(args) => {
            commands::items::run(&Config::read(&cli.config)?, args, output).await
        }
    }
}

/// Logs go to standard error; `FOOTBRIDGE_LOG=debug` shows more.
fn logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FOOTBRIDGE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

/// The error once, with its causes, made harmless for a terminal.
fn report(error: &anyhow::Error, output: Output) {
    let mut lines = vec![error.to_string()];
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !lines.iter().any(|line| line.contains(&cause)) {
            lines.push(cause);
        }
    }
    match output {
        Output::Json => println!("{}", serde_json::json!({"error": lines.join(": ")})),
        Output::Text => {
            let mut lines = lines.iter().flat_map(|line| line.lines());
            eprintln!(
                "footbridge: {}",
                render::safe(lines.next().unwrap_or_default(), 2000)
            );
            for line in lines {
                eprintln!("  {}", render::safe(line, 2000));
            }
        }
    }
}
