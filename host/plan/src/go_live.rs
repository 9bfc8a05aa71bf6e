//! Whether a deal is won, when it first was, and whether that was after the flow went live (domain rule 1).
//!
//! Only the stage history counts, never a close date: a deal that was won before go-live stays history however often it is
//! reopened and won again.

use crate::dates;
use crate::explain::{Stop, deal as say};
use crate::policy::FlowPolicy;
use chrono::{DateTime, Utc};
use footbridge_model::document::Document;

/// Whether the deal is won now. A field that wasn't read is not a "no".
pub(crate) fn won_now(policy: &FlowPolicy, deal: &Document) -> Result<bool, Stop> {
    deal.boolean(&policy.deal.won)
        .ok_or_else(|| say::won_unread(&policy.deal.won))
}

/// When the deal first entered a stage that counts as won. The instant of its last stage change is used only where the
/// deal has no history at all.
pub(crate) fn first_won(policy: &FlowPolicy, deal: &Document) -> Result<DateTime<Utc>, Stop> {
    let paths = &policy.deal;
    let history = deal.list(&paths.history);
    if history.is_empty() {
        return deal
            .text(&paths.stage_changed_at)
            .and_then(dates::instant)
            .ok_or_else(|| {
                say::won_when("it has no stage history and no instant of its last stage change")
            });
    }
    let mut first = None;
    for change in history {
        let stage = change
            .text(&paths.history_stage)
            .ok_or_else(|| say::won_when("a stage change in its history has no stage"))?;
        if !paths.won_stages.iter().any(|won| won == stage) {
            continue;
        }
        let at = change
            .text(&paths.history_at)
            .and_then(dates::instant)
            .ok_or_else(|| say::won_when("a stage change in its history has no instant"))?;
        first = Some(first.map_or(at, |earlier: DateTime<Utc>| earlier.min(at)));
    }
    first.ok_or_else(|| say::won_when("no stage in its history counts as won"))
}

/// Only deals that became won at or after go-live are billed.
pub(crate) fn after_go_live(policy: &FlowPolicy, first_won: DateTime<Utc>) -> Result<(), Stop> {
    if first_won < policy.go_live {
        Err(say::before_go_live(first_won, policy.go_live))
    } else {
        Ok(())
    }
}
