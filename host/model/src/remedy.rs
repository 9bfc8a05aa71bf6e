//! What can be done about an item, by the reason that it waits for: one table, for the command line, for the check of what a
//! person decides, and for the pages under `docs/errors`.
//!
//! It does nothing itself. The planner obeys what was decided; see [`crate::ruling`].

use crate::plan::reason;
use crate::ruling::Choice;
use crate::shown::{May, Shown};

/// Something that a person can do about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Correct it at one of the two sides and have it looked at again. What waits is looked at in every run anyway.
    Retry,
    /// Correct the mapping, then have everything of that reason looked at again.
    EditMapping,
    /// Say that a request whose outcome is unknown left nothing.
    Release,
    /// Say whose value counts, the CRM's or the ledger's.
    Choose,
    /// Say that the ledger's stays. The CRM's can't be taken.
    Keep,
    /// Say that a record of the ledger is the one: of one of these objects.
    Link(&'static [&'static str]),
    /// Have the customer created in the ledger under another name than its own, which is taken there.
    CreateAs,
    /// Do it although the item warns of it; what that means, in words.
    GoAhead(&'static str),
    /// Do nothing about it, until the record changes or for good.
    Ignore,
}

use Remedy::{Choose, CreateAs, EditMapping, GoAhead, Ignore, Keep, Link, Release, Retry};

const CUSTOMER: Remedy = Link(&["customer"]);
const INVOICE: Remedy = Link(&["invoice"]);

/// Every reason with what can be done about it, the likeliest first.
pub const TABLE: &[(&str, &[Remedy])] = &[
    (
        reason::BEFORE_GO_LIVE,
        &[GoAhead("bill it although it was won before go-live"), Retry],
    ),
    (reason::ZERO_AMOUNT, &[Retry]),
    (reason::NEGATIVE_AMOUNT, &[Retry, INVOICE, Ignore]),
    (
        reason::AMOUNT_DIFFERS,
        &[Retry, EditMapping, INVOICE, Ignore],
    ),
    (reason::NO_LINES, &[Retry, EditMapping, INVOICE, Ignore]),
    (
        reason::LOOKS_ALREADY_INVOICED,
        &[
            INVOICE,
            GoAhead("bill it anyway, as a second invoice of the same amount"),
            Ignore,
            Retry,
        ],
    ),
    (
        reason::CUSTOMER_LOOKS_EXISTING,
        &[
            CUSTOMER,
            GoAhead("make a new customer: the two only look alike"),
            Ignore,
            Retry,
        ],
    ),
    (
        reason::CUSTOMER_NAME_CLASH,
        &[CUSTOMER, CreateAs, Retry, Ignore],
    ),
    (reason::CUSTOMER_MERGED, &[CUSTOMER, Retry, Ignore]),
    (reason::CUSTOMER_GONE, &[CUSTOMER, Retry, Ignore]),
    (reason::CUSTOMER_NOT_VISIBLE, &[Retry, Ignore]),
    (reason::DEAL_NOT_VISIBLE, &[Retry, Ignore]),
    (reason::CUSTOMER_CONFLICT, &[Choose, Ignore, Retry]),
    (
        reason::CUSTOMER_NEEDS_APPROVAL,
        &[
            GoAhead("carry the change over: the customer confirmed it by a way you know"),
            Choose,
            Ignore,
            Retry,
        ],
    ),
    (reason::CUSTOMER_NOT_OWNED, &[Choose, Ignore, Retry]),
    (reason::CUSTOMER_NOT_CLEARED, &[Choose, Retry]),
    (reason::CUSTOMER_DIFFERS, &[Choose, Retry]),
    (reason::CUSTOMER_LINKED_TWICE, &[Retry]),
    (reason::FOREIGN_TAX_NUMBER, &[Retry, INVOICE, Ignore]),
    (reason::CURRENCY_NOT_SUBSCRIBED, &[Retry, INVOICE, Ignore]),
    (
        reason::TAX_TYPE_UNFIT,
        &[Retry, EditMapping, INVOICE, Ignore],
    ),
    (reason::LOCKED_PERIOD, &[Retry, INVOICE, Ignore]),
    (
        reason::DATE_FAR_AHEAD,
        &[Retry, GoAhead("bill it, dated as it is"), INVOICE, Ignore],
    ),
    (reason::NO_ACCOUNT, &[Retry, EditMapping, INVOICE, Ignore]),
    (reason::ITEM_NOT_FOUND, &[Retry, INVOICE, Ignore]),
    (reason::PART_NOT_DUE, &[]),
    (reason::BILLING_PLAN_UNCLEAR, &[Retry, INVOICE, Ignore]),
    (reason::MAPPING_PROBLEM, &[EditMapping, Retry, Ignore]),
    (reason::NOT_GRANTED, &[Retry, Ignore]),
    (reason::UNRESOLVED_WRITE, &[Release, Retry]),
    (reason::CHANGED_AFTER_INVOICING, &[Choose, Retry, Ignore]),
    (reason::INVOICE_EDITED, &[Choose, Retry, Ignore]),
    (reason::NEEDS_CREDIT_NOTE, &[Keep, Retry, Ignore]),
    (reason::DEAL_LOST, &[Choose, Retry, Ignore]),
    (
        reason::KEY_STANDS_TWICE,
        &[Link(&["invoice", "customer"]), Retry, Ignore],
    ),
    (reason::NOT_WON, &[Retry]),
    (reason::UP_TO_DATE, &[]),
    (reason::REJECTED, &[Retry, EditMapping, INVOICE, Ignore]),
    (reason::IN_DOUBT, &[Release]),
    (reason::TOTAL_DIFFERS, &[Retry]),
    (reason::NUMBER_MISSING, &[Retry, INVOICE, Ignore]),
    (reason::NUMBER_TAKEN, &[INVOICE, Retry, Ignore]),
    (reason::DEAL_DELETED, &[Keep, Ignore, Retry]),
    (reason::INVOICE_VOIDED, &[Ignore, Retry]),
    (reason::AMOUNTS_DONT_ADD_UP, &[Retry]),
    (reason::NOT_REPORTED, &[Retry]),
    (reason::NO_RATE, &[Retry]),
    (reason::NOT_VISIBLE, &[Retry]),
    (reason::WAITS_FOR_ANOTHER, &[Release, Retry]),
    (reason::OUTSIDE_PILOT, &[]),
    (reason::OVER_THE_CAP, &[]),
    (
        reason::NEEDS_APPROVAL,
        &[
            GoAhead("bill it, although it is larger than the flow makes unasked"),
            INVOICE,
            Ignore,
            Retry,
        ],
    ),
    (
        reason::REWRITTEN,
        &[Retry, GoAhead("write it once more"), Choose, Ignore],
    ),
    (reason::TRY_AGAIN, &[Retry]),
    (reason::IGNORED, &[Retry]),
];

