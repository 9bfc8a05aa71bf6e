//! Where a build takes place, and the digest of what goes into it.
//!
//! It never writes outside the target directory: a starter is copied out first, together with the contract, as an author does.

use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What goes into a build: a folder, and the contract.
pub(crate) struct Sources {
    own: PathBuf,
    contract: PathBuf,
    /// Where the contract goes in the copy.
    place: &'static str,
    pub(crate) lock: PathBuf,
}

impl Sources {
    pub(crate) fn of_starter(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Self {
            own: root.join("templates/plugins").join(name),
            contract: root.join("wit"),
            place: "wit",
            lock: root.join("Cargo.lock"),
        }
    }

    pub(crate) fn of_guest(name: &str) -> Self {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
        Self {
            own: guests.join(name),
            place: "wit/deps/footbridge",
            ..Self::of_starter("")
        }
    }

    /// Names, contents and the tools' versions in one short digest.
    pub(crate) fn digest(&self, tools: &str) -> io::Result<String> {
        let mut hasher = Sha256::new();
        hasher.update(tools);
        for file in files(&self.own)?.iter().chain(&files(&self.contract)?) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let text = fs::read(file)?;
            hasher.update(name.as_bytes());
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        let digest = hasher.finalize();
        Ok(digest.iter().take(8).map(|b| format!("{b:02x}")).collect())
    }

    /// Copies the folder and the contract.
    pub(crate) fn copy_to(&self, folder: &Path) -> io::Result<()> {
        copy(&self.own, folder)?;
        copy(&self.contract, &folder.join(self.place))
    }
}

/// `foreign/languages` below the target directory that the running test or bench lies in.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let mut above = program.ancestors().skip(1);
    // Cargo writes this one at every build; its CACHEDIR.TAG only where it made the folder itself.
    let target = above.find(|folder| folder.join(".rustc_info.json").is_file());
    let target = target.ok_or_else(|| io::Error::other("no target directory above the program"))?;
    let folder = target.join("foreign/languages");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
