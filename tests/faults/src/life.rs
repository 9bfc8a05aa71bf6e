//! A life of the engine: it ends at a point of the journal, as a process that is killed there does. After its end nothing is read,
//! stored or sent any more, and nothing that it asked for is answered.
//!
//! The far sides live on. Next: `cell` begins another life over the same data directory.

use async_trait::async_trait;
use footbridge::compose::Kit;
use footbridge_engine::ports::{Outbound, Sent};
use footbridge_engine::provision::ProvisioningParts;
use footbridge_engine::watch::{Point, Watch};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::WriteRequest;
use footbridge_store::{
    Bodies, BodyDigest, CommitError, Key, KeyRange, Lease, LeaseError, Row, Seq, Store, StoreError,
    StoreMeta, VerifyReport, Versioned, WriteSet,
};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// The points of the journal that every request passes, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The intent is about to be stored.
    BeforeIntent,
    /// It is stored; nothing left.
    IntentStored,
    /// That it is being sent is stored; the first byte may leave.
    Sending,
    /// An answer is here and not stored.
    AnswerReceived,
    /// The answer is stored.
    AnswerStored,
    /// Outcomes are known and not stored.
    BeforeSettle,
    /// Outcomes are stored.
    Settled,
}

impl At {
    pub(crate) const ALL: [Self; 7] = [
        Self::BeforeIntent,
        Self::IntentStored,
        Self::Sending,
        Self::AnswerReceived,
        Self::AnswerStored,
        Self::BeforeSettle,
        Self::Settled,
    ];

    fn of(point: &Point) -> Option<Self> {
        Some(match point {
            Point::BeforeIntent(_) => Self::BeforeIntent,
            Point::IntentStored(_) => Self::IntentStored,
            Point::Sending(_) => Self::Sending,
            Point::AnswerReceived(_) => Self::AnswerReceived,
            Point::AnswerStored(_) => Self::AnswerStored,
            Point::BeforeSettle(_) => Self::BeforeSettle,
            Point::Settled { .. } => Self::Settled,
            _ => return None,
        })
    }

    /// As `FOOTBRIDGE_DIE_AT` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before-intent",
            Self::IntentStored => "intent-stored",
            Self::Sending => "sending",
            Self::AnswerReceived => "answer-received",
            Self::AnswerStored => "answer-stored",
            Self::BeforeSettle => "before-settle",
            Self::Settled => "settled",
        }
    }
}

/// What happens, besides, at a point; why not, if it could not.
type Deed = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// A life that ends when a point is passed for the nth time, or never.
pub(crate) struct Life {
    end: Option<(At, u32)>,
    over: AtomicBool,
    ended: Notify,
    passed: Mutex<Vec<At>>,
    sent: Mutex<Vec<String>>,
    deed: Mutex<Option<(At, u32, Deed)>>,
    wrong: Mutex<Vec<String>>,
}

impl Life {
    /// One that goes on.
    pub(crate) fn long() -> Arc<Self> {
        Self::new(None, None)
    }

    /// One that ends there.
    pub(crate) fn until(at: At, nth: u32) -> Arc<Self> {
        Self::new(Some((at, nth)), None)
    }

    /// One in which something else happens there, just then.
    pub(crate) fn with(at: At, nth: u32, deed: Deed) -> Arc<Self> {
        Self::new(None, Some((at, nth, deed)))
    }

    fn new(end: Option<(At, u32)>, deed: Option<(At, u32, Deed)>) -> Arc<Self> {
        Arc::new(Self {
            end,
            over: AtomicBool::new(false),
            ended: Notify::new(),
            passed: Mutex::default(),
            sent: Mutex::default(),
            deed: Mutex::new(deed),
            wrong: Mutex::default(),
        })
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What was planned for a point has happened, the end included.
    pub(crate) fn has_done_its_deed(&self) -> bool {
        let waiting = self.deed.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_none() && (self.end.is_none() || self.is_over())
    }

    /// How often a point was passed.
    pub(crate) fn times(&self, at: At) -> usize {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.iter().filter(|passed| **passed == at).count()
    }

    /// Paths of the requests that left, in order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.clone()
    }

