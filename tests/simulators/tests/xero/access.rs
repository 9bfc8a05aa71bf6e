//! Tokens, tenants and limits.

use footbridge_simulators::faults::{Fault, FaultRule, LimitKind};
use footbridge_simulators::xero::{BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET};
use serde_json::json;

use super::support::Xero;

#[tokio::test]
async fn a_custom_connection_gets_a_token_of_half_an_hour_and_no_refresh_token() {
    let xero = Xero::new().await;
    let bystander = xero
        .log_in(BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET)
        .await;
    assert_eq!(bystander.body["expires_in"], 1800);
    assert!(bystander.body.get("refresh_token").is_none());
    let wrong = xero.log_in(BYSTANDER_CLIENT_ID, "guess").await;
    assert_eq!(
        (wrong.status, &wrong.body),
        (400, &json!({"error": "invalid_client"}))
    );

    let mut other = xero.clone();
    other.token = bystander.body["access_token"].as_str().unwrap().to_owned();
    let (one, two) = (
        xero.get("Organisation").await,
        other.get("Organisation").await,
    );
    assert_ne!(
        one.body["Organisations"][0]["OrganisationID"],
        two.body["Organisations"][0]["OrganisationID"]
    );
    let id = one.body["Organisations"][0]["OrganisationID"]
        .as_str()
        .unwrap();
    let refused = other
        .call("GET", "Organisation", None, &[("xero-tenant-id", id)])
        .await;
    assert_eq!(
        (refused.status, &refused.body),
        (
            403,
            &json!({"title": "Forbidden", "status": 403, "detail": "AuthenticationUnsuccessful"})
        )
    );
    assert_eq!(
        xero.call("GET", "Organisation", None, &[("xero-tenant-id", id)])
            .await
            .status,
        200
    );
    let bearer = [("authorization", format!("Bearer {}", xero.token))];
    let connections = xero
        .raw("GET", "/connections", &bearer, Vec::new())
        .await
        .unwrap();
    assert_eq!(connections.body[0]["tenantId"], id);
}

#[tokio::test]
async fn an_old_token_is_told_apart_from_a_wrong_one() {
    let mut xero = Xero::new().await;
    xero.simulator
        .clock()
        .advance(chrono::Duration::seconds(1799));
    assert_eq!(xero.get("Organisation").await.status, 200);
    xero.simulator.clock().advance(chrono::Duration::seconds(1));
    let old = xero.get("Organisation").await;
    assert_eq!(old.status, 401);
    assert_eq!(old.body["Title"], "Unauthorized");
    assert!(
        old.body["Detail"]
            .as_str()
            .unwrap()
            .starts_with("TokenExpired: token expired at "),
        "{}",
        old.text
    );
    xero.token = "guess".to_owned();
    let wrong = xero.get("Organisation").await;
    assert_eq!(
        (wrong.status, &wrong.body["Detail"]),
        (401, &json!("AuthenticationUnsuccessful"))
    );
    assert_eq!(xero.simulator.counts().refused, 2);
}

#[tokio::test]
async fn the_minute_ends_with_the_recorded_429() {
    let xero = Xero::with(|options| options.limits.per_minute = 2).await;
    let first = xero.get("Organisation").await;
    assert_eq!(first.header("x-minlimit-remaining"), Some("1"));
    assert_eq!(first.header("x-daylimit-remaining"), Some("4999"));
    assert_eq!(first.header("x-appminlimit-remaining"), Some("9999"));
    xero.get("Organisation").await;
    let refused = xero.get("Organisation").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.text, "");
    assert_eq!(refused.header("content-type"), None);
    assert_eq!(refused.header("x-minlimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-daylimit-remaining"), Some("4998"));
    assert_eq!(refused.header("x-rate-limit-problem"), Some("minute"));
    assert_eq!(refused.header("retry-after"), Some("61"));
    xero.simulator
        .clock()
        .advance(chrono::Duration::seconds(61));
    assert_eq!(xero.get("Organisation").await.status, 200);
    let counts = xero.simulator.counts();
    assert_eq!(
        (
            counts.reads,
            counts.refused,
            counts.per_path["GET /Organisation"]
        ),
        (3, 1, 4)
    );
}

#[tokio::test]
async fn five_at_a_time_and_no_more() {
    let xero = Xero::with(|options| options.latency = std::time::Duration::from_millis(300)).await;
    let calls: Vec<_> = (0..7)
        .map(|_| {
            let xero = xero.clone();
            tokio::spawn(async move { xero.get("Organisation").await })
        })
        .collect();
    let mut refused = Vec::new();
    for call in calls {
        let answer = call.await.unwrap();
        if answer.status == 429 {
            refused.push(answer);
        }
    }
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].header("retry-after"), None);
    assert_eq!(refused[0].header("x-rate-limit-problem"), None);
    assert_eq!(xero.get("Organisation").await.status, 200);
}

#[tokio::test]
async fn a_429_of_each_kind_can_be_asked_for() {
    let xero = Xero::new().await;
    let cases = [
        (LimitKind::Day, Some("day"), Some("66975")),
        (LimitKind::Minute, Some("minute"), Some("66975")),
        (LimitKind::Concurrent, None, None),
        (LimitKind::AppMinute, None, None),
    ];
    for (kind, problem, wait) in cases {
        xero.simulator
            .faults()
            .inject(FaultRule::next(Fault::TooManyRequests {
                kind,
                retry_after: Some(66_975),
            }));
        let answer = xero.get("Organisation").await;
        assert_eq!(
            (
                answer.status,
                answer.header("x-rate-limit-problem"),
                answer.header("retry-after")
            ),
            (429, problem, wait),
            "{kind:?}"
        );
    }
    assert_eq!(xero.get("Organisation").await.status, 200);
}
