//! What plugins ask for and what they were given: manifest, signature, powers, grants, and whether a grant may move on.
//!
//! Everything here is a rule over values or a small file; nothing runs, compiles or sends. A signature never grants anything,
//! and neither does a manifest: what a plugin may do is manifest AND grant AND profile. Reading order: `powers`, `manifest`,
//! `agree`, `signature`, `package`, `report`; then `book` (what the operator gave), `follow` (what may move to a new version),
//! `staged` (a watched folder). Next: the broker and the engine hold what is effective.

mod agree;
mod book;
mod follow;
mod manifest;
mod package;
mod pattern;
mod powers;
mod report;
mod signature;
mod staged;

pub use agree::Disagreement;
pub(crate) use book::Book;
pub use book::{Given, Grant, GrantedTo};
pub use follow::{Publisher, Release, Stays, Updates, may_follow};
pub use manifest::{Declared, Manifest, ManifestError, ServicePaths};
pub use package::{Package, PackageError, approval};
pub use powers::{Powers, PowersError, offered};
pub use report::{Imported, Lent, Pinned, Report, Signed};
pub use signature::{PublicKey, Signature, SignatureError, SigningKey};
pub use staged::{Staged, staged};

#[cfg(test)]
mod tests;
