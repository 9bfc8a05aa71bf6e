//! Maps records to drafts, one by one: what fails in one record is that record's problem and names the field.
//!
//! It is pure: the same record, mapping and clock give the same drafts. A field whose source is missing is left out,
//! never written as null, unless the target can't do without it.

use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Value};
use footbridge_sdk::document;
use footbridge_sdk::failure::{Code, problem, problem_at};
use footbridge_sdk::mapping::{Draft, Input, Problem};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use crate::expression::{self, Expression, Failed};
use crate::settings::{Each, FieldMap, FieldSource, Mapping, ObjectMap, Part};
use crate::values::{self, is_filled, is_missing};
use crate::vocabulary::{Shape, Source};
use crate::{dates, decimals};

/// The plan's time, given by the host.
#[derive(Debug, Clone)]
pub struct Clock {
    /// An instant, RFC 3339 in UTC.
    pub as_of: String,
    /// The organisation's date at that instant, `YYYY-MM-DD`.
    pub local_date: String,
}

/// Maps a batch: one result per record, in order.
#[must_use]
pub fn batch(
    mapping: &Mapping,
    clock: &Clock,
    inputs: &[Input],
) -> Vec<Result<Vec<Draft>, Problem>> {
    match expression::context(&mapping.tables) {
        Ok(functions) => inputs
            .iter()
            .map(|input| record(mapping, clock, &functions, input))
            .collect(),
        Err(error) => inputs
            .iter()
            .map(|_| {
                Err(problem(
                    Code::Internal,
                    format!("The functions can't be set up: {error}."),
                ))
            })
            .collect(),
    }
}

fn record(
    mapping: &Mapping,
    clock: &Clock,
    functions: &Context<'_, '_>,
    input: &Input,
) -> Result<Vec<Draft>, Problem> {
    let mut maps = mapping
        .maps
        .iter()
        .filter(|map| map.from == input.object)
        .peekable();
    if maps.peek().is_none() {
        let message = format!(
            "The mapping has no [[map]] with from = \"{}\"; add one, or leave this object out of the flow.",
            input.object
        );
        return Err(problem(Code::UnknownObject, message));
    }
    let doc = Json::Object(document::parse(&input.doc)?);
    let drafts = maps
        .map(|map| draft(map, clock, functions, &doc))
        .filter_map(Result::transpose);
    drafts.collect()
}

fn draft(
    map: &ObjectMap,
    clock: &Clock,
    functions: &Context<'_, '_>,
    doc: &Json,
) -> Result<Option<Draft>, Problem> {
    let names = RecordNames { doc, clock };
    let mut context = functions.new_inner_scope();
    context.set_variable_resolver(&names);
    if let Some(when) = &map.when
        && !holds(when, &context).map_err(|why| about("when", &why))?
    {
        return Ok(None);
    }
    let doc = structure(&map.fields, &context, doc)?;
    Ok(Some(Draft {
        object: map.to.name.to_owned(),
        doc: document::write(&doc),
    }))
}

fn structure(
    fields: &[FieldMap],
    context: &Context<'_, '_>,
    doc: &Json,
) -> Result<Map<String, Json>, Problem> {
    let mut result = Map::new();
    for field in fields {
        let value = match &field.value {
            FieldSource::Expression(expression) => expression
                .evaluate(context)
                .and_then(|value| {
                    shaped(&value, &field.field.shape).map_err(|why| expression.failed(&why))
                })
                .map_err(|why| about(&field.path, &why))?,
            FieldSource::Reference { object, id } => {
                reference(object, id, context).map_err(|why| about(&field.path, &why))?
            }
            FieldSource::List(parts) => list(field, parts, context, doc)?,
        };
        let empty = match &value {
            None | Some(Json::Null) => true,
            Some(Json::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        if empty && field.field.source == Source::Needed {
            return Err(nothing_needed(field));
        }
        if let Some(value) = value {
            result.insert(field.field.name.to_owned(), value);
        }
    }
    Ok(result)
}

fn nothing_needed(field: &FieldMap) -> Problem {
    let origin = match &field.value {
        FieldSource::Expression(expression) | FieldSource::Reference { id: expression, .. } => {
            format!(
                "the expression `{}` gives nothing for this record",
                expression.told()
            )
        }
        FieldSource::List(_) => "none of its parts gives an element for this record".to_owned(),
    };
    let message = format!(
        "{} is needed and empty: {origin}. Fill it in the source, or give a fallback in the mapping.",
        field.path
    );
    problem_at(Code::MissingField, &field.path, message)
}

fn reference(
    object: &str,
    id: &Expression,
    context: &Context<'_, '_>,
) -> Result<Option<Json>, Failed> {
    match id.evaluate(context)? {
        Value::String(id) if !id.is_empty() => Ok(Some(
            json!({ "$ref": { "object": object, "id": id.as_str() } }),
        )),
        value if !is_filled(&value) => Ok(None),
        other => Err(id.failed(&format!(
            "an id must be text, found {}",
            values::words(&other)
        ))),
    }
}

/// The list's elements; nothing if there are none, so that an empty source never clears what the target holds.
fn list(
    field: &FieldMap,
    parts: &[Part],
    context: &Context<'_, '_>,
    doc: &Json,
) -> Result<Option<Json>, Problem> {
    let mut elements: Vec<Json> = Vec::new();
    for part in parts {
        match &part.each {
            None => elements.extend(element(field, part, elements.len(), context, doc)?),
            Some(each) => {
                for source in sources(field, each, context, doc)? {
                    let names = ElementNames {
                        name: &each.name,
                        element: source,
                    };
                    let mut inner = context.new_inner_scope();
                    inner.set_variable_resolver(&names);
                    elements.extend(element(field, part, elements.len(), &inner, doc)?);
                }
            }
        }
    }
    Ok((!elements.is_empty()).then_some(Json::Array(elements)))
}

/// One element of a list. Lists are written as a whole, so a null inside clears nothing and is left out.
fn element(
    field: &FieldMap,
    part: &Part,
    before: usize,
    context: &Context<'_, '_>,
    doc: &Json,
) -> Result<Option<Json>, Problem> {
    let place = |problem: Problem| Problem {
        message: format!(
            "Element {} of {}: {}",
            before + 1,
            field.path,
            problem.message
        ),
        ..problem
    };
    if let Some(when) = &part.when
        && !holds(when, context).map_err(|why| place(about(&format!("{}[]", field.path), &why)))?
    {
        return Ok(None);
    }
    let mut fields = structure(&part.fields, context, doc).map_err(place)?;
    fields.retain(|_, value| !value.is_null());
    Ok(Some(Json::Object(fields)))
}

/// The elements of the source list, sorted. A list that is null is empty; one that was not read is a problem, or else
/// a deal would be billed without its lines.
fn sources<'d>(
    field: &FieldMap,
    each: &Each,
    context: &Context<'_, '_>,
    doc: &'d Json,
) -> Result<Vec<&'d Json>, Problem> {
    let list = match walk(doc, &each.list) {
        Some(Json::Array(list)) => list.iter().collect::<Vec<_>>(),
        Some(Json::Null) => Vec::new(),
        found => {
            let what = found.map_or("was not read", |_| "is no list");
            return Err(problem_at(
                Code::MissingField,
                &field.path,
                format!("The list {} {what} in this record.", each.list),
            ));
        }
    };
    let Some(order) = &each.order_by else {
        return Ok(list);
    };
    let keyed: Result<Vec<(Option<Decimal>, &Json)>, Failed> = list
        .into_iter()
        .map(|source| {
            let names = ElementNames {
                name: &each.name,
                element: source,
            };
            let mut inner = context.new_inner_scope();
            inner.set_variable_resolver(&names);
            match order.evaluate(&inner)? {
                Value::Int(number) => Ok((Some(Decimal::from(number)), source)),
                Value::String(text) => Ok((
                    Some(decimals::parse(&text).map_err(|why| order.failed(&why))?),
                    source,
                )),
                value if !is_filled(&value) => Ok((None, source)),
                other => Err(order.failed(&format!(
                    "the order must be a decimal, found {}",
                    values::words(&other)
                ))),
            }
        })
        .collect();
    let mut keyed = keyed.map_err(|why| about(&field.path, &why))?;
    keyed.sort_by_key(|(order, _)| (order.is_none(), *order));
    Ok(keyed.into_iter().map(|(_, source)| source).collect())
}

