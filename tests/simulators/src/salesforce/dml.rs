//! Create, update, delete, merge and load: one record at a time, each a transaction of its own.
//!
//! Order of a save: read the fields, triggers, rules before the save, references, required fields,
//! uniqueness, look-alikes, stamps, store, rules after the save. Next: [`super::rules`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::check::{self, Changes, Operation};
use super::defect::Defect;
use super::error::ApiError;
use super::options::{OnAllowSave, Rewritten, SalesforceOptions};
use super::rules;
use super::schema::{FieldKind, Key, Need, ObjectDef, Schema};
use super::store::{Record, Store};
use super::value::FieldValue;

/// What surrounds a write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'a> {
    /// The instant that is stamped, to the second.
    pub(crate) now: DateTime<Utc>,
    /// The user the application runs as.
    pub(crate) user: &'a str,
    pub(crate) options: &'a SalesforceOptions,
    pub(crate) lookalikes: Lookalikes,
    pub(crate) origin: Origin,
    pub(crate) sight: Sight,
}

/// Whose view of the schema a write is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The integration user's.
    Integration,
    /// A person's who sees everything, and the loader's.
    Everything,
}

impl Sight {
    fn of(self, store: &Store) -> &Schema {
        match self {
            Self::Integration => &store.seen,
            Self::Everything => &store.schema,
        }
    }
}

/// What the client wants done about look-alikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookalikes {
    Refuse,
    AllowSave,
}

/// Where a write comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Api,
    /// Seeding: given stamps are kept, parents are not stamped.
    Load,
}

/// The object of that name.
pub(crate) fn object(store: &Store, name: &str) -> Result<Arc<ObjectDef>, ApiError> {
    store
        .schema
        .object(name)
        .cloned()
        .ok_or_else(ApiError::not_found)
}

/// The object of that name as the integration user sees it.
pub(crate) fn seen(store: &Store, name: &str) -> Result<Arc<ObjectDef>, ApiError> {
    store
        .seen
        .object(name)
        .cloned()
        .ok_or_else(ApiError::not_found)
}

/// The fields a client gave, held to what it sees.
fn given(
    store: &Store,
    env: Env<'_>,
    name: &str,
    body: &Map<String, Value>,
    operation: Operation,
) -> Result<Changes, ApiError> {
    let schema = env.sight.of(store);
    let def = schema.object(name).ok_or_else(ApiError::not_found)?;
    check::changes(store, schema, def, body, operation)
}

/// Saves a new record and returns its id.
pub(crate) fn create(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    body: &Map<String, Value>,
) -> Result<String, ApiError> {
    let def = object(store, name)?;
    if body.keys().any(|key| key.eq_ignore_ascii_case("id")) {
        return Err(ApiError::about(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "cannot specify Id in an insert call",
            &["Id"],
        ));
    }
    let given = given(store, env, name, body, Operation::Create)?;
    in_transaction(store, |store| {
        let id = store.fresh_id(&def.name);
        let mut record = blank(&def, &id);
        stamp_created(&mut record, &def, env);
        save(store, env, &def, None, record, given)?;
        Ok(id)
    })
}

/// Changes a record.
pub(crate) fn update(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    id: &str,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    let def = object(store, name)?;
    let given = given(store, env, name, body, Operation::Update)?;
    let old = existing(store, &def, id, env.sight)?;
    in_transaction(store, |store| {
        let mut record = old.clone();
        let changes = given.iter().any(|(field, value)| old.get(field) != value);
        if changes || !store.has(Defect::SameValueUnstamped) {
            stamp_modified(&mut record, &def, env);
        }
        for (defect, stamp) in [
            (Defect::StampKept, "SystemModstamp"),
            (Defect::ModifiedKept, "LastModifiedDate"),
        ] {
            if store.has(defect) {
                record.set(stamp, old.get(stamp).clone());
            }
        }
        save(store, env, &def, Some(&old), record, given)
    })
}

