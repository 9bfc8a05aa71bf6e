//! A parsed query against the schema: every name found or refused, every literal of its field's type.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::ast::{
    Condition, Direction, Function, Item, Literal, Negation, Nulls, Operator, Path, Query,
};
use super::dates;
use super::filter::{Pattern, Test};
use super::lexer::{QuotedUse, unescaped};
use crate::defects::Defects;
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::schema::{FieldDef, FieldKind, ObjectDef, Schema};
use crate::salesforce::value::FieldValue;

/// A field, reached over lookups.
#[derive(Clone, Debug)]
pub(super) struct BoundPath {
    /// The object it starts at.
    pub(super) object: String,
    pub(super) hops: Vec<Hop>,
    pub(super) field: FieldDef,
}

/// One lookup: the path's name as printed, the field that holds the id, the object it is of.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) name: String,
    pub(super) field: String,
    pub(super) object: String,
}

impl BoundPath {
    pub(super) fn shown(&self) -> String {
        self.hops
            .iter()
            .map(|hop| format!("{}.", hop.name))
            .collect::<String>()
            + &self.field.name
    }
}

#[derive(Clone, Debug)]
pub(super) enum BoundItem {
    Field {
        path: BoundPath,
        key: String,
    },
    Children {
        relationship: String,
        lookup: String,
        query: Box<Bound>,
    },
    Aggregate {
        function: Function,
        path: BoundPath,
        key: String,
    },
}

#[derive(Clone, Debug)]
pub(super) enum BoundCondition {
    All(Vec<BoundCondition>),
    Any(Vec<BoundCondition>),
    Not(Box<BoundCondition>),
    Test {
        path: BoundPath,
        test: Test,
    },
    InQuery {
        path: BoundPath,
        negation: Negation,
        query: Box<Bound>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Records,
    CountAll,
    Aggregates,
}

#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) object: String,
    pub(super) shape: Shape,
    pub(super) select: Vec<BoundItem>,
    pub(super) filter: Option<BoundCondition>,
    pub(super) group_by: Vec<BoundPath>,
    pub(super) order_by: Vec<(BoundPath, Direction, Nulls)>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

pub(super) struct Binder<'a> {
    pub(super) text: &'a str,
    pub(super) schema: &'a Schema,
    pub(super) now: DateTime<Utc>,
    pub(super) zone: Tz,
    pub(super) defects: Defects<Defect>,
}

const CUSTOM_FIELD: &str = "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.";
const CUSTOM_OBJECT: &str = "If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.";
const CUSTOM_PATH: &str = "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.";
/// Lookups that may follow each other.
const MOST_HOPS: usize = 5;

