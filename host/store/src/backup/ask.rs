//! Asking the process that has the store open for a backup, or to write its rows anew, and answering in that process.
//!
//! Responsible for: a question and its answer as files in the data directory, which only its owner can enter. It works the
//! same on every system, needs no port and no open pipe, and can't outlive either side: an answer is a whole file or none,
//! and a question whose holder ended is taken over by whoever asked. Never: opens the store.
//! Flow: `backup` and `swap::compact` put a [`Question`]; the desk, a thread of the open store, looks for one a few times a second.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpenError;
use crate::backup::BackupError;
use crate::backup::take::{Source, take};
use crate::disk;
use crate::key::hex;

/// How often either side looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
/// Whoever asked and waits says so at least this often; an older question is nobody's any more.
const FRESH: Duration = Duration::from_secs(20);

/// Where questions and answers lie.
fn folder(dir: &Path) -> PathBuf {
    dir.join("asked")
}

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asked {
    /// A backup in this file.
    Backup(PathBuf),
    /// The rows written anew.
    Compact,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answered {
    Done(Value),
    Refused(String),
}

/// Does it, or has whoever works in `dir` do it: `open` is tried until the directory is free, for `own` then, or they answer.
pub(crate) fn asked_or<O, T: DeserializeOwned>(
    dir: &Path,
    what: &Asked,
    open: impl Fn() -> Result<O, BackupError>,
    own: impl FnOnce(O) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let mut asked = None;
    loop {
        match open() {
            Err(BackupError::Open(OpenError::InUse { .. })) => {
                let question = match &asked {
                    Some(question) => question,
                    None => asked.insert(Question::put(dir, what)?),
                };
                if let Some(answer) = question.answer()? {
                    return answer;
                }
                question.wait();
            }
            Ok(opened) => {
                // Whoever was asked is gone, or never was; the desk of what was opened here would answer as well.
                drop(asked);
                return own(opened);
            }
            Err(other) => return Err(other),
        }
    }
}

/// A question that was put; its files go when it is dropped.
pub(crate) struct Question {
    ask: PathBuf,
    answer: PathBuf,
}

impl Question {
    /// Asks whoever works in `dir`.
    pub(crate) fn put(dir: &Path, what: &Asked) -> Result<Self, BackupError> {
        let folder = folder(dir);
        let io = |source| BackupError::Io {
            path: folder.clone(),
            source,
        };
        disk::make_private(&folder).map_err(io)?;
        let name = hex(&rand::random::<[u8; 8]>());
        let question = Self {
            ask: folder.join(format!("{name}.ask")),
            answer: folder.join(format!("{name}.answer")),
        };
        write_whole(&question.ask, what).map_err(io)?;
        Ok(question)
    }

    /// Says that whoever asked still waits.
    pub(crate) fn wait(&self) {
        std::thread::sleep(PAUSE);
        // Taken already: then it needs no more of it.
        if let Ok(file) = File::options().append(true).open(&self.ask) {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// The answer, if there is one yet.
    fn answer<T: DeserializeOwned>(&self) -> Result<Option<Result<T, BackupError>>, BackupError> {
        let io = |source| BackupError::Io {
            path: self.answer.clone(),
            source,
        };
        let text = match fs::read(&self.answer) {
            Ok(text) => text,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(other) => return Err(io(other)),
        };
        let answered = serde_json::from_slice(&text).map_err(|error| io(error.into()))?;
        Ok(Some(match answered {
            Answered::Done(done) => {
                Ok(serde_json::from_value(done).map_err(|error| io(error.into()))?)
            }
            Answered::Refused(why) => Err(BackupError::Refused(why)),
        }))
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        // They may be gone, or never have been.
        let _ = fs::remove_file(&self.ask);
        let _ = fs::remove_file(&self.answer);
    }
}

/// Answers questions until the store is dropped, which `end` tells.
pub(crate) fn desk(source: &Source, end: &Receiver<()>) {
    let folder = folder(&source.dir);
    drop_old_answers(&folder);
    loop {
        match end.recv_timeout(PAUSE) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if source.stay().is_err() {
            // The questions that come now are for whoever works in the other directory.
            return;
        }
        let Some(ask) = first_question(&folder) else {
            continue;
        };
        if !is_fresh(&ask) {
            tracing::warn!("a question whose asker is gone was dropped");
            // It may be gone by now.
            let _ = fs::remove_file(&ask);
            continue;
        }
        let over = || !matches!(end.try_recv(), Err(TryRecvError::Empty));
        if let Err(error) = serve(source, &ask, &over) {
            tracing::warn!(%error, "a question could not be answered");
        }
        if over() {
            return;
        }
    }
}

fn first_question(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let asks = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "ask"));
    asks.min()
}

/// Whether whoever asked said lately that they wait. One from the future was put before the clock went back.
fn is_fresh(ask: &Path) -> bool {
    let put = fs::metadata(ask).and_then(|found| found.modified());
    put.is_ok_and(|put| put.elapsed().is_ok_and(|age| age < FRESH))
}

/// Answers that nobody came for.
fn drop_old_answers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|end| end != "ask") && !is_fresh(&path) {
            // It may be gone by now.
            let _ = fs::remove_file(&path);
        }
    }
}

fn serve(source: &Source, ask: &Path, over: &dyn Fn() -> bool) -> io::Result<()> {
    let asked: Result<Asked, _> = serde_json::from_slice(&fs::read(ask)?);
    // Taken: whatever becomes of it, it is not begun again here.
    fs::remove_file(ask)?;
    let done = match asked {
        Err(error) => Err(BackupError::Refused(format!(
            "the question can't be read: {error}"
        ))),
        Ok(Asked::Backup(file)) => take(source, &file, over).map(serde_json::to_value),
        Ok(Asked::Compact) => source.compacted().map(serde_json::to_value),
    };
    let answered = match done {
        Ok(done) => Answered::Done(done?),
        // Whoever asked sees that the directory is free, and does it then.
        Err(BackupError::BrokenOff) => return Ok(()),
        Err(error) => Answered::Refused(error.to_string()),
    };
    write_whole(&ask.with_extension("answer"), &answered)
}

fn write_whole<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = File::create(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_fresh_while_its_asker_waits_and_answers_are_cleared() {
        let place = tempfile::tempdir().unwrap();
        let question = Question::put(place.path(), &Asked::Compact).unwrap();
        assert!(is_fresh(&question.ask));
        let age = |path: &Path, by: Duration| {
            let file = File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        };
        age(&question.ask, FRESH * 2);
        assert!(!is_fresh(&question.ask));
        question.wait();
        assert!(is_fresh(&question.ask), "waiting says so");
        write_whole(&question.answer, &Answered::Refused("no".to_owned())).unwrap();
        drop_old_answers(&folder(place.path()));
        assert!(question.answer.exists(), "somebody may come for it");
        age(&question.answer, FRESH * 2);
        drop_old_answers(&folder(place.path()));
        assert!(!question.answer.exists() && question.ask.exists());
    }
}
