//! The compiling process alone, as the host's own program becomes it: for the tests of installing.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(footbridge_sandbox::COMPILE_COMMAND) {
        return ExitCode::FAILURE;
    }
    footbridge_sandbox::compile_child(&arguments.collect::<Vec<_>>())
}
