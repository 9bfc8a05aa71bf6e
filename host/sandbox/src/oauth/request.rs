//! Forms for the token URL: one a grant, with the app's own proof where the provider wants it.
//!
//! A secret is put into a form or a header here and goes nowhere but the token and revocation URLs. Next:
//! `broker/token_url.rs` sends them.

use crate::profile::ClientAuth;
use crate::secret::Secret;
use base64::Engine as _;

/// What is shown to the token URL.
pub(crate) enum Grant<'a> {
    /// The app itself.
    ClientCredentials,
    /// The app for a user, by an assertion.
    Assertion(&'a Secret),
    /// A code from the browser.
    Code {
        code: &'a Secret,
        verifier: &'a Secret,
        redirect: &'a str,
    },
    /// The refresh token.
    Refresh(&'a Secret),
    /// Gives a token back; goes to the revocation URL.
    Revoke(&'a Secret),
}

/// The app.
pub(crate) struct Client<'a> {
    pub(crate) id: &'a str,
    /// None for an app that proves itself by PKCE alone.
    pub(crate) secret: Option<&'a Secret>,
    pub(crate) auth: ClientAuth,
    /// Scopes asked for with client credentials.
    pub(crate) scopes: &'a str,
}

impl Grant<'_> {
    /// Secrets in it: an answer must not repeat them.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::ClientCredentials => Vec::new(),
            Self::Assertion(one) | Self::Refresh(one) | Self::Revoke(one) => vec![one],
            Self::Code { code, verifier, .. } => vec![code, verifier],
        }
    }

    /// `authorization` and the body.
    pub(crate) fn form(&self, client: &Client<'_>) -> (Option<Secret>, Vec<u8>) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        match self {
            Self::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
                if !client.scopes.is_empty() {
                    form.append_pair("scope", client.scopes);
                }
            }
            Self::Assertion(assertion) => {
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", assertion.expose());
            }
            Self::Code {
                code,
                verifier,
                redirect,
            } => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", code.expose());
                form.append_pair("redirect_uri", redirect);
                form.append_pair("code_verifier", verifier.expose());
            }
            Self::Refresh(token) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose());
            }
            Self::Revoke(token) => {
                form.append_pair("token", token.expose());
            }
        }
        let mut authorization = None;
        match (client.auth, client.secret) {
            // An assertion is the app's proof.
            _ if matches!(self, Self::Assertion(_)) => {}
            (ClientAuth::Basic, Some(secret)) => authorization = Some(basic(client.id, secret)),
            (ClientAuth::Form, Some(secret)) => {
                form.append_pair("client_id", client.id);
                form.append_pair("client_secret", secret.expose());
            }
            (_, None) => {
                form.append_pair("client_id", client.id);
            }
        }
        (authorization, form.finish().into_bytes())
    }
}

fn basic(id: &str, secret: &Secret) -> Secret {
    let pair = zeroize::Zeroizing::new(format!("{id}:{}", secret.expose()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
    Secret::new(format!("Basic {encoded}"))
}
