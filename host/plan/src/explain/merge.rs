//! Sentences about changes of customers. Each names the customer, the field, both values and the last agreed one.

use super::{Stop, quoted};
use crate::merge::decide::{Because, Held, Kept, Question, Verdict};
use crate::merge::field::{ADDRESS_PARTS, Field};
use crate::merge::normal::is_empty;
use crate::merge::policy::Side;
use crate::merge::state::Pair;
use footbridge_model::document::Document;
use footbridge_model::doubt::stands_in_the_way;
use footbridge_model::id::RecordKey;
use footbridge_model::plan::reason;

/// What came of one field, for sentences.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) field: Field,
    pub(crate) verdict: Verdict,
    pub(crate) now: Option<Pair>,
    pub(crate) agreed: Option<Pair>,
}

/// The reasons that a ruling which names the field may answer this under.
pub(crate) fn answered_by(question: Question<'_>) -> &'static [&'static str] {
    match question {
        Question::Held(Held::Conflict) | Question::Kept(_) | Question::AsAgreed => &[
            reason::CUSTOMER_CONFLICT,
            reason::CUSTOMER_NOT_OWNED,
            reason::CUSTOMER_NOT_CLEARED,
            reason::CUSTOMER_DIFFERS,
        ],
        Question::Held(Held::Approval(_) | Held::Chosen(_)) => &[reason::CUSTOMER_NEEDS_APPROVAL],
        Question::Held(Held::Rewritten(_)) => &[reason::REWRITTEN],
        Question::Held(Held::NameTaken(_)) => &[reason::CUSTOMER_NAME_CLASH],
    }
}

/// The one reason that an item shows it under: a ruling that names no field speaks of nothing else.
pub(crate) fn shown_as(question: Question<'_>) -> Option<&'static str> {
    match question {
        Question::Held(held) => Some(held.reason()),
        Question::Kept(kept) => Some(kept.reason()),
        Question::AsAgreed => None,
    }
}

/// Every field that the note about a customer shows, with its own reason.
pub(crate) fn all_shown(all: &[Told]) -> impl Iterator<Item = (Field, &'static str)> {
    all.iter().filter_map(|told| match &told.verdict {
        Verdict::Hold(held) => Some((told.field, held.reason())),
        Verdict::Keep(Kept::Ignored) => None,
        Verdict::Keep(kept) => Some((told.field, kept.reason())),
        Verdict::Nothing | Verdict::Write { .. } => None,
    })
}

/// The one note about a customer: everything that waits, and behind it everything that stays different.
pub(crate) fn told(name: &str, sides: (&str, &str), all: &[Told]) -> Option<Stop> {
    let held: Vec<(&Told, &Held)> = all
        .iter()
        .filter_map(|told| match &told.verdict {
            Verdict::Hold(held) => Some((told, held)),
            _ => None,
        })
        .collect();
    let kept: Vec<(&Told, Kept)> = all
        .iter()
        .filter_map(|told| match told.verdict {
            Verdict::Keep(kept) => Some((told, kept)),
            _ => None,
        })
        .collect();
    let sentence = |told: &Told, said: String| {
        format!("the {}{} {said}", told.field.title, values(told, sides))
    };
    if let Some((_, first)) = held.iter().min_by_key(|(_, held)| rank(held)) {
        let waiting = (held.iter()).map(|(told, held)| sentence(told, waits(told, held, sides)));
        let staying = kept.iter().filter(|(_, kept)| *kept != Kept::Ignored);
        let staying = staying.map(|(told, kept)| sentence(told, stays(told, *kept, sides)));
        let said: Vec<String> = waiting.chain(staying).collect();
        return Some(Stop::hold(
            first.reason(),
            format!("Customer {}: {}", quoted(name), said.join("; ")),
        ));
    }
    let (_, first) = kept.iter().min_by_key(|(_, kept)| order(*kept))?;
    let said: Vec<String> = kept
        .iter()
        .map(|(told, kept)| sentence(told, stays(told, *kept, sides)))
        .collect();
    Some(Stop::skip(
        first.reason(),
        format!("Customer {}: {}", quoted(name), said.join("; ")),
    ))
}

fn rank(held: &Held) -> u8 {
    match held {
        Held::Conflict => 0,
        Held::Rewritten(_) => 1,
        Held::Approval(_) | Held::Chosen(_) => 2,
        Held::NameTaken(_) => 3,
    }
}

fn order(kept: Kept) -> u8 {
    match kept {
        Kept::NotOwned(_)
        | Kept::NoPlace
        | Kept::NoWholePlace
        | Kept::PartMissing(_)
        | Kept::Beside => 0,
        Kept::NotCleared(_) | Kept::LeftOut => 1,
        Kept::FirstSight => 2,
        Kept::Ignored => 3,
    }
}

fn named<'a>(side: Side, sides: (&'a str, &'a str)) -> &'a str {
    match side {
        Side::Source => sides.0,
        Side::Ledger => sides.1,
    }
}

fn waits(told: &Told, held: &Held, sides: (&str, &str)) -> String {
    match held {
        Held::Conflict => "was changed on both sides. Choose whose value counts.".to_owned(),
        Held::Approval(to) => format!(
            "was changed in {}. A changed invoice e-mail or tax number may be fraud: ask the customer by a way you know, then say go ahead, or choose a side. Nothing was written to {}.",
            named(to.other(), sides),
            named(*to, sides)
        ),
        Held::Chosen(to) => format!(
            "is to go to {1} as it is in {0}, since that side was taken for a whole item. An invoice e-mail or tax number needs a yes of its own (a changed one may be fraud): ask the customer by a way you know, then say go ahead, or choose a side with `--field {2}`. Nothing was written to {1}.",
            named(to.other(), sides),
            named(*to, sides),
            told.field.name
        ),
        Held::Rewritten(to) => format!(
            "was written to {0} several times today, and something there rewrites this. Look for a rule or a trigger of {0}; then `footbridge items retry` it, choose a side, or leave it.",
            named(*to, sides)
        ),
        Held::NameTaken(id) => format!(
            "was changed in {}, and another customer of {} is called like that ({id}). Nothing that exists is renamed to make room: give one of them another name.",
            sides.0, sides.1
        ),
    }
}

fn stays(told: &Told, kept: Kept, sides: (&str, &str)) -> String {
    match kept {
        Kept::NotOwned(by) => format!(
            "was changed in {}, but belongs to {}, where it stays as it is.",
            named(by, sides),
            named(by.other(), sides)
        ),
        Kept::NoPlace => format!(
            "was changed in {1}, and {0} has no place for it, so both stay as they are. Name one under `back` of the flow's customers, or take a side with `--field {2}`.",
            sides.0, sides.1, told.field.name
        ),
        Kept::NoWholePlace => format!(
            "was changed in {1}, and {0} has no place for a part in which they differ. An address goes over whole, so both stay as they are. Name a place for each part under `back` of the flow's customers, or take a side with `--field {2}`.",
            sides.0, sides.1, told.field.name
        ),
        Kept::PartMissing(by) => format!(
            "was changed in {0}, where a part is empty that {1} holds. An address goes over whole, and that would empty the part in {1}, which nobody did: both stay as they are. Fill the part in {0}, or take a side with `--field {2}`.",
            named(by, sides),
            named(by.other(), sides),
            told.field.name
        ),
        Kept::Beside => format!(
            "has another street in {0}, and in {1} it holds more than {0} tells of (line 3, line 4, or who it is for the attention of), which would stand beside a street that it may not belong to: both stay as they are. Empty or correct that in {1}, or send the rest beside it with `--source --field {2}`.",
            sides.0, sides.1, told.field.name
        ),
        Kept::NotCleared(by) if told.field.name == "name" => format!(
            "was emptied in {}, and a name is never emptied.",
            named(by, sides)
        ),
        Kept::NotCleared(by) => format!(
            "was emptied in {}, and emptying is not carried over. To take a side, name the field: `--field {}`.",
            named(by, sides),
            told.field.name
        ),
        Kept::LeftOut => format!(
            "is no longer made by the mapping: emptied in {0} or not read, which can't be told apart, so nothing is emptied in {1}. Name its place under `back` of the flow's customers, or say `--field {2} --ledger` if {1}'s counts.",
            sides.0, sides.1, told.field.name
        ),
        Kept::FirstSight => format!(
            "differed when the two were first compared. Both stay as they are; later changes go on from here. To take a side, name the field: `--field {}`.",
            told.field.name
        ),
        Kept::Ignored => "is left as it is, as somebody decided.".to_owned(),
    }
}

fn values(told: &Told, sides: (&str, &str)) -> String {
    let Some(now) = &told.now else {
        return String::new();
    };
    let agreed = told.agreed.as_ref().filter(|agreed| *agreed != now);
    let before = agreed.map(|agreed| {
        let (source, ledger) = (shown(&agreed.source), shown(&agreed.ledger));
        if source == ledger {
            format!(", last agreed {source}")
        } else {
            format!(", last agreed {source} and {ledger}")
        }
    });
    format!(
        " ({} in {}, {} in {}{})",
        shown(&now.source),
        sides.0,
        shown(&now.ledger),
        sides.1,
        before.unwrap_or_default()
    )
}

/// A value in a sentence.
fn shown(value: &Document) -> String {
    match value {
        value if is_empty(value) => "empty".to_owned(),
        Document::Text(text) => quoted(text),
        Document::Object(_) => {
            let parts: Vec<&str> = ADDRESS_PARTS
                .into_iter()
                .filter_map(|part| value.text(part))
                .filter(|text| !text.trim().is_empty())
                .collect();
            quoted(&parts.join(", "))
        }
        other => other.canonical(),
    }
}

/// Why an update is made.
pub(crate) fn why(name: &str, sides: (&str, &str), all: &[&Told]) -> String {
    let said: Vec<String> = all
        .iter()
        .filter_map(|told| match &told.verdict {
            Verdict::Write { to, why, .. } => Some(format!(
                "{} {}",
                told.field.title,
                because(*why, *to, sides)
            )),
            _ => None,
        })
        .collect();
    format!("Customer {}: {}", quoted(name), said.join(", "))
}

fn because(why: Because, to: Side, sides: (&str, &str)) -> String {
    let (here, there) = (named(to, sides), named(to.other(), sides));
    match why {
        Because::Changed => format!("as it was changed in {there}"),
        Because::Won => format!("as it is in {there}, which counts where both changed"),
        Because::Filled => format!("which {here} doesn't have, from {there}"),
        Because::Again => {
            format!("once more as it is in {there}, since {here} holds something else")
        }
        Because::Said | Because::SaidOfAll => format!("as it is in {there}, as somebody decided"),
    }
}

pub(crate) fn not_visible(name: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NOT_VISIBLE,
        format!(
            "Customer {} is linked with customer {id} of the ledger, which can't be seen. Nothing is written; absent is not deleted. Sync again, or check the link.",
            quoted(name)
        ),
    )
}

pub(crate) fn source_not_visible(name: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NOT_VISIBLE,
        format!(
            "The CRM doesn't show customer {} any more and doesn't say that it is deleted either. Nothing is written; absent is not deleted. Look whether it is there, and whether the connection's user may see it.",
            quoted(name)
        ),
    )
}

