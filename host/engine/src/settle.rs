//! Settle: outcomes become links, mirror rows and decisions, and the claims on their targets end. One commit.
//!
//! It never sends or reads anything. Operations that are still in doubt stay open, with their claims.

use crate::anew::Next;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::gather::record_key;
use crate::intent::{short, titled};
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Decision, Doubt, Happened, Request, Standing};
use crate::totals;
use crate::watch::Point;
use footbridge_model::doubt::Sent;
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::RequestId;
use footbridge_model::link::{Link, Member};
use footbridge_model::plan::{LinkIntent, Op, Subject, reason};
use footbridge_model::plugin::{Applied, Item, Outcome, Presence, Verdict};
use footbridge_model::receivable::is_receivable;
use footbridge_model::request::{RequestEvent, RequestState};
use footbridge_model::shown::Shown;

impl Engine {
    /// Makes final outcomes durable. With a doubt the remaining operations stay open.
    pub(crate) async fn settle(
        &self,
        request: &mut Request,
        ops: &[Op],
        outcomes: &[Outcome],
        how: Happened,
        doubt: Option<Doubt>,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        let side = (request.connection.clone(), request.organisation.clone());
        for outcome in outcomes {
            let Some(op) = ops.iter().find(|op| op.id.as_str() == outcome.operation) else {
                continue;
            };
            match &outcome.verdict {
                Verdict::Applied(applied) => {
                    self.applied(&mut changes, request, op, applied, how)
                        .await?;
                }
                Verdict::Failed(failure) => {
                    self.failed(&mut changes, request, op, failure).await?;
                    if is_receivable(op.object.as_str()) {
                        self.is_refused(&mut changes, &side, op, failure).await?;
                    }
                }
            }
            changes.delete(&keys::target(&side, op.object.as_str(), &op.natural_key));
            request.open.retain(|id| *id != op.id);
        }
        if request.open.is_empty() {
            if request.state != RequestState::Settled {
                request.state = request.state.next(RequestEvent::Settled)?;
            }
            request.doubt = None;
            changes.delete(&keys::open(request.id.as_str()));
        } else if let Some(doubt) = doubt {
            request.state = request.state.next(RequestEvent::Lost)?;
            let text = format!("{}: {}", request.connection, doubt.why);
            request.doubt = Some(doubt.after(request.doubt.as_ref()));
            request.seen_at = request.seen_at.max(self.clock.now());
            self.note_doubts(&mut changes, request, ops).await?;
            self.journal(&mut changes, Happened::Doubt, text, Some(&request.id), None)?;
        }
        changes.put(&keys::request(request.id.as_str()), request)?;
        self.watch.at(&Point::BeforeSettle(request.id.clone()));
        self.state.commit(changes.into_set()).await?;
        self.watch.at(&Point::Settled {
            request: request.id.clone(),
            ops: outcomes.len(),
        });
        Ok(())
    }