/// Puts a record into the recycle bin, and those that belong to it.
pub(crate) fn delete(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    id: &str,
) -> Result<(), ApiError> {
    let def = object(store, name)?;
    let rights = env
        .sight
        .of(store)
        .object(name)
        .map(|def| def.writable.rights());
    if !rights.is_some_and(|rights| rights.delete) {
        return Err(ApiError::new(
            "INVALID_TYPE_FOR_OPERATION",
            format!("entity type {} does not support delete", def.name),
        ));
    }
    let old = existing(store, &def, id, env.sight)?;
    in_transaction(store, |store| {
        rules::before_delete(store, &def.name, &old)?;
        bin(store, env, &def.name, &old);
        clear_lookups(store, env, &def.name, &old);
        rules::after_delete(store, env, &def.name, &old)
    })
}

/// Takes a record out of the recycle bin, and what went with it in the same moment. Lookups that its deletion emptied stay empty.
pub(crate) fn undelete(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    id: &str,
) -> Result<(), ApiError> {
    let def = object(store, name)?;
    let in_bin = |record: &&Record| record.get("IsDeleted").is_true();
    let gone = store.get(&def.name, id).filter(in_bin).cloned();
    let gone = gone
        .filter(|gone| gone.get("MasterRecordId").is_null())
        .ok_or_else(|| ApiError::new("UNDELETE_FAILED", "Entity is not in the recycle bin"))?;
    let went = gone.get("SystemModstamp").clone();
    let with_it: Vec<(String, Record)> = store
        .schema
        .children(&def.name)
        .flat_map(|child| {
            let of_it = store.all(&child.object.name).filter(|record| {
                record.text(&child.field.name) == Some(id)
                    && in_bin(record)
                    && *record.get("SystemModstamp") == went
            });
            of_it.map(move |record| (child.object.name.clone(), record.clone()))
        })
        .collect();
    for (object, record) in [(def.name.clone(), gone)].into_iter().chain(with_it) {
        let mut back = record;
        back.set("IsDeleted", FieldValue::Flag(false));
        if let Some(def) = store.schema.object(&object).cloned() {
            stamp_modified(&mut back, &def, env);
        }
        back.set("SystemModstamp", FieldValue::Instant(env.now));
        store.put(&object, back);
    }
    Ok(())
}

/// Marks a record deleted without asking any rule.
pub(crate) fn bin(store: &mut Store, env: Env<'_>, object: &str, record: &Record) {
    let mut gone = record.clone();
    gone.set("IsDeleted", FieldValue::Flag(true));
    gone.set("SystemModstamp", FieldValue::Instant(env.now));
    if let Some(def) = store
        .schema
        .object(object)
        .filter(|def| def.field("LastModifiedDate").is_some())
    {
        let def = def.clone();
        stamp_modified(&mut gone, &def, env);
    }
    store.put(object, gone);
}

/// Empties the custom lookups that pointed at a deleted record.
fn clear_lookups(store: &mut Store, env: Env<'_>, object: &str, gone: &Record) {
    let pointing: Vec<(String, String, Record)> = store
        .schema
        .objects()
        .flat_map(|def| def.fields().iter().map(move |field| (def, field)))
        .filter(|(_, field)| {
            field.is_custom()
                && matches!(&field.kind, FieldKind::Reference { to, .. } if to == object)
        })
        .flat_map(|(def, field)| {
            store
                .with(&def.name, &field.name, &FieldValue::text(gone.id()))
                .into_iter()
                .map(|record| (def.name.clone(), field.name.clone(), record.clone()))
        })
        .collect();
    for (object, field, mut record) in pointing {
        // One record may have pointed at it twice.
        if let Some(current) = store.get(&object, record.id()) {
            record = current.clone();
        }
        record.set(&field, FieldValue::Null);
        record.set("SystemModstamp", FieldValue::Instant(env.now));
        store.put(&object, record);
    }
}

