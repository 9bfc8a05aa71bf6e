//! What goes wrong at the far side in a round: one fault of the simulators, on one kind of write.
//!
//! Each fault stands here with the figures that make it adverse under the scaled times of [`crate::world`].

use crate::world::{PATIENCE, RESEND_WINDOW, TIME_OUT, World};
use footbridge_simulators::faults::{Fault, FaultRule, LimitKind};
use std::time::Duration;

/// What is written when it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Contacts in Xero.
    Contacts,
    /// Invoices in Xero.
    Invoices,
    /// The invoice's id, number and link on the deal.
    WriteBacks,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Contacts, Self::Invoices, Self::WriteBacks];

    /// In the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Invoices => "invoices",
            Self::WriteBacks => "write-backs",
        }
    }
}

/// A fault, ready to be injected.
#[derive(Debug, Clone)]
pub struct Strike {
    /// In the table.
    pub name: &'static str,
    /// What it strikes.
    pub target: Target,
    fault: Fault,
    times: u32,
    /// The far side works again after this long, however often it struck.
    heals_after: Option<Duration>,
}

impl Strike {
    /// Injects it.
    pub fn inject(&self, world: &World) {
        let (faults, method, path) = match self.target {
            Target::Contacts => (world.xero.faults().clone(), "PUT", "/Contacts"),
            Target::Invoices => (world.xero.faults().clone(), "PUT", "/Invoices"),
            Target::WriteBacks => (world.salesforce.faults(), "PATCH", "/composite/sobjects"),
        };
        faults.inject(FaultRule {
            times: self.times,
            ..FaultRule::on(self.fault.clone(), method, path)
        });
        if let Some(after) = self.heals_after {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                faults.clear();
            });
        }
    }

    /// How long after the last call something may still be carried out.
    pub fn tail(&self) -> Duration {
        match self.fault {
            Fault::CommitDelayed { ms, .. } => Duration::from_millis(ms),
            _ => Duration::ZERO,
        }
    }
}

/// Faults and targets that exist at that vendor.
pub fn all() -> Vec<Strike> {
    Target::ALL.into_iter().flat_map(on).collect()
}

/// Every fault that can strike such a write.
fn on(target: Target) -> Vec<Strike> {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let late = ms(TIME_OUT) + 1_000;
    let very_late = ms(PATIENCE) + 2_500;
    let too_many = Fault::TooManyRequests {
        kind: LimitKind::Minute,
        retry_after: Some(1),
    };
    let mut faults = vec![
        ("answer lost after commit", Fault::AnswerLostAfterCommit, 1),
        (
            "commit delayed past our time-out",
            Fault::CommitDelayed {
                ms: late,
                hold_ms: late,
            },
            1,
        ),
        (
            "commit delayed past the first read-backs",
            Fault::CommitDelayed {
                ms: very_late,
                hold_ms: 0,
            },
            1,
        ),
        (
            "server error after commit",
            Fault::ServerErrorAfterCommit { status: 500 },
            1,
        ),
        (
            "gateway gave up after commit",
            Fault::ServerErrorAfterCommit { status: 504 },
            1,
        ),
        (
            "server error before",
            Fault::ServerErrorBefore { status: 503 },
            1,
        ),
        (
            "server error mid-batch",
            Fault::ServerErrorMidBatch { after: 3 },
            1,
        ),
        ("time-out before", Fault::TimeOutBefore { ms: late }, 1),
        ("too many requests", too_many, 2),
        ("cut body", Fault::CutBody { after_bytes: 200 }, 1),
        ("slow body", Fault::SlowBody { ms: late }, 1),
        ("truncated JSON", Fault::TruncatedJson, 1),
        ("HTML answer", Fault::HtmlAnswer { status: 200 }, 1),
        ("expired token", Fault::ExpiredToken, 1),
    ];
    match target {
        Target::WriteBacks => faults.push(("locked row", Fault::LockedRow { rows: 2 }, 1)),
        Target::Contacts | Target::Invoices => faults.push((
            "error cached under the key",
            Fault::ErrorCachedUnderKey { status: 500 },
            1,
        )),
    }
    let mut strikes: Vec<Strike> = faults
        .into_iter()
        .map(|(name, fault, times)| Strike {
            name,
            target,
            fault,
            times,
            heals_after: None,
        })
        .collect();
    strikes.push(Strike {
        name: "swallowed for longer than the window",
        target,
        fault: Fault::TimeOutBefore { ms: late },
        times: u32::MAX,
        heals_after: Some(RESEND_WINDOW + Duration::from_secs(2)),
    });
    strikes
}
