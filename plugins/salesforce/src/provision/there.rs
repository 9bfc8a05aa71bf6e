//! The organisation as it is, as far as it concerns us: some twenty reads, no judgement.
//!
//! Fields are told by `describe`, which shows only what the connection's user sees; what it doesn't see is looked up by its
//! definition, unless our own permission set is there and only waits to be assigned. Next: `making`, `removal`.

use std::collections::{BTreeMap, BTreeSet};

use footbridge_sdk::connector::Failure;
use footbridge_sdk::document::{Field, at};
use footbridge_sdk::failure::malformed;
use serde_json::Value;

use super::fields::Described;
use super::reader::{Reader, literals};
use super::rights::Granted;
use super::wanted::{FOLDER, LAID_OUT, SETS, SYNC};
use crate::errors::FAR;
use crate::ids;
use crate::pages::Get;
use crate::receivables;

const DATA: &str = "/query";
const TOOLING: &str = "/tooling/query";

/// The organisation.
#[derive(Debug, Default)]
pub(crate) struct Org {
    /// The user that the connection runs as.
    pub(crate) user: String,
    /// As Salesforce names it: `Enterprise Edition`.
    pub(crate) edition: String,
    /// Megabytes of data storage that are left.
    pub(crate) storage_left: Option<i64>,
    /// A deployment of ours that is still under way.
    pub(crate) under_way: Option<String>,
    /// Our objects that are there, by name.
    pub(crate) objects: BTreeMap<&'static str, Object>,
    /// Our permission sets that are there, by name.
    pub(crate) sets: BTreeMap<String, Set>,
    /// List views of our objects: `Object.Name`.
    pub(crate) views: BTreeSet<String>,
    /// Objects with a tab.
    pub(crate) tabs: BTreeSet<String>,
    /// The id of the folder for reports.
    pub(crate) folder: Option<String>,
    /// The names of the reports in it.
    pub(crate) reports: BTreeSet<String>,
    /// Layouts of the standard objects.
    pub(crate) layouts: Vec<Layout>,
}

/// An object of ours.
#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) description: String,
    /// By name. None: it is there, and its definition could not be seen.
    pub(crate) fields: BTreeMap<String, Option<Described>>,
    pub(crate) records: Option<u64>,
}

/// A permission set of ours.
#[derive(Debug, Default)]
pub(crate) struct Set {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) granted: Granted,
    /// Assignment and user.
    pub(crate) assigned: Vec<(String, String)>,
}

/// A page layout of a standard object.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) id: String,
    pub(crate) object: String,
    pub(crate) name: String,
    /// Its whole definition; none if it can't be read.
    pub(crate) definition: Option<Value>,
}

/// Reads it.
pub(crate) fn read(get: Get<'_>) -> Result<Org, Failure> {
    let mut reader = Reader::new(get);
    let mut org = Org {
        user: user(&mut reader)?,
        ..Org::default()
    };
    surroundings(&mut reader, &mut org)?;
    sets(&mut reader, &mut org)?;
    objects(&mut reader, &mut org)?;
    views(&mut reader, &mut org)?;
    layouts(&mut reader, &mut org)?;
    Ok(org)
}

/// The user that the connection runs as: the end of its identity's address.
fn user(reader: &mut Reader<'_>) -> Result<String, Failure> {
    let root = reader.json("/")?;
    at(&root, "identity")
        .text()
        .and_then(|identity| identity.rsplit('/').next())
        .and_then(ids::long)
        .ok_or_else(|| malformed(FAR, "no word on whom the connection runs as"))
}

fn surroundings(reader: &mut Reader<'_>, org: &mut Org) -> Result<(), Failure> {
    let found = reader.query(DATA, "SELECT OrganizationType FROM Organization".to_owned())?;
    org.edition = text(found.first(), "OrganizationType");
    if let Some(limits) = reader.maybe("/limits")? {
        let left = at(&limits, "DataStorageMB.Remaining").text();
        org.storage_left = left.and_then(|left| left.parse().ok());
    }
    let running = format!(
        "SELECT Id FROM DeployRequest WHERE Status IN ('Pending', 'InProgress') AND CreatedById = '{}' ORDER BY CreatedDate",
        org.user
    );
    let running = reader.query(TOOLING, running)?;
    org.under_way = running.first().map(|job| text(Some(job), "Id"));
    Ok(())
}

fn sets(reader: &mut Reader<'_>, org: &mut Org) -> Result<(), Failure> {
    let names = literals(SETS.map(|set| set.name));
    let found = reader.query(
        DATA,
        format!("SELECT Id, Name, Description FROM PermissionSet WHERE Name IN ({names}) AND NamespacePrefix = null"),
    )?;
    for set in &found {
        let there = Set {
            id: text(Some(set), "Id"),
            description: text(Some(set), "Description"),
            ..Set::default()
        };
        org.sets.insert(text(Some(set), "Name"), there);
    }
    if org.sets.is_empty() {
        return Ok(());
    }
    let ids = literals(org.sets.values().map(|set| set.id.as_str()));
    let of = |object: &str, fields: &str, parent: &str| {
        format!("SELECT {fields} FROM {object} WHERE {parent} IN ({ids})")
    };
    let objects = reader.query(
        DATA,
        of(
            "ObjectPermissions",
            "ParentId, SobjectType, PermissionsRead, PermissionsCreate, PermissionsEdit, PermissionsDelete, PermissionsViewAllRecords, PermissionsModifyAllRecords",
            "ParentId",
        ),
    )?;
    let fields = reader.query(
        DATA,
        of(
            "FieldPermissions",
            "ParentId, Field, PermissionsRead, PermissionsEdit",
            "ParentId",
        ),
    )?;
    let assigned = reader.query(
        DATA,
        of(
            "PermissionSetAssignment",
            "Id, AssigneeId, PermissionSetId",
            "PermissionSetId",
        ),
    )?;
    for set in org.sets.values_mut() {
        let its = |row: &&Value, parent: &str| ids::same(&text(Some(*row), parent), &set.id);
        set.granted = Granted::read(
            objects.iter().filter(|row| its(row, "ParentId")),
            fields.iter().filter(|row| its(row, "ParentId")),
        );
        set.assigned = assigned
            .iter()
            .filter(|row| its(row, "PermissionSetId"))
            .map(|row| (text(Some(row), "Id"), text(Some(row), "AssigneeId")))
            .collect();
    }
    Ok(())
}

