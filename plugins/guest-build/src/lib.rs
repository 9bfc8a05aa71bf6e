//! Builds guests for build scripts.
