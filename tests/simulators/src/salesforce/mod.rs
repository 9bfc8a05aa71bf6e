//! The Salesforce simulator: an organisation with its data, served over the REST API.
//!
//! Strict and stateful, from the published behaviour (`ASSUMPTIONS.md`, section Salesforce). It never
//! looks at what a connector sends to decide what is right. Reading order: [`schema`], [`catalog`],
//! [`store`], [`formula`], [`check`], [`dml`], [`rules`], [`metadata`], [`soql`], [`org`], [`api`].

mod api;
mod catalog;
mod check;
mod consent;
mod defect;
mod dml;
mod error;
mod formula;
pub mod ids;
mod metadata;
pub mod options;
mod org;
mod rules;
pub mod schema;
mod soql;
mod store;
mod value;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::clock::SimClock;
use crate::faults::Faults;
use crate::server::{self, Running};
pub use defect::Defect;
use dml::{Env, Lookalikes, Origin, Sight};
use error::ApiError;
pub use options::SalesforceOptions;
pub use org::SalesforceCounts;
use org::{LateWrite, Org};
use rust_decimal::Decimal;
use schema::{FieldDef, FieldKind, ObjectDef, Writable};

/// A simulated organisation; clones share it.
#[derive(Clone, Debug)]
pub struct SalesforceSimulator {
    org: Arc<Mutex<Org>>,
    faults: Faults,
    clock: SimClock,
}

/// Something could not be put into the simulator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {code}: {message}")]
pub struct LoadError {
    /// Object concerned.
    pub object: String,
    /// Error code as in the API.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl LoadError {
    fn new(object: &str, error: ApiError) -> Self {
        Self {
            object: object.to_owned(),
            code: error.code.to_owned(),
            message: error.message,
        }
    }
}

