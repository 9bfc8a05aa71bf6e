//! `/composite/sobjects`: up to 200 records in a call, each with its own outcome.

use serde_json::{Map, Value, json};

use super::records::{self, UpsertMode, Upserted};
use super::{ApiAnswer, ApiRequest, only};
use crate::salesforce::defect::Defect;
use crate::salesforce::dml;
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::org::Org;
use crate::salesforce::schema::FieldKind;

/// Records a writing call takes.
const MOST_ROWS: usize = 200;
/// Records a reading call takes.
const MOST_READ: usize = 2_000;
/// Runs of one object in a call of several objects.
const MOST_CHUNKS: usize = 10;

/// What became of a row that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// Written; the answer does not say how.
    Written,
    Created,
    Updated,
}

/// Whether one failure takes back the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Atomicity {
    AllOrNone,
    EachRow,
}

type Outcome = Result<(String, Done), ApiError>;

/// Answers what comes after `/composite/sobjects`.
pub(super) fn run(
    org: &mut Org,
    request: &ApiRequest,
    rest: &[&str],
) -> Result<ApiAnswer, ApiError> {
    match (request.method.as_str(), rest) {
        ("POST", []) => write(org, request, |org, request, row| {
            let (object, body) = typed(row)?;
            let id = org.write(request.lookalikes(), |store, env| {
                dml::create(store, env, &object, &body)
            })?;
            Ok((id, Done::Written))
        }),
        ("PATCH", []) => write(org, request, |org, request, row| {
            let (object, mut body) = typed(row)?;
            let id = take_id(&mut body)?;
            org.write(request.lookalikes(), |store, env| {
                dml::update(store, env, &object, &id, &body)
            })?;
            Ok((ids::canonical(&id).unwrap_or(id), Done::Written))
        }),
        ("PATCH", [object, field]) => {
            let def = dml::seen(&org.store, object)?;
            write(org, request, |org, request, row| {
                let (named, mut body) = typed(row)?;
                if !named.eq_ignore_ascii_case(&def.name) {
                    return Err(ApiError::about(
                        "INVALID_TYPE",
                        format!("{named} does not match {}", def.name),
                        &[],
                    ));
                }
                let key = body
                    .keys()
                    .find(|key| key.eq_ignore_ascii_case(field))
                    .cloned();
                let value = key
                    .and_then(|key| body.remove(&key))
                    .filter(|value| !value.is_null());
                let by_id = def
                    .field(field)
                    .is_some_and(|field| field.kind == FieldKind::Id);
                let Some(value) = value else {
                    if by_id {
                        let id = org.write(request.lookalikes(), |store, env| {
                            dml::create(store, env, &def.name, &body)
                        })?;
                        return Ok((id, Done::Created));
                    }
                    let message = format!("{field} not specified");
                    return Err(ApiError::about("MISSING_ARGUMENT", message, &[field]));
                };
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                match records::upsert(
                    org,
                    request.lookalikes(),
                    &def,
                    (field, &text),
                    &body,
                    UpsertMode::CreateOrUpdate,
                )? {
                    Upserted::Created(id) => Ok((id, Done::Created)),
                    Upserted::Updated(id) => Ok((id, Done::Updated)),
                    Upserted::Several(_) => Err(ApiError::about(
                        "DUPLICATE_EXTERNAL_ID",
                        format!("{field}: more than one record found for external id field"),
                        &[field],
                    )),
                }
            })
        }
        ("DELETE", []) => delete(org, request),
        ("GET" | "POST", [object]) => read(org, request, object),
        (_, []) => only(request, &["POST", "PATCH", "DELETE"], |_| {
            Err(ApiError::not_found())
        }),
        _ => Err(ApiError::not_found()),
    }
}

fn typed(row: &Value) -> Result<(String, Map<String, Value>), ApiError> {
    let body = row
        .as_object()
        .ok_or_else(|| ApiError::json_parser("a record is a JSON object"))?;
    let object = body
        .get("attributes")
        .and_then(|attributes| attributes.get("type"))
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::about("INVALID_FIELD", "attributes.type is required", &[]))?;
    Ok((object.to_owned(), body.clone()))
}

fn take_id(body: &mut Map<String, Value>) -> Result<String, ApiError> {
    let key = body
        .keys()
        .find(|key| key.eq_ignore_ascii_case("id"))
        .cloned();
    key.and_then(|key| body.remove(&key))
        .and_then(|id| id.as_str().map(str::to_owned))
        .ok_or_else(|| {
            ApiError::about(
                "MISSING_ARGUMENT",
                "Id not specified in an update call",
                &["Id"],
            )
        })
}

fn atomicity(asked: bool) -> Atomicity {
    if asked {
        Atomicity::AllOrNone
    } else {
        Atomicity::EachRow
    }
}

fn too_many(most: usize) -> ApiError {
    ApiError::new(
        "EXCEEDED_ID_LIMIT",
        format!("record limit reached. cannot submit more than {most} records into this call"),
    )
}

