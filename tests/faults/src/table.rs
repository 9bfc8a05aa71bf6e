//! Prints: the matrix in Markdown, its reasons, and what the registry says of each kind. It adds nothing to what was played.

use crate::cell::{Outcome, Played};
use crate::column::Column;
use crate::row::ROWS;
use footbridge_model::write_kind::{KnownBy, ReadBack, Unique, WRITE_KINDS};
use std::collections::BTreeMap;

/// A line for each fault, a column for each kind of write: it is read downwards on paper.
pub fn table(all: &[Played]) -> String {
    let mut text = String::from("| fault |");
    for (n, _) in ROWS.iter().enumerate() {
        text.push_str(&format!(" {} |", n + 1));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(ROWS.len()));
    text.push('\n');
    for column in Column::all() {
        let of = |row: &str| {
            all.iter()
                .find(|played| played.row == row && played.column == column)
        };
        if !ROWS.iter().any(|row| of(row.name).is_some()) {
            continue;
        }
        text.push_str(&format!("| {} |", column.name()));
        for row in ROWS {
            let shown = match of(row.name).map(|played| &played.outcome) {
                None => "",
                Some(Outcome::Right { waited_for }) if waited_for.is_empty() => "1",
                Some(Outcome::Right { .. }) => "1 p",
                Some(Outcome::Wrong(_)) => "WRONG",
                Some(Outcome::Known(_)) => "!",
                Some(Outcome::Cannot(_)) => "-",
                Some(Outcome::Skipped(_)) => "skipped",
            };
            text.push_str(&format!(" {shown} |"));
        }
        text.push('\n');
    }
    for (n, row) in ROWS.iter().enumerate() {
        text.push_str(&format!("{}: {}. ", n + 1, row.name));
    }
    text.push_str(
        "\n\n1: exactly one effect each, nothing lost, nothing in doubt, right to the cent, and the last run writes nothing. 1 p: the same, after a person \
         decided what waited for one. !: known to be wrong, see README.md. -: it can't happen there.\n",
    );
    text
}

/// Why cells can't be, each reason once.
pub fn reasons(all: &[Played]) -> BTreeMap<&'static str, Vec<String>> {
    let mut reasons: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for played in all {
        if let Outcome::Cannot(why) = played.outcome {
            let cell = format!("{} x {}", played.row, played.column.name());
            reasons.entry(why).or_default().push(cell);
        }
    }
    reasons
}

/// What the registry says: what finds each kind again, how it is read back, and whether the far side refuses a second one.
pub fn kinds() -> String {
    let mut text = String::from(
        "| kind of write | found again by | read back | a second one is refused |\n|---|---|---|---|\n",
    );
    for kind in WRITE_KINDS {
        let known = match kind.known_by {
            KnownBy::NaturalKey(field) => format!("its `{field}`"),
            KnownBy::TargetId(_) => "the id of what it changes".to_owned(),
            KnownBy::BeforeImage => "the children of its parent, before and after".to_owned(),
            KnownBy::Names => "the names of its parts".to_owned(),
        };
        let read = match kind.read_back {
            ReadBack::ByKey => "by that key, every field compared",
            ReadBack::ById => "by that id, every written field compared",
            ReadBack::BySurvey => "by reading the whole set-up",
        };
        let unique = match kind.unique {
            Unique::Enforced(field) => format!("by the vendor, on `{field}`"),
            Unique::Ours => "by nobody but our own look".to_owned(),
            Unique::Inherent => "needless: it changes what exists".to_owned(),
        };
        text.push_str(&format!(
            "| {} | {known} | {read} | {unique} |\n",
            kind.name
        ));
    }
    text
}
