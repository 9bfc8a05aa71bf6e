//! Parts as the contract tells them, and their names in requests.

use footbridge_sdk::failure::{Code, problem};
use footbridge_sdk::provisioner::provision::{Change, Kind, Part, State};

/// A part of this standing.
pub(crate) fn part(kind: Kind, name: impl Into<String>, label: &str, state: State) -> Part {
    Part {
        kind,
        name: name.into(),
        label: label.to_owned(),
        state,
        note: None,
    }
}

/// What isn't ours to change, or not possible, and what a person does instead.
pub(crate) fn cannot(code: Code, message: impl Into<String>) -> State {
    State::Cannot(problem(code, message))
}

/// A difference.
pub(crate) fn change(what: &str, old: impl Into<String>, new: impl Into<String>) -> Change {
    Change {
        what: what.to_owned(),
        old: old.into(),
        new: new.into(),
    }
}

/// Present, or what would be changed.
pub(crate) fn differing(changes: Vec<Change>) -> State {
    if changes.is_empty() {
        State::Present
    } else {
        State::Differs(changes)
    }
}

/// Whether something is to be done about it.
pub(crate) fn is_open(part: &Part) -> bool {
    matches!(part.state, State::Missing | State::Differs(_))
}

/// A part's name in `operations` of a request.
pub(crate) fn told(part: &Part) -> String {
    format!("{} {}", word(part.kind), part.name)
}

/// The kind in a word.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "object",
        Kind::Field => "field",
        Kind::Tab => "tab",
        Kind::Layout => "layout",
        Kind::PermissionSet => "permission-set",
        Kind::Assignment => "assignment",
        Kind::ListView => "list-view",
        Kind::RelatedList => "related-list",
        Kind::ReportFolder => "report-folder",
        Kind::Report => "report",
    }
}
