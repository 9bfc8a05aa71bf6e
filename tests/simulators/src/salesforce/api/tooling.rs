//! `/tooling`: the set-up as records: queries over it, and fields and layouts one at a time.
//!
//! The rows are made anew for each call from the schema and the definitions, so that they never disagree
//! with what a deployment did.

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest, only, query};
use crate::salesforce::error::ApiError;
use crate::salesforce::metadata::{Kind, Site, definition_of, id_of, typed};
use crate::salesforce::options::MetadataRights;
use crate::salesforce::org::Org;
use crate::salesforce::schema::{FieldDef, FieldKind, ObjectDef, Schema, Writable};
use crate::salesforce::soql::{self, Scope};
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

/// Answers what comes after `/tooling`.
pub(super) fn run(
    org: &mut Org,
    request: &ApiRequest,
    rest: &[&str],
) -> Result<ApiAnswer, ApiError> {
    match rest {
        ["query"] => only(request, &["GET"], |request| run_query(org, request)),
        ["query", locator] => only(request, &["GET"], |request| {
            query::next(org, request, locator)
        }),
        ["sobjects", object, rest @ ..] => match (*object, rest) {
            ("CustomField", []) => only(request, &["POST"], |request| create(org, request)),
            ("CustomField" | "Layout", [id]) => one(org, request, object, id),
            _ => Err(ApiError::not_found()),
        },
        _ => Err(ApiError::not_found()),
    }
}

fn run_query(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    let text = query::text_of(request)?;
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .filter(|word| !word.is_empty())
        .collect();
    let from_fields = words
        .windows(2)
        .any(|pair| matches!(pair, ["from", "fielddefinition"]));
    let filtered = words
        .iter()
        .skip_while(|word| **word != "where")
        .any(|word| word.starts_with("entitydefinition") || *word == "durableid");
    if from_fields && !filtered {
        return Err(ApiError::new(
            "MALFORMED_QUERY",
            "A filter on a reified column is required [EntityDefinitionId,DurableId]: FieldDefinition",
        ));
    }
    let store = rows(org);
    let answer = soql::run(&store, text, Scope::Live, query::viewer(org, request))?;
    let selected: Vec<&str> = words
        .iter()
        .copied()
        .skip(1)
        .take_while(|word| *word != "from")
        .collect();
    let heavy = selected.contains(&"metadata") || selected.contains(&"fullname");
    if heavy && answer.total > 1 {
        return Err(ApiError::new(
            "MALFORMED_QUERY",
            format!(
                "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more than one row for retrieval. Result size: {}",
                answer.total
            ),
        ));
    }
    let mut page = query::first_page(org, request, answer);
    if let Some(page) = page.as_object_mut() {
        page.insert(
            "size".to_owned(),
            page.get("totalSize").cloned().unwrap_or_default(),
        );
    }
    Ok(ApiAnswer::ok(page))
}

/// The Tooling API's objects and their fields.
fn schema() -> Schema {
    let text = |name: &str| FieldDef::text(name, 255);
    let flag = |name: &str| FieldDef::new(name, FieldKind::Checkbox);
    let whole = |name: &str| FieldDef::new(name, FieldKind::Whole { digits: 9 });
    let entity = || {
        FieldDef::reference(
            "EntityDefinitionId",
            "EntityDefinition",
            Some("EntityDefinition"),
            None,
        )
    };
    let heavy = || {
        [
            text("FullName"),
            FieldDef::new("Metadata", FieldKind::Complex),
        ]
    };
    let mut schema = Schema::default();
    let mut put = |name: &str, prefix: &str, fields: Vec<FieldDef>| {
        let all = [FieldDef::new("Id", FieldKind::Id)]
            .into_iter()
            .chain(fields)
            .collect();
        schema.put(ObjectDef::new(name, name, prefix, Writable::No, all));
    };
    put(
        "EntityDefinition",
        "4ie",
        vec![
            text("DurableId"),
            text("QualifiedApiName"),
            text("DeveloperName"),
            text("NamespacePrefix"),
            text("Label"),
            text("MasterLabel"),
            text("PluralLabel"),
            text("KeyPrefix"),
            flag("IsCustomizable"),
            flag("IsQueryable"),
        ],
    );
    put(
        "FieldDefinition",
        "4fe",
        vec![
            text("DurableId"),
            text("QualifiedApiName"),
            text("DeveloperName"),
            text("NamespacePrefix"),
            text("Label"),
            text("MasterLabel"),
            text("DataType"),
            whole("Length"),
            whole("Precision"),
            whole("Scale"),
            flag("IsCalculated"),
            flag("IsIndexed"),
            flag("IsNillable"),
            text("RelationshipName"),
            entity(),
        ],
    );
    let mut field = vec![
        text("DeveloperName"),
        text("TableEnumOrId"),
        text("NamespacePrefix"),
        text("ManageableState"),
        entity(),
    ];
    field.extend(heavy());
    put("CustomField", "00N", field);
    put(
        "CustomObject",
        "01I",
        vec![
            text("DeveloperName"),
            text("NamespacePrefix"),
            text("ManageableState"),
            text("Description"),
        ],
    );
    let mut layout = vec![
        text("Name"),
        text("TableEnumOrId"),
        text("NamespacePrefix"),
        text("LayoutType"),
        entity(),
    ];
    layout.extend(heavy());
    put("Layout", "00h", layout);
    put(
        "DeployRequest",
        "0Af",
        vec![
            text("Status"),
            text("CreatedById"),
            FieldDef::new("CreatedDate", FieldKind::DateTime),
        ],
    );
    put(
        "TabDefinition",
        "4td",
        vec![
            text("Name"),
            text("SobjectName"),
            text("Label"),
            flag("IsCustom"),
        ],
    );
    put(
        "PermissionSet",
        "0PS",
        vec![
            text("Name"),
            text("Label"),
            text("Description"),
            flag("IsCustom"),
        ],
    );
    put(
        "ListView",
        "00B",
        vec![text("Name"), text("DeveloperName"), text("SobjectType")],
    );
    put(
        "Report",
        "00O",
        vec![
            text("Name"),
            text("DeveloperName"),
            text("FolderName"),
            text("Format"),
        ],
    );
    schema
}

