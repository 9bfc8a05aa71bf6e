//! Salesforce's sign-in for apps: the authorise page of the web server flow, and the revocation endpoint.
//!
//! The organisation's one user is always signed in. Next: `auth.rs` exchanges what the browser brought back.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::auth::fresh_token;
use super::{ApiAnswer, split_query};
use crate::consent_page::{ConsentPage, back, error_page, may_be_registered};
use crate::salesforce::consent::Code;
use crate::salesforce::options::AppState;
use crate::salesforce::org::Org;

const AUTHORISE: &str = "/services/oauth2/authorize";
const SCOPES: [&str; 6] = [
    "api",
    "refresh_token",
    "offline_access",
    "openid",
    "id",
    "web",
];

struct Asked {
    redirect: String,
    challenge: String,
    scope: String,
    state: Option<String>,
}

/// Refusals that the app isn't told of stand on a page; the others go back to it.
fn read(org: &Org, pairs: &BTreeMap<String, String>) -> Result<Asked, Box<Response>> {
    let get = |name: &str| pairs.get(name).map(String::as_str).unwrap_or_default();
    let page = |error: &str, why: &str| Box::new(error_page("Salesforce", error, why));
    if get("client_id") != org.options.client_id {
        return Err(page("invalid_client_id", "client identifier invalid"));
    }
    let redirect = get("redirect_uri");
    let known = &org.options.redirects;
    if !may_be_registered(redirect) || !known.iter().any(|known| known == redirect) {
        return Err(page(
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        ));
    }
    let state = pairs.get("state").cloned();
    let refuse = |error: &str, why: &str| {
        let pairs = [("error", error), ("error_description", why)];
        let state = state.as_deref().map(|state| ("state", state));
        let all: Vec<(&str, &str)> = pairs.into_iter().chain(state).collect();
        Box::new(back(redirect, &all))
    };
    if get("response_type") != "code" {
        return Err(refuse(
            "unsupported_response_type",
            "response type must be code",
        ));
    }
    match org.options.app {
        AppState::Approved => {}
        AppState::NotInstalled => {
            return Err(refuse("OAUTH_APP_BLOCKED", "this app is blocked by admin"));
        }
        AppState::NotApproved => {
            return Err(refuse(
                "OAUTH_APP_ACCESS_DENIED",
                "user is not admin approved to access this app",
            ));
        }
    }
    let challenge = get("code_challenge");
    if challenge.is_empty() || get("code_challenge_method") != "S256" {
        return Err(refuse("invalid_request", "missing required code challenge"));
    }
    let scope = match get("scope") {
        "" => "api refresh_token",
        scope => scope,
    };
    if !scope.split(' ').all(|scope| SCOPES.contains(&scope)) {
        return Err(refuse(
            "invalid_scope",
            "the requested scope is not allowed",
        ));
    }
    Ok(Asked {
        redirect: redirect.to_owned(),
        challenge: challenge.to_owned(),
        scope: scope.to_owned(),
        state,
    })
}

/// `GET /services/oauth2/authorize`.
pub(super) fn authorise(org: &Org, query: &str) -> Response {
    let pairs = split_query(query);
    let asked = match read(org, &pairs) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let hidden: Vec<(String, String)> = pairs.into_iter().collect();
    let scopes: Vec<String> = asked.scope.split(' ').map(str::to_owned).collect();
    ConsentPage {
        vendor: &format!("Salesforce ({})", org.options.organisation_name),
        app: "Footbridge",
        person: "Integration User",
        action: AUTHORISE,
        scopes: &scopes,
        choices: &[],
        hidden: &hidden,
    }
    .response()
}

/// What the user answered.
pub(super) fn decide(org: &mut Org, form: &str) -> Response {
    let pairs = split_query(form);
    let asked = match read(org, &pairs) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let state = asked.state.as_deref().map(|state| ("state", state));
    if pairs.get("decision").map(String::as_str) != Some("allow") {
        let pairs = [
            ("error", "access_denied"),
            ("error_description", "end-user denied authorization"),
        ];
        let all: Vec<(&str, &str)> = pairs.into_iter().chain(state).collect();
        return back(&asked.redirect, &all);
    }
    let code = format!("aPrx{}", fresh_token(org, "code"));
    let issued = org.clock.now();
    org.consents.codes.insert(
        code.clone(),
        Code {
            redirect: asked.redirect.clone(),
            challenge: asked.challenge,
            scope: asked.scope,
            issued,
            used: None,
        },
    );
    let all: Vec<(&str, &str)> = [("code", code.as_str())].into_iter().chain(state).collect();
    back(&asked.redirect, &all)
}

/// `POST /services/oauth2/revoke`: a refresh token with its sessions, or one session.
pub(super) fn revoke(org: &mut Org, form: &str) -> Result<Response, ApiAnswer> {
    let form = split_query(form);
    let token = form.get("token").map(String::as_str).unwrap_or_default();
    if org.consents.revoke(token) || org.sessions.remove(token).is_some() {
        return Ok(StatusCode::OK.into_response());
    }
    Err(ApiAnswer {
        status: 400,
        location: None,
        body: Some(json!({"error": "invalid_token", "error_description": "invalid token"})),
    })
}
