//! Taking a backup of an open store while others go on committing.
//!
//! Responsible for: rows as they are found, every write set that lands meanwhile after them, then the bodies; the file gets
//! its name only once it was read back whole. Never: stops a commit, or reads what the writer has in memory only.
//! Flow: `backup` or the desk of `ask` call it; `read` checks what was written.
//!
//! Why reading it in order ends at one commit: the tap is in place before the first row is read, so what a row lacks by
//! the time it is read follows behind it; the last word has the writer, who closes the tap between two transactions.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::SystemTime;

use crate::anchor::Anchor;
use crate::backup::BackupError;
use crate::backup::format::{FORMAT, Header, Record, Sealer};
use crate::backup::left::{self, Part};
use crate::backup::read::{self, Contents};
use crate::local::{AFTER_ROWS, FIRST_ROW};
use crate::medium::{Change, Medium};
use crate::meta::seconds;
use crate::swap::Rewritten;
use crate::writer::Request;
use crate::{Bodies, Moved, Seq, StoreError, StoreMeta, disk};

/// Rows read at a time.
const PAGE: usize = 1000;

/// What a backup is taken of.
pub(crate) struct Source {
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) requests: Sender<Request>,
    pub(crate) meta: StoreMeta,
    /// The data directory.
    pub(crate) dir: PathBuf,
    pub(crate) backend: String,
    /// `None` only for a store without a directory.
    pub(crate) anchor: Option<Anchor>,
}

impl Source {
    /// Has the writer write all rows anew.
    pub(crate) fn compacted(&self) -> Result<Rewritten, BackupError> {
        let backend = self.backend.parse().map_err(BackupError::Refused)?;
        let (answer, answered) = channel();
        let dir = self.dir.clone();
        let request = Request::Rewrite {
            dir,
            backend,
            answer,
        };
        let sent = self.requests.send(request);
        sent.map_err(|_| BackupError::BrokenOff)?;
        answered.recv().map_err(|_| BackupError::BrokenOff)?
    }

    /// Refuses where another directory lies under its name by now: questions and bodies in it are another store's.
    pub(crate) fn stay(&self) -> Result<(), Moved> {
        self.anchor.as_ref().map_or(Ok(()), Anchor::check)
    }
}

/// Writes the backup. `over` says that the process must end: then nothing is left behind.
pub(crate) fn take(
    source: &Source,
    file: &Path,
    over: &dyn Fn() -> bool,
) -> Result<Contents, BackupError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    let folder = file.parent().unwrap_or(Path::new("."));
    left::clear_parts(folder);
    // Held until it has its name, so that nobody takes it for left.
    let hidden = Part::beside(file).map_err(refused(file))?;
    let part = &hidden.path;
    let written = write(source, &hidden, over);
    let whole = written.and_then(|()| read::contents(part));
    let named = whole.and_then(|contents| {
        source.stay().map_err(StoreError::from)?;
        // Not `rename` alone: it would replace what somebody else put there meanwhile.
        if disk::is_taken(file) {
            return Err(BackupError::Exists {
                file: file.to_owned(),
            });
        }
        fs::rename(part, file).map_err(refused(file))?;
        disk::sync_dir(folder).map_err(refused(folder))?;
        Ok(contents)
    });
    if named.is_err() {
        // The part is nobody's; the first failure is the one to tell.
        let _ = fs::remove_file(part);
    }
    named
}

fn write(source: &Source, part: &Part, over: &dyn Fn() -> bool) -> Result<(), BackupError> {
    let refused = |source| BackupError::Io {
        path: part.path.clone(),
        source,
    };
    let header = Header {
        format: FORMAT,
        store: source.meta.clone(),
        backend: source.backend.clone(),
        taken_at: seconds(SystemTime::now()),
    };
    let mut out = Sealer::new(BufWriter::new(&part.file), &header).map_err(refused)?;
    let tap = Tap::open(&source.requests)?;
    let mut start = FIRST_ROW.to_vec();
    loop {
        let rows = source
            .medium
            .read_range(&start, AFTER_ROWS, PAGE)
            .map_err(|error| StoreError::Io(error.to_string()))?;
        let Some((last, _)) = rows.last() else { break };
        start = [&last[..], &[0]].concat();
        for (key, frame) in rows {
            crate::frame::open(&key, &frame)?;
            out.record(&Record::Row(key, frame)).map_err(refused)?;
        }
        tap.drain(&mut out).map_err(refused)?;
        if over() {
            return Err(BackupError::BrokenOff);
        }
    }
    let commit = tap.close(&mut out)?.map_err(refused)?;
    // Whatever a row of that commit names was on disk before it.
    let bodies = Bodies::open(&source.dir)?;
    for digest in bodies.all()? {
        if let Some(bytes) = bodies.get(&digest)? {
            out.record(&Record::Body(digest, bytes)).map_err(refused)?;
        }
        if over() {
            return Err(BackupError::BrokenOff);
        }
    }
    let out = out.finish(commit.0).map_err(refused)?;
    let file = out
        .into_inner()
        .map_err(|error| refused(error.into_error()))?;
    file.sync_all().map_err(refused)
}

/// Where the writer lays down a copy of everything that lands.
struct Tap<'a> {
    requests: &'a Sender<Request>,
    landed: Receiver<Vec<Change>>,
}

impl<'a> Tap<'a> {
    fn open(requests: &'a Sender<Request>) -> Result<Self, BackupError> {
        let (tap, landed) = channel();
        let (answer, answered) = channel();
        requests
            .send(Request::Tap { tap, answer })
            .map_err(|_| BackupError::BrokenOff)?;
        answered.recv().map_err(|_| BackupError::BrokenOff)?;
        Ok(Self { requests, landed })
    }

    fn drain<W: Write>(&self, out: &mut Sealer<W>) -> io::Result<()> {
        for (key, frame) in self.landed.try_iter().flatten() {
            // The store's own rows are made anew by whoever restores.
            if key.as_slice() >= FIRST_ROW {
                out.record(&Record::Change(key, frame))?;
            }
        }
        Ok(())
    }

    /// The commit at which the tap was closed, everything up to it drained.
    fn close<W: Write>(self, out: &mut Sealer<W>) -> Result<io::Result<Seq>, BackupError> {
        let (answer, answered) = channel();
        self.requests
            .send(Request::Untap { answer })
            .map_err(|_| BackupError::BrokenOff)?;
        let last = answered.recv().map_err(|_| BackupError::BrokenOff)?;
        let last = last.map_err(StoreError::from)?;
        Ok(self.drain(out).map(|()| last))
    }
}
