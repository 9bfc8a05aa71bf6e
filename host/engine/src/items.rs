//! Items: what waits for a person, with the far side's answer, and what the person decides about it.
//!
//! A decision is checked before it is kept: the item must take it, the person must have seen the record as it is, a record of the
//! ledger that it names must exist, and the planner, asked as if it stood, must obey it. It is about what the item showed. Nothing is
//! sent. Next: `ruling`, `gather`.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::record_key;
use crate::ports::CallError;
use crate::rails::Asking;
use crate::state::keys::{self, Side};
use crate::state::rows::{Decision, Due, Pin, Request, Standing};
use footbridge_model::document::Document;
use footbridge_model::failure::FailureKind;
use footbridge_model::id::{ConnectionId, OpId, OrganisationId, RecordId, RecordKey, RequestId};
use footbridge_model::ledger::Organisation;
use footbridge_model::plan::{Plan, Subject};
use footbridge_model::plugin::{Answer, Method};
use footbridge_model::receivable::is_receivable;
use footbridge_model::remedy::{Of, Remedy, among, of_item, takes_fields_only};
use footbridge_model::request::RequestState;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::{May, ShownRecord};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Fewer characters than this are no beginning of an id.
const SHORTEST_START: usize = 6;
/// So many records are named where a beginning fits several.
const MOST_NAMED: usize = 5;

/// What is known under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// What was decided last about each part of the record.
    Of(Vec<Decision>),
    /// Nothing.
    Nothing,
    /// The beginning of several ids; some of them.
    Several(Vec<String>),
}

/// The request that an item comes from, with what the far side answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Which one.
    pub request: RequestId,
    /// To whom.
    pub connection: ConnectionId,
    /// How it was asked.
    pub method: Method,
    /// Where.
    pub path: String,
    /// How it stands.
    pub state: RequestState,
    /// When its first byte left.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// When it was sent last.
    pub last_sent_at: chrono::DateTime<chrono::Utc>,
    /// How often.
    pub sends: u32,
    /// Operations in it.
    pub operations: usize,
    /// Which of them is the item's, from 0.
    pub position: Option<usize>,
    /// What was answered, where there is an answer and it is still kept.
    pub answer: Option<Answer>,
    /// The digest of an answer that is no longer kept.
    pub erased: Option<String>,
}

/// A person's decision, and whether it still counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The decision.
    #[serde(flatten)]
    pub ruling: Ruling,
    /// Whether the next run obeys it.
    pub counts: Counts,
}

/// Whether a decision still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// It does.
    Still,
    /// The record is another than the one that the person saw.
    RecordChanged,
    /// The item shows something else than it did then.
    ItemChanged,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It stands. In words, what the next run does with it, as far as that can be told.
    Kept(Vec<String>),
    /// It does not.
    Refused(Refusal),
}