impl SalesforceSimulator {
    /// An organisation with one user, the usual stages, the standard price book and nothing else.
    pub fn new(options: SalesforceOptions, clock: SimClock) -> Self {
        Self {
            org: Arc::new(Mutex::new(Org::new(options, clock.clone()))),
            faults: Faults::default(),
            clock,
        }
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&mut Org) -> T) -> T {
        let mut org = self.org.lock().unwrap_or_else(PoisonError::into_inner);
        org.begin();
        run(&mut org)
    }

    /// The faults that wait and those that struck.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The clock everything is stamped with.
    pub fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    /// Calls since the start or the last reset.
    pub fn counts(&self) -> SalesforceCounts {
        self.with(|org| org.counts.clone())
    }

    /// Starts counting anew. The usage of the last 24 hours stays.
    pub fn reset_counts(&self) {
        self.with(|org| org.counts = SalesforceCounts::default());
    }

    /// Every code and token that was handed out, for tests that look whether one was left lying about.
    pub fn handed_out(&self) -> Vec<String> {
        self.with(|org| {
            let sessions = org.sessions.keys();
            sessions.chain(org.consents.texts()).cloned().collect()
        })
    }

    /// An administrator takes every consent for the app back.
    pub fn take_access_away(&self) {
        self.with(|org| org.consents.take_away());
    }

    /// The organisation's id, 18 characters.
    pub fn organisation_id(&self) -> String {
        self.with(|org| org.organisation_id.clone())
    }

    /// The standard price book's id, where there is one.
    pub fn standard_pricebook_id(&self) -> Option<String> {
        self.with(|org| {
            let book = org
                .store
                .all("Pricebook2")
                .find(|book| book.get("IsStandard").is_true());
            book.map(|book| book.id().to_owned())
        })
    }

    /// The routes.
    pub fn router(&self) -> Router {
        api::router(self)
    }

    /// Serves on an address (port 0: any).
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<Running> {
        server::serve(self.router(), address).await
    }

    /// Adds a field to an object, or replaces the one of that name.
    ///
    /// # Errors
    /// There is no such object.
    pub fn add_field(&self, object: &str, field: FieldDef) -> Result<(), LoadError> {
        self.change_object(object, |def| def.put(field))
    }

    /// Takes a field away, as field-level security does: it is gone from describe and queries.
    ///
    /// # Errors
    /// There is no such object.
    pub fn remove_field(&self, object: &str, field: &str) -> Result<(), LoadError> {
        self.change_object(object, |def| def.remove(field))
    }

    /// A page layout (`Account-Account Layout`) as it is defined now.
    pub fn layout(&self, full_name: &str) -> Option<Value> {
        self.with(|org| {
            let known = org.metadata.get(metadata::Kind::Layout, full_name);
            known.map(|known| known.definition.clone())
        })
    }

    /// An administrator sets the rules against look-alikes; those that were there are gone.
    pub fn set_duplicate_rules(&self, rules: Vec<options::DuplicateRule>) {
        self.with(|org| org.options.duplicate_rules = rules);
    }

    /// An administrator sets the triggers that rewrite what is written; those that were there are gone.
    pub fn set_rewrite_rules(&self, rules: Vec<options::RewriteRule>) {
        self.with(|org| org.options.rewrite_rules = rules);
    }

    /// Arranges a page layout as an administrator would, new or in place of the one of that name.
    ///
    /// # Errors
    /// The layout names a field or list that is not there.
    pub fn arrange(&self, full_name: &str, definition: &Value) -> Result<(), LoadError> {
        self.with(|org| {
            let mut site = metadata::Site {
                store: org.store.clone(),
                metadata: org.metadata.clone(),
                now: org.now(),
                user: org.user_id.clone(),
                most_fields: org.options.custom_fields,
            };
            site.apply(metadata::Kind::Layout, full_name, definition)
                .map_err(|problem| {
                    LoadError::new(
                        "Layout",
                        ApiError::new("FIELD_INTEGRITY_EXCEPTION", problem),
                    )
                })?;
            org.metadata = site.metadata;
            Ok(())
        })
    }

    fn change_object(
        &self,
        object: &str,
        change: impl FnOnce(&mut ObjectDef),
    ) -> Result<(), LoadError> {
        self.with(|org| {
            let def = org.store.schema.object_mut(object).ok_or_else(|| {
                LoadError::new(object, ApiError::new("INVALID_TYPE", "no such object"))
            })?;
            change(def);
            let name = def.name.clone();
            org.store.reindex(&name);
            Ok(())
        })
    }

    /// Adds a custom object; `prefix` is the first three characters of its ids (`a01`). It has id,
    /// stamps and `Name`.
    pub fn add_object(&self, name: &str, plural: &str, prefix: &str, fields: Vec<FieldDef>) {
        let mut all = catalog::custom_base();
        all.extend(fields);
        self.with(|org| {
            org.store
                .schema
                .put(ObjectDef::new(name, plural, prefix, Writable::Yes, all));
            org.store.stale = true;
        });
    }

    /// Puts a record in: any field may be given, id and stamps too; what is missing is computed as the
    /// organisation would. A deal's amount is rolled up from its lines; one row of history is written
    /// at `LastStageChangeDate` (or `CreatedDate`), more may be loaded. Returns the record as stored.
    ///
    /// # Errors
    /// The record breaks a rule the API would hold it to.
    pub fn load(&self, object: &str, record: Value) -> Result<Value, LoadError> {
        self.with(|org| {
            let id = org
                .load(object, &record)
                .map_err(|error| LoadError::new(object, error))?;
            Ok(org.print(object, &id))
        })
    }

    /// Gives a deal an amount whatever its lines add up to, as an organisation may hold one whose own rules would not let
    /// anyone write it. Nothing happens to a deal that is not there.
    pub fn state_amount(&self, deal: &str, amount: Decimal) {
        let kind = FieldKind::Currency {
            precision: 18,
            scale: 2,
        };
        let amount = FieldDef::new("Amount", kind).number(amount);
        self.with(|org| {
            let Some(mut stored) = org.store.get("Opportunity", deal).cloned() else {
                return;
            };
            if *stored.get("Amount") != amount {
                stored.set("Amount", amount);
                org.store.put("Opportunity", stored);
            }
            org.store.commit();
        });
    }

    /// Every record of an object, deleted ones too, with all fields.
    pub fn dump(&self, object: &str) -> Vec<Value> {
        self.with(|org| {
            let Some(def) = org.store.schema.object(object) else {
                return Vec::new();
            };
            let ids: Vec<String> = org
                .store
                .all(&def.name)
                .map(|record| record.id().to_owned())
                .collect();
            ids.iter().map(|id| org.print(object, id)).collect()
        })
    }

    /// Changes a record as a person in the organisation would, with all rules; not counted as a call.
    ///
    /// # Errors
    /// The change breaks a rule.
    pub fn edit(
        &self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
    ) -> Result<(), LoadError> {
        self.as_person(object, |store, env| {
            dml::update(store, env, object, id, &fields)
        })
    }

    /// Creates a record as a person would; not counted. Returns its id.
    ///
    /// # Errors
    /// The record breaks a rule.
    pub fn create(&self, object: &str, fields: Map<String, Value>) -> Result<String, LoadError> {
        self.as_person(object, |store, env| {
            dml::create(store, env, object, &fields)
        })
    }

    /// Deletes a record as a person would; not counted.
    ///
    /// # Errors
    /// It is not there, or is still needed.
    pub fn delete(&self, object: &str, id: &str) -> Result<(), LoadError> {
        self.as_person(object, |store, env| dml::delete(store, env, object, id))
    }

    /// Takes a record out of the recycle bin as a person would, with what went with it; not counted.
    ///
    /// # Errors
    /// It is not in the bin.
    pub fn undelete(&self, object: &str, id: &str) -> Result<(), LoadError> {
        self.as_person(object, |store, env| dml::undelete(store, env, object, id))
    }

    /// Merges two accounts or contacts as a person would: the loser is deleted and names its master.
    ///
    /// # Errors
    /// One of them is not there, or the object cannot be merged.
    pub fn merge(&self, object: &str, master: &str, loser: &str) -> Result<(), LoadError> {
        self.as_person(object, |store, env| {
            dml::merge(store, env, object, master, loser)
        })
    }

    /// Hides records from the integration user, as an administrator does by a sharing rule or a permission: nothing is stamped and
    /// nothing is told. People and [`Self::dump`] see them all the same.
    pub fn hide(&self, ids: &[String]) {
        let ids = ids.iter().filter_map(|id| ids::canonical(id));
        self.with(|org| org.store.hidden.extend(ids));
    }

    /// Shows records again.
    pub fn show(&self, ids: &[String]) {
        let ids: Vec<String> = ids.iter().filter_map(|id| ids::canonical(id)).collect();
        self.with(|org| org.store.hidden.retain(|hidden| !ids.contains(hidden)));
    }

    fn as_person<T>(
        &self,
        object: &str,
        write: impl FnOnce(&mut store::Store, Env<'_>) -> Result<T, ApiError>,
    ) -> Result<T, LoadError> {
        self.with(|org| {
            let env = Env {
                now: value::to_second(org.clock.now()),
                user: &org.user_id,
                options: &org.options,
                lookalikes: Lookalikes::AllowSave,
                origin: Origin::Api,
                sight: Sight::Everything,
            };
            let written = write(&mut org.store, env).map_err(|error| LoadError::new(object, error));
            org.store.commit();
            written
        })
    }

    /// Begins a long transaction that will create (no `id`) or change a record. It is invisible until
    /// [`Self::commit_late`] and then carries the stamp of this instant; until then `latestDateCovered`
    /// stays here. Returns its ticket.
    pub fn begin_late(&self, object: &str, id: Option<&str>, fields: Map<String, Value>) -> u64 {
        self.with(|org| {
            let began: DateTime<Utc> = org.now();
            let ticket = org.fresh();
            org.late.insert(
                ticket,
                LateWrite {
                    object: object.to_owned(),
                    id: id.map(str::to_owned),
                    fields,
                    began,
                },
            );
            ticket
        })
    }

    /// Commits a long transaction; returns the record's id.
    ///
    /// # Errors
    /// No such ticket, or the write breaks a rule.
    pub fn commit_late(&self, ticket: u64) -> Result<String, LoadError> {
        self.with(|org| {
            let late = org.late.remove(&ticket).ok_or_else(|| {
                LoadError::new("", ApiError::new("NOT_FOUND", "no such long transaction"))
            })?;
            let object = late.object.clone();
            org.commit_late(late)
                .map_err(|error| LoadError::new(&object, error))
        })
    }
}
