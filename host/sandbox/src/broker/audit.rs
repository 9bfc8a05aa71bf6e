//! One record of every request that left or was refused. No secret and no body stands in it, and no query values.
//!
//! Each goes to the log and to whoever the caller of [`super::Broker::new`] named; `audit_log.rs` keeps them.

use chrono::{DateTime, Utc};
use footbridge_model::id::PluginDigest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was asked and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditRecord {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The connection.
    pub connection: String,
    /// Who asked: a plugin by its name, `host` for writes and tokens.
    pub by: String,
    /// Which component that is; none for the host.
    #[serde(default)]
    pub digest: Option<PluginDigest>,
    /// The method.
    pub method: String,
    /// The service; `token` for the token URL.
    pub service: String,
    /// The path on the service as it was asked for, without its query.
    pub path: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The status of the answer, if there is one.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why there is none.
    #[serde(default)]
    pub why: Option<String>,
    /// Bytes of the body sent.
    pub bytes_out: usize,
    /// Bytes of the body received, unpacked.
    pub bytes_in: usize,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// How often a known secret stood in the answer: a security finding if not 0.
    pub secrets_found: usize,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It left, and a whole answer came.
    Answered,
    /// A rule refused it; nothing left.
    Denied,
    /// The budget was used up; nothing left.
    Budget,
    /// There was no connection; nothing left.
    NoConnection,
    /// It may have left, and no whole answer came.
    Lost,
    /// The credential was refused.
    AuthExpired,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answered => "answered",
            Self::Denied => "denied",
            Self::Budget => "budget",
            Self::NoConnection => "no-connection",
            Self::Lost => "lost",
            Self::AuthExpired => "auth-expired",
        })
    }
}

/// Takes audit records; must not block for long.
pub type AuditSink = Arc<dyn Fn(AuditRecord) + Send + Sync>;

pub(crate) fn record(sink: Option<&AuditSink>, record: AuditRecord) {
    if record.secrets_found > 0 {
        tracing::error!(
            connection = record.connection,
            path = ?record.path,
            found = record.secrets_found,
            "an answer repeated a credential; it was taken out. Find out who repeats it, and renew the credential"
        );
    }
    tracing::debug!(
        connection = record.connection,
        by = record.by,
        method = record.method,
        service = ?record.service,
        path = ?record.path,
        verdict = %record.verdict,
        status = record.status,
        why = ?record.why,
        bytes_out = record.bytes_out,
        bytes_in = record.bytes_in,
        milliseconds = record.milliseconds,
        "request"
    );
    if let Some(sink) = sink {
        sink(record);
    }
}