/// Why a decision is not kept, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Items of this reason don't take it.
    #[error("that can't be done about an item that waits for {reason}")]
    NotTaken {
        /// The reason.
        reason: String,
    },
    /// Nothing waits.
    #[error("{id} is dealt with and waits for nothing, so there is nothing to decide")]
    NothingWaits {
        /// The record.
        id: String,
    },
    /// The item tells of what was noted once, or what would be emptied has to be meant.
    #[error(
        "whose value counts has to be said field by field for an item of {reason}: add `--field FIELD`, with a field that the item names"
    )]
    NameTheField {
        /// The reason.
        reason: String,
    },
    /// Records of the way back follow from the ledger.
    #[error(
        "{id} is a record of the way back: it follows from the ledger. Correct it there, or look again with `footbridge items retry`"
    )]
    WayBack {
        /// Its key.
        id: String,
    },
    /// The record changed after the item was noted.
    #[error(
        "{id} has changed since its item was noted, so you may not have seen it as it is. Run `footbridge sync`, look at the item again, then decide"
    )]
    Stale {
        /// The record.
        id: String,
    },
    /// The ledger has no such record.
    #[error("the ledger, {connection}, has no {objects} with id or number {id:?}")]
    NoSuchRecord {
        /// The connection.
        connection: String,
        /// What was looked for.
        objects: String,
        /// What was given.
        id: String,
    },
    /// The item shows something else by now.
    #[error(
        "what the item of {id} was about has changed since it was noted: {message} Run `footbridge sync`, look at the item again, then decide"
    )]
    ShowsOtherwise {
        /// The record.
        id: String,
        /// What the item would say.
        message: String,
    },
    /// An invoice is taken or left as a whole.
    #[error(
        "an invoice is taken or left as a whole: say so without --field, or correct the field at one of the two sides"
    )]
    AsAWhole,
    /// It belongs to something else.
    #[error("{record} is linked with {other} already. Name another one")]
    LinkedElsewhere {
        /// The ledger's record.
        record: String,
        /// Of what it is.
        other: String,
    },
    /// A person said the same of another deal, and no sync has carried that out yet.
    #[error(
        "{record} is to be linked with {other}, as {by} decided on {on}. Name another one, or take that back with `footbridge items retry {id}`"
    )]
    Promised {
        /// The ledger's record.
        record: String,
        /// Of what it is to be.
        other: String,
        /// That one's id.
        id: String,
        /// Who said so.
        by: String,
        /// When.
        on: String,
    },
    /// It has its invoice, so that another one would mean nothing.
    #[error(
        "nothing was linked: {id} has its invoice already, and this isn't about which one it is. What the next sync does: {follows}"
    )]
    BilledAlready {
        /// The deal.
        id: String,
        /// What happens anyway, in words.
        follows: String,
    },
    /// The planner would come to the same.
    #[error("nothing was noted, since that changes nothing: {message}")]
    ChangesNothing {
        /// What the item says.
        message: String,
    },
    /// The planner would hold it all the same.
    #[error("with that it would still wait: {message}")]
    StillWaits {
        /// What the item would say.
        message: String,
    },
}

impl Engine {
    /// Every decision, in the order of its keys; ends early where `each` says so.
    pub(crate) async fn each_decision(
        &self,
        mut each: impl FnMut(Decision) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let range = keys::decisions(self.flow.name.as_str()).range();
        self.state.each(&range, |_, decision| each(decision)).await
    }

    /// What was decided about the record with this id, or with the one id that begins so.
    pub async fn known(&self, id: &str) -> Result<Known, EngineError> {
        let flow = self.flow.name.as_str();
        let range = keys::decisions_of(flow, &self.flow.policy.deal.object, id).range();
        let exact = self.state.all::<Decision>(&range).await?;
        if !exact.is_empty() {
            return Ok(Known::Of(exact.into_iter().map(|(_, d)| d).collect()));
        }
        let mut found: Vec<Decision> = Vec::new();
        let mut ids = BTreeSet::new();
        self.each_decision(|decision| {
            let own = decision.subject.record.id.as_str();
            let begins = id.len() >= SHORTEST_START && own.starts_with(id);
            if own == id || (begins && ids.len() <= MOST_NAMED) {
                ids.insert(own.to_owned());
                found.push(decision);
            }
            ControlFlow::Continue(())
        })
        .await?;
        if ids.contains(id) {
            found.retain(|decision| decision.subject.record.id.as_str() == id);
            return Ok(Known::Of(found));
        }
        Ok(match ids.len() {
            0 => Known::Nothing,
            1 => Known::Of(found),
            _ => Known::Several(ids.into_iter().collect()),
        })
    }

    /// What people decided about an item's part of its record, newest last, and whether it still counts.
    pub async fn decided_about(&self, item: &Decision) -> Result<Vec<Decided>, EngineError> {
        let mut rulings = self.rulings(&item.subject).await?;
        rulings.retain(|ruling| ruling.part == item.subject.part);
        if rulings.is_empty() {
            return Ok(Vec::new());
        }
        let record = &item.subject.record;
        let now = match self.known_sides().await? {
            Some(sides) => {
                let side = self.side_of(&sides, &record.connection);
                let (object, id) = (record.object.as_str(), record.id.as_str());
                let known = self.state.mirrored(side, object, id).await?;
                known.map(|known| known.version)
            }
            None => None,
        };
        let decided = rulings.into_iter().map(|ruling| {
            let counts = if now.as_ref().is_some_and(|now| !ruling.counts_at(now)) {
                Counts::RecordChanged
            } else if ruling.reason == item.reason
                && matches!(ruling.choice, Choice::GoAhead | Choice::CreateAs { .. })
                && !ruling.shown.covers(&item.shown)
            {
                Counts::ItemChanged
            } else {
                Counts::Still
            };
            Decided { ruling, counts }
        });
        Ok(decided.collect())
    }