/// Merges `loser` into `master`: its children move, it is deleted and names its master.
pub(crate) fn merge(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    master: &str,
    loser: &str,
) -> Result<(), ApiError> {
    let def = object(store, name)?;
    if def.field("MasterRecordId").is_none() || master == loser {
        return Err(ApiError::new(
            "INVALID_OPERATION",
            format!("{} {loser} cannot be merged into {master}", def.name),
        ));
    }
    let mut kept = existing(store, &def, master, env.sight)?;
    let mut gone = existing(store, &def, loser, env.sight)?;
    let moved: Vec<(String, String, Record)> = store
        .schema
        .children(&def.name)
        .flat_map(|child| {
            store
                .with(
                    &child.object.name,
                    &child.field.name,
                    &FieldValue::text(loser),
                )
                .into_iter()
                .map(move |record| {
                    (
                        child.object.name.clone(),
                        child.field.name.clone(),
                        record.clone(),
                    )
                })
        })
        .collect();
    let stay = store.has(Defect::ChildrenLeftBehind);
    for (object_name, field, mut record) in moved.into_iter().filter(|_| !stay) {
        record.set(&field, FieldValue::text(master));
        record.set("SystemModstamp", FieldValue::Instant(env.now));
        store.put(&object_name, record);
    }
    if !store.has(Defect::MergedWithoutMaster) {
        gone.set("MasterRecordId", FieldValue::text(master));
    }
    store.put(&def.name, gone.clone());
    bin(store, env, &def.name, &gone);
    stamp_modified(&mut kept, &def, env);
    store.put(&def.name, kept);
    Ok(())
}

/// Takes a record as it is, stamps and id included; what is not given is computed as on create.
pub(crate) fn load(
    store: &mut Store,
    env: Env<'_>,
    name: &str,
    body: &Map<String, Value>,
) -> Result<String, ApiError> {
    let def = object(store, name)?;
    let given = check::changes(store, &store.schema, &def, body, Operation::Load)?;
    let id = match given.get("Id").and_then(FieldValue::as_text) {
        Some(id) => id.to_owned(),
        None => store.fresh_id(&def.name),
    };
    if store.get(&def.name, &id).is_some() {
        return Err(ApiError::about(
            "DUPLICATE_VALUE",
            format!("{} {id} is already there", def.name),
            &["Id"],
        ));
    }
    in_transaction(store, |store| {
        let mut record = blank(&def, &id);
        let created = given
            .get("CreatedDate")
            .and_then(FieldValue::as_instant)
            .unwrap_or(env.now);
        stamp_created(
            &mut record,
            &def,
            Env {
                now: created,
                ..env
            },
        );
        if let Some(modified) = given.get("LastModifiedDate").cloned() {
            record.set("SystemModstamp", modified);
        }
        let env = Env {
            origin: Origin::Load,
            ..env
        };
        save(store, env, &def, None, record, given)?;
        Ok(id)
    })
}

/// The ids of live records whose key field has that value.
pub(crate) fn find(
    store: &Store,
    def: &ObjectDef,
    field: &str,
    value: &str,
) -> Result<Vec<String>, ApiError> {
    let field = def
        .field(field)
        .filter(|field| {
            matches!(field.key, Key::External | Key::UniqueExternal) || field.kind == FieldKind::Id
        })
        .ok_or_else(|| {
            ApiError::new(
                "NOT_FOUND",
                format!("Provided external ID field does not exist or is not accessible: {field}"),
            )
            .status(404)
        })?;
    let value = check::parse(field, &json!(value))?;
    if field.kind == FieldKind::Id {
        let id = value.as_text().unwrap_or_default().to_owned();
        return Ok(store.live(&def.name, &id).map(|_| id).into_iter().collect());
    }
    Ok(store
        .with(&def.name, &field.name, &value)
        .iter()
        .map(|record| record.id().to_owned())
        .collect())
}

/// The record, or why it cannot be written.
pub(crate) fn existing(
    store: &Store,
    def: &ObjectDef,
    id: &str,
    sight: Sight,
) -> Result<Record, ApiError> {
    let Some(id) = super::ids::canonical(id) else {
        return Err(ApiError::about(
            "MALFORMED_ID",
            format!("malformed id {id}"),
            &["Id"],
        ));
    };
    let shown = |record: &&Record| sight == Sight::Everything || store.shows(record);
    match store.get(&def.name, &id).filter(shown) {
        Some(record) if record.is_deleted() => {
            Err(ApiError::about("ENTITY_IS_DELETED", "entity is deleted", &[]).status(404))
        }
        Some(record) => Ok(record.clone()),
        None if !id.starts_with(&def.prefix) => Err(ApiError::about(
            "MALFORMED_ID",
            format!("{} ID: id value of incorrect type: {id}", def.label),
            &["Id"],
        )),
        None => Err(
            ApiError::about("NOT_FOUND", "The requested resource does not exist", &[]).status(404),
        ),
    }
}

