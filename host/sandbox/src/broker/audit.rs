//! One record of every request that left or was refused. No secret and no body stands in it, and no query values.
//!
//! The caller of [`super::Broker::new`] may take records over; each also goes to the log.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What was asked and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRecord {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The connection.
    pub connection: String,
    /// Who asked: a plugin by its name, `host` for writes and tokens.
    pub by: String,
    /// The method.
    pub method: String,
    /// The service; `token` for the token URL.
    pub service: String,
    /// The path on the service, without its query.
    pub path: String,
    /// What became of it: a status, or why there is none.
    pub outcome: String,
    /// Bytes of the body sent.
    pub bytes_out: usize,
    /// Bytes of the body received, decompressed.
    pub bytes_in: usize,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// How often a known secret stood in the answer: a security finding if not 0.
    pub secrets_found: usize,
}

/// Takes audit records; must not block.
pub type AuditSink = Arc<dyn Fn(AuditRecord) + Send + Sync>;

pub(crate) fn record(sink: Option<&AuditSink>, record: AuditRecord) {
    if record.secrets_found > 0 {
        tracing::error!(
            connection = record.connection,
            path = record.path,
            found = record.secrets_found,
            "an answer repeated a credential; it was taken out. Find out who repeats it, and renew the credential"
        );
    }
    tracing::debug!(
        connection = record.connection,
        by = record.by,
        method = record.method,
        service = record.service,
        path = ?record.path,
        outcome = ?record.outcome,
        bytes_out = record.bytes_out,
        bytes_in = record.bytes_in,
        milliseconds = record.milliseconds,
        "request"
    );
    if let Some(sink) = sink {
        sink(record);
    }
}