    /// What people decided about a record, newest last.
    pub async fn rulings(&self, subject: &Subject) -> Result<Vec<Ruling>, EngineError> {
        let all = self.rulings_about(&subject.record).await?;
        let mut all: Vec<Ruling> = all.into_values().flatten().collect();
        all.sort_by_key(|ruling| ruling.at);
        Ok(all)
    }

    /// The request behind an item, with what was answered.
    pub async fn evidence(&self, decision: &Decision) -> Result<Option<Evidence>, EngineError> {
        let Some(id) = &decision.request else {
            return Ok(None);
        };
        let row = self
            .state
            .get::<Request>(&keys::request(id.as_str()))
            .await?;
        let Some((request, _)) = row else {
            return Ok(None);
        };
        let mut erased = None;
        let answer = match &request.answer {
            None => None,
            Some(digest) => match self.state.kept_body(digest).await? {
                Some(bytes) => serde_json::from_slice(&bytes).ok(),
                None => {
                    erased = Some(digest.clone());
                    None
                }
            },
        };
        let ops = match self.state.kept_body(&request.ops).await? {
            Some(_) => self.ops(&request).await?,
            None => Vec::new(),
        };
        let about = decision.shown.waits_for.as_ref();
        let about = about.unwrap_or(&decision.subject);
        let same = |subject: &Subject| subject.record == about.record && subject.part == about.part;
        Ok(Some(Evidence {
            position: ops.iter().position(|op| same(&op.subject)),
            operations: request.head.operations.len(),
            request: request.id,
            connection: request.connection,
            method: request.head.method,
            path: request.head.path,
            state: request.state,
            started_at: request.started_at,
            last_sent_at: request.last_sent_at,
            sends: request.sends,
            answer,
            erased,
        }))
    }

    /// What can be done about an item, the likeliest first. About what is done there is nothing to do.
    pub fn remedies(&self, item: &Decision) -> Vec<Remedy> {
        if item.standing == Standing::Applied {
            return Vec::new();
        }
        let object = item.subject.record.object.as_str();
        let of = if is_receivable(object) {
            Of::WayBack
        } else if object == self.flow.policy.deal.object {
            Of::Deal
        } else {
            Of::Customer
        };
        of_item(&item.reason, of, &item.shown)
    }

    /// A person decides about an item. It is kept, and the next run obeys it; or it says why not.
    pub async fn answer(
        &self,
        item: &Decision,
        choice: Choice,
        by: &str,
    ) -> Result<Answered, EngineError> {
        let refused = |refusal| Ok(Answered::Refused(refusal));
        let subject = &item.subject;
        let (object, id) = (subject.record.object.as_str(), subject.record.id.as_str());
        if is_receivable(object) {
            return refused(Refusal::WayBack { id: id.to_owned() });
        }
        let Some(remedy) = among(&self.remedies(item), &choice) else {
            if item.standing == Standing::Applied {
                return refused(Refusal::NothingWaits { id: id.to_owned() });
            }
            let reason = item.reason.clone();
            return refused(Refusal::NotTaken { reason });
        };
        if takes_fields_only(&item.reason) && remedy == Remedy::Choose && choice.field().is_none() {
            let reason = item.reason.clone();
            return refused(Refusal::NameTheField { reason });
        }
        let is_deal = object == self.flow.policy.deal.object;
        if is_deal && choice.field().is_some() {
            return refused(Refusal::AsAWhole);
        }
        let Some(sides) = self.known_sides().await? else {
            let reason = item.reason.clone();
            return refused(Refusal::NotTaken { reason });
        };
        let side = self.side_of(&sides, &subject.record.connection);
        let record = self.state.mirrored(side, object, id).await?;
        let seen = record.map(|record| record.version).unwrap_or_default();
        let due = keys::due(self.flow.name.as_str(), object, id);
        let due = self.state.get::<Due>(&due).await?;
        if due.is_some_and(|(due, _)| due.version == seen) {
            return refused(Refusal::Stale { id: id.to_owned() });
        }
        let choice = match (remedy, choice) {
            (Remedy::Link(objects), Choice::LinkTo { id }) => {
                match self.in_ledger(&sides.ledger, objects, id.as_str()).await? {
                    Some(id) => Choice::LinkTo { id },
                    None => {
                        return refused(Refusal::NoSuchRecord {
                            connection: sides.ledger.0.to_string(),
                            objects: objects.join(" or "),
                            id: id.to_string(),
                        });
                    }
                }
            }
            (_, choice) => choice,
        };
        let mut shown = item.shown.clone();
        if !is_deal && shown.standing.is_none() {
            shown.standing = self.linked_customer(&sides, &subject.record).await?;
        }
        let ruling = Ruling {
            record: subject.record.clone(),
            part: subject.part,
            reason: item.reason.clone(),
            choice,
            seen,
            shown,
            by: by.to_owned(),
            at: self.clock.now(),
        };
        let tried = if is_deal {
            self.tried(&sides, &ruling, remedy).await?
        } else {
            self.tried_of_customer(&sides, &ruling, remedy).await?
        };
        let follows = match tried {
            Ok(follows) => follows,
            Err(refusal) => return refused(refusal),
        };
        let message = &item.message;
        if !is_deal && remedy == Remedy::Choose && follows.iter().eq([message]) {
            let message = message.clone();
            return refused(Refusal::ChangesNothing { message });
        }
        self.rule(ruling).await?;
        Ok(Answered::Kept(follows))
    }

