//! Runs a bound query over the store and prints its rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::ast::{Direction, Function, Nulls};
use super::bind::{Binder, Bound, BoundCondition, BoundItem, BoundPath, Hop, Shape};
use super::filter::{Test, meets, value_at};
use super::parser;
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::options::NumberStyle;
use crate::salesforce::schema::{FieldDef, FieldKind};
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

/// Who asks, and how the answer is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) zone: Tz,
    pub(crate) style: NumberStyle,
    /// `v60.0`, for the records' addresses.
    pub(crate) version: &'a str,
}

/// Whether deleted records are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Live,
    WithDeleted,
}

/// What a query found.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) total: usize,
    pub(crate) rows: Vec<Row>,
    /// Whether the rows have sub-queries' results, which makes pages smaller.
    pub(crate) nested: bool,
}

/// One row; the sub-queries' rows are kept apart, so that they can be cut into pages.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) fields: Map<String, Value>,
    pub(crate) children: Vec<(String, Vec<Row>)>,
}

/// Runs the text of a query.
pub(crate) fn run(
    store: &Store,
    text: &str,
    scope: Scope,
    viewer: Viewer<'_>,
) -> Result<Answer, ApiError> {
    let query = parser::parse(text)?;
    let binder = Binder {
        text,
        schema: &store.seen,
        now: viewer.now,
        zone: viewer.zone,
        defects: store.defects,
    };
    let mut bound = binder.top(&query)?;
    let run = Run {
        store,
        scope,
        viewer,
    };
    run.resolve(&mut bound);
    let candidates: Vec<&Record> = store.all(&bound.object).collect();
    let found = run.select(&bound, candidates);
    Ok(match bound.shape {
        Shape::CountAll => Answer {
            total: found.len(),
            rows: Vec::new(),
            nested: false,
        },
        Shape::Aggregates => {
            let rows = run.aggregates(&bound, &found);
            Answer {
                total: rows.len(),
                rows,
                nested: false,
            }
        }
        Shape::Records => Answer {
            total: found.len(),
            rows: found.iter().map(|record| run.row(&bound, record)).collect(),
            nested: bound
                .select
                .iter()
                .any(|item| matches!(item, BoundItem::Children { .. })),
        },
    })
}

struct Run<'a> {
    store: &'a Store,
    scope: Scope,
    viewer: Viewer<'a>,
}

