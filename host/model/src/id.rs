//! Names of things, each its own type so that one can't be taken for another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

names! {
    /// A connection's name in `footbridge.toml`, for example `xero`.
    ConnectionId;
    /// A flow's name in `footbridge.toml`.
    FlowName;
    /// An object's name as a connector describes it: `Opportunity`, `invoice`.
    ObjectName;
    /// The far side's id of an organisation; part of every key in the store.
    OrganisationId;
    /// The far side's id of a record, in its longest form.
    RecordId;
    /// One operation of a plan.
    OpId;
    /// One write request. Hex.
    RequestId;
    /// SHA-256 of a component's bytes. Hex.
    PluginDigest;
}

/// Where a record lives: connection, organisation, object, id. The organisation is in every key (domain rule 3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The connection that reaches it.
    pub connection: ConnectionId,
    /// The organisation behind the connection.
    pub organisation: OrganisationId,
    /// What it is.
    pub object: ObjectName,
    /// Which one.
    pub id: RecordId,
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.object, self.id, self.connection)
    }
}
