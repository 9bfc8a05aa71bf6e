//! Plans the changes of linked customers: what each side changed goes to the other, where the rules allow it (domain rules 9 to 11).
//!
//! Pure. Each customer is looked at alone, in the order of the records; only names in the ledger are shared. `relink` follows merges,
//! `decide` judges each field, `write` makes operations of the verdicts. Next: the engine carries the plan out like any other.

use super::decide::{Given, Held, Kept, Question, Verdict, Word, decide};
use super::field::Field;
use super::normal::is_empty;
use super::policy::{CustomerPolicy, Rule, Side};
use super::relink::{self, Relinked};
use super::state::{Memory, Pair, State, Writing};
use super::{address, ruled, values, write};
use crate::dates;
use crate::explain::merge as say;
use crate::explain::{Stop, mapping_said};
use crate::index::{CUSTOMER, ID};
use crate::input::Source;
use crate::matching::exact_name;
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId, RecordKey};
use footbridge_model::link::{Link, Role};
use footbridge_model::plan::{AsOf, Note, Op, Plan, Subject, reason};
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::{Choice, Ruling};
use std::collections::{BTreeMap, BTreeSet};

/// A customer of the ledger as last reported.
#[derive(Debug, Clone)]
pub struct SeenCustomer {
    /// Its version.
    pub version: String,
    /// Whether it exists.
    pub presence: Presence,
    /// As it was reported, in the ledger vocabulary.
    pub doc: Document,
}

/// What is looked at: customers of which a side changed, and all that can matter for them.
#[derive(Debug, Clone)]
pub struct MergeInput<'a> {
    /// The flow's name.
    pub flow: FlowName,
    /// When.
    pub as_of: AsOf,
    /// The rules.
    pub policy: &'a CustomerPolicy,
    /// The CRM's connection and organisation.
    pub source: (ConnectionId, OrganisationId),
    /// The ledger's.
    pub ledger: (ConnectionId, OrganisationId),
    /// The CRM's records, with their drafts.
    pub customers: Vec<Source>,
    /// Those of them that the CRM no longer shows, and doesn't say are gone.
    pub hidden: BTreeSet<RecordKey>,
    /// Their links, the links of the records that they were merged into, and all links of the ledger's customers in those.
    pub links: Vec<Link>,
    /// The ledger's customers in those links, those that they were merged into, and those of the names that the drafts give.
    pub observed: BTreeMap<String, SeenCustomer>,
    /// What people decided, by record and part.
    pub rulings: BTreeMap<(RecordKey, u32), Vec<Ruling>>,
    /// Natural keys (object, field, value) with a write that is not resolved.
    pub unresolved: BTreeSet<(String, String, String)>,
}

/// What comes of it.
#[derive(Debug, Clone)]
pub struct MergePlan {
    /// Operations, holds and skips.
    pub plan: Plan,
    /// Links that are to be stored as they are here: memories, and members that moved.
    pub links: Vec<Link>,
    /// Records that are no longer members, with the link's id.
    pub left: Vec<(RecordKey, String)>,
    /// Records of the CRM to be looked at again once that is stored.
    pub again: Vec<RecordKey>,
    /// Those of which something that was written has yet to be read again: what stands there now was not compared.
    pub pending: Vec<RecordKey>,
}

/// The plan for what was given. The order of its lists doesn't matter.
pub fn plan(input: &MergeInput<'_>) -> MergePlan {
    let mut round = Round {
        input,
        names: names(input),
        out: MergePlan {
            plan: Plan {
                flow: input.flow.clone(),
                as_of: input.as_of,
                ops: Vec::new(),
                skips: Vec::new(),
                holds: Vec::new(),
                adoptions: Vec::new(),
                next_number: 0,
                bills: Vec::new(),
            },
            links: Vec::new(),
            left: Vec::new(),
            again: Vec::new(),
            pending: Vec::new(),
        },
    };
    let mut sources: Vec<&Source> = input.customers.iter().collect();
    sources.sort_by(|a, b| (&a.record, &b.version).cmp(&(&b.record, &a.version)));
    sources.dedup_by(|a, b| a.record == b.record);
    for source in sources {
        if let Err(stop) = round.customer(source) {
            round.note(source, ruled::obeyed(input, source, stop));
        }
    }
    round.out
}

