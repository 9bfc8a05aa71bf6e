//! What is true of each provider's OAuth: URLs, scopes for consent, what becomes of a refresh token that was used.
//!
//! Host data, like the rest of `profile.rs`; no manifest can change it. Sources: the providers' OAuth pages. Next:
//! `authorize.rs` and `request.rs` build from it.

use crate::connection::Provider;
use chrono::TimeDelta;

/// A provider's OAuth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OAuth {
    /// Where a person consents: absolute, or a path on the base URL.
    pub(crate) authorize_url: &'static str,
    /// Where tokens are given back: absolute, or a path on the base URL.
    pub(crate) revoke_url: &'static str,
    /// Scopes of a consent besides those of the API: who consents, and a refresh token.
    pub(crate) consent_scopes: &'static str,
    /// How long a refresh token that was used, and whose answer was lost, may be tried again. `None`: not at all.
    pub(crate) grace: Option<TimeDelta>,
    /// How long a refresh token lasts unused, where that is known.
    pub(crate) refresh_lasts: Option<TimeDelta>,
    /// Whom an assertion is addressed to: production and sandbox.
    pub(crate) audiences: Option<[&'static str; 2]>,
    /// The path under the base URL that lists what a consent reaches; `None` where that is always one organisation.
    pub(crate) connections: Option<&'static str>,
}

/// The provider's.
pub(crate) fn oauth(provider: Provider) -> OAuth {
    match provider {
        Provider::Xero => OAuth {
            authorize_url: "https://login.xero.com/identity/connect/authorize",
            revoke_url: "https://identity.xero.com/connect/revocation",
            consent_scopes: "openid profile email offline_access",
            grace: Some(TimeDelta::minutes(30)),
            refresh_lasts: Some(TimeDelta::days(60)),
            audiences: None,
            connections: Some("connections"),
        },
        Provider::Salesforce => OAuth {
            authorize_url: "/services/oauth2/authorize",
            revoke_url: "/services/oauth2/revoke",
            consent_scopes: "api refresh_token",
            grace: None,
            refresh_lasts: None,
            audiences: Some([
                "https://login.salesforce.com",
                "https://test.salesforce.com",
            ]),
            connections: None,
        },
    }
}

/// All scopes that a consent asks for, in order, none twice.
pub(crate) fn scopes(oauth: &OAuth, api: &str) -> String {
    let mut all: Vec<&str> = Vec::new();
    for scope in oauth.consent_scopes.split(' ').chain(api.split(' ')) {
        if !scope.is_empty() && !all.contains(&scope) {
            all.push(scope);
        }
    }
    all.join(" ")
}
