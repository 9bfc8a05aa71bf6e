//! Custom objects and their list views: made, changed, deleted with all that belongs to them.

use serde_json::{Value, json};

use super::definition::{flag, list, required, text};
use super::{Kind, Site, field, id_of, layout};
use crate::salesforce::catalog;
use crate::salesforce::schema::{Access, FieldKind, ObjectDef, Visibility, Writable};
use crate::salesforce::store::Record;
use crate::salesforce::value::FieldValue;

/// Creates or changes an object; says whether it was there. A standard object's file only carries parts.
pub(super) fn apply(site: &mut Site, name: &str, definition: &Value) -> Result<bool, String> {
    let existing = site.store.schema.object(name).cloned();
    if !name.ends_with("__c") {
        return match existing {
            Some(_) => Ok(true),
            None => Err(format!("Could not resolve standard object's name: {name}")),
        };
    }
    let label = required(definition, "label")?;
    let plural = required(definition, "pluralLabel")?;
    let name_field = definition
        .get("nameField")
        .filter(|name| name.is_object())
        .ok_or("Must specify a nameField for a custom object")?;
    required(definition, "sharingModel")?;
    let status = text(definition, "deploymentStatus").unwrap_or_default();
    if !matches!(status.as_str(), "" | "Deployed" | "InDevelopment") {
        return Err(format!(
            "'{status}' is not a valid value for the enum 'DeploymentStatus'"
        ));
    }
    let format = match required(name_field, "type")?.as_str() {
        "Text" => None,
        "AutoNumber" => {
            let format = required(name_field, "displayFormat")?;
            if !format.contains("{0") {
                return Err(format!("Invalid auto number format: {format}"));
            }
            Some(format)
        }
        other => return Err(format!("{other} cannot be the type of a nameField")),
    };
    let mut object = match existing.as_deref() {
        Some(old) => old.clone(),
        None => {
            let prefix = site
                .store
                .schema
                .free_prefix()
                .ok_or("There are too many custom objects")?;
            ObjectDef::new(
                name,
                &plural,
                &prefix,
                Writable::Yes,
                catalog::custom_base(),
            )
        }
    };
    object.label = label;
    object.plural = plural;
    object.visibility = Visibility::Granted;
    object.reports = flag(definition, "enableReports");
    let auto = format.is_some();
    object.name_format = format;
    if let Some(mut name) = object.field("Name").cloned() {
        name.label = required(name_field, "label")?;
        name.access = if auto {
            Access::ReadOnly
        } else {
            Access::Write
        };
        object.put(name);
    }
    let default_layout = layout::default_of(&object);
    site.store.schema.put(object);
    if existing.is_none() {
        let full_name = format!("{name}-{} Layout", required(definition, "label")?);
        site.metadata
            .keep(Kind::Layout, &full_name, &default_layout, site.now);
    }
    Ok(existing.is_some())
}

/// Deletes a custom object, its records, fields, layouts, list views and reports.
pub(super) fn remove(site: &mut Site, name: &str) -> Result<bool, String> {
    let Some(object) = site.store.schema.object(name).cloned() else {
        return Ok(false);
    };
    if !object.name.ends_with("__c") {
        return Err(format!("Cannot delete standard object: {}", object.name));
    }
    let user = site.store.schema.objects().find_map(|other| {
        let field = other.fields().iter().find(
            |field| matches!(&field.kind, FieldKind::Reference { to, .. } if *to == object.name),
        )?;
        (other.name != object.name).then(|| format!("{}.{}", other.name, field.name))
    });
    if let Some(user) = user {
        return Err(format!(
            "This custom object is referenced elsewhere in salesforce.com. Remove the usage and try again. : Custom Field Definition - {user}"
        ));
    }
    for field in object.fields() {
        super::permission::forget(site, &format!("{}.{}", object.name, field.name));
    }
    super::permission::forget_object(site, &object.name);
    let own = |kind: Kind, site: &Site| -> Vec<String> {
        let (dash, dot) = (format!("{name}-"), format!("{name}."));
        let report_type = format!("CustomEntity${name}");
        site.metadata
            .of(kind)
            .filter(|(full, component)| match kind {
                Kind::Layout => full.starts_with(&dash),
                Kind::Report => {
                    text(&component.definition, "reportType").as_deref() == Some(&report_type)
                }
                _ => full.starts_with(&dot),
            })
            .map(|(full, _)| full.to_owned())
            .collect()
    };
    site.metadata.remove(Kind::CustomTab, name);
    for kind in [
        Kind::CustomField,
        Kind::ListView,
        Kind::Layout,
        Kind::Report,
    ] {
        for full_name in own(kind, site) {
            match kind {
                Kind::ListView => {
                    remove_list_view(site, &full_name);
                }
                Kind::Report => {
                    super::report::remove(site, &full_name);
                }
                _ => {}
            }
            site.metadata.remove(kind, &full_name);
        }
    }
    layout::forget_child(site, &object.name);
    site.store.forget_object(&object.name);
    Ok(true)
}

