//! Builds the two guests that do measured work and tells the benchmarks where they are.

use std::process::ExitCode;

fn main() -> ExitCode {
    let guests = [
        ("footbridge-bench-connector", "CONNECTOR"),
        ("footbridge-bench-transform", "TRANSFORM"),
    ];
    match footbridge_guest_build::build(&guests.map(|(package, _)| package)) {
        Ok(components) => {
            for ((_, variable), path) in guests.iter().zip(components) {
                println!("cargo::rustc-env=BENCH_{variable}={}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(failure) => footbridge_guest_build::fail(&failure),
    }
}