fn write(
    org: &mut Org,
    request: &ApiRequest,
    each: impl Fn(&mut Org, &ApiRequest, &Value) -> Outcome,
) -> Result<ApiAnswer, ApiError> {
    let body = request.object_body()?;
    if let Some(unknown) = body
        .keys()
        .find(|key| *key != "allOrNone" && *key != "records")
    {
        return Err(ApiError::json_parser(format!(
            "Unrecognized field \"{unknown}\", at [line:1, column:2]"
        )));
    }
    let rows = body
        .get("records")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::new("INVALID_INPUT", "The records list is required."))?;
    if rows.len() > MOST_ROWS && !org.store.has(Defect::CollectionsUnlimited) {
        return Err(too_many(MOST_ROWS));
    }
    let mut chunks = 0;
    let mut before: Option<String> = None;
    for row in rows {
        let object = typed(row).ok().map(|(object, _)| object);
        if let Some(object) = &object
            && org.store.seen.object(object).is_none()
        {
            let message = format!("sObject type '{object}' is not supported.");
            return Err(ApiError::new("INVALID_TYPE", message));
        }
        chunks += usize::from(object != before);
        before = object;
    }
    if chunks > MOST_CHUNKS {
        let message = format!(
            "Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
        );
        return Err(ApiError::new("INVALID_INPUT", message));
    }
    let together = atomicity(body.get("allOrNone").and_then(Value::as_bool) == Some(true));
    Ok(settle(org, together, rows.len(), |org, index| {
        match rows.get(index) {
            Some(row) => each(org, request, row),
            None => Err(ApiError::not_found()),
        }
    }))
}

fn delete(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    let listed = request
        .query
        .get("ids")
        .filter(|ids| !ids.is_empty())
        .ok_or_else(|| ApiError::new("INVALID_INPUT", "The ids parameter is required."))?;
    let wanted: Vec<&str> = listed.split(',').map(str::trim).collect();
    if wanted.len() > MOST_ROWS {
        return Err(too_many(MOST_ROWS));
    }
    let together = atomicity(
        request
            .query
            .get("allOrNone")
            .is_some_and(|value| value == "true"),
    );
    Ok(settle(org, together, wanted.len(), |org, index| {
        let id = wanted.get(index).copied().unwrap_or_default();
        let canonical = ids::canonical(id);
        let object = canonical
            .as_deref()
            .and_then(|id| org.store.seen.of_id(id))
            .map(|object| object.name.clone());
        let (Some(id), Some(object)) = (canonical, object) else {
            return Err(ApiError::about(
                "MALFORMED_ID",
                format!("malformed id {id}"),
                &["Id"],
            ));
        };
        org.write(request.lookalikes(), |store, env| {
            dml::delete(store, env, &object, &id)
        })?;
        Ok((id, Done::Written))
    }))
}

/// Runs every row; with all-or-none, one failure takes back the others.
fn settle(
    org: &mut Org,
    atomicity: Atomicity,
    count: usize,
    each: impl Fn(&mut Org, usize) -> Outcome,
) -> ApiAnswer {
    let savepoint = org.store.savepoint();
    let mut outcomes: Vec<Outcome> = (0..count).map(|index| each(org, index)).collect();
    let together = atomicity == Atomicity::AllOrNone && !org.store.has(Defect::AllOrNoneIgnored);
    if together && outcomes.iter().any(Result::is_err) {
        org.store.roll_back(savepoint);
        for outcome in &mut outcomes {
            if outcome.is_ok() {
                *outcome = Err(ApiError::about(
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header",
                    &[],
                ));
            }
        }
    }
    let rows = outcomes.into_iter().map(|outcome| match outcome {
        Ok((id, Done::Written)) => json!({"id": id, "success": true, "errors": []}),
        Ok((id, done)) => {
            json!({"id": id, "success": true, "errors": [], "created": done == Done::Created})
        }
        Err(_) if org.store.has(Defect::RowErrorsLost) => json!({"success": true, "errors": []}),
        Err(error) => json!({"success": false, "errors": [error.to_row()]}),
    });
    let mut rows: Vec<Value> = rows.collect();
    if org.store.has(Defect::RowsOutOfOrder) {
        rows.reverse();
    }
    ApiAnswer::ok(Value::Array(rows))
}

fn read(org: &Org, request: &ApiRequest, name: &str) -> Result<ApiAnswer, ApiError> {
    let object = dml::seen(&org.store, name)?;
    let strings = |value: &Value| -> Option<Vec<String>> {
        value
            .as_array()?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let from_query = |name: &str| {
        request.query.get(name).map(|list| {
            list.split(',')
                .map(|item| item.trim().to_owned())
                .collect::<Vec<_>>()
        })
    };
    let (wanted, fields) = if request.method == "POST" {
        let body = request.object_body()?;
        (
            body.get("ids").and_then(strings),
            body.get("fields").and_then(strings),
        )
    } else {
        (from_query("ids"), from_query("fields"))
    };
    let (Some(wanted), Some(fields)) = (wanted, fields) else {
        return Err(ApiError::new(
            "INVALID_INPUT",
            "ids and fields are required.",
        ));
    };
    if wanted.len() > MOST_READ {
        return Err(too_many(MOST_READ));
    }
    let mut records = Vec::new();
    for id in &wanted {
        let Some(id) = ids::canonical(id) else {
            return Err(ApiError::new("MALFORMED_ID", format!("malformed id {id}")));
        };
        let live = org.store.live(&object.name, &id);
        records.push(match live.filter(|record| org.store.shows(record)) {
            Some(record) => records::print(
                &org.store,
                &object,
                record,
                Some(&fields),
                org.options.number_style,
                &request.version,
            )?,
            None => Value::Null,
        });
    }
    Ok(ApiAnswer::ok(Value::Array(records)))
}
