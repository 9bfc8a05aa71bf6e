//! Builds the starters of `templates/plugins` as their READMEs say, from the package registries alone, and keeps what came out
//! below `target/foreign/languages`. Tests and benches take the components from here.
//!
//! It never runs a component, and takes none that was built elsewhere. `recipe` holds the commands, `place` the folders. The
//! tests are in `tests/`: `same_drafts` (all languages draft alike), `start` (native code makes a start fast), `fetch` (a connector
//! that reads with plain `fetch`).

mod place;
mod recipe;

use std::path::PathBuf;

pub use recipe::BuildFailure;

/// A language that has a starter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `templates/plugins/rust`.
    Rust,
    /// `templates/plugins/javascript`.
    JavaScript,
    /// `templates/plugins/python`.
    Python,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::JavaScript, Self::Python];

    /// Its name, which is its starter's folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::Python => "python",
        }
    }
}

/// A starter that was built. The manifest lies beside the component under the same name, as `footbridge plugin` looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// What it is written in.
    pub language: Language,
    /// The component.
    pub component: PathBuf,
    /// Its `plugin.toml`.
    pub manifest: PathBuf,
}

/// The starter's component: built now, or found as it was built from the same sources with the same tools.
///
/// # Errors
/// The language's tools can't be had here, or they refuse the starter.
pub fn built(language: Language) -> Result<Built, BuildFailure> {
    recipe::built(language)
}

/// A component for tests alone, written in JavaScript: `fetching` is a connector that reads with plain `fetch`, `looking` a
/// transform that looks at the clock.
///
/// # Errors
/// JavaScript's tools can't be had here, or they refuse it.
pub fn built_guest(name: &str) -> Result<PathBuf, BuildFailure> {
    recipe::built_guest(name)
}
