//! The bindings of what a connector adds that also counts what its user can see. The rest it has of `connector`.
//!
//! A connector implements [`Guest`](counts::Guest) too, on the same unit struct, and calls
//! `footbridge_sdk::export_counter!(ThatStruct)` beside the macro for connectors.

pub use crate::generated::counter::exports::footbridge::plugin::counts;
