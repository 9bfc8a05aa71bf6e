//! What comes in, read: token answers, callbacks, pasted text; and what goes out: forms, the authorise URL, assertions.

use super::at;
use crate::connection::Provider;
use crate::oauth::answer::{Asked, TokenError, read};
use crate::oauth::authorize::ConsentRequest;
use crate::oauth::callback::CallbackError;
use crate::oauth::jwt::SigningKey;
use crate::oauth::provider::oauth;
use crate::oauth::request::{Client, Grant};
use crate::profile::ClientAuth;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use url::Url;

const REDIRECT: &str = "http://localhost:7417/callback";

fn request() -> ConsentRequest {
    let authorize = Url::parse("https://login.xero.com/identity/connect/authorize").unwrap();
    let oauth = oauth(Provider::Xero);
    ConsentRequest::new(&authorize, &oauth, "accounting.invoices", "app", REDIRECT).unwrap()
}

fn pairs(request: &ConsentRequest) -> HashMap<String, String> {
    let url = Url::parse(request.url()).unwrap();
    url.query_pairs().into_owned().collect()
}

#[test]
fn answers_of_the_token_url() {
    let ask = |status, body: &str| read(status, body.as_bytes(), at(0));
    let Asked::Given(good) = ask(
        200,
        r#"{"access_token":"t","expires_in":1800,"refresh_token":"r","scope":"a b"}"#,
    ) else {
        panic!("tokens")
    };
    assert_eq!(good.tokens.expires, Some(at(1_800)));
    assert_eq!(good.tokens.refresh.unwrap().expose(), "r");
    let Asked::Given(good) = ask(200, r#"{"access_token":"t","instance_url":"https://x"}"#) else {
        panic!("tokens")
    };
    assert_eq!(
        (good.tokens.expires, good.tokens.instance.as_deref()),
        (None, Some("https://x"))
    );
    let claims =
        URL_SAFE_NO_PAD.encode(r#"{"given_name":"Bea","family_name":"Booker","email":"b@x"}"#);
    let Asked::Given(good) = ask(
        200,
        &format!(r#"{{"access_token":"t","id_token":"h.{claims}.s"}}"#),
    ) else {
        panic!("tokens")
    };
    assert_eq!(good.who.as_deref(), Some("Bea Booker (b@x)"));
    for (status, body) in [
        (200, "<html>"),
        (200, r#"{"access_token":""}"#),
        (503, ""),
        (302, ""),
    ] {
        assert!(
            matches!(ask(status, body), Asked::Lost(_)),
            "{status} {body}"
        );
    }
    assert!(matches!(
        ask(400, r#"{"error":"invalid_grant","error_description":"x"}"#),
        Asked::Refused(_)
    ));
    assert!(matches!(
        ask(429, ""),
        Asked::NotCarriedOut(TokenError::Later(_))
    ));
    let said = |body: &str| match ask(400, body) {
        Asked::NotCarriedOut(TokenError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(
        said(r#"{"error":"invalid_client"}"#)
            .contains("(invalid_client). Check client-id and client-secret")
    );
    let blocked = said(
        r#"{"error":"invalid_app_access","error_description":"user is not admin approved to access this app"}"#,
    );
    assert!(blocked.contains("External Client App Manager"), "{blocked}");
}

#[test]
fn a_consent_carries_state_and_challenge_and_never_the_verifier() {
    let (one, two) = (request(), request());
    let pairs = pairs(&one);
    assert_eq!(
        pairs["scope"],
        "openid profile email offline_access accounting.invoices"
    );
    assert_eq!(
        (
            pairs["redirect_uri"].as_str(),
            pairs["code_challenge_method"].as_str()
        ),
        (REDIRECT, "S256")
    );
    let verifier = one.verifier().expose();
    assert_eq!(verifier.len(), 43);
    assert_eq!(
        pairs["code_challenge"],
        URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
    );
    assert!(!one.url().contains(verifier) && !format!("{one:?}").contains(&pairs["state"]));
    assert_ne!(pairs["state"], self::pairs(&two)["state"]);
    assert_ne!(verifier, two.verifier().expose());
}

#[test]
fn a_callback_counts_only_with_its_own_state() {
    let request = request();
    let state = pairs(&request)["state"].clone();
    let read = |query: &str| {
        request
            .read_query(&query.replace("STATE", &state))
            .map(|code| code.0.expose().to_owned())
    };
    assert_eq!(read("code=c%2Bd&state=STATE"), Ok("c+d".to_owned()));
    assert_eq!(read("code=c"), Err(CallbackError::StateMissing));
    assert_eq!(read("code=c&state="), Err(CallbackError::StateMissing));
    assert_eq!(
        read("code=c&state=STATE&state=STATE"),
        Err(CallbackError::StateMissing)
    );
    for forged in [
        "code=c&state=x",
        "code=c&state=STATEx",
        "error=access_denied&state=x",
    ] {
        assert_eq!(read(forged), Err(CallbackError::StateForged), "{forged}");
    }
    assert_eq!(
        read("error=access_denied&state=STATE"),
        Err(CallbackError::Denied)
    );
    assert!(matches!(read("state=STATE"), Err(CallbackError::NoCode(_))));
    assert!(matches!(
        read("code=a&code=b&state=STATE"),
        Err(CallbackError::NoCode(_))
    ));
    assert_eq!(
        read(&format!("state=STATE&code={}", "c".repeat(9_000))),
        Err(CallbackError::TooLong)
    );
    let Err(CallbackError::Refused { said, to_do }) = read(
        "state=STATE&error=OAUTH_APP_BLOCKED&error_description=this+app+is%0A%1bblocked+by+admin",
    ) else {
        panic!("refused")
    };
    assert_eq!(said, "OAUTH_APP_BLOCKED: this app is  blocked by admin");
    assert!(to_do.contains("administrator"), "{to_do}");
}

#[test]
fn pasted_text_is_an_address_or_a_code() {
    let request = request();
    let state = pairs(&request)["state"].clone();
    let read = |text: &str| {
        request
            .read_pasted(&text.replace("STATE", &state))
            .map(|code| code.0.expose().to_owned())
    };
    assert_eq!(
        read(" http://localhost:7417/callback?code=c&state=STATE \n"),
        Ok("c".to_owned())
    );
    assert_eq!(read("code=c&state=STATE"), Ok("c".to_owned()));
    assert_eq!(read("aPrx%3D"), Ok("aPrx=".to_owned()));
    assert_eq!(
        read("http://localhost:7417/callback?code=c&state=x"),
        Err(CallbackError::StateForged)
    );
    assert_eq!(
        read("http://localhost:7417/callback?code=c"),
        Err(CallbackError::StateMissing)
    );
    for none in [
        "",
        "two words",
        "http://localhost:7417/callback?state=STATE",
    ] {
        assert!(
            matches!(read(none), Err(CallbackError::NoCode(_))),
            "{none}"
        );
    }
}

#[test]
fn each_grant_has_its_form_and_the_app_proves_itself_as_the_provider_wants() {
    let (secret, token) = (Secret::new("s/1"), Secret::new("t+1"));
    let client = |auth, secret| Client {
        id: "app",
        secret,
        auth,
        scopes: "a b",
    };
    let form = |grant: Grant<'_>, auth, secret| {
        let (authorization, body) = grant.form(&client(auth, secret));
        let authorization = authorization.map(|text| text.expose().to_owned());
        (authorization, String::from_utf8(body).unwrap())
    };
    let basic = Some(format!("Basic {}", STANDARD.encode("app:s/1")));
    assert_eq!(
        form(Grant::ClientCredentials, ClientAuth::Basic, Some(&secret)),
        (
            basic.clone(),
            "grant_type=client_credentials&scope=a+b".into()
        )
    );
    assert_eq!(
        form(Grant::Refresh(&token), ClientAuth::Basic, Some(&secret)),
        (basic, "grant_type=refresh_token&refresh_token=t%2B1".into())
    );
    assert_eq!(
        form(Grant::Refresh(&token), ClientAuth::Basic, None).1,
        "grant_type=refresh_token&refresh_token=t%2B1&client_id=app"
    );
    assert_eq!(
        form(Grant::Revoke(&token), ClientAuth::Form, Some(&secret)).1,
        "token=t%2B1&client_id=app&client_secret=s%2F1"
    );
    let code = Grant::Code {
        code: &token,
        verifier: &secret,
        redirect: REDIRECT,
    };
    assert_eq!(form(code, ClientAuth::Form, None), (None, "grant_type=authorization_code&code=t%2B1&redirect_uri=http%3A%2F%2Flocalhost%3A7417%2Fcallback&code_verifier=s%2F1&client_id=app".into()));
    assert_eq!(
        form(Grant::Assertion(&token), ClientAuth::Form, None),
        (
            None,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=t%2B1"
                .into()
        )
    );
}

#[test]
fn an_assertion_is_signed_and_says_who_for_whom_to_whom_and_until_when() {
    let key = SigningKey::read(&Secret::new(include_str!("worthless-key.pem"))).unwrap();
    let assertion = key
        .assertion("app", "user@x", "https://login.salesforce.com", at(0))
        .unwrap();
    let parts: Vec<&str> = assertion.expose().split('.').collect();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let public = STANDARD
        .decode(include_str!("worthless-key.public.txt").replace('\n', ""))
        .unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(
            format!("{}.{}", parts[0], parts[1]).as_bytes(),
            &decoded(parts[2]),
        )
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    assert_eq!(
        claims,
        serde_json::json!({
            "iss": "app", "sub": "user@x", "aud": "https://login.salesforce.com", "exp": at(120).timestamp(),
        })
    );
    assert!(!format!("{assertion:?}").contains(parts[2]));
    for bad in [
        "",
        "tiger",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let Err(why) = SigningKey::read(&Secret::new(bad)) else {
            panic!("{bad}")
        };
        assert!(
            why.starts_with("private-key") && !why.contains("tiger"),
            "{why}"
        );
    }
}
