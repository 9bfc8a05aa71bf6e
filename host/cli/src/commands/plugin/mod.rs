//! `footbridge plugin ...`: what a component is and asks for, and the operator's word on it. A file a command; this one dispatches.
//!
//! Inspecting runs nothing. Only `install` and `grant` grant, each with a yes to just what was shown.

pub(crate) mod ask;
mod grant;
mod inspect;
mod install;
mod list;
mod rehearse;
mod sign;
mod staged;

use crate::args::Plugin;
use crate::commands::Output;
use crate::exit::Exit;
use std::path::Path;

pub(crate) use staged::waiting;

pub(crate) async fn run(config: &Path, command: &Plugin, output: Output) -> anyhow::Result<Exit> {
    match command {
        Plugin::Inspect(args) => inspect::run(config, args, output),
        Plugin::Install(args) => install::run(config, args, output).await,
        Plugin::Grant(args) => grant::give(config, args, output).await,
        Plugin::Revoke(args) => grant::revoke(config, args, output),
        Plugin::Use { digest } => rehearse::switch(config, digest, output).await,
        Plugin::List => list::run(config, output).await,
        Plugin::Remove { name } => list::remove(config, name, output),
        Plugin::Staged => staged::run(config, output),
        Plugin::Sign(args) => sign::run(args, output),
    }
}
