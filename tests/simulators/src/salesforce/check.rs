//! From what a client sends to field values: types, lengths, access and picklists.
//!
//! Looks at one value at a time; rules about several fields are [`super::rules`]' part.
//! Next: [`super::dml`] saves the [`Changes`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::defect::Defect;
use super::error::ApiError;
use super::ids;
use super::schema::{Access, FieldDef, FieldKind, ObjectDef, Schema, Strictness};
use super::store::Store;
use super::value::{FieldValue, to_second};

/// The fields a client gave, by their defined names.
pub(crate) type Changes = BTreeMap<String, FieldValue>;

/// What is done with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    /// Seeding: every field may be given.
    Load,
}

/// Reads a record's body against what its writer sees. `attributes` is passed over; a relationship may be
/// given by external id.
pub(crate) fn changes(
    store: &Store,
    schema: &Schema,
    object: &ObjectDef,
    body: &Map<String, Value>,
    operation: Operation,
) -> Result<Changes, ApiError> {
    let rights = object.writable.rights();
    let may = match operation {
        Operation::Load => true,
        Operation::Create => rights.create,
        Operation::Update => rights.edit,
    };
    if !may {
        let verb = if operation == Operation::Create {
            "create"
        } else {
            "update"
        };
        return Err(ApiError::new(
            "INVALID_TYPE_FOR_OPERATION",
            format!("entity type {} does not support {verb}", object.name),
        ));
    }
    let mut changes = Changes::new();
    let mut refused = Vec::new();
    for (name, value) in body {
        if name == "attributes" {
            continue;
        }
        if let Some((field, to)) = object
            .path(name)
            .filter(|_| value.is_object() || value.is_null())
        {
            if let Some(id) = by_external_id(store, schema, to, value)? {
                changes.insert(field.name.clone(), FieldValue::Text(id));
            }
            continue;
        }
        let Some(field) = object.field(name) else {
            if store.has(Defect::UnknownFieldPassedOver) {
                continue;
            }
            return Err(ApiError::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", object.name),
            ));
        };
        let allowed = match operation {
            Operation::Load => true,
            Operation::Create => field.access != Access::ReadOnly,
            Operation::Update => field.access == Access::Write,
        };
        if !allowed && !store.has(Defect::ReadOnlyAccepted) {
            refused.push(field.name.as_str());
            continue;
        }
        let value = if store.has(Defect::LongTextCut) {
            cut(field, value)
        } else {
            value.clone()
        };
        changes.insert(field.name.clone(), parse(field, &value)?);
    }
    if refused.is_empty() {
        return Ok(changes);
    }
    Err(ApiError::about(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            refused.join(", ")
        ),
        &refused,
    ))
}

/// A text no longer than its field.
fn cut(field: &FieldDef, value: &Value) -> Value {
    match (&field.kind, value) {
        (FieldKind::Text { length } | FieldKind::LongText { length }, Value::String(text)) => {
            Value::String(text.chars().take(*length).collect())
        }
        (_, value) => value.clone(),
    }
}

