//! Python with the packages of `foreign/xero-requirements.txt`, in an environment under the target folder.
//!
//! Where it cannot be had the caller is told why and says `SKIPPED: ...`; with
//! `FOOTBRIDGE_FOREIGN=required` that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the foreign programs.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign")
}

/// Says that a test is skipped, or fails if it must not be.
pub(crate) fn skip(reason: &str) {
    assert!(
        std::env::var("FOOTBRIDGE_FOREIGN").as_deref() != Ok("required"),
        "FOOTBRIDGE_FOREIGN=required, but: {reason}"
    );
    eprintln!("SKIPPED: {reason}");
}

/// The environment's interpreter, made on first use.
pub(crate) fn python() -> Result<PathBuf, String> {
    let home = target().join("foreign").join("xero");
    let interpreter = home.join("bin").join("python");
    let works = |python: &Path| {
        run(Command::new(python).args(["-c", "import xero_python, jsonschema, yaml"])).is_ok()
    };
    if works(&interpreter) {
        return Ok(interpreter);
    }
    // Made aside and moved into place, since several tests may do this at once.
    let aside = target()
        .join("foreign")
        .join(format!("xero-{}", std::process::id()));
    run(Command::new("python3").arg("-m").arg("venv").arg(&aside))?;
    let requirements = folder().join("xero-requirements.txt");
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    let made = run(Command::new(aside.join("bin").join("python"))
        .args(pip)
        .arg(requirements));
    if made.is_ok() && std::fs::rename(&aside, &home).is_ok() {
        return Ok(interpreter);
    }
    // Whether it was not made or somebody was quicker, this copy is of no use.
    std::fs::remove_dir_all(&aside).map_err(|error| format!("{}: {error}", aside.display()))?;
    made?;
    if works(&interpreter) {
        Ok(interpreter)
    } else {
        Err(format!("{} cannot be used", home.display()))
    }
}

fn target() -> PathBuf {
    // .../target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout.as_slice(), output.stderr.as_slice()]
        .map(String::from_utf8_lossy)
        .concat();
    Err(format!("{command:?}: {}\n{said}", output.status))
}