pub(crate) fn unresolved(name: &str) -> Stop {
    Stop::hold(
        reason::UNRESOLVED_WRITE,
        stands_in_the_way(&format!("customer {}", quoted(name))),
    )
}

pub(crate) fn linked_twice(name: &str) -> Stop {
    Stop::skip(
        reason::CUSTOMER_LINKED_TWICE,
        format!(
            "Customer {} is linked with several customers of the ledger, so no change of it is carried over.",
            quoted(name)
        ),
    )
}

pub(crate) fn shared(name: &str, id: &str, other: &RecordKey) -> Stop {
    Stop::skip(
        reason::CUSTOMER_LINKED_TWICE,
        format!(
            "Customer {id} of the ledger stands for {} and for {} {}, so no change of either is carried over.",
            quoted(name),
            other.object,
            other.id
        ),
    )
}

pub(crate) fn source_gone(name: &str, id: &str) -> Stop {
    Stop::skip(
        reason::CUSTOMER_GONE,
        format!(
            "Customer {} was deleted in the CRM. Customer {id} of the ledger stays as it is.",
            quoted(name)
        ),
    )
}

pub(crate) fn archived(name: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_GONE,
        format!(
            "Customer {} was archived in the ledger ({id}), where archived customers can't be changed. Restore it there, or link another one.",
            quoted(name)
        ),
    )
}

pub(crate) fn merged_away(name: &str, id: &str, into: Option<&str>) -> Stop {
    let into = into.map_or_else(
        || "another one".to_owned(),
        |into| format!("customer {into}"),
    );
    Stop::hold(
        reason::CUSTOMER_MERGED,
        format!(
            "Customer {} ({id}) was merged into {into} in the ledger, which can't take its place: it is not active, or stands for somebody else. Link the right one.",
            quoted(name)
        ),
    )
}

pub(crate) fn two_for_one(name: &str, master: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_MERGED,
        format!(
            "Customer {} was merged into {master} in the CRM, and each has a customer of its own in the ledger ({id} is this one's). Merge those in the ledger as well; the link follows.",
            quoted(name)
        ),
    )
}
