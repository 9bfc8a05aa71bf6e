//! How long the program lives, and the network that it speaks through: it may be gone at a point of its journal, and a write may arrive late.
//!
//! After the end nothing of the old process becomes durable or leaves any more; what had left arrives. It holds no rule of the product.

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use footbridge_engine::ports::{Clock, Outbound, Sent};
use footbridge_engine::watch::{Point, Watch};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::WriteRequest;
use footbridge_simulators::clock::SimClock;
use footbridge_store::{
    CommitError, KeyRange, Lease, LeaseError, Row, Seq, Store, StoreError, StoreMeta, VerifyReport,
    Versioned, WriteSet,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::Notify;

use crate::observer::Observer;

/// What is shared by a test's threads; a poisoned lock is read all the same.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process, by the points of its journal.
#[derive(Debug, Default)]
pub(crate) struct Life {
    passed: AtomicUsize,
    /// Gone once so many points were passed; nought: never.
    last: AtomicUsize,
    pub(crate) end: Notify,
}

impl Life {
    pub(crate) fn until(last: usize) -> Arc<Self> {
        Arc::new(Self {
            last: AtomicUsize::new(last),
            ..Self::default()
        })
    }

    pub(crate) fn is_over(&self) -> bool {
        let last = self.last.load(Ordering::SeqCst);
        last > 0 && self.passed.load(Ordering::SeqCst) >= last
    }

    /// Ends it now.
    pub(crate) fn ends(&self) {
        self.last.store(1, Ordering::SeqCst);
        self.passed.store(1, Ordering::SeqCst);
    }

    async fn alive(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

impl Watch for Life {
    fn at(&self, _: &Point) {
        if !self.is_over() {
            self.passed.fetch_add(1, Ordering::SeqCst);
            if self.is_over() {
                self.end.notify_one();
            }
        }
    }
}

/// The store of one process. Each commit is looked at.
#[derive(Debug)]
pub(crate) struct Mortal {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) life: Arc<Life>,
    pub(crate) observer: Arc<Observer>,
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
        let committed = self.store.commit(set).await?;
        self.observer.look(self.store.as_ref()).await;
        Ok(committed)
    }

    async fn claim(
        &self,
        name: &str,
        holder: &str,
        duration: std::time::Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        self.life.alive().await;
        self.store.claim(name, holder, duration, now).await
    }

    async fn renew(
        &self,
        lease: &Lease,
        duration: std::time::Duration,
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

/// A write that nobody waits for any more.
struct OnItsWay {
    arrives: DateTime<Utc>,
    outbound: Arc<dyn Outbound>,
    connection: ConnectionId,
    request: WriteRequest,
    key: String,
}

/// What lies between the program and the far sides, for as long as the story lasts.
pub(crate) struct Network {
    clock: SimClock,
    next_is_late: Mutex<Option<Duration>>,
    on_its_way: Mutex<Vec<OnItsWay>>,
}

impl Network {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self {
            clock,
            next_is_late: Mutex::default(),
            on_its_way: Mutex::default(),
        }
    }

    /// The next write arrives so much later.
    pub(crate) fn delay_next(&self, by: Duration) {
        *locked(&self.next_is_late) = Some(by);
    }

    /// Nothing more is delayed. What is on its way stays so.
    pub(crate) fn heals(&self) {
        *locked(&self.next_is_late) = None;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        locked(&self.on_its_way).is_empty()
    }

    /// Lets time pass; what is on its way arrives when its time has come.
    pub(crate) async fn pass(&self, by: Duration) {
        let until = self.clock.now() + by;
        loop {
            let next = {
                let mut waiting = locked(&self.on_its_way);
                waiting.sort_by_key(|one| one.arrives);
                let due = waiting.first().is_some_and(|one| one.arrives <= until);
                due.then(|| waiting.remove(0))
            };
            let Some(next) = next else { break };
            let now = self.clock.now();
            if next.arrives > now {
                self.clock.advance(next.arrives - now);
            }
            let _nobody_waits = next
                .outbound
                .send(&next.connection, &next.request, &next.key)
                .await;
        }
        let now = self.clock.now();
        if until > now {
            self.clock.advance(until - now);
        }
    }
}

/// The way out of one process.
pub(crate) struct MortalWay {
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) life: Arc<Life>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) network: Arc<Network>,
}

#[async_trait]
impl Outbound for MortalWay {
    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent {
        self.life.alive().await;
        self.observer
            .look_at(self.store.as_ref(), request, key)
            .await;
        let late = locked(&self.network.next_is_late).take();
        if let Some(by) = late {
            locked(&self.network.on_its_way).push(OnItsWay {
                arrives: self.network.clock.now() + by,
                outbound: Arc::clone(&self.outbound),
                connection: connection.clone(),
                request: request.clone(),
                key: key.to_owned(),
            });
            return Sent::Lost {
                why: "the network swallowed it".to_owned(),
            };
        }
        let sent = self.outbound.send(connection, request, key).await;
        self.life.alive().await;
        sent
    }
}

/// The program's own clock: the simulators' time, and as wrong as the story says. Waiting passes at once.
pub(crate) struct HostClock {
    pub(crate) network: Arc<Network>,
    pub(crate) wrong_by: Mutex<Duration>,
}

#[async_trait]
impl Clock for HostClock {
    fn now(&self) -> DateTime<Utc> {
        self.network.clock.now() + *locked(&self.wrong_by)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        if let Ok(duration) = Duration::from_std(duration) {
            self.network.pass(duration).await;
        }
        tokio::task::yield_now().await;
    }
}
