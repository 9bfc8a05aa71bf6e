//! Tokens by client credentials, and whether a request carries one that is good.

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::salesforce::error::ApiError;
use crate::salesforce::org::Org;

/// What the token endpoint answers.
pub(super) struct TokenAnswer {
    pub(super) status: u16,
    pub(super) body: Value,
}

fn refused(error: &str, description: &str) -> TokenAnswer {
    TokenAnswer {
        status: 400,
        body: json!({"error": error, "error_description": description}),
    }
}

/// `POST /services/oauth2/token` with a form, the client in the body or in a Basic header.
pub(super) fn token(
    org: &mut Org,
    form: &std::collections::BTreeMap<String, String>,
    authorization: Option<&str>,
    instance_url: &str,
) -> TokenAnswer {
    let basic = authorization
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| {
            base64::engine::general_purpose::STANDARD
                .decode(value.trim())
                .ok()
        })
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            pair.split_once(':')
                .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
    let (id, secret) = basic.unwrap_or_else(|| {
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        (get("client_id"), get("client_secret"))
    });
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        None | Some("") => return refused("invalid_request", "must specify grant_type"),
        Some(_) => return refused("unsupported_grant_type", "grant type not supported"),
    }
    if id != org.options.client_id {
        return refused("invalid_client_id", "client identifier invalid");
    }
    if secret != org.options.client_secret {
        return refused("invalid_client", "invalid client credentials");
    }
    let issued_at = org.clock.now().timestamp_millis().to_string();
    let number = org.fresh();
    let digest = Sha256::digest(format!("{secret}{number}{issued_at}"));
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    let access_token = format!(
        "{}!{text}",
        org.organisation_id.get(..15).unwrap_or_default()
    );
    let now = org.clock.now();
    org.sessions.insert(access_token.clone(), now);
    let identity = format!("{instance_url}/id/{}/{}", org.organisation_id, org.user_id);
    let signature = base64::engine::general_purpose::STANDARD
        .encode(Sha256::digest(format!("{identity}{issued_at}")));
    TokenAnswer {
        status: 200,
        body: json!({
            "access_token": access_token, "instance_url": instance_url, "id": identity, "token_type": "Bearer",
            "issued_at": issued_at, "signature": signature, "scope": "api", "api_instance_url": instance_url,
        }),
    }
}

/// Lets a request with a live session pass, and keeps the session alive.
pub(super) fn session(org: &mut Org, authorization: Option<&str>) -> Result<(), ApiError> {
    let over = || ApiError::new("INVALID_SESSION_ID", "Session expired or invalid").status(401);
    let (scheme, token) = authorization
        .and_then(|value| value.split_once(' '))
        .ok_or_else(over)?;
    if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("oauth") {
        return Err(ApiError::new("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE").status(401));
    }
    let now = org.clock.now();
    let last = *org.sessions.get(token).ok_or_else(over)?;
    if now - last >= org.options.session_lifetime {
        org.sessions.remove(token);
        return Err(over());
    }
    org.sessions.insert(token.to_owned(), now);
    Ok(())
}

/// Ends the session of a request, as the `expired-token` fault wants it.
pub(super) fn end_session(org: &mut Org, authorization: Option<&str>) {
    if let Some((_, token)) = authorization.and_then(|value| value.split_once(' ')) {
        org.sessions.remove(token);
    }
}

/// `GET /id/{organisation}/{user}` and `/services/oauth2/userinfo`.
pub(super) fn identity(org: &Org, instance_url: &str) -> Value {
    let id = format!("{instance_url}/id/{}/{}", org.organisation_id, org.user_id);
    json!({
        "id": id, "sub": id, "user_id": org.user_id, "organization_id": org.organisation_id,
        "username": "integration@footbridge-demo.example", "display_name": "Integration User",
        "email": "integration@footbridge-demo.example", "active": true, "is_app_installed": true,
        "urls": {"rest": format!("{instance_url}/services/data/v{{version}}/")},
    })
}
