//! Plans one round of a flow, in reading order: deals, customers, invoices, write-backs.
//!
//! Pure: it reads no clock, no store and no network, and the order of what it is given doesn't matter. It decides nothing
//! itself either; each rule has its own file. Next: the engine checks the plan with `lint`, stores it and carries it out.

use crate::amend::{self, Amended, ToAmend, amend};
use crate::assess::{Assessed, assess};
use crate::customer::{self, Party, Place, Reference};
use crate::deal;
use crate::existing::Kept;
use crate::explain::{Said, Stop, invoice as say, ruled as words};
use crate::index::Index;
use crate::input::{PlanInput, Source};
use crate::invoice;
use crate::number::Numbers;
use crate::payer;
use crate::ruled;
use crate::write_back;
use footbridge_model::id::OpId;
use footbridge_model::plan::{Bill, Note, Op, Plan, reason};
use footbridge_model::ruling::Ruling;
use std::collections::{BTreeMap, BTreeSet};

type Parties = BTreeMap<Reference, Result<Party, Stop>>;

/// The plan for what was given. The same input, in any order of its lists, gives the same plan.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let index = Index::new(input);
    let deals = in_order(&index);
    let to_bill = || deals.iter().flat_map(|assessed| &assessed.to_bill);
    let to_amend = deals.iter().flat_map(|assessed| &assessed.to_amend);
    let wanted: BTreeSet<Reference> = to_bill()
        .chain(to_amend.filter_map(|part| part.wants.as_ref()))
        .map(|part| part.draft.customer.clone())
        .collect();
    let words = ruled::of_customers(&index, &deals);
    let parties = customer::resolve(&index, &wanted, &words);
    let firsts = to_bill().filter(|part| part.part.number == 1);
    let mut round = Round {
        numbers: Numbers::new(&index, firsts.map(|part| part.deal)),
        index: &index,
        parties: &parties,
        paying: BTreeSet::new(),
        adopted: BTreeSet::new(),
        invoices: Vec::new(),
        write_backs: Vec::new(),
        plan: Plan {
            flow: input.flow.clone(),
            as_of: input.as_of,
            ops: Vec::new(),
            skips: Vec::new(),
            holds: Vec::new(),
            adoptions: Vec::new(),
            next_number: input.next_number,
            bills: Vec::new(),
        },
    };
    for assessed in &deals {
        round.deal(assessed);
    }
    round.finish()
}

/// Each deal once, in the order in which they were won.
fn in_order<'a>(index: &Index<'a>) -> Vec<Assessed<'a>> {
    let mut sources: Vec<&Source> = index.input.deals.iter().collect();
    sources.sort_by(|a, b| (&a.record, &b.version).cmp(&(&b.record, &a.version)));
    sources.dedup_by(|a, b| a.record == b.record);
    let mut deals: Vec<_> = sources
        .into_iter()
        .map(|source| assess(index, source))
        .collect();
    deals.sort_by(|a, b| (a.first_won, &a.deal.record).cmp(&(b.first_won, &b.deal.record)));
    deals
}

/// What a part waits for, with whom it is to bill: an answer that names a customer is about that one.
fn of_customer(part: &invoice::ToBill<'_>, stop: Stop) -> Stop {
    stop.showing(|shown| shown.customer = Some(ruled::shown_customer(&part.draft.customer)))
}

/// What an invoice comes to that wasn't as its deal wants it.
enum Came {
    /// It is changed, by this operation.
    Written(OpId),
    /// It stays as it is, with what is said of that.
    Stays(Stop),
    /// It waits.
    Waits(Stop),
}

/// Whether the deal is to show just this invoice: of several parts it shows the newest.
#[derive(Clone, Copy)]
enum Shown {
    Here,
    Elsewhere,
}

/// The plan as it grows.
struct Round<'r, 'a> {
    index: &'r Index<'a>,
    parties: &'r Parties,
    numbers: Numbers,
    /// Invoices of the ledger that become a deal's with this plan.
    adopted: BTreeSet<String>,
    /// Customers of planned invoices.
    paying: BTreeSet<Reference>,
    invoices: Vec<Op>,
    write_backs: Vec<Op>,
    plan: Plan,
}

