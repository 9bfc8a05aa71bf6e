//! Permission sets, and what the integration user sees because of those assigned to it.
//!
//! The records (PermissionSet, ObjectPermissions, FieldPermissions, PermissionSetAssignment) are the
//! truth; [`sight`] derives the schema that API calls are held to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::definition::{flag, list, required, text};
use super::{Kind, Site, field, id_of};
use crate::salesforce::ids;
use crate::salesforce::schema::{
    Access, FieldDef, FieldKind, Need, ObjectDef, Rights, Schema, Visibility, Writable,
};
use crate::salesforce::store::Store;
use crate::salesforce::value::FieldValue;

/// The set-up objects that hold permissions, list views, reports and folders.
pub(crate) fn catalog(base: &[FieldDef]) -> Vec<ObjectDef> {
    let flag = |name: &str| FieldDef::new(name, FieldKind::Checkbox);
    let text = |name: &str, length: usize| FieldDef::text(name, length);
    let object = |name: &str, plural: &str, prefix: &str, writable, fields: Vec<FieldDef>| {
        let all = base.iter().cloned().chain(fields).collect();
        ObjectDef::new(name, plural, prefix, writable, all)
    };
    let parent = || {
        FieldDef::reference("ParentId", "PermissionSet", Some("Parent"), None)
            .access(Access::CreateOnly)
    };
    vec![
        object(
            "PermissionSet",
            "Permission Sets",
            "0PS",
            Writable::No,
            vec![
                text("Name", 80),
                text("Label", 80),
                text("Description", 255),
                text("NamespacePrefix", 15),
                flag("IsCustom"),
                flag("IsOwnedByProfile"),
            ],
        ),
        object(
            "PermissionSetAssignment",
            "Permission Set Assignments",
            "0Pa",
            Writable::Yes,
            vec![
                FieldDef::reference(
                    "PermissionSetId",
                    "PermissionSet",
                    Some("PermissionSet"),
                    Some("Assignments"),
                )
                .required()
                .access(Access::CreateOnly),
                FieldDef::reference(
                    "AssigneeId",
                    "User",
                    Some("Assignee"),
                    Some("PermissionSetAssignments"),
                )
                .required()
                .access(Access::CreateOnly),
            ],
        ),
        object(
            "ObjectPermissions",
            "Object Permissions",
            "110",
            Writable::No,
            vec![
                parent(),
                text("SobjectType", 80),
                flag("PermissionsRead"),
                flag("PermissionsCreate"),
                flag("PermissionsEdit"),
                flag("PermissionsDelete"),
                flag("PermissionsViewAllRecords"),
                flag("PermissionsModifyAllRecords"),
            ],
        ),
        object(
            "FieldPermissions",
            "Field Permissions",
            "01k",
            Writable::No,
            vec![
                parent(),
                text("SobjectType", 80),
                text("Field", 255),
                flag("PermissionsRead"),
                flag("PermissionsEdit"),
            ],
        ),
        object(
            "ListView",
            "List Views",
            "00B",
            Writable::No,
            vec![
                text("Name", 80),
                text("DeveloperName", 80),
                text("NamespacePrefix", 15),
                text("SobjectType", 80),
                flag("IsSoqlCompatible"),
            ],
        ),
        object(
            "Folder",
            "Folders",
            "00l",
            Writable::No,
            vec![
                text("Name", 80),
                text("DeveloperName", 80),
                text("Type", 40),
                text("AccessType", 40),
            ],
        ),
        object(
            "Report",
            "Reports",
            "00O",
            Writable::No,
            vec![
                text("Name", 40),
                text("DeveloperName", 80),
                text("Description", 255),
                text("FolderName", 256),
                text("Format", 40),
            ],
        ),
    ]
}

/// Object permissions and what each depends on.
const RIGHTS: [(&str, &str, &[&str]); 6] = [
    ("allowRead", "Read", &[]),
    ("allowCreate", "Create", &["allowRead"]),
    ("allowEdit", "Edit", &["allowRead"]),
    ("allowDelete", "Delete", &["allowRead", "allowEdit"]),
    ("viewAllRecords", "ViewAllRecords", &["allowRead"]),
    (
        "modifyAllRecords",
        "ModifyAllRecords",
        &["allowRead", "allowEdit", "allowDelete", "viewAllRecords"],
    ),
];

