//! The columns: each fault, with the figures that make it adverse, and to which rows it can't happen and why.
//!
//! Times are the vendors' and the product's own defaults: Xero remembers keys for 6 minutes, the same bytes are sent again between 2 and
//! 5 minutes, reading back decides after 10. Only the time-out is short, for connections are real. Next: `cell` plays it.

use crate::life::At;
use crate::row::{Row, Vendor};
use crate::world::TIME_OUT;
use chrono::TimeDelta;
use footbridge_simulators::faults::{Fault, LimitKind};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Carried out; the connection is cut without an answer.
    AnswerLost,
    /// The same, and nobody runs for an hour.
    AnswerLostFoundLate,
    /// Swallowed; our time-out ends the wait.
    TimeOutBefore,
    /// The same, and nobody runs for an hour.
    TimeOutFoundLate,
    /// Carried out after our time-out, before the first look.
    DelayedPastTimeOut,
    /// Carried out after the first looks.
    DelayedPastReadBack,
    /// Carried out after the look that decides: nobody runs until the settle time is over, and it is still under way then.
    DelayedPastDecision,
    /// Carried out as late, and runs went on meanwhile: the same bytes were sent again and answered, and their key is forgotten.
    DelayedPastKey,
    /// An error is answered and remembered under the key.
    CachedError,
    /// The first request still runs while run after run would send again.
    FirstStillRuns,
    /// 429.
    Limit(LimitKind),
    /// An error of the server's, nothing done.
    ErrorBefore,
    /// Carried out, an error all the same.
    ErrorAfterCommit,
    /// Carried out, and a gateway says that it gave up.
    GatewayGaveUp,
    /// One row is written, then the server fails.
    ErrorMidBatch,
    /// One row is refused, the others are written.
    PartialBatch,
    /// The access token has just expired.
    ExpiredToken,
    /// The same, under a consent whose refresh token is replaced at each use.
    RotatedToken,
    /// A row is locked by somebody.
    LockedRow,
    /// A rule against look-alikes refuses.
    DuplicateRule,
    /// A rule of the administrator's refuses every row.
    ValidationRule,
    /// A trigger writes something else.
    Trigger,
    /// The answer's second half comes after our time-out.
    SlowBody,
    /// The answer is cut.
    CutBody,
    /// The answer's JSON stops half-way.
    TruncatedJson,
    /// A page in HTML instead.
    HtmlAnswer,
    /// The answer is lost and the host's clock jumps on by an hour.
    ClockForward,
    /// The same, back by an hour.
    ClockBack,
    /// The answer is lost and the host's clock is ahead all the time.
    ClockAhead,
    /// The same, behind.
    ClockBehind,
    /// The engine ends there.
    Crash(At),
    /// The process is stopped between intent and connection; another one starts.
    Stopped,
    /// The same, and the other one has a copy of the data directory.
    StoppedAndCopied,
    /// Stopped once it has the answer, with more of its plan to come, while the copy does that.
    AnsweredAndCopied,
    /// The process is killed while it is being answered.
    Killed,
    /// The disk is full before the answer can be stored.
    FullDisk,
}

/// Something that goes wrong and is not put right.
pub(crate) struct Known {
    /// In words.
    pub(crate) why: &'static str,
    /// What the cell says then: each of these, and nothing besides.
    pub(crate) told: &'static [&'static str],
}

impl Known {
    /// Whether the cell says that and nothing else.
    pub(crate) fn is(&self, wrong: &[String]) -> bool {
        let has = |told: &str| wrong.iter().any(|wrong| wrong.contains(told));
        let is_told = |wrong: &String| self.told.iter().any(|told| wrong.contains(told));
        self.told.iter().all(|told| has(told)) && wrong.iter().all(is_told)
    }
}

/// Who plays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// This process, under simulated time.
    Here,
    /// The program itself.
    Program,
}

