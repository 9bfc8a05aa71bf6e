//! One connection as the operator configures it: which provider, which URLs, whose credential, how much of the budget.
//!
//! No secret stands here, only where it is found. Every URL can be pointed elsewhere (sandboxes, simulators). Next:
//! `profile.rs` says what is true of the provider, `broker/` puts both together.

use crate::secret::Secret;
use footbridge_model::id::ConnectionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A connection. In `footbridge.toml`: a table `[connections.NAME]` with these keys (the name is the table's).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Connection {
    /// Its name: the key of its table. Set by the reader of the configuration.
    #[serde(skip, default = "unnamed")]
    pub name: ConnectionId,
    /// The provider profile.
    pub provider: Provider,
    /// Where the API is, without the services' paths: `https://api.xero.com`, `https://acme.my.salesforce.com`,
    /// `http://127.0.0.1:8080`. Xero has a default; Salesforce needs its My Domain.
    pub base_url: Option<String>,
    /// Where tokens come from. Default: the provider's (for Salesforce `/services/oauth2/token` under the base URL).
    pub token_url: Option<String>,
    /// Where a person lets the app in. Default: the provider's.
    pub authorize_url: Option<String>,
    /// Where tokens are given back. Default: the provider's.
    pub revoke_url: Option<String>,
    /// How it proves itself. `client-credentials`.
    #[serde(default)]
    pub auth: Auth,
    /// The app's id.
    pub client_id: String,
    /// Where the app's secret is. Not needed for `jwt-bearer`, nor for `code` with an app that uses PKCE alone.
    pub client_secret: Option<SecretSource>,
    /// For `jwt-bearer`: the login that it acts as.
    pub user: Option<String>,
    /// For `jwt-bearer`: where the app's private key is, in PEM form.
    pub private_key: Option<SecretSource>,
    /// For `jwt-bearer`: whom assertions are addressed to. Default: the provider's, for production or sandbox by the base URL.
    pub audience: Option<String>,
    /// For `code`: the port of this machine that the browser comes back to, as in the app's redirect URI. 7417.
    pub redirect_port: Option<u16>,
    /// The organisation that the connection is pinned to, by the far side's id.
    pub organisation: Option<String>,
    /// The API's version in paths, where the provider has one. Salesforce: `v66.0`.
    pub api_version: Option<String>,
    /// Seconds until a request without a whole answer is given up. 60.
    pub timeout_seconds: Option<u64>,
    /// Tighter budgets than the provider's.
    #[serde(default)]
    pub budget: BudgetOverride,
    /// Another header for idempotency keys than the provider's.
    pub idempotency_header: Option<String>,
    /// The connector that serves it, by the name it is installed under. Default: the provider's, which comes along.
    pub plugin: Option<String>,
    /// What the plugin may ask for, instead of all that the provider's profile offers. It can only narrow that.
    pub grant: Option<Vec<GrantRule>>,
    /// Ways of asking besides the contract's own `http` that its plugin was granted. A configuration can't name one.
    #[serde(skip)]
    pub faces: BTreeSet<Face>,
    /// What it is used for. Can't be written in a configuration.
    #[serde(skip)]
    pub purpose: Purpose,
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Records are read and written.
    #[default]
    Records,
    /// The far side is set up, under a person's eyes: what the profile offers for that alone is open too.
    SetUp,
}

fn unnamed() -> ConnectionId {
    ConnectionId::new("")
}

impl Connection {
    /// Whether the far side honours an idempotency key, so that the same bytes may be sent again under it.
    pub fn honours_idempotency_keys(&self) -> bool {
        let profile = crate::profile::Profile::of(self);
        self.idempotency_header.is_some() || profile.idempotency_header.is_some()
    }

    /// Where the browser comes back to after consent, exactly as the app must have it registered. `localhost`, since Xero refuses
    /// `127.0.0.1`.
    pub fn redirect_uri(&self) -> String {
        format!("http://localhost:{}/callback", self.redirect_port())
    }

    /// The port of it.
    pub fn redirect_port(&self) -> u16 {
        self.redirect_port.unwrap_or(7417)
    }

