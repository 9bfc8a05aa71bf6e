//! What a run reads follows from what changed, not from how much there is.

use crate::world::{Numbers, World};
use serde_json::json;
use std::sync::atomic::Ordering;

/// Rows read by a run after one deal was touched.
async fn read_for_one_change(world: &World) -> usize {
    world.sync().await;
    world.sync().await;
    world.set("Opportunity", "opp1", "Name", json!("Deal 1"));
    world.rows_read.store(0, Ordering::SeqCst);
    let report = world.try_sync().await.unwrap();
    world.engine().await.unsettled().await.unwrap();
    assert_eq!(report.skipped.values().sum::<usize>(), 1, "{report:?}");
    world.rows_read.load(Ordering::SeqCst)
}

#[tokio::test]
async fn one_changed_deal_costs_the_same_however_many_deals_were_billed() {
    let mut read = Vec::new();
    for deals in [3, 60] {
        read.push(read_for_one_change(&World::with_deals(Numbers::Ledger, deals)).await);
    }
    assert_eq!(read[0], read[1], "rows read");
}

#[tokio::test]
async fn one_changed_deal_costs_the_same_however_many_old_invoices_its_customer_has() {
    let mut read = Vec::new();
    for old in [3, 90] {
        let world = World::with_deals(Numbers::Ledger, 1);
        world.sync().await;
        let customer = world.doc("invoice", "invoice-1")["customer"].clone();
        for n in 0..old {
            let doc = json!({
                "kind": "receivable", "number": format!("OLD-{n}"), "customer": customer, "date": "2024-05-01",
                "currency": "GBP", "status": "paid", "sub_total": "5", "total_tax": "0", "total": "5",
            });
            world.put("invoice", &format!("old-{n}"), doc);
        }
        read.push(read_for_one_change(&world).await);
    }
    assert_eq!(read[0], read[1], "rows read");
}
