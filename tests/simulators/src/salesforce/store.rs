//! The records, their indexes and the undo log that makes several writes one transaction.
//!
//! It enforces nothing: [`super::dml`] does. Every change of a record goes through [`Store::put`], so
//! that indexes and undo are always right.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};

use super::defect::Defect;
use super::formula::{self, Scene};
use super::ids;
use super::metadata;
use super::schema::{FieldDef, FieldKind, Schema};
use super::value::FieldValue;
use crate::defects::Defects;

/// A record's fields by their defined names; what is missing is null.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    fields: BTreeMap<String, FieldValue>,
}

static NULL: FieldValue = FieldValue::Null;

impl Record {
    pub(crate) fn get(&self, field: &str) -> &FieldValue {
        self.fields.get(field).unwrap_or(&NULL)
    }

    pub(crate) fn set(&mut self, field: &str, value: FieldValue) {
        if value.is_null() {
            self.fields.remove(field);
        } else {
            self.fields.insert(field.to_owned(), value);
        }
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.get(field).as_text()
    }

    pub(crate) fn id(&self) -> &str {
        self.text("Id").unwrap_or_default()
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.get("IsDeleted").is_true()
    }
}

type Ids = BTreeSet<String>;
/// Per indexed field of one object: value to the ids of records having it.
type Index = HashMap<String, HashMap<String, Ids>>;

#[derive(Clone, Debug, Default)]
struct Table {
    records: BTreeMap<String, Record>,
    index: Index,
}

#[derive(Clone, Debug)]
struct Undo {
    object: String,
    id: String,
    before: Option<Record>,
}

/// All records of the organisation.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// Everything there is.
    pub(crate) schema: Schema,
    /// What the integration user sees of it; see [`Store::look_around`].
    pub(crate) seen: Schema,
    /// The integration user's date, for formulas.
    pub(crate) today: NaiveDate,
    /// Whether `seen` must be worked out anew.
    pub(crate) stale: bool,
    /// Ids of records that no sharing rule shows to the integration user.
    pub(crate) hidden: BTreeSet<String>,
    tables: BTreeMap<String, Table>,
    numbers: BTreeMap<String, u64>,
    undo: Vec<Undo>,
    pub(crate) defects: Defects<Defect>,
}

/// A point in the undo log to come back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Savepoint(usize);

impl Store {
    pub(crate) fn new(schema: Schema) -> Self {
        Self {
            seen: schema.clone(),
            schema,
            today: NaiveDate::default(),
            stale: false,
            hidden: BTreeSet::new(),
            tables: BTreeMap::new(),
            numbers: BTreeMap::new(),
            undo: Vec::new(),
            defects: Defects::none(),
        }
    }