fn in_transaction<T>(
    store: &mut Store,
    write: impl FnOnce(&mut Store) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let savepoint = store.savepoint();
    let written = write(store);
    if written.is_err() {
        store.roll_back(savepoint);
    }
    written
}

fn blank(def: &ObjectDef, id: &str) -> Record {
    let mut record = Record::default();
    for field in def.fields() {
        record.set(&field.name, field.initial());
    }
    record.set("Id", FieldValue::text(id));
    record
}

fn stamp_created(record: &mut Record, def: &ObjectDef, env: Env<'_>) {
    set_if(record, def, "CreatedDate", FieldValue::Instant(env.now));
    set_if(record, def, "CreatedById", FieldValue::text(env.user));
    set_if(record, def, "OwnerId", FieldValue::text(env.user));
    stamp_modified(record, def, env);
}

/// Stamps a change; every write does, also one that changes no value.
pub(crate) fn stamp_modified(record: &mut Record, def: &ObjectDef, env: Env<'_>) {
    set_if(
        record,
        def,
        "LastModifiedDate",
        FieldValue::Instant(env.now),
    );
    set_if(record, def, "LastModifiedById", FieldValue::text(env.user));
    set_if(record, def, "SystemModstamp", FieldValue::Instant(env.now));
}

fn set_if(record: &mut Record, def: &ObjectDef, field: &str, value: FieldValue) {
    if def.field(field).is_some() {
        record.set(field, value);
    }
}

fn save(
    store: &mut Store,
    env: Env<'_>,
    def: &ObjectDef,
    old: Option<&Record>,
    mut record: Record,
    mut given: Changes,
) -> Result<(), ApiError> {
    if env.origin == Origin::Api && !store.has(Defect::TriggerIgnored) {
        rewrite(env.options, def, &mut given)?;
    }
    for (field, value) in &given {
        record.set(field, value.clone());
    }
    rules::before_save(store, env, &def.name, old, &mut record, &given)?;
    if !store.has(Defect::ReferencesUnchecked) {
        references(store, def, &given)?;
    }
    if !store.has(Defect::RequiredOptional) {
        required(def, &record)?;
    }
    if !store.has(Defect::DuplicateKeyAccepted) {
        unique(store, def, &record)?;
    }
    if env.origin == Origin::Api && !store.has(Defect::LookAlikesAccepted) {
        look_alikes(store, env, def, &record, &given)?;
    }
    store.put(&def.name, record.clone());
    rules::after_save(store, env, &def.name, old, &record, &given)
}

fn rewrite(
    options: &SalesforceOptions,
    def: &ObjectDef,
    given: &mut Changes,
) -> Result<(), ApiError> {
    for rule in options
        .rewrite_rules
        .iter()
        .filter(|rule| rule.object.eq_ignore_ascii_case(&def.name))
    {
        let Some(field) = def.field(&rule.field) else {
            continue;
        };
        let Some(value) = given.get_mut(&field.name).filter(|value| !value.is_null()) else {
            continue;
        };
        let new = match (&rule.becomes, value.as_text()) {
            (Rewritten::Value(value), _) => value.clone(),
            (Rewritten::Uppercase, Some(text)) => json!(text.to_uppercase()),
            (Rewritten::Prefixed(prefix), Some(text)) => json!(format!("{prefix}{text}")),
            (Rewritten::Uppercase | Rewritten::Prefixed(_), None) => continue,
        };
        *value = check::parse(field, &new)?;
    }
    Ok(())
}

