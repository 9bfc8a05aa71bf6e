//! Custom fields: their definition checked and put into the schema, or taken out with their data.

use std::sync::Arc;

use serde_json::{Value, json};

use super::definition::{flag, list, required, text, whole};
use super::{Kind, Site};
use crate::salesforce::formula::{Blanks, Formula};
use crate::salesforce::schema::{
    Access, FieldDef, FieldKind, Key, Need, ObjectDef, Strictness, Visibility,
};

/// `Account.Xero_Id__c` as object and field.
pub(super) fn split(full_name: &str) -> Result<(&str, &str), String> {
    full_name
        .split_once('.')
        .ok_or_else(|| format!("{full_name} is not the name of a field of an object"))
}

/// Creates or changes a field; says whether the object had it before.
pub(super) fn apply(site: &mut Site, full_name: &str, definition: &Value) -> Result<bool, String> {
    let (object_name, name) = split(full_name)?;
    if !name.ends_with("__c") {
        return Err("fullName must end with: __c or __kav or __x or __b or __e or __p or __mdt or __dll or __dlm".to_owned());
    }
    let well_formed = name.strip_suffix("__c").is_some_and(|stem| {
        stem.starts_with(|c: char| c.is_ascii_alphabetic())
            && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !stem.contains("__")
            && !stem.ends_with('_')
            && stem.len() <= 40
    });
    if !well_formed {
        return Err(format!(
            "The Field Name can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores: {name}"
        ));
    }
    let Some(object) = site.store.schema.object(object_name).cloned() else {
        return Err(format!(
            "Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}"
        ));
    };
    let field = read(site, &object, name, definition)?;
    let old = object.field(name);
    if let Some(old) = old {
        compatible(site, &object, old, &field)?;
    }
    let existed = old.is_some();
    let custom = object.fields().iter().filter(|field| field.is_custom());
    if !existed && custom.count() >= site.most_fields {
        return Err(format!(
            "You have reached the maximum number of {} custom fields on {}",
            site.most_fields, object.label
        ));
    }
    if let Some(object) = site.store.schema.object_mut(object_name) {
        object.put(field);
    }
    site.store.reindex(&object.name);
    Ok(existed)
}

/// A field of the schema from its definition.
fn read(
    site: &Site,
    object: &ObjectDef,
    name: &str,
    definition: &Value,
) -> Result<FieldDef, String> {
    let label = required(definition, "label")?;
    if label.chars().count() > 40 {
        return Err(format!(
            "Label: data value too large: {label} (max length=40)"
        ));
    }
    let kind = kind(site, object, definition)?;
    let formula = text(definition, "formula");
    let external = flag(definition, "externalId");
    let unique = flag(definition, "unique");
    let can_be_key = matches!(
        kind,
        FieldKind::Text { .. } | FieldKind::Number { .. } | FieldKind::Email
    ) && formula.is_none();
    if (external || unique) && !can_be_key {
        return Err("Can not specify 'externalId' or 'unique' for a field of this type".to_owned());
    }
    let mut field = FieldDef::new(name, kind)
        .label(&label)
        .key(match (external, unique) {
            (true, true) => Key::UniqueExternal,
            (true, false) => Key::External,
            (false, true) => Key::Unique,
            (false, false) => Key::None,
        });
    field.visibility = Visibility::Granted;
    if flag(definition, "required") {
        if formula.is_some() || field.kind == FieldKind::Checkbox {
            return Err("Can not specify 'required' for a field of this type".to_owned());
        }
        field = field.required();
        // Field-level security does not hold back what must be filled in.
        field.visibility = Visibility::Everyone;
    }
    if let Some(formula) = formula {
        let blanks = match text(definition, "formulaTreatBlanksAs").as_deref() {
            Some("BlankAsBlank") => Blanks::AsBlank,
            Some("BlankAsZero") | None => Blanks::AsZero,
            Some(other) => {
                return Err(format!(
                    "'{other}' is not a valid value for the enum 'TreatBlanksAs'"
                ));
            }
        };
        let compiled = Formula::compile(&site.store.schema, object, &field.kind, &formula, blanks)?;
        if refers_to(&formula, name) {
            return Err(format!("Formula field {name} cannot refer to itself"));
        }
        field.formula = Some(Arc::new(compiled));
        field = field.access(Access::ReadOnly);
    }
    Ok(field)
}

