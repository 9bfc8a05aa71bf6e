//! The watched folder: what lies there is looked at and listed. It is never granted, compiled or run, and nothing there
//! takes the place of anything: a person installs it with a yes.
//!
//! Links, oversized files and files that are still being written are listed with why they can't be staged.

use super::follow::Publisher;
use super::package::{Links, Package};
use super::report::Report;
use crate::limits::Limits;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most files that a look lists.
const MOST_FILES: usize = 200;

/// One component that lies in the folder.
#[derive(Debug, Clone, Serialize)]
pub struct Staged {
    /// Its file.
    pub file: PathBuf,
    /// What it is and asks for.
    pub report: Option<Report>,
    /// Why nothing can be said of it.
    pub refused: Option<String>,
}

/// Looks through a folder, by name. A folder that isn't there is empty.
///
/// # Errors
/// The folder can't be read.
pub fn staged(
    folder: &Path,
    limits: &Limits,
    publishers: &BTreeMap<String, Publisher>,
) -> std::io::Result<Vec<Staged>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            files.push(path);
        }
    }
    files.sort();
    files.truncate(MOST_FILES);
    let look = |file: PathBuf| {
        let package = Package::read_from(&file, None, limits, Links::Refuse);
        let report = package
            .map_err(|error| error.to_string())
            .and_then(|package| {
                Report::of(&package, limits, publishers).map_err(|error| error.to_string())
            });
        let (report, refused) = match report {
            Ok(report) => (Some(report), None),
            Err(why) => (None, Some(why)),
        };
        Staged {
            file,
            report,
            refused,
        }
    };
    Ok(files.into_iter().map(look).collect())
}
