//! The table of domain rule 4: how far the invoice went x who touched it x what became of the deal x the flow's policy x a person's word.
//!
//! It writes nothing and works nothing out. A ruling answers just the question that it was asked, at the deal's and the invoice's
//! versions that the person saw; a ruling about a single field isn't taken here: such an item goes on waiting.

use super::stage::{Bar, Stage};
use super::touched::Touched;
use super::{Standing, ToAmend};
use crate::index::{Index, our_key};
use crate::input::Source;
use crate::policy::{ChangedAuthorised, DraftOfLostDeal};
use footbridge_model::id::RecordId;
use footbridge_model::plan::reason;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::{May, ShownRecord};

/// What became of the deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is won, and wants something else.
    Changed,
    /// It is no longer won.
    Lost,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Updated in place, by the rules or by a person's word.
    Update(Option<Ruling>),
    /// Deleted in the ledger; drafts only.
    Delete(Option<Ruling>),
    /// It stays, by a person's word about this question.
    Keep(Ruling, Ask),
    /// A person is asked.
    Ask(Ask),
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The deal changed and so did the invoice.
    Edited(Touched),
    /// The deal changed; the invoice is approved.
    Approved,
    /// The deal changed; the invoice is never edited.
    Credit(Vec<Bar>),
    /// The deal changed; the invoice is not of this flow's making.
    NotOurs,
    /// The deal was lost; the invoice is a draft.
    LostDraft(Touched),
    /// The deal was lost; the invoice is more than a draft, or not ours.
    LostStands(Vec<Bar>),
}

impl Ask {
    /// The reason that it waits under.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Edited(_) => reason::INVOICE_EDITED,
            Self::Approved | Self::NotOurs => reason::CHANGED_AFTER_INVOICING,
            Self::Credit(_) => reason::NEEDS_CREDIT_NOTE,
            Self::LostDraft(_) | Self::LostStands(_) => reason::DEAL_LOST,
        }
    }

    /// The invoice as the question shows it.
    pub(crate) fn shown(&self, standing: &Standing<'_>) -> ShownRecord {
        ShownRecord {
            id: RecordId::from(standing.id),
            version: standing.seen.version.clone(),
            may: match self {
                Self::Edited(_) | Self::Approved | Self::LostDraft(_) => May::Follow,
                Self::Credit(_) | Self::NotOurs | Self::LostStands(_) => May::Stay,
            },
        }
    }

    /// What a person's yes to our side leads to, if it may.
    fn taken(&self, ruling: Ruling) -> Option<Act> {
        match self {
            Self::Edited(_) | Self::Approved => Some(Act::Update(Some(ruling))),
            Self::LostDraft(_) => Some(Act::Delete(Some(ruling))),
            Self::Credit(_) | Self::NotOurs | Self::LostStands(_) => None,
        }
    }
}

/// What the rules say, with what a person decided about it.
pub(crate) fn decide(
    index: &Index<'_>,
    to_amend: &ToAmend<'_>,
    change: Change,
    stage: &Stage,
    touched: &Touched,
) -> Act {
    let ours = to_amend
        .standing
        .seen
        .value
        .url
        .as_deref()
        .and_then(our_key)
        == Some(to_amend.standing.link.as_str());
    let billing = &index.input.policy.billing;
    let act = table(
        change,
        stage,
        touched,
        ours.then_some((billing.draft_of_lost_deal, billing.changed_authorised)),
    );
    let Act::Ask(ask) = &act else { return act };
    let Some(ruling) = answered(index, to_amend.deal, to_amend.part, ask.reason()) else {
        return act;
    };
    let as_shown = ruling.shown.standing.as_ref() == Some(&ask.shown(&to_amend.standing));
    match ruling.choice {
        // Nothing is written, and nothing remembered of the invoice, which may go on meanwhile.
        Choice::TakeLedger { field: None } if as_shown || change == Change::Lost => {
            Act::Keep(ruling.clone(), ask.clone())
        }
        Choice::TakeSource { field: None } | Choice::GoAhead if as_shown => {
            ask.taken(ruling.clone()).unwrap_or(act)
        }
        _ => act,
    }
}

