//! The audit on disk: one JSON object a line, `audit.jsonl` in the data directory, and one older file once it is full.
//!
//! It is a record for people, not a journal: nothing is decided on it, and a line that a crash cut short is left out
//! when it is read. `footbridge audit` shows it.

use super::audit::{AuditRecord, AuditSink};
use crate::seal::{private_folder, private_options};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A full file is put aside; the one put aside before is dropped.
const FULL: u64 = 16 << 20;
/// Longest line that is read back.
const LONGEST: usize = 16 << 10;

/// Why the audit can't be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("the audit file {}: {source}", path.display())]
pub struct AuditLogError {
    /// Which.
    pub path: PathBuf,
    /// Why not.
    pub source: std::io::Error,
}

/// The audit of one data directory.
#[derive(Debug, Clone)]
pub struct AuditLog {
    folder: PathBuf,
}

struct Open {
    file: Option<File>,
    size: u64,
}

impl AuditLog {
    /// The audit in this folder. Nothing is opened yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Opens the file for writing; records given to the sink are appended.
    ///
    /// # Errors
    /// The folder or the file can't be made.
    pub fn sink(&self) -> Result<AuditSink, AuditLogError> {
        private_folder(&self.folder).map_err(|source| self.failed(&self.folder, source))?;
        let open = Mutex::new(self.open()?);
        let log = self.clone();
        Ok(Arc::new(move |record| {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = log.append(&mut open, &record) {
                tracing::error!(%error, "a request could not be written to the audit");
            }
        }))
    }

    /// The newest records, oldest first, at most `most` of those that `wanted` takes.
    ///
    /// # Errors
    /// A file is there and can't be read.
    pub fn last(
        &self,
        most: usize,
        wanted: impl Fn(&AuditRecord) -> bool,
    ) -> Result<Vec<AuditRecord>, AuditLogError> {
        let mut kept = std::collections::VecDeque::new();
        for path in [self.older(), self.newest()] {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(self.failed(&path, source)),
            };
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(|source| self.failed(&path, source))?;
                let Ok(record) = serde_json::from_slice::<AuditRecord>(&line) else {
                    continue;
                };
                if line.len() <= LONGEST && wanted(&record) {
                    kept.push_back(record);
                    if kept.len() > most {
                        kept.pop_front();
                    }
                }
            }
        }
        Ok(kept.into())
    }

    fn newest(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    fn older(&self) -> PathBuf {
        self.folder.join("audit.1.jsonl")
    }

    fn open(&self) -> Result<Open, AuditLogError> {
        let path = self.newest();
        let opened = private_options().create(true).append(true).open(&path);
        let opened = opened.and_then(|mut file| {
            let size = file.metadata()?.len();
            if size > 0 {
                // A line that a crash cut short must not swallow the next one.
                file.write_all(b"\n")?;
            }
            Ok(Open {
                file: Some(file),
                size,
            })
        });
        opened.map_err(|source| self.failed(&path, source))
    }

    fn append(&self, open: &mut Open, record: &AuditRecord) -> Result<(), AuditLogError> {
        let path = self.newest();
        let mut line = serde_json::to_vec(record)
            .map_err(|error| self.failed(&path, std::io::Error::from(error)))?;
        line.push(b'\n');
        if open.size >= FULL || open.file.is_none() {
            // Closed first: some systems rename no open file.
            open.file = None;
            if open.size >= FULL {
                std::fs::rename(&path, self.older())
                    .map_err(|source| self.failed(&path, source))?;
            }
            *open = self.open()?;
        }
        if let Some(file) = &mut open.file {
            file.write_all(&line)
                .map_err(|source| self.failed(&path, source))?;
            open.size += u64::try_from(line.len()).unwrap_or(0);
        }
        Ok(())
    }

    fn failed(&self, path: &Path, source: std::io::Error) -> AuditLogError {
        AuditLogError {
            path: path.to_owned(),
            source,
        }
    }
}
