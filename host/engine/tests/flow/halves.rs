//! One bad record among many: a request that is refused as a whole and a batch that a transform falls over are halved until it stands alone.

use crate::world::{Numbers, World};
use footbridge_engine::{EngineError, Standing};
use serde_json::json;

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_halved_until_one_is_to_blame() {
    let world = World::with_deals(Numbers::Ledger, 20);
    world.far.lock().unwrap().refuse_whole = Some("\"Deal 7\"".to_owned());
    world.sync().await;
    for n in 1..=20 {
        let (standing, reason, message) = world.decision(n).await;
        let want = if n == 7 {
            (Standing::Refused, "rejected")
        } else {
            (Standing::Applied, "invoiced")
        };
        assert_eq!((standing, reason.as_str()), want, "{n}: {message}");
    }
    assert_eq!(world.count("invoice"), 19);
    let (sends, _) = world.sent("invoice");
    assert!(sends <= 12, "{sends} requests to find one of 20");
    assert_eq!(world.claims().await, 0);
    world.far.lock().unwrap().refuse_whole = None;
    assert!(world.engine().await.look_again("opp7").await.unwrap());
    world.sync().await;
    world.sync().await;
    world.assert_settled(20, "put right").await;
}

#[tokio::test]
async fn a_record_that_a_transform_falls_over_waits_alone() {
    let world = World::with_deals(Numbers::Ledger, 20);
    world.set("Opportunity", "opp7", "Name", json!("Trap"));
    world.sync().await;
    let (standing, reason, message) = world.decision(7).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "mapping-problem"),
        "{message}"
    );
    assert_eq!(world.count("invoice"), 19);
    world.set("Opportunity", "opp7", "Name", json!("Deal 7"));
    world.sync().await;
    world.sync().await;
    world.assert_settled(20, "put right").await;
}

#[tokio::test]
async fn a_transform_that_falls_over_everything_stops_the_flow() {
    let world = World::with_deals(Numbers::Ledger, 40);
    for n in 1..=40 {
        world.set("Opportunity", &format!("opp{n}"), "Name", json!("Trap"));
    }
    let error = world.try_sync().await.unwrap_err();
    assert!(matches!(error, EngineError::Transform { .. }), "{error}");
    assert_eq!(world.count("invoice"), 0);
}
