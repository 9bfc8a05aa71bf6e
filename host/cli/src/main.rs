//! The binary: nothing but the door. Everything is in the library beside it, so that tests compose what the binary composes.

use std::process::ExitCode;

fn main() -> ExitCode {
    footbridge::main()
}
