//! `/sobjects`: describe, one record at a time, upsert by external id.

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest, describe, only, replication};
use crate::salesforce::defect::Defect;
use crate::salesforce::dml::{self, Lookalikes, Sight};
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::options::{NumberStyle, UpsertAnswer};
use crate::salesforce::org::Org;
use crate::salesforce::schema::{FieldKind, ObjectDef};
use crate::salesforce::soql;
use crate::salesforce::store::{Record, Store};

/// Answers what comes after `/sobjects`.
pub(super) fn run(
    org: &mut Org,
    request: &ApiRequest,
    rest: &[&str],
) -> Result<ApiAnswer, ApiError> {
    let Some((name, rest)) = rest.split_first() else {
        return only(request, &["GET"], |request| {
            Ok(ApiAnswer::ok(describe::global(
                &org.store,
                &request.version,
            )))
        });
    };
    let object = dml::seen(&org.store, name)?;
    match rest {
        [] => match request.method.as_str() {
            "POST" => create(org, request, &object),
            _ => only(request, &["GET", "POST"], |request| {
                let described = describe::summary(&object, &request.version);
                Ok(ApiAnswer::ok(
                    json!({"objectDescribe": described, "recentItems": []}),
                ))
            }),
        },
        ["describe"] => only(request, &["GET"], |request| {
            Ok(ApiAnswer::ok(describe::object(
                &org.store,
                &object,
                &request.version,
            )))
        }),
        ["deleted"] => only(request, &["GET"], |request| {
            replication::deleted(org, request, &object)
        }),
        ["updated"] => only(request, &["GET"], |request| {
            replication::updated(org, request, &object)
        }),
        [id] => one(org, request, &object, id),
        [field, value] => keyed(org, request, &object, field, value),
        _ => Err(ApiError::not_found()),
    }
}

fn create(org: &mut Org, request: &ApiRequest, object: &ObjectDef) -> Result<ApiAnswer, ApiError> {
    let body = request.object_body()?;
    let mut id = org.write(request.lookalikes(), |store, env| {
        dml::create(store, env, &object.name, body)
    })?;
    if org.store.has(Defect::ShortIdsAnswered) {
        id.truncate(15);
    }
    Ok(created(&object.name, &id, &request.version, None))
}

fn created(object: &str, id: &str, version: &str, marked: Option<bool>) -> ApiAnswer {
    let mut body = json!({"id": id, "success": true, "errors": []});
    if let (Some(marked), Some(map)) = (marked, body.as_object_mut()) {
        map.insert("created".to_owned(), json!(marked));
    }
    ApiAnswer {
        status: 201,
        location: Some(format!("/services/data/{version}/sobjects/{object}/{id}")),
        body: Some(body),
    }
}

fn one(
    org: &mut Org,
    request: &ApiRequest,
    object: &ObjectDef,
    id: &str,
) -> Result<ApiAnswer, ApiError> {
    let repaired = id
        .get(..15)
        .filter(|_| org.store.has(Defect::AnyChecksum))
        .and_then(ids::canonical);
    let canonical = repaired
        .or_else(|| ids::canonical(id))
        .filter(|_| id.len() != 15 || !org.store.has(Defect::ShortIdUnknown))
        .filter(|id| id.starts_with(&object.prefix))
        .ok_or_else(|| {
            let message =
                format!("Provided external ID field does not exist or is not accessible: {id}");
            ApiError::new("NOT_FOUND", message).status(404)
        })?;
    match request.method.as_str() {
        "PATCH" => {
            let body = request.object_body()?;
            if body.keys().any(|key| key.eq_ignore_ascii_case("id")) {
                let message = "The Id field should not be specified in the sobject data.";
                return Err(ApiError::about("INVALID_FIELD", message, &["Id"]));
            }
            org.write(request.lookalikes(), |store, env| {
                dml::update(store, env, &object.name, &canonical, body)
            })?;
            Ok(ApiAnswer::empty(204))
        }
        "DELETE" => {
            org.write(request.lookalikes(), |store, env| {
                dml::delete(store, env, &object.name, &canonical)
            })?;
            Ok(ApiAnswer::empty(204))
        }
        _ => only(request, &["GET", "PATCH", "DELETE"], |request| {
            let record = dml::existing(&org.store, object, &canonical, Sight::Integration)?;
            read(org, request, object, &record)
        }),
    }
}

fn read(
    org: &Org,
    request: &ApiRequest,
    object: &ObjectDef,
    record: &Record,
) -> Result<ApiAnswer, ApiError> {
    let asked = request
        .query
        .get("fields")
        .map(|fields| fields.split(',').map(str::to_owned).collect::<Vec<_>>());
    let printed = print(
        &org.store,
        object,
        record,
        asked.as_deref(),
        org.options.number_style,
        &request.version,
    )?;
    Ok(ApiAnswer::ok(printed))
}