impl Run<'_> {
    /// Replaces semi-joins by the ids they find, in sub-queries too.
    fn resolve(&self, bound: &mut Bound) {
        if let Some(filter) = &mut bound.filter {
            self.resolve_condition(filter);
        }
        for item in &mut bound.select {
            if let BoundItem::Children { query, .. } = item {
                self.resolve(query);
            }
        }
    }

    fn resolve_condition(&self, condition: &mut BoundCondition) {
        match condition {
            BoundCondition::All(inner) | BoundCondition::Any(inner) => {
                inner
                    .iter_mut()
                    .for_each(|inner| self.resolve_condition(inner));
            }
            BoundCondition::Not(inner) => self.resolve_condition(inner),
            BoundCondition::Test { .. } => {}
            BoundCondition::InQuery {
                path,
                negation,
                query,
            } => {
                self.resolve(query);
                let found = self.select(query, self.store.all(&query.object).collect());
                let keys: HashSet<String> = match query.select.first() {
                    Some(BoundItem::Field { path, .. }) => found
                        .iter()
                        .filter_map(|record| value_at(self.store, record, path).index_key())
                        .collect(),
                    _ => HashSet::new(),
                };
                let test = Test::In {
                    keys,
                    with_null: false,
                    negation: *negation,
                };
                *condition = BoundCondition::Test {
                    path: path.clone(),
                    test,
                };
            }
        }
    }

    fn select<'r>(&self, bound: &Bound, candidates: Vec<&'r Record>) -> Vec<&'r Record>
    where
        Self: 'r,
    {
        let mut found: Vec<&Record> = candidates
            .into_iter()
            .filter(|record| self.store.shows(record))
            .filter(|record| {
                self.scope == Scope::WithDeleted
                    || !record.is_deleted()
                    || self.store.has(Defect::QueryShowsDeleted)
            })
            .filter(|record| {
                bound
                    .filter
                    .as_ref()
                    .is_none_or(|filter| meets(self.store, record, filter))
            })
            .collect();
        found.sort_by(|a, b| self.order(bound, a, b));
        if bound.shape == Shape::Aggregates {
            return found;
        }
        let offset = if self.store.has(Defect::OffsetIgnored) {
            0
        } else {
            bound.offset
        };
        let limit = bound
            .limit
            .filter(|_| !self.store.has(Defect::LimitIgnored));
        found
            .into_iter()
            .skip(offset)
            .take(limit.unwrap_or(usize::MAX))
            .collect()
    }

    fn order(&self, bound: &Bound, a: &Record, b: &Record) -> Ordering {
        bound
            .order_by
            .iter()
            .map(|(path, direction, nulls)| {
                let (a, b) = (value_at(self.store, a, path), value_at(self.store, b, path));
                let null_side = if *nulls == Nulls::First {
                    if self.store.has(Defect::NullsLast) {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                } else {
                    Ordering::Greater
                };
                match (a.is_null(), b.is_null()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => null_side,
                    (false, true) => null_side.reverse(),
                    (false, false) => {
                        let order = a.order(&b).unwrap_or(Ordering::Equal);
                        let reversed = self.store.has(Defect::OrderReversed);
                        if (*direction == Direction::Descending) != reversed {
                            order.reverse()
                        } else {
                            order
                        }
                    }
                }
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }

    fn row(&self, bound: &Bound, record: &Record) -> Row {
        let mut fields = Map::new();
        if !self.store.has(Defect::AttributesMissing) {
            fields.insert(
                "attributes".to_owned(),
                attributes(&bound.object, record.id(), self.viewer.version),
            );
        }
        let mut children = Vec::new();
        for item in &bound.select {
            match item {
                BoundItem::Field { path, .. } => {
                    self.place(&mut fields, &bound.object, record, &path.hops, &path.field)
                }
                BoundItem::Children {
                    relationship,
                    lookup,
                    query,
                } => {
                    let candidates =
                        self.store
                            .with_any(&query.object, lookup, &FieldValue::text(record.id()));
                    let found = self.select(query, candidates);
                    let rows = found.iter().map(|child| self.row(query, child)).collect();
                    children.push((relationship.clone(), rows));
                }
                BoundItem::Aggregate { .. } => {}
            }
        }
        Row { fields, children }
    }

    fn place(
        &self,
        into: &mut Map<String, Value>,
        object: &str,
        record: &Record,
        hops: &[Hop],
        field: &FieldDef,
    ) {
        let Some((hop, rest)) = hops.split_first() else {
            let printed = print(self.store, object, record, field, self.viewer.style);
            if !printed.is_null() || !self.store.has(Defect::NullsLeftOut) {
                into.insert(field.name.clone(), printed);
            }
            return;
        };
        let target = record
            .text(&hop.field)
            .and_then(|id| self.store.get(&hop.object, id))
            .filter(|target| self.store.shows(target));
        let Some(target) = target else {
            into.insert(hop.name.clone(), Value::Null);
            return;
        };
        let entry = into.entry(hop.name.clone()).or_insert_with(
            || json!({"attributes": attributes(&hop.object, target.id(), self.viewer.version)}),
        );
        if let Value::Object(nested) = entry {
            self.place(nested, &hop.object, target, rest, field);
        }
    }

    fn aggregates(&self, bound: &Bound, found: &[&Record]) -> Vec<Row> {
        let mut groups: BTreeMap<Vec<Option<String>>, Vec<&Record>> = BTreeMap::new();
        let mut order: Vec<Vec<Option<String>>> = Vec::new();
        for record in found {
            let key: Vec<Option<String>> = bound
                .group_by
                .iter()
                .map(|path| {
                    let value = value_at(self.store, record, path);
                    value
                        .index_key()
                        .or_else(|| (!value.is_null()).then(|| value.is_true().to_string()))
                })
                .collect();
            let group = groups.entry(key.clone()).or_default();
            if group.is_empty() {
                order.push(key);
            }
            group.push(record);
        }
        if bound.group_by.is_empty() && groups.is_empty() {
            groups.insert(Vec::new(), Vec::new());
            order.push(Vec::new());
        }
        if bound.order_by.is_empty() {
            order.sort();
        }
        let rows = order
            .iter()
            .filter_map(|key| groups.get(key))
            .map(|records| Row {
                fields: self.aggregate(bound, records),
                children: Vec::new(),
            });
        rows.skip(bound.offset)
            .take(bound.limit.unwrap_or(usize::MAX))
            .collect()
    }

    fn aggregate(&self, bound: &Bound, records: &[&Record]) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
        for item in &bound.select {
            let (key, value) = match item {
                BoundItem::Field { path, key } => {
                    let first = records
                        .first()
                        .map(|record| value_at(self.store, record, path).into_owned());
                    (key, first.unwrap_or_default().to_json(self.viewer.style))
                }
                BoundItem::Aggregate {
                    function,
                    path,
                    key,
                } => (key, self.fold(*function, path, records)),
                BoundItem::Children { .. } => continue,
            };
            fields.insert(key.clone(), value);
        }
        fields
    }

    fn fold(&self, function: Function, path: &BoundPath, records: &[&Record]) -> Value {
        let values: Vec<FieldValue> = records
            .iter()
            .map(|record| value_at(self.store, record, path).into_owned())
            .filter(|value| !value.is_null())
            .collect();
        let by_order = |a: &&FieldValue, b: &&FieldValue| a.order(b).unwrap_or(Ordering::Equal);
        let folded = match function {
            Function::Count => return json!(values.len()),
            Function::CountDistinct => {
                return json!(
                    values
                        .iter()
                        .filter_map(|value| value.index_key())
                        .collect::<HashSet<_>>()
                        .len()
                );
            }
            Function::Sum if values.is_empty() => None,
            Function::Sum => Some(
                path.field
                    .number(values.iter().filter_map(|value| value.as_number()).sum()),
            ),
            Function::Min => values.iter().min_by(by_order).cloned(),
            Function::Max => values.iter().max_by(by_order).cloned(),
        };
        folded.unwrap_or_default().to_json(self.viewer.style)
    }
}

/// A record's `attributes`.
pub(crate) fn attributes(object: &str, id: &str, version: &str) -> Value {
    json!({"type": object, "url": format!("/services/data/{version}/sobjects/{object}/{id}")})
}

/// A field's print with what is seeded.
fn wrongly(store: &Store, field: &FieldDef, printed: Value) -> Value {
    match (field.name.as_str(), printed) {
        ("IsDeleted", _) if store.has(Defect::DeletedUnmarked) => Value::Bool(false),
        ("CurrencyIsoCode", _) if store.has(Defect::CurrencyMissing) => Value::Null,
        (_, Value::Number(number)) if store.has(Defect::NumbersAsText) => {
            Value::String(number.to_string())
        }
        (_, Value::Number(number)) if store.has(Defect::WholeAmounts) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").unwrap_or(&text);
            Value::Number(serde_json::Number::from_string_unchecked(whole.to_owned()))
        }
        (_, Value::String(text))
            if field.kind == FieldKind::DateTime && store.has(Defect::InstantsWithoutZone) =>
        {
            Value::String(text.trim_end_matches("+0000").to_owned())
        }
        (_, printed) => printed,
    }
}