/// Who is called what in the ledger: exact name, with the ids of active customers.
fn names(input: &MergeInput<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, seen) in &input.observed {
        let active = seen.presence == Presence::Present
            && matches!(seen.doc.text("status"), None | Some("active"));
        if let Some(name) = seen.doc.text("name").filter(|_| active) {
            names
                .entry(exact_name(name))
                .or_default()
                .insert(id.clone());
        }
    }
    names
}

struct Round<'r, 'a> {
    input: &'r MergeInput<'a>,
    /// With the names that this plan gives.
    names: BTreeMap<String, BTreeSet<String>>,
    out: MergePlan,
}

/// A customer with both its records.
pub(super) struct Pairing<'a> {
    pub(super) source: &'a Source,
    pub(super) link: &'a Link,
    /// The ledger's id.
    pub(super) id: &'a str,
    pub(super) ledger: &'a SeenCustomer,
    /// What people call it.
    pub(super) title: String,
}

impl<'a> Round<'_, 'a> {
    fn customer(&mut self, source: &Source) -> Result<(), Stop> {
        let input = self.input;
        let (link, id) = match relink::follow(input, source)? {
            Relinked::Unlinked => return Ok(()),
            Relinked::Moved { links, .. } if self.is_moving(&links) => {
                self.out.again.push(source.record.clone());
                return Ok(());
            }
            Relinked::Moved { links, left, again } => {
                self.out.links.extend(links);
                self.out.left.extend(left);
                self.out.again.extend(again);
                return Ok(());
            }
            Relinked::As { link, id } => (link, id),
        };
        let title = title(source);
        if input.hidden.contains(&source.record) {
            return Err(say::source_not_visible(&title));
        }
        let ledger = input
            .observed
            .get(id)
            .ok_or_else(|| say::not_visible(&title, id))?;
        let unresolved = |object: &str, id: &str| {
            let key = (object.to_owned(), ID.to_owned(), id.to_owned());
            input.unresolved.contains(&key)
        };
        if unresolved(CUSTOMER, id)
            || unresolved(source.record.object.as_str(), source.record.id.as_str())
        {
            return Err(say::unresolved(&title));
        }
        let now = relink::shown(id, ledger);
        if let Some(stop) = ruled::refused_and_ignored(input, source, &now) {
            return Err(stop);
        }
        let pairing = Pairing {
            source,
            link,
            id,
            ledger,
            title,
        };
        self.fields(&pairing)
    }

    /// Whether this plan changes one of these links, or one with the same customer of the ledger, already: one move at a time.
    fn is_moving(&self, links: &[Link]) -> bool {
        let ledger = &self.input.ledger.0;
        let contacts = |link: &'_ Link, record: &RecordKey| {
            link.members.iter().any(|member| member.record == *record)
        };
        links.iter().any(|link| {
            let mut theirs = link
                .members
                .iter()
                .filter(|member| member.record.connection == *ledger);
            self.out.links.iter().any(|known| known.id == link.id)
                || theirs.any(|member| {
                    let known = &self.out.links;
                    known.iter().any(|known| contacts(known, &member.record))
                })
        })
    }

    fn fields(&mut self, pairing: &Pairing<'_>) -> Result<(), Stop> {
        let input = self.input;
        let Pairing { source, ledger, .. } = pairing;
        let draft = draft(source)?;
        let empty = Document::Object(BTreeMap::new());
        let member = pairing
            .link
            .members
            .iter()
            .find(|member| member.record == source.record);
        let before = State::read(member.and_then(|member| member.shadow.as_deref()));
        let mut state = before.clone();
        let mut verdicts = Vec::new();
        for (field, ours, theirs) in values::both(
            input.policy,
            draft.unwrap_or(&empty),
            &source.doc,
            &ledger.doc,
            &before,
        ) {
            let mut memory = state.of(field);
            if let Some(there) = theirs.as_ref().filter(|_| {
                values::is_silent(input.policy, field, ours.as_ref())
                    && memory.sent.is_none()
                    && memory
                        .agreed
                        .as_ref()
                        .is_none_or(|agreed| is_empty(&agreed.source))
            }) {
                // The mapping makes no such entry, and never did: the ledger's is nobody's to compare, until it does.
                memory.agreed = Some(Pair {
                    source: Document::Null,
                    ledger: there.clone(),
                });
                state.set(field, memory);
                continue;
            }
            let (here, there) = (ours.as_ref(), theirs.as_ref());
            address::ready(input.policy, field, here, there, &mut memory);
            let given = Given {
                field,
                rule: Rule {
                    back: address::back(input.policy, field, here, &ledger.doc, &memory),
                    ..input.policy.rule(field)
                },
                source: ours.as_ref(),
                ledger: theirs.as_ref(),
                versions: (&source.version, &ledger.version),
                newest: newest(&source.version, &ledger.version),
                now: input.as_of.instant,
                beside: address::beside(field, here, &ledger.doc),
                name_taken: self.name_taken(pairing, ours.as_ref()),
            };
            let source_side = ours.clone().unwrap_or(Document::Null);
            let pair = theirs
                .clone()
                .map(|theirs| Pair::on(Side::Ledger, theirs, source_side));
            let verdict = decide(&given, &mut memory, |memory, question| {
                self.word(source, field, pair.as_ref()?, memory, question)
            });
            verdicts.push(say::Told {
                field,
                verdict,
                now: pair,
                agreed: memory.agreed.clone(),
            });
            state.set(field, memory);
        }
        for (field, reason) in say::all_shown(&verdicts) {
            let mut memory = state.of(field);
            memory.show(reason, input.as_of.instant);
            state.set(field, memory);
        }
        if state.is_pending(input.as_of.instant) {
            self.out.pending.push(source.record.clone());
        }
        if state != before {
            self.out.links.push(remembering(pairing, &state));
        }
        self.writes(pairing, &verdicts);
        if let Some(stop) = say::told(&pairing.title, self.sides(), &verdicts) {
            self.note(source, stop);
        }
        Ok(())
    }

    fn writes(&mut self, pairing: &Pairing<'_>, verdicts: &[say::Told]) {
        for (to, version) in [
            (Side::Ledger, &pairing.ledger.version),
            (Side::Source, &pairing.source.version),
        ] {
            let mut writing = Writing {
                to,
                version: version.clone(),
                fields: BTreeMap::new(),
            };
            let mut told = Vec::new();
            for one in verdicts {
                if let Verdict::Write {
                    to: side,
                    value,
                    from,
                    ..
                } = &one.verdict
                    && *side == to
                {
                    let pair = (value.clone(), from.clone());
                    writing.fields.insert(one.field.name.to_owned(), pair);
                    told.push(one);
                }
            }
            if told.is_empty() {
                continue;
            }
            let why = say::why(&pairing.title, self.sides(), &told);
            let op: Op = write::op(self.input, pairing, &writing, why);
            if let (Side::Ledger, Some(name)) = (to, op.doc.text("name")) {
                let taken = self.names.entry(exact_name(name)).or_default();
                taken.insert(pairing.id.to_owned());
            }
            self.out.plan.ops.push(op);
        }
    }

    /// Another customer of the ledger that is, or by this plan will be, called like that.
    fn name_taken(&self, pairing: &Pairing<'_>, name: Option<&Document>) -> Option<&str> {
        let Some(Document::Text(name)) = name else {
            return None;
        };
        let ids = self.names.get(&exact_name(name))?;
        ids.iter().map(String::as_str).find(|id| *id != pairing.id)
    }

    /// What a person said of this field since it looks like this. Without the field's name a ruling answers what was shown under its
    /// own reason, and nothing else.
    fn word(
        &self,
        source: &Source,
        field: Field,
        now: &Pair,
        memory: &Memory,
        question: Question<'_>,
    ) -> Option<Word> {
        let of_record = |key: &&(RecordKey, u32)| key.0 == source.record;
        let rulings = self.input.rulings.keys().filter(of_record);
        let mut all: Vec<&Ruling> = rulings
            .filter_map(|key| self.input.rulings.get(key))
            .flatten()
            .collect();
        all.sort_by_key(|ruling| std::cmp::Reverse(ruling.at));
        let (by_name, own) = (say::answered_by(question), say::shown_as(question));
        let speaks = |ruling: &&&Ruling| match ruling.choice.field() {
            Some(named) => named == field.name && by_name.contains(&ruling.reason.as_str()),
            None => own == Some(ruling.reason.as_str()),
        };
        let asked = memory.asked.as_ref();
        let asked = asked.filter(|asked| asked.pair.is(field.shape, now));
        let counts = |ruling: &&&Ruling| {
            let since = asked.map(|asked| match ruling.choice.field() {
                Some(_) => asked.since,
                None => asked.shown_since(&ruling.reason),
            });
            ruling.choice == Choice::IgnoreAlways
                || (ruling.counts_at(&source.version)
                    && since.is_some_and(|since| ruling.at >= since))
        };
        let ruling = all.iter().filter(speaks).find(counts)?;
        let taken = |side: Side| match ruling.choice.field() {
            Some(_) => Word::Take(side),
            None => Word::TakeShown(side),
        };
        match &ruling.choice {
            Choice::TakeSource { .. } => Some(taken(Side::Source)),
            Choice::TakeLedger { .. } => Some(taken(Side::Ledger)),
            Choice::GoAhead => Some(Word::GoAhead),
            Choice::IgnoreOnce | Choice::IgnoreAlways => Some(Word::Ignore),
            Choice::LinkTo { .. } | Choice::CreateAs { .. } => None,
        }
    }

    fn sides(&self) -> (&str, &str) {
        (self.input.source.0.as_str(), self.input.ledger.0.as_str())
    }

    fn note(&mut self, source: &Source, stop: Stop) {
        let plan = &mut self.out.plan;
        let (notes, said) = match stop {
            Stop::Skip(said) => (&mut plan.skips, said),
            Stop::Hold(said) => (&mut plan.holds, said),
        };
        notes.push(Note {
            subject: subject(source, &title(source)),
            reason: said.reason.to_owned(),
            message: said.message,
            shown: *said.shown,
        });
    }
}

