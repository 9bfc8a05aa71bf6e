//! The program that is killed: `footbridge`, as cargo built it; built here if it isn't there or is older than its sources.
//!
//! `FOOTBRIDGE_BIN` names another one. Never a copy of the program's parts inside this process: it must be one that can be killed.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The program's path.
///
/// # Errors
/// It can't be built; cargo's own words went to standard error.
pub fn footbridge() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("FOOTBRIDGE_BIN") {
        return Ok(PathBuf::from(named));
    }
    let name = format!("footbridge{}", std::env::consts::EXE_SUFFIX);
    built("footbridge", &name)
}

/// A file that a package's release build makes.
pub(crate) fn built(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let target = target_dir()?;
    let program = target.join("release").join(name);
    if is_fresh(&program) {
        return Ok(program);
    }
    eprintln!("building {package} (release), which is missing or older than its sources");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", package])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root())
        .status()
        .context("cargo can't be started")?;
    if !built.success() {
        bail!("`cargo build --release -p {package}` failed: {built}");
    }
    Ok(program)
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The target directory that this very program lies in: `TARGET/PROFILE/deps/x` for a test, `TARGET/PROFILE/x` else.
fn target_dir() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own file can't be found")?;
    let folder = own
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|name| name != "deps"));
    folder
        .and_then(Path::parent)
        .map(Path::to_path_buf)
        .with_context(|| format!("{} lies in no target directory", own.display()))
}

/// Whether it is there and none of its sources is newer. In doubt it isn't; cargo finds out for good.
fn is_fresh(program: &Path) -> bool {
    let Some(built) = modified(program) else {
        return false;
    };
    match std::fs::read_to_string(program.with_extension("d")) {
        Ok(listed) => {
            let sources: Vec<&str> = listed.split_whitespace().skip(1).collect();
            !sources.is_empty()
                && sources
                    .iter()
                    .all(|source| is_older(source.as_ref(), built))
        }
        // `cargo test` lists none; another build of the same, with other features, would take minutes.
        Err(_) => ["host", "plugins", "wit", "tests/simulators", "Cargo.lock"]
            .into_iter()
            .all(|part| is_older(&root().join(part), built)),
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

/// Whether a file, or each in a folder, was changed no later. What is hidden or built in there is no source.
fn is_older(path: &Path, than: SystemTime) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else {
        return modified(path).is_some_and(|changed| changed <= than);
    };
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let built = matches!(&*name, "target" | "node_modules" | "__pycache__");
        built || name.starts_with('.') || is_older(&entry.path(), than)
    })
}