fn objects(reader: &mut Reader<'_>, org: &mut Org) -> Result<(), Failure> {
    let stems: Vec<&str> = receivables::ALL
        .iter()
        .map(|kind| kind.object.trim_end_matches("__c"))
        .collect();
    let found = reader.query(
        TOOLING,
        format!(
            "SELECT Id, DeveloperName, Description FROM CustomObject WHERE DeveloperName IN ({}) AND NamespacePrefix = null",
            literals(stems)
        ),
    )?;
    let named = |row: &Value, kind: &receivables::Kind| {
        text(Some(row), "DeveloperName") == kind.object.trim_end_matches("__c")
    };
    for kind in receivables::ALL {
        if let Some(row) = found.iter().find(|row| named(row, kind)) {
            let there = Object {
                id: text(Some(row), "Id"),
                description: text(Some(row), "Description"),
                ..Object::default()
            };
            org.objects.insert(kind.object, there);
        }
    }
    if org.objects.is_empty() {
        return Ok(());
    }
    // Salesforce takes ids of both lengths, and gives either.
    let ids = org
        .objects
        .values()
        .flat_map(|object| [object.id.as_str(), short(&object.id)]);
    let fields = reader.query(
        TOOLING,
        format!(
            "SELECT Id, DeveloperName, TableEnumOrId FROM CustomField WHERE TableEnumOrId IN ({}) AND NamespacePrefix = null",
            literals(ids)
        ),
    )?;
    let ours = org.sets.contains_key(SYNC.name);
    for (name, object) in &mut org.objects {
        let described = reader.maybe(&format!("/sobjects/{name}/describe"))?;
        let seen = described.as_ref().map(Described::all).unwrap_or_default();
        if described.is_some() {
            object.records = reader.count(&format!("SELECT COUNT() FROM {name}"))?;
        }
        for field in &fields {
            if short(&text(Some(field), "TableEnumOrId")) != short(&object.id) {
                continue;
            }
            let full = format!("{}__c", text(Some(field), "DeveloperName"));
            let known = match seen.get(&full) {
                Some(known) => Some(known.clone()),
                // Just made by us and not yet assigned: its turn comes once it can be seen.
                None if ours => None,
                None => {
                    let path = format!("/tooling/sobjects/CustomField/{}", text(Some(field), "Id"));
                    reader
                        .maybe(&path)?
                        .and_then(|row| Described::of_definition(row.get("Metadata")?))
                }
            };
            object.fields.insert(full, known);
        }
    }
    Ok(())
}

fn views(reader: &mut Reader<'_>, org: &mut Org) -> Result<(), Failure> {
    let names = literals(receivables::ALL.map(|kind| kind.object));
    let views = reader.query(
        DATA,
        format!("SELECT DeveloperName, SobjectType FROM ListView WHERE SobjectType IN ({names})"),
    )?;
    org.views = views
        .iter()
        .map(|row| {
            format!(
                "{}.{}",
                text(Some(row), "SobjectType"),
                text(Some(row), "DeveloperName")
            )
        })
        .collect();
    let tabs = reader.query(
        TOOLING,
        format!("SELECT SobjectName FROM TabDefinition WHERE SobjectName IN ({names})"),
    )?;
    org.tabs = tabs
        .iter()
        .map(|row| text(Some(row), "SobjectName"))
        .collect();
    let folder = reader.query(
        DATA,
        format!("SELECT Id FROM Folder WHERE Type = 'Report' AND DeveloperName = '{FOLDER}'"),
    )?;
    org.folder = folder.first().map(|row| text(Some(row), "Id"));
    let reports = reader.query(
        DATA,
        format!("SELECT DeveloperName FROM Report WHERE FolderName = '{FOLDER}'"),
    )?;
    org.reports = reports
        .iter()
        .map(|row| text(Some(row), "DeveloperName"))
        .collect();
    Ok(())
}

fn layouts(reader: &mut Reader<'_>, org: &mut Org) -> Result<(), Failure> {
    let found = reader.query(
        TOOLING,
        format!(
            "SELECT Id, Name, TableEnumOrId FROM Layout WHERE TableEnumOrId IN ({}) AND NamespacePrefix = null ORDER BY TableEnumOrId, Name",
            literals(LAID_OUT)
        ),
    )?;
    for row in &found {
        let id = text(Some(row), "Id");
        let whole = reader.maybe(&format!("/tooling/sobjects/Layout/{id}"))?;
        org.layouts.push(Layout {
            object: text(Some(row), "TableEnumOrId"),
            name: text(Some(row), "Name"),
            definition: whole
                .and_then(|mut whole| whole.get_mut("Metadata").map(Value::take))
                .filter(Value::is_object),
            id,
        });
    }
    Ok(())
}

fn text(row: Option<&Value>, name: &str) -> String {
    match row.map(|row| at(row, name)) {
        Some(Field::Text(text)) => text.to_owned(),
        _ => String::new(),
    }
}

/// An id's first 15 characters.
fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}
