//! What the token URL says: tokens, or a refusal in words that say what to do.
//!
//! A refusal of the refresh token is told apart from one of the app, since only the first ends a consent; and an answer that is neither
//! leaves a refresh in doubt. Next: `keeper.rs` acts on it.

use super::standing::Tokens;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The provider refused the app or the consent; only a person can help.
    Refused(String),
    /// The token URL could not be asked, or answered nonsense; trying again may help.
    Unreachable(String),
    /// Refused by our own rules.
    Denied(String),
    /// The budget or the far side says: later, in so many seconds.
    Later(u32),
}

/// What became of asking the token URL.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Tokens.
    Given(Granted),
    /// The provider refused what was shown (code, refresh token, assertion), in its words.
    Refused(Refused),
    /// Nothing left, or it was not carried out.
    NotCarriedOut(TokenError),
    /// It may have been carried out, and no whole answer came.
    Lost(String),
}

/// Tokens, and what came with them.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) tokens: Tokens,
    pub(crate) scopes: Option<String>,
    /// Who it is by the identity token: name and e-mail.
    pub(crate) who: Option<String>,
}

/// A provider's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) error: String,
    pub(crate) description: String,
}

impl Refused {
    /// The provider's words.
    pub(crate) fn said(&self) -> String {
        let text = match self.description.as_str() {
            "" => self.error.clone(),
            more => format!("{}: {more}", self.error),
        };
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(300)
            .collect()
    }
}

/// Reads the token URL's answer.
pub(crate) fn read(status: u16, body: &[u8], now: DateTime<Utc>) -> Asked {
    #[derive(Deserialize)]
    struct Good {
        access_token: String,
        #[serde(default)]
        refresh_token: Option<String>,
        #[serde(default)]
        expires_in: Option<i64>,
        #[serde(default)]
        instance_url: Option<String>,
        #[serde(default)]
        scope: Option<String>,
        #[serde(default)]
        id_token: Option<String>,
    }
    #[derive(Deserialize)]
    struct Bad {
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    match status {
        200 => match serde_json::from_slice::<Good>(body) {
            Err(_) => Asked::Lost("the token URL's answer holds no token".to_owned()),
            Ok(good) if good.access_token.is_empty() => {
                Asked::Lost("the token URL's answer holds an empty token".to_owned())
            }
            Ok(good) => Asked::Given(Granted {
                tokens: Tokens {
                    access: Secret::new(good.access_token),
                    refresh: good
                        .refresh_token
                        .filter(|text| !text.is_empty())
                        .map(Secret::new),
                    instance: good.instance_url,
                    expires: good
                        .expires_in
                        .and_then(TimeDelta::try_seconds)
                        .and_then(|lasts| now.checked_add_signed(lasts)),
                    given: now,
                },
                scopes: good.scope,
                who: good.id_token.as_deref().and_then(who),
            }),
        },
        429 => Asked::NotCarriedOut(TokenError::Later(5)),
        400..=403 => {
            let refused = match serde_json::from_slice::<Bad>(body) {
                Ok(bad) => Refused {
                    error: bad.error,
                    description: bad.error_description.unwrap_or_default(),
                },
                Err(_) => Refused {
                    error: format!("status {status}"),
                    description: String::new(),
                },
            };
            match refused.error.as_str() {
                "invalid_grant" => Asked::Refused(refused),
                _ => Asked::NotCarriedOut(TokenError::Refused(of_the_app(&refused))),
            }
        }
        _ => Asked::Lost(format!("the token URL answered {status}")),
    }
}

/// The app, not what it showed, was refused.
fn of_the_app(refused: &Refused) -> String {
    let said = refused.said();
    match refused.error.as_str() {
        "invalid_app_access"
        | "unauthorized_client"
        | "invalid_scope"
        | "redirect_uri_mismatch"
        | "unsupported_grant_type"
        | "invalid_request" => {
            format!(
                "the provider did not let the app in ({said}). {}",
                to_do(&refused.error, &refused.description)
            )
        }
        _ => format!(
            "the provider refused the app's id or secret ({said}). Check client-id and client-secret"
        ),
    }
}

/// What helps against a refusal of the app.
pub(crate) fn to_do(error: &str, description: &str) -> &'static str {
    let about = |word: &str| description.to_ascii_lowercase().contains(word);
    match error {
        _ if about("admin") || about("approved") || about("installed") || about("blocked") => {
            "A Salesforce administrator installs the app in Setup > External Client App Manager, opens its Policies, and permits the user (admin approved users, by a permission set)"
        }
        "invalid_app_access" | "OAUTH_APP_BLOCKED" | "OAUTH_APP_ACCESS_DENIED" => {
            "A Salesforce administrator installs the app in Setup > External Client App Manager, opens its Policies, and permits the user (admin approved users, by a permission set)"
        }
        "redirect_uri_mismatch" => {
            "The app's registered callback URL must be exactly the one that `footbridge connect` prints"
        }
        "invalid_scope" => "The app must be allowed the scopes that `footbridge connect` prints",
        "unauthorized_client" | "unsupported_grant_type" => {
            "Check the app's type: it must allow the flow that `auth` names in the configuration"
        }
        "invalid_client_id" | "invalid_client" => "Check client-id and client-secret",
        _ => {
            "Run the command again; if it stays so, compare the app's settings with what `footbridge connect` prints"
        }
    }
}

/// Name and e-mail of an identity token. It came straight from the token URL over TLS, so its signature proves nothing more (OpenID
/// Connect Core 3.1.3.7), and it decides nothing: it is shown.
fn who(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        given_name: Option<String>,
        #[serde(default)]
        family_name: Option<String>,
        #[serde(default)]
        email: Option<String>,
        #[serde(default)]
        preferred_username: Option<String>,
    }
    let payload = id_token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    let parts = [claims.given_name, claims.family_name];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let name = claims
        .name
        .or_else(|| (!parts.is_empty()).then(|| parts.join(" ")));
    match (name, claims.email.or(claims.preferred_username)) {
        (Some(name), Some(login)) => Some(format!("{name} ({login})")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}