/// The newest word of a person about this question, if it is about the deal as it is. It may be about another state of the invoice.
pub(crate) fn answered<'a>(
    index: &Index<'a>,
    deal: &Source,
    part: u32,
    reason: &str,
) -> Option<&'a Ruling> {
    let rulings = index.input.rulings.get(&(deal.record.clone(), part))?;
    rulings
        .iter()
        .filter(|ruling| ruling.reason == reason && ruling.counts_at(&deal.version))
        .max_by_key(|ruling| ruling.at)
}

/// The table itself. `policy`: none for an invoice that isn't of this flow's making.
fn table(
    change: Change,
    stage: &Stage,
    touched: &Touched,
    policy: Option<(DraftOfLostDeal, ChangedAuthorised)>,
) -> Act {
    match (change, stage, touched, policy) {
        (Change::Changed, Stage::Final(bars), _, _) => Act::Ask(Ask::Credit(bars.clone())),
        (Change::Lost, Stage::Final(bars), _, _) => Act::Ask(Ask::LostStands(bars.clone())),
        (Change::Lost, Stage::Approved, _, _) | (Change::Lost, _, _, None) => {
            Act::Ask(Ask::LostStands(Vec::new()))
        }
        (Change::Changed, _, _, None) => Act::Ask(Ask::NotOurs),
        (Change::Changed, Stage::Open, Touched::No, Some(_))
        | (Change::Changed, Stage::Approved, Touched::No, Some((_, ChangedAuthorised::Update))) => {
            Act::Update(None)
        }
        (Change::Changed, Stage::Approved, Touched::No, Some((_, ChangedAuthorised::Ask))) => {
            Act::Ask(Ask::Approved)
        }
        (Change::Changed, _, touched, Some(_)) => Act::Ask(Ask::Edited(touched.clone())),
        (Change::Lost, Stage::Open, Touched::No, Some((DraftOfLostDeal::Delete, _))) => {
            Act::Delete(None)
        }
        (Change::Lost, Stage::Open, touched, Some(_)) => Act::Ask(Ask::LostDraft(touched.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of rule 4's table, once for each policy.
    #[test]
    fn the_table_of_rule_4() {
        use Change::{Changed, Lost};
        let stages = [
            ("open", Stage::Open),
            ("approved", Stage::Approved),
            ("sent", Stage::Final(vec![Bar::Sent])),
            ("part-paid", Stage::Final(vec![Bar::PartPaid])),
            ("paid", Stage::Final(vec![Bar::Paid])),
            ("credited", Stage::Final(vec![Bar::Credited])),
            ("unread", Stage::Final(vec![Bar::NotReported("its status")])),
        ];
        let touches = [
            ("untouched", Touched::No),
            ("edited", Touched::In(vec!["lines"])),
            ("unknown", Touched::Unknown),
        ];
        let policies = [
            None,
            Some((DraftOfLostDeal::Ask, ChangedAuthorised::Ask)),
            Some((DraftOfLostDeal::Delete, ChangedAuthorised::Update)),
        ];
        for (stage_name, stage) in &stages {
            for (touch_name, touched) in &touches {
                for change in [Changed, Lost] {
                    for policy in policies {
                        let automatic =
                            policy.is_some_and(|(lost, _)| lost == DraftOfLostDeal::Delete);
                        let want = match (*stage_name, *touch_name, change, policy.is_some()) {
                            ("open", "untouched", Changed, true) => "update",
                            ("approved", "untouched", Changed, true) if automatic => "update",
                            ("open", "untouched", Lost, true) if automatic => "delete",
                            ("open" | "approved", _, Changed, false) => "changed-after-invoicing",
                            ("approved", "untouched", Changed, true) => "changed-after-invoicing",
                            ("open" | "approved", _, Changed, true) => "invoice-edited",
                            (_, _, Changed, _) => "needs-credit-note",
                            (_, _, Lost, _) => "deal-lost",
                        };
                        let got = match table(change, stage, touched, policy) {
                            Act::Update(None) => "update",
                            Act::Delete(None) => "delete",
                            Act::Ask(ask) => ask.reason(),
                            other => panic!("{other:?} without a person's word"),
                        };
                        assert_eq!(got, want, "{stage_name} {touch_name} {change:?} {policy:?}");
                    }
                }
            }
        }
    }
}
