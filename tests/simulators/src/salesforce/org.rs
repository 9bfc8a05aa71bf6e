//! The organisation: its store and everything that is not a record (sessions, cursors, usage, counts).
//!
//! Next: [`super::api`] answers requests against it.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::catalog;
use super::consent::Consents;
use super::defect::Defect;
use super::dml::{self, Env, Lookalikes, Origin, Sight};
use super::error::ApiError;
use super::metadata::{self, Metadata, deploy::Queue};
use super::options::{Currencies, OrganisationKind, SalesforceOptions};
use super::soql::Row;
use super::store::Store;
use super::value::to_second;
use crate::clock::SimClock;

/// Calls counted since the start or the last reset; token calls are not calls of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SalesforceCounts {
    /// Calls that read.
    pub reads: u64,
    /// Calls that write (a composite with one writing sub-request writes).
    pub writes: u64,
    /// Calls of the token endpoint.
    pub tokens: u64,
    /// Calls answered with an error status.
    pub refused: u64,
    /// Calls by method and path, ids replaced: `PATCH /sobjects/Opportunity/{id}`.
    pub paths: BTreeMap<String, u64>,
}

/// A cursor: the rows that have not been fetched.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) rows: VecDeque<Row>,
    pub(crate) total: usize,
    pub(crate) page: usize,
    pub(crate) fetched: usize,
    pub(crate) opened: DateTime<Utc>,
}

/// Faults that strike rows of the request being answered.
#[derive(Debug, Default)]
pub(crate) struct RowFaults {
    pub(crate) locked: usize,
    pub(crate) validation: Option<String>,
    pub(crate) validation_of_all: Option<String>,
    pub(crate) stop_after: Option<usize>,
    pub(crate) written: usize,
    pub(crate) stopped: bool,
}

/// A long transaction that has begun and not committed.
#[derive(Debug)]
pub(crate) struct LateWrite {
    pub(crate) object: String,
    pub(crate) id: Option<String>,
    pub(crate) fields: Map<String, Value>,
    pub(crate) began: DateTime<Utc>,
}

#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) store: Store,
    pub(crate) metadata: Metadata,
    pub(crate) deployments: Queue,
    pub(crate) options: SalesforceOptions,
    pub(crate) clock: SimClock,
    pub(crate) counts: SalesforceCounts,
    pub(crate) sessions: BTreeMap<String, DateTime<Utc>>,
    pub(crate) consents: Consents,
    pub(crate) cursors: BTreeMap<String, Cursor>,
    pub(crate) usage: VecDeque<DateTime<Utc>>,
    pub(crate) rows: RowFaults,
    pub(crate) late: BTreeMap<u64, LateWrite>,
    pub(crate) next: u64,
    pub(crate) organisation_id: String,
    pub(crate) user_id: String,
}

/// Name, probability, closed, won, forecast category of the stages every organisation starts with.
const STAGES: [(&str, u32, bool, bool, &str); 10] = [
    ("Prospecting", 10, false, false, "Pipeline"),
    ("Qualification", 10, false, false, "Pipeline"),
    ("Needs Analysis", 20, false, false, "Pipeline"),
    ("Value Proposition", 50, false, false, "Pipeline"),
    ("Id. Decision Makers", 60, false, false, "Pipeline"),
    ("Perception Analysis", 70, false, false, "Pipeline"),
    ("Proposal/Price Quote", 75, false, false, "Pipeline"),
    ("Negotiation/Review", 90, false, false, "Pipeline"),
    ("Closed Won", 100, true, true, "Closed"),
    ("Closed Lost", 0, true, false, "Omitted"),
];

