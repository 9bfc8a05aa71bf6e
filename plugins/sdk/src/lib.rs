//! Rust guest helper: bindings.
#![allow(missing_docs)]
mod connector { wit_bindgen::generate!({ path: "../../wit", world: "connector" }); }
mod mapping { wit_bindgen::generate!({ path: "../../wit", world: "mapping" }); }
