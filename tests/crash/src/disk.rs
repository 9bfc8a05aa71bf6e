//! A disk that is full: the data directory on a tmpfs of its own, with so much left as the round says, and more once somebody has made room.
//!
//! Mounting takes root; where it isn't allowed the rounds are left out, and a notice says so. A limit on the length of files (RLIMIT_FSIZE)
//! would be another failure, told by another error, so it doesn't stand in.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs; unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many KiB.
    ///
    /// # Errors
    /// The folder can't be made, or mounting isn't allowed.
    pub fn mount(at: &Path, kib: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        let options = format!("size={kib}k,mode=700");
        mount(&["-t", "tmpfs", "-o", &options, "footbridge-crash"], at)?;
        Ok(Self { at: at.to_owned() })
    }

    /// Makes room: so many KiB in all.
    ///
    /// # Errors
    /// It can't be mounted again.
    pub fn grow(&self, kib: u64) -> anyhow::Result<()> {
        mount(&["-o", &format!("remount,size={kib}k")], &self.at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a file that somebody still has open must not keep it.
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.at.display());
        }
    }
}

/// Why disks can't be mounted here, if they can't.
pub fn why_not() -> Option<String> {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return Some(error.to_string()),
    };
    let tried = SmallDisk::mount(&folder.path().join("disk"), 64);
    tried.err().map(|error| format!("{error:#}"))
}

fn mount(arguments: &[&str], at: &Path) -> anyhow::Result<()> {
    let output = Command::new("mount")
        .args(arguments)
        .arg(at)
        .output()
        .context("there is no mount")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
