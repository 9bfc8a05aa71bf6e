//! Why there is no component, in words that say what to do next.
//!
//! It never refers to a message elsewhere for the way out: a build script's reader sees little more than this.

use std::fmt;
use std::path::PathBuf;

use crate::place::PREBUILT_VARIABLE;
use crate::target::TARGET;

/// What kept a guest from being built.
#[derive(Debug)]
pub enum BuildFailure {
    /// It was called outside a build script: this variable is missing.
    NotInBuildScript {
        /// The variable that cargo sets for build scripts.
        variable: &'static str,
    },
    /// Cargo could not be started.
    NoCargo {
        /// What was tried.
        cargo: PathBuf,
        /// Why it did not start.
        source: std::io::Error,
    },
    /// The compiler has no standard library for the target, and it could not be installed.
    NoTarget {
        /// The toolchain that needs it, if rustup named one.
        toolchain: Option<String>,
        /// What kept it from being installed.
        reason: String,
    },
    /// Cargo ran and failed; what it said stands above the message.
    NotBuilt {
        /// The packages asked for.
        packages: Vec<String>,
    },
    /// Cargo succeeded and left no component.
    NoComponent {
        /// The package asked for.
        package: String,
        /// Where the component should be.
        path: PathBuf,
    },
    /// The folder for prebuilt components lacks one.
    NotPrebuilt {
        /// The package asked for.
        package: String,
        /// Where the component should be.
        path: PathBuf,
    },
}

impl std::error::Error for BuildFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoCargo { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInBuildScript { variable } => {
                write!(
                    out,
                    "the guests can only be built from a build script: cargo's variable {variable} is not set"
                )
            }
            Self::NoCargo { cargo, .. } => {
                write!(
                    out,
                    "the guests could not be built: {} did not start",
                    cargo.display()
                )
            }
            Self::NoTarget { toolchain, reason } => {
                let option = toolchain
                    .as_ref()
                    .map(|name| format!(" --toolchain {name}"))
                    .unwrap_or_default();
                writeln!(
                    out,
                    "The plugins are WebAssembly, and this compiler can't build for {TARGET} yet: {reason}."
                )?;
                writeln!(out, "Do one of these, then run the same command again:")?;
                writeln!(
                    out,
                    "  with a network:      rustup target add {TARGET}{option}"
                )?;
                writeln!(
                    out,
                    "  without rustup:      install your distribution's standard library for {TARGET}"
                )?;
                write!(
                    out,
                    "  with neither:        copy the components from a machine that built them (target/guests/{TARGET}/guest/*.wasm) and set {PREBUILT_VARIABLE} to their folder"
                )
            }
            Self::NotBuilt { packages } => {
                write!(
                    out,
                    "cargo could not build {} for {TARGET}; its own errors are shown with this one",
                    packages.join(", ")
                )
            }
            Self::NoComponent { package, path } => write!(
                out,
                "{package} was built without leaving {}: its Cargo.toml needs `crate-type = [\"cdylib\", \"rlib\"]` under [lib]",
                path.display()
            ),
            Self::NotPrebuilt { package, path } => write!(
                out,
                "{PREBUILT_VARIABLE} is set, and the component of {package} is not there: expected {}. Put it there, or unset {PREBUILT_VARIABLE} to build it",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_target_says_every_way_out() {
        let failure = BuildFailure::NoTarget {
            toolchain: Some("1.95.0-x86_64-unknown-linux-gnu".to_owned()),
            reason: "rustup was not found".to_owned(),
        };
        let text = failure.to_string();
        assert!(text.contains("rustup was not found"), "{text}");
        assert!(
            text.contains(
                "rustup target add wasm32-wasip2 --toolchain 1.95.0-x86_64-unknown-linux-gnu"
            ),
            "{text}"
        );
        assert!(
            text.contains("set FOOTBRIDGE_GUESTS to their folder"),
            "{text}"
        );
    }

    #[test]
    fn without_rustup_no_toolchain_is_invented() {
        let failure = BuildFailure::NoTarget {
            toolchain: None,
            reason: "rustup was not found".to_owned(),
        };
        assert!(
            failure
                .to_string()
                .contains("rustup target add wasm32-wasip2\n"),
            "{failure}"
        );
    }
}
