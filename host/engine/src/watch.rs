//! The points of a run that someone may watch: progress for people, and the places where a crash test kills the process.
//!
//! Watching changes nothing: a watcher returns nothing and must not block.

use footbridge_model::id::RequestId;

/// A point in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// A page of an object was read and committed.
    Pulled {
        /// The connection.
        connection: String,
        /// The object.
        object: String,
        /// Records in the page.
        records: usize,
    },
    /// A plan was made and saved.
    Planned {
        /// Operations in it.
        ops: usize,
    },
    /// A request's intent is about to be committed.
    BeforeIntent(RequestId),
    /// The intent is durable; nothing left yet.
    IntentStored(RequestId),
    /// That it is being sent is durable; the first byte may leave now.
    Sending(RequestId),
    /// An answer is here and not durable.
    AnswerReceived(RequestId),
    /// The answer is durable.
    AnswerStored(RequestId),
    /// Outcomes are known and not durable.
    BeforeSettle(RequestId),
    /// Outcomes are durable.
    Settled {
        /// The request.
        request: RequestId,
        /// Operations it carried.
        ops: usize,
    },
    /// A request is in doubt and is being looked at.
    Recovering(RequestId),
    /// A wait.
    Waiting {
        /// Seconds.
        seconds: u64,
        /// For what.
        why: String,
    },
}

/// Someone who watches.
pub trait Watch: Send + Sync {
    /// Called at each point.
    fn at(&self, point: &Point);
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn at(&self, _: &Point) {}
}
