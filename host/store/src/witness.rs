//! A note beside the rows of how far they reached.
//!
//! Responsible for: telling an empty or cut-off store from a new one; a backend that drops the end of its log when it
//! recovers can't hide it. Never: needed to read rows. Flow: read and written by `open`, written again by `writer`
//! every thousand commits and at a clean end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Seq, StoreMeta, disk};

/// What was on disk at some time before.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) installation: String,
    pub(crate) seq: u64,
}

#[derive(Debug)]
pub(crate) struct Witness {
    dir: PathBuf,
}

impl Witness {
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(crate) fn seen(&self) -> Result<Option<Sighting>, String> {
        let text = match fs::read(self.dir.join("witness.json")) {
            Ok(text) => text,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(other) => return Err(format!("witness.json: {other}")),
        };
        let sighting = serde_json::from_slice(&text);
        sighting
            .map(Some)
            .map_err(|error| format!("witness.json: {error}"))
    }

    /// Notes that `seq` is on disk.
    pub(crate) fn note(&self, meta: &StoreMeta, seq: Seq) -> io::Result<()> {
        let sighting = Sighting {
            installation: meta.installation.clone(),
            seq: seq.0,
        };
        let draft = self.dir.join("witness.json.new");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(&sighting)?)?;
        file.sync_all()?;
        fs::rename(&draft, self.dir.join("witness.json"))?;
        disk::sync_dir(&self.dir)
    }
}
