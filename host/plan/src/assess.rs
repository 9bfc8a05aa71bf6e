//! One deal on its own: whether it is billed at all, what stands for it already, and which parts are to be billed now.
//!
//! It looks at no customer and no tax yet. Next: `plan` resolves the customers of what is to be billed.

use crate::amend::{ToAmend, answered};
use crate::deal;
use crate::draft;
use crate::existing::{self, Checked, Kept, Standing};
use crate::explain::{Stop, amend as say_amend, deal as say, invoice as say_invoice};
use crate::go_live;
use crate::index::Index;
use crate::input::Source;
use crate::invoice::ToBill;
use crate::parts::{self, MOST, Part};
use crate::ruled;
use crate::write_back;
use chrono::{DateTime, Utc};
use footbridge_model::plan::reason;
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::Choice;

/// What became of one deal.
pub(crate) struct Assessed<'a> {
    /// The deal.
    pub(crate) deal: &'a Source,
    /// When it was first won, where that was looked at.
    pub(crate) first_won: Option<DateTime<Utc>>,
    /// Parts that need nothing or wait.
    pub(crate) notes: Vec<(u32, Stop)>,
    /// Parts whose invoice exists and stays.
    pub(crate) kept: Vec<(u32, Kept)>,
    /// Parts whose invoice isn't as the deal wants it now.
    pub(crate) to_amend: Vec<ToAmend<'a>>,
    /// Parts to be billed.
    pub(crate) to_bill: Vec<ToBill<'a>>,
    /// The highest part for which anything stands, kept or held; 0 if none.
    pub(crate) latest: u32,
}

type Standings<'a> = Vec<(u32, Standing<'a>)>;

/// Looks at one deal.
pub(crate) fn assess<'a>(index: &Index<'a>, deal: &'a Source) -> Assessed<'a> {
    let standings: Standings<'a> = (1..=MOST)
        .map(|part| (part, existing::standing(index, deal, part)))
        .filter(|(_, standing)| !matches!(standing, Standing::Nothing))
        .collect();
    let mut assessed = Assessed {
        deal,
        first_won: None,
        notes: Vec::new(),
        kept: Vec::new(),
        to_amend: Vec::new(),
        to_bill: Vec::new(),
        latest: standings.last().map_or(0, |(part, _)| *part),
    };
    if let Err(stop) = parts_of(index, &standings, &mut assessed) {
        assessed.notes = vec![(1, stop)];
    }
    assessed
}

fn parts_of<'a>(
    index: &Index<'a>,
    standings: &Standings<'a>,
    assessed: &mut Assessed<'a>,
) -> Result<(), Stop> {
    let (input, source) = (index.input, assessed.deal);
    let invoice = standings
        .iter()
        .filter(|(_, standing)| !standing.is_gone(index))
        .find_map(|(_, standing)| standing.named(index));
    if source.presence != Presence::Present {
        return Err(invoice.map_or_else(say::deleted, |invoice| deleted(index, source, &invoice)));
    }
    if !go_live::won_now(input.policy, &source.doc)? {
        if invoice.is_none() {
            return Err(say::not_won());
        }
        lost(index, standings, assessed);
        return Ok(());
    }
    let first_won = go_live::first_won(input.policy, &source.doc)?;
    assessed.first_won = Some(first_won);
    let history = go_live::after_go_live(input.policy, first_won)
        .err()
        .filter(|_| !ruled::goes_ahead(index, source, 1, reason::BEFORE_GO_LIVE));
    if let (Some(stop), true) = (&history, standings.is_empty()) {
        return Err(stop.clone());
    }
    let mut standing = standings.iter().map(|(_, standing)| standing);
    let stands = standing.rfind(|standing| !standing.is_gone(index));
    let with_invoice = |stop: Stop| match stands {
        Some(standing) => standing.told_with(index, stop),
        None => stop,
    };
    let draft = draft::of_deal(source, input.policy.billing.amounts).map_err(with_invoice)?;
    let currency = deal::currency(input, source, &draft);
    let basis =
        deal::basis(input, source, &draft, &currency).map_err(|stop| match (stop, &invoice) {
            (Stop::Skip(_), Some(invoice)) => say_invoice::changed(invoice),
            (stop, _) => stop,
        });
    let parts =
        basis.and_then(|basis| parts::of_deal(input, source, &draft, &basis, &currency, first_won));
    let parts = match parts {
        Ok(parts) => parts,
        Err(stop) => {
            let whole = ToBill {
                deal: source,
                part: Part::whole(deal::asked(input, source)),
                draft,
                currency,
                first_won,
            };
            return by_hand(index, standings, assessed, whole, history.as_ref(), stop)
                .map_err(with_invoice);
        }
    };
    for (number, standing) in standings {
        let Some(part) = parts.iter().find(|part| part.number == *number) else {
            let stop = say_invoice::changed(&standing.named(index).unwrap_or_default());
            assessed.notes.push((*number, stop));
            continue;
        };
        let to_bill = ToBill {
            deal: source,
            draft: draft.clone(),
            part: part.clone(),
            currency: currency.clone(),
            first_won,
        };
        match existing::check(index, source, *number, standing, &to_bill.billed()) {
            Ok(Checked::Kept(kept)) => assessed.kept.push((*number, kept)),
            Ok(Checked::Changed(standing)) => assessed.to_amend.push(ToAmend {
                deal: source,
                part: *number,
                standing,
                wants: Some(to_bill),
            }),
            Err(stop) => assessed.notes.push((*number, stop)),
        }
    }
    for part in parts {
        let number = part.number;
        if standings.iter().any(|(standing, _)| *standing == number) {
            continue;
        }
        match due(index, source, &part, history.as_ref()) {
            Err(stop) => assessed.notes.push((number, stop)),
            Ok(()) => assessed.to_bill.push(ToBill {
                deal: source,
                draft: draft.clone(),
                part,
                currency: currency.clone(),
                first_won,
            }),
        }
    }
    Ok(())
}