fn holds(condition: &Expression, context: &Context<'_, '_>) -> Result<bool, Failed> {
    match condition.evaluate(context)? {
        Value::Bool(holds) => Ok(holds),
        other => Err(condition.failed(&format!(
            "a condition must be true or false, found {}",
            values::words(&other)
        ))),
    }
}

fn about(path: &str, why: &Failed) -> Problem {
    problem_at(Code::InvalidValue, path, format!("{path}: {}.", why.0))
}

/// The value as the field holds it; nothing if it is missing.
pub(crate) fn shaped(value: &Value, shape: &Shape) -> Result<Option<Json>, String> {
    let refuse = || {
        format!(
            "found {}; accepted: {}",
            values::words(value),
            shape.words()
        )
    };
    let json = match (value, shape) {
        (value, _) if is_missing(value) => return Ok(None),
        (Value::Null, _) => Json::Null,
        (Value::String(text), Shape::Decimal) => {
            decimals::parse(text).map_err(|_| refuse())?;
            Json::String(text.to_string())
        }
        (Value::Int(number), Shape::Decimal) => Json::String(number.to_string()),
        (Value::String(text), Shape::Date) => {
            dates::parse(text).map_err(|_| refuse())?;
            Json::String(text.to_string())
        }
        (Value::String(text), Shape::Choice(accepted)) if accepted.contains(&text.as_str()) => {
            Json::String(text.to_string())
        }
        (Value::String(text), Shape::Text) => Json::String(text.to_string()),
        (Value::Bool(flag), Shape::Boolean) => Json::Bool(*flag),
        _ => return Err(refuse()),
    };
    Ok(Some(json))
}

/// What a path of the record leads to; null where it goes through null.
fn walk<'d>(doc: &'d Json, path: &str) -> Option<&'d Json> {
    let mut here = doc;
    for key in path.split('.') {
        match here {
            Json::Null => return Some(here),
            _ => here = here.get(key)?,
        }
    }
    Some(here)
}

/// The names of a record: its paths and the clock. Every other name is missing, for a path may be.
struct RecordNames<'a> {
    doc: &'a Json,
    clock: &'a Clock,
}

impl VariableResolver for RecordNames<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let value = match name {
            "as_of" => values::text(self.clock.as_of.as_str()),
            "local_date" => values::text(self.clock.local_date.as_str()),
            path => walk(self.doc, path).map_or_else(values::missing, values::from_json),
        };
        value.try_into().ok().map(CowVal::Owned)
    }
}

/// The paths of a list's element.
struct ElementNames<'a> {
    name: &'a str,
    element: &'a Json,
}

impl VariableResolver for ElementNames<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let value = match name.strip_prefix(self.name)? {
            "" => values::from_json(self.element),
            rest => {
                let path = rest.strip_prefix('.')?;
                walk(self.element, path).map_or_else(values::missing, values::from_json)
            }
        };
        value.try_into().ok().map(CowVal::Owned)
    }
}

#[cfg(test)]
mod tests;