/// The link with this memory of its customer.
fn remembering(pairing: &Pairing<'_>, state: &State) -> Link {
    let mut link = pairing.link.clone();
    for member in &mut link.members {
        if member.record == pairing.source.record {
            member.shadow = Some(state.text());
        }
    }
    link
}

/// A customer as an item or an operation names it.
pub(super) fn subject(source: &Source, title: &str) -> Subject {
    Subject {
        record: source.record.clone(),
        part: 1,
        title: title.to_owned(),
    }
}

pub(super) fn title(source: &Source) -> String {
    let drafts = source.drafts.iter().flatten();
    drafts
        .filter(|(object, _)| object == CUSTOMER)
        .find_map(|(_, doc)| doc.text("name"))
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(source.record.id.as_str())
        .to_owned()
}

/// The mapping's customer. Where it makes none of a record, only what the CRM's own fields say is compared.
fn draft(source: &Source) -> Result<Option<&Document>, Stop> {
    let drafts = source.drafts.as_ref().map_err(|problem| {
        let of = format!(
            "the customer, {} {}",
            source.record.object, source.record.id
        );
        mapping_said(&of, problem)
    })?;
    let mut customers = drafts.iter().filter(|(object, _)| object == CUSTOMER);
    Ok(customers.next().map(|(_, doc)| doc))
}