/// What can be done about an item of this reason, the likeliest first. Nothing is known of an unknown reason: it can be looked at again.
pub fn remedies(reason: &str) -> &'static [Remedy] {
    TABLE
        .iter()
        .find(|(known, _)| *known == reason)
        .map_or(&[Retry], |(_, remedies)| remedies)
}

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A deal.
    Deal,
    /// A customer that is linked, and of which a side changed.
    Customer,
    /// A record of the way back, which follows from the ledger.
    WayBack,
}

/// What can be done about one item, the likeliest first: of what its reason takes, what fits what it is about and what it shows.
pub fn of_item(reason: &str, of: Of, shown: &Shown) -> Vec<Remedy> {
    let standing = shown.standing.as_ref().map(|standing| standing.may);
    let fits = |remedy: &Remedy| match (of, remedy) {
        (Of::WayBack, Retry) => Some(Retry),
        (Of::WayBack, _) => None,
        // An invoice that went too far, or isn't the flow's, only stays. Of some changes nothing stands that could be taken.
        (Of::Deal, Choose) => match standing {
            Some(May::Follow) => Some(Choose),
            Some(May::Stay) => Some(Keep),
            None => None,
        },
        // It is linked: only where that one is gone another one takes its place.
        (Of::Customer, Link(objects)) => {
            (standing.is_some() && objects.contains(&"customer")).then_some(CUSTOMER)
        }
        // What is linked is in the ledger already; and only where a name is what is in the way another one helps.
        (Of::Customer, CreateAs) => None,
        // It has its invoice: another one would mean nothing.
        (Of::Deal, Link(["invoice"])) => standing.is_none().then_some(INVOICE),
        (Of::Deal, CreateAs) => shown.name.is_some().then_some(CreateAs),
        (_, other) => Some(*other),
    };
    remedies(reason).iter().filter_map(fits).collect()
}

