//! How long a guest really ran: CPU time of its own polls, and wall time without what it waited for the broker.
//!
//! Each poll of a call adds the time that its thread worked; a guest that waits, in our imports or in WASI's, pays
//! nothing, and one that spins pays everything. One that works for long does so in its turn (`turns.rs`). Next: `run.rs`
//! compares with the limits.

use crate::turns::{FREE, Spent, Turn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The meter of one call.
#[derive(Default)]
pub(crate) struct Meter {
    /// Nanoseconds of finished polls.
    cpu: AtomicU64,
    /// The thread's CPU time when the poll under way began.
    poll_began: AtomicU64,
    /// Whether the poll under way ended in the middle of its work.
    interrupted: AtomicBool,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    over: Duration,
    /// How many go on at once: a guest may ask for several things and then wait for all.
    at_once: usize,
    since: Option<Instant>,
}

/// While it is held, the call waits for the host.
pub(crate) struct Waiting(Arc<Meter>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waits = self.0.waits();
        waits.at_once = waits.at_once.saturating_sub(1);
        if waits.at_once == 0
            && let Some(since) = waits.since.take()
        {
            waits.over += since.elapsed();
        }
    }
}

impl Meter {
    /// CPU time so far. Only from within a poll of the call.
    pub(crate) fn cpu(&self) -> Duration {
        let now = thread_time().saturating_sub(self.poll_began.load(Ordering::Relaxed));
        Duration::from_nanos(self.cpu.load(Ordering::Relaxed).saturating_add(now))
    }

    /// The guest is stopped in the middle of its work, to go on with it.
    pub(crate) fn interrupts(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Begins a wait for something of the host's, which isn't charged.
    pub(crate) fn waiting(self: &Arc<Self>) -> Waiting {
        let mut waits = self.waits();
        waits.at_once += 1;
        waits.since.get_or_insert_with(Instant::now);
        drop(waits);
        Waiting(self.clone())
    }

    /// Waits for something of the host's that isn't charged.
    pub(crate) async fn uncharged<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        let _waiting = self.waiting();
        work.await
    }

    /// Runs the call; `None` if it took longer than `limit`, waits for the host not counted.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, call: F) -> Option<F::Output> {
        let began = Instant::now();
        let mut call = std::pin::pin!(call);
        loop {
            let used = began.elapsed().saturating_sub(self.waited());
            let left = limit.checked_sub(used)?;
            // Looked at again at least every second: a wait may be going on.
            let look = left.clamp(Duration::from_millis(1), Duration::from_secs(1));
            if let Ok(output) = tokio::time::timeout(look, &mut call).await {
                return Some(output);
            }
        }
    }

    fn waited(&self) -> Duration {
        let waits = self.waits();
        waits.over + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call whose polls are measured, and given in turns once it has worked for long.
pub(crate) struct Metered<F> {
    call: Pin<Box<F>>,
    meter: Arc<Meter>,
    turn: Turn,
    /// What its plugin worked lately.
    spent: Arc<Spent>,
    /// While it waits for its turn.
    waiting: Option<Waiting>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(meter: Arc<Meter>, (turn, spent): (Turn, Arc<Spent>), call: F) -> Self {
        Self {
            call: Box::pin(call),
            meter,
            turn,
            spent,
            waiting: None,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let worked = Duration::from_nanos(this.meter.cpu.load(Ordering::Relaxed));
        if worked >= FREE && this.turn.poll(this.spent.lately(), context).is_pending() {
            let meter = &this.meter;
            this.waiting.get_or_insert_with(|| meter.waiting());
            return Poll::Pending;
        }
        this.waiting = None;
        let began = thread_time();
        this.meter.poll_began.store(began, Ordering::Relaxed);
        this.meter.interrupted.store(false, Ordering::Relaxed);
        let polled = this.call.as_mut().poll(context);
        let spent = thread_time().saturating_sub(began);
        this.meter.cpu.fetch_add(spent, Ordering::Relaxed);
        this.spent.add(spent);
        if polled.is_pending() && this.meter.interrupted.load(Ordering::Relaxed) {
            this.turn.goes_on(this.spent.lately());
        } else {
            this.turn.ends();
        }
        polled
    }
}

/// CPU time of this thread in nanoseconds.
#[cfg(unix)]
fn thread_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// Wall time where the system has no other: overcharges on a busy machine.
#[cfg(not(unix))]
fn thread_time() -> u64 {
    use std::sync::OnceLock;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