impl Org {
    /// An organisation with its user, stages and standard price book. The seed of a scenario can never
    /// fail here: what is loaded is fixed (a test loads it).
    pub(crate) fn new(options: SalesforceOptions, clock: SimClock) -> Self {
        let mut store = Store::new(catalog::schema(&options));
        store.defects = options.defects;
        let organisation_id = store.fresh_id("Organization");
        let user_id = store.fresh_id("User");
        let metadata = metadata::standard(&store, to_second(clock.now()));
        let mut org = Self {
            store,
            metadata,
            deployments: Queue::default(),
            options,
            clock,
            counts: SalesforceCounts::default(),
            sessions: BTreeMap::new(),
            consents: Consents::default(),
            cursors: BTreeMap::new(),
            usage: VecDeque::new(),
            rows: RowFaults::default(),
            late: BTreeMap::new(),
            next: 0,
            organisation_id,
            user_id,
        };
        if let Err(error) = org.load_basics() {
            tracing::error!(message = %error.message, "the organisation's own records could not be loaded");
        }
        org
    }

    fn load_basics(&mut self) -> Result<(), ApiError> {
        let sandbox = self.options.kind == OrganisationKind::Sandbox;
        let zone = self.options.user_zone.name();
        let basics = [
            (
                "User",
                json!({
                    "Id": self.user_id, "Username": "integration@footbridge-demo.example", "FirstName": "Integration",
                    "LastName": "User", "Email": "integration@footbridge-demo.example", "IsActive": true,
                    "UserType": "Standard", "TimeZoneSidKey": zone,
                }),
            ),
            (
                "Organization",
                json!({
                    "Id": self.organisation_id, "Name": self.options.organisation_name, "IsSandbox": sandbox,
                    "OrganizationType": self.options.edition, "InstanceName": "UK99", "DefaultLocaleSidKey": "en_GB",
                    "LanguageLocaleKey": "en_US", "TimeZoneSidKey": zone, "Country": "GB", "FiscalYearStartMonth": 1,
                }),
            ),
            (
                "Pricebook2",
                json!({"Name": "Standard Price Book", "IsActive": true, "IsStandard": true}),
            ),
        ];
        for (object, record) in basics {
            self.load(object, &record)?;
        }
        for (order, (name, probability, closed, won, forecast)) in STAGES.into_iter().enumerate() {
            self.load("OpportunityStage", &json!({
                "MasterLabel": name, "ApiName": name, "IsActive": true, "IsClosed": closed, "IsWon": won,
                "SortOrder": order + 1, "DefaultProbability": probability, "ForecastCategory": forecast,
            }))?;
        }
        if self.options.currencies == Currencies::Multi {
            let corporate = self.options.currency.clone();
            for (code, rate, places) in [
                ("GBP", "1", 2),
                ("EUR", "1.17", 2),
                ("USD", "1.3", 2),
                ("JPY", "195", 0),
                ("AUD", "1.98", 2),
            ] {
                self.load("CurrencyType", &json!({
                    "IsoCode": code, "ConversionRate": rate, "DecimalPlaces": places, "IsActive": true,
                    "IsCorporate": code == corporate,
                }))?;
            }
        }
        Ok(())
    }

    /// What every call begins with: deployments that had time enough take effect, the user's date and view
    /// of the schema are those of now.
    pub(crate) fn begin(&mut self) {
        let now = self.now();
        self.deployments
            .settle(&mut self.store, &mut self.metadata, now);
        self.store.today = now.with_timezone(&self.options.user_zone).date_naive();
        self.look_around();
    }

    /// Takes note of permissions and fields that changed.
    pub(crate) fn look_around(&mut self) {
        if self.store.stale {
            let user = self.user_id.clone();
            self.store.look_around(&user);
        }
    }

