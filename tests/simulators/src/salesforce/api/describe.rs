//! `describe`: the schema as the API tells it.

use serde_json::{Value, json};

use crate::salesforce::defect::Defect;
use crate::salesforce::schema::{
    Access, FieldDef, FieldKind, Key, Need, ObjectDef, Strictness, Writable,
};
use crate::salesforce::store::Store;

/// `/sobjects`
pub(super) fn global(store: &Store, version: &str) -> Value {
    let objects: Vec<Value> = store
        .seen
        .objects()
        .map(|object| summary(object, version))
        .collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
}

/// One object without its fields.
pub(super) fn summary(object: &ObjectDef, version: &str) -> Value {
    let rights = object.writable.rights();
    let writable = object.writable != Writable::No;
    let base = format!("/services/data/{version}/sobjects/{}", object.name);
    json!({
        "name": object.name, "label": object.label, "labelPlural": object.plural, "keyPrefix": object.prefix,
        "custom": object.name.ends_with("__c"), "customSetting": false, "activateable": false,
        "createable": rights.create, "updateable": rights.edit, "deletable": rights.delete, "undeletable": rights.delete,
        "queryable": true, "retrieveable": true, "replicateable": true, "searchable": writable,
        "layoutable": writable, "triggerable": writable, "mergeable": object.field("MasterRecordId").is_some(),
        "mruEnabled": writable, "deprecatedAndHidden": false, "feedEnabled": false, "hasSubtypes": false, "isSubtype": false,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")},
    })
}

/// `/sobjects/X/describe`
pub(super) fn object(store: &Store, object: &ObjectDef, version: &str) -> Value {
    let mut described = summary(object, version);
    let fields: Vec<Value> = object
        .fields()
        .iter()
        .filter(|def| !def.is_custom() || !store.has(Defect::DescribeWithoutCustom))
        .map(|def| field(store, object, def))
        .collect();
    let children: Vec<Value> = store
        .seen
        .children(&object.name)
        .map(|child| {
            json!({
                "childSObject": child.object.name, "field": child.field.name, "relationshipName": child.relationship,
                "cascadeDelete": child.field.need == Need::Required, "deprecatedAndHidden": false, "restrictedDelete": false,
                "junctionIdListNames": [], "junctionReferenceTo": [],
            })
        })
        .collect();
    if let Some(map) = described.as_object_mut() {
        map.insert("fields".to_owned(), Value::Array(fields));
        map.insert("childRelationships".to_owned(), Value::Array(children));
        map.insert("recordTypeInfos".to_owned(), record_types(store, object));
        map.insert("supportedScopes".to_owned(), json!([]));
    }
    described
}

fn record_types(store: &Store, object: &ObjectDef) -> Value {
    let infos = store.all("RecordType").filter(|record| record.text("SobjectType") == Some(object.name.as_str())).map(|record| {
        json!({
            "recordTypeId": record.id(), "name": record.text("Name"), "developerName": record.text("DeveloperName"),
            "active": record.get("IsActive").is_true(), "available": true, "defaultRecordTypeMapping": false, "master": false,
        })
    });
    let master = json!({
        "recordTypeId": "012000000000000AAA", "name": "Master", "developerName": "Master",
        "active": true, "available": true, "defaultRecordTypeMapping": true, "master": true,
    });
    Value::Array(infos.chain([master]).collect())
}

