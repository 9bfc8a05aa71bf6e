//! The broker: the one way out of all guests and of the host itself.
//!
//! [`Broker`] knows the connections. Everything that leaves passes `exchange.rs`, in this order: `grant.rs` (may it),
//! `target.rs` (where), `budget.rs` (now), `token_url.rs` (as whom), `address.rs` and `wire.rs` (dial and send),
//! `unpack.rs` and `scrub.rs` (clean), `audit.rs` (written down, kept by `audit_log.rs`). Guests come in through `host.rs`, the host's own writes through
//! `outbound.rs`.

pub(crate) mod address;
mod audit;
mod audit_log;
mod budget;
mod exchange;
mod grant;
mod outbound;
mod own;
mod retry_after;
mod scrub;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod token_url;
mod unpack;
mod wire;

pub use audit::{AuditRecord, AuditSink, Verdict};
pub use audit_log::{AuditLog, AuditLogError};
pub use budget::Left;
pub(crate) use exchange::{Ask, Asking, Body, Refusal, Reply};
pub(crate) use own::Own;

use crate::connection::{Auth, Connection, SecretError, SecretSource};
use crate::oauth::jwt::SigningKey;
use crate::oauth::keeper::{Keeper, Owner};
use crate::oauth::provider::scopes;
use crate::oauth::vault::Vault;
use crate::profile::Profile;
use crate::seal::{InstallationKey, private_folder};
use crate::secret::Secret;
use budget::Budget;
use footbridge_engine::ports::Clock;
use footbridge_model::id::ConnectionId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;
use target::Targets;
use wire::{OnlyPlain, Wire};

/// A process that holds secrets leaves no picture of its memory behind when it dies.
#[cfg(unix)]
fn leave_no_dump() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::warn!(%error, "memory dumps can't be switched off; switch them off for this process where they are configured");
    }
}

#[cfg(not(unix))]
fn leave_no_dump() {}

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
    /// Itself, for tasks that outlive their caller.
    me: Weak<Line>,
    pub(crate) connection: Connection,
    pub(crate) profile: Profile,
    pub(crate) targets: Targets,
    pub(crate) credential: Credential,
    wire: Wire,
    pub(crate) tokens: Keeper,
    budget: Budget,
    pub(crate) clock: Arc<dyn Clock>,
    audit: Option<AuditSink>,
}

/// What the app proves itself with.
pub(crate) enum Credential {
    /// Its secret; none where PKCE alone proves a code to be ours.
    App(Option<Secret>),
    /// Assertions that it signs.
    Assertion {
        key: Box<SigningKey>,
        user: String,
        audience: String,
    },
}

impl Credential {
    /// The secret that answers must not repeat.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::App(secret) => secret.as_ref(),
            Self::Assertion { .. } => None,
        }
    }
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
        leave_no_dump();
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
            if lines.insert(name.clone(), line).is_some() {
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
    /// What the far side said is left.
    pub(crate) fn told(&self) -> footbridge_engine::ports::CallsLeft {
        self.budget.told(self.clock.now())
    }

    fn new(connection: Connection, options: &BrokerOptions) -> Result<Arc<Self>, BrokerError> {
        let wrong = |what: String| BrokerError::Configuration {
            connection: connection.name.clone(),
            what,
        };
        let profile = Profile::of(&connection);
        check_plain_settings(&connection).map_err(wrong)?;
        let targets = Targets::of(&connection, &profile).map_err(wrong)?;
        let credential = credential(&connection, &profile, &targets)?;
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
        let owner = Owner {
            connection: connection.name.to_string(),
            provider: connection.provider,
            auth: connection.auth,
        };
        let vault = Vault::new(
            options.key.clone(),
            options.tokens.clone(),
            connection.name.as_str(),
            &belongs_to(&connection, &profile, &targets),
        );
        let tokens = Keeper::new(owner, vault);
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            wire,
            tokens,
            budget: Budget::new(&profile, connection.budget),
            clock: options.clock.clone(),
            audit: options.audit.clone(),
            profile,
            targets,
            credential,
            connection,
        }))
    }
}

/// Everything that tokens are good for: the client, the user, and the profile with its URLs and hosts. A change of any of it makes
/// stored tokens unusable.
fn belongs_to(connection: &Connection, profile: &Profile, targets: &Targets) -> Vec<String> {
    let mut parts = vec![
        format!("{:?}", connection.provider),
        format!("{:?}", connection.auth),
        connection.client_id.clone(),
        connection.user.clone().unwrap_or_default(),
        profile.hosts.join(" "),
    ];
    parts.extend(targets.all().map(ToString::to_string));
    if connection.auth == Auth::Code {
        parts.push(scopes(&profile.oauth, profile.scopes));
    }
    parts
}

/// Reads what the connection's way of proving itself needs, and refuses what it doesn't.
fn credential(
    connection: &Connection,
    profile: &Profile,
    targets: &Targets,
) -> Result<Credential, BrokerError> {
    let wrong = |what: &str| BrokerError::Configuration {
        connection: connection.name.clone(),
        what: what.to_owned(),
    };
    let read = |source: &SecretSource| {
        source.read().map_err(|source| BrokerError::Secret {
            connection: connection.name.clone(),
            source,
        })
    };
    let secret = connection.client_secret.as_ref().map(read).transpose()?;
    let of_jwt = [
        connection.user.is_some(),
        connection.private_key.is_some(),
        connection.audience.is_some(),
    ];
    if connection.auth != Auth::JwtBearer && of_jwt.contains(&true) {
        return Err(wrong(
            "user, private-key and audience are for auth = \"jwt-bearer\". Take them out, or change auth",
        ));
    }
    match connection.auth {
        Auth::ClientCredentials if secret.is_none() => Err(wrong(
            "client-secret is missing: auth = \"client-credentials\" needs it, such as { env = \"NAME\" } or { file = \"/path\" }",
        )),
        Auth::ClientCredentials | Auth::Code => Ok(Credential::App(secret)),
        Auth::JwtBearer => {
            let Some(audiences) = profile.oauth.audiences else {
                return Err(wrong(
                    "this provider takes no assertions. Use auth = \"code\" or \"client-credentials\"",
                ));
            };
            if secret.is_some() {
                return Err(wrong(
                    "auth = \"jwt-bearer\" needs no client-secret: the private key is the proof. Take it out",
                ));
            }
            let user = connection.user.clone().filter(|user| !user.is_empty());
            let (Some(user), Some(source)) = (user, &connection.private_key) else {
                return Err(wrong(
                    "auth = \"jwt-bearer\" needs user (the login it acts as) and private-key, such as { file = \"/path/key.pem\" }",
                ));
            };
            let key = SigningKey::read(&read(source)?).map_err(|why| wrong(&why))?;
            let [production, sandbox] = audiences;
            let known = if targets.is_sandbox() {
                sandbox
            } else {
                production
            };
            let audience = connection.audience.clone();
            Ok(Credential::Assertion {
                key: Box::new(key),
                user,
                audience: audience.unwrap_or_else(|| known.to_owned()),
            })
        }
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
    if connection.redirect_port == Some(0) {
        return Err("redirect-port must be from 1 to 65535".to_owned());
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
