//! Files that hold customers' data: new ones, that only whoever runs this can read.

use std::fs::{File, OpenOptions};
use std::path::Path;

/// Makes a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