/// How entities are referred to: standard ones by name, custom ones by id.
fn durable_id(object: &ObjectDef) -> String {
    if object.name.ends_with("__c") {
        id_of(Kind::CustomObject, &object.name)
            .get(..15)
            .unwrap_or_default()
            .to_owned()
    } else {
        object.name.clone()
    }
}

fn rows(org: &Org) -> Store {
    let mut store = Store::new(schema());
    let mut deployments = Vec::new();
    let stem = |name: &str| name.trim_end_matches("__c").to_owned();
    let mut put = |object: &str, members: Value| {
        let mut record = Record::default();
        for (name, value) in members.as_object().into_iter().flatten() {
            let value = match value {
                Value::String(text) => FieldValue::text(text.as_str()),
                Value::Bool(flag) => FieldValue::Flag(*flag),
                Value::Number(number) => number
                    .to_string()
                    .parse()
                    .map_or(FieldValue::Null, FieldValue::Whole),
                Value::Null => FieldValue::Null,
                complex => FieldValue::Text(complex.to_string()),
            };
            record.set(name, value);
        }
        store.put(object, record);
    };
    for object in org.store.schema.objects() {
        let durable = durable_id(object);
        let custom = object.name.ends_with("__c");
        if org.store.seen.object(&object.name).is_some() {
            put(
                "EntityDefinition",
                json!({
                    "Id": durable, "DurableId": durable, "QualifiedApiName": object.name, "DeveloperName": stem(&object.name),
                    "Label": object.label, "MasterLabel": object.label, "PluralLabel": object.plural, "KeyPrefix": object.prefix,
                    "IsCustomizable": true, "IsQueryable": true,
                }),
            );
        }
        if custom {
            put(
                "CustomObject",
                json!({
                    "Id": id_of(Kind::CustomObject, &object.name), "DeveloperName": stem(&object.name), "ManageableState": "unmanaged",
                    "Description": org.metadata.get(Kind::CustomObject, &object.name).and_then(|known| known.definition.get("description")),
                }),
            );
        }
        // What can't be seen is in CustomField, but not in FieldDefinition.
        for field in org
            .store
            .seen
            .object(&object.name)
            .into_iter()
            .flat_map(|seen| seen.fields())
        {
            put("FieldDefinition", field_definition(object, field, &durable));
        }
        for field in object.fields().iter().filter(|field| field.is_custom()) {
            let full_name = format!("{}.{}", object.name, field.name);
            let definition = definition_of(&org.metadata, &object.name, field);
            put(
                "CustomField",
                json!({
                    "Id": id_of(Kind::CustomField, &full_name), "DeveloperName": stem(&field.name), "TableEnumOrId": durable,
                    "ManageableState": "unmanaged", "EntityDefinitionId": durable, "FullName": full_name, "Metadata": typed(&definition),
                }),
            );
        }
    }
    for (name, component) in org.metadata.of(Kind::Layout) {
        let Some((object, own)) = name.split_once('-') else {
            continue;
        };
        let Some(object) = org.store.schema.object(object) else {
            continue;
        };
        let durable = durable_id(object);
        put(
            "Layout",
            json!({
                "Id": id_of(Kind::Layout, name), "Name": own, "TableEnumOrId": durable, "LayoutType": "Standard",
                "EntityDefinitionId": durable, "FullName": name, "Metadata": typed(&component.definition),
            }),
        );
    }
    for (name, _) in org.metadata.of(Kind::CustomTab) {
        let label = org
            .store
            .schema
            .object(name)
            .map(|object| object.plural.clone());
        put(
            "TabDefinition",
            json!({"Id": id_of(Kind::CustomTab, name), "Name": name, "SobjectName": name, "Label": label, "IsCustom": true}),
        );
    }
    for (id, status, user, queued) in org.deployments.rows() {
        let mut record = Record::default();
        record.set("Id", FieldValue::text(id));
        record.set("Status", FieldValue::text(status));
        record.set("CreatedById", FieldValue::text(user));
        record.set("CreatedDate", FieldValue::Instant(queued));
        deployments.push(record);
    }
    for (object, fields) in [
        ("PermissionSet", vec!["Name", "Label", "Description"]),
        ("ListView", vec!["Name", "DeveloperName", "SobjectType"]),
        (
            "Report",
            vec!["Name", "DeveloperName", "FolderName", "Format"],
        ),
    ] {
        for record in org.store.all(object).filter(|record| !record.is_deleted()) {
            let mut members = Map::new();
            members.insert("Id".to_owned(), json!(record.id()));
            for field in &fields {
                members.insert((*field).to_owned(), json!(record.text(field)));
            }
            put(object, Value::Object(members));
        }
    }
    for record in deployments {
        store.put("DeployRequest", record);
    }
    store.seen = store.schema.clone();
    store
}