/// What can't be billed may have been billed by hand: the invoice that a person linked it with stands, as long as the deal asks for
/// what it asked for then. Nothing is made of it.
fn by_hand<'a>(
    index: &Index<'a>,
    standings: &Standings<'a>,
    assessed: &mut Assessed<'a>,
    whole: ToBill<'a>,
    history: Option<&Stop>,
    stop: Stop,
) -> Result<(), Stop> {
    let source = assessed.deal;
    let number = whole.part.number;
    match (standings.as_slice(), &stop) {
        ([], Stop::Hold(_)) if ruled::invoice(index, source, number).is_some() => {
            history.map_or(Ok(()), |stop| Err(stop.clone()))?;
            free(index, source, number)?;
            assessed.to_bill.push(whole);
            Ok(())
        }
        ([(1, standing @ Standing::Linked { .. })], Stop::Hold(_)) => {
            match existing::check(index, source, number, standing, &whole.billed()) {
                Ok(Checked::Kept(kept)) => {
                    assessed.kept.push((number, kept));
                    Ok(())
                }
                Ok(Checked::Changed(_)) => Err(stop),
                Err(gone) => Err(gone),
            }
        }
        _ => Err(stop),
    }
}

/// The deal is deleted and an invoice stands: an item, never a void.
fn deleted(index: &Index<'_>, source: &Source, invoice: &str) -> Stop {
    match answered(index, source, 1, reason::DEAL_DELETED) {
        Some(ruling) if ruling.choice == (Choice::TakeLedger { field: None }) => {
            say_amend::deleted_and_kept(invoice, &ruling.by)
        }
        _ => say::deleted_after_billing(invoice),
    }
}

/// The deal is no longer won: each invoice that stands is looked at.
fn lost<'a>(index: &Index<'a>, standings: &Standings<'a>, assessed: &mut Assessed<'a>) {
    let deal = assessed.deal;
    for (part, standing) in standings {
        if standing.is_gone(index) {
            assessed.notes.push((*part, say::not_won()));
            continue;
        }
        match existing::amendable(index, deal, *part, standing) {
            Ok(standing) => assessed.to_amend.push(ToAmend {
                deal,
                part: *part,
                standing,
                wants: None,
            }),
            Err(stop) => assessed.notes.push((*part, stop)),
        }
    }
}

/// Whether a part for which nothing stands is to be billed now.
fn due(
    index: &Index<'_>,
    source: &Source,
    part: &Part,
    history: Option<&Stop>,
) -> Result<(), Stop> {
    if let Some(stop) = history {
        return Err(stop.clone());
    }
    if let Some(until) = part
        .due
        .filter(|until| index.input.as_of.local_date < *until)
    {
        return Err(say::part_not_due(until));
    }
    if part.amount.is_zero() {
        return Err(say::part_zero());
    }
    free(index, source, part.number)
}

/// Whether nothing of a part is under way.
fn free(index: &Index<'_>, source: &Source, part: u32) -> Result<(), Stop> {
    if index.unresolved_billing(&index.billing_key(source, part))
        || write_back::unresolved(index, source)
    {
        return Err(say_invoice::unresolved());
    }
    Ok(())
}
