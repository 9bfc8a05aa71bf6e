//! Xero's sign-in for apps, over HTTP: the authorise page, the token endpoint, the revocation endpoint, the list of connections.
//!
//! One person is always signed in and may connect every organisation. State: `consent.rs` (codes, refresh tokens, connections) and
//! `access.rs` (access tokens).

use std::collections::HashMap;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::Rng;
use serde_json::{Value, json};

use super::access::{SCOPES, basic};
use super::answer::{Answer, Spelling};
use super::consent::{Allowed, InvalidGrant, Issue};
use super::defect::Defect;
use super::guid::Guid;
use super::http::{count, refuse_access, send, text_of};
use super::options::App;
use super::{State as Store, XeroSimulator};
use crate::consent_page::{ConsentPage, Ticked, back, error_page, may_be_registered};

/// Who is signed in.
const PERSON: (&str, &str, &str) = ("Bea", "Booker", "bea.booker@harbour-hill.example");
const AUTHORISE: &str = "/identity/connect/authorize";
/// Scopes about the person, and for a refresh token.
const ABOUT: [&str; 4] = ["openid", "profile", "email", "offline_access"];

type Pairs = HashMap<String, String>;

/// A request that may be shown to a person.
struct Asked {
    app: App,
    redirect: String,
    scope: String,
    challenge: Option<String>,
    state: Option<String>,
}

fn read(simulator: &XeroSimulator, pairs: &Pairs) -> Result<Asked, Box<Response>> {
    let get = |name: &str| pairs.get(name).map(String::as_str).unwrap_or_default();
    let error = |error: &str, why: &str| Box::new(error_page("Xero", error, why));
    let apps = &simulator.options().apps;
    let Some(app) = apps.iter().find(|app| app.client_id == get("client_id")) else {
        return Err(error(
            "unauthorized_client",
            "Unknown client or client not enabled",
        ));
    };
    let redirect = get("redirect_uri");
    if !may_be_registered(redirect) || !app.redirects.iter().any(|known| known == redirect) {
        return Err(error("unauthorized_client", "Invalid redirect_uri"));
    }
    if get("response_type") != "code" {
        return Err(error(
            "unsupported_response_type",
            "Response type not supported",
        ));
    }
    let challenge = Some(get("code_challenge")).filter(|text| !text.is_empty());
    if app.secret.is_none() && challenge.is_none() {
        return Err(error("invalid_request", "code challenge required"));
    }
    if challenge.is_some() && get("code_challenge_method") != "S256" {
        return Err(error(
            "invalid_request",
            "Transform algorithm not supported",
        ));
    }
    let scope = get("scope");
    let known = |scope: &str| SCOPES.contains(&scope) || ABOUT.contains(&scope);
    if scope.is_empty() || !scope.split(' ').all(known) {
        return Err(error("invalid_scope", "Invalid scope"));
    }
    Ok(Asked {
        app: app.clone(),
        redirect: redirect.to_owned(),
        scope: scope.to_owned(),
        challenge: challenge.map(str::to_owned),
        state: pairs.get("state").cloned(),
    })
}

/// `GET /identity/connect/authorize`.
pub(super) async fn authorise(
    State(simulator): State<XeroSimulator>,
    Query(pairs): Query<Pairs>,
) -> Response {
    let asked = match read(&simulator, &pairs) {
        Ok(asked) => asked,
        Err(page) => return *page,
    };
    let names: Vec<String> = {
        let state = simulator.lock();
        state
            .books
            .iter()
            .map(|book| book.setup.name.clone())
            .collect()
    };
    let choices: Vec<(String, String, Ticked)> = names
        .into_iter()
        .enumerate()
        .map(|(position, name)| {
            let ticked = if position == 0 {
                Ticked::Yes
            } else {
                Ticked::No
            };
            (format!("organisation-{position}"), name, ticked)
        })
        .collect();
    let hidden: Vec<(String, String)> = pairs.into_iter().collect();
    let scopes: Vec<String> = asked.scope.split(' ').map(str::to_owned).collect();
    ConsentPage {
        vendor: "Xero",
        app: &asked.app.name,
        person: &format!("{} {}", PERSON.0, PERSON.1),
        action: AUTHORISE,
        scopes: &scopes,
        choices: &choices,
        hidden: &hidden,
    }
    .response()
}

