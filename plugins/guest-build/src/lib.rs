//! Builds guests (WebAssembly components of this workspace) from a build script, and gets the compiler's
//! `wasm32-wasip2` target if it is not there yet.
//!
//! It never shares a target directory with the cargo that runs the build script (the two would wait for each
//! other for ever), never lets settings of the native build reach the guests, and uses the standard library only,
//! since everything waits for it. `footbridge-bundle` and the crates that test hostile guests call it from `build.rs`.

mod failure;
mod inherited;
mod place;
mod target;
mod watch;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

pub use failure::BuildFailure;
pub use place::PREBUILT_VARIABLE;
pub use target::TARGET;

/// The cargo profile that guests are built with, defined in the workspace's `Cargo.toml`.
const PROFILE: &str = "guest";

/// Builds the packages and gives the path of each one's component, in the order of `packages`.
///
/// Every package must be a member of the build script's workspace with a `cdylib` library. Where the variable
/// [`PREBUILT_VARIABLE`] names a folder, nothing is built and the components are taken from there, each under its
/// package's name with underscores (`footbridge_xero.wasm`).
///
/// Cargo is told to run the build script again when a source of the guests changes.
///
/// # Errors
/// A [`BuildFailure`] that says what to do next; [`fail`] shows it.
pub fn build(packages: &[&str]) -> Result<Vec<PathBuf>, BuildFailure> {
    println!("cargo::rerun-if-env-changed={PREBUILT_VARIABLE}");
    if let Some(folder) = place::prebuilt_folder() {
        return packages
            .iter()
            .map(|package| place::prebuilt(&folder, package))
            .collect();
    }
    let place = place::Place::of_build_script()?;
    target::ensure(&place)?;
    run_cargo(&place, packages)?;
    let components: Vec<PathBuf> = packages
        .iter()
        .map(|package| place.component(package))
        .collect();
    for (package, component) in packages.iter().zip(&components) {
        if !component.is_file() {
            return Err(BuildFailure::NoComponent {
                package: (*package).to_owned(),
                path: component.clone(),
            });
        }
    }
    for path in watch::watched(&place, &components) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(components)
}

/// Shows a failure the way cargo shows errors of build scripts, and gives the exit code for `main`.
#[must_use]
pub fn fail(failure: &BuildFailure) -> ExitCode {
    for line in failure.to_string().lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}

fn run_cargo(place: &place::Place, packages: &[&str]) -> Result<(), BuildFailure> {
    let mut cargo = Command::new(&place.cargo);
    inherited::drop_native_settings(&mut cargo, std::env::vars_os().map(|(name, _)| name));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", place.neutral_paths());
    cargo.current_dir(&place.manifest).args([
        "build",
        "--locked",
        "--lib",
        "--profile",
        PROFILE,
        "--target",
        TARGET,
    ]);
    cargo.arg("--target-dir").arg(&place.guests);
    for package in packages {
        cargo.args(["--package", package]);
    }
    // Build scripts talk to cargo on standard output; the inner cargo has nothing to say there.
    let status = cargo.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|source| BuildFailure::NoCargo {
        cargo: place.cargo.clone(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(BuildFailure::NotBuilt {
        packages: packages
            .iter()
            .map(|package| (*package).to_owned())
            .collect(),
    })
}
