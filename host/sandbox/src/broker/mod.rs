//! The broker: the one way out of all guests and of the host itself.
//!
//! [`Broker`] knows the connections. Everything that leaves passes `exchange.rs`, in this order: `grant.rs` (may it),
//! `target.rs` (where), `budget.rs` (now), `token.rs` (as whom), `address.rs` and `wire.rs` (dial and send),
//! `unpack.rs` and `scrub.rs` (clean), `audit.rs` (written down, kept by `audit_log.rs`). Guests come in through `host.rs`, the host's own writes through
//! `outbound.rs`.

pub(crate) mod address;
mod audit;
mod audit_log;
mod budget;
mod exchange;
mod grant;
mod outbound;
mod scrub;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod unpack;
mod wire;

pub use audit::{AuditRecord, AuditSink, Verdict};
pub use audit_log::{AuditLog, AuditLogError};
pub use budget::Left;
pub(crate) use exchange::{Ask, Asking, Body, Refusal};

use crate::connection::{Connection, SecretError};
use crate::profile::Profile;
use crate::seal::{InstallationKey, private_folder};
use crate::secret::Secret;
use crate::token::TokenKeeper;
use budget::Budget;
use footbridge_engine::ports::Clock;
use footbridge_model::id::ConnectionId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use target::Targets;
use wire::{OnlyPlain, Wire};

/// What a broker needs besides its connections.
pub struct BrokerOptions {
    /// Seals tokens.
    pub key: InstallationKey,
    /// Folder for sealed tokens, made if missing; `None` keeps them in memory.
    pub tokens: Option<PathBuf>,
    /// Time, for budgets and expiry.
    pub clock: Arc<dyn Clock>,
    /// Takes audit records over.
    pub audit: Option<AuditSink>,
}

/// Why a connection can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Its configuration is wrong.
    #[error("connection {connection}: {what}")]
    Configuration {
        /// Which.
        connection: ConnectionId,
        /// What is wrong with it, and what is accepted.
        what: String,
    },
    /// Its secret isn't there.
    #[error("connection {connection}: {source}")]
    Secret {
        /// Which.
        connection: ConnectionId,
        /// Why not.
        source: SecretError,
    },
    /// The folder for tokens can't be made.
    #[error("the token folder {}: {source}", path.display())]
    Tokens {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The one way out. Shared by everything; implements the engine's `Outbound`.
pub struct Broker {
    lines: BTreeMap<ConnectionId, Arc<Line>>,
}

/// Everything of one connection.
pub(crate) struct Line {
    pub(crate) connection: Connection,
    profile: Profile,
    targets: Targets,
    secret: Secret,
    wire: Wire,
    tokens: TokenKeeper,
    budget: Budget,
    clock: Arc<dyn Clock>,
    audit: Option<AuditSink>,
}

impl Broker {
    /// Checks every connection's configuration and reads its secret. Nothing is sent.
    ///
    /// # Errors
    /// The first [`BrokerError`], which names the connection and what to do.
    pub fn new(
        connections: Vec<Connection>,
        options: BrokerOptions,
    ) -> Result<Arc<Self>, BrokerError> {
        // Fails only if one is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if let Some(folder) = &options.tokens {
            private_folder(folder).map_err(|source| BrokerError::Tokens {
                path: folder.clone(),
                source,
            })?;
        }
        let mut lines = BTreeMap::new();
        for connection in connections {
            let name = connection.name.clone();
            let line = Line::new(connection, &options)?;
            if lines.insert(name.clone(), Arc::new(line)).is_some() {
                return Err(BrokerError::Configuration {
                    connection: name,
                    what: "stands twice in the configuration".to_owned(),
                });
            }
        }
        Ok(Arc::new(Self { lines }))
    }

    /// What is left of the connection's budget, for display. `None` if there is no such connection.
    pub fn left(&self, connection: &ConnectionId) -> Option<Left> {
        let line = self.lines.get(connection)?;
        Some(line.budget.left(line.clock.now()))
    }

    /// Proves that the credential works: fetches a token, or uses one that is still good. For `doctor`.
    ///
    /// # Errors
    /// What is wrong and what to do, for people.
    pub async fn check(&self, connection: &ConnectionId) -> Result<(), String> {
        match self.lines.get(connection) {
            Some(line) => line.check_credential().await,
            None => Err(format!("there is no connection {connection}")),
        }
    }

    pub(crate) fn line(&self, connection: &ConnectionId) -> Option<&Arc<Line>> {
        self.lines.get(connection)
    }
}

impl Line {
    fn new(connection: Connection, options: &BrokerOptions) -> Result<Self, BrokerError> {
        let wrong = |what: String| BrokerError::Configuration {
            connection: connection.name.clone(),
            what,
        };
        let profile = Profile::of(&connection);
        check_plain_settings(&connection).map_err(wrong)?;
        let targets = Targets::of(&connection, &profile).map_err(wrong)?;
        let secret = connection
            .client_secret
            .read()
            .map_err(|source| BrokerError::Secret {
                connection: connection.name.clone(),
                source,
            })?;
        let timeout = Duration::from_secs(connection.timeout_seconds.unwrap_or(60));
        let only_plain = if targets.all_plain() {
            OnlyPlain::Yes
        } else {
            OnlyPlain::No
        };
        let lookup = address::system();
        let wire = Wire::new(targets.named.clone(), timeout, only_plain, lookup).map_err(|why| {
            wrong(format!(
                "its HTTP client can't be set up ({why}). Install your system's certificate authorities (Debian: ca-certificates)"
            ))
        })?;
        let credential = format!("{}/{}", connection.client_id, targets.token);
        Ok(Self {
            wire,
            tokens: TokenKeeper::new(
                options.key.clone(),
                options.tokens.clone(),
                connection.name.as_str(),
                &credential,
            ),
            budget: Budget::new(&profile, connection.budget),
            clock: options.clock.clone(),
            audit: options.audit.clone(),
            profile,
            targets,
            secret,
            connection,
        })
    }
}

fn check_plain_settings(connection: &Connection) -> Result<(), String> {
    if connection.client_id.is_empty() || connection.client_id.contains(char::is_control) {
        return Err("client-id is empty or has control characters".to_owned());
    }
    if !connection
        .timeout_seconds
        .is_none_or(|s| (1..=600).contains(&s))
    {
        return Err("timeout-seconds must be from 1 to 600".to_owned());
    }
    if let Some(version) = &connection.api_version {
        let digits = version.strip_prefix('v').and_then(|v| v.strip_suffix(".0"));
        if !digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())) {
            return Err(format!("api-version {version:?} must look like \"v66.0\""));
        }
    }
    if let Some(header) = &connection.idempotency_header
        && (header.is_empty() || exchange::is_forbidden(header))
    {
        return Err(format!("idempotency-header {header:?} can't carry a key"));
    }
    Ok(())
}
