//! Page layouts: a deployed layout replaces the whole of the old one, whatever was on it.

use serde_json::{Value, json};

use super::definition::{list, required, text};
use super::{Kind, Site};
use crate::salesforce::schema::{Access, ObjectDef};
use crate::salesforce::store::Store;

/// Standard objects with a layout, what is on it, and its related lists.
const STANDARD: [(&str, &[&str], &[&str]); 3] = [
    (
        "Account",
        &["Phone", "Website", "Industry", "BillingAddress"],
        &["RelatedContactList", "RelatedOpportunityList"],
    ),
    ("Contact", &["AccountId", "Email", "Phone"], &[]),
    (
        "Opportunity",
        &["AccountId", "StageName", "CloseDate", "Amount"],
        &["RelatedLineItemList", "RelatedContactRoleList"],
    ),
];

/// The standard layouts by name.
pub(super) fn standard(store: &Store) -> Vec<(String, Value)> {
    STANDARD
        .iter()
        .filter_map(|(object, fields, lists)| {
            let def = store.schema.object(object)?;
            let mut layout = default_of(def);
            if let Some(items) = layout
                .pointer_mut("/layoutSections/0/layoutColumns/0/layoutItems")
                .and_then(Value::as_array_mut)
            {
                let more = fields
                    .iter()
                    .map(|field| json!({"behavior": "Edit", "field": field}));
                items.extend(more);
            }
            let lists: Vec<Value> = lists
                .iter()
                .map(|name| json!({"relatedList": name}))
                .collect();
            if let Some(members) = layout.as_object_mut() {
                members.insert("relatedLists".to_owned(), Value::Array(lists));
            }
            Some((format!("{object}-{} Layout", def.label), layout))
        })
        .collect()
}

/// The layout a new object starts with: its name.
pub(super) fn default_of(object: &ObjectDef) -> Value {
    json!({
        "layoutSections": [{
            "label": "Information", "style": "TwoColumnsTopToBottom", "editHeading": true, "detailHeading": true,
            "layoutColumns": [{"layoutItems": [{"behavior": name_behaviour(object), "field": "Name"}]}],
        }],
        "relatedLists": [],
    })
}

fn name_behaviour(object: &ObjectDef) -> &'static str {
    match object.field("Name").map(|name| name.access) {
        Some(Access::ReadOnly) => "Readonly",
        _ => "Required",
    }
}

/// Replaces a layout; says whether it was there.
pub(super) fn apply(site: &mut Site, full_name: &str, definition: &Value) -> Result<bool, String> {
    let (object_name, _) = full_name
        .split_once('-')
        .ok_or_else(|| format!("{full_name} is not the name of a layout of an object"))?;
    let Some(object) = site.store.schema.object(object_name).cloned() else {
        return Err("Parent entity failed to deploy".to_owned());
    };
    let items: Vec<&Value> = list(definition, "layoutSections")
        .into_iter()
        .flat_map(|section| list(section, "layoutColumns"))
        .flat_map(|column| list(column, "layoutItems"))
        .collect();
    let mut named = false;
    for item in &items {
        let Some(field) = text(item, "field") else {
            continue;
        };
        if object.field(&field).is_none() {
            return Err(format!(
                "In field: field - no CustomField named {object_name}.{field} found"
            ));
        }
        if field == "Name" {
            named = true;
            let wanted = name_behaviour(&object);
            if required(item, "behavior")? != wanted {
                return Err(format!("Field:Name must be {wanted}"));
            }
        }
    }
    let person_or_full = object_name == "Contact";
    if !named && !person_or_full {
        return Err("Layout must contain an item for required layout field: Name".to_owned());
    }
    let mut seen = Vec::new();
    for related in list(definition, "relatedLists") {
        let name = required(related, "relatedList")?;
        if seen.contains(&name) {
            return Err(format!("Duplicate related list:{name}"));
        }
        let standard = name.starts_with("Related") && !name.contains('.');
        if !standard {
            custom_list(site, &object, &name, related)?;
        }
        seen.push(name);
    }
    Ok(site.metadata.get(Kind::Layout, full_name).is_some())
}

fn custom_list(site: &Site, object: &ObjectDef, name: &str, related: &Value) -> Result<(), String> {
    let missing = || format!("Cannot find related list:{name}");
    let (child, lookup) = name.split_once('.').ok_or_else(missing)?;
    let child = site.store.schema.object(child).ok_or_else(missing)?;
    let found = site
        .store
        .schema
        .children(&object.name)
        .any(|known| known.object.name == child.name && known.field.name == lookup);
    if !found {
        return Err(missing());
    }
    for field in list(related, "fields") {
        let field = field.as_str().unwrap_or_default();
        let known = child.field(field).is_some()
            || matches!(
                field,
                "NAME" | "CREATED_DATE" | "LAST_UPDATE" | "OWNER.ALIAS"
            );
        if !known {
            return Err(format!("Invalid field:{field} in related list:{name}"));
        }
    }
    Ok(())
}

/// Takes related lists of a deleted object off every layout.
pub(super) fn forget_child(site: &mut Site, child: &str) {
    let prefix = format!("{child}.");
    let changed: Vec<(String, Value)> = site
        .metadata
        .of(Kind::Layout)
        .filter_map(|(name, component)| {
            let lists = list(&component.definition, "relatedLists");
            let kept: Vec<Value> = lists
                .iter()
                .filter(|related| {
                    !text(related, "relatedList").is_some_and(|name| name.starts_with(&prefix))
                })
                .map(|related| (*related).clone())
                .collect();
            if kept.len() == lists.len() {
                return None;
            }
            let mut definition = component.definition.clone();
            definition
                .as_object_mut()?
                .insert("relatedLists".to_owned(), Value::Array(kept));
            Some((name.to_owned(), definition))
        })
        .collect();
    for (name, definition) in changed {
        site.metadata
            .keep(Kind::Layout, &name, &definition, site.now);
    }
}

/// Deletes a layout; an object keeps at least one.
pub(super) fn remove(site: &mut Site, full_name: &str) -> Result<bool, String> {
    if site.metadata.get(Kind::Layout, full_name).is_none() {
        return Ok(false);
    }
    let object = full_name.split('-').next().unwrap_or_default();
    let of_object = format!("{object}-");
    let left = site
        .metadata
        .of(Kind::Layout)
        .filter(|(name, _)| name.starts_with(&of_object))
        .count();
    if left < 2 {
        return Err(format!("Cannot delete the only layout of {object}"));
    }
    Ok(true)
}
