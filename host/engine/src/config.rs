//! What one flow is: its two sides, its rules and its times. Read from `footbridge.toml` by the composition root.

use crate::granted::TransformGrant;
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_plan::FlowPolicy;
use footbridge_plan::rails::Rails;
use footbridge_plan::reflect::input::ReflectPolicy;
use std::collections::BTreeSet;
use std::time::Duration;

/// One flow, deal to invoice.
#[derive(Debug, Clone)]
pub struct FlowConfig {
    /// Its name.
    pub name: FlowName,
    /// The CRM's connection.
    pub source: ConnectionId,
    /// The ledger's connection.
    pub ledger: ConnectionId,
    /// The objects of the CRM that become customers, `Account`.
    pub customer_objects: Vec<String>,
    /// The transform's settings.
    pub settings: String,
    /// What the transform may see and write.
    pub granted: TransformGrant,
    /// The rules.
    pub policy: FlowPolicy,
    /// Opens a record of the CRM: the id is appended.
    pub record_url: String,
    /// Organisations that the connections must answer for, where the operator named them.
    pub pinned: Vec<(ConnectionId, String)>,
    /// The name of the live organisation, typed by the operator, where the other side is a sandbox or demo company.
    pub mixed: Option<String>,
    /// Connections whose far side honours an idempotency key.
    pub keyed: BTreeSet<ConnectionId>,
    /// The way back to the CRM, where it is switched on.
    pub reflect: Option<ReflectConfig>,
    /// Times of the in-doubt rule.
    pub timing: Timing,
    /// What of a plan is carried out without asking.
    pub rails: Rails,
}

/// The way back: the ledger's receivable side is shown in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReflectConfig {
    /// The rules.
    pub policy: ReflectPolicy,
    /// Every open document is read again within so many days, whether anything says that it changed or not.
    pub sweep_days: u32,
}

/// Times of the in-doubt rule (design section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long after the first byte the same bytes may be sent again under the same key. Xero remembers keys for
    /// 6 minutes; a minute is left for clocks and the wire.
    pub resend_window: Duration,
    /// How long the far side may still be working on a request that nobody waits for. Until then a lost request is only
    /// looked for: whether a key protects while its first request still runs is not known of Xero. Lists have to show what was done within it.
    pub in_flight: Duration,
    /// How long after the first byte reading back may decide.
    pub settle: Duration,
    /// How long to wait before looking at a request that got no answer.
    pub patience: Duration,
    /// What to do where an unanswered request left no trace and the far side doesn't enforce our key.
    pub unproven: Unproven,
    /// Write requests under way at once on a connection.
    pub concurrency: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            resend_window: Duration::from_secs(5 * 60),
            in_flight: Duration::from_secs(2 * 60),
            settle: Duration::from_secs(10 * 60),
            patience: Duration::from_secs(5),
            unproven: Unproven::Ask,
            concurrency: 4,
        }
    }
}

/// What an absence that can't be proven for ever leads to: a request that was never answered may still commit later,
/// however long one waited, and a ledger without a unique key would then hold two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// A person decides; reading back goes on meanwhile.
    Ask,
    /// Absence after the settle time counts as proof.
    Resend,
}