    async fn applied(
        &self,
        changes: &mut Changes,
        request: &Request,
        op: &Op,
        applied: &Applied,
        how: Happened,
    ) -> Result<(), EngineError> {
        let side = (request.connection.clone(), request.organisation.clone());
        let far = record_key(&side, op.object.as_str(), &applied.id);
        if request.connection == self.flow.ledger {
            // The answer is the first report of the record; the next feed brings the rest of it.
            let item = Item {
                object: op.object.to_string(),
                id: applied.id.clone(),
                version: applied.version.clone().unwrap_or_default(),
                presence: Presence::Present,
                doc: applied.doc.clone(),
            };
            self.learn(&side, &item, changes).await?;
            let shadow = applied.version.is_some().then(|| applied.doc.clone());
            let member = Member {
                record: far.clone(),
                shadow,
                version: applied.version.clone(),
            };
            if !Self::is_merge(op) {
                self.join(changes, op, member).await?;
            }
        }
        if Self::is_merge(op) {
            self.is_merged(changes, op, far.clone(), applied).await?;
        }
        if is_receivable(op.object.as_str()) {
            self.is_shown(changes, &side, op, applied).await?;
        }
        if request.connection == self.flow.source
            && op.object.as_str() == self.flow.policy.deal.object
        {
            self.note_sent_to_deal(changes, &side, op).await?;
        }
        if request.connection == self.flow.source
            && op.link.source_shadow.is_some()
            && !Self::is_merge(op)
            && let Some(mut link) = self.state.link(&op.link.id).await?
        {
            join_source(&mut link, &op.link);
            self.state.put_link(changes, &link).await?;
        }
        self.remember(changes, request, op, &far).await?;
        let text = format!(
            "{} {} {}: {}",
            request.connection, op.object, applied.id, op.why
        );
        self.journal(
            changes,
            how,
            text,
            Some(&request.id),
            Some(&op.subject.record),
        )?;
        let object = op.object.as_str();
        let differs = match object {
            "invoice" => totals::differ(op, applied),
            _ => None,
        };
        if let Some(message) = differs {
            self.decide_after(
                changes,
                Some(&request.id),
                &op.subject,
                Standing::Refused,
                (reason::TOTAL_DIFFERS, &message),
            )?;
        } else if object == "invoice" && op.doc.text("status") == Some("deleted") {
            let skipped = Standing::Skipped;
            self.decide(changes, &op.subject, skipped, reason::NOT_WON, &op.why)?;
        } else if object == "invoice"
            || (object == self.flow.policy.deal.object
                && !self.goes_on_beside(changes, op).await?
                && !self.is_flagged(&op.subject).await?)
        {
            self.decide(changes, &op.subject, Standing::Applied, "invoiced", &op.why)?;
        }
        if object == "invoice" {
            changes.delete(&self.anew_key(&op.subject));
        }
        if object == "invoice" && self.flow.policy.write_back.is_some() {
            // Due until the run that wrote it has seen the deal through: found again after a crash or a doubt, the deal still
            // has to show its invoice.
            self.put_due(op.subject.record.id.as_str(), "invoiced", changes)?;
        }
        for warning in &applied.warnings {
            let text = format!("{} warned about {}: {warning}", request.connection, far);
            self.journal(
                changes,
                how,
                text,
                Some(&request.id),
                Some(&op.subject.record),
            )?;
        }
        Ok(())
    }

    /// Whether a person has yet to look at an invoice with other totals than planned.
    pub(crate) async fn is_flagged(&self, subject: &Subject) -> Result<bool, EngineError> {
        let key = keys::decision(self.flow.name.as_str(), &subject.record, subject.part);
        let known = self.state.get::<Decision>(&key).await?;
        Ok(known.is_some_and(|(known, _)| known.reason == reason::TOTAL_DIFFERS))
    }

    /// The outcome's record and its source become members of the operation's link.
    async fn join(
        &self,
        changes: &mut Changes,
        op: &Op,
        member: Member,
    ) -> Result<(), EngineError> {
        let mut link = match self.state.link(&op.link.id).await? {
            Some(link) => link,
            None => Link {
                id: op.link.id.clone(),
                role: op.link.role,
                members: Vec::new(),
                made_by: Some(op.id.clone()),
            },
        };
        join_source(&mut link, &op.link);
        link.set(member);
        self.note_linked(changes, &link)?;
        self.note_customer_linked(changes, &link).await?;
        self.state.put_link(changes, &link).await
    }

    async fn failed(
        &self,
        changes: &mut Changes,
        request: &Request,
        op: &Op,
        failure: &Failure,
    ) -> Result<(), EngineError> {
        let next = self.after_refusal(changes, op, failure).await?;
        let (standing, code) = match failure.kind {
            FailureKind::Rejected if next == Next::Planner => (Standing::Waiting, reason::REJECTED),
            FailureKind::Rejected | FailureKind::NeedsPerson => {
                (Standing::Refused, reason::REJECTED)
            }
            _ => (Standing::Waiting, reason::TRY_AGAIN),
        };
        let message = format!(
            "{} did not take it: {} ({}). {}{}",
            request.connection,
            failure.problem.message.trim_end().trim_end_matches('.'),
            failure.problem.code,
            self.left_undone(op),
            next.told()
        );
        self.journal(
            changes,
            Happened::Failed(failure.kind),
            message.clone(),
            Some(&request.id),
            Some(&op.subject.record),
        )?;
        if standing == Standing::Refused {
            self.note_refusal(changes, op, &request.id, failure.problem.told())
                .await?;
        }
        let said = (code, message.as_str());
        self.decide_of(changes, Some(&request.id), op, standing, said)
            .await
    }

