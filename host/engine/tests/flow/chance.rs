//! Random bad days: faults, ends of the process and leaps of the clock by chance. However they fall, each deal ends with one invoice.

use crate::far::Fault;
use crate::world::{Numbers, World};
use chrono::TimeDelta;
use footbridge_engine::config::Unproven;
use proptest::prelude::*;

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Nothing),
        Just(Fault::NeverLeft(None)),
        Just(Fault::NeverLeft(Some(40))),
        Just(Fault::LostBefore),
        Just(Fault::LostAfter),
        (31i64..3000).prop_map(Fault::CommitsAfter),
        prop_oneof![Just(500u16), Just(502), Just(503)].prop_map(Fault::ErrorBefore),
        prop_oneof![Just(500u16), Just(502), Just(503)].prop_map(Fault::ErrorAfter),
        Just(Fault::CachedError),
        Just(Fault::Half),
        Just(Fault::HalfAnswer),
        Just(Fault::Nonsense),
        Just(Fault::BrokenRecord),
        Just(Fault::RateLimited(20)),
        Just(Fault::Unauthorised),
    ]
}

fn object() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just("customer"), 4 => Just("invoice"), 1 => Just("Opportunity")]
}

/// A run: how long after the last, by a clock that is wrong by so much, and at which point it ends dead, if at all.
type Run = (i64, i64, Option<usize>);

fn run() -> impl Strategy<Value = Run> {
    let after = prop_oneof![0i64..60, 60i64..400, 400i64..1500];
    let skew = prop_oneof![8 => Just(0i64), 1 => -4000i64..0, 1 => 0i64..4000];
    (after, skew, prop::option::of(1usize..60))
}

#[derive(Debug, Clone)]
struct Day {
    deals: usize,
    batch: usize,
    numbers: Numbers,
    keyed: bool,
    lag: i64,
    faults: Vec<(&'static str, Fault)>,
    runs: Vec<Run>,
}

fn day() -> impl Strategy<Value = Day> {
    let numbers = prop_oneof![
        Just(Numbers::Ledger),
        Just(Numbers::Field),
        Just(Numbers::Counter)
    ];
    let faults = prop::collection::vec((object(), fault()), 1..7);
    let runs = prop::collection::vec(run(), 1..5);
    (
        1usize..4,
        1usize..4,
        numbers,
        any::<bool>(),
        0i64..100,
        faults,
        runs,
    )
        .prop_map(|(deals, batch, numbers, keyed, lag, faults, runs)| Day {
            deals,
            batch,
            numbers,
            keyed,
            lag,
            faults,
            runs,
        })
}

async fn live(day: &Day) {
    let mut world = World::with_deals(day.numbers, day.deals).ask(Unproven::Ask);
    if !day.keyed {
        world = world.keyless();
    }
    world.ledger.lock().unwrap().batch = day.batch;
    world.far.lock().unwrap().list_lag = TimeDelta::seconds(day.lag);
    for (object, fault) in &day.faults {
        world.fault(object, fault.clone());
    }
    for (after, skew, dead_at) in &day.runs {
        world.pass(*after);
        world.far.lock().unwrap().skew = TimeDelta::seconds(*skew);
        world.sync_until(dead_at.unwrap_or(0)).await;
    }
    world.far.lock().unwrap().skew = TimeDelta::zero();
    world.far.lock().unwrap().faults.clear();
    world.a_person_goes_on().await;
    world.assert_settled(day.deals, &format!("{day:?}")).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_deal_ends_with_one_invoice(day in day()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(&day));
    }
}

/// Few in every run of the tests; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(24)
}