impl Round<'_, '_> {
    fn deal(&mut self, assessed: &Assessed<'_>) {
        let deal = assessed.deal;
        for (part, stop) in &assessed.notes {
            self.note(deal, *part, stop.clone());
        }
        let mut held = assessed.notes.iter().find_map(|(part, stop)| match stop {
            // What isn't there yet and waits holds nothing up.
            Stop::Hold(said) if *part <= assessed.latest => Some((*part, said.clone())),
            _ => None,
        });
        let amended = self.amend(assessed, &mut held);
        let mut newest: Option<Op> = None;
        let mut linked = Vec::new();
        for part in &assessed.to_bill {
            let number = part.part.number;
            if let Some(stop) = ruled::nothing_is_to_be_done(self.index, deal, number) {
                self.note(deal, number, stop);
                continue;
            }
            if let Some(ruling) = ruled::invoice(self.index, deal, number) {
                match self.linked(part, ruling) {
                    Ok(kept) => linked.push((number, kept)),
                    Err(stop) => self.note(deal, number, of_customer(part, stop)),
                }
                continue;
            }
            let billed = match &held {
                Some((earlier, said)) => Err(say::waits_for_earlier(*earlier, said)),
                None => self.invoice(part),
            };
            match billed {
                Ok((op, bill)) => {
                    newest = Some(op.clone());
                    self.plan.bills.push(bill);
                    self.paying.insert(part.draft.customer.clone());
                    self.invoices.push(op);
                }
                Err(stop) => self.note(deal, part.part.number, of_customer(part, stop)),
            }
        }
        let linked_part = linked.iter().map(|(part, _)| *part).max();
        let latest = assessed.latest.max(linked_part.unwrap_or(0));
        let newest = newest.filter(|op| op.subject.part > latest);
        if let Some(op) = &newest {
            self.write_backs
                .extend(write_back::of_new(self.index, deal, op));
        }
        let shown = |part: u32| match newest.is_none() && part == latest {
            true => Shown::Here,
            false => Shown::Elsewhere,
        };
        for (part, kept) in assessed.kept.iter().chain(&linked) {
            self.kept(deal, *part, kept, shown(*part));
        }
        for (part, came) in amended {
            self.amended(deal, part, came, shown(part.part));
        }
    }

    /// Invoices that aren't as their deal wants them; the first that waits holds up what is to be billed. What each comes to, for what
    /// its deal is to show.
    fn amend<'p, 'd>(
        &mut self,
        assessed: &'p Assessed<'d>,
        held: &mut Option<(u32, Said)>,
    ) -> Vec<(&'p ToAmend<'d>, Came)> {
        let mut came = Vec::new();
        for part in &assessed.to_amend {
            let customer = part.wants.as_ref().map(|wants| &wants.draft.customer);
            let party = customer.and_then(|customer| self.parties.get(customer));
            match amend(self.index, part, party) {
                Ok(Amended::Write(op)) => {
                    let ignored =
                        ruled::nothing_is_to_be_done(self.index, assessed.deal, part.part);
                    if let Some(stop) = ignored {
                        self.note(assessed.deal, part.part, stop);
                        continue;
                    }
                    if !op.after.is_empty() {
                        self.paying.extend(customer.cloned());
                    }
                    came.push((part, Came::Written(op.id.clone())));
                    self.invoices.push(op);
                }
                Ok(Amended::Stays(adoption, said)) => {
                    self.plan.adoptions.extend(adoption);
                    came.push((part, Came::Stays(said)));
                }
                Err(stop) => {
                    if let Stop::Hold(said) = &stop {
                        held.get_or_insert((part.part, said.clone()));
                    }
                    let stop = match &part.wants {
                        Some(wants) => of_customer(wants, stop),
                        None => stop,
                    };
                    came.push((part, Came::Waits(stop)));
                }
            }
        }
        came
    }

