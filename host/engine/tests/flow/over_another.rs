//! Deals are read again before what shows their invoice is written.

use crate::world::{Numbers, World};
use footbridge_model::failure::{Failure, FailureKind};
use serde_json::json;

#[tokio::test]
async fn a_deal_that_cannot_be_read_again_is_not_written_over() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let what = "Opportunity by id".to_owned();
    let gone = Failure::new(FailureKind::Retry, "down", "it is down");
    let unreadable = || world.crm.lock().unwrap();
    unreadable().unreadable.insert(what.clone(), gone);
    assert_eq!(world.sync().await.postponed, 1);
    assert_eq!(world.doc("Opportunity", "opp1")["InvoiceId"], json!(null));
    unreadable().unreadable.remove(&what);
    world.sync().await;
    world.assert_settled(1, "read again").await;
}
