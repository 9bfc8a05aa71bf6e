//! Runs a test of this very binary again with a seeded defect: it must pass without and fail with it.
//!
//! The whole mutation check takes minutes (`examples/defects.rs`); what is run through here is a handful of its cases, so that
//! neither the defects nor the variable that asks for them can stop working unseen.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::process::Command;

use footbridge_simulators::defects::{Defect, VARIABLE};

/// Asserts that the named test notices the defect.
pub(crate) fn is_caught<D: Defect>(defect: D, test: &str) {
    let run = |seeded: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env_remove(VARIABLE);
        if let Some(name) = seeded {
            command.env(VARIABLE, name);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("running 1 test"), "no test {test}:\n{said}");
        (output.status.success(), said)
    };
    let (honest, said) = run(None);
    assert!(honest, "{test} fails without a defect:\n{said}");
    let (passes, said) = run(Some(defect.name()));
    assert!(
        said.contains(&format!("SEEDED DEFECT {}: ", defect.name())),
        "{} was not seeded:\n{said}",
        defect.name()
    );
    assert!(!passes, "{test} doesn't notice {}", defect.name());
}