    /// Every open operation's deal waits under the name of its problem.
    pub(crate) async fn note_doubts(
        &self,
        changes: &mut Changes,
        request: &Request,
        ops: &[Op],
    ) -> Result<(), EngineError> {
        let why = request
            .doubt
            .as_ref()
            .map_or("", |doubt| doubt.why.as_str());
        let again = self.may_leave_again(request, ops);
        for op in ops.iter().filter(|op| request.open.contains(&op.id)) {
            let sent = Sent {
                what: &op.why,
                connection: request.connection.as_str(),
                at: request.started_at,
                seen: why,
                request: request.id.as_str(),
                again,
            };
            let message = sent.told(request.state);
            let said = (reason::IN_DOUBT, message.as_str());
            self.decide_of(changes, Some(&request.id), op, Standing::Waiting, said)
                .await?;
        }
        Ok(())
    }

    /// Notes what was decided about a deal, a record of the way back, or a customer whose changes are followed; about other records
    /// nothing is noted, their deals say it.
    pub(crate) fn decide(
        &self,
        changes: &mut Changes,
        subject: &Subject,
        standing: Standing,
        reason: &str,
        message: &str,
    ) -> Result<(), EngineError> {
        let said = (reason, message, Shown::default());
        self.decide_showing(changes, None, subject, standing, said)
    }

    /// The same, with the request that it comes from; `said`: reason and message.
    pub(crate) fn decide_after(
        &self,
        changes: &mut Changes,
        request: Option<&RequestId>,
        subject: &Subject,
        standing: Standing,
        (reason, message): (&str, &str),
    ) -> Result<(), EngineError> {
        let said = (reason, message, Shown::default());
        self.decide_showing(changes, request, subject, standing, said)
    }

    /// The same, with what a person's answer is held against.
    pub(crate) fn decide_showing(
        &self,
        changes: &mut Changes,
        request: Option<&RequestId>,
        subject: &Subject,
        standing: Standing,
        (reason, message, shown): (&str, &str, Shown),
    ) -> Result<(), EngineError> {
        let decision = Decision {
            standing,
            subject: titled(subject),
            reason: reason.to_owned(),
            message: short(message.to_owned()),
            at: self.clock.now(),
            request: request.cloned(),
            shown,
            beside: None,
        };
        self.keep_decision(changes, &decision)
    }

    /// Keeps a decision, and whether its deal is to be looked at in every run. What nobody follows has none.
    pub(crate) fn keep_decision(
        &self,
        changes: &mut Changes,
        decision: &Decision,
    ) -> Result<(), EngineError> {
        let subject = &decision.subject;
        let object = subject.record.object.as_str();
        let is_deal = object == self.flow.policy.deal.object;
        if !is_deal && !is_receivable(object) && !self.merges(object) {
            return Ok(());
        }
        let flow = self.flow.name.as_str();
        let waiting = keys::waiting(flow, subject.record.id.as_str(), subject.part);
        match decision.standing {
            // Records of the way back and customers stay due instead.
            _ if !is_deal => {}
            Standing::Waiting => changes.put(&waiting, &())?,
            _ => changes.delete(&waiting),
        }
        let key = keys::decision(flow, &subject.record, subject.part);
        changes.put(&key, decision)
    }
}

/// The source record becomes a member, with what was billed of it as its shadow; without that the shadow stays as it is.
pub(crate) fn join_source(link: &mut Link, intent: &LinkIntent) {
    let known = link
        .members
        .iter()
        .find(|known| known.record == intent.source);
    let kept = known.and_then(|known| known.shadow.clone());
    link.set(Member {
        record: intent.source.clone(),
        shadow: intent.source_shadow.clone().or(kept),
        version: None,
    });
}
