//! Salesforce's consent page, codes, refresh tokens, revocation, and refusals of the app.
#![expect(clippy::unwrap_used, reason = "test code")]

use super::salesforce::{Answer, Org};
use axum::body::Body;
use axum::http::Request;
use footbridge_simulators::salesforce::options::{AppState, RefreshRotation};
use serde_json::json;

const ASKS: &str = "response_type=code&client_id=footbridge-salesforce-demo&redirect_uri=http%3A%2F%2Flocalhost%3A7417%2Fcallback&scope=api+refresh_token&state=s1&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CLIENT: &str = "client_id=footbridge-salesforce-demo&client_secret=salesforce-demo-secret";

async fn post(org: &Org, path: &str, form: &str) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()));
    org.send(request.unwrap()).await
}

/// Where the browser is sent.
async fn decided(org: &Org, decision: &str) -> String {
    let answer = post(
        org,
        "/services/oauth2/authorize",
        &format!("{ASKS}&decision={decision}"),
    )
    .await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    answer.header("location").to_owned()
}

async fn code(org: &Org) -> String {
    let location = decided(org, "allow").await;
    let rest = location.split("code=").nth(1).unwrap();
    rest.split('&').next().unwrap().to_owned()
}

async fn redeem(org: &Org, code: &str, verifier: &str) -> Answer {
    org.form(&format!("grant_type=authorization_code&{CLIENT}&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A7417%2Fcallback&code_verifier={verifier}")).await
}

async fn refresh(org: &Org, token: &str) -> Answer {
    org.form(&format!(
        "grant_type=refresh_token&{CLIENT}&refresh_token={token}"
    ))
    .await
}

fn assert_refused(answer: &Answer, description: &str) {
    assert_eq!(
        (answer.status, &answer.body),
        (
            400,
            &json!({"error": "invalid_grant", "error_description": description})
        )
    );
}

#[tokio::test]
async fn a_user_lets_the_app_in_or_does_not() {
    let org = Org::new();
    let page = org
        .send(
            Request::get(format!("/services/oauth2/authorize?{ASKS}"))
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert!(
        page.status == 200
            && page.text.contains(">Allow access</button>")
            && page.text.contains(">Deny</button>")
    );
    let denied = decided(&org, "deny").await;
    assert!(
        denied.starts_with("http://localhost:7417/callback?error=access%5Fdenied&"),
        "{denied}"
    );
    assert!(denied.ends_with("&state=s1"), "{denied}");
    let used = code(&org).await;
    let tokens = redeem(&org, &used, VERIFIER).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert!(tokens.body.get("expires_in").is_none() && tokens.body["refresh_token"].is_string());
    assert_refused(
        &redeem(&org, &used, VERIFIER).await,
        "expired authorization code",
    );
    // By default showing it again ended the consent.
    let token = tokens.body["refresh_token"].as_str().unwrap();
    assert_refused(&refresh(&org, token).await, "expired access/refresh token");
    assert_refused(
        &redeem(&org, "guess", VERIFIER).await,
        "invalid authorization code",
    );
    let other = code(&org).await;
    assert_refused(
        &redeem(&org, &other, &"x".repeat(43)).await,
        "invalid code verifier",
    );
    let late = code(&org).await;
    org.simulator.clock().advance(chrono::Duration::minutes(15));
    assert_refused(
        &redeem(&org, &late, VERIFIER).await,
        "expired authorization code",
    );
}

#[tokio::test]
async fn rotation_gives_no_second_chance_and_revocation_ends_the_sessions() {
    for rotation in [RefreshRotation::On, RefreshRotation::Off] {
        let mut org = Org::with(|options| options.refresh_rotation = rotation);
        let tokens = redeem(&org, &code(&org).await, VERIFIER).await;
        let first = tokens.body["refresh_token"].as_str().unwrap().to_owned();
        let renewed = refresh(&org, &first).await;
        assert_eq!(renewed.status, 200);
        let newest = match rotation {
            RefreshRotation::On => {
                assert_refused(&refresh(&org, &first).await, "expired access/refresh token");
                renewed.body["refresh_token"].as_str().unwrap().to_owned()
            }
            RefreshRotation::Off => {
                assert!(renewed.body.get("refresh_token").is_none());
                first
            }
        };
        org.token = renewed.body["access_token"].as_str().unwrap().to_owned();
        assert_eq!(org.get("/limits").await.status, 200);
        assert_eq!(
            post(&org, "/services/oauth2/revoke", &format!("token={newest}"))
                .await
                .status,
            200
        );
        assert_eq!(org.get("/limits").await.status, 401);
        assert_refused(
            &refresh(&org, &newest).await,
            "expired access/refresh token",
        );
        let again = post(&org, "/services/oauth2/revoke", &format!("token={newest}")).await;
        assert_eq!(
            (again.status, &again.body["error"]),
            (400, &json!("invalid_token"))
        );
    }
}

#[tokio::test]
async fn an_app_that_is_not_installed_or_approved_is_told_so() {
    for (app, error) in [
        (AppState::NotInstalled, "this app is blocked by admin"),
        (
            AppState::NotApproved,
            "user is not admin approved to access this app",
        ),
    ] {
        let org = Org::with(|options| options.app = app);
        let location = org
            .send(
                Request::get(format!("/services/oauth2/authorize?{ASKS}"))
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        let location = location.header("location").replace("%20", " ");
        assert!(
            location.contains(error) && location.ends_with("state=s1"),
            "{location}"
        );
        let refused = org
            .form(&format!("grant_type=client_credentials&{CLIENT}"))
            .await;
        assert_eq!(refused.body["error_description"], error);
    }
    let org = Org::new();
    for (from, to) in [("7417", "7418"), ("footbridge-salesforce-demo", "nobody")] {
        let asks = ASKS.replace(from, to);
        let page = org
            .send(
                Request::get(format!("/services/oauth2/authorize?{asks}"))
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!((page.status, page.header("location")), (400, ""), "{to}");
    }
    let nothing = org
        .form("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c")
        .await;
    assert_eq!(nothing.body["error"], "invalid_grant");
}
