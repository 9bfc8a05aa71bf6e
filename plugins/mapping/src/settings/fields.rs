//! Reads the fields of a map: every value by the shape of the field that it is for.
//!
//! It never lets a field through that the mapping may not write, and checks constants against the field's shape, so
//! that a typing error in one is found when the mapping is installed and not with the first record.

use footbridge_sdk::failure::Code;
use footbridge_sdk::mapping::Problem;

use super::toml_text::Entry;
use super::{Each, FieldMap, FieldSource, PART_KEYS, Part, REFERENCE_KEYS};
use crate::apply::shaped;
use crate::expression::{self, Expression};
use crate::functions::{Tables, VARIABLES};
use crate::vocabulary::{Field, Shape, Source};

/// What expressions can see.
pub(super) struct Scope<'a> {
    /// The name that stands for a list's element, with the list's path.
    pub(super) element: Option<(&'a str, &'a str)>,
    pub(super) tables: &'a Tables,
}

impl Scope<'_> {
    fn expression(&self, entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Expression> {
        let wanted = "an expression in quotes: a path such as \"Name\", a constant such as \"'exclusive'\" or \"'1.50'\"";
        let source = match entry.text(wanted) {
            Ok(source) => source,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        match expression::compile(source, self.element, self.tables) {
            Ok(expression) => Some(expression),
            Err(faults) => {
                problems.extend(
                    faults
                        .into_iter()
                        .map(|fault| entry.problem_below(fault.line, fault.code, &fault.message)),
                );
                None
            }
        }
    }

    pub(super) fn condition(
        &self,
        entry: &Entry<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Expression> {
        let condition = self.expression(entry, problems)?;
        if condition
            .literal
            .as_ref()
            .is_some_and(|value| !matches!(value, cel::Value::Bool(_)))
        {
            let message = format!(
                "a condition must be true or false, found {}",
                condition.source
            );
            problems.push(entry.problem(Code::InvalidValue, &message));
            return None;
        }
        Some(condition)
    }
}

/// Reads a table of fields.
pub(super) fn fields(
    entry: &Entry<'_>,
    known: &'static [Field],
    prefix: &str,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<FieldMap> {
    let mut read = Vec::new();
    let given = match entry.children("a table of fields") {
        Ok(given) => given,
        Err(problem) => {
            problems.push(problem);
            return read;
        }
    };
    for value in &given {
        let Some(field) = known.iter().find(|field| field.name == value.key) else {
            let accepted = known
                .iter()
                .filter(|field| matches!(field.source, Source::Needed | Source::Optional));
            problems.push(value.unknown(
                Code::UnknownField,
                "field",
                &value.key,
                accepted.map(|field| field.name),
            ));
            continue;
        };
        if matches!(field.source, Source::Host | Source::Ledger) {
            problems.push(value.problem(
                Code::UnknownField,
                &format!("this field is {}; leave it out", field.source.words()),
            ));
            continue;
        }
        let path = format!("{prefix}{}", field.name);
        if let Some(source) = source(value, field, &path, scope, problems) {
            read.push(FieldMap {
                field,
                path,
                value: source,
            });
        }
    }
    for field in known.iter().filter(|field| field.source == Source::Needed) {
        if !given.iter().any(|value| value.key == field.name) {
            problems.push(entry.problem(
                Code::MissingField,
                &format!("the field \"{}\" is needed and not there", field.name),
            ));
        }
    }
    read
}

fn source(
    entry: &Entry<'_>,
    field: &'static Field,
    path: &str,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Option<FieldSource> {
    match &field.shape {
        Shape::Reference => reference(entry, scope, problems),
        Shape::List(known) => parts(entry, known, path, scope, problems).map(FieldSource::List),
        shape => {
            let expression = scope.expression(entry, problems)?;
            if let Some(Err(why)) = expression
                .literal
                .as_ref()
                .map(|value| shaped(value, shape))
            {
                problems.push(entry.problem(Code::InvalidValue, &why));
                return None;
            }
            Some(FieldSource::Expression(expression))
        }
    }
}

fn reference(
    entry: &Entry<'_>,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Option<FieldSource> {
    let wanted = "a reference, { ref = { object = \"Account\", id = \"AccountId\" } }";
    if let Err(problem) = entry.children(wanted) {
        problems.push(problem);
        return None;
    }
    entry.known_keys(&["ref"], "a reference field", problems);
    let Some(reference) = entry.get("ref") else {
        problems.push(entry.problem(
            Code::MissingField,
            &format!("the key \"ref\" is not there; accepted: {wanted}"),
        ));
        return None;
    };
    if let Err(problem) =
        reference.children("a table, { object = \"Account\", id = \"AccountId\" }")
    {
        problems.push(problem);
        return None;
    }
    reference.known_keys(&REFERENCE_KEYS, "a reference", problems);
    let object = reference.needed_text(
        "object",
        "the referenced record's object, for example \"Account\"",
        problems,
    );
    let Some(id) = reference.get("id") else {
        problems.push(reference.problem(
            Code::MissingField,
            "the key \"id\" is not there; it gives the referenced record's id",
        ));
        return None;
    };
    let id = scope.expression(&id, problems)?;
    Some(FieldSource::Reference {
        object: object?,
        id,
    })
}

fn parts(
    entry: &Entry<'_>,
    known: &'static [Field],
    path: &str,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Part>> {
    let wanted = format!(
        "a list of parts, each written [[...{}]] with its own fields",
        entry.key
    );
    let entries = match entry.tables(&wanted) {
        Ok(entries) => entries,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    Some(
        entries
            .iter()
            .filter_map(|part| self::part(part, known, path, scope, problems))
            .collect(),
    )
}

fn part(
    entry: &Entry<'_>,
    known: &'static [Field],
    path: &str,
    outer: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Part> {
    entry.known_keys(&PART_KEYS, "a part of a list", problems);
    let list = entry
        .get("each")
        .and_then(|each| source_list(&each, problems));
    let name = match (entry.get("each"), entry.get("as")) {
        (None, None) => None,
        (Some(_), _) => element_name(entry, problems),
        (None, Some(name)) => {
            problems.push(name.problem(
                Code::InvalidValue,
                "\"as\" names an element of the list in \"each\", which is not there",
            ));
            None
        }
    };
    let scope = Scope {
        element: name.as_deref().zip(list.as_deref()),
        tables: outer.tables,
    };
    let when = entry
        .get("when")
        .and_then(|when| scope.condition(&when, problems));
    let order_by = entry.get("order_by").and_then(|order| {
        if entry.get("each").is_none() {
            problems.push(order.problem(
                Code::InvalidValue,
                "\"order_by\" sorts the list in \"each\", which is not there",
            ));
        }
        scope.expression(&order, problems)
    });
    let Some(given) = entry.get("fields") else {
        problems.push(entry.problem(
            Code::MissingField,
            "this part has no fields; write them under fields",
        ));
        return None;
    };
    let fields = fields(&given, known, &format!("{path}[]."), &scope, problems);
    let each = match (list, name) {
        (Some(list), Some(name)) => Some(Each {
            list,
            name,
            order_by,
        }),
        _ => None,
    };
    Some(Part { each, when, fields })
}

fn source_list(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let wanted = "the path of a list in the record, for example \"OpportunityLineItems\"";
    match entry.text(wanted) {
        Ok(path) if path.split('.').all(is_name) => Some(path.to_owned()),
        Ok(path) => {
            problems.push(entry.problem(
                Code::InvalidValue,
                &format!(
                    "found \"{path}\"; accepted: {wanted}; \"when\" chooses among the elements"
                ),
            ));
            None
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn element_name(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let name = entry.needed_text(
        "as",
        "one element of the list in the part's expressions, for example \"line\"",
        problems,
    )?;
    if is_name(&name) && !VARIABLES.contains(&name.as_str()) {
        return Some(name);
    }
    let place = entry.get("as").unwrap_or_else(|| entry.clone());
    let message = format!(
        "found \"{name}\"; accepted: letters, digits and underscores, and none of {}",
        VARIABLES.join(", ")
    );
    problems.push(place.problem(Code::InvalidValue, &message));
    None
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}