/// Creates or replaces a permission set with all its permissions; says whether it was there.
pub(super) fn apply(site: &mut Site, name: &str, definition: &Value) -> Result<bool, String> {
    let label = required(definition, "label")?;
    let mut rows: Vec<(&'static str, String, Value)> = Vec::new();
    let id = id_of(Kind::PermissionSet, name);
    for given in list(definition, "objectPermissions") {
        let object = required(given, "object")?;
        let Some(known) = site.store.schema.object(&object).cloned() else {
            return Err(format!(
                "In field: object - no CustomObject named {object} found"
            ));
        };
        let mut row = json!({"ParentId": id, "SobjectType": known.name});
        for (member, permission, needs) in RIGHTS {
            let granted = flag(given, member);
            let lacking = needs.iter().find(|need| granted && !flag(given, need));
            if let Some(need) = lacking {
                return Err(format!(
                    "Permission {permission} {} depends on permission(s): {need}",
                    known.name
                ));
            }
            if let Some(row) = row.as_object_mut() {
                row.insert(format!("Permissions{permission}"), json!(granted));
            }
        }
        rows.push(("ObjectPermissions", known.name.clone(), row));
    }
    for given in list(definition, "fieldPermissions") {
        let full_name = required(given, "field")?;
        let unknown = || format!("In field: field - no CustomField named {full_name} found");
        let (object, own) = field::split(&full_name)?;
        let (object, own) = site
            .store
            .schema
            .object(object)
            .and_then(|def| Some((def.name.clone(), def.field(own)?.clone())))
            .ok_or_else(unknown)?;
        if own.need == Need::Required {
            return Err(format!(
                "You cannot deploy to a required field: {full_name}"
            ));
        }
        let (readable, editable) = (flag(given, "readable"), flag(given, "editable"));
        if editable && !readable {
            return Err(format!(
                "Permission Edit {full_name} depends on permission(s): Read {full_name}"
            ));
        }
        let field = format!("{object}.{}", own.name);
        let row = json!({
            "ParentId": id, "SobjectType": object, "Field": field, "PermissionsRead": readable,
            "PermissionsEdit": editable && own.access != Access::ReadOnly,
        });
        rows.push(("FieldPermissions", field, row));
    }
    for given in list(definition, "tabSettings") {
        let tab = required(given, "tab")?;
        if tab.ends_with("__c") && site.metadata.get(Kind::CustomTab, &tab).is_none() {
            return Err(format!("In field: tab - no CustomTab named {tab} found"));
        }
        if !matches!(
            required(given, "visibility")?.as_str(),
            "Available" | "None" | "Visible"
        ) {
            return Err("visibility must be Available, None or Visible".to_owned());
        }
    }
    let existed = site.store.live("PermissionSet", &id).is_some();
    let members = json!({
        "Name": name, "Label": label, "Description": text(definition, "description"), "IsCustom": true, "IsOwnedByProfile": false,
    });
    site.put_row("PermissionSet", &id, &members);
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for old in children(&site.store, object, "ParentId", &id) {
            site.drop_row(object, &old);
        }
    }
    for (object, key, row) in rows {
        let prefix = if object == "ObjectPermissions" {
            "110"
        } else {
            "01k"
        };
        let hashed = id_of(Kind::CustomField, &format!("{name}/{key}"));
        let own = hashed.get(3..15).unwrap_or_default();
        let own = ids::canonical(&format!("{prefix}{own}")).unwrap_or(hashed);
        site.put_row(object, &own, &row);
    }
    Ok(existed)
}

fn children(store: &Store, object: &str, field: &str, id: &str) -> Vec<String> {
    store
        .with(object, field, &FieldValue::text(id))
        .into_iter()
        .map(|record| record.id().to_owned())
        .collect()
}

