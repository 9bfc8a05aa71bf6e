//! What a guest written in Rust needs: bindings of both worlds, and careful ways to read documents, write request bodies and report failures.
//!
//! Never does anything by itself: no state, no IO but through the host's imports. The same code compiles natively, so
//! that the pure parts of a plugin are tested without WebAssembly. From here the flow goes to a plugin's own
//! `component.rs`, which implements the `Guest` traits and calls one of the export macros.

#[doc(hidden)]
pub mod generated;

pub mod connector;
pub mod counter;
pub mod decimal;
pub mod document;
pub mod failure;
pub mod mapping;
pub mod provisioner;

/// Makes a type the connector of this component. It does nothing in native builds, whose linkers refuse such names.
#[macro_export]
macro_rules! export_connector {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::generated::connector::export_symbols!($connector with_types_in $crate::generated::connector);
    };
}

/// Makes a type that is the connector of this component its provisioner too. It does nothing in native builds.
#[macro_export]
macro_rules! export_provisioner {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::generated::provisioner::export_symbols!($connector with_types_in $crate::generated::provisioner);
    };
}

/// Makes a type that is the connector of this component its counter too. It does nothing in native builds.
#[macro_export]
macro_rules! export_counter {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::generated::counter::export_symbols!($connector with_types_in $crate::generated::counter);
    };
}

/// Makes a type the mapping of this component. It does nothing in native builds, whose linkers refuse such names.
#[macro_export]
macro_rules! export_mapping {
    ($mapping:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::generated::mapping::export_symbols!($mapping with_types_in $crate::generated::mapping);
    };
}
