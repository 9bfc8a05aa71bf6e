//! What is written hidden until it is whole, and what of it somebody who was killed left: it holds customers' data.
//!
//! Responsible for: names, and telling what is left from what somebody is at work on, who holds a lock on it. Never: removes what isn't
//! of our making. Flow: `take` and `restore` clear their place before they begin, and hold what they write until it has its name.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backup::format::MAGIC;
use crate::disk;
use crate::key::hex;
use crate::lock;

/// A backup that is being written.
const PART: &str = "part";
/// A data directory that is being restored.
const RESTORING: &str = "restoring";
/// Where a lock can't tell whether somebody is at work: what was touched within that time may be somebody's.
const HOUR: Duration = Duration::from_secs(3600);

/// A backup's file until it has its name.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
}

impl Part {
    /// A new one, held, in the folder of `target`.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let path = hidden(target, PART)?;
        let file = disk::create_private(&path)?;
        // Before its first byte, which is what others know it by. Where there are no locks its age speaks for it, and on Windows a lock
        // would keep ourselves from reading it back.
        if cfg!(unix) {
            let _ = file.try_lock();
        }
        Ok(Self { path, file })
    }
}

/// The name of a folder, in the folder of `target`, that will be put in place of it.
pub(crate) fn restoring(target: &Path) -> io::Result<PathBuf> {
    hidden(target, RESTORING)
}

fn hidden(target: &Path, ends: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{ends}", hex(&rand::random::<[u8; 4]>())));
    Ok(target.with_file_name(hidden))
}

/// What a hidden name will be called once it is whole.
fn target_of<'a>(hidden: &'a OsStr, ends: &str) -> Option<&'a str> {
    let name = hidden.to_str()?.strip_prefix('.')?;
    let (name, random) = name
        .strip_suffix(ends)?
        .strip_suffix('.')?
        .rsplit_once('.')?;
    let is_random = random.len() == 8 && random.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_random.then_some(name)
}

/// Removes backups that somebody who was killed left in that folder, whatever they were to be called: each one has another date.
pub(crate) fn clear_parts(folder: &Path) {
    for entry in entries(folder) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file
            && target_of(&entry.file_name(), PART).is_some()
            && File::open(entry.path()).is_ok_and(|mut file| is_backup(&mut file) && is_left(&file))
        {
            // Somebody else may remove it at the same time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes what somebody who was killed left of restoring that very folder.
pub(crate) fn clear_restoring(target: &Path) {
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return;
    };
    for entry in entries(folder) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let hidden = entry.file_name();
        let is_ours = target_of(&hidden, RESTORING).is_some_and(|ours| name == ours);
        // Without a lock it is one of before there were locks in them, or just begun.
        let held = File::open(entry.path().join(lock::NAME)).or_else(|_| File::open(entry.path()));
        let left = match &held {
            Ok(file) if file.metadata().is_ok_and(|found| found.is_file()) => is_left(file),
            Ok(folder) => is_old(folder),
            Err(_) => false,
        };
        if is_folder && is_ours && left {
            drop(held);
            // Somebody else may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn is_backup(file: &mut File) -> bool {
    let mut begins = [0; MAGIC.len()];
    file.read_exact(&mut begins).is_ok() && begins == *MAGIC
}

/// Whether nobody holds it.
fn is_left(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => cfg!(unix) || is_old(file),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => is_old(file),
    }
}

fn is_old(file: &File) -> bool {
    let touched = file.metadata().and_then(|found| found.modified());
    touched.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > HOUR))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::lock::DirLock;

    #[test]
    fn what_nobody_holds_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &[u8]| {
            let path = place.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let ours = [MAGIC, b"rows"].concat();
        let left = [
            file(".b-2026-11-30.0123abcd.part", &ours),
            file(".b.2.0123abcd.part", MAGIC),
        ];
        let others = [
            file(".b.0123abcd.part", b"somebody's own"),
            file(".b.01.part", &ours),
            file("b.0123abcd.part", &ours),
            file("b", &ours),
        ];
        let at_work = Part::beside(&place.path().join("b")).unwrap();
        fs::write(&at_work.path, &ours).unwrap();
        clear_parts(place.path());
        assert!(left.iter().all(|path| !path.exists()));
        assert!(others.iter().all(|path| path.exists()));
        assert!(at_work.path.exists());
        let path = at_work.path.clone();
        drop(at_work);
        clear_parts(place.path());
        assert!(!path.exists(), "who held it is gone");
    }

    #[test]
    fn a_folder_that_nobody_restores_any_more_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("data");
        let begun = |name: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            (DirLock::take(&path).unwrap(), path)
        };
        let (lock, left) = begun(".data.00000001.restoring");
        drop(lock);
        let (lock, other) = begun(".data2.00000001.restoring");
        drop(lock);
        let (_held, at_work) = begun(".data.00000002.restoring");
        let just_begun = place.path().join(".data.00000003.restoring");
        fs::create_dir(&just_begun).unwrap();
        let of_before = place.path().join(".data.00000004.restoring");
        fs::create_dir(&of_before).unwrap();
        let long_ago = std::time::SystemTime::now() - HOUR * 2;
        let folder = File::open(&of_before).unwrap();
        folder.set_modified(long_ago).unwrap();
        clear_restoring(&target);
        assert!(!left.exists() && !of_before.exists());
        assert!(other.exists() && at_work.exists() && just_begun.exists());
    }
}