/// Deletes a permission set that is assigned to nobody.
pub(super) fn remove(site: &mut Site, name: &str) -> Result<bool, String> {
    let id = id_of(Kind::PermissionSet, name);
    if site.store.live("PermissionSet", &id).is_none() {
        return Ok(false);
    }
    if !children(
        &site.store,
        "PermissionSetAssignment",
        "PermissionSetId",
        &id,
    )
    .is_empty()
    {
        return Err(format!(
            "You can't delete the permission set {name} because it is assigned to users"
        ));
    }
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for row in children(&site.store, object, "ParentId", &id) {
            site.drop_row(object, &row);
        }
    }
    site.drop_row("PermissionSet", &id);
    Ok(true)
}

/// Takes the permissions on a field away with it.
pub(super) fn forget(site: &mut Site, full_name: &str) {
    drop_where(site, "FieldPermissions", "Field", full_name);
}

/// Takes the permissions on an object away with it.
pub(super) fn forget_object(site: &mut Site, object: &str) {
    drop_where(site, "ObjectPermissions", "SobjectType", object);
}

fn drop_where(site: &mut Site, object: &str, field: &str, value: &str) {
    let rows: Vec<String> = site
        .store
        .all(object)
        .filter(|record| record.text(field) == Some(value))
        .map(|record| record.id().to_owned())
        .collect();
    for row in rows {
        site.drop_row(object, &row);
    }
}

/// Whether the records of an object decide what is seen.
pub(crate) fn is_permission(object: &str) -> bool {
    matches!(
        object,
        "PermissionSetAssignment" | "ObjectPermissions" | "FieldPermissions"
    )
}

#[derive(Clone, Copy, Default)]
struct Granted {
    read: bool,
    edit: bool,
}

/// The schema as the user sees it: what is held back by field-level security and object permissions is
/// not there.
pub(crate) fn sight(store: &Store, user: &str) -> Schema {
    let sets: Vec<String> = store
        .with(
            "PermissionSetAssignment",
            "AssigneeId",
            &FieldValue::text(user),
        )
        .into_iter()
        .filter_map(|assigned| assigned.text("PermissionSetId").map(str::to_owned))
        .collect();
    let mut fields: BTreeMap<String, Granted> = BTreeMap::new();
    let mut objects: BTreeMap<String, Rights> = BTreeMap::new();
    for set in &sets {
        for row in store.with(
            "FieldPermissions",
            "ParentId",
            &FieldValue::text(set.as_str()),
        ) {
            let entry = fields
                .entry(row.text("Field").unwrap_or_default().to_owned())
                .or_default();
            entry.read |= row.get("PermissionsRead").is_true();
            entry.edit |= row.get("PermissionsEdit").is_true();
        }
        for row in store.with(
            "ObjectPermissions",
            "ParentId",
            &FieldValue::text(set.as_str()),
        ) {
            let entry = objects
                .entry(row.text("SobjectType").unwrap_or_default().to_owned())
                .or_default();
            entry.read |= row.get("PermissionsRead").is_true();
            entry.create |= row.get("PermissionsCreate").is_true();
            entry.edit |= row.get("PermissionsEdit").is_true();
            entry.delete |= row.get("PermissionsDelete").is_true();
        }
    }
    let mut seen = Schema::default();
    for shared in store.schema.shared() {
        let rights = objects.get(&shared.name).copied().unwrap_or_default();
        let guarded = shared.visibility == Visibility::Granted;
        if guarded && !rights.read {
            continue;
        }
        let holds_back = shared
            .fields()
            .iter()
            .any(|field| field.visibility == Visibility::Granted);
        if !guarded && !holds_back {
            seen.put_shared(shared.clone());
            continue;
        }
        let mut object = ObjectDef::clone(shared);
        if guarded {
            object.writable = Writable::Granted(rights);
        }
        for field in shared.fields() {
            if field.visibility == Visibility::Everyone {
                continue;
            }
            let granted = fields
                .get(&format!("{}.{}", shared.name, field.name))
                .copied()
                .unwrap_or_default();
            if !granted.read {
                object.remove(&field.name);
            } else if !granted.edit {
                object.put(field.clone().access(Access::ReadOnly));
            }
        }
        seen.put(object);
    }
    seen
}
