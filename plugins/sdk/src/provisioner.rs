//! The bindings of what a connector adds that also sets its far side up. The rest it has of `connector`.
//!
//! A connector implements [`Guest`](provision::Guest) too, on the same unit struct, and calls
//! `footbridge_sdk::export_provisioner!(ThatStruct)` beside the macro for connectors.

pub use crate::generated::provisioner::exports::footbridge::plugin::provision;