/// What the person answered.
pub(super) async fn decide(
    State(simulator): State<XeroSimulator>,
    Form(pairs): Form<Pairs>,
) -> Response {
    let asked = match read(&simulator, &pairs) {
        Ok(asked) => asked,
        Err(page) => return *page,
    };
    let state = asked.state.clone();
    let state = state.as_deref().map(|state| ("state", state));
    let chosen = |position: usize| pairs.contains_key(&format!("organisation-{position}"));
    let organisations: Vec<usize> = (0..simulator.options().organisations.len())
        .filter(|position| chosen(*position))
        .collect();
    let allowed = pairs.get("decision").map(String::as_str) == Some("allow");
    if !allowed || organisations.is_empty() {
        let pairs = [
            ("error", "access_denied"),
            ("error_description", "TenantConsent status DENIED"),
        ];
        let all: Vec<(&str, &str)> = pairs.into_iter().chain(state).collect();
        return back(&asked.redirect, &all);
    }
    let now = simulator.clock().now();
    let mut store = simulator.lock();
    let Store {
        consents, random, ..
    } = &mut *store;
    let code = text(random);
    let event = Guid::from_random(random.random());
    let code = consents.allow(
        Allowed {
            client: asked.app.client_id,
            redirect: asked.redirect.clone(),
            challenge: asked.challenge,
            scope: asked.scope.clone(),
            organisations,
        },
        code,
        event,
        || Guid::from_random(random.random()),
        now,
    );
    drop(store);
    let pairs = [("code", code.as_str()), ("scope", asked.scope.as_str())];
    let all: Vec<(&str, &str)> = pairs.into_iter().chain(state).collect();
    back(&asked.redirect, &all)
}

/// `POST /connect/token`.
pub(super) async fn token(
    State(simulator): State<XeroSimulator>,
    headers: HeaderMap,
    Form(form): Form<Pairs>,
) -> Response {
    let now = simulator.clock().now();
    let authorization =
        text_of(&headers, "authorization").filter(|header| header.starts_with("Basic "));
    let mut state = simulator.lock();
    state.counts.token_calls += 1;
    let kind = form.get("grant_type").map(String::as_str);
    let (status, body) = match kind {
        Some("authorization_code" | "refresh_token") => {
            by_consent(&simulator, &mut state, authorization, &form, now)
        }
        _ => {
            let Store { access, random, .. } = &mut *state;
            access.token(
                &simulator.options().credentials,
                random,
                authorization,
                &form,
                now,
            )
        }
    };
    drop(state);
    send(
        Answer::document(status, body).spell(Spelling::Json),
        Vec::new(),
    )
}

fn by_consent(
    simulator: &XeroSimulator,
    state: &mut Store,
    authorization: Option<&str>,
    form: &Pairs,
    now: DateTime<Utc>,
) -> (u16, Value) {
    let error = |code: &str| (400, json!({"error": code}));
    let Some(app) = app_of(simulator, authorization, form) else {
        return error("invalid_client");
    };
    let switches = simulator.options().switches;
    let Store {
        consents,
        access,
        random,
        ..
    } = state;
    let fresh = text(random);
    let issued = match form.get("grant_type").map(String::as_str) {
        Some("refresh_token") => {
            let token = form.get("refresh_token").cloned().unwrap_or_default();
            let fresh = if simulator.options().defects.has(Defect::RefreshTokenKept) {
                token.clone()
            } else {
                fresh
            };
            consents.refresh(&app, &token, fresh, &switches, now)
        }
        _ => consents.redeem(&app, form, fresh, &switches, now),
    };
    let Issue {
        family,
        client,
        scope,
        event,
        refresh,
    } = match issued {
        Ok(issue) => issue,
        Err(InvalidGrant) => return error("invalid_grant"),
    };
    let (token, lasts) = access.for_person(random, &client, event, family, now);
    let mut body = json!({
        "access_token": token, "expires_in": lasts, "token_type": "Bearer", "scope": scope,
    });
    if let (Some(refresh), Some(body)) = (refresh, body.as_object_mut()) {
        body.insert("refresh_token".to_owned(), json!(refresh));
    }
    if let (true, Some(body)) = (
        scope.split(' ').any(|s| s == "openid"),
        body.as_object_mut(),
    ) {
        body.insert("id_token".to_owned(), json!(identity(&client, random, now)));
    }
    (200, body)
}

/// The app that proves itself: by its secret, or by its id alone where it has none.
fn app_of(simulator: &XeroSimulator, authorization: Option<&str>, form: &Pairs) -> Option<App> {
    let in_form = || {
        let secret = form.get("client_secret").cloned();
        Some((form.get("client_id")?.clone(), secret))
    };
    let (id, secret) = match authorization {
        Some(header) => basic(header).map(|(id, secret)| (id, Some(secret)))?,
        None => in_form()?,
    };
    let mut apps = simulator.options().apps.iter();
    apps.find(|app| app.client_id == id && app.secret == secret)
        .cloned()
}

