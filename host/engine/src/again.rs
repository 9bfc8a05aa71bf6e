//! Again: between which instants a request in doubt may leave a second time, as the same bytes under the same key.
//!
//! One reckoning for what is done (`recover`) and for what people are told (`settle`, the report of a run).

use crate::config::Unproven;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::state::rows::{Ended, Request};
use crate::sync::RunReport;
use chrono::{DateTime, Utc};
use footbridge_model::doubt::{Again, Later};
use footbridge_model::plan::Op;
use footbridge_model::plugin::Action;
use footbridge_model::request::RequestState;
use std::time::Duration;

impl Engine {
    /// When the same bytes may leave again, after a look that finds nothing; `None` if never. `ops`: all that it carries.
    pub(crate) fn may_leave_again(&self, request: &Request, ops: &[Op]) -> Option<Again> {
        let timing = &self.flow.timing;
        let ended = (request.doubt.as_ref()).map_or(Ended::Unknown, |doubt| doubt.ended);
        // Where some operations are settled its bytes would do those again.
        let whole = request.open.len() == ops.len();
        let may = whole
            && !self.is_of_another_epoch(request)
            && !request.clock_went_back
            && request.state != RequestState::NeedsPerson
            && (ended == Ended::Unknown || request.sends < 2);
        let updates = ops.iter().all(|op| op.action == Action::Update);
        let from = if !may {
            return None;
        } else if updates || ops.iter().all(|op| self.enforced(op)) {
            request.started_at
        } else if self.flow.keyed.contains(&request.connection) {
            // After an error too: it may have been done all the same, without its key being remembered and before lists show it.
            after(request.last_sent_at, timing.in_flight)?
        } else {
            return None;
        };
        let until = after(request.started_at, timing.resend_window)?;
        let proven = ops.iter().all(|op| self.absence_proves(op, ended));
        let later = match proven {
            true => Later::PlannedAgain,
            false => Later::Asks,
        };
        (from < until).then_some(Again { from, until, later })
    }

    /// Whether an operation that left no trace after the settle time surely had no effect, or can't have a second one.
    pub(crate) fn absence_proves(&self, op: &Op, ended: Ended) -> bool {
        op.action == Action::Update
            || ended == Ended::Answered
            || self.flow.timing.unproven == Unproven::Resend
            || (self.enforced(op) && self.repeats(op))
    }

    /// Counts what is in doubt at the end of a run, and notes when the next one can settle it by sending it again.
    pub(crate) async fn report_doubts(&self, report: &mut RunReport) -> Result<(), EngineError> {
        let now = self.clock.now();
        report.in_doubt = 0;
        report.again = None;
        for request in self.open_requests().await? {
            report.in_doubt += request.open.len();
            let ops = self.ops(&request).await?;
            let again = self.may_leave_again(&request, &ops);
            let Some(again) = again.filter(|again| now < again.until) else {
                continue;
            };
            report.again = Some(report.again.map_or(again, |known| known.and(again)));
        }
        Ok(())
    }
}

fn after(then: DateTime<Utc>, time: Duration) -> Option<DateTime<Utc>> {
    then.checked_add_signed(chrono::Duration::from_std(time).ok()?)
}