impl Column {
    /// All of them, in the table's order.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::AnswerLost,
            Self::AnswerLostFoundLate,
            Self::TimeOutBefore,
            Self::TimeOutFoundLate,
            Self::DelayedPastTimeOut,
            Self::DelayedPastReadBack,
            Self::DelayedPastDecision,
            Self::DelayedPastKey,
            Self::CachedError,
            Self::FirstStillRuns,
            Self::Limit(LimitKind::Minute),
            Self::Limit(LimitKind::Day),
            Self::Limit(LimitKind::Concurrent),
            Self::Limit(LimitKind::AppMinute),
            Self::ErrorBefore,
            Self::ErrorAfterCommit,
            Self::GatewayGaveUp,
            Self::ErrorMidBatch,
            Self::PartialBatch,
            Self::ExpiredToken,
            Self::RotatedToken,
            Self::LockedRow,
            Self::DuplicateRule,
            Self::ValidationRule,
            Self::Trigger,
            Self::SlowBody,
            Self::CutBody,
            Self::TruncatedJson,
            Self::HtmlAnswer,
            Self::ClockForward,
            Self::ClockBack,
            Self::ClockAhead,
            Self::ClockBehind,
        ];
        all.extend(At::ALL.map(Self::Crash));
        all.extend([
            Self::Stopped,
            Self::StoppedAndCopied,
            Self::AnsweredAndCopied,
            Self::Killed,
            Self::FullDisk,
        ]);
        all
    }

    /// In the table.
    pub fn name(self) -> String {
        let fixed = match self {
            Self::AnswerLost => "answer lost after commit",
            Self::AnswerLostFoundLate => "answer lost, next run an hour later",
            Self::TimeOutBefore => "time-out before",
            Self::TimeOutFoundLate => "time-out before, next run an hour later",
            Self::DelayedPastTimeOut => "commit delayed past time-out",
            Self::DelayedPastReadBack => "commit delayed past read-back",
            Self::DelayedPastDecision => "commit delayed past the deciding look",
            Self::DelayedPastKey => "commit delayed past the key's memory",
            Self::CachedError => "error cached under the key",
            Self::FirstStillRuns => "same key while the first still runs",
            Self::Limit(LimitKind::Minute) => "429 minute",
            Self::Limit(LimitKind::Day) => "429 day",
            Self::Limit(LimitKind::Concurrent) => "429 concurrent",
            Self::Limit(LimitKind::AppMinute) => "429 app minute",
            Self::ErrorBefore => "5xx before",
            Self::ErrorAfterCommit => "5xx after commit",
            Self::GatewayGaveUp => "504 after commit",
            Self::ErrorMidBatch => "5xx mid-batch",
            Self::PartialBatch => "partial batch",
            Self::ExpiredToken => "expired token",
            Self::RotatedToken => "rotated token",
            Self::LockedRow => "locked row",
            Self::DuplicateRule => "duplicate rule",
            Self::ValidationRule => "validation rule",
            Self::Trigger => "trigger that rewrites",
            Self::SlowBody => "slow body",
            Self::CutBody => "cut body",
            Self::TruncatedJson => "truncated JSON",
            Self::HtmlAnswer => "HTML answer",
            Self::ClockForward => "clock stepped forward",
            Self::ClockBack => "clock stepped back",
            Self::ClockAhead => "clock ahead",
            Self::ClockBehind => "clock behind",
            Self::Crash(at) => return format!("crash at {}", at.name()),
            Self::Stopped => "SIGSTOP, another starts",
            Self::StoppedAndCopied => "SIGSTOP, another on a copy recovers",
            Self::AnsweredAndCopied => "SIGSTOP once answered, another on a copy goes on",
            Self::Killed => "SIGKILL while sending",
            Self::FullDisk => "full disk",
        };
        fixed.to_owned()
    }

    /// Who plays it.
    pub fn ground(self) -> Ground {
        match self {
            Self::Stopped
            | Self::StoppedAndCopied
            | Self::AnsweredAndCopied
            | Self::Killed
            | Self::FullDisk => Ground::Program,
            _ => Ground::Here,
        }
    }

    /// Why it can't happen to a row; none if it can.
    pub fn cannot(self, row: &Row) -> Option<&'static str> {
        let (xero, update) = (row.vendor == Vendor::Xero, row.alike.is_none());
        Some(match self {
            Self::CachedError if !xero => {
                "Salesforce has no idempotency keys and remembers no answers"
            }
            Self::FirstStillRuns if !xero => {
                "Salesforce has no idempotency keys; what is carried out late is another column"
            }
            Self::Limit(LimitKind::Minute | LimitKind::AppMinute) if !xero => {
                "Salesforce counts calls by the day, not by the minute"
            }
            Self::Limit(LimitKind::Concurrent) if !xero => {
                "Salesforce limits calls at once only among those over 20 seconds, and says REQUEST_LIMIT_EXCEEDED as for the day"
            }
            Self::LockedRow if xero => "Xero locks no rows",
            Self::Trigger if xero => {
                "Xero has no triggers; what it rounds or trims is its own documented behaviour"
            }
            Self::DuplicateRule if xero && row.method == "POST" => {
                "a change that leaves alone what must be unique"
            }
            Self::DuplicateRule if row.path == "/Invoices" => {
                "the matrix runs in Xero's own number sequence: an invoice carries nothing that must be unique"
            }
            Self::DuplicateRule if !xero && !row.is_set_up() && update => {
                "a change of fields that the rule doesn't watch is not looked at by it"
            }
            Self::AnsweredAndCopied if row.is_set_up() => {
                "a set-up looks again after each request; nothing of it was planned before"
            }
            Self::DuplicateRule
            | Self::ValidationRule
            | Self::Trigger
            | Self::LockedRow
            | Self::PartialBatch
            | Self::ErrorMidBatch
                if row.is_set_up() =>
            {
                "a deployment has no rows: it is done as a whole or not at all"
            }
            _ => return None,
        })
    }

    /// The fault of the simulators that makes it, if one does, and how often it strikes.
    pub(crate) fn fault(self) -> Option<(Fault, u32)> {
        let late = TIME_OUT * 1_000 + 500;
        let once = |fault| Some((fault, 1));
        let message = || "Ask your administrator first.".to_owned();
        match self {
            Self::AnswerLost
            | Self::AnswerLostFoundLate
            | Self::ClockForward
            | Self::ClockBack
            | Self::ClockAhead
            | Self::ClockBehind => once(Fault::AnswerLostAfterCommit),
            Self::TimeOutBefore => once(Fault::TimeOutBefore { ms: late }),
            // The connection is cut instead: what is slow is shown above.
            Self::TimeOutFoundLate => once(Fault::TimeOutBefore { ms: 0 }),
            Self::DelayedPastTimeOut => once(Fault::CommitDelayedByClock {
                seconds: 3,
                hold_ms: late,
            }),
            Self::DelayedPastReadBack => once(Fault::CommitDelayedByClock {
                seconds: 75,
                hold_ms: 0,
            }),
            Self::DelayedPastDecision | Self::DelayedPastKey => once(Fault::CommitDelayedByClock {
                seconds: 700,
                hold_ms: 0,
            }),
            Self::FirstStillRuns => once(Fault::CommitDelayedByClock {
                seconds: 115,
                hold_ms: 0,
            }),
            Self::CachedError => once(Fault::ErrorCachedUnderKey { status: 500 }),
            Self::Limit(kind) => {
                let retry_after = match kind {
                    LimitKind::Minute | LimitKind::AppMinute => Some(20),
                    LimitKind::Day => Some(7_200),
                    LimitKind::Concurrent => None,
                };
                Some((Fault::TooManyRequests { kind, retry_after }, 2))
            }
            Self::ErrorBefore => once(Fault::ServerErrorBefore { status: 503 }),
            Self::ErrorAfterCommit => once(Fault::ServerErrorAfterCommit { status: 500 }),
            Self::GatewayGaveUp => once(Fault::ServerErrorAfterCommit { status: 504 }),
            Self::ErrorMidBatch => once(Fault::ServerErrorMidBatch { after: 1 }),
            Self::PartialBatch => once(Fault::ValidationRule { message: message() }),
            Self::ExpiredToken | Self::RotatedToken => once(Fault::ExpiredToken),
            Self::LockedRow => once(Fault::LockedRow { rows: 2 }),
            Self::ValidationRule => {
                Some((Fault::ValidationRuleForAll { message: message() }, u32::MAX))
            }
            Self::SlowBody => once(Fault::SlowBody { ms: late }),
            Self::CutBody => once(Fault::CutBody { after_bytes: 120 }),
            Self::TruncatedJson => once(Fault::TruncatedJson),
            Self::HtmlAnswer => once(Fault::HtmlAnswer { status: 200 }),
            Self::DuplicateRule
            | Self::Trigger
            | Self::Crash(_)
            | Self::Stopped
            | Self::StoppedAndCopied
            | Self::AnsweredAndCopied
            | Self::Killed
            | Self::FullDisk => None,
        }
    }

    /// How long after it arrived the request is carried out, where the clock says when.
    pub(crate) fn late(self) -> Option<TimeDelta> {
        match self.fault() {
            Some((Fault::CommitDelayedByClock { seconds, .. }, _)) => {
                Some(TimeDelta::seconds(seconds))
            }
            _ => None,
        }
    }

    /// Whether the struck request was carried out before anyone looked: the look finds it, and nothing is sent again.
    pub(crate) fn took_effect(self) -> bool {
        match self {
            Self::AnswerLost
            | Self::AnswerLostFoundLate
            | Self::ErrorAfterCommit
            | Self::GatewayGaveUp
            | Self::SlowBody
            | Self::CutBody
            | Self::TruncatedJson
            | Self::ClockForward
            | Self::ClockBack
            | Self::ClockAhead
            | Self::ClockBehind => true,
            Self::Crash(at) => !matches!(at, At::BeforeIntent | At::IntentStored | At::Sending),
            _ => false,
        }
    }

    /// What is known to go wrong in a cell and is not put right; none: it must come out right.
    pub(crate) fn known(self, row: &Row) -> Option<Known> {
        match self {
            Self::DelayedPastKey if row.is_ours_to_keep_single() => Some(Known {
                why: "Two invoices for a deal: a request that is still under way after ten minutes is carried out after all, long after the same bytes were sent \
                      again and Xero forgot their key. The product finds them in its next run and lets the deal wait as key-stands-twice.",
                told: &[
                    "key-stands-twice",
                    "2 invoices instead of one",
                    "6 invoices in all",
                ],
            }),
            _ => None,
        }
    }

    /// By how much the host's clock steps after the loss.
    pub(crate) fn step(self) -> TimeDelta {
        match self {
            Self::ClockForward => TimeDelta::hours(1),
            Self::ClockBack => TimeDelta::hours(-1),
            _ => TimeDelta::zero(),
        }
    }

    /// How wrong the host's clock is all the time.
    pub(crate) fn skew(self) -> TimeDelta {
        match self {
            Self::ClockAhead => TimeDelta::minutes(20),
            Self::ClockBehind => TimeDelta::minutes(-20),
            _ => TimeDelta::zero(),
        }
    }

    /// How long nobody runs after the fault.
    pub(crate) fn pause(self) -> TimeDelta {
        match self {
            Self::AnswerLostFoundLate | Self::TimeOutFoundLate => TimeDelta::hours(1),
            Self::DelayedPastDecision => TimeDelta::seconds(620),
            _ => TimeDelta::seconds(20),
        }
    }

    /// Whether somebody has to decide in any case. A name that is taken by then is adopted, and what one row was refused for once
    /// may be over in the next run.
    pub(crate) fn must_wait(self, row: &Row) -> bool {
        match self {
            Self::ValidationRule | Self::Trigger => true,
            Self::DuplicateRule => row.vendor == Vendor::Salesforce,
            _ => false,
        }
    }

    /// For what a row waits for a person while the fault lasts, where it may.
    pub(crate) fn waits_for(self, row: &Row) -> &'static [&'static str] {
        match self {
            Self::PartialBatch | Self::ValidationRule if row.path == "/Contacts" => {
                &["rejected", "waits-for-another"]
            }
            Self::PartialBatch | Self::ValidationRule => &["rejected"],
            Self::DuplicateRule if row.vendor == Vendor::Xero => {
                &["customer-name-clash", "customer-looks-existing", "rejected"]
            }
            Self::DuplicateRule => &["rejected"],
            Self::Trigger => &["rewritten-over-there"],
            // What never arrived, or not yet, and is found too late to send the same again: nothing proves that it isn't under way.
            Self::TimeOutFoundLate | Self::DelayedPastDecision if row.is_ours_to_keep_single() => {
                &["in-doubt"]
            }
            _ => &[],
        }
    }
}