    fn note_sent(&self, path: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(path.to_owned());
    }

    /// What was wrong in it so far; told once.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *wrong)
    }

    fn note_wrong(&self, what: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.push(what);
    }

    /// Runs it to its end: the work's result, or nothing if the life ended first.
    pub(crate) async fn lived<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.ended.notified() => None,
            done = work => Some(done),
        }
    }

    /// Goes on only for the living.
    async fn alive(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn pass(&self, at: At) {
        if self.is_over() {
            return;
        }
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.push(at);
        let times = passed.iter().filter(|passed| **passed == at).count();
        drop(passed);
        let is_now = |point: At, nth: u32| point == at && usize::try_from(nth) == Ok(times);
        let mut deed = self.deed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, deed)) = deed.take_if(|(point, nth, _)| is_now(*point, *nth))
            && let Err(why) = deed()
        {
            self.note_wrong(format!("what was to happen could not: {why}"));
        }
        if self.end.is_some_and(|(point, nth)| is_now(point, nth)) {
            self.over.store(true, Ordering::SeqCst);
            self.ended.notify_one();
        }
    }

    /// Puts this life between an engine and the world.
    pub(crate) fn of_engine(self: &Arc<Self>, kit: Kit) -> Kit {
        let mut kit = kit;
        let disk = (Arc::clone(&kit.parts.store), Arc::clone(&kit.parts.bodies));
        kit.parts.store = Arc::new(Mortal {
            store: Arc::clone(&kit.parts.store),
            life: Arc::clone(self),
            journal: Journal::Engine,
        });
        kit.parts.outbound = Arc::new(Way {
            out: Arc::clone(&kit.parts.outbound),
            life: Arc::clone(self),
            journal: Journal::Engine,
            disk,
        });
        kit.parts.watch = Arc::new(Eye(Arc::clone(self)));
        kit
    }

    /// Puts this life between a provisioning and the world. It has no watcher, so its points are told from what it stores and sends.
    pub(crate) fn of_set_up(self: &Arc<Self>, mut parts: ProvisioningParts) -> ProvisioningParts {
        let stage = Arc::new(Mutex::new(Stage::Idle));
        let disk = (Arc::clone(&parts.store), Arc::clone(&parts.bodies));
        parts.store = Arc::new(Mortal {
            store: Arc::clone(&parts.store),
            life: Arc::clone(self),
            journal: Journal::SetUp(Arc::clone(&stage)),
        });
        parts.outbound = Arc::new(Way {
            out: Arc::clone(&parts.outbound),
            life: Arc::clone(self),
            journal: Journal::SetUp(stage),
            disk,
        });
        parts
    }
}

struct Eye(Arc<Life>);

impl Watch for Eye {
    fn at(&self, point: &Point) {
        if let Some(at) = At::of(point) {
            self.0.pass(at);
        }
    }
}

/// Who tells the points.
#[derive(Debug)]
enum Journal {
    Engine,
    SetUp(Arc<Mutex<Stage>>),
}

/// How far a request of a set-up is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Intended,
    Noted,
    Received,
    Stored,
}

/// A store that dies with the life.
struct Mortal {
    store: Arc<dyn Store>,
    life: Arc<Life>,
    journal: Journal,
}

impl std::fmt::Debug for Mortal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}

impl Mortal {
    /// A set-up's commit: which point lies before it and which after it. Only rows of its requests count.
    fn around(&self, set: &WriteSet) -> [Option<At>; 2] {
        let Journal::SetUp(stage) = &self.journal else {
            return [None, None];
        };
        if !touches_request(set) {
            return [None, None];
        }
        let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, around) = match *stage {
            Stage::Idle => (
                Stage::Intended,
                [Some(At::BeforeIntent), Some(At::IntentStored)],
            ),
            Stage::Intended => (Stage::Noted, [None, Some(At::Sending)]),
            Stage::Received => (Stage::Stored, [None, Some(At::AnswerStored)]),
            Stage::Noted | Stage::Stored => {
                (Stage::Idle, [Some(At::BeforeSettle), Some(At::Settled)])
            }
        };
        *stage = next;
        around
    }
}

