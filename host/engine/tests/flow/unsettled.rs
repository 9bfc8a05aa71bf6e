//! What waits, as every run tells it without reading all decisions. That it is what they say is asked after each sync of this suite.

use crate::world::{Numbers, World};
use footbridge_store::{Key, WriteSet};
use std::collections::BTreeMap;

#[tokio::test]
async fn what_was_decided_before_there_was_an_index_is_in_it_after_the_next_run() {
    let world = World::with_deals(Numbers::Ledger, 3);
    let refusal = ("\"Deal 1\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refusal);
    world.sync().await;
    let waits = BTreeMap::from([("rejected".to_owned(), 1)]);
    let told = world.engine().await.unsettled().await.unwrap();
    assert_eq!(told.records, waits);
    // As an earlier version left it.
    {
        let store = world.store();
        let mut set = WriteSet::new();
        for family in ["unsettled", "unsettled-indexed"] {
            let rows = store.scan(&Key::new(family).range(), None, 99).await;
            for (key, _) in rows.unwrap() {
                set = set.delete(key);
            }
        }
        assert_eq!(set.deletes.len(), 2);
        store.commit(set).await.unwrap();
    }
    let told = world.engine().await.unsettled().await.unwrap();
    assert_eq!(told.records, waits, "it is counted all the same");
    world.sync().await;
    let store = world.store();
    let rows = store.scan(&Key::new("unsettled").range(), None, 99).await;
    assert_eq!(rows.unwrap().len(), 1);
}