fn by_external_id(
    store: &Store,
    schema: &Schema,
    to: &str,
    value: &Value,
) -> Result<Option<String>, ApiError> {
    let Some((name, wanted)) = value
        .as_object()
        .and_then(|object| object.iter().find(|(name, _)| *name != "attributes"))
    else {
        return Ok(None);
    };
    let field = schema
        .object(to)
        .and_then(|object| object.field(name))
        .ok_or_else(|| {
            ApiError::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {to}"),
            )
        })?;
    let found = store.with(to, &field.name, &parse(field, wanted)?);
    match found.as_slice() {
        [one] => Ok(Some(one.id().to_owned())),
        [] => Err(ApiError::new(
            "INVALID_FIELD",
            format!(
                "Foreign key external ID: {} not found for field {} in entity {to}",
                text_of(wanted),
                field.name
            ),
        )),
        _ => Err(ApiError::new(
            "DUPLICATE_EXTERNAL_ID",
            format!(
                "{}: more than one record found for external id field: {:?}",
                field.name,
                text_of(wanted)
            ),
        )),
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads one value for one field.
pub(crate) fn parse(field: &FieldDef, value: &Value) -> Result<FieldValue, ApiError> {
    if value.is_null() {
        return Ok(field.initial());
    }
    match &field.kind {
        FieldKind::Id | FieldKind::Reference { .. } => reference(field, value),
        FieldKind::Text { length } | FieldKind::LongText { length } => text(field, value, *length),
        FieldKind::Email => {
            let text = text(field, value, 80)?;
            let well_formed = text.as_text().is_none_or(|text| {
                text.split_once('@').is_some_and(|(name, host)| {
                    !name.is_empty()
                        && host.contains('.')
                        && !host.starts_with('.')
                        && !text.contains(' ')
                })
            });
            if well_formed {
                return Ok(text);
            }
            let message = format!("{}: invalid email address: {}", field.label, text_of(value));
            Err(ApiError::about(
                "INVALID_EMAIL_ADDRESS",
                message,
                &[&field.name],
            ))
        }
        FieldKind::Phone => text(field, value, 40),
        FieldKind::Url => text(field, value, 255),
        FieldKind::Picklist { values, strictness } => {
            let text = text(field, value, 255)?;
            let known = text
                .as_text()
                .is_none_or(|text| values.iter().any(|known| known == text));
            if known || *strictness == Strictness::Open {
                return Ok(text);
            }
            Err(bad_picklist(field, &text_of(value)))
        }
        FieldKind::Whole { digits } => number(field, value, *digits, 0, "int"),
        FieldKind::Number { precision, scale }
        | FieldKind::Currency { precision, scale }
        | FieldKind::Percent { precision, scale } => {
            number(field, value, *precision, *scale, "double")
        }
        FieldKind::Checkbox => match value {
            Value::Bool(flag) => Ok(FieldValue::Flag(*flag)),
            Value::String(text) if text == "true" || text == "false" => {
                Ok(FieldValue::Flag(text == "true"))
            }
            _ => Err(cannot_read("boolean", value)),
        },
        FieldKind::Date => value
            .as_str()
            .and_then(|text| {
                text.get(..10)
                    .filter(|_| text.len() == 10 || text.as_bytes().get(10) == Some(&b'T'))
            })
            .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .map(FieldValue::Date)
            .ok_or_else(|| cannot_read("date", value)),
        FieldKind::DateTime => value
            .as_str()
            .and_then(instant)
            .map(|instant| FieldValue::Instant(to_second(instant)))
            .ok_or_else(|| cannot_read("datetime", value)),
        FieldKind::Address { .. } => Err(cannot_read("address", value)),
        FieldKind::Complex => Err(cannot_read("complexvalue", value)),
    }
}

/// A refusal of a picklist value.
pub(crate) fn bad_picklist(field: &FieldDef, value: &str) -> ApiError {
    ApiError::about(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        format!(
            "{}: bad value for restricted picklist field: {value}",
            field.label
        ),
        &[&field.name],
    )
}

/// ISO 8601 with `Z`, `+01:00` or `+0100`, with or without a fraction.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|instant| instant.with_timezone(&Utc))
}

fn reference(field: &FieldDef, value: &Value) -> Result<FieldValue, ApiError> {
    let Value::String(text) = value else {
        return Err(cannot_read("reference", value));
    };
    if text.is_empty() {
        return Ok(FieldValue::Null);
    }
    ids::canonical(text).map(FieldValue::Text).ok_or_else(|| {
        ApiError::about(
            "MALFORMED_ID",
            format!("{}: id value of incorrect type: {text}", field.label),
            &[&field.name],
        )
    })
}