fn kind(site: &Site, object: &ObjectDef, definition: &Value) -> Result<FieldKind, String> {
    let formula = definition.get("formula").is_some();
    let kind = required(definition, "type")?;
    let length = |least: u32, most: u32| -> Result<usize, String> {
        let length = whole(definition, "length")?
            .ok_or_else(|| format!("Must specify 'length' for a CustomField of type {kind}"))?;
        if (least..=most).contains(&length) {
            Ok(usize::try_from(length).unwrap_or(usize::MAX))
        } else {
            Err(format!(
                "Invalid length {length} for a CustomField of type {kind}: it must be {least} to {most}"
            ))
        }
    };
    let places = || -> Result<(u32, u32), String> {
        let missing =
            |name: &str| format!("Must specify '{name}' for a CustomField of type {kind}");
        let precision = whole(definition, "precision")?.ok_or_else(|| missing("precision"))?;
        let scale = whole(definition, "scale")?.ok_or_else(|| missing("scale"))?;
        if !(1..=18).contains(&precision) || scale > precision {
            return Err(format!(
                "Invalid precision {precision} and scale {scale}: at most 18 digits in all"
            ));
        }
        Ok((precision, scale))
    };
    Ok(match kind.as_str() {
        "Text" if formula => FieldKind::Text { length: 1_300 },
        "Text" => FieldKind::Text {
            length: length(1, 255)?,
        },
        "TextArea" => FieldKind::Text { length: 255 },
        "LongTextArea" if !formula => {
            whole(definition, "visibleLines")?
                .ok_or("Must specify 'visibleLines' for a CustomField of type LongTextArea")?;
            FieldKind::LongText {
                length: length(256, 131_072)?,
            }
        }
        "Number" => {
            let (precision, scale) = places()?;
            FieldKind::Number { precision, scale }
        }
        "Currency" => {
            let (precision, scale) = places()?;
            FieldKind::Currency { precision, scale }
        }
        "Percent" => {
            let (precision, scale) = places()?;
            FieldKind::Percent { precision, scale }
        }
        "Checkbox" => {
            let default = text(definition, "defaultValue");
            if !formula && !matches!(default.as_deref(), Some("true" | "false")) {
                return Err(
                    "Must specify 'defaultValue' of true or false for a CustomField of type Checkbox"
                        .to_owned(),
                );
            }
            FieldKind::Checkbox
        }
        "Date" => FieldKind::Date,
        "DateTime" => FieldKind::DateTime,
        "Url" => FieldKind::Url,
        "Email" => FieldKind::Email,
        "Phone" => FieldKind::Phone,
        "Lookup" if !formula => lookup(site, object, definition)?,
        "Picklist" if !formula => picklist(definition)?,
        other => {
            return Err(format!(
                "'{other}' is not a type of field that the simulator knows{}",
                if formula { " for a formula" } else { "" }
            ));
        }
    })
}

fn lookup(site: &Site, object: &ObjectDef, definition: &Value) -> Result<FieldKind, String> {
    let to = required(definition, "referenceTo")?;
    let Some(target) = site.store.schema.object(&to) else {
        return Err(format!(
            "referenceTo value of '{to}' does not resolve to a valid sObject type"
        ));
    };
    let stem = text(definition, "fullName").unwrap_or_default();
    let path = stem.trim_end_matches("__c").to_owned();
    let children = text(definition, "relationshipName").map(|name| format!("{name}__r"));
    if let Some(children) = &children {
        let taken = site.store.schema.children(&target.name).any(|child| {
            child.relationship.eq_ignore_ascii_case(children)
                && !(child.object.name == object.name && child.field.name == stem)
        });
        if taken {
            return Err(format!(
                "There is already a Child Relationship named {} on {}.",
                children.trim_end_matches("__r"),
                target.label
            ));
        }
    }
    Ok(FieldKind::Reference {
        to: target.name.clone(),
        relationship: Some(format!("{path}__r")),
        children,
    })
}

fn picklist(definition: &Value) -> Result<FieldKind, String> {
    let set = definition
        .get("valueSet")
        .ok_or("Must specify 'valueSet' for a CustomField of type Picklist")?;
    let values: Vec<String> = set
        .get("valueSetDefinition")
        .map(|inner| list(inner, "value"))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|value| text(value, "fullName"))
        .collect();
    if values.is_empty() {
        return Err("A picklist must have at least one value".to_owned());
    }
    let strictness = if flag(set, "restricted") {
        Strictness::Restricted
    } else {
        Strictness::Open
    };
    Ok(FieldKind::Picklist { values, strictness })
}

