//! Reads the TOML of a mapping into a checked form, or into a list of everything that is wrong with it.
//!
//! It never accepts what it does not know: each problem names the line, the key, what was found and what is
//! accepted. The flow goes on in `describe` and `apply`, which can rely on every name in here.

mod fields;
mod toml_text;

use std::collections::BTreeMap;
use std::sync::Arc;

use footbridge_sdk::failure::{Code, problem};
use footbridge_sdk::mapping::Problem;

use crate::expression::Expression;
use crate::functions::Tables;
use crate::vocabulary::{Field, KINDS, Kind, kind};
use toml_text::{Entry, Text};

/// A mapping that was read and checked.
#[derive(Debug)]
pub struct Mapping {
    /// One entry per pair of source object and target kind.
    pub(crate) maps: Vec<ObjectMap>,
    pub(crate) tables: Arc<Tables>,
}

/// From one source object to one target kind.
#[derive(Debug)]
pub(crate) struct ObjectMap {
    pub(crate) from: String,
    pub(crate) to: &'static Kind,
    /// Records for which it is false get no draft.
    pub(crate) when: Option<Expression>,
    pub(crate) fields: Vec<FieldMap>,
}

/// How one field of the target gets its value.
#[derive(Debug)]
pub(crate) struct FieldMap {
    pub(crate) field: &'static Field,
    /// The field's path, for example `lines[].quantity`.
    pub(crate) path: String,
    pub(crate) value: FieldSource,
}

#[derive(Debug)]
pub(crate) enum FieldSource {
    Expression(Expression),
    Reference { object: String, id: Expression },
    List(Vec<Part>),
}

/// One part of a list: a single element, or one for each element of a source list.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) each: Option<Each>,
    pub(crate) when: Option<Expression>,
    pub(crate) fields: Vec<FieldMap>,
}

/// The source list that a part goes through.
#[derive(Debug)]
pub(crate) struct Each {
    /// Its path in the record.
    pub(crate) list: String,
    /// The name that stands for one element in expressions.
    pub(crate) name: String,
    /// Sorts the elements by this decimal, those without one last.
    pub(crate) order_by: Option<Expression>,
}

/// Keys of a `[[map]]`.
pub const MAP_KEYS: [&str; 4] = ["from", "to", "when", "fields"];

/// Keys of a part of a list.
pub const PART_KEYS: [&str; 5] = ["each", "as", "when", "order_by", "fields"];

/// Keys of a reference.
pub const REFERENCE_KEYS: [&str; 2] = ["object", "id"];

/// Reads a mapping.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn parse(source: &str) -> Result<Mapping, Vec<Problem>> {
    let text = Text::new(source);
    let root = text.parse().map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    root.known_keys(&["map", "tables"], "a mapping", &mut problems);
    let tables = Arc::new(tables(&root, &mut problems));
    let mut maps: Vec<ObjectMap> = Vec::new();
    match root.get("map").map(|entry| {
        (
            entry.tables("a list of tables, each written [[map]]"),
            entry,
        )
    }) {
        None => problems.push(problem(
            Code::MissingField,
            "Line 1: there is no [[map]]; a mapping needs at least one, with from, to and fields.",
        )),
        Some((Err(problem), _)) => problems.push(problem),
        Some((Ok(entries), _)) => {
            for entry in entries {
                let Some(map) = object_map(&entry, &tables, &mut problems) else {
                    continue;
                };
                if maps
                    .iter()
                    .any(|other| other.from == map.from && other.to.name == map.to.name)
                {
                    let message = format!(
                        "{} is already mapped to {} above; one record would get two drafts. Put both into one [[map]]",
                        map.from, map.to.name
                    );
                    problems.push(entry.problem(Code::DuplicateKey, &message));
                }
                maps.push(map);
            }
        }
    }
    if problems.is_empty() {
        Ok(Mapping { maps, tables })
    } else {
        Err(problems)
    }
}

/// The problem of settings that are wrong without a problem to show for it, which `parse` never gives.
pub(crate) fn unreadable() -> Problem {
    problem(Code::Settings, "The mapping can't be read.")
}

fn tables(root: &Entry<'_>, problems: &mut Vec<Problem>) -> Tables {
    let mut tables = Tables::new();
    let Some(entry) = root.get("tables") else {
        return tables;
    };
    for table in entry.children_or("a table of tables, each written [tables.name]", problems) {
        let mut rows = BTreeMap::new();
        for row in table.children_or("a table of texts, key = \"value\"", problems) {
            match row.text("a text in quotes") {
                Ok(value) => {
                    rows.insert(row.key.clone(), value.to_owned());
                }
                Err(problem) => problems.push(problem),
            }
        }
        tables.insert(table.key.clone(), rows);
    }
    tables
}

fn object_map(
    entry: &Entry<'_>,
    tables: &Tables,
    problems: &mut Vec<Problem>,
) -> Option<ObjectMap> {
    entry.known_keys(&MAP_KEYS, "a [[map]]", problems);
    let from = entry.needed_text(
        "from",
        "the source's object, for example \"Account\"",
        problems,
    );
    let to = entry.needed_text(
        "to",
        "the target's kind, for example \"customer\"",
        problems,
    );
    let to = to.and_then(|to| {
        let found = kind(&to);
        if found.is_none() {
            let place = entry.get("to").unwrap_or_else(|| entry.clone());
            problems.push(place.unknown(
                Code::UnknownObject,
                "kind",
                &to,
                KINDS.iter().map(|kind| kind.name),
            ));
        }
        found
    });
    let scope = fields::Scope {
        element: None,
        tables,
    };
    let when = entry
        .get("when")
        .and_then(|when| scope.condition(&when, problems));
    let Some(given) = entry.get("fields") else {
        problems.push(entry.problem(
            Code::MissingField,
            "it has no fields; write them under [map.fields]",
        ));
        return None;
    };
    let to = to?;
    let fields = fields::fields(&given, to.fields, "", &scope, problems);
    Some(ObjectMap {
        from: from?,
        to,
        when,
        fields,
    })
}

#[cfg(test)]
mod tests;
