//! The bindings of a mapping under short names.
//!
//! A mapping implements [`Guest`] on one unit struct and calls `footbridge_sdk::export_mapping!(ThatStruct)`.

pub use crate::generated::connector::footbridge::plugin::types::{Document, Problem};
pub use crate::generated::mapping::exports::footbridge::plugin::transform::{
    Batch, Description, Draft, Guest, Input, Source, Target,
};