/// Gives an object its tab; says whether it had one.
pub(super) fn apply_tab(site: &mut Site, name: &str, definition: &Value) -> Result<bool, String> {
    if !flag(definition, "customObject") {
        return Err("The simulator only knows tabs of custom objects".to_owned());
    }
    required(definition, "motif")?;
    if !name.ends_with("__c") || site.store.schema.object(name).is_none() {
        return Err(format!(
            "In field: name - no CustomObject named {name} found"
        ));
    }
    Ok(site.metadata.get(Kind::CustomTab, name).is_some())
}

/// Columns that every list view may show beside fields.
const COLUMNS: [&str; 8] = [
    "NAME",
    "OWNER.ALIAS",
    "OWNER.FIRST_NAME",
    "OWNER.LAST_NAME",
    "CREATED_DATE",
    "CREATEDBY_USER",
    "LAST_UPDATE",
    "UPDATEDBY_USER",
];

/// Creates or changes a list view; says whether it was there.
pub(super) fn apply_list_view(
    site: &mut Site,
    full_name: &str,
    definition: &Value,
) -> Result<bool, String> {
    let (object_name, name) = field::split(full_name)?;
    let Some(object) = site.store.schema.object(object_name).cloned() else {
        return Err(format!("Cannot find object: {object_name}"));
    };
    let label = required(definition, "label")?;
    if !matches!(
        required(definition, "filterScope")?.as_str(),
        "Everything" | "Mine"
    ) {
        return Err("filterScope must be Everything or Mine".to_owned());
    }
    let columns = list(definition, "columns");
    let filters = list(definition, "filters");
    let named = columns
        .iter()
        .filter_map(|column| column.as_str().map(str::to_owned))
        .chain(filters.iter().filter_map(|filter| text(filter, "field")));
    for column in named {
        let known = COLUMNS.contains(&column.as_str())
            || object.field(&column).is_some()
            || !object.name.ends_with("__c") && !column.ends_with("__c");
        if !known {
            return Err(format!("Could not resolve list view column: {column}"));
        }
    }
    for filter in filters {
        required(filter, "operation")?;
    }
    let id = id_of(Kind::ListView, full_name);
    let existed = site.store.live("ListView", &id).is_some();
    let row = json!({"Name": label, "DeveloperName": name, "SobjectType": object.name, "IsSoqlCompatible": true});
    site.put_row("ListView", &id, &row);
    Ok(existed)
}

pub(super) fn remove_list_view(site: &mut Site, full_name: &str) -> bool {
    site.drop_row("ListView", &id_of(Kind::ListView, full_name))
}

impl Site {
    /// Puts a set-up record, with stamps; texts and truths only.
    pub(super) fn put_row(&mut self, object: &str, id: &str, members: &Value) {
        let mut record = self.store.get(object, id).cloned().unwrap_or_else(|| {
            let mut record = Record::default();
            record.set("Id", FieldValue::text(id));
            record.set("CreatedDate", FieldValue::Instant(self.now));
            record.set("CreatedById", FieldValue::text(self.user.as_str()));
            record
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            let value = match value {
                Value::String(text) => FieldValue::text(text.as_str()),
                Value::Bool(flag) => FieldValue::Flag(*flag),
                _ => FieldValue::Null,
            };
            record.set(name, value);
        }
        record.set("IsDeleted", FieldValue::Flag(false));
        record.set("LastModifiedDate", FieldValue::Instant(self.now));
        record.set("LastModifiedById", FieldValue::text(self.user.as_str()));
        record.set("SystemModstamp", FieldValue::Instant(self.now));
        self.store.put(object, record);
    }

    /// Takes a set-up record away for good; says whether it was there.
    pub(super) fn drop_row(&mut self, object: &str, id: &str) -> bool {
        self.store.erase(object, id)
    }
}