    /// The instant that is stamped now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        to_second(self.clock.now())
    }

    pub(crate) fn load(&mut self, object: &str, record: &Value) -> Result<String, ApiError> {
        let body = record
            .as_object()
            .ok_or_else(|| ApiError::json_parser("a record is a JSON object"))?;
        let env = Env {
            now: to_second(self.clock.now()),
            user: &self.user_id,
            options: &self.options,
            lookalikes: Lookalikes::Refuse,
            origin: Origin::Load,
            sight: Sight::Everything,
        };
        let loaded = dml::load(&mut self.store, env, object, body);
        self.store.commit();
        loaded
    }

    /// A record with all its fields, or null.
    pub(crate) fn print(&self, object: &str, id: &str) -> Value {
        let Some(def) = self.store.schema.object(object) else {
            return Value::Null;
        };
        let Some(record) = self.store.get(&def.name, id) else {
            return Value::Null;
        };
        let style = self.options.number_style;
        let fields = def.fields().iter();
        fields
            .map(|field| {
                (
                    field.name.clone(),
                    super::soql::print(&self.store, &def.name, record, field, style),
                )
            })
            .collect()
    }

    /// Runs one write of one record with the faults that strike rows.
    pub(crate) fn write<T>(
        &mut self,
        lookalikes: Lookalikes,
        write: impl FnOnce(&mut Store, Env<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let rows = &mut self.rows;
        if rows.stopped || rows.stop_after.is_some_and(|most| rows.written >= most) {
            rows.stopped = true;
            return Err(ApiError::new(
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred.",
            ));
        }
        if rows.locked > 0 && !self.options.defects.has(Defect::LockedRowWritten) {
            rows.locked -= 1;
            return Err(ApiError::about(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
                &[],
            ));
        }
        let refused = rows
            .validation
            .take()
            .or(rows.validation_of_all.clone())
            .map(|message| ApiError::about("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, &[]));
        let saves = self.options.defects.has(Defect::ValidationAfterSave);
        if let Some(refusal) = refused.clone().filter(|_| !saves) {
            return Err(refusal);
        }
        let env = Env {
            now: to_second(self.clock.now()),
            user: &self.user_id,
            options: &self.options,
            lookalikes,
            origin: Origin::Api,
            sight: Sight::Integration,
        };
        let written = write(&mut self.store, env)?;
        self.rows.written += 1;
        refused.map_or(Ok(written), Err)
    }

    /// A number used for nothing else.
    pub(crate) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Calls in the last 24 hours.
    pub(crate) fn used(&mut self) -> usize {
        let since = self.clock.now() - Duration::hours(24);
        while self.usage.front().is_some_and(|at| *at <= since) {
            self.usage.pop_front();
        }
        self.usage.len()
    }

    /// The start of the oldest transaction that has not committed, or now.
    pub(crate) fn covered(&self) -> DateTime<Utc> {
        if self.options.defects.has(Defect::CoveredTooFar) {
            return self.now();
        }
        self.late
            .values()
            .map(|late| late.began)
            .min()
            .unwrap_or_else(|| self.now())
            .min(self.now())
    }

    /// Commits a long transaction with the stamp of its beginning.
    pub(crate) fn commit_late(&mut self, late: LateWrite) -> Result<String, ApiError> {
        let env = Env {
            now: late.began,
            user: &self.user_id,
            options: &self.options,
            lookalikes: Lookalikes::AllowSave,
            origin: Origin::Api,
            sight: Sight::Everything,
        };
        let id = match &late.id {
            Some(id) => dml::update(&mut self.store, env, &late.object, id, &late.fields)
                .map(|()| id.clone()),
            None => dml::create(&mut self.store, env, &late.object, &late.fields),
        };
        self.store.commit();
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basics_load_with_either_currency_setting() {
        for currencies in [Currencies::Single, Currencies::Multi] {
            let options = SalesforceOptions {
                currencies,
                ..SalesforceOptions::default()
            };
            let mut org = Org::new(options, SimClock::system());
            assert_eq!(org.store.all("OpportunityStage").count(), 10);
            assert_eq!(org.store.all("Organization").count(), 1);
            assert!(
                org.load_basics().is_err(),
                "the same ids a second time are refused"
            );
        }
    }
}
