//! Builds the bundled components and lays them where `src/lib.rs` includes them from.
//!
//! It never fetches a component from anywhere; `footbridge-guest-build` says how they come to be.

use std::path::Path;
use std::process::ExitCode;

/// The packages, and the names that their components are included by.
const BUNDLED: [(&str, &str); 3] = [
    ("footbridge-xero", "xero"),
    ("footbridge-salesforce", "salesforce"),
    ("footbridge-mapping", "mapping"),
];

fn main() -> ExitCode {
    let components = match footbridge_guest_build::build(&BUNDLED.map(|(package, _)| package)) {
        Ok(components) => components,
        Err(failure) => return footbridge_guest_build::fail(&failure),
    };
    let Some(out) = std::env::var_os("OUT_DIR") else {
        println!("cargo::error=OUT_DIR is not set: this is a build script, run it through cargo");
        return ExitCode::FAILURE;
    };
    for ((_, name), component) in BUNDLED.iter().zip(components) {
        let copy = Path::new(&out).join(name).with_extension("wasm");
        if let Err(error) = std::fs::copy(&component, &copy) {
            println!(
                "cargo::error={} could not be copied to {}: {error}",
                component.display(),
                copy.display()
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