/// An identity token; its signature is no real one.
fn identity(client: &str, random: &mut impl Rng, now: DateTime<Utc>) -> String {
    let (given, family, email) = PERSON;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "typ": "JWT"}));
    let claims = part(json!({
        "iss": "https://identity.xero.com", "aud": client, "iat": now.timestamp(), "exp": now.timestamp() + 300,
        "sub": "5f1e2c0b6f0e4c9b8f3b2f8d6d3a1c11", "given_name": given, "family_name": family,
        "email": email, "preferred_username": email,
    }));
    format!("{header}.{claims}.{}", text(random))
}

fn text(random: &mut impl Rng) -> String {
    let bytes: [u8; 32] = random.random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `POST /connect/revocation`: 200 whatever the token is.
pub(super) async fn revoke(
    State(simulator): State<XeroSimulator>,
    headers: HeaderMap,
    Form(form): Form<Pairs>,
) -> Response {
    let authorization =
        text_of(&headers, "authorization").filter(|header| header.starts_with("Basic "));
    let custom = || {
        let (id, secret) = basic(authorization?)?;
        let mut known = simulator.options().credentials.iter();
        known.find(|known| known.client_id == id && known.client_secret == secret)
    };
    match app_of(&simulator, authorization, &form) {
        Some(app) => {
            let token = form.get("token").map(String::as_str).unwrap_or_default();
            let lives = simulator.options().defects.has(Defect::RevokedConsentLives);
            if !lives {
                simulator.lock().consents.revoke(&app, token);
            }
            StatusCode::OK.into_response()
        }
        None if custom().is_some() => StatusCode::OK.into_response(),
        None => send(
            Answer::document(400, json!({"error": "invalid_client"})).spell(Spelling::Json),
            Vec::new(),
        ),
    }
}

/// `GET /connections`, perhaps `?authEventId=`.
pub(super) async fn connections(
    State(simulator): State<XeroSimulator>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Response {
    let now = simulator.clock().now();
    let mut state = simulator.lock();
    count(&mut state.counts, "GET", "/connections");
    let authorization = text_of(&headers, "authorization");
    let answer = match state.let_in(authorization, &simulator.options().switches, now) {
        Err(denied) => refuse_access(&mut state, &denied),
        Ok(grant) => {
            let name = |organisation: usize| state.books.get(organisation);
            let listed: Vec<Value> = match grant.family {
                None => name(grant.organisation)
                    .map(|book| entry(grant.event, grant.event, book, grant.issued))
                    .into_iter()
                    .collect(),
                Some(_) => state
                    .consents
                    .connections(&grant.client_id)
                    .filter_map(|one| {
                        Some(entry(
                            one.id,
                            one.event,
                            name(one.organisation)?,
                            one.created,
                        ))
                    })
                    .collect(),
            };
            let wanted = pairs.get("authEventId");
            let listed: Vec<Value> = listed
                .into_iter()
                .filter(|one| wanted.is_none_or(|id| one["authEventId"].as_str() == Some(id)))
                .collect();
            Answer::document(200, Value::Array(listed))
        }
    };
    drop(state);
    send(answer.spell(Spelling::Json), Vec::new())
}

/// `DELETE /connections/{id}`.
pub(super) async fn end_connection(
    State(simulator): State<XeroSimulator>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let now = simulator.clock().now();
    let mut state = simulator.lock();
    count(&mut state.counts, "DELETE", "/connections/{id}");
    let authorization = text_of(&headers, "authorization");
    let answer = match state.let_in(authorization, &simulator.options().switches, now) {
        Err(denied) => refuse_access(&mut state, &denied),
        Ok(grant) => {
            let ended = id
                .parse::<Guid>()
                .is_ok_and(|id| state.consents.end_connection(&grant.client_id, id));
            Answer::empty(if ended { 204 } else { 404 })
        }
    };
    drop(state);
    send(answer.spell(Spelling::Json), Vec::new())
}

fn entry(id: Guid, event: Guid, book: &super::book::Book, created: DateTime<Utc>) -> Value {
    let stamp = created.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    json!({
        "id": id.to_string(), "authEventId": event.to_string(), "tenantId": book.id.to_string(), "tenantType": "ORGANISATION",
        "tenantName": book.setup.name, "createdDateUtc": stamp, "updatedDateUtc": stamp,
    })
}