    /// What the planner would do with a ruling, in words, or why it would not obey it. From the data directory alone, unless a record
    /// that the deal refers to was never read.
    async fn tried(
        &self,
        sides: &Sides,
        ruling: &Ruling,
        remedy: Remedy,
    ) -> Result<Result<Vec<String>, Refusal>, EngineError> {
        let as_of = self.as_of(&sides.organisation)?;
        let ids = [ruling.record.id.to_string()];
        let gathered = self
            .gather_with(as_of, sides, &ids, std::slice::from_ref(ruling))
            .await?;
        if let (Remedy::Link(objects), Choice::LinkTo { id }) = (remedy, &ruling.choice) {
            let mut own = BTreeSet::from([ruling.record.id.to_string()]);
            own.extend(gathered.customers.keys().map(|(_, id)| id.clone()));
            let taken = self.taken(sides, objects, id.as_str(), &own).await?;
            let taken = match taken {
                None => self.promised(sides, ruling, id).await?,
                taken => taken,
            };
            if let Some(refusal) = taken {
                return Ok(Err(refusal));
            }
        }
        let plan = footbridge_plan::plan(&gathered.input(self, sides, as_of));
        let mut passage = self.passage(Asking::Run);
        let plan = self.railed(plan, &gathered, &mut passage).await?.plan;
        let mine =
            |subject: &Subject| subject.record == ruling.record && subject.part == ruling.part;
        if let Some(refusal) = still_waits(&plan, &mine, ruling) {
            return Ok(Err(refusal));
        }
        let follows = follows(&plan, &mine);
        if !self.is_linked_by(sides, ruling, &plan).await? {
            return Ok(Err(Refusal::BilledAlready {
                id: ruling.record.id.to_string(),
                follows: follows.join(" "),
            }));
        }
        Ok(Ok(follows))
    }

