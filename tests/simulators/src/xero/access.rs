//! Access tokens of 30 minutes: by client credentials, or for a consent of `consent.rs`; and who a token speaks for.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::consent::Family;
use super::guid::Guid;
use super::options::Credential;

const LIFETIME_SECONDS: i64 = 1800;
pub(super) const SCOPES: [&str; 8] = [
    "accounting.invoices",
    "accounting.invoices.read",
    "accounting.payments",
    "accounting.payments.read",
    "accounting.contacts",
    "accounting.contacts.read",
    "accounting.settings",
    "accounting.settings.read",
];

/// Whom a token speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    /// Position of the organisation; of a person's token it is settled by the tenant header.
    pub(crate) organisation: usize,
    /// The consent it came of, unless it is a custom connection's.
    pub(crate) family: Option<Family>,
    pub(crate) event: Guid,
    pub(crate) issued: DateTime<Utc>,
    expires: DateTime<Utc>,
}

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(crate) struct Access {
    tokens: HashMap<String, Grant>,
}

/// Why a call is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Expired(DateTime<Utc>),
    Unknown,
}

impl Access {
    /// Answers a token request: status and body.
    pub(crate) fn token(
        &mut self,
        credentials: &[Credential],
        random: &mut StdRng,
        authorization: Option<&str>,
        form: &HashMap<String, String>,
        now: DateTime<Utc>,
    ) -> (u16, Value) {
        let error = |code: &str| (400, json!({"error": code}));
        let get = |name: &str| form.get(name).cloned();
        let named = match authorization {
            Some(header) => basic(header),
            None => get("client_id").zip(get("client_secret")),
        };
        let known = named.and_then(|(id, secret)| {
            credentials
                .iter()
                .find(|known| known.client_id == id && known.client_secret == secret)
        });
        let Some(credential) = known else {
            return error("invalid_client");
        };
        if get("grant_type").as_deref() != Some("client_credentials") {
            return error("unsupported_grant_type");
        }
        let scope = get("scope")
            .filter(|scope| !scope.is_empty())
            .unwrap_or_else(|| SCOPES.join(" "));
        if scope.split(' ').any(|scope| !SCOPES.contains(&scope)) {
            return error("invalid_scope");
        }
        let bytes: [u8; 32] = random.random();
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let grant = Grant {
            client_id: credential.client_id.clone(),
            organisation: credential.organisation,
            family: None,
            event: Guid::from_random(random.random()),
            issued: now,
            expires: now + TimeDelta::seconds(LIFETIME_SECONDS),
        };
        self.tokens
            .retain(|_, grant| grant.expires + TimeDelta::days(1) > now);
        self.tokens.insert(token.clone(), grant);
        (
            200,
            json!({"access_token": token, "expires_in": LIFETIME_SECONDS, "token_type": "Bearer", "scope": scope}),
        )
    }

    /// A token of somebody's consent, and how many seconds it lasts.
    pub(crate) fn for_person(
        &mut self,
        random: &mut StdRng,
        client: &str,
        event: Guid,
        family: Family,
        now: DateTime<Utc>,
    ) -> (String, i64) {
        let bytes: [u8; 32] = random.random();
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let grant = Grant {
            client_id: client.to_owned(),
            organisation: usize::MAX,
            family: Some(family),
            event,
            issued: now,
            expires: now + TimeDelta::seconds(LIFETIME_SECONDS),
        };
        self.tokens.insert(token.clone(), grant);
        (token, LIFETIME_SECONDS)
    }

    /// Whom an `Authorization` header speaks for.
    pub(crate) fn check(
        &self,
        authorization: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Grant, Denied> {
        let grant = authorization
            .and_then(|header| header.strip_prefix("Bearer "))
            .and_then(|token| self.tokens.get(token));
        match grant {
            None => Err(Denied::Unknown),
            Some(grant) if grant.expires <= now => Err(Denied::Expired(grant.expires)),
            Some(grant) => Ok(grant.clone()),
        }
    }

    /// The tokens themselves.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.tokens.keys()
    }

    /// Makes a token expire now.
    pub(crate) fn expire(&mut self, authorization: Option<&str>, now: DateTime<Utc>) {
        let token = authorization.and_then(|header| header.strip_prefix("Bearer "));
        if let Some(grant) = token.and_then(|token| self.tokens.get_mut(token)) {
            grant.expires = now;
        }
    }
}

pub(super) fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