/// A record with the asked fields, or all.
pub(super) fn print(
    store: &Store,
    object: &ObjectDef,
    record: &Record,
    asked: Option<&[String]>,
    style: NumberStyle,
    version: &str,
) -> Result<Value, ApiError> {
    let mut printed = Map::new();
    printed.insert(
        "attributes".to_owned(),
        soql::attributes(&object.name, record.id(), version),
    );
    let all: Vec<String> = object
        .fields()
        .iter()
        .map(|field| field.name.clone())
        .collect();
    let id = [String::from("Id")];
    for name in asked.unwrap_or(&all).iter().chain(&id) {
        let field = object.field(name.trim()).ok_or_else(|| {
            let message = format!(
                "No such column '{}' on sobject of type {}",
                name.trim(),
                object.name
            );
            ApiError::new("INVALID_FIELD", message)
        })?;
        printed.insert(
            field.name.clone(),
            soql::print(store, &object.name, record, field, style),
        );
    }
    Ok(Value::Object(printed))
}

/// What an upsert did.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Upserted {
    Created(String),
    Updated(String),
    /// Several records have the value; nothing was done.
    Several(Vec<String>),
}

/// Whether an upsert may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpsertMode {
    CreateOrUpdate,
    UpdateOnly,
}

/// Creates or updates by a key field.
pub(super) fn upsert(
    org: &mut Org,
    lookalikes: Lookalikes,
    object: &ObjectDef,
    (field, value): (&str, &str),
    body: &Map<String, Value>,
    mode: UpsertMode,
) -> Result<Upserted, ApiError> {
    let mut found = dml::find(&org.store, object, field, value)?;
    if org.store.has(Defect::UpsertCreates) {
        found.clear();
    }
    if found.len() > 1 && !org.store.has(Defect::UpsertPicksOne) {
        return Ok(Upserted::Several(found));
    }
    if let Some(id) = found.pop() {
        org.write(lookalikes, |store, env| {
            dml::update(store, env, &object.name, &id, body)
        })?;
        return Ok(Upserted::Updated(id));
    }
    let by_id = object
        .field(field)
        .is_some_and(|field| field.kind == FieldKind::Id);
    if by_id || mode == UpsertMode::UpdateOnly {
        return Err(ApiError::not_found());
    }
    let mut body = body.clone();
    body.insert(field.to_owned(), json!(value));
    let id = org.write(lookalikes, |store, env| {
        dml::create(store, env, &object.name, &body)
    })?;
    Ok(Upserted::Created(id))
}

fn keyed(
    org: &mut Org,
    request: &ApiRequest,
    object: &ObjectDef,
    field: &str,
    value: &str,
) -> Result<ApiAnswer, ApiError> {
    if value.ends_with(".inc") {
        return Err(ApiError::not_found());
    }
    let several = |ids: &[String]| {
        let urls: Vec<String> = ids
            .iter()
            .map(|id| {
                format!(
                    "/services/data/{}/sobjects/{}/{id}",
                    request.version, object.name
                )
            })
            .collect();
        ApiAnswer {
            status: 300,
            location: None,
            body: Some(json!(urls)),
        }
    };
    match request.method.as_str() {
        "PATCH" => {
            let body = request.object_body()?;
            if let Some(name) = body
                .keys()
                .find(|key| key.eq_ignore_ascii_case("id") || key.eq_ignore_ascii_case(field))
            {
                let message =
                    format!("The {name} field should not be specified in the sobject data.");
                return Err(ApiError::about("INVALID_FIELD", message, &[name]));
            }
            let mode = match request.query.get("updateOnly").map(String::as_str) {
                Some("true") => UpsertMode::UpdateOnly,
                _ => UpsertMode::CreateOrUpdate,
            };
            Ok(
                match upsert(
                    org,
                    request.lookalikes(),
                    object,
                    (field, value),
                    body,
                    mode,
                )? {
                    Upserted::Created(id) => {
                        created(&object.name, &id, &request.version, Some(true))
                    }
                    Upserted::Updated(id) => match org.options.upsert_answer {
                        UpsertAnswer::NoContent => ApiAnswer::empty(204),
                        UpsertAnswer::Body => ApiAnswer::ok(
                            json!({"id": id, "success": true, "errors": [], "created": false}),
                        ),
                    },
                    Upserted::Several(ids) => several(&ids),
                },
            )
        }
        "GET" | "DELETE" => {
            let found = dml::find(&org.store, object, field, value)?;
            let [id] = found.as_slice() else {
                return if found.is_empty() {
                    Err(ApiError::not_found())
                } else {
                    Ok(several(&found))
                };
            };
            if request.method == "DELETE" {
                org.write(request.lookalikes(), |store, env| {
                    dml::delete(store, env, &object.name, id)
                })?;
                return Ok(ApiAnswer::empty(204));
            }
            let record = dml::existing(&org.store, object, id, Sight::Integration)?;
            read(org, request, object, &record)
        }
        _ => only(request, &["GET", "PATCH", "DELETE"], |_| {
            Err(ApiError::not_found())
        }),
    }
}
