//! Restored, copied, two at once: nothing is written before a person says go, nothing is made twice, and everything is linked.

use crate::far::Fault;
use crate::ports::Life;
use crate::world::{Numbers, World};
use footbridge_engine::watch::{Point, Watch};
use footbridge_engine::{Deed, Engine, EngineError, Held, RunReport, Standing};
use footbridge_model::plan::reason;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

impl World {
    /// A backup of this world's data directory, restored into another one.
    fn restored(&self, file: &Path) -> World {
        self.beside(|data| drop(footbridge_store::restore(file, data, None).unwrap()))
    }

    fn backup(&self, file: &Path) {
        footbridge_store::backup(&self.data(), self.backend, file).unwrap();
    }

    pub(crate) async fn held(&self) -> Option<Held> {
        self.engine().await.held().await.unwrap()
    }

    pub(crate) async fn go_on(&self) {
        assert!(
            self.engine().await.resume().await.unwrap(),
            "it was not held"
        );
        assert_eq!(self.held().await, None);
    }

    /// A run that is refused in words, and writes nothing.
    async fn refused(&self) -> String {
        let before = self.far.lock().unwrap().sends.len();
        let error = self.try_sync().await.unwrap_err();
        assert!(matches!(error, EngineError::Held { .. }), "{error}");
        assert_eq!(self.far.lock().unwrap().sends.len(), before, "{error}");
        error.to_string()
    }

    fn deals(&self, numbers: std::ops::RangeInclusive<usize>) {
        for n in numbers {
            self.account(n, &format!("Customer {n}"));
            self.deal(n, n, 100 * n);
        }
    }

