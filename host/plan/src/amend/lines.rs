//! Which line of the ledger a line of the deal is: so that it keeps its id, and what people hung on it there.
//!
//! Pairs equal lines first, then those of one item and wording, then of one item or one wording, at last a single one left on both
//! sides. Order is the deal's; a ledger line that nothing pairs with is left out of the write, which removes it.

use crate::invoice::Decided;
use footbridge_model::ledger::InvoiceLine;
use rust_decimal::Decimal;

/// For each wanted line the place of the ledger's line that it is.
pub(crate) fn pair(wanted: &[Decided<'_>], there: &[InvoiceLine]) -> Vec<Option<usize>> {
    let mut pairs: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut free: Vec<usize> = (0..there.len()).collect();
    let alike: [fn(&Decided<'_>, &InvoiceLine) -> bool; 3] = [
        |wanted, line| is_there(wanted, line),
        |wanted, line| same_item(wanted, line) && same_wording(wanted, line),
        |wanted, line| {
            (wanted.draft.item.is_some() && same_item(wanted, line)) || same_wording(wanted, line)
        },
    ];
    for alike in alike {
        for (wanted, pair) in wanted
            .iter()
            .zip(&mut pairs)
            .filter(|(_, pair)| pair.is_none())
        {
            let found = free.iter().position(|at| {
                there
                    .get(*at)
                    .is_some_and(|line| alike(wanted, line) && keeps_item(wanted, line))
            });
            *pair = found.map(|at| free.remove(at));
        }
    }
    let mut left = wanted
        .iter()
        .zip(&mut pairs)
        .filter(|(_, pair)| pair.is_none());
    if let (Some((wanted, pair)), None, [at]) = (left.next(), left.next(), free.as_slice())
        && there.get(*at).is_some_and(|line| keeps_item(wanted, line))
    {
        *pair = Some(*at);
    }
    pairs
}

/// Whether the ledger's line says what is wanted. What it doesn't report is taken as different.
pub(crate) fn is_there(wanted: &Decided<'_>, line: &InvoiceLine) -> bool {
    let factors = &wanted.draft.factors;
    let rate = factors.discount_rate.unwrap_or(Decimal::ZERO);
    same_wording(wanted, line)
        && same_item(wanted, line)
        && line.quantity == Some(factors.quantity)
        && line.unit_amount == Some(factors.unit_amount)
        && line.discount_rate.unwrap_or(Decimal::ZERO) == rate
        && line.account.as_ref() == Some(&wanted.account)
        && line.tax_type.as_ref() == Some(&wanted.tax.tax_type)
}

fn same_wording(wanted: &Decided<'_>, line: &InvoiceLine) -> bool {
    // Ledgers trim.
    line.description.as_deref().map(str::trim) == Some(wanted.draft.description.trim())
}

fn same_item(wanted: &Decided<'_>, line: &InvoiceLine) -> bool {
    let item = line.item.as_deref().filter(|code| !code.is_empty());
    item == wanted.draft.item.as_deref()
}

/// A line never loses its item: what is left out of a known line stays, so that one is made anew.
fn keeps_item(wanted: &Decided<'_>, line: &InvoiceLine) -> bool {
    wanted.draft.item.is_some() || same_item(wanted, line)
}
