//! Whose turn it is: guests that work for long share all cores but one, so that a short call is served at once whatever
//! others do.
//!
//! A call is free until it has worked for two ticks. From then on it works only in its turn; of those that wait, the one
//! whose plugin worked least lately goes first. It measures nothing (`meter.rs`) and stops nobody (`run.rs`); waiting for
//! a turn is not charged.

use crate::engine::TICK;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// So long a call works without waiting for a turn.
pub(crate) const FREE: Duration = TICK.saturating_mul(2);

/// The turns of one sandbox.
pub(crate) struct Turns {
    most: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    taken: usize,
    next: u64,
    waiting: BTreeMap<Place, Waker>,
}

/// Where somebody stands: nanoseconds that the plugin worked lately, and who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64, u64);

impl Turns {
    /// As many at once as there are cores, but for one.
    pub(crate) fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::at_once(cores.saturating_sub(1).max(1))
    }

    fn at_once(most: usize) -> Self {
        Self {
            most,
            queue: Mutex::default(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those that could go now.
    fn call_next(&self, queue: &Queue) {
        let free = self.most.saturating_sub(queue.taken);
        for waker in queue.waiting.values().take(free) {
            waker.wake_by_ref();
        }
    }
}

/// One call's part in it.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    state: State,
}

enum State {
    Out,
    Waiting(Place),
    Working,
}

impl Turn {
    pub(crate) fn new(turns: Arc<Turns>) -> Self {
        Self {
            turns,
            state: State::Out,
        }
    }

    /// Ready once it may work. `spent` is what its plugin worked lately.
    pub(crate) fn poll(&mut self, spent: u64, context: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.turns.queue();
        let place = match self.state {
            State::Working => return Poll::Ready(()),
            // What its plugin worked is forgotten while it waits, so that nobody waits for ever.
            State::Waiting(place) => {
                queue.waiting.remove(&place);
                Place(spent.min(place.0), place.1)
            }
            State::Out => {
                queue.next += 1;
                Place(spent, queue.next)
            }
        };
        let before = queue.waiting.range(..place).count();
        if queue.taken + before < self.turns.most {
            queue.waiting.remove(&place);
            queue.taken += 1;
            self.state = State::Working;
            return Poll::Ready(());
        }
        queue.waiting.insert(place, context.waker().clone());
        self.state = State::Waiting(place);
        Poll::Pending
    }

    /// It has something to do still: it goes on unless somebody waits whose plugin worked less.
    pub(crate) fn goes_on(&mut self, spent: u64) {
        let queue = self.turns.queue();
        let first = queue.waiting.keys().next();
        let before = first.is_some_and(|Place(theirs, _)| *theirs < spent);
        drop(queue);
        if before {
            self.ends();
        }
    }

    /// It waits for something, or is over.
    pub(crate) fn ends(&mut self) {
        let mut queue = self.turns.queue();
        match std::mem::replace(&mut self.state, State::Out) {
            State::Out => return,
            State::Waiting(place) => drop(queue.waiting.remove(&place)),
            State::Working => queue.taken = queue.taken.saturating_sub(1),
        }
        self.turns.call_next(&queue);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.ends();
    }
}

/// What a plugin worked lately, in nanoseconds: half of it is forgotten every second.
#[derive(Default)]
pub(crate) struct Spent(Mutex<Option<(Instant, u64)>>);

impl Spent {
    pub(crate) fn add(&self, nanos: u64) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, before) = spent.unwrap_or((now, 0));
        let seconds = now.saturating_duration_since(since).as_secs();
        let halved = u32::try_from(seconds)
            .ok()
            .and_then(|seconds| before.checked_shr(seconds))
            .unwrap_or(0);
        let since = since + Duration::from_secs(seconds);
        *spent = Some((since, halved.saturating_add(nanos)));
    }

    pub(crate) fn lately(&self) -> u64 {
        self.add(0);
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.map_or(0, |(_, nanos)| nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Guest(Turn, Arc<Woken>);

    impl Guest {
        fn new(turns: &Arc<Turns>) -> Self {
            Self(Turn::new(turns.clone()), Arc::default())
        }

        fn may(&mut self, spent: u64) -> bool {
            let waker = Waker::from(self.1.clone());
            self.0
                .poll(spent, &mut Context::from_waker(&waker))
                .is_ready()
        }

        fn woken(&self) -> bool {
            self.1.0.swap(0, Ordering::SeqCst) > 0
        }
    }

    #[test]
    fn who_worked_least_goes_first_and_goes_on() {
        let turns = Arc::new(Turns::at_once(1));
        let [mut one, mut two, mut three] = [(); 3].map(|()| Guest::new(&turns));
        assert!(one.may(900));
        assert!(!two.may(500));
        assert!(!three.may(100));
        assert!(one.may(900), "it has its turn still");
        one.0.goes_on(900);
        assert!(three.woken() && !two.woken());
        assert!(!one.may(900) && !two.may(500) && three.may(100));
        three.0.goes_on(400);
        assert!(!two.woken() && three.may(400), "the others worked more");
        three.0.goes_on(600);
        assert!(
            two.woken() && two.may(600),
            "its place is from when it came"
        );
        two.0.ends();
        assert!(one.woken() && one.may(900));
    }

    #[test]
    fn a_turn_is_never_lost() {
        let turns = Arc::new(Turns::at_once(2));
        let [mut one, mut two, mut three, mut four] = [(); 4].map(|()| Guest::new(&turns));
        assert!(one.may(1) && two.may(1));
        assert!(!three.may(1) && !four.may(1));
        // Woken, and gone before it could go.
        one.0.ends();
        assert!(three.woken() && !four.woken());
        drop(three);
        assert!(four.woken() && four.may(1));
        drop(two);
        drop(four);
        let queue = turns.queue();
        assert_eq!((queue.taken, queue.waiting.len()), (0, 0));
    }
}
