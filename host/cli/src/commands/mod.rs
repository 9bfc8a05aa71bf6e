//! One file a command. Each returns how the process ends; `main` prints errors.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod disconnect;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod items;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod provision;
pub(crate) mod replay;
pub(crate) mod retention;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod sync;

use crate::typed;
use anyhow::Context;
use std::io::{ErrorKind, Write};

/// How a command's result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Text for people.
    Text,
    /// One JSON object.
    Json,
}

/// Prints JSON on standard output.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    let text = typed::json(value)?;
    written(&format!("{text}\n"))
}

/// Prints on standard output. A reader that has seen enough (`| head`) is no failure; a full disk is one.
pub(crate) fn show(text: &str) -> anyhow::Result<()> {
    written(&typed::unmarked(&typed::in_text(text)))
}

/// Prints records for other programs on standard output, as they are.
pub(crate) fn show_as_is(text: &str) -> anyhow::Result<()> {
    written(text)
}

/// Prints on standard error, as it stands. Nobody is left to tell when that is gone.
pub(crate) fn aside(text: &str) {
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
}

pub(crate) fn written(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output can't be written")
        }
        _ => Ok(()),
    }
}