    /// What is said of an invoice that wasn't as its deal wants it, and that the deal shows it all the same where it is to (`shown`).
    fn amended(&mut self, deal: &Source, part: &ToAmend<'_>, came: Came, shown: Shown) {
        let number = part.part;
        let missing = match shown {
            Shown::Here if part.wants.is_some() => {
                write_back::of_kept(self.index, deal, number, &amend::as_it_is(part))
            }
            Shown::Here | Shown::Elsewhere => Ok(None),
        };
        let missing = missing.map(|op| {
            op.filter(|_| ruled::nothing_is_to_be_done(self.index, deal, number).is_none())
        });
        match (came, missing) {
            (Came::Written(invoice), Ok(Some(op))) => self.write_backs.push(Op {
                after: vec![invoice],
                ..op
            }),
            (Came::Written(_), _) => {}
            (Came::Stays(_), Ok(Some(op))) => self.write_backs.push(op),
            (Came::Stays(stop), Ok(None)) => self.note(deal, number, stop),
            (Came::Stays(_), Err(stop)) => self.note(deal, number, stop),
            (Came::Waits(stop), Ok(op)) => {
                self.write_backs.extend(op);
                self.note(deal, number, stop);
            }
            // While it isn't known what became of a write to the deal, that says more.
            (Came::Waits(_), Err(Stop::Hold(said))) if said.reason == reason::UNRESOLVED_WRITE => {
                self.note(deal, number, Stop::Hold(said));
            }
            // The question first; what keeps the deal from showing it is told once that is answered.
            (Came::Waits(stop), Err(_)) => self.note(deal, number, stop),
        }
    }

    fn invoice(&mut self, part: &invoice::ToBill<'_>) -> Result<(Op, Bill), Stop> {
        match self.parties.get(&part.draft.customer) {
            Some(Ok(party)) => invoice::create(self.index, part, party, &mut self.numbers),
            Some(Err(stop)) => Err(stop.clone()),
            None => Err(say::nothing_stands()),
        }
    }

    /// An invoice that a person linked a part with.
    fn linked(&mut self, part: &invoice::ToBill<'_>, ruling: &Ruling) -> Result<Kept, Stop> {
        let party = match self.parties.get(&part.draft.customer) {
            Some(Ok(party)) => party,
            Some(Err(stop)) => return Err(stop.clone()),
            None => return Err(say::nothing_stands()),
        };
        let kept = ruled::adopt(self.index, part, party, ruling)?;
        if !self.adopted.insert(kept.id.clone()) {
            let why = "another deal is to be linked with it as well";
            return Err(words::cant_link(ruling, &kept.name, why));
        }
        if matches!(party.place, Place::Adopted(..)) {
            self.paying.insert(part.draft.customer.clone());
        }
        Ok(kept)
    }

    /// An invoice that stays.
    fn kept(&mut self, deal: &Source, part: u32, kept: &Kept, shown: Shown) {
        let repair = match shown {
            Shown::Here => write_back::of_kept(self.index, deal, part, kept),
            Shown::Elsewhere => Ok(None),
        };
        match repair {
            Ok(Some(op)) => match ruled::nothing_is_to_be_done(self.index, deal, part) {
                Some(stop) => self.note(deal, part, stop),
                None => self.write_backs.push(op),
            },
            Ok(None) => self.note(deal, part, say::up_to_date(&kept.name)),
            Err(stop) => self.note(deal, part, stop),
        }
        self.plan.adoptions.extend(kept.adoption.clone());
    }

    fn note(&mut self, deal: &Source, part: u32, stop: Stop) {
        let (notes, said) = match ruled::obeyed(self.index, deal, part, stop) {
            Stop::Skip(said) => (&mut self.plan.skips, said),
            Stop::Hold(said) => (&mut self.plan.holds, said),
        };
        notes.push(Note {
            subject: deal::subject(self.index.input, deal, part),
            reason: said.reason.to_owned(),
            message: said.message,
            shown: *said.shown,
        });
    }

    fn finish(mut self) -> Plan {
        let mut customers = Vec::new();
        for reference in &self.paying {
            if let Some(Ok(party)) = self.parties.get(reference) {
                match &party.place {
                    Place::Linked(_) => {}
                    Place::Adopted(_, adoption) => self.plan.adoptions.push(adoption.clone()),
                    Place::New(op) => customers.push(op.clone()),
                }
            }
        }
        let mut plan = self.plan;
        plan.ops = customers;
        plan.ops.extend(self.invoices);
        plan.ops.extend(self.write_backs);
        plan.skips.sort_by(|a, b| a.subject.cmp(&b.subject));
        plan.holds.sort_by(|a, b| a.subject.cmp(&b.subject));
        plan.adoptions.extend(payer::recognised(self.index, &plan));
        payer::in_order(self.index, &mut plan.adoptions);
        plan.next_number = self.numbers.next();
        plan
    }
}
