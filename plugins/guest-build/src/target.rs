//! Makes sure that the compiler can build for the guests' target, and installs the target with rustup if it can't.
//!
//! It never touches another toolchain than the one in use, and never downloads anything but through rustup.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::BuildFailure;
use crate::place::Place;

/// The target that guests are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// Returns once the target's standard library is there.
pub(crate) fn ensure(place: &Place) -> Result<(), BuildFailure> {
    if is_installed() {
        return Ok(());
    }
    let toolchain = env::var("RUSTUP_TOOLCHAIN").ok();
    let install = || -> Result<(), String> {
        // Several build scripts may find it missing at once; rustup is run by one of them.
        fs::create_dir_all(&place.guests).map_err(|error| error.to_string())?;
        let lock = File::create(place.guests.join("target-add.lock"))
            .map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        if is_installed() {
            return Ok(());
        }
        rustup_target_add(toolchain.as_deref())?;
        if is_installed() {
            Ok(())
        } else {
            Err("rustup reports it as installed and its files are not there; uninstall the toolchain and install it again".to_owned())
        }
    };
    install().map_err(|reason| BuildFailure::NoTarget {
        toolchain: toolchain.clone(),
        reason,
    })
}

/// Whether the compiler in use has a standard library for the target.
fn is_installed() -> bool {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(compiler)
        .args(["--print", "target-libdir", "--target", TARGET])
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .stderr(Stdio::null())
        .output();
    let Ok(answer) = asked else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    holds_standard_library(&folder)
}

fn holds_standard_library(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn rustup_target_add(toolchain: Option<&str>) -> Result<(), String> {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    if let Some(toolchain) = toolchain {
        rustup.args(["--toolchain", toolchain]);
    }
    let output = rustup.stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        format!("its standard library is missing and rustup did not start ({error})")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "its standard library is missing and `rustup target add` failed ({})",
        last_words(&said)
    ))
}

/// What a failed command said last, on one line.
fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let tail = lines
        .get(lines.len().saturating_sub(3)..)
        .unwrap_or_default();
    if tail.is_empty() {
        "it said nothing".to_owned()
    } else {
        tail.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_standard_library_does_not_count() {
        assert!(!holds_standard_library(Path::new(
            "/nowhere/lib/rustlib/wasm32-wasip2/lib"
        )));
        assert!(!holds_standard_library(
            &env::temp_dir().join("footbridge-empty-libdir")
        ));
    }

    #[test]
    fn only_the_end_of_a_long_complaint_is_quoted() {
        assert_eq!(
            last_words("info: one\n\nerror: two\nthree\n four\n"),
            "error: two; three; four"
        );
        assert_eq!(last_words("\n"), "it said nothing");
    }
}