    fn invoices(&self) -> usize {
        self.count("invoice")
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[tokio::test]
async fn a_backup_of_500_of_1000_makes_nothing_twice_and_links_them_all() {
    for (numbers, half) in [
        (Numbers::Ledger, 500),
        (Numbers::Counter, 40),
        (Numbers::Field, 40),
    ] {
        let mut world = World::with_deals(numbers, half);
        world.flow.timing.concurrency = 4;
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("backup");
        world.sync().await;
        world.backup(&file);
        world.deals(half + 1..=2 * half);
        world.sync().await;
        world.assert_settled(2 * half, "before").await;
        let sent = world.sent("invoice");

        let restored = world.restored(&file);
        let words = restored.refused().await;
        assert!(
            words.contains("was restored on") && words.contains("footbridge sync --go-on"),
            "{words}"
        );
        assert!(matches!(restored.held().await, Some(Held::Restored { .. })));
        restored.plan().await;
        restored.go_on().await;
        let report = restored.sync().await;
        assert_eq!(report.adopted, 2 * half, "the second half, with customers");
        assert_eq!((report.failed, report.in_doubt), (0, 0));
        assert_eq!(restored.sent("invoice"), sent, "no invoice was sent again");
        restored.assert_settled(2 * half, "restored").await;
        // Life goes on, with the next number that nobody has.
        restored.deals(2 * half + 1..=2 * half + 2);
        let report = restored.sync().await;
        assert_eq!(report.applied["invoice"], 2);
        restored.assert_settled(2 * half + 2, "a new deal").await;
    }
}

/// How a data directory comes to know nothing of what was billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directory {
    New,
    Restored,
}

/// A company of two, billed, and another data directory that knows of none of it.
async fn another(directory: Directory) -> World {
    let world = crate::customers::with(2, json!({}));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup");
    drop(world.engine().await);
    world.backup(&file);
    world.sync().await;
    if directory == Directory::New {
        return world.beside(|_| {});
    }
    let restored = world.restored(&file);
    restored.go_on().await;
    restored
}

impl World {
    /// How often it is told that a customer was recognised.
    async fn linked(&self, account: &str) -> usize {
        let told = self.engine().await.history(account).await.unwrap();
        let told = told.into_iter().flatten();
        told.filter(|entry| entry.deed == Deed::Linked).count()
    }
}

#[tokio::test]
async fn customers_are_linked_with_their_recognised_invoices_and_followed_from_then_on() {
    for directory in [Directory::New, Directory::Restored] {
        let world = another(directory).await;
        world.far.lock().unwrap().fetched.clear();
        let report = world.sync().await;
        assert_eq!((report.adopted, report.applied.len()), (4, 0));
        assert_eq!(world.far.lock().unwrap().fetched, [""; 0], "no extra call");
        world.sync().await;
        for account in ["acc1", "acc2"] {
            assert_eq!(world.linked(account).await, 1, "{account}");
        }
        world.set("Account", "acc1", "Phone", json!("0113 496 0001"));
        assert_eq!(world.sync().await.applied["customer-change"], 1);
        let phones = world.doc("customer", "customer-1")["phones"].clone();
        assert_eq!(phones[0]["number"], "0113 496 0001");
    }
}

#[tokio::test]
async fn dead_after_any_commit_no_invoice_is_linked_without_its_customer() {
    let mut commits = 0;
    let mut between = 0;
    loop {
        commits += 1;
        let world = another(Directory::New).await;
        if world.sync_for(Life::until_commit(commits)).await {
            break;
        }
        let mut linked = 0;
        for n in 1..=2 {
            let invoices = world.linked(&format!("opp{n}")).await;
            let customers = world.linked(&format!("acc{n}")).await;
            assert_eq!(invoices, customers, "after {commits}");
            linked += customers;
        }
        between += usize::from(linked == 1);
        world.a_person_goes_on().await;
        for n in 1..=2 {
            assert_eq!(world.linked(&format!("acc{n}")).await, 1, "{commits}");
        }
    }
    assert_eq!(between, 1, "one commit for each");
}

#[tokio::test]
async fn what_was_refused_when_the_backup_was_taken_is_linked_without_a_change_of_the_deal() {
    let mut world = World::with_deals(Numbers::Ledger, 3);
    world.flow.policy.write_back = None;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup");
    world
        .far
        .lock()
        .unwrap()
        .refuse
        .push(("opp2?".to_owned(), "rejected"));
    world.sync().await;
    assert_eq!(world.decision(2).await.0, Standing::Refused);
    world.backup(&file);
    world.far.lock().unwrap().refuse.clear();
    assert!(world.engine().await.look_again("opp2").await.unwrap());
    world.sync().await;
    assert_eq!(world.invoices(), 3);
    let restored = world.restored(&file);
    restored.go_on().await;
    assert_eq!(restored.sync().await.adopted, 1);
    assert_eq!(restored.decision(2).await.0, Standing::Applied);
    assert_eq!(restored.invoices(), 3);
}

/// A backup taken at every point of a run that then went on elsewhere.
async fn taken_at_every_point(make: impl Fn() -> World, deals: usize, at_least: usize) {
    let mut point = 0;
    loop {
        point += 1;
        let world = make();
        if world.sync_until(point).await {
            break;
        }
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("backup");
        world.backup(&file);
        world.a_person_goes_on().await;
        let made = world.invoices();
        let restored = world.restored(&file);
        restored.go_on().await;
        restored.a_person_goes_on().await;
        let what = format!("taken at point {point}");
        assert_eq!(restored.invoices(), made, "{what}");
        restored.assert_settled(deals, &what).await;
    }
    assert!(point > at_least, "only {point} points");
}

#[tokio::test]
async fn a_backup_taken_at_any_point_of_a_run_makes_nothing_twice() {
    taken_at_every_point(|| World::with_deals(Numbers::Ledger, 2), 2, 25).await;
    taken_at_every_point(|| World::with_deals(Numbers::Counter, 2), 2, 25).await;
}

#[tokio::test]
async fn a_backup_taken_at_any_point_of_a_bad_day_makes_nothing_twice() {
    let make = || {
        let world = World::with_deals(Numbers::Ledger, 2);
        world.ledger.lock().unwrap().batch = 1;
        world.fault("customer", Fault::LostAfter);
        world.fault("invoice", Fault::ErrorBefore(500));
        world.fault("invoice", Fault::CommitsAfter(100));
        world
    };
    taken_at_every_point(make, 2, 25).await;
}

#[tokio::test]
async fn a_request_of_another_epoch_is_looked_for_and_never_sent_again() {
    // The journal says that it never left; elsewhere it did, and was done.
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup");
    let mut point = 0;
    loop {
        point += 1;
        let dead = World::with_deals(Numbers::Ledger, 1).keyless();
        assert!(
            !dead.sync_until(point).await,
            "no invoice was about to be sent"
        );
        let open = dead.engine().await.open_requests().await.unwrap();
        let waits = open
            .iter()
            .any(|request| request.sends == 0 && dead.count("customer") == 1);
        if !waits {
            continue;
        }
        dead.backup(&file);
        dead.sync().await;
        dead.assert_settled(1, "elsewhere").await;
        let sent = dead.sent("invoice").0;
        let restored = dead.restored(&file);
        restored.go_on().await;
        restored.sync().await;
        assert_eq!(restored.sent("invoice").0, sent);
        restored.assert_settled(1, "restored").await;
        return;
    }
}

#[tokio::test]
async fn of_a_copy_and_its_original_only_one_goes_on() {
    let world = World::with_deals(Numbers::Ledger, 4);
    world.sync().await;
    let copied = world.beside(|data| copy(&world.data(), data));
    world.sync().await;
    let words = copied.refused().await;
    assert!(words.contains("is a copy of another one"), "{words}");
    assert!(matches!(copied.held().await, Some(Held::Copied { .. })));
    // Somebody says go, although the original is at work as well.
    copied.go_on().await;
    copied.sync().await;
    world.deals(5..=6);
    assert_eq!(copied.sync().await.applied["invoice"], 2);
    let words = world.refused().await;
    assert!(
        words.contains("another Footbridge") && words.contains("2 that were not made here"),
        "{words}"
    );
    assert!(
        world.refused().await.contains("2 that were not made here"),
        "it stays so"
    );
    world.deals(7..=7);
    copied.sync().await;
    assert_eq!(world.invoices(), 7);
    // The other way round: the original goes on after all, and the copy notices.
    world.go_on().await;
    world.refused().await;
    world.go_on().await;
    world.sync().await;
    world.assert_settled(7, "the original").await;
    world.deals(8..=8);
    world.sync().await;
    assert!(copied.refused().await.contains("another Footbridge"));
    assert!(matches!(
        copied.held().await,
        Some(Held::AnotherAtWork { count: 1, .. })
    ));
    world.assert_settled(8, "the end").await;
}

#[tokio::test]
async fn one_go_is_enough_for_all_that_the_other_one_made_until_then() {
    let one = World::with_deals(Numbers::Ledger, 2);
    one.sync().await;
    let two = one.beside(|_| {});
    two.sync().await;
    one.sync().await;
    one.deals(3..=3);
    two.sync().await;
    one.refused().await;
    // It goes on meanwhile, until it is stopped; nobody has read that here yet.
    one.deals(4..=5);
    two.sync().await;
    let engine = one.engine().await;
    assert!(engine.resume().await.unwrap());
    engine.sync().await.unwrap();
    drop(engine);
    assert_eq!(one.held().await, None);
    one.assert_settled(5, "one go").await;
    // It wasn't stopped: that is told again.
    one.deals(6..=6);
    two.sync().await;
    let words = one.refused().await;
    assert!(words.contains("1 that were not made here"), "{words}");
}

#[tokio::test]
async fn two_installations_in_turn_make_nothing_twice_and_notice_each_other() {
    for numbers in [Numbers::Ledger, Numbers::Counter] {
        let one = World::with_deals(numbers, 10);
        one.sync().await;
        let two = one.beside(|_| {});
        let report = two.sync().await;
        assert_eq!(report.adopted, 20, "invoices and customers");
        assert_eq!(one.invoices(), 10);
        two.assert_settled(10, "the second").await;
        one.sync().await;
        one.deals(11..=12);
        two.sync().await;
        assert_eq!(one.invoices(), 12);
        let words = one.refused().await;
        assert!(words.contains("another Footbridge"), "{words}");
        one.go_on().await;
        one.sync().await;
        one.assert_settled(12, "the first goes on").await;
    }
}

/// Lets somebody else do something at one point of a run.
struct Interloper {
    life: Arc<Life>,
    deed: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Watch for Interloper {
    fn at(&self, point: &Point) {
        self.life.at(point);
        if matches!(point, Point::BeforeIntent(_))
            && let Some(deed) = self.deed.lock().unwrap().take()
        {
            std::thread::spawn(deed).join().unwrap();
        }
    }
}

/// Two installations that have both read and planned before either writes.
async fn at_once(one: &World, two: &World) {
    let (one, two) = try_at_once(one, two).await;
    one.unwrap();
    two.unwrap();
}

pub(crate) type Run = Result<RunReport, EngineError>;

/// The same, with how each ended. The second one runs after the first where that one comes to write nothing.
pub(crate) async fn try_at_once(one: &World, two: &World) -> (Run, Run) {
    let life = Life::until(0);
    let mut parts = one.parts(&life);
    let other = two.engine().await;
    let ended: Arc<Mutex<Option<Run>>> = Arc::default();
    let end = Arc::clone(&ended);
    let deed = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        *end.lock().unwrap() = Some(runtime.block_on(other.sync()));
    };
    parts.watch = Arc::new(Interloper {
        life,
        deed: Mutex::new(Some(Box::new(deed))),
    });
    let engine = Arc::new(Engine::open(one.flow.clone(), parts).await.unwrap());
    let first = engine.sync().await;
    drop(engine);
    let second = ended.lock().unwrap().take();
    match second {
        Some(second) => (first, second),
        None => (first, two.try_sync().await),
    }
}

#[tokio::test]
async fn two_installations_at_once_are_kept_apart_by_what_the_ledger_holds_unique() {
    let one = World::with_deals(Numbers::Ledger, 5);
    let two = one.beside(|_| {});
    at_once(&one, &two).await;
    // The customers' numbers and names are unique there: the second one could make none, and so no invoice of theirs.
    assert_eq!(one.invoices(), 5);
    assert!(one.refused().await.contains("5 that were not made here"));
    two.sync().await;
    two.assert_settled(5, "the one that came first").await;
}

#[tokio::test]
async fn two_at_once_for_customers_that_are_there_already_are_found_out_in_the_next_run() {
    let one = World::with_deals(Numbers::Ledger, 2);
    for n in 1..=2 {
        one.put(
            "customer",
            &format!("c{n}"),
            json!({"name": format!("Customer {n}"), "status": "active"}),
        );
    }
    let two = one.beside(|_| {});
    at_once(&one, &two).await;
    // Nothing of the ledger's keeps these apart: the window that remains. It never goes unnoticed, nor further.
    assert_eq!(one.invoices(), 4);
    for world in [&one, &two] {
        let words = world.refused().await;
        assert!(words.contains("another Footbridge"), "{words}");
        world.go_on().await;
        world.sync().await;
        for n in 1..=2 {
            let (standing, why, _) = world.decision(n).await;
            assert_eq!(
                (standing, why.as_str()),
                (Standing::Waiting, reason::KEY_STANDS_TWICE),
                "{n}"
            );
        }
    }
    assert_eq!(one.invoices(), 4);
}

#[tokio::test]
async fn the_way_back_shows_after_a_restore_what_it_showed_before() {
    use crate::books::Bump::Quiet;
    let world = World::with_books(3);
    world.bill("1", "c", 100, "2026-10-20");
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup");
    world.sync().await;
    world.backup(&file);
    world.bill("2", "c", 50, "2026-10-21");
    world.pay("p", "1", 30, Quiet);
    world.sync().await;
    world.assert_shown("before").await;
    let restored = world.restored(&file);
    restored.go_on().await;
    restored.sync().await;
    restored.assert_shown("restored").await;
}