/// One field as the API prints it; a compound address is put together.
pub(crate) fn print(
    store: &Store,
    object: &str,
    record: &Record,
    field: &FieldDef,
    style: NumberStyle,
) -> Value {
    if field.kind == FieldKind::Complex {
        let text = record.text(&field.name).unwrap_or("null");
        return serde_json::from_str(text).unwrap_or_default();
    }
    let FieldKind::Address { prefix } = &field.kind else {
        let printed = store.value(object, record, field).to_json(style);
        return wrongly(store, field, printed);
    };
    let mut address = Map::new();
    let mut empty = true;
    for part in ["Street", "City", "State", "PostalCode", "Country"] {
        let name = format!("{prefix}{part}");
        let known = store
            .schema
            .object(object)
            .is_some_and(|def| def.field(&name).is_some());
        let value = if known {
            record.get(&name).to_json(style)
        } else {
            Value::Null
        };
        empty &= value.is_null();
        let mut key = part.to_owned();
        key.get_mut(..1)
            .map(str::make_ascii_lowercase)
            .unwrap_or_default();
        address.insert(key, value);
    }
    if empty {
        return Value::Null;
    }
    for part in ["latitude", "longitude", "geocodeAccuracy"] {
        address.insert(part.to_owned(), Value::Null);
    }
    Value::Object(address)
}