    /// Its secrets' relative paths start from this folder from now on.
    pub fn find_secrets_in(&mut self, folder: &Path) {
        for source in [&mut self.client_secret, &mut self.private_key] {
            if let Some(SecretSource::File(path)) = source {
                *path = folder.join(&*path);
            }
        }
    }

    /// A connection with the provider's defaults for everything else.
    pub fn new(
        name: impl Into<String>,
        provider: Provider,
        client_id: impl Into<String>,
        client_secret: SecretSource,
    ) -> Self {
        Self {
            name: ConnectionId::new(name),
            provider,
            base_url: None,
            token_url: None,
            authorize_url: None,
            revoke_url: None,
            auth: Auth::ClientCredentials,
            client_id: client_id.into(),
            client_secret: Some(client_secret),
            user: None,
            private_key: None,
            audience: None,
            redirect_port: None,
            organisation: None,
            api_version: None,
            timeout_seconds: None,
            budget: BudgetOverride::default(),
            idempotency_header: None,
            plugin: None,
            grant: None,
            faces: BTreeSet::new(),
            purpose: Purpose::Records,
        }
    }
}

/// How a connection proves itself to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// The app alone, with its secret: a Xero custom connection, a Salesforce app with a run-as user. Nothing to renew.
    #[default]
    ClientCredentials,
    /// A person consents in a browser, once; the refresh token goes on from there.
    Code,
    /// The app signs for a user that an administrator approved (Salesforce). Nothing to renew.
    JwtBearer,
}

impl Auth {
    /// Whether a person must let it in before it works.
    pub fn needs_consent(self) -> bool {
        self == Self::Code
    }
}

/// The providers that the host has a profile of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Xero's accounting API.
    Xero,
    /// Salesforce's REST API.
    Salesforce,
}

impl Provider {
    /// By its name in manifests and configurations.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "xero" => Some(Self::Xero),
            "salesforce" => Some(Self::Salesforce),
            _ => None,
        }
    }
}

/// Where a secret is found. `{ env = "XERO_SECRET" }`, `{ file = "/run/secrets/xero" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// In an environment variable of the host.
    Env(String),
    /// In a file, in a configuration relative to that; a line break at its end doesn't count.
    File(PathBuf),
    /// Given by the program itself: the demo's simulators. Can't be written in a configuration.
    #[serde(skip)]
    Given(Secret),
}

/// Why a secret isn't there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is missing or empty.
    #[error(
        "the environment variable {0} is not set. Set it to the app's client secret or private key before starting"
    )]
    Variable(String),
    /// The file can't be read or is empty.
    #[error("the secret file {}: {reason}. Put the app's client secret or private key there", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl SecretSource {
    pub(crate) fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Env(name) => match std::env::var(name) {
                Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
                _ => Err(SecretError::Variable(name.clone())),
            },
            Self::File(path) => {
                let failed = |reason: String| SecretError::File {
                    path: path.clone(),
                    reason,
                };
                let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
                let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
                if secret.expose().is_empty() {
                    return Err(failed("is empty".to_owned()));
                }
                Ok(secret)
            }
        }
    }
}

/// Tighter limits than the provider's own; a larger figure has no effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BudgetOverride {
    /// Requests at once.
    pub concurrent: Option<u32>,
    /// Requests a minute.
    pub minute: Option<u32>,
    /// Requests a day.
    pub day: Option<u32>,
}

/// One thing that a plugin may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrantRule {
    /// The service, as the profile names it.
    pub service: String,
    /// Reading or writing.
    pub access: Access,
    /// The decoded path; `*` stands for one segment, `**` at the end for any rest, also none.
    pub path: String,
}

/// A way of asking the broker besides the contract's own `http`, granted by its name. It opens no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Face {
    /// `wasi:http/outgoing-handler`, so that `fetch` and other languages' own clients work: reads only.
    WasiHttp,
}

impl Face {
    /// Every one that there is.
    pub const ALL: [Self; 1] = [Self::WasiHttp];

    /// By its name in manifests and grants.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|face| face.to_string() == name)
    }
}

impl std::fmt::Display for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WasiHttp => "wasi-http",
        })
    }
}

/// Reading or writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// GET, by a guest.
    Read,
    /// POST, PUT, PATCH, by the host.
    Write,
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}