/// The side whose record was changed last: versions that are instants tell it, equal ones don't. It is known of records, not of fields.
fn newest(source: &str, ledger: &str) -> Option<Side> {
    let (source, ledger) = (dates::instant(source)?, dates::instant(ledger)?);
    match source.cmp(&ledger) {
        std::cmp::Ordering::Greater => Some(Side::Source),
        std::cmp::Ordering::Less => Some(Side::Ledger),
        std::cmp::Ordering::Equal => None,
    }
}

/// Whether a link is of customers.
pub(super) fn is_customers(link: &Link) -> bool {
    link.role == Role::Customer
}

impl Held {
    /// The reason code of what waits.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Held::Conflict => reason::CUSTOMER_CONFLICT,
            Held::Approval(_) | Held::Chosen(_) => reason::CUSTOMER_NEEDS_APPROVAL,
            Held::Rewritten(_) => reason::REWRITTEN,
            Held::NameTaken(_) => reason::CUSTOMER_NAME_CLASH,
        }
    }
}

impl Kept {
    /// The reason code of a difference that stays.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Kept::NotOwned(_)
            | Kept::NoPlace
            | Kept::NoWholePlace
            | Kept::PartMissing(_)
            | Kept::Beside => reason::CUSTOMER_NOT_OWNED,
            Kept::NotCleared(_) | Kept::LeftOut => reason::CUSTOMER_NOT_CLEARED,
            Kept::FirstSight => reason::CUSTOMER_DIFFERS,
            Kept::Ignored => reason::IGNORED,
        }
    }
}
