//! An invoice that exists and whose deal changed or was lost: what may happen to it (domain rule 4).
//!
//! `stage` says how far the invoice went, `touched` whether a person edited it, `decide` is the table, `lines` pairs the deal's
//! lines with the ledger's, `write` makes the operation. It never voids, never makes a second invoice, and never writes over what
//! wasn't read. Next: the engine reads the invoice again before it carries an operation out.

mod decide;
mod lines;
mod stage;
mod touched;
mod write;

pub(crate) use decide::{Ask, answered};
pub(crate) use stage::{Bar, Posted};
pub(crate) use touched::Touched;

use decide::{Act, Change};

use crate::customer::Party;
use crate::existing::{self, Kept};
use crate::explain::{Stop, amend as say, invoice as say_invoice};
use crate::index::{ID, INVOICE, Index};
use crate::input::{Seen, Source};
use crate::invoice::{self, ToBill};
use footbridge_model::ledger;
use footbridge_model::link::Link;
use footbridge_model::plan::{Adoption, LinkIntent, Op};
use footbridge_model::ruling::Ruling;

/// An invoice that isn't as the deal wants it.
#[derive(Debug, Clone)]
pub(crate) struct Standing<'a> {
    /// Its id in the ledger.
    pub(crate) id: &'a str,
    /// For sentences.
    pub(crate) name: String,
    /// The id of its link, made or to be made.
    pub(crate) link: String,
    /// As last reported.
    pub(crate) seen: &'a Seen<ledger::Invoice>,
    /// As reported after our last write; none where that isn't known.
    pub(crate) shadow: Option<ledger::Invoice>,
    /// The purchase order that the deal had when it was billed, where that is known.
    pub(crate) reference: Option<String>,
}

/// What is to be decided about one part of a deal.
#[derive(Debug, Clone)]
pub(crate) struct ToAmend<'a> {
    /// The deal.
    pub(crate) deal: &'a Source,
    /// Which part.
    pub(crate) part: u32,
    /// Its invoice.
    pub(crate) standing: Standing<'a>,
    /// What the deal wants now; none if it is no longer won.
    pub(crate) wants: Option<ToBill<'a>>,
}

/// What becomes of it.
pub(crate) enum Amended {
    /// It is written.
    Write(Op),
    /// It stays as it is; the link goes on from what it holds now, where that is given.
    Stays(Option<Adoption>, Stop),
}

/// Decides about one invoice. `party`: whom the deal bills now; only for a deal that is won.
pub(crate) fn amend(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    party: Option<&Result<Party, Stop>>,
) -> Result<Amended, Stop> {
    let standing = &to_amend.standing;
    if index.unresolved(INVOICE, ID, standing.id) || index.unresolved_billing(&standing.link) {
        return Err(say_invoice::unresolved());
    }
    let stage = stage::of(index.input, &standing.seen.value)?;
    let touched = touched::by(standing.shadow.as_ref(), &standing.seen.value);
    let Some(to_bill) = &to_amend.wants else {
        let act = decide::decide(index, to_amend, Change::Lost, &stage, &touched);
        return lost(index, to_amend, act);
    };
    // A person's word that it stays needs no knowledge of what it would have become.
    let asked = decide::decide(index, to_amend, Change::Changed, &stage, &touched);
    if let Act::Keep(ruling, _) = &asked {
        return Ok(write::kept(index, to_amend, to_bill, Some(ruling)));
    }
    let party = match party {
        Some(Ok(party)) => party,
        Some(Err(stop)) => return Err(told_with(standing, stop.clone())),
        None => return Err(say_invoice::nothing_stands()),
    };
    let worked =
        invoice::work_out(index, to_bill, party).map_err(|stop| told_with(standing, stop))?;
    let wanted = write::wanted(index, to_amend, to_bill, party, &worked);
    if wanted.is_there_already() {
        return Ok(write::kept(index, to_amend, to_bill, None));
    }
    let change = say::Difference {
        old: standing.seen.value.total,
        new: worked.totals.total,
        currency: &to_bill.currency,
        old_currency: standing.seen.value.currency.as_deref(),
        fields: wanted.fields(),
    };
    match asked {
        Act::Update(ruling) => {
            let why = say::update(&standing.name, &change, by(ruling.as_ref()));
            Ok(Amended::Write(write::update(
                index, to_amend, to_bill, wanted, party, why,
            )))
        }
        Act::Ask(ask) => Err(asked_about(&ask, standing, Some(&change))),
        Act::Keep(..) | Act::Delete(_) => Err(say_invoice::nothing_stands()),
    }
}

fn told_with(standing: &Standing<'_>, stop: Stop) -> Stop {
    existing::billed_already(stop, &standing.name, standing.id, &standing.seen.version)
}

fn lost(index: &Index<'_>, to_amend: &ToAmend<'_>, act: Act) -> Result<Amended, Stop> {
    let name = &to_amend.standing.name;
    match act {
        Act::Delete(ruling) => {
            let why = say::deletion(name, by(ruling.as_ref()));
            Ok(Amended::Write(write::deletion(index, to_amend, why)))
        }
        Act::Keep(ruling, ask) => {
            let stop = say::lost_and_kept(name, &ruling.by);
            Ok(Amended::Stays(
                None,
                showing(stop, &ask, &to_amend.standing),
            ))
        }
        Act::Ask(ask) => Err(asked_about(&ask, &to_amend.standing, None)),
        Act::Update(_) => Err(say_invoice::nothing_stands()),
    }
}

/// The question, about the invoice as it is.
fn asked_about(ask: &Ask, standing: &Standing<'_>, change: Option<&say::Difference<'_>>) -> Stop {
    showing(say::asks(ask, &standing.name, change), ask, standing)
}

fn showing(stop: Stop, ask: &Ask, standing: &Standing<'_>) -> Stop {
    stop.showing(|shown| shown.standing = Some(ask.shown(standing)))
}

fn by(ruling: Option<&Ruling>) -> Option<&str> {
    ruling.map(|ruling| ruling.by.as_str())
}

/// What the ledger reported of an invoice after our last write, from its link.
pub(crate) fn shadow_of(
    link: &Link,
    record: &footbridge_model::id::RecordKey,
) -> Option<ledger::Invoice> {
    let member = link
        .members
        .iter()
        .find(|member| member.record == *record)?;
    let doc = footbridge_model::document::Document::from_plugin(member.shadow.as_deref()?).ok()?;
    doc.to().ok()
}

/// The invoice as it is, for its deal to show. What was billed of the deal stays known as it was: this answers no question about that.
pub(crate) fn as_it_is(to_amend: &ToAmend<'_>) -> Kept {
    Kept {
        id: to_amend.standing.id.to_owned(),
        name: to_amend.standing.name.clone(),
        link: intent(to_amend, None),
        adoption: None,
    }
}

/// The link as an operation or adoption joins it.
fn intent(to_amend: &ToAmend<'_>, billed: Option<String>) -> LinkIntent {
    LinkIntent {
        id: to_amend.standing.link.clone(),
        role: footbridge_model::link::Role::Billing,
        source: to_amend.deal.record.clone(),
        source_shadow: billed,
    }
}