fn field_definition(object: &ObjectDef, field: &FieldDef, durable: &str) -> Value {
    let (kind, length, precision, scale) = match &field.kind {
        FieldKind::Id => ("Lookup()".to_owned(), 18, 0, 0),
        FieldKind::Text { length } => (format!("Text({length})"), *length, 0, 0),
        FieldKind::LongText { length } => (format!("Long Text Area({length})"), *length, 0, 0),
        FieldKind::Whole { digits } => (format!("Number({digits}, 0)"), 0, *digits, 0),
        FieldKind::Number { precision, scale } => (
            format!("Number({}, {scale})", precision - scale),
            0,
            *precision,
            *scale,
        ),
        FieldKind::Currency { precision, scale } => (
            format!("Currency({}, {scale})", precision - scale),
            0,
            *precision,
            *scale,
        ),
        FieldKind::Percent { precision, scale } => (
            format!("Percent({}, {scale})", precision - scale),
            0,
            *precision,
            *scale,
        ),
        FieldKind::Checkbox => ("Checkbox".to_owned(), 0, 0, 0),
        FieldKind::Date => ("Date".to_owned(), 0, 0, 0),
        FieldKind::DateTime => ("Date/Time".to_owned(), 0, 0, 0),
        FieldKind::Email => ("Email".to_owned(), 80, 0, 0),
        FieldKind::Phone => ("Phone".to_owned(), 40, 0, 0),
        FieldKind::Url => ("URL(255)".to_owned(), 255, 0, 0),
        FieldKind::Picklist { .. } => ("Picklist".to_owned(), 255, 0, 0),
        FieldKind::Reference { to, .. } => (format!("Lookup({to})"), 18, 0, 0),
        FieldKind::Address { .. } => ("Address".to_owned(), 0, 0, 0),
        FieldKind::Complex => ("Metadata".to_owned(), 0, 0, 0),
    };
    let kind = match &field.formula {
        Some(_) => format!("Formula ({})", kind.split('(').next().unwrap_or_default()),
        None => kind,
    };
    let full_name = format!("{}.{}", object.name, field.name);
    let own = if field.is_custom() {
        let id = id_of(Kind::CustomField, &full_name);
        id.get(..15).unwrap_or_default().to_owned()
    } else {
        field.name.clone()
    };
    let relationship = match &field.kind {
        FieldKind::Reference { relationship, .. } => relationship.clone(),
        _ => None,
    };
    json!({
        "Id": format!("{durable}.{own}"), "DurableId": format!("{durable}.{own}"), "QualifiedApiName": field.name,
        "DeveloperName": field.name.trim_end_matches("__c"), "Label": field.label, "MasterLabel": field.label, "DataType": kind,
        "Length": length, "Precision": precision, "Scale": scale, "IsCalculated": field.formula.is_some(),
        "IsIndexed": field.is_indexed(), "IsNillable": true, "RelationshipName": relationship, "EntityDefinitionId": durable,
    })
}