fn text(field: &FieldDef, value: &Value, length: usize) -> Result<FieldValue, ApiError> {
    let Value::String(given) = value else {
        return Err(cannot_read("string", value));
    };
    let given = given.trim();
    if given.is_empty() {
        return Ok(FieldValue::Null);
    }
    if given.chars().count() <= length {
        return Ok(FieldValue::text(given));
    }
    let shown: String = given.chars().take(80).collect();
    Err(ApiError::about(
        "STRING_TOO_LONG",
        format!(
            "{}: data value too large: {shown} (max length={length})",
            field.label
        ),
        &[&field.name],
    ))
}

fn number(
    field: &FieldDef,
    value: &Value,
    precision: u32,
    scale: u32,
    kind: &str,
) -> Result<FieldValue, ApiError> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err(cannot_read(kind, value)),
    };
    let parsed: Result<Decimal, _> = digits
        .parse()
        .or_else(|_| Decimal::from_scientific(&digits));
    let Ok(parsed) = parsed else {
        return Err(cannot_read(kind, value));
    };
    let whole = precision.saturating_sub(scale);
    let too_large = parsed.trunc().abs().normalize().to_string().len()
        > usize::try_from(whole).unwrap_or(0)
        && !parsed.trunc().is_zero();
    if too_large {
        return Err(ApiError::about(
            "NUMBER_OUTSIDE_VALID_RANGE",
            format!(
                "{}: value outside of valid range on numeric field: {digits}",
                field.label
            ),
            &[&field.name],
        ));
    }
    Ok(field.number(parsed))
}

fn cannot_read(kind: &str, value: &Value) -> ApiError {
    let token = match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(true) => "VALUE_TRUE",
        Value::Bool(false) => "VALUE_FALSE",
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => {
            "VALUE_NUMBER_FLOAT"
        }
        Value::Number(_) => "VALUE_NUMBER_INT",
        Value::String(_) => "VALUE_STRING",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    ApiError::json_parser(format!(
        "Cannot deserialize instance of {kind} from {token} value {} or request may be missing a required field at [line:1, column:2]",
        text_of(value)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::schema::FieldDef;
    use serde_json::json;

    fn money() -> FieldDef {
        FieldDef::new(
            "Amount",
            FieldKind::Currency {
                precision: 18,
                scale: 2,
            },
        )
    }

    #[test]
    fn values_are_read_strictly() {
        let code =
            |field: &FieldDef, value: Value| parse(field, &value).map_err(|error| error.code);
        assert_eq!(
            code(&money(), json!("12.345")),
            Ok(FieldValue::Number("12.35".parse().unwrap()))
        );
        assert_eq!(
            code(&money(), json!("1.5E3")),
            Ok(FieldValue::Number("1500".parse().unwrap()))
        );
        assert_eq!(code(&money(), json!("12,5")), Err("JSON_PARSER_ERROR"));
        assert_eq!(
            code(&money(), json!("12345678901234567")),
            Err("NUMBER_OUTSIDE_VALID_RANGE")
        );
        assert_eq!(
            code(&FieldDef::text("Name", 3), json!("abcd")),
            Err("STRING_TOO_LONG")
        );
        assert_eq!(
            code(&FieldDef::text("Name", 3), json!("  ab ")),
            Ok(FieldValue::text("ab"))
        );
        assert_eq!(
            code(&FieldDef::text("Name", 3), json!(5)),
            Err("JSON_PARSER_ERROR")
        );
        assert_eq!(
            code(&FieldDef::new("E", FieldKind::Email), json!("a@b")),
            Err("INVALID_EMAIL_ADDRESS")
        );
        assert_eq!(
            code(&FieldDef::new("D", FieldKind::Date), json!("14/09/2026")),
            Err("JSON_PARSER_ERROR")
        );
        assert_eq!(
            code(&FieldDef::reference("A", "Account", None, None), json!("x")),
            Err("MALFORMED_ID")
        );
        let at = FieldDef::new("At", FieldKind::DateTime);
        assert_eq!(
            code(&at, json!("2026-09-14T10:29:59.900+0100")),
            code(&at, json!("2026-09-14T09:29:59Z"))
        );
    }
}