fn references(store: &Store, def: &ObjectDef, given: &Changes) -> Result<(), ApiError> {
    for (name, value) in given {
        let Some(field) = def.field(name) else {
            continue;
        };
        let (FieldKind::Reference { to, .. }, Some(id)) = (&field.kind, value.as_text()) else {
            continue;
        };
        match store.get(to, id) {
            Some(target) if target.is_deleted() => {
                return Err(ApiError::about(
                    "ENTITY_IS_DELETED",
                    "entity is deleted",
                    &[],
                ));
            }
            Some(_) => {}
            None if store
                .schema
                .object(to)
                .is_some_and(|target| id.starts_with(&target.prefix)) =>
            {
                return Err(ApiError::about(
                    "INVALID_CROSS_REFERENCE_KEY",
                    "invalid cross reference id",
                    &[],
                ));
            }
            None => {
                return Err(ApiError::about(
                    "MALFORMED_ID",
                    format!("{}: id value of incorrect type: {id}", field.label),
                    &[&field.name],
                ));
            }
        }
    }
    Ok(())
}

fn required(def: &ObjectDef, record: &Record) -> Result<(), ApiError> {
    let missing: Vec<&str> = def
        .fields()
        .iter()
        .filter(|field| field.need == Need::Required && record.get(&field.name).is_null())
        .map(|field| field.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ApiError::about(
        "REQUIRED_FIELD_MISSING",
        format!("Required fields are missing: [{}]", missing.join(", ")),
        &missing,
    ))
}

fn unique(store: &Store, def: &ObjectDef, record: &Record) -> Result<(), ApiError> {
    for field in def
        .fields()
        .iter()
        .filter(|field| matches!(field.key, Key::Unique | Key::UniqueExternal))
    {
        let same = store.with(&def.name, &field.name, record.get(&field.name));
        if let Some(other) = same.iter().find(|other| other.id() != record.id()) {
            let id = other.id().get(..15).unwrap_or_default();
            return Err(ApiError::about(
                "DUPLICATE_VALUE",
                format!(
                    "duplicate value found: {} duplicates value on record with id: {id}",
                    field.name
                ),
                &[],
            ));
        }
    }
    Ok(())
}

fn look_alikes(
    store: &Store,
    env: Env<'_>,
    def: &ObjectDef,
    record: &Record,
    given: &Changes,
) -> Result<(), ApiError> {
    for rule in &env.options.duplicate_rules {
        let fields: Vec<&str> = rule
            .fields
            .iter()
            .filter_map(|name| def.field(name))
            .map(|field| field.name.as_str())
            .collect();
        let concerns = rule.object.eq_ignore_ascii_case(&def.name)
            && fields.iter().any(|name| given.contains_key(*name));
        let let_through = rule.on_allow_save == OnAllowSave::Saves
            && env.lookalikes == Lookalikes::AllowSave
            && !store.has(Defect::AllowSaveIgnored);
        if !concerns || let_through {
            continue;
        }
        let key = |record: &Record| -> Option<Vec<String>> {
            fields
                .iter()
                .map(|name| record.get(name).index_key())
                .collect()
        };
        let Some(wanted) = key(record) else { continue };
        let same: Vec<&Record> = store
            .all(&def.name)
            .filter(|other| {
                !other.is_deleted()
                    && other.id() != record.id()
                    && key(other).as_ref() == Some(&wanted)
            })
            .collect();
        if same.is_empty() {
            continue;
        }
        let mut error = ApiError::about("DUPLICATES_DETECTED", "Use one of these records?", &[]);
        let records: Vec<Value> = same
            .iter()
            .map(|other| json!({"matchConfidence": 100.0, "record": {"attributes": {"type": def.name}, "Id": other.id()}}))
            .collect();
        error.extra.insert(
            "duplicateResult".to_owned(),
            json!({
                "allowSave": rule.on_allow_save == OnAllowSave::Saves,
                "duplicateRule": format!("Standard_{}_Duplicate_Rule", def.name),
                "duplicateRuleEntityType": def.name,
                "errorMessage": "Use one of these records?",
                "matchResults": [{"entityType": def.name, "matchRecords": records, "size": same.len(), "success": true}],
            }),
        );
        return Err(error);
    }
    Ok(())
}
