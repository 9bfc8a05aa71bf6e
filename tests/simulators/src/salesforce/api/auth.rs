//! The token endpoint (client credentials, code, refresh token, assertion), and whether a request carries a session that is good.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::salesforce::consent::Issue;
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::options::{AppSecret, AppState, OrganisationKind, RefreshRotation};
use crate::salesforce::org::Org;

/// The most seconds that an assertion may still live.
const ASSERTION_LIVES: i64 = 180;

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
    form: &BTreeMap<String, String>,
    authorization: Option<&str>,
    instance_url: &str,
) -> TokenAnswer {
    let kind = form.get("grant_type").map(String::as_str);
    let issued = match kind {
        Some("client_credentials") => {
            proven(org, form, authorization, AppSecret::Required).map(|()| None)
        }
        Some("authorization_code") => proven(org, form, authorization, org.options.app_secret)
            .and_then(|()| {
                let fresh = fresh_token(org, "refresh");
                let now = org.clock.now();
                let issue = org.consents.redeem(form, fresh, &org.options, now);
                issue.map(Some).map_err(|why| refused("invalid_grant", why))
            }),
        Some("refresh_token") => {
            proven(org, form, authorization, org.options.app_secret).and_then(|()| {
                let fresh = fresh_token(org, "refresh");
                let token = form.get("refresh_token").map(String::as_str);
                let rotation = if org.store.has(Defect::RotationOff) {
                    RefreshRotation::Off
                } else {
                    org.options.refresh_rotation
                };
                let issue = org
                    .consents
                    .refresh(token.unwrap_or_default(), fresh, rotation);
                issue.map(Some).map_err(|why| refused("invalid_grant", why))
            })
        }
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            let assertion = form.get("assertion").map(String::as_str);
            asserted(org, assertion.unwrap_or_default(), instance_url).map(|()| None)
        }
        None | Some("") => Err(refused("invalid_request", "must specify grant_type")),
        Some(_) => Err(refused(
            "unsupported_grant_type",
            "grant type not supported",
        )),
    };
    match issued {
        Ok(issue) => given(org, issue, instance_url),
        Err(answer) => answer,
    }
}

/// Whether the app proved itself.
fn proven(
    org: &Org,
    form: &BTreeMap<String, String>,
    authorization: Option<&str>,
    wanted: AppSecret,
) -> Result<(), TokenAnswer> {
    let basic = authorization
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            pair.split_once(':')
                .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
    let (id, secret) = basic.unwrap_or_else(|| {
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        (get("client_id"), get("client_secret"))
    });
    if id != org.options.client_id {
        return Err(refused("invalid_client_id", "client identifier invalid"));
    }
    let may_be_without = wanted == AppSecret::Optional && secret.is_empty();
    let any = org.store.has(Defect::AnySecret);
    if secret != org.options.client_secret && !may_be_without && !any {
        return Err(refused("invalid_client", "invalid client credentials"));
    }
    match org.options.app {
        AppState::Approved => Ok(()),
        AppState::NotInstalled => Err(refused(
            "invalid_app_access",
            "this app is blocked by admin",
        )),
        AppState::NotApproved => Err(refused(
            "invalid_app_access",
            "user is not admin approved to access this app",
        )),
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

/// Reads an assertion: signed RS256 by the app's certificate, for an approved user, for this server, not over.
fn asserted(org: &Org, assertion: &str, instance_url: &str) -> Result<(), TokenAnswer> {
    let invalid = || refused("invalid_grant", "invalid assertion");
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err(invalid());
    };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| invalid());
    let head: Value = serde_json::from_slice(&decoded(header)?).map_err(|_| invalid())?;
    let said: Claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| invalid())?;
    if said.iss != org.options.client_id {
        return Err(refused("invalid_client_id", "client identifier invalid"));
    }
    let algorithm = head.get("alg").and_then(Value::as_str);
    let Some(key) = org
        .options
        .certificate
        .as_ref()
        .filter(|_| algorithm == Some("RS256"))
    else {
        return Err(invalid());
    };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(
            format!("{header}.{claims}").as_bytes(),
            &decoded(signature)?,
        )
        .map_err(|_| invalid())?;
    let own = match org.options.kind {
        OrganisationKind::Production => "https://login.salesforce.com",
        OrganisationKind::Sandbox => "https://test.salesforce.com",
    };
    if said.aud != own && said.aud != instance_url {
        return Err(refused("invalid_grant", "audience is invalid"));
    }
    let now = org.clock.now().timestamp();
    if said.exp <= now || said.exp > now + ASSERTION_LIVES {
        return Err(refused(
            "invalid_grant",
            "assertion is expired or not yet valid",
        ));
    }
    let approved = org.options.approved_users.contains(&said.sub);
    match (org.options.app, approved) {
        (AppState::Approved, true) => Ok(()),
        (AppState::NotInstalled, _) => Err(refused(
            "invalid_app_access",
            "this app is blocked by admin",
        )),
        _ => Err(refused(
            "invalid_grant",
            "user hasn't approved this consumer",
        )),
    }
}

/// A text that nobody can guess.
pub(super) fn fresh_token(org: &mut Org, kind: &str) -> String {
    let (number, at) = (org.fresh(), org.clock.now().timestamp_micros());
    let secret = &org.options.client_secret;
    let digest = Sha256::digest(format!("{kind}{secret}{number}{at}"));
    URL_SAFE_NO_PAD.encode(digest)
}

fn given(org: &mut Org, issue: Option<Issue>, instance_url: &str) -> TokenAnswer {
    let issued_at = org.clock.now().timestamp_millis().to_string();
    let text = fresh_token(org, "session");
    let access_token = format!(
        "{}!{text}",
        org.organisation_id.get(..15).unwrap_or_default()
    );
    let now = org.clock.now();
    org.sessions.insert(access_token.clone(), now);
    let identity = format!("{instance_url}/id/{}/{}", org.organisation_id, org.user_id);
    let signature = STANDARD.encode(Sha256::digest(format!("{identity}{issued_at}")));
    let instance = org.options.instance_url.clone();
    let instance = instance.unwrap_or_else(|| instance_url.to_owned());
    let scope = issue.as_ref().map_or("api", |issue| issue.scope.as_str());
    let mut body = json!({
        "access_token": access_token, "instance_url": instance, "id": identity, "token_type": "Bearer",
        "issued_at": issued_at, "signature": signature, "scope": scope, "api_instance_url": instance,
    });
    if let Some(issue) = issue {
        org.consents.opened(&access_token, issue.family);
        if let (Some(refresh), Some(body)) = (issue.refresh, body.as_object_mut()) {
            body.insert("refresh_token".to_owned(), json!(refresh));
        }
    }
    TokenAnswer { status: 200, body }
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
    let idle = now - last >= org.options.session_lifetime && !org.store.has(Defect::SessionForEver);
    let over_with = org.consents.is_over(token) && !org.store.has(Defect::RevocationIgnored);
    if idle || over_with {
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
        "username": INTEGRATION_USER, "preferred_username": INTEGRATION_USER,
        "display_name": "Integration User", "name": "Integration User",
        "email": INTEGRATION_USER, "active": true, "is_app_installed": true,
        "urls": {"rest": format!("{instance_url}/services/data/v{{version}}/")},
    })
}

/// The login of the one user.
const INTEGRATION_USER: &str = "integration@footbridge-demo.example";
