//! Links: which records are one thing on both sides. A link is a set of members, never a pair (domain rule 3).

use crate::id::{OpId, RecordKey};
use serde::{Deserialize, Serialize};

/// What a member is to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The customer record: Salesforce account, ledger customer.
    Customer,
    /// The deal and its documents.
    Billing,
    /// A record of the ledger and what the CRM shows of it. Never stored as a link: the record's natural key is the link.
    Receivable,
}

/// One link. Its id is the natural key it was made under: see [`crate::plan::billing_key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The link's own id: what the source record and part are.
    pub id: String,
    /// What it links.
    pub role: Role,
    /// The members, at least one.
    pub members: Vec<Member>,
    /// The operation that made it; none if two existing records were matched.
    pub made_by: Option<OpId>,
}

/// A record in a link, with its shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which record.
    pub record: RecordKey,
    /// The mapped fields as the far side last reported them, canonical JSON; none while pending.
    pub shadow: Option<String>,
    /// The version that the shadow was reported at.
    pub version: Option<String>,
}

impl Link {
    /// Adds a member, or replaces what was known of it.
    pub fn set(&mut self, member: Member) {
        self.members.retain(|known| known.record != member.record);
        self.members.push(member);
    }

    /// The member on a connection with this object, if there is one.
    pub fn member(&self, connection: &str, object: &str) -> Option<&Member> {
        self.members.iter().find(|m| {
            m.record.connection.as_str() == connection && m.record.object.as_str() == object
        })
    }
}
