//! One file a command. Each returns how the process ends; `main` prints errors.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod items;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod status;
pub(crate) mod sync;

/// How a command's result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Text for people.
    Text,
    /// One JSON object.
    Json,
}

/// Prints a JSON object on standard output.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