/// The remedy that a choice is, where an item of this reason takes it.
pub fn allows(reason: &str, choice: &Choice) -> Option<Remedy> {
    among(remedies(reason), choice)
}

/// Whether a side is taken of an item of this reason field by field only. What was noted once may be older than what the item shows, and
/// to empty something needs a word about just that.
pub fn takes_fields_only(reason: &str) -> bool {
    [reason::CUSTOMER_DIFFERS, reason::CUSTOMER_NOT_CLEARED].contains(&reason)
}

/// The remedy of these that a choice is.
pub fn among(remedies: &[Remedy], choice: &Choice) -> Option<Remedy> {
    let is_it = |remedy: &&Remedy| match choice {
        Choice::TakeSource { .. } => **remedy == Choose,
        Choice::TakeLedger { .. } => matches!(remedy, Choose | Keep),
        Choice::LinkTo { .. } => matches!(remedy, Link(_)),
        Choice::CreateAs { .. } => **remedy == CreateAs,
        Choice::GoAhead => matches!(remedy, GoAhead(_)),
        Choice::IgnoreOnce | Choice::IgnoreAlways => **remedy == Ignore,
    };
    remedies.iter().find(is_it).copied()
}

/// The page that tells more about a reason, a kind of failure or a kind of error, from the project's folder.
pub fn page(code: &str) -> String {
    format!("docs/errors/{code}.md")
}