impl Binder<'_> {
    fn error(&self, at: usize, code: &'static str, message: &str) -> ApiError {
        super::at(self.text, at, code, message)
    }

    /// Binds a query over an object.
    pub(super) fn top(&self, query: &Query) -> Result<Bound, ApiError> {
        let name = query.from.parts.join(".");
        let Some(object) = self.schema.object(&name) else {
            let message = format!("sObject type '{name}' is not supported. {CUSTOM_OBJECT}");
            return Err(self.error(query.from.at, "INVALID_TYPE", &message));
        };
        self.query(query, object)
    }

    fn query(&self, query: &Query, object: &ObjectDef) -> Result<Bound, ApiError> {
        let names = [Some(object.name.as_str()), query.alias.as_deref()];
        let path = |path: &Path| self.path(path, object, &names);
        let grouped = !query.group_by.is_empty()
            || query
                .select
                .iter()
                .any(|item| matches!(item, Item::Aggregate { .. }));
        let counts_all = query
            .select
            .iter()
            .any(|item| matches!(item, Item::CountAll));
        let group_by = query
            .group_by
            .iter()
            .map(path)
            .collect::<Result<Vec<_>, _>>()?;
        let mut select = Vec::new();
        let mut seen = BTreeSet::new();
        let mut expressions = 0;
        for item in &query.select {
            let bound = match item {
                Item::CountAll if query.select.len() > 1 || grouped => {
                    return Err(self.error(
                        query.from.at,
                        "MALFORMED_QUERY",
                        "COUNT() must be the only element of the SELECT list",
                    ));
                }
                Item::CountAll => continue,
                Item::Field {
                    alias: Some(_),
                    path,
                    ..
                } if !grouped => {
                    return Err(self.error(
                        path.at,
                        "MALFORMED_QUERY",
                        "only aggregate expressions use field aliasing",
                    ));
                }
                Item::Field {
                    path: written,
                    alias,
                } => {
                    let bound = path(written)?;
                    let shown = bound.shown();
                    if grouped && !group_by.iter().any(|group| group.shown() == shown) {
                        return Err(self.error(
                            written.at,
                            "MALFORMED_QUERY",
                            &format!("Field must be grouped or aggregated: {shown}"),
                        ));
                    }
                    let key = alias.clone().unwrap_or_else(|| bound.field.name.clone());
                    (BoundItem::Field { path: bound, key }, shown)
                }
                Item::Children(_) if grouped => {
                    return Err(self.error(
                        query.from.at,
                        "MALFORMED_QUERY",
                        "sub-queries are not allowed with GROUP BY",
                    ));
                }
                Item::Children(inner) => {
                    let bound = self.children(inner, object)?;
                    let shown = inner.from.parts.join(".").to_ascii_lowercase();
                    (bound, shown)
                }
                Item::Aggregate {
                    function,
                    path: written,
                    alias,
                } => {
                    let key = alias
                        .clone()
                        .unwrap_or_else(|| format!("expr{expressions}"));
                    expressions += usize::from(alias.is_none());
                    let bound = path(written)?;
                    let summable = bound.field.number(rust_decimal::Decimal::ONE)
                        != FieldValue::Null
                        && matches!(
                            bound.field.kind,
                            FieldKind::Whole { .. }
                                | FieldKind::Number { .. }
                                | FieldKind::Currency { .. }
                                | FieldKind::Percent { .. }
                        );
                    if *function == Function::Sum && !summable {
                        let message = format!(
                            "field {} does not support aggregate operator SUM",
                            bound.field.name
                        );
                        return Err(self.error(written.at, "MALFORMED_QUERY", &message));
                    }
                    (
                        BoundItem::Aggregate {
                            function: *function,
                            path: bound,
                            key: key.clone(),
                        },
                        key,
                    )
                }
            };
            if !seen.insert(bound.1.clone()) {
                return Err(self.error(
                    query.from.at,
                    "INVALID_FIELD",
                    &format!("duplicate field selected: {}", bound.1),
                ));
            }
            select.push(bound.0);
        }
        let filter = match &query.filter {
            Some(condition) => Some(self.condition(condition, object, &names)?),
            None => None,
        };
        let mut order_by = Vec::new();
        for order in &query.order_by {
            let bound = path(&order.path)?;
            if matches!(
                bound.field.kind,
                FieldKind::LongText { .. } | FieldKind::Address { .. } | FieldKind::Complex
            ) {
                let message = format!(
                    "field '{}' can not be sorted in a query call",
                    bound.field.name
                );
                return Err(self.error(order.path.at, "INVALID_FIELD", &message));
            }
            order_by.push((bound, order.direction, order.nulls));
        }
        let shape = match (counts_all, grouped) {
            (true, _) => Shape::CountAll,
            (false, true) => Shape::Aggregates,
            (false, false) => Shape::Records,
        };
        Ok(Bound {
            object: object.name.clone(),
            shape,
            select,
            filter,
            group_by,
            order_by,
            limit: query.limit,
            offset: query.offset,
        })
    }

    fn children(&self, inner: &Query, parent: &ObjectDef) -> Result<BoundItem, ApiError> {
        let name = inner.from.parts.join(".");
        let Some(child) = self
            .schema
            .children(&parent.name)
            .find(|child| child.relationship.eq_ignore_ascii_case(&name))
        else {
            let message = format!(
                "Didn't understand relationship '{name}' in FROM part of query call. {CUSTOM_PATH}"
            );
            return Err(self.error(inner.from.at, "INVALID_TYPE", &message));
        };
        let query = self.query(inner, child.object)?;
        if query.shape != Shape::Records {
            return Err(self.error(
                inner.from.at,
                "MALFORMED_QUERY",
                "aggregates are not allowed in a sub-query",
            ));
        }
        Ok(BoundItem::Children {
            relationship: child.relationship.to_owned(),
            lookup: child.field.name.clone(),
            query: Box::new(query),
        })
    }

    fn path(
        &self,
        path: &Path,
        object: &ObjectDef,
        names: &[Option<&str>],
    ) -> Result<BoundPath, ApiError> {
        let mut parts = path.parts.as_slice();
        if let [first, rest @ ..] = parts
            && !rest.is_empty()
            && names
                .iter()
                .flatten()
                .any(|name| name.eq_ignore_ascii_case(first))
        {
            parts = rest;
        }
        let mut hops: Vec<Hop> = Vec::new();
        let mut current = object;
        let Some((last, before)) = parts.split_last() else {
            return Err(self.error(path.at, "MALFORMED_QUERY", "unexpected token: '.'"));
        };
        for part in before {
            let next = current
                .path(part)
                .and_then(|(field, to)| Some((field, self.schema.object(to)?)));
            let Some((field, target)) = next.filter(|_| hops.len() < MOST_HOPS) else {
                let message =
                    format!("Didn't understand relationship '{part}' in field path. {CUSTOM_PATH}");
                return Err(self.error(path.at, "INVALID_FIELD", &message));
            };
            let name = match &field.kind {
                FieldKind::Reference {
                    relationship: Some(name),
                    ..
                } => name.clone(),
                _ => part.clone(),
            };
            hops.push(Hop {
                name,
                field: field.name.clone(),
                object: target.name.clone(),
            });
            current = target;
        }
        let absent = self
            .defects
            .has(Defect::UnknownFieldNull)
            .then(|| FieldDef::text(last, 255));
        let Some(field) = current.field(last).or(absent.as_ref()) else {
            let message = format!(
                "No such column '{last}' on entity '{}'. {CUSTOM_FIELD}",
                current.name
            );
            return Err(self.error(path.at, "INVALID_FIELD", &message));
        };
        Ok(BoundPath {
            object: object.name.clone(),
            hops,
            field: field.clone(),
        })
    }

    fn condition(
        &self,
        condition: &Condition,
        object: &ObjectDef,
        names: &[Option<&str>],
    ) -> Result<BoundCondition, ApiError> {
        let all = |conditions: &[Condition]| {
            conditions
                .iter()
                .map(|condition| self.condition(condition, object, names))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::All(conditions) => BoundCondition::All(all(conditions)?),
            Condition::Any(conditions) => BoundCondition::Any(all(conditions)?),
            Condition::Not(inner) => {
                BoundCondition::Not(Box::new(self.condition(inner, object, names)?))
            }
            Condition::Compare {
                path,
                operator,
                value,
                at,
            } => {
                let bound = self.filterable(path, object, names)?;
                let test = self.test(&bound.field, *operator, value, *at)?;
                BoundCondition::Test { path: bound, test }
            }
            Condition::In {
                path,
                negation,
                values,
                at,
            } => {
                let bound = self.filterable(path, object, names)?;
                let mut keys = HashSet::new();
                let mut with_null = false;
                for value in values {
                    let value = self.literal(&bound.field, value, *at)?;
                    match value.index_key() {
                        Some(key) => {
                            keys.insert(key);
                        }
                        None => with_null = true,
                    }
                }
                let test = Test::In {
                    keys,
                    with_null,
                    negation: *negation,
                };
                BoundCondition::Test { path: bound, test }
            }
            Condition::SemiJoin {
                path,
                negation,
                query,
            } => {
                let bound = self.filterable(path, object, names)?;
                let inner = self.top(query)?;
                let one_id = matches!(inner.select.as_slice(), [BoundItem::Field { path, .. }]
                    if matches!(path.field.kind, FieldKind::Id | FieldKind::Reference { .. }))
                    && inner.shape == Shape::Records;
                if !one_id {
                    return Err(self.error(
                        query.from.at,
                        "MALFORMED_QUERY",
                        "Semi join sub-selects must return one id field",
                    ));
                }
                BoundCondition::InQuery {
                    path: bound,
                    negation: *negation,
                    query: Box::new(inner),
                }
            }
        })
    }

    fn filterable(
        &self,
        path: &Path,
        object: &ObjectDef,
        names: &[Option<&str>],
    ) -> Result<BoundPath, ApiError> {
        let bound = self.path(path, object, names)?;
        if matches!(
            bound.field.kind,
            FieldKind::LongText { .. } | FieldKind::Address { .. } | FieldKind::Complex
        ) {
            let message = format!(
                "field '{}' can not be filtered in a query call",
                bound.field.name
            );
            return Err(self.error(path.at, "INVALID_FIELD", &message));
        }
        Ok(bound)
    }

    fn test(
        &self,
        field: &FieldDef,
        operator: Operator,
        value: &Literal,
        at: usize,
    ) -> Result<Test, ApiError> {
        if operator == Operator::Like {
            let Literal::Text(raw) = value else {
                return Err(self.wrong_type(field, at, "string and should be enclosed in quotes"));
            };
            let is_text = self
                .literal(field, &Literal::Text(String::new()), at)
                .is_ok()
                && !matches!(field.kind, FieldKind::Id | FieldKind::Reference { .. });
            if !is_text {
                return Err(self.error(at, "INVALID_FIELD", "invalid operator on id field"));
            }
            let pattern = unescaped(raw, QuotedUse::Pattern).ok_or_else(|| self.bad_escape(at))?;
            return Ok(Test::Like(Pattern::new(&pattern)));
        }
        if let Literal::Range { name, count } = value {
            let today = self.now.with_timezone(&self.zone).date_naive();
            let range = dates::range(name, *count, today).ok_or_else(|| {
                self.error(
                    at,
                    "MALFORMED_QUERY",
                    &format!("unexpected token: '{name}'"),
                )
            })?;
            let edge = |day| match field.kind {
                FieldKind::Date => Ok(FieldValue::Date(day)),
                FieldKind::DateTime => dates::begins(day, self.zone)
                    .map(FieldValue::Instant)
                    .ok_or_else(|| self.wrong_type(field, at, "dateTime")),
                _ => Err(self.wrong_type(field, at, type_name(field))),
            };
            return Ok(Test::Days {
                operator,
                start: edge(range.start)?,
                end: edge(range.end)?,
            });
        }
        let value = self.literal(field, value, at)?;
        let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordered && (value.is_null() || field.kind == FieldKind::Checkbox) {
            return Err(self.error(
                at,
                "INVALID_QUERY_FILTER_OPERATOR",
                &format!("invalid operator on field '{}'", field.name),
            ));
        }
        Ok(Test::Compare { operator, value })
    }

    fn literal(
        &self,
        field: &FieldDef,
        literal: &Literal,
        at: usize,
    ) -> Result<FieldValue, ApiError> {
        Ok(match (&field.kind, literal) {
            (_, Literal::Null) => FieldValue::Null,
            (FieldKind::Id | FieldKind::Reference { .. }, Literal::Text(raw)) if raw.is_empty() => {
                FieldValue::Null
            }
            // Entities are referred to by name in the Tooling API.
            (_, Literal::Text(raw)) if field.name == "EntityDefinitionId" => {
                FieldValue::text(raw.as_str())
            }
            (FieldKind::Id | FieldKind::Reference { .. }, Literal::Text(raw)) => {
                let short = raw.len() == 15 && self.defects.has(Defect::ShortIdUnknown);
                let id = ids::canonical(raw).filter(|_| !short).ok_or_else(|| {
                    self.error(
                        at,
                        "INVALID_QUERY_FILTER_OPERATOR",
                        &format!("invalid ID field: {raw}"),
                    )
                })?;
                FieldValue::Text(id)
            }
            (
                FieldKind::Text { .. }
                | FieldKind::Email
                | FieldKind::Phone
                | FieldKind::Url
                | FieldKind::Picklist { .. },
                Literal::Text(raw),
            ) => match unescaped(raw, QuotedUse::Value) {
                _ if self.defects.has(Defect::EscapesKept) => FieldValue::text(raw.as_str()),
                Some(text) if text.is_empty() => FieldValue::Null,
                Some(text) => FieldValue::Text(text),
                None => return Err(self.bad_escape(at)),
            },
            (
                FieldKind::Whole { .. }
                | FieldKind::Number { .. }
                | FieldKind::Currency { .. }
                | FieldKind::Percent { .. },
                Literal::Number(number),
            ) => FieldValue::Number(*number),
            (FieldKind::Checkbox, Literal::Flag(flag)) => FieldValue::Flag(*flag),
            (FieldKind::Date, Literal::Date(date)) => FieldValue::Date(*date),
            (FieldKind::DateTime, Literal::Instant(instant)) => FieldValue::Instant(*instant),
            _ => return Err(self.wrong_type(field, at, type_name(field))),
        })
    }

    fn bad_escape(&self, at: usize) -> ApiError {
        self.error(
            at,
            "MALFORMED_QUERY",
            "Invalid string literal. Illegal character sequence.",
        )
    }

    fn wrong_type(&self, field: &FieldDef, at: usize, wanted: &str) -> ApiError {
        let message = format!(
            "value of filter criterion for field '{}' must be of type {wanted}",
            field.name
        );
        self.error(at, "INVALID_FIELD", &message)
    }
}

fn type_name(field: &FieldDef) -> &'static str {
    match field.kind {
        FieldKind::Id | FieldKind::Reference { .. } => "ID and should be enclosed in quotes",
        FieldKind::Whole { .. } => "int and should not be enclosed in quotes",
        FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. } => {
            "double and should not be enclosed in quotes"
        }
        FieldKind::Checkbox => "boolean and should not be enclosed in quotes",
        FieldKind::Date => "date and should not be enclosed in quotes",
        FieldKind::DateTime => "dateTime and should not be enclosed in quotes",
        _ => "string and should be enclosed in quotes",
    }
}