    /// Whether a word that names an invoice leads to its link: with this plan, made before, or once what else is in the way is answered.
    async fn is_linked_by(
        &self,
        sides: &Sides,
        ruling: &Ruling,
        plan: &Plan,
    ) -> Result<bool, EngineError> {
        let Choice::LinkTo { id } = &ruling.choice else {
            return Ok(true);
        };
        let invoice = self.state.mirrored(&sides.ledger, "invoice", id.as_str());
        if invoice.await?.is_none() {
            return Ok(true);
        }
        let mine =
            |subject: &Subject| subject.record == ruling.record && subject.part == ruling.part;
        let waits = plan.holds.iter().any(|note| mine(&note.subject));
        let mut adoptions = plan.adoptions.iter();
        if waits || adoptions.any(|it| mine(&it.subject) && it.ledger_record.id == *id) {
            return Ok(true);
        }
        let record = record_key(&sides.ledger, "invoice", id.as_str());
        for link in self.link_ids(&record).await? {
            let link = self.state.link(&link).await?;
            let mut members = link.iter().flat_map(|link| &link.members);
            if members.any(|member| member.record == ruling.record) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same of a customer that is linked. A word about one field may leave others that wait.
    async fn tried_of_customer(
        &self,
        sides: &Sides,
        ruling: &Ruling,
        remedy: Remedy,
    ) -> Result<Result<Vec<String>, Refusal>, EngineError> {
        if !self.merges(ruling.record.object.as_str()) {
            let reason = ruling.reason.clone();
            return Ok(Err(Refusal::NotTaken { reason }));
        }
        let as_of = self.as_of(&sides.organisation)?;
        let (plan, again) = self.tried_customer(as_of, sides, ruling).await?;
        let mine = |subject: &Subject| subject.record == ruling.record;
        let whole = matches!(remedy, Remedy::Link(_) | Remedy::Ignore);
        if let Some(refusal) = still_waits(&plan, &mine, ruling).filter(|_| whole) {
            return Ok(Err(refusal));
        }
        let mut said = follows(&plan, &mine);
        if let (Remedy::Link(objects), Choice::LinkTo { id }) = (remedy, &ruling.choice) {
            let own = BTreeSet::from([ruling.record.id.to_string()]);
            let taken = self.taken(sides, objects, id.as_str(), &own).await?;
            if let Some(refusal) = taken {
                return Ok(Err(refusal));
            }
            if again {
                let called = self.named(&sides.ledger, "customer", id.as_str()).await?;
                said.push(format!(
                    "{} {} is linked with {called} from then on. Nothing is written to it for that",
                    ruling.record.object, ruling.record.id
                ));
            }
        }
        Ok(Ok(said))
    }

    /// Whether a ledger record is linked with a source record other than these.
    async fn taken(
        &self,
        sides: &Sides,
        objects: &[&str],
        id: &str,
        own: &BTreeSet<String>,
    ) -> Result<Option<Refusal>, EngineError> {
        for object in objects {
            let record = record_key(&sides.ledger, object, id);
            for link in self.link_ids(&record).await? {
                let members = self.state.link(&link).await?.into_iter();
                let members = members.flat_map(|link| link.members).map(|m| m.record);
                let mut others = members.filter(|member| {
                    member.connection == sides.source.0 && !own.contains(member.id.as_str())
                });
                if let Some(other) = others.next() {
                    let name = self.named(&sides.source, other.object.as_str(), other.id.as_str());
                    let called = self.named(&sides.ledger, object, id);
                    return Ok(Some(Refusal::LinkedElsewhere {
                        record: called.await?,
                        other: name.await?,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The one customer of the ledger that a record is linked with, as it is.
    async fn linked_customer(
        &self,
        sides: &Sides,
        record: &RecordKey,
    ) -> Result<Option<ShownRecord>, EngineError> {
        let mut ids = BTreeSet::new();
        for link in self.link_ids(record).await? {
            let members = self.state.link(&link).await?.into_iter();
            let members = members.flat_map(|link| link.members).map(|m| m.record);
            ids.extend(members.filter(|member| {
                member.connection == sides.ledger.0 && member.object.as_str() == "customer"
            }));
        }
        let (Some(one), None) = (ids.pop_first(), ids.first()) else {
            return Ok(None);
        };
        let id = one.id.as_str();
        let known = self.state.mirrored(&sides.ledger, "customer", id).await?;
        Ok(known.map(|known| ShownRecord {
            id: one.id.clone(),
            version: known.version,
            may: May::Stay,
        }))
    }

    /// What people call a record: its object, its name or number where it has one, its id.
    pub(crate) async fn named(
        &self,
        side: &Side,
        object: &str,
        id: &str,
    ) -> Result<String, EngineError> {
        let record = self.state.mirrored(side, object, id).await?;
        let paths = [self.flow.policy.deal.name.as_str(), "name", "number"];
        let name = record.and_then(|record| {
            let texts = paths.iter().filter_map(|path| record.doc.text(path));
            texts.map(str::to_owned).find(|text| !text.is_empty())
        });
        Ok(match name {
            Some(name) => format!("{object} \"{name}\" ({id})"),
            None => format!("{object} {id}"),
        })
    }

    /// The id of a ledger record by its id or number: from the mirror, else asked for.
    async fn in_ledger(
        &self,
        side: &Side,
        objects: &[&str],
        text: &str,
    ) -> Result<Option<RecordId>, EngineError> {
        for object in objects {
            if self.state.mirrored(side, object, text).await?.is_some() {
                return Ok(Some(RecordId::new(text)));
            }
        }
        for object in objects {
            let numbered = self.state.by_index(side, object, "number", text).await?;
            if let [one] = numbered.as_slice() {
                return Ok(Some(RecordId::new(one.clone())));
            }
        }
        for object in objects {
            let ids = vec![text.to_owned()];
            let fetched = self
                .fetch_missing(side, self.ledger.as_ref(), object, ids, &[])
                .await;
            match fetched {
                Ok(_) if self.state.mirrored(side, object, text).await?.is_some() => {
                    return Ok(Some(RecordId::new(text)));
                }
                Ok(_) => {}
                Err(error) if is_a_no(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Both sides as the last run found them; none before the first.
    pub(crate) async fn known_sides(&self) -> Result<Option<Sides>, EngineError> {
        let (source, ledger) = (&self.flow.source, &self.flow.ledger);
        let at_source = self.state.get::<Pin>(&keys::pin(source)).await?;
        let at_ledger = self.state.get::<Pin>(&keys::pin(ledger)).await?;
        let (Some((at_source, _)), Some((at_ledger, _))) = (at_source, at_ledger) else {
            return Ok(None);
        };
        let doc = Document::from_plugin(&at_ledger.doc);
        let Ok(organisation) = doc.and_then(|doc| doc.to::<Organisation>()) else {
            return Ok(None);
        };
        let side = |connection: &ConnectionId, pin: Pin| {
            (connection.clone(), OrganisationId::new(pin.organisation))
        };
        Ok(Some(Sides {
            source: side(source, at_source),
            ledger: side(ledger, at_ledger),
            organisation,
            mixed: None,
        }))
    }
}

/// The far side answered that there is no such thing, rather than that it can't say.
fn is_a_no(error: &EngineError) -> bool {
    let EngineError::Call { source, .. } = error else {
        return false;
    };
    matches!(
        source.as_ref(),
        CallError::Failure(failure) if matches!(
            failure.kind,
            FailureKind::Rejected | FailureKind::Gone | FailureKind::NotVisible
        )
    )
}

/// Why a ruling would not be obeyed, if the item waits for the same with it. It may go on to a question that it wasn't about.
fn still_waits(plan: &Plan, mine: &dyn Fn(&Subject) -> bool, ruling: &Ruling) -> Option<Refusal> {
    let waits = plan.holds.iter().find(|note| mine(&note.subject))?;
    if waits.reason != ruling.reason {
        return None;
    }
    let message = waits.message.clone();
    let (then, now) = (&ruling.shown.alike, &waits.shown.alike);
    if !now.is_empty() && !then.is_empty() && now.is_disjoint(then) {
        return None;
    }
    Some(if ruling.shown.covers(&waits.shown) {
        Refusal::StillWaits { message }
    } else {
        Refusal::ShowsOtherwise {
            id: ruling.record.id.to_string(),
            message,
        }
    })
}

/// What a plan does about a record, in words, with what is made for that: a new customer.
fn follows(plan: &Plan, mine: &dyn Fn(&Subject) -> bool) -> Vec<String> {
    let own = || plan.ops.iter().filter(|op| mine(&op.subject));
    let needed: BTreeSet<&OpId> = own().flat_map(|op| &op.after).collect();
    let ops = (plan.ops.iter()).filter(|op| mine(&op.subject) || needed.contains(&op.id));
    let ops = ops.map(|op| op.why.clone());
    let adoptions = plan.adoptions.iter().map(|adoption| adoption.why.clone());
    let notes = plan.skips.iter().chain(&plan.holds);
    let notes = notes.filter(|note| mine(&note.subject));
    let all = adoptions
        .chain(ops)
        .chain(notes.map(|note| note.message.clone()));
    // What a link goes on from and what is noted of it may be said in the same words.
    let mut once = Vec::new();
    for line in all {
        if !once.contains(&line) {
            once.push(line);
        }
    }
    once
}
