//! Progress on long work: one line that moves, on a terminal only. Quiet when piped.
//!
//! For crash tests it also ends the process at a named point of the journal, as a power cut would: `FOOTBRIDGE_DIE_AT=intent-stored:3`
//! kills at the third time that point is passed. `FOOTBRIDGE_STOP_AT` stops it there, as a machine that falls asleep would.

use footbridge_engine::watch::{Point, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

/// The nth time that a point is passed.
struct Moment {
    point: String,
    nth: u64,
    passed: AtomicU64,
}

impl Moment {
    fn named(variable: &str) -> Option<Self> {
        let text = std::env::var(variable).ok()?;
        let (point, nth) = text.split_once(':')?;
        Some(Self {
            point: point.to_owned(),
            nth: nth.parse().ok()?,
            passed: AtomicU64::new(0),
        })
    }

    fn is_now(&self, point: &Point) -> bool {
        self.point == kind(point) && self.passed.fetch_add(1, Ordering::Relaxed) + 1 == self.nth
    }
}

/// Watches a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    die_at: Option<Moment>,
    stop_at: Option<Moment>,
    written: AtomicU64,
}

impl Progress {
    /// Shows progress on standard error if that is a terminal.
    pub(crate) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            die_at: Moment::named("FOOTBRIDGE_DIE_AT"),
            stop_at: Moment::named("FOOTBRIDGE_STOP_AT"),
            written: AtomicU64::new(0),
        }
    }

    /// Clears the line.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn at(&self, point: &Point) {
        let message = match point {
            Point::Pulled {
                connection,
                object,
                records,
            } => {
                format!("reading {connection}: {records} {object} records")
            }
            Point::Planned { ops } => format!("planned {ops} operations"),
            Point::Settled { ops, .. } => {
                let ops = u64::try_from(*ops).unwrap_or(0);
                let total = self.written.fetch_add(ops, Ordering::Relaxed) + ops;
                format!("{total} records written")
            }
            Point::Waiting { seconds, why } => format!("waiting up to {seconds} s: {why}"),
            Point::Recovering(request) => {
                format!("looking at request {request}, which got no answer")
            }
            _ => String::new(),
        };
        if !message.is_empty() {
            self.bar.set_message(message);
            self.bar.tick();
        }
        let is_now = |moment: &Option<Moment>| moment.as_ref().is_some_and(|m| m.is_now(point));
        if is_now(&self.stop_at) {
            signal("-STOP");
            // The system stops one thread after the other: on a busy machine this one would go on meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        if is_now(&self.die_at) {
            signal("-KILL");
            // SIGKILL can't be caught; should it be refused, abort comes close.
            std::process::abort();
        }
    }
}

/// The points of the journal, as `FOOTBRIDGE_DIE_AT` names them.
pub(crate) fn kind(point: &Point) -> &'static str {
    match point {
        Point::Pulled { .. } => "pulled",
        Point::Planned { .. } => "planned",
        Point::BeforeIntent(_) => "before-intent",
        Point::IntentStored(_) => "intent-stored",
        Point::Sending(_) => "sending",
        Point::AnswerReceived(_) => "answer-received",
        Point::AnswerStored(_) => "answer-stored",
        Point::BeforeSettle(_) => "before-settle",
        Point::Settled { .. } => "settled",
        Point::Recovering(_) => "recovering",
        Point::Waiting { .. } => "waiting",
    }
}

/// Sends this process a signal that it can't catch.
fn signal(which: &str) {
    let id = std::process::id().to_string();
    let _ = std::process::Command::new("kill")
        .args([which, &id])
        .status();
}