fn touches_request(set: &WriteSet) -> bool {
    let prefix: Vec<u8> = Key::new("request").into();
    set.puts.iter().any(|(key, _)| key.starts_with(&prefix))
}

#[async_trait]
impl Store for Mortal {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.life.alive().await;
        self.store.get(key).await
    }
    async fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.life.alive().await;
        self.store.scan(range, after, limit).await
    }
    async fn commit(&self, set: WriteSet) -> Result<Seq, CommitError> {
        self.life.alive().await;
        let [before, after] = self.around(&set);
        before.into_iter().for_each(|at| self.life.pass(at));
        self.life.alive().await;
        let done = self.store.commit(set).await;
        after.into_iter().for_each(|at| self.life.pass(at));
        self.life.alive().await;
        done
    }
    async fn claim(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        self.life.alive().await;
        self.store.claim(name, holder, duration, now).await
    }
    async fn renew(
        &self,
        lease: &Lease,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        self.life.alive().await;
        self.store.renew(lease, duration, now).await
    }
    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        self.life.alive().await;
        self.store.release(lease).await
    }
    fn meta(&self) -> &StoreMeta {
        self.store.meta()
    }
    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.store.verify().await
    }
    async fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.store.size_on_disk().await
    }
}

/// The way out of a life. Nothing passes of which the disk doesn't know that it is being sent.
struct Way {
    out: Arc<dyn Outbound>,
    life: Arc<Life>,
    journal: Journal,
    disk: (Arc<dyn Store>, Arc<Bodies>),
}

impl Way {
    /// Why these bytes may not leave; none if their intent, their key, that they are sent and they themselves are durable.
    async fn early(&self, request: &WriteRequest, key: &str) -> Option<String> {
        let (store, bodies) = &self.disk;
        let digest = BodyDigest::of(&request.body);
        let text = digest.to_string();
        let is_its = |row: &Value, field: &str, wanted: &str| {
            row.pointer(field).and_then(Value::as_str) == Some(wanted)
        };
        let range = Key::new("request").range();
        let mut after: Option<Vec<u8>> = None;
        let row = loop {
            let rows = match store.scan(&range, after.as_deref(), 1_000).await {
                Ok(rows) => rows,
                Err(error) => return Some(format!("the journal can't be read: {error}")),
            };
            let Some((last, _)) = rows.last() else {
                return Some("it left before its intent was durable".to_owned());
            };
            after = Some(last.clone());
            let found = rows.iter().find_map(|(_, row)| {
                let row: Value = serde_json::from_slice(&row.value).ok()?;
                is_its(&row, "/row/key", key).then_some(row)
            });
            if let Some(found) = found {
                break found;
            }
        };
        let sends = row.pointer("/row/sends").and_then(Value::as_u64);
        if !is_its(&row, "/row/body", &text) || !is_its(&row, "/row/head/path", &request.path) {
            return Some("it left with other bytes than its intent says".to_owned());
        }
        if !is_its(&row, "/row/state", "started") || sends.unwrap_or(0) == 0 {
            return Some("it left before it was durable that it is being sent".to_owned());
        }
        match bodies.get(&digest) {
            Ok(Some(kept)) if kept == request.body => None,
            _ => Some("it left before its bytes were durable".to_owned()),
        }
    }
}

#[async_trait]
impl Outbound for Way {
    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent {
        self.life.alive().await;
        if let Some(why) = self.early(request, key).await {
            self.life
                .note_wrong(format!("{:?} {}: {why}", request.method, request.path));
        }
        self.life.note_sent(&request.path);
        let sent = self.out.send(connection, request, key).await;
        if let (Journal::SetUp(stage), Sent::Answered(_)) = (&self.journal, &sent) {
            *stage.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Received;
            self.life.pass(At::AnswerReceived);
        }
        self.life.alive().await;
        sent
    }
}
