//! Builds the hostile guests and tells the tests where they are.

use std::process::ExitCode;

fn main() -> ExitCode {
    let guests = [
        ("footbridge-hostile-connector", "CONNECTOR"),
        ("footbridge-hostile-fetcher", "FETCHER"),
        ("footbridge-hostile-transform", "TRANSFORM"),
    ];
    match footbridge_guest_build::build(&guests.map(|(package, _)| package)) {
        Ok(components) => {
            for ((_, variable), path) in guests.iter().zip(components) {
                println!("cargo::rustc-env=HOSTILE_{variable}={}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(failure) => footbridge_guest_build::fail(&failure),
    }
}