/// The page of a reason. What nothing waits for ("invoiced") has none.
pub fn page_of_reason(reason: &str) -> Option<String> {
    let known = TABLE.iter().any(|(known, _)| *known == reason);
    known.then(|| page(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::called::CustomerName;
    use crate::id::RecordId;
    use crate::shown::{ShownName, ShownRecord};
    use std::collections::BTreeSet;

    /// Codes as `plan::reason` has them, read from its text: a constant that nobody entered here is found.
    fn reasons() -> BTreeSet<&'static str> {
        let (_, module) = include_str!("plan.rs")
            .split_once("pub mod reason {")
            .unwrap();
        let (module, _) = module.split_once("\n}").unwrap();
        let lines = module.lines().filter(|line| line.contains("pub const"));
        lines.filter_map(|line| line.split('"').nth(1)).collect()
    }

    #[test]
    fn every_reason_says_what_can_be_done_and_nothing_else_does() {
        let listed: Vec<&str> = TABLE.iter().map(|(reason, _)| *reason).collect();
        let unique: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), unique.len(), "a reason stands twice");
        assert_eq!(unique, reasons());
        let page = page_of_reason("rejected");
        assert_eq!(page.as_deref(), Some("docs/errors/rejected.md"));
        assert_eq!(page_of_reason("invoiced"), None, "there is no such page");
    }

    #[test]
    fn an_item_takes_only_what_fits_it() {
        let standing = |may| Shown {
            standing: Some(ShownRecord {
                id: RecordId::from("i1"),
                version: "1".to_owned(),
                may,
            }),
            ..Shown::default()
        };
        let (follow, stay) = (standing(May::Follow), standing(May::Stay));
        let nothing = Shown::default();
        let taken = Shown {
            name: Some(ShownName {
                taken: "Smith & Co".to_owned(),
                proposed: None,
            }),
            ..Shown::default()
        };
        for (reason, of, shown, want) in [
            (
                reason::DEAL_LOST,
                Of::Deal,
                &follow,
                &[Choose, Retry, Ignore][..],
            ),
            (reason::DEAL_LOST, Of::Deal, &stay, &[Keep, Retry, Ignore]),
            (
                reason::CHANGED_AFTER_INVOICING,
                Of::Deal,
                &nothing,
                &[Retry, Ignore],
            ),
            (
                reason::NEEDS_CREDIT_NOTE,
                Of::Deal,
                &stay,
                &[Keep, Retry, Ignore],
            ),
            (
                reason::DEAL_DELETED,
                Of::Deal,
                &nothing,
                &[Keep, Ignore, Retry],
            ),
            (
                reason::CUSTOMER_GONE,
                Of::Deal,
                &nothing,
                &[CUSTOMER, Retry, Ignore],
            ),
            (
                reason::CUSTOMER_GONE,
                Of::Customer,
                &stay,
                &[CUSTOMER, Retry, Ignore],
            ),
            (
                reason::CUSTOMER_GONE,
                Of::Customer,
                &nothing,
                &[Retry, Ignore],
            ),
            (
                reason::CUSTOMER_NAME_CLASH,
                Of::Deal,
                &taken,
                &[CUSTOMER, CreateAs, Retry, Ignore],
            ),
            // Two records are to be linked with one customer: no name is in the way.
            (
                reason::CUSTOMER_NAME_CLASH,
                Of::Deal,
                &nothing,
                &[CUSTOMER, Retry, Ignore],
            ),
            // It is in the ledger, and was renamed.
            (
                reason::CUSTOMER_NAME_CLASH,
                Of::Customer,
                &taken,
                &[Retry, Ignore],
            ),
            (
                reason::CUSTOMER_CONFLICT,
                Of::Customer,
                &nothing,
                &[Choose, Ignore, Retry],
            ),
            (
                reason::REJECTED,
                Of::Deal,
                &nothing,
                &[Retry, EditMapping, INVOICE, Ignore],
            ),
            (
                reason::AMOUNT_DIFFERS,
                Of::Deal,
                &stay,
                &[Retry, EditMapping, Ignore],
            ),
            (
                reason::KEY_STANDS_TWICE,
                Of::Deal,
                &stay,
                &[Link(&["invoice", "customer"]), Retry, Ignore],
            ),
            // An invoice is no customer.
            (
                reason::REJECTED,
                Of::Customer,
                &stay,
                &[Retry, EditMapping, Ignore],
            ),
            (reason::REWRITTEN, Of::WayBack, &nothing, &[Retry]),
        ] {
            assert_eq!(
                of_item(reason, of, shown),
                want,
                "{reason} {of:?} {shown:?}"
            );
        }
    }

    #[test]
    fn a_choice_is_taken_only_where_it_makes_sense() {
        let link = Choice::LinkTo {
            id: RecordId::from("1"),
        };
        let other_name = Choice::CreateAs {
            name: CustomerName::new("Smith & Co (Leeds)").unwrap(),
        };
        let ledger = Choice::TakeLedger { field: None };
        let source = Choice::TakeSource { field: None };
        for (reason, choice, taken) in [
            (reason::LOOKS_ALREADY_INVOICED, &link, true),
            (reason::LOOKS_ALREADY_INVOICED, &Choice::GoAhead, true),
            (reason::LOOKS_ALREADY_INVOICED, &Choice::IgnoreAlways, true),
            (reason::LOOKS_ALREADY_INVOICED, &ledger, false),
            (reason::CUSTOMER_NAME_CLASH, &Choice::GoAhead, false),
            (reason::CUSTOMER_NAME_CLASH, &other_name, true),
            (reason::CUSTOMER_LOOKS_EXISTING, &other_name, false),
            (reason::CUSTOMER_GONE, &other_name, false),
            (reason::CUSTOMER_LOOKS_EXISTING, &Choice::GoAhead, true),
            (reason::LOCKED_PERIOD, &Choice::GoAhead, false),
            (reason::AMOUNT_DIFFERS, &link, true),
            (reason::UNRESOLVED_WRITE, &link, false),
            (reason::IN_DOUBT, &link, false),
            (reason::NEEDS_CREDIT_NOTE, &ledger, true),
            (reason::NEEDS_CREDIT_NOTE, &source, false),
            (reason::INVOICE_EDITED, &source, true),
            (reason::IN_DOUBT, &Choice::IgnoreOnce, false),
            (reason::UP_TO_DATE, &Choice::IgnoreOnce, false),
            ("of-another-version", &Choice::GoAhead, false),
        ] {
            assert_eq!(
                allows(reason, choice).is_some(),
                taken,
                "{reason} {choice:?}"
            );
        }
    }
}