/// Type, soap type, length, digits, precision, scale.
fn shape(kind: &FieldKind) -> (&'static str, &'static str, usize, u32, u32, u32) {
    match kind {
        FieldKind::Id => ("id", "tns:ID", 18, 0, 0, 0),
        FieldKind::Reference { .. } => ("reference", "tns:ID", 18, 0, 0, 0),
        FieldKind::Text { length } => ("string", "xsd:string", *length, 0, 0, 0),
        FieldKind::LongText { length } => ("textarea", "xsd:string", *length, 0, 0, 0),
        FieldKind::Email => ("email", "xsd:string", 80, 0, 0, 0),
        FieldKind::Phone => ("phone", "xsd:string", 40, 0, 0, 0),
        FieldKind::Url => ("url", "xsd:string", 255, 0, 0, 0),
        FieldKind::Picklist { .. } => ("picklist", "xsd:string", 255, 0, 0, 0),
        FieldKind::Whole { digits } => ("int", "xsd:int", 0, *digits, 0, 0),
        FieldKind::Number { precision, scale } => {
            ("double", "xsd:double", 0, 0, *precision, *scale)
        }
        FieldKind::Currency { precision, scale } => {
            ("currency", "xsd:double", 0, 0, *precision, *scale)
        }
        FieldKind::Percent { precision, scale } => {
            ("percent", "xsd:double", 0, 0, *precision, *scale)
        }
        FieldKind::Checkbox => ("boolean", "xsd:boolean", 0, 0, 0, 0),
        FieldKind::Date => ("date", "xsd:date", 0, 0, 0, 0),
        FieldKind::DateTime => ("datetime", "xsd:dateTime", 0, 0, 0, 0),
        FieldKind::Address { .. } => ("address", "urn:address", 0, 0, 0, 0),
        FieldKind::Complex => ("complexvalue", "tns:Metadata", 0, 0, 0, 0),
    }
}

fn field(store: &Store, object: &ObjectDef, def: &FieldDef) -> Value {
    let (kind, soap, length, digits, precision, scale) = shape(&def.kind);
    let rights = object.writable.rights();
    let open = object.writable != Writable::No;
    let formula = def.formula.as_ref().map(|formula| formula.text.as_str());
    let plain = !matches!(
        def.kind,
        FieldKind::LongText { .. } | FieldKind::Address { .. }
    );
    let (reference_to, relationship) = match &def.kind {
        FieldKind::Reference {
            to, relationship, ..
        } => (vec![to.as_str()], relationship.as_deref()),
        _ => (Vec::new(), None),
    };
    let restricted = matches!(
        def.kind,
        FieldKind::Picklist {
            strictness: Strictness::Restricted,
            ..
        }
    );
    json!({
        "name": def.name, "label": def.label, "type": kind, "soapType": soap, "length": length,
        "byteLength": length * 3, "digits": digits, "precision": precision, "scale": scale,
        "nillable": def.need == Need::Optional && !matches!(def.kind, FieldKind::Checkbox | FieldKind::Id),
        "defaultedOnCreate": matches!(def.kind, FieldKind::Checkbox | FieldKind::Id) || def.name == "OwnerId",
        "createable": rights.create && def.access != Access::ReadOnly, "updateable": rights.edit && def.access == Access::Write,
        "externalId": matches!(def.key, Key::External | Key::UniqueExternal), "unique": matches!(def.key, Key::Unique | Key::UniqueExternal),
        "idLookup": def.kind == FieldKind::Id || matches!(def.key, Key::External | Key::UniqueExternal),
        "custom": def.is_custom(), "calculated": formula.is_some(), "calculatedFormula": formula, "autoNumber": def.name == "Name" && object.name_format.is_some(), "caseSensitive": false,
        "filterable": plain, "sortable": plain, "groupable": plain && kind != "double" && kind != "currency",
        "aggregatable": plain, "nameField": def.name == "Name", "namePointing": false,
        "permissionable": open && def.need == Need::Optional, "deprecatedAndHidden": false, "encrypted": false,
        "restrictedPicklist": restricted, "dependentPicklist": false, "picklistValues": picklist(store, def),
        "referenceTo": reference_to, "relationshipName": relationship, "defaultValue": null, "inlineHelpText": null,
    })
}

fn picklist(store: &Store, def: &FieldDef) -> Value {
    let FieldKind::Picklist { values, .. } = &def.kind else {
        return json!([]);
    };
    let entry = |value: &str| json!({"value": value, "label": value, "active": true, "defaultValue": false, "validFor": null});
    if def.name == "StageName" {
        let mut stages: Vec<_> = store.all("OpportunityStage").collect();
        stages.sort_by_key(|stage| stage.get("SortOrder").as_number());
        return stages
            .iter()
            .filter_map(|stage| stage.text("ApiName"))
            .map(entry)
            .collect();
    }
    values.iter().map(|value| entry(value)).collect()
}