/// Whether a field may become another.
fn compatible(
    site: &Site,
    object: &ObjectDef,
    old: &FieldDef,
    new: &FieldDef,
) -> Result<(), String> {
    let same_type = std::mem::discriminant(&old.kind) == std::mem::discriminant(&new.kind)
        && old.formula.is_some() == new.formula.is_some();
    let elsewhere = matches!((&old.kind, &new.kind),
        (FieldKind::Reference { to: a, .. }, FieldKind::Reference { to: b, .. }) if a != b);
    if !same_type || elsewhere {
        return Err(format!("Cannot change the type of field {}", old.name));
    }
    let longest = site
        .store
        .all(&object.name)
        .filter_map(|record| record.text(&old.name))
        .map(|text| text.chars().count())
        .max();
    if let (Some(longest), FieldKind::Text { length } | FieldKind::LongText { length }) =
        (longest, &new.kind)
        && longest > *length
    {
        return Err(format!(
            "Cannot shorten field {}: a record holds {longest} characters",
            old.name
        ));
    }
    if matches!(new.key, Key::Unique | Key::UniqueExternal) {
        let mut seen = std::collections::HashSet::new();
        let twice = site.store.all(&object.name).any(|record| {
            !record.is_deleted()
                && record
                    .get(&old.name)
                    .index_key()
                    .is_some_and(|key| !seen.insert(key))
        });
        if twice {
            return Err(format!(
                "Cannot make field {} unique: records share values",
                old.name
            ));
        }
    }
    Ok(())
}

/// Whether a formula names a field.
fn refers_to(formula: &str, name: &str) -> bool {
    formula
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word.eq_ignore_ascii_case(name))
}

/// Deletes a field and what it held.
pub(super) fn remove(site: &mut Site, full_name: &str) -> Result<bool, String> {
    let (object_name, name) = split(full_name)?;
    let Some(object) = site.store.schema.object(object_name).cloned() else {
        return Ok(false);
    };
    let Some(field) = object.field(name).filter(|field| field.is_custom()) else {
        return Ok(false);
    };
    let user = object.fields().iter().find(|other| {
        other.name != field.name
            && other
                .formula
                .as_ref()
                .is_some_and(|formula| refers_to(&formula.text, &field.name))
    });
    if let Some(user) = user {
        return Err(format!(
            "This custom field is referenced elsewhere in salesforce.com. Remove the usage and try again. : Custom Field Definition - {}.{}",
            object.name, user.name
        ));
    }
    let name = field.name.clone();
    if let Some(object) = site.store.schema.object_mut(object_name) {
        object.remove(&name);
    }
    site.store.forget_field(&object.name, &name);
    super::permission::forget(site, &format!("{}.{name}", object.name));
    Ok(true)
}

/// The definition of a field that was never deployed, or as deployed.
pub(crate) fn definition_of(site: &super::Metadata, object: &str, field: &FieldDef) -> Value {
    if let Some(known) = site.get(Kind::CustomField, &format!("{object}.{}", field.name)) {
        return known.definition.clone();
    }
    let kind = match &field.kind {
        FieldKind::Text { length } => json!({"type": "Text", "length": length}),
        FieldKind::LongText { length } => {
            json!({"type": "LongTextArea", "length": length, "visibleLines": 3})
        }
        FieldKind::Whole { digits } => json!({"type": "Number", "precision": digits, "scale": 0}),
        FieldKind::Number { precision, scale } => {
            json!({"type": "Number", "precision": precision, "scale": scale})
        }
        FieldKind::Currency { precision, scale } => {
            json!({"type": "Currency", "precision": precision, "scale": scale})
        }
        FieldKind::Percent { precision, scale } => {
            json!({"type": "Percent", "precision": precision, "scale": scale})
        }
        FieldKind::Checkbox => json!({"type": "Checkbox", "defaultValue": "false"}),
        FieldKind::Date => json!({"type": "Date"}),
        FieldKind::DateTime => json!({"type": "DateTime"}),
        FieldKind::Email => json!({"type": "Email"}),
        FieldKind::Phone => json!({"type": "Phone"}),
        FieldKind::Url => json!({"type": "Url"}),
        FieldKind::Reference { to, .. } => json!({"type": "Lookup", "referenceTo": to}),
        FieldKind::Picklist { values, strictness } => {
            let values: Vec<Value> = values
                .iter()
                .map(|value| json!({"fullName": value, "default": false, "label": value}))
                .collect();
            json!({"type": "Picklist", "valueSet": {
                "restricted": *strictness == Strictness::Restricted,
                "valueSetDefinition": {"sorted": false, "value": values},
            }})
        }
        FieldKind::Id | FieldKind::Address { .. } | FieldKind::Complex => json!({}),
    };
    let mut definition = kind;
    if let Some(members) = definition.as_object_mut() {
        members.insert("label".to_owned(), json!(field.label));
        members.insert(
            "externalId".to_owned(),
            json!(matches!(field.key, Key::External | Key::UniqueExternal)),
        );
        members.insert(
            "unique".to_owned(),
            json!(matches!(field.key, Key::Unique | Key::UniqueExternal)),
        );
        members.insert("required".to_owned(), json!(field.need == Need::Required));
    }
    definition
}