fn may_write(org: &Org) -> Result<(), ApiError> {
    if org.options.metadata_rights == MetadataRights::Missing {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS",
            "insufficient access rights on cross-reference id",
        )
        .status(403));
    }
    Ok(())
}

fn create(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    may_write(org)?;
    let body = request.object_body()?;
    let missing = |name: &str| {
        ApiError::about(
            "REQUIRED_FIELD_MISSING",
            format!("Required fields are missing: [{name}]"),
            &[name],
        )
    };
    let full_name = body
        .get("FullName")
        .and_then(Value::as_str)
        .ok_or_else(|| missing("FullName"))?
        .to_owned();
    let definition = body
        .get("Metadata")
        .filter(|metadata| metadata.is_object())
        .ok_or_else(|| missing("Metadata"))?
        .clone();
    let known = full_name.split_once('.').is_some_and(|(object, field)| {
        let object = org.store.schema.object(object);
        object.is_some_and(|object| object.field(field).is_some())
    });
    if known {
        let (object, field) = full_name.split_once('.').unwrap_or_default();
        return Err(ApiError::about(
            "DUPLICATE_DEVELOPER_NAME",
            format!(
                "There is already a field named {} on {object}.",
                field.trim_end_matches("__c")
            ),
            &[],
        ));
    }
    apply(org, Kind::CustomField, &full_name, definition)?;
    Ok(ApiAnswer {
        status: 201,
        location: None,
        body: Some(json!({
            "id": id_of(Kind::CustomField, &full_name), "success": true, "errors": [], "warnings": [], "infos": [],
        })),
    })
}

fn apply(
    org: &mut Org,
    kind: Kind,
    full_name: &str,
    mut definition: Value,
) -> Result<(), ApiError> {
    if let (Kind::CustomField, Some(members)) = (kind, definition.as_object_mut()) {
        let own = full_name.split_once('.').map_or(full_name, |(_, own)| own);
        members.insert("fullName".to_owned(), json!(own));
    }
    changing(org, |site| {
        site.apply(kind, full_name, &definition).map(|_| ())
    })
}

fn changing(
    org: &mut Org,
    change: impl FnOnce(&mut Site) -> Result<(), String>,
) -> Result<(), ApiError> {
    let mut site = Site {
        store: org.store.clone(),
        metadata: org.metadata.clone(),
        now: org.now(),
        user: org.user_id.clone(),
        most_fields: org.options.custom_fields,
    };
    change(&mut site)
        .map_err(|problem| ApiError::about("FIELD_INTEGRITY_EXCEPTION", problem, &[]))?;
    org.store = site.store;
    org.metadata = site.metadata;
    Ok(())
}

fn one(org: &mut Org, request: &ApiRequest, object: &str, id: &str) -> Result<ApiAnswer, ApiError> {
    let store = rows(org);
    let found = store
        .all(object)
        .find(|record| record.id() == id || record.id().get(..15) == Some(id))
        .ok_or_else(ApiError::not_found)?;
    let full_name = found.text("FullName").unwrap_or_default().to_owned();
    let kind = if object == "Layout" {
        Kind::Layout
    } else {
        Kind::CustomField
    };
    match request.method.as_str() {
        "PATCH" => {
            may_write(org)?;
            let body = request.object_body()?;
            let definition = body
                .get("Metadata")
                .filter(|metadata| metadata.is_object())
                .cloned()
                .ok_or_else(|| {
                    ApiError::about(
                        "REQUIRED_FIELD_MISSING",
                        "Required fields are missing: [Metadata]",
                        &["Metadata"],
                    )
                })?;
            apply(org, kind, &full_name, definition)?;
            Ok(ApiAnswer::empty(204))
        }
        "DELETE" if kind == Kind::CustomField => {
            may_write(org)?;
            changing(org, |site| site.remove(kind, &full_name).map(|_| ()))?;
            Ok(ApiAnswer::empty(204))
        }
        _ => only(request, &["GET", "PATCH"], |request| {
            let def = store
                .schema
                .object(object)
                .cloned()
                .ok_or_else(ApiError::not_found)?;
            let mut shown = Map::new();
            shown.insert(
                "attributes".to_owned(),
                json!({"type": object, "url": format!("/services/data/{}/tooling/sobjects/{object}/{}", request.version, found.id())}),
            );
            for field in def.fields() {
                let value = soql::print(&store, object, found, field, org.options.number_style);
                shown.insert(field.name.clone(), value);
            }
            Ok(ApiAnswer::ok(Value::Object(shown)))
        }),
    }
}
