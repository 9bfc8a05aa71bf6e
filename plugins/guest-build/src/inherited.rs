//! Which environment variables of the outer build must not reach the cargo that builds guests.
//!
//! It never removes what says where and how to download (`CARGO_HOME`, `CARGO_HTTP_*`, `CARGO_NET_*`, proxies) or
//! the job server's variables: guests share the outer build's job slots.

use std::ffi::OsString;
use std::process::Command;

/// Variables that change what is compiled: flags and targets of the native build, and wrappers around its compiler
/// (`cargo clippy` is one: its driver would compile guests without leaving any code).
const NATIVE: &[&str] = &[
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "DEBUG",
    "LLVM_PROFILE_FILE",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "TARGET",
];

/// Families of them: `CARGO_BUILD_TARGET`, `CARGO_TARGET_DIR`, `CARGO_PROFILE_RELEASE_LTO`, and what cargo tells a
/// build script about its own package.
const NATIVE_FAMILIES: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "DEP_",
];

/// Whether the variable belongs to the native build.
fn is_native(name: &str) -> bool {
    NATIVE.contains(&name)
        || NATIVE_FAMILIES
            .iter()
            .any(|family| name.starts_with(family))
}

/// Removes the native build's variables from the command's environment.
pub(crate) fn drop_native_settings(command: &mut Command, names: impl Iterator<Item = OsString>) {
    for name in names {
        if name.to_str().is_some_and(is_native) {
            command.env_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_native_build_are_dropped() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_BUILD_TARGET",
            "CARGO_BUILD_RUSTC_WRAPPER",
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_TARGET_DIR",
            "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS",
            "CARGO_PROFILE_GUEST_DEBUG",
            "CARGO_PROFILE_RELEASE_LTO",
            "PROFILE",
            "OUT_DIR",
        ] {
            assert!(is_native(name), "{name} must not reach the guests");
        }
    }

    #[test]
    fn what_finds_the_compiler_and_the_network_stays() {
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "CARGO_HTTP_PROXY",
            "CARGO_NET_OFFLINE",
            "CARGO_MAKEFLAGS",
            "https_proxy",
        ] {
            assert!(!is_native(name), "{name} must reach the guests' cargo");
        }
    }

    #[test]
    fn the_command_is_told_to_forget_them() {
        let mut command = Command::new("cargo");
        drop_native_settings(
            &mut command,
            ["PATH", "RUSTFLAGS", "CARGO_TARGET_DIR"]
                .map(OsString::from)
                .into_iter(),
        );
        let forgotten: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(forgotten, ["CARGO_TARGET_DIR", "RUSTFLAGS"]);
    }
}
