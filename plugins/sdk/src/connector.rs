//! The bindings of a connector under short names: the shared nouns, the imports, and one module per exported interface.
//!
//! A connector implements the five `Guest` traits on one unit struct and calls
//! `footbridge_sdk::export_connector!(ThatStruct)`.

pub use crate::generated::connector::footbridge::plugin::types::{
    Document, Failure, FailureKind, Item, Presence, Problem,
};
pub use crate::generated::connector::footbridge::plugin::{http, keyvalue, log};

pub use crate::generated::connector::exports::footbridge::plugin::{
    feed, lookup, schema, setup, writes,
};
