//! The program: reads the command line, dispatches, prints an error once. The composition root is in [`compose`].
//!
//! What is public here is for tests that compose what the binary composes; it is no API for others.

mod args;
mod commands;
pub mod compose;
pub mod config;
mod csv;
mod customers;
mod exit;
mod lending;
mod private;
mod progress;
pub mod provisioning;
mod render;
mod switch;
pub mod template;
mod typed;
mod who;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use commands::Output;
use config::Config;
use exit::Exit;
use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// The whole process: the exit code is the one that is documented under `footbridge --help`.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((compose::COMPILE, rest)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return footbridge_sandbox::compile_child(rest);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &arguments),
    };
    let output = if cli.json { Output::Json } else { Output::Text };
    typed::given(&cli.config);
    logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            commands::aside(&format!("footbridge: threads can't be started: {error}\n"));
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
        Command::Completions { shell } => {
            let mut command = Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "footbridge", &mut script);
            commands::written(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
        Command::Init(args) => commands::init::run(args, output),
        Command::Plugin(args) => commands::plugin::run(&cli.config, args, output).await,
        Command::Doctor(args) => commands::doctor::run(&cli.config, args, output).await,
        Command::Connect(args) => {
            commands::connect::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Disconnect(args) => {
            commands::disconnect::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Plan(args) => commands::plan::run(&Config::read(&cli.config)?, args, output).await,
        Command::Plans(args) => {
            commands::plan::saved::list(&Config::read(&cli.config)?, args, output).await
        }
        Command::Stop(args) => commands::stop::stop(&cli.config, args, output),
        Command::Go(args) => commands::stop::go(&cli.config, args, output),
        Command::Sync(args) => commands::sync::run(&Config::read(&cli.config)?, args, output).await,
        Command::Provision(args) => {
            commands::provision::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Backup(args) => commands::backup::backup(&cli.config, args, output).await,
        Command::Restore(args) => commands::backup::restore(&cli.config, args, output).await,
        Command::Compact => commands::backup::compact(&Config::read(&cli.config)?, output).await,
        Command::Migrate(args) => {
            commands::backup::migrate(&Config::read(&cli.config)?, args, output).await
        }
        Command::Audit(args) => commands::audit::run(&Config::read(&cli.config)?, args, output),
        Command::Status(args) => {
            commands::status::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Retention(args) => {
            commands::retention::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Erase(args) => {
            commands::erase::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Export(args::Export::History(args)) => {
            commands::history::export(&Config::read(&cli.config)?, args, output).await
        }
        Command::History(args) => {
            commands::history::run(&Config::read(&cli.config)?, args, output).await
        }
        Command::Replay(args) => {
            commands::replay::run(&Config::read(&cli.config)?, args, output).await
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
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .log_internal_errors(false)
        .with_target(false)
        .init();
}

/// Help and version are no mistakes; a mistake is told as JSON where JSON was asked for.
fn misused(error: &clap::Error, arguments: &[String]) -> ExitCode {
    if let Some(config) = value_of(arguments, "--config").or_else(|| value_of(arguments, "-c")) {
        typed::given(Path::new(config));
    }
    if let Some(flow) = value_of(arguments, "--flow") {
        typed::about(flow);
    }
    if error.use_stderr() && arguments.iter().any(|argument| argument == "--json") {
        let text = error.to_string();
        let text = typed::in_text(&text);
        let message = text.trim_start_matches("error: ").trim_end();
        // Nobody is left to tell when standard output is gone.
        let _printed = commands::print_json(&exit::as_json(Exit::Usage, message, &[]));
        return Exit::Usage.into();
    }
    let rendered = error.render();
    let text = rendered.to_string();
    match typed::in_text(&text) {
        Cow::Owned(told) if error.use_stderr() => commands::aside(&told),
        // Nobody is left to tell when the terminal is gone.
        _ => drop(error.print()),
    }
    if error.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Done.into()
    }
}

/// The value of an option on a command line that can't be read whole.
fn value_of<'a>(arguments: &'a [String], option: &str) -> Option<&'a str> {
    let mut all = arguments.iter();
    while let Some(argument) = all.next() {
        match argument.strip_prefix(option) {
            Some("") => return all.next().map(String::as_str),
            Some(rest) if rest.starts_with('=') => return rest.strip_prefix('='),
            _ => {}
        }
    }
    None
}

/// The error once, with its causes, made harmless for a terminal.
fn report(error: &anyhow::Error, output: Output) {
    let message = error.to_string();
    let mut said = message.clone();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said.push_str(&cause);
            causes.push(cause);
        }
    }
    causes.extend(exit::way_out(error, chrono::Utc::now()));
    match output {
        Output::Json => {
            // Nobody is left to tell when standard output is gone.
            let _printed = commands::print_json(&exit::as_json(exit::of(error), &message, &causes));
        }
        Output::Text => {
            let all = std::iter::once(&message).chain(&causes);
            for (n, line) in all.flat_map(|text| text.lines()).enumerate() {
                let first = if n == 0 { "footbridge: " } else { "  " };
                let line = render::safe(&typed::in_text(line), 2000);
                commands::aside(&format!("{first}{line}\n"));
            }
        }
    }
}
