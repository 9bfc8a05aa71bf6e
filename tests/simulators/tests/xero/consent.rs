//! Xero's consent page, codes, refresh tokens, connections and their end.

use std::collections::HashMap;

use base64::Engine as _;
use footbridge_simulators::xero::{
    PKCE_CLIENT_ID, RefreshRetry, RevokedAccess, WEB_CLIENT_ID, WEB_CLIENT_SECRET,
};
use serde_json::json;

use super::support::{Answer, Xero};

const REDIRECT: &str = "http://localhost:7417/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn asks() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("client_id", PKCE_CLIENT_ID),
        ("redirect_uri", REDIRECT),
        (
            "scope",
            "openid profile email offline_access accounting.contacts",
        ),
        ("state", "s 1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let one = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let all: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", one(name), one(value)))
        .collect();
    all.join("&")
}

async fn form(xero: &Xero, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let kind = "application/x-www-form-urlencoded".to_owned();
    xero.raw(
        "POST",
        path,
        &[("content-type", kind)],
        encoded(pairs).into_bytes(),
    )
    .await
    .unwrap()
}

/// Answers the consent page; what the browser is sent back with.
async fn answered(
    xero: &Xero,
    asks: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> HashMap<String, String> {
    let all = [asks, more].concat();
    let answer = form(xero, "/identity/connect/authorize", &all).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    let location = answer.header("location").unwrap().to_owned();
    let query = location.strip_prefix(&format!("{REDIRECT}?")).unwrap();
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

async fn code(xero: &Xero, asks: &[(&'static str, &'static str)]) -> String {
    let allow = [
        ("organisation-0", "yes"),
        ("organisation-1", "yes"),
        ("decision", "allow"),
    ];
    answered(xero, asks, &allow).await["code"].clone()
}

async fn redeem(xero: &Xero, code: &str, verifier: &str) -> Answer {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", PKCE_CLIENT_ID),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ];
    form(xero, "/connect/token", &pairs).await
}

async fn refresh(xero: &Xero, token: &str) -> Answer {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", PKCE_CLIENT_ID),
        ("refresh_token", token),
    ];
    form(xero, "/connect/token", &pairs).await
}

fn member(answer: &Answer, name: &str) -> String {
    let text = answer.body[name].as_str();
    assert!(text.is_some(), "no {name}: {}", answer.text);
    text.unwrap().to_owned()
}

async fn connections(xero: &Xero, access: &str) -> Answer {
    let bearer = [("authorization", format!("Bearer {access}"))];
    xero.raw("GET", "/connections", &bearer, Vec::new())
        .await
        .unwrap()
}

fn assert_refused(answer: &Answer, error: &str) {
    assert_eq!(
        (answer.status, &answer.body),
        (400, &json!({"error": error}))
    );
}

#[tokio::test]
async fn a_person_lets_an_app_in_and_it_reaches_what_was_ticked() {
    let xero = Xero::new().await;
    let page = xero
        .raw(
            "GET",
            &format!("/identity/connect/authorize?{}", encoded(&asks())),
            &[],
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(page.status, 200);
    for part in [
        "<label><input type=\"checkbox\" name=\"organisation-0\"",
        "Harbour &amp; Hill",
        "value=\"allow\">Allow access",
        "value=\"deny\">Deny",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let denied = answered(
        &xero,
        &asks(),
        &[("organisation-0", "yes"), ("decision", "deny")],
    )
    .await;
    assert_eq!(
        (denied["error"].as_str(), denied["state"].as_str()),
        ("access_denied", "s 1")
    );
    let code = code(&xero, &asks()).await;
    let tokens = redeem(&xero, &code, VERIFIER).await;
    assert_eq!(
        (tokens.status, &tokens.body["expires_in"]),
        (200, &json!(1800)),
        "{}",
        tokens.text
    );
    let claims = member(&tokens, "id_token");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims.split('.').nth(1).unwrap())
        .unwrap();
    assert!(
        String::from_utf8(claims)
            .unwrap()
            .contains("\"given_name\":\"Bea\"")
    );
    let access = member(&tokens, "access_token");
    let listed = connections(&xero, &access).await;
    assert_eq!(listed.body.as_array().unwrap().len(), 2, "{}", listed.text);
    let tenant = listed.body[1]["tenantId"].as_str().unwrap().to_owned();
    let mut person = xero.clone();
    person.token = access.clone();
    assert_eq!(
        person.get("Organisation").await.status,
        403,
        "no tenant named"
    );
    let own = person
        .call("GET", "Organisation", None, &[("xero-tenant-id", &tenant)])
        .await;
    assert_eq!(
        own.body["Organisations"][0]["OrganisationID"],
        json!(tenant)
    );
    // A connection is ended; the other one stays.
    let id = listed.body[1]["id"].as_str().unwrap();
    let bearer = [("authorization", format!("Bearer {access}"))];
    let end = |path: String| {
        let (xero, bearer) = (xero.clone(), bearer.clone());
        async move {
            xero.raw("DELETE", &path, &bearer, Vec::new())
                .await
                .unwrap()
                .status
        }
    };
    assert_eq!(end(format!("/connections/{id}")).await, 204);
    assert_eq!(end(format!("/connections/{id}")).await, 404);
    assert_eq!(
        person
            .call("GET", "Organisation", None, &[("xero-tenant-id", &tenant)])
            .await
            .status,
        403
    );
    assert_eq!(
        connections(&xero, &access)
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_request_that_is_not_the_apps_own_is_shown_and_never_sent_back() {
    let xero = Xero::new().await;
    for (name, value) in [
        ("client_id", "nobody"),
        ("redirect_uri", "http://127.0.0.1:7417/callback"),
        ("redirect_uri", "http://localhost:7418/callback"),
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "token"),
        ("scope", "accounting.transactions"),
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
    ] {
        let mut asks = asks();
        asks.retain(|(known, _)| *known != name);
        asks.push((name, value));
        let page = xero
            .raw(
                "GET",
                &format!("/identity/connect/authorize?{}", encoded(&asks)),
                &[],
                Vec::new(),
            )
            .await
            .unwrap();
        assert_eq!(
            (page.status, page.header("location")),
            (400, None),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_five_minutes_with_its_verifier() {
    let xero = Xero::new().await;
    let used = code(&xero, &asks()).await;
    let tokens = redeem(&xero, &used, VERIFIER).await;
    assert_eq!(tokens.status, 200);
    assert_refused(&redeem(&xero, &used, VERIFIER).await, "invalid_grant");
    // By default showing it again ended the consent.
    assert_refused(
        &refresh(&xero, &member(&tokens, "refresh_token")).await,
        "invalid_grant",
    );
    let other = "x".repeat(43);
    let wrong = code(&xero, &asks()).await;
    assert_refused(&redeem(&xero, &wrong, &other).await, "invalid_grant");
    assert_refused(&redeem(&xero, &wrong, VERIFIER).await, "invalid_grant");
    let late = code(&xero, &asks()).await;
    xero.simulator.clock().advance(chrono::Duration::minutes(5));
    assert_refused(&redeem(&xero, &late, VERIFIER).await, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_its_predecessor_forgiven_for_half_an_hour() {
    for retry in [RefreshRetry::NewPair, RefreshRetry::SamePair] {
        let xero = Xero::with(|options| options.switches.refresh_retry = retry).await;
        let first = redeem(&xero, &code(&xero, &asks()).await, VERIFIER).await;
        let first = member(&first, "refresh_token");
        let second = member(&refresh(&xero, &first).await, "refresh_token");
        assert_ne!(first, second);
        xero.simulator
            .clock()
            .advance(chrono::Duration::minutes(29));
        let third = member(&refresh(&xero, &first).await, "refresh_token");
        assert_eq!(third == second, retry == RefreshRetry::SamePair);
        let lost = refresh(&xero, &second).await.status;
        assert_eq!(
            lost,
            if retry == RefreshRetry::NewPair {
                400
            } else {
                200
            }
        );
        xero.simulator.clock().advance(chrono::Duration::minutes(1));
        assert_refused(&refresh(&xero, &first).await, "invalid_grant");
        let newest = match retry {
            RefreshRetry::NewPair => third,
            RefreshRetry::SamePair => member(&refresh(&xero, &second).await, "refresh_token"),
        };
        xero.simulator.clock().advance(chrono::Duration::days(60));
        assert_refused(&refresh(&xero, &newest).await, "invalid_grant");
    }
}

#[tokio::test]
async fn a_consent_ends_by_revocation_or_by_the_person() {
    for by_person in ["yes", "no"] {
        for access_ends in [RevokedAccess::Lasts, RevokedAccess::Ends] {
            let xero = Xero::with(|options| options.switches.revoked_access = access_ends).await;
            let tokens = redeem(&xero, &code(&xero, &asks()).await, VERIFIER).await;
            let (access, token) = (
                member(&tokens, "access_token"),
                member(&tokens, "refresh_token"),
            );
            if by_person == "yes" {
                xero.simulator.take_access_away(PKCE_CLIENT_ID);
            } else {
                let pairs = [("client_id", PKCE_CLIENT_ID), ("token", token.as_str())];
                assert_eq!(form(&xero, "/connect/revocation", &pairs).await.status, 200);
            }
            assert_refused(&refresh(&xero, &token).await, "invalid_grant");
            let listed = connections(&xero, &access).await;
            match access_ends {
                RevokedAccess::Lasts => assert_eq!(listed.body, json!([])),
                RevokedAccess::Ends => assert_eq!(listed.status, 401),
            }
        }
    }
}

#[tokio::test]
async fn a_web_app_proves_itself_by_its_secret() {
    let xero = Xero::new().await;
    let mut asks = asks();
    asks.retain(|(name, _)| !name.starts_with("code_challenge") && *name != "client_id");
    asks.push(("client_id", WEB_CLIENT_ID));
    let code = code(&xero, &asks).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
    ];
    let nobody = form(
        &xero,
        "/connect/token",
        &[&pairs[..], &[("client_id", WEB_CLIENT_ID)]].concat(),
    )
    .await;
    assert_refused(&nobody, "invalid_client");
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{WEB_CLIENT_ID}:{WEB_CLIENT_SECRET}"));
    let headers = [
        ("authorization", format!("Basic {basic}")),
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    let good = xero
        .raw(
            "POST",
            "/connect/token",
            &headers,
            encoded(&pairs).into_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(good.status, 200, "{}", good.text);
}
