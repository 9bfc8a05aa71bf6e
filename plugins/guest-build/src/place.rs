//! Where things are: the cargo and the package that called, the guests' own target directory, prebuilt components.
//!
//! It never runs anything; `lib.rs` and `target.rs` do.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::PROFILE;
use crate::failure::BuildFailure;
use crate::target::TARGET;

/// Names a folder with prebuilt components; if set, nothing is built.
pub const PREBUILT_VARIABLE: &str = "FOOTBRIDGE_GUESTS";

/// What a build script knows about its surroundings.
pub(crate) struct Place {
    pub(crate) cargo: PathBuf,
    /// The folder of the package whose build script runs; cargo finds the workspace from there.
    pub(crate) manifest: PathBuf,
    /// The guests' own target directory, inside the outer one.
    pub(crate) guests: PathBuf,
}

impl Place {
    pub(crate) fn of_build_script() -> Result<Self, BuildFailure> {
        let out = PathBuf::from(variable("OUT_DIR")?);
        Ok(Self {
            cargo: PathBuf::from(variable("CARGO")?),
            manifest: PathBuf::from(variable("CARGO_MANIFEST_DIR")?),
            guests: target_folder(&out).join("guests"),
        })
    }

    pub(crate) fn component(&self, package: &str) -> PathBuf {
        self.guests
            .join(TARGET)
            .join(PROFILE)
            .join(file_name(package))
    }

    /// Compiler flags that keep this machine's paths out of the components, so that they are the same bytes (and
    /// have the same digest) wherever the workspace lies. In cargo's encoding, separated by the unit separator.
    pub(crate) fn neutral_paths(&self) -> OsString {
        let home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
        let workspace = workspace_folder(&self.manifest);
        let mut flags = OsString::new();
        for (path, name) in [(home, "/cargo"), (Some(workspace), "/footbridge")] {
            let Some(path) = path else { continue };
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push("--remap-path-prefix=");
            flags.push(path);
            flags.push("=");
            flags.push(name);
        }
        flags
    }
}

/// The folder that [`PREBUILT_VARIABLE`] names, if it is set to something.
pub(crate) fn prebuilt_folder() -> Option<PathBuf> {
    env::var_os(PREBUILT_VARIABLE)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
}

/// The prebuilt component of the package.
pub(crate) fn prebuilt(folder: &Path, package: &str) -> Result<PathBuf, BuildFailure> {
    let path = folder.join(file_name(package));
    if !path.is_file() {
        return Err(BuildFailure::NotPrebuilt {
            package: package.to_owned(),
            path,
        });
    }
    println!("cargo::rerun-if-changed={}", path.display());
    Ok(path)
}

/// The topmost folder at or above `manifest` with a `Cargo.lock`: the workspace's, or `manifest` itself.
pub(crate) fn workspace_folder(manifest: &Path) -> PathBuf {
    let found = manifest
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file());
    found.unwrap_or(manifest).to_path_buf()
}

fn file_name(package: &str) -> String {
    format!("{}.wasm", package.replace('-', "_"))
}

/// The target directory above a build script's output folder. Cargo marks it with `CACHEDIR.TAG`; without the mark
/// it is four levels up (`target/debug/build/package-hash/out`).
fn target_folder(out: &Path) -> PathBuf {
    let marked = out
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    marked
        .or_else(|| out.ancestors().nth(4))
        .unwrap_or(out)
        .to_path_buf()
}

fn variable(name: &'static str) -> Result<OsString, BuildFailure> {
    env::var_os(name).ok_or(BuildFailure::NotInBuildScript { variable: name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_four_levels_up_where_nothing_marks_it() {
        let out = Path::new("/nowhere/target/debug/build/footbridge-bundle-0a1b/out");
        assert_eq!(target_folder(out), Path::new("/nowhere/target"));
    }

    #[test]
    fn the_mark_wins_over_the_number_of_levels() {
        let target = env::temp_dir().join(format!("footbridge-place-{}", std::process::id()));
        let out = target.join("x86_64-unknown-linux-gnu/debug/build/footbridge-bundle-0a1b/out");
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        let found = target_folder(&out);
        std::fs::remove_dir_all(&target).unwrap();
        assert_eq!(found, target);
    }

    #[test]
    fn a_missing_prebuilt_component_is_named_with_the_way_out() {
        let failure = prebuilt(Path::new("/nowhere"), "footbridge-xero")
            .unwrap_err()
            .to_string();
        assert!(
            failure.contains("/nowhere/footbridge_xero.wasm"),
            "{failure}"
        );
        assert!(failure.contains("unset FOOTBRIDGE_GUESTS"), "{failure}");
    }
}