    /// Whether this defect is seeded.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defects.has(defect)
    }

    /// Whether the integration user is shown this record.
    pub(crate) fn shows(&self, record: &Record) -> bool {
        !self.hidden.contains(record.id())
    }

    /// Works out anew what a user sees.
    pub(crate) fn look_around(&mut self, user: &str) {
        self.seen = if self.has(Defect::HiddenFieldShown) {
            self.schema.clone()
        } else {
            metadata::sight(self, user)
        };
        self.stale = false;
    }

    /// A field's value: as stored, or worked out now.
    pub(crate) fn value<'a>(
        &'a self,
        object: &str,
        record: &'a Record,
        field: &FieldDef,
    ) -> Cow<'a, FieldValue> {
        match &field.formula {
            // Records older than a checkbox have it unchecked.
            None if field.kind == FieldKind::Checkbox && record.get(&field.name).is_null() => {
                Cow::Owned(FieldValue::Flag(false))
            }
            None => Cow::Borrowed(record.get(&field.name)),
            Some(_) if self.has(Defect::FormulaNeverWorkedOut) => Cow::Owned(FieldValue::Null),
            Some(formula) => {
                let yesterday = self.has(Defect::FormulaOfYesterday);
                let today = self.today - Days::new(u64::from(yesterday));
                let scene = Scene {
                    store: self,
                    object,
                    record,
                    today,
                };
                Cow::Owned(formula::value(scene, field, formula))
            }
        }
    }

    /// Takes a record away for good; says whether it was there.
    pub(crate) fn erase(&mut self, object: &str, id: &str) -> bool {
        let before = self.replace(object, id, None);
        let existed = before.is_some();
        if existed {
            self.undo.push(Undo {
                object: object.to_owned(),
                id: id.to_owned(),
                before,
            });
        }
        existed
    }

    /// Takes an object and its records away for good.
    pub(crate) fn forget_object(&mut self, object: &str) {
        self.stale = true;
        self.schema.take(object);
        self.tables.remove(object);
    }

    /// Takes a field's values away for good; the schema has lost it already.
    pub(crate) fn forget_field(&mut self, object: &str, field: &str) {
        if let Some(table) = self.tables.get_mut(object) {
            for record in table.records.values_mut() {
                record.set(field, FieldValue::Null);
            }
        }
        self.reindex(object);
    }

    /// A fresh id of an object (by its defined name).
    pub(crate) fn fresh_id(&mut self, object: &str) -> String {
        let prefix = self
            .schema
            .object(object)
            .map_or_else(|| "a00".to_owned(), |def| def.prefix.clone());
        loop {
            let number = self.numbers.entry(prefix.clone()).or_insert(0);
            *number += 1;
            // Spread, so that ids differ in the case of letters too, as real ones do.
            let id = ids::numbered(&prefix, 3_844 * 11 + *number * 37);
            if self.get(object, &id).is_none() {
                return id;
            }
        }
    }

    /// The record, deleted or not.
    pub(crate) fn get(&self, object: &str, id: &str) -> Option<&Record> {
        self.tables.get(object)?.records.get(id)
    }

    /// The record, if it is not deleted.
    pub(crate) fn live(&self, object: &str, id: &str) -> Option<&Record> {
        self.get(object, id).filter(|record| !record.is_deleted())
    }

    /// All records in order of their ids, deleted ones too.
    pub(crate) fn all(&self, object: &str) -> impl Iterator<Item = &Record> {
        self.tables
            .get(object)
            .into_iter()
            .flat_map(|table| table.records.values())
    }

    /// Live records whose indexed field has that value.
    pub(crate) fn with(&self, object: &str, field: &str, value: &FieldValue) -> Vec<&Record> {
        let mut found = self.with_any(object, field, value);
        found.retain(|record| !record.is_deleted());
        found
    }

    /// Records whose indexed field has that value, deleted ones too.
    pub(crate) fn with_any(&self, object: &str, field: &str, value: &FieldValue) -> Vec<&Record> {
        let Some((table, key)) = self.tables.get(object).zip(value.index_key()) else {
            return Vec::new();
        };
        table
            .index
            .get(field)
            .and_then(|values| values.get(&key))
            .into_iter()
            .flatten()
            .filter_map(|id| table.records.get(id))
            .collect()
    }

    /// Replaces or adds a record.
    pub(crate) fn put(&mut self, object: &str, record: Record) {
        let before = self.replace(object, record.id(), Some(record.clone()));
        self.undo.push(Undo {
            object: object.to_owned(),
            id: record.id().to_owned(),
            before,
        });
    }

    fn replace(&mut self, object: &str, id: &str, record: Option<Record>) -> Option<Record> {
        self.stale |= metadata::is_permission(object);
        let indexed: Vec<String> = self
            .schema
            .object(object)
            .map(|def| {
                def.fields()
                    .iter()
                    .filter(|field| field.is_indexed())
                    .map(|field| field.name.clone())
                    .collect()
            })
            .unwrap_or_default();
        let table = self.tables.entry(object.to_owned()).or_default();
        let before = table.records.remove(id);
        for field in indexed {
            let values = table.index.entry(field.clone()).or_default();
            let old = before
                .as_ref()
                .and_then(|record| record.get(&field).index_key());
            let new = record
                .as_ref()
                .and_then(|record| record.get(&field).index_key());
            if old == new {
                continue;
            }
            if let Some(ids) = old.and_then(|key| values.get_mut(&key)) {
                ids.remove(id);
            }
            if let Some(key) = new {
                values.entry(key).or_default().insert(id.to_owned());
            }
        }
        if let Some(record) = record {
            table.records.insert(id.to_owned(), record);
        }
        before
    }

    /// Builds the indexes of an object again after its fields changed.
    pub(crate) fn reindex(&mut self, object: &str) {
        self.stale = true;
        let records: Vec<Record> = self.all(object).cloned().collect();
        self.tables.remove(object);
        for record in records {
            let id = record.id().to_owned();
            self.replace(object, &id, Some(record));
        }
    }

    pub(crate) fn savepoint(&self) -> Savepoint {
        Savepoint(self.undo.len())
    }

    /// Takes back everything since the savepoint.
    pub(crate) fn roll_back(&mut self, to: Savepoint) {
        while self.undo.len() > to.0 {
            if let Some(undo) = self.undo.pop() {
                self.replace(&undo.object, &undo.id, undo.before);
            }
        }
    }

    /// Forgets the undo log; at the end of each request.
    pub(crate) fn commit(&mut self) {
        self.undo.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{catalog, options::SalesforceOptions};

    fn record(id: &str, account: &str) -> Record {
        let mut record = Record::default();
        record.set("Id", FieldValue::text(id));
        record.set("AccountId", FieldValue::text(account));
        record
    }

    #[test]
    fn roll_back_restores_records_and_indexes() {
        let mut store = Store::new(catalog::schema(&SalesforceOptions::default()));
        store.put("Contact", record("c1", "a1"));
        store.commit();
        let savepoint = store.savepoint();
        store.put("Contact", record("c1", "a2"));
        store.put("Contact", record("c2", "a1"));
        store.roll_back(savepoint);
        let found = store.with("Contact", "AccountId", &FieldValue::text("a1"));
        assert_eq!(found.iter().map(|r| r.id()).collect::<Vec<_>>(), ["c1"]);
        assert!(
            store
                .with("Contact", "AccountId", &FieldValue::text("a2"))
                .is_empty()
        );
        assert!(store.get("Contact", "c2").is_none());
    }
}
