//! The process ends at every point of a run, and a person goes on: one invoice per deal, nothing lost, no claim left.

use crate::far::Fault;
use crate::ports::Life;
use crate::world::{Numbers, World};
use footbridge_engine::Engine;
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// A run that ends dead at the n-th point; true if it came through before.
    pub(crate) async fn sync_until(&self, point: usize) -> bool {
        self.sync_for(Life::until(point)).await
    }

    /// A run that ends dead with this life; true if it came through before.
    pub(crate) async fn sync_for(&self, life: Arc<Life>) -> bool {
        let parts = self.parts(&life);
        let engine = Arc::new(Engine::open(self.flow.clone(), parts).await.unwrap());
        let gone = Arc::downgrade(&engine);
        let run = tokio::spawn(async move { engine.sync().await });
        while !life.is_over() && !run.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let through = run.is_finished();
        if through {
            run.await.unwrap().unwrap();
        } else {
            run.abort();
            assert!(run.await.unwrap_err().is_cancelled());
        }
        while gone.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        through
    }
}

async fn at_every_point(make: impl Fn() -> World, deals: usize, at_least: usize) {
    let mut points = 0;
    loop {
        points += 1;
        let world = make();
        if world.sync_until(points).await {
            break;
        }
        world.a_person_goes_on().await;
        world
            .assert_settled(deals, &format!("dead at point {points}"))
            .await;
    }
    assert!(points > at_least, "only {points} points");
}

#[tokio::test]
async fn in_the_hardest_mode() {
    at_every_point(|| World::with_deals(Numbers::Ledger, 2), 2, 25).await;
}

#[tokio::test]
async fn with_our_own_numbers_and_several_requests_at_once() {
    let make = || {
        let mut world = World::with_deals(Numbers::Counter, 2);
        world.flow.timing.concurrency = 4;
        world.ledger.lock().unwrap().batch = 1;
        world
    };
    at_every_point(make, 2, 35).await;
}

#[tokio::test]
async fn while_the_ledger_still_works_on_a_request() {
    let make = || {
        let world = World::with_deals(Numbers::Ledger, 1);
        world.fault("customer", Fault::LostAfter);
        world.fault("invoice", Fault::CommitsAfter(100));
        world
    };
    at_every_point(make, 1, 15).await;
}

#[tokio::test]
async fn in_the_run_that_resolves_a_doubt() {
    let mut point = 0;
    loop {
        point += 1;
        let world = World::with_deals(Numbers::Ledger, 1);
        world.fault("invoice", Fault::LostBefore);
        world.sync().await;
        world.pass(150);
        if world.sync_until(point).await {
            break;
        }
        world.a_person_goes_on().await;
        world
            .assert_settled(1, &format!("dead at point {point}"))
            .await;
    }
    assert!(point > 10, "only {point} points");
}
