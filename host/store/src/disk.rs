//! The few file system calls the store needs beyond the standard library's.
//!
//! Responsible for: names, sizes and syncing of directories. Never: row files' contents. Flow: used by the backends,
//! `local` and `bodies`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes created, renamed and removed names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Windows opens no directory as a file and needs no such sync.
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

/// Names of the plain files in `dir`; none if there is no such directory.
pub(crate) fn file_names(dir: &Path) -> io::Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(names),
        Err(other) => return Err(other),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.insert(entry.file_name());
        }
    }
    Ok(names)
}

/// Bytes of all files in `dir` and below. Files removed meanwhile count nothing.
pub(crate) fn size(dir: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        total += match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path())?,
            Ok(data) => data.len(),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => 0,
            Err(other) => return Err(other),
        };
    }
    Ok(total)
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove_folder(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder that only its owner may enter, with what is missing above it. One that is there stays as it is.
pub(crate) fn make_private(dir: &Path) -> io::Result<()> {
    private_folders().recursive(true).create(dir)
}

/// Makes a folder that only its owner may enter; one that is there is refused.
pub(crate) fn make_new_private(dir: &Path) -> io::Result<()> {
    private_folders().create(dir)
}

fn private_folders() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
}

/// Makes a file that only its owner may read; one that is there is refused.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Whether anything has that name, a link that leads nowhere too: it may lead to a disk that isn't mounted now.
pub(crate) fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether something is mounted at a folder, so that it can't be renamed. False where it isn't there.
pub(crate) fn is_mount_point(dir: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
        if let (true, Some(parent)) = (dir.exists(), dir.parent()) {
            return Ok(device(dir)? != device(parent)?);
        }
    }
    #[cfg(not(unix))]
    let _ = dir;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_mount_point_is_told_from_a_folder() {
        let place = tempfile::tempdir().unwrap();
        assert!(is_mount_point(Path::new("/proc")).unwrap());
        assert!(!is_mount_point(place.path()).unwrap());
        assert!(!is_mount_point(&place.path().join("none")).unwrap());
    }
}
