//! The exact commands that fit an item, with what each means.

use super::Place;
use crate::render::{safe, theirs};
use crate::typed;
use footbridge_engine::{Decision, Evidence};
use footbridge_model::plan::reason;
use footbridge_model::remedy::{Remedy, takes_fields_only};
use footbridge_model::request::RequestState;

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advice {
    /// The command as it has to be typed.
    pub(super) command: String,
    /// What it means.
    pub(super) meaning: String,
}

/// All that can be done about an item, by what it takes.
pub(super) fn of(
    item: &Decision,
    remedies: &[Remedy],
    evidence: Option<&Evidence>,
    place: &Place,
) -> Vec<Advice> {
    let id = safe(item.subject.record.id.as_str(), 160);
    let id = typed::quoted(&id);
    let part = match item.subject.part {
        0 | 1 => String::new(),
        part => format!(" --part {part}"),
    };
    let command = |action: &str, rest: &str, meaning: String| Advice {
        command: typed::command(&format!("items {action} {id}{rest}{part}{}", place.flow)),
        meaning,
    };
    let mut all = Vec::new();
    for remedy in remedies {
        match remedy {
            Remedy::Retry => all.push(Advice {
                command: typed::command(&format!("items retry {id}{}", place.flow)),
                meaning: match item.reason.as_str() {
                    reason::TOTAL_DIFFERS => {
                        "you looked at it in the ledger, and it may stay as it is".to_owned()
                    }
                    reason::IGNORED => "ignore it no longer".to_owned(),
                    reason::REWRITTEN => "after you found what changes it: the next sync writes it once more".to_owned(),
                    reason::WAITS_FOR_ANOTHER => "after you corrected what it waits for: the next sync tries both again".to_owned(),
                    _ => "after you corrected it: the next sync looks at it again".to_owned(),
                },
            }),
            Remedy::EditMapping => all.push(Advice {
                command: typed::command(&format!("items retry --reason {}{}", item.reason, place.flow)),
                meaning: format!(
                    "after you corrected the mapping, {}: the next sync looks at everything of this reason again",
                    place.mapping.display()
                ),
            }),
            Remedy::Release => all.extend(
                evidence
                    .filter(|evidence| evidence.state == RequestState::NeedsPerson)
                    .map(|evidence| Advice {
                        command: typed::command(&format!(
                            "items release {}{}",
                            evidence.request, place.flow
                        )),
                        meaning: format!(
                            "only if you looked in {} and it is not there: it is made again",
                            evidence.connection
                        ),
                    }),
            ),
            Remedy::Choose => {
                let field = match takes_fields_only(&item.reason) {
                    true => " --field FIELD",
                    false => "",
                };
                for (side, whose) in [("source", "the CRM's"), ("ledger", "the ledger's")] {
                    let rest = format!(" --{side}{field}");
                    all.push(command("choose", &rest, format!("{whose} value counts")));
                }
            }
            Remedy::Keep => {
                all.push(command("choose", " --ledger", "the ledger's value counts".to_owned()));
            }
            Remedy::Link(objects) => all.push(command(
                "link",
                " LEDGER-ID",
                format!(
                    "it is this {} of the ledger, by its id or number; nothing is written to it",
                    objects.join(" or ")
                ),
            )),
            Remedy::CreateAs => {
                let proposed = item.shown.name.as_ref().and_then(|n| n.proposed.as_ref());
                // A name that a terminal shows otherwise than it is can't be pasted.
                let proposed = proposed.filter(|name| safe(name.as_str(), 300) == name.as_str());
                let rest = match proposed {
                    Some(name) => format!(" {}", typed::quoted(name.as_str())),
                    None => " NAME".to_owned(),
                };
                all.push(command(
                    "create-as",
                    &rest,
                    "make a new customer in the ledger under this name, or one of your own; nothing that exists is renamed".to_owned(),
                ));
            }
            Remedy::GoAhead(what) => all.push(command("approve", "", (*what).to_owned())),
            Remedy::Ignore => {
                all.push(command(
                    "ignore",
                    "",
                    "do nothing about it until the record changes".to_owned(),
                ));
                all.push(command(
                    "ignore",
                    " --always",
                    "do nothing about it for good: a deal that has no invoice is never billed then. Other problems of an invoice or of a customer are still told".to_owned(),
                ));
            }
        }
    }
    all
}

/// What can be done about what another item waits for.
pub(super) fn of_first(
    first: &Decision,
    remedies: &[Remedy],
    evidence: Option<&Evidence>,
    place: &Place,
) -> Vec<Advice> {
    let called = theirs(&first.subject.title, 60);
    let id = safe(first.subject.record.id.as_str(), 160);
    let id = typed::quoted(&id);
    let whole = Advice {
        command: typed::command(&format!("items show {id}{}", place.flow)),
        meaning: format!("what {called} waits for ({}), whole", first.reason),
    };
    let of_it = of(first, remedies, evidence, place).into_iter();
    let of_it = of_it.map(|advice| Advice {
        meaning: format!("{called}: {}", advice.meaning),
        ..advice
    });
    std::iter::once(whole).chain(of_it).collect()
}

/// For a problem of the mapping: its file, and the line of the field that the item names, where it is found.
pub(super) fn mapping_line(item: &Decision, place: &Place) -> Option<String> {
    if item.reason != reason::MAPPING_PROBLEM {
        return None;
    }
    let file = place.mapping.display();
    let text = std::fs::read_to_string(&place.mapping).unwrap_or_default();
    Some(match line_of(&text, &item.message) {
        Some(line) => format!("The mapping: {file}, line {line}."),
        None => format!("The mapping: {file}."),
    })
}

/// The line, from 1, on which a mapping sets the field that a message names: `(field "lines.quantity")`.
fn line_of(mapping: &str, message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("(field \"")?;
    let (path, _) = rest.split_once('"')?;
    let field = path
        .rsplit(['.', '['])
        .find(|part| part.chars().any(char::is_alphabetic))?;
    let wanted = if message.contains("could not handle the customer") {
        "customer"
    } else {
        "invoice"
    };
    let mut to = String::new();
    for (number, line) in mapping.lines().enumerate() {
        let line = line.trim();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let key = key.trim().trim_start_matches('[').trim_end_matches(']');
        if key == "to" {
            to = value.trim().trim_matches(['"', '\'']).to_owned();
        }
        let last = key.rsplit('.').next().unwrap_or(key);
        if to == wanted && last == field && !line.starts_with('#') {
            return Some(number + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn the_line_of_the_field_that_a_message_names() {
        let mapping = include_str!("../../../../../templates/mappings/lead-to-cash.toml");
        let line = |text: &str| {
            mapping
                .lines()
                .position(|l| l.starts_with(text))
                .map(|n| n + 1)
        };
        for (message, want) in [
            (
                "The mapping could not handle the deal: x (field \"reference\"). Y",
                line("reference ="),
            ),
            (
                "The mapping could not handle the customer, Account 1: x (field \"tax_number\"). Y",
                line("tax_number ="),
            ),
            (
                "The mapping could not handle the deal: x (field \"lines[].quantity\"). Y",
                line("quantity ="),
            ),
            (
                "The mapping could not handle the deal: x (field \"nowhere\"). Y",
                None,
            ),
            ("The mapping made no invoice of the deal.", None),
        ] {
            assert_eq!(line_of(mapping, message), want, "{message}");
        }
        assert!(line("quantity =").is_some());
    }
}
