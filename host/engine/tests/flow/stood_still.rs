//! A machine that falls asleep between planning and sending, and wakes up when somebody else may have done it.

use crate::far::Far;
use crate::ports::Life;
use crate::world::{Numbers, World};
use chrono::TimeDelta;
use footbridge_engine::Engine;
use footbridge_engine::watch::{Point, Watch};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Sleeps once, at a point, for so many seconds. Meanwhile somebody else makes the invoice, or nobody does.
struct Sleeper {
    point: &'static str,
    seconds: i64,
    meanwhile: Option<serde_json::Value>,
    far: Arc<Mutex<Far>>,
    slept: AtomicBool,
}

impl Watch for Sleeper {
    fn at(&self, point: &Point) {
        let here = match point {
            Point::IntentStored(_) => "intent-stored",
            Point::Sending(_) => "sending",
            _ => "",
        };
        if here == self.point && !self.slept.swap(true, Ordering::SeqCst) {
            let mut far = self.far.lock().unwrap();
            if let Some(doc) = &self.meanwhile {
                far.put("invoice", "made-by-another", doc.clone());
            }
            far.pass(TimeDelta::seconds(self.seconds));
        }
    }
}

fn world() -> World {
    let world = World::with_deals(Numbers::Ledger, 1);
    let known = json!({"name": "Customer 1", "status": "active"});
    world.put("customer", "known", known);
    world
}

async fn sleeps(
    world: &World,
    point: &'static str,
    seconds: i64,
    meanwhile: Option<serde_json::Value>,
) {
    let mut parts = world.parts(&Life::until(0));
    parts.watch = Arc::new(Sleeper {
        point,
        seconds,
        meanwhile,
        far: Arc::clone(&world.far),
        slept: AtomicBool::new(false),
    });
    let engine = Engine::open(world.flow.clone(), parts).await.unwrap();
    Arc::new(engine).sync().await.unwrap();
}

#[tokio::test]
async fn who_stood_still_looks_before_it_sends() {
    // As our own run would make it: what a copy of the data directory does while we sleep.
    let made = {
        let world = world();
        world.sync().await;
        let far = world.far.lock().unwrap();
        let rows = far.rows("invoice");
        rows[0].1.doc.clone()
    };
    for point in ["intent-stored", "sending"] {
        for meanwhile in [None, Some(made.clone())] {
            let what = format!("{point}, made meanwhile: {}", meanwhile.is_some());
            let world = world();
            sleeps(&world, point, 600, meanwhile.clone()).await;
            assert_eq!(world.sent("invoice").0, 0, "{what}");
            world.sync().await;
            assert_eq!(
                world.sent("invoice").0,
                usize::from(meanwhile.is_none()),
                "{what}"
            );
            world.sync().await;
            world.assert_settled(1, &what).await;
        }
        // A moment is no sleep.
        let world = world();
        sleeps(&world, point, 20, None).await;
        assert_eq!(world.sent("invoice").0, 1, "{point}");
        world.assert_settled(1, point).await;
    }
}
